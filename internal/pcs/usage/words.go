package usage

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"hacluster/internal/pcs/pattern"
)

// Place is where a command line can be after some fixed words.
type Place struct {
	// Words are those that led there, "resource op"; "" is the beginning.
	Words string
	// Next are the words that can follow, with what they do; Options the options of the forms that end here.
	Next    []Choice
	Options []string
}

// Choice is a word with what it does.
type Choice struct{ Word, What string }

var option = pattern.Late(`--[a-z][a-z0-9_-]*=?|(?:^|[ \[|])-[a-z] `)

// alternatives are the words that a word of a syntax stands for: "enable|disable" are two.
func (f Form) paths() [][]string {
	paths := [][]string{{f.Section}}
	for _, w := range strings.Fields(f.Syntax) {
		w = strings.Trim(w, "[]()")
		var words []string
		for x := range strings.SplitSeq(w, "|") {
			if !plainWord(x) {
				return paths
			}
			words = append(words, x)
		}
		var next [][]string
		for _, p := range paths {
			for _, x := range words {
				next = append(next, append(slices.Clone(p), x))
			}
		}
		if len(next) > 64 {
			return paths
		}
		paths = next
	}
	return paths
}

// Places are all of them, in the order of their words.
func Places() []Place {
	next := map[string]map[string]string{"": {}}
	options := map[string]map[string]bool{}
	for _, f := range Forms() {
		for _, p := range f.paths() {
			for i, w := range p {
				at := strings.Join(p[:i], " ")
				if next[at] == nil {
					next[at] = map[string]string{}
				}
				what := ""
				if i == len(p)-1 && len(p) > 1 {
					what = f.What
				}
				if next[at][w] == "" {
					next[at][w] = what
				}
			}
			at := strings.Join(p, " ")
			if options[at] == nil {
				options[at] = map[string]bool{}
			}
			for _, o := range option().FindAllString(f.Syntax, -1) {
				options[at][strings.Trim(o, " [|")] = true
			}
		}
	}
	var out []Place
	for _, at := range slices.Sorted(maps.Keys(next)) {
		p := Place{Words: at}
		for w, what := range next[at] {
			p.Next = append(p.Next, Choice{w, what})
		}
		slices.SortFunc(p.Next, func(a, b Choice) int { return cmp.Compare(a.Word, b.Word) })
		out = append(out, p)
	}
	for at, list := range options {
		i := slices.IndexFunc(out, func(p Place) bool { return p.Words == at })
		if i < 0 {
			out = append(out, Place{Words: at})
			i = len(out) - 1
		}
		out[i].Options = slices.Sorted(maps.Keys(list))
	}
	slices.SortFunc(out, func(a, b Place) int { return cmp.Compare(a.Words, b.Words) })
	return out
}

// General are the options that every command takes.
var General = []Choice{
	{"-f", "work on a CIB in a file"},
	{"--corosync_conf=", "work on this corosync.conf"},
	{"--debug", "show what is run"},
	{"--force", "override checks"},
	{"--help", "show usage"},
	{"--request-timeout=", "seconds for a request to another node"},
	{"--version", "show the version"},
	{"--skip-offline", "carry on when nodes do not answer"},
}
