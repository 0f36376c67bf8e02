package lab_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hacluster/internal/pcs/usage"
	"hacluster/internal/rules/corpus"
)

// shows tells whether words have an option of a form.
func shows(words []string, option string) bool {
	name, value, _ := strings.Cut(option, "=")
	for i, w := range words {
		switch {
		case w == option, strings.HasSuffix(option, "=") && strings.HasPrefix(w, option):
			return true
		case strings.HasPrefix(option, "--") && value == "" && strings.HasPrefix(w, option+"="):
			return true
		case value != "" && w == name && i+1 < len(words) && words[i+1] == value:
			return true
		}
	}
	return false
}

// typedForms sorts command lines by the forms that they are of, whatever the generation: those with most fixed words.
func typedForms(lines [][]string, forms []usage.Form) map[string][][]string {
	var fixed []string
	for _, f := range forms {
		if w := strings.Join(append([]string{f.Section}, f.Words()...), " "); !slices.Contains(fixed, w) {
			fixed = append(fixed, w)
		}
	}
	out := map[string][][]string{}
	for _, l := range lines {
		plain := slices.DeleteFunc(slices.Clone(l), func(w string) bool { return strings.HasPrefix(w, "-") })
		for i := range plain {
			rest, longest := strings.Join(plain[i:], " ")+" ", ""
			for _, f := range fixed {
				if len(f) > len(longest) && strings.HasPrefix(rest, f+" ") {
					longest = f
				}
			}
			if longest != "" {
				out[longest] = append(out[longest], l)
				break
			}
		}
	}
	return out
}

var quotedText = regexp.MustCompile(`"[^"]*"|` + "`[^`]*`")

// TestEveryOptionIsShown holds the options of all forms against what is typed in tests: recorded runs of the originals,
// answers, answers in trouble, tests of pcs in Go, and the scenes on hosts. All of them say what has to come of it.
func TestEveryOptionIsShown(t *testing.T) {
	lines := corpus.Commands(t, "pcs", "pcs09")
	for _, s := range scenes(t) {
		for _, a := range s.actions {
			for _, m := range callOfPcs.FindAllStringSubmatch(a.text, -1) {
				lines = append(lines, strings.Fields(m[1]))
			}
		}
	}
	for _, pattern := range []string{"answers/*.txt", "trouble/*.txt"} {
		files, err := filepath.Glob("../pcs/testdata/" + pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for l := range strings.Lines(string(text)) {
				if words, ok := strings.CutPrefix(l, "$ "); ok {
					lines = append(lines, strings.Fields(strings.ReplaceAll(words, "'", "")))
				}
			}
		}
	}
	files, err := filepath.Glob("../pcs/*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no tests of pcs", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for l := range strings.Lines(string(text)) {
			lines = append(lines, strings.Fields(strings.NewReplacer(`"`, " ", ",", " ").Replace(strings.Join(quotedText.FindAllString(l, -1), " "))))
		}
	}
	all := usage.Forms()
	typed := typedForms(lines, all)
	shown, options := 0, 0
	for _, f := range all {
		fixed := strings.Join(append([]string{f.Section}, f.Words()...), " ")
		of := slices.Clone(typed[fixed])
		for more, l := range typed { // where another form begins with words that are options of this one
			if rest, ok := strings.CutPrefix(more, fixed+" "); ok && !slices.ContainsFunc(strings.Fields(rest), func(w string) bool { return !slices.Contains(f.Options(), w) }) {
				of = append(of, l...)
			}
		}
		for _, o := range f.Options() {
			options++
			if slices.ContainsFunc(of, func(l []string) bool { return shows(l, o) }) {
				shown++
				continue
			}
			t.Errorf("nothing shows %s of pcs %s %s (%s)", o, f.Section, f.Syntax, f.Generations())
		}
	}
	t.Logf("%d of %d options are shown", shown, options)
}
