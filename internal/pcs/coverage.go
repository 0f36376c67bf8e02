package pcs

import (
	"fmt"
	"strings"

	"hacluster/internal/pcs/usage"
	"hacluster/internal/pcsd/library"
)

// has tells whether the tree of words has a form's verb.
func has(f usage.Form) bool {
	n, ok := nouns[f.Section]
	if !ok {
		return false
	}
	for _, w := range f.Words() {
		if n.Sub == nil {
			return true
		}
		sub, ok := n.Sub[w]
		if !ok {
			return n.Run != nil || n.Default != ""
		}
		n = sub
	}
	return true
}

// called are the verbs that other hosts can have carried out here through pcsd: "resource create".
func called() map[string]bool {
	out := map[string]bool{}
	for _, verb := range library.Verbs() {
		out[verb] = true
	}
	return out
}

// Coverage is the table of what works where, a line for each form of each verb.
func Coverage() string {
	var b strings.Builder
	b.WriteString("# pcs, verb by verb\n\n`go run ./internal/pcs/usage/pages FOLDER` writes this table from the verbs that the program has.\n\n" +
		"- files: the verb works on a CIB (`-f`) or a corosync.conf (`--corosync_conf`) in a file\n" +
		"- live: it works on this host and the running cluster\n" +
		"- other hosts: it reaches other nodes through their pcsd\n" +
		"- through pcsd: another host, or a user who is not root, can have this host's pcsd carry it out\n\n")
	remote := called()
	section := ""
	mark := func(on bool) string {
		if on {
			return "yes"
		}
		return ""
	}
	for _, f := range usage.Forms() {
		if f.Section != section {
			section = f.Section
			fmt.Fprintf(&b, "\n## %s\n\n| form | generations | files | live | other hosts | through pcsd |\n| --- | --- | --- | --- | --- | --- |\n", section)
		}
		words := append([]string{f.Section}, f.Words()...)
		through := false
		for i := len(words); i > 1; i-- {
			through = through || remote[strings.Join(words[:i], " ")]
		}
		through = through || len(words) == 1 && remote[words[0]]
		generations := f.Generations()
		if generations == "" {
			generations = "all"
		}
		there := has(f)
		cells := []bool{strings.ContainsAny(f.On, "FC"), strings.ContainsAny(f.On, "FCLP"), strings.Contains(f.On, "P"), through}
		fmt.Fprintf(&b, "| `%s` | %s |", strings.ReplaceAll(f.Syntax, "|", `\|`), generations)
		for _, c := range cells {
			fmt.Fprintf(&b, " %s |", mark(there && c))
		}
		b.WriteString("\n")
	}
	return b.String()
}
