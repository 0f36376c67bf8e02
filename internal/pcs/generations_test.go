package pcs

import (
	"bytes"
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/usage"
	"hacluster/internal/program"
)

// heard is a tree of words whose verbs only tell the generation in which they are called.
func heard(n *Node, minor *int) *Node {
	out := *n
	if n.Run != nil {
		out.Run = func(s *session.Session, _ []string) error {
			*minor = s.Minor()
			return nil
		}
	}
	if n.Sub != nil {
		out.Sub = map[string]*Node{}
		for w, c := range n.Sub {
			out.Sub[w] = heard(c, minor)
		}
	}
	return &out
}

// kept are words that 0.11 knows and does not tell of.
var kept = []string{"cluster pcsd-status", "cluster uidgid rm", "resource failcount show"}

// optional is what a syntax has between brackets, innermost first.
var optional = regexp.MustCompile(`\[[^\[\]]*\]`)

// TestEveryFormIsSpoken types the words of each form of each generation, with the options that it cannot be without, where
// nothing says which generation is spoken: it is answered as one that has the words, and by the form's own where only its
// options tell. Where a generation is asked for, a form that it lacks is refused, unless it has another one of the same words.
func TestEveryFormIsSpoken(t *testing.T) {
	var minor int
	whole := nouns
	defer func() { nouns = whole }()
	nouns = map[string]*Node{}
	for w, n := range whole {
		nouns[w] = heard(n, &minor)
	}
	// have are the generations that have some form of these words.
	have := map[string]map[int]bool{}
	path := func(f usage.Form) string { return strings.Join(append([]string{f.Section}, f.Words()...), " ") }
	for _, f := range usage.Forms() {
		if have[path(f)] == nil {
			have[path(f)] = map[int]bool{}
		}
		for m := 9; m <= 12; m++ {
			have[path(f)][m] = have[path(f)][m] || f.In(m)
		}
	}
	asked := func(version string, words ...string) (int, string) {
		minor = 0
		var out bytes.Buffer
		Run(context.Background(), &program.Env{
			Args: append([]string{"pcs"}, words...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
			Getenv: func(name string) string { return map[string]string{"PCS_COMPAT": version}[name] },
		}, session.World{Host: session.Paths{Dialect: "/nonexistent"}})
		return minor, out.String()
	}
	for _, f := range usage.Forms() {
		needed := f.Syntax
		for optional.MatchString(needed) {
			needed = optional.ReplaceAllString(needed, "")
		}
		words := strings.Fields(path(f))
		options := false
		for _, w := range strings.Fields(needed) {
			if strings.HasPrefix(w, "--") && !strings.Contains(w, "|") {
				name, _, _ := strings.Cut(w, "=")
				if strings.Contains(w, "=") || name == "--name" {
					words = append(words, name, "x")
				} else {
					words = append(words, name)
				}
				options = true
			}
		}
		got, out := asked("", words...)
		switch {
		case got == 0:
			t.Errorf("pcs %s (%s) is not accepted:\n%s", strings.Join(words, " "), f.Generations(), out)
		case !have[path(f)][got] && !(got == 11 && slices.Contains(kept, path(f))):
			t.Errorf("pcs %s is answered as 0.%d, which has no such words", strings.Join(words, " "), got)
		case options && !f.In(got) && !twin(f, got):
			t.Errorf("pcs %s is answered as 0.%d, not as one of %s", strings.Join(words, " "), got, f.Generations())
		}
		for _, m := range slices.Sorted(maps.Keys(have[path(f)])) {
			got, out := asked([]string{9: "0.9", 10: "0.10", 11: "0.11", 12: "0.12"}[m], strings.Fields(path(f))...)
			if have[path(f)][m] && got != m {
				t.Errorf("PCS_COMPAT=0.%d pcs %s is answered as 0.%d:\n%s", m, path(f), got, out)
			}
		}
	}
}

// twin tells whether a generation has a form of the same words.
func twin(f usage.Form, minor int) bool {
	return slices.ContainsFunc(usage.Forms(), func(o usage.Form) bool {
		return o.Section == f.Section && slices.Equal(o.Words(), f.Words()) && o.In(minor)
	})
}
