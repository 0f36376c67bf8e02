// Package usage holds the forms of all verbs of all generations and prints those that a
// user may have meant.
package usage

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"hacluster/internal/pcs/pattern"
)

// Each line: section, generations (9, A, B, C at their places for 0.9 to 0.12), form, what it does, and on what: F a
// CIB, the live one or a file; C corosync.conf, likewise; L only this host or the live cluster; P other nodes, through
// their pcsd.
//
//go:embed forms.tsv
var table string

// Form is one syntax of a verb.
type Form struct {
	Section string
	Syntax  string
	What    string
	// On says on what it works: the letters F, C, L, P.
	On   string
	gens string
}

// In tells whether the generation (9 to 12) has the form.
func (f Form) In(minor int) bool {
	return minor >= 9 && minor <= 12 && f.gens[minor-9] != '-'
}

// Words are the fixed words that the syntax begins with: "resource op add".
func (f Form) Words() []string {
	var out []string
	for _, w := range strings.Fields(f.Syntax) {
		if strings.ContainsAny(w, "<>[]()|=-") && !plainWord(w) {
			break
		}
		out = append(out, w)
	}
	return out
}

var (
	placeholder = pattern.Late(`<[^>]*>`)
	formats     = pattern.Late(`--output-format ([a-z|]+)`)
	values      = pattern.Late(`=(\[[^\]]*\]|[^\s\]\[()]+)`)
	notation    = strings.NewReplacer("[", " ", "]", " ", "(", " ", ")", " ", "|", " ", "...", " ", "<>", " ")
)

// Options are what may be typed beside the fixed words: options ("--wait", "-u", and each "--output-format=json"), names of
// values ("id="), and words such as "meta".
func (f Form) Options() []string {
	rest := strings.Join(strings.Fields(f.Syntax)[len(f.Words()):], " ")
	rest = strings.ReplaceAll(placeholder().ReplaceAllString(rest, "<>"), "[=n]", "")
	rest = values().ReplaceAllString(rest, "= ")
	rest = formats().ReplaceAllStringFunc(rest, func(s string) string {
		return "--output-format=" + strings.ReplaceAll(strings.TrimPrefix(s, "--output-format "), "|", " --output-format=")
	})
	var out []string
	for _, w := range strings.Fields(notation.Replace(rest)) {
		if w = strings.Trim(w, `,"`); strings.HasPrefix(w, "--") && strings.HasSuffix(w, "=") {
			w = strings.TrimSuffix(w, "=")
		}
		if strings.ContainsFunc(w, unicode.IsLetter) && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

func plainWord(w string) bool {
	for _, r := range w {
		if (r < 'a' || r > 'z') && r != '-' && r != '_' {
			return false
		}
	}
	return w != "" && w[0] != '-'
}

// Forms are all of them.
func Forms() []Form {
	var out []Form
	for _, line := range strings.Split(strings.TrimSpace(table), "\n") {
		c := strings.Split(line, "\t")
		if len(c) == 5 {
			out = append(out, Form{Section: c[0], gens: c[1], Syntax: c[2], What: c[3], On: c[4]})
		}
	}
	return out
}

// Sections are the first words of commands, in the order of the table.
func Sections(minor int) []string {
	var out []string
	for _, f := range Forms() {
		if f.In(minor) && !slices.Contains(out, f.Section) {
			out = append(out, f.Section)
		}
	}
	return out
}

// Knows tells whether any generation has a form that begins with these words.
func Knows(words []string) bool {
	if len(words) == 0 {
		return false
	}
	for _, f := range Forms() {
		w := append([]string{f.Section}, f.Words()...)
		if len(words) <= len(w) && slices.Equal(words, w[:len(words)]) {
			return true
		}
	}
	return false
}

// Main is the usage of pcs itself.
func Main(minor int) string {
	var b strings.Builder
	b.WriteString("\nUsage: pcs [options] <section> [verb] [words]...\nControl and configure a Pacemaker and Corosync cluster.\n\nSections:\n")
	for _, s := range Sections(minor) {
		fmt.Fprintf(&b, "    %s\n", s)
	}
	b.WriteString("\nMore of a section: pcs <section> help\n")
	return b.String()
}

// Show is the usage of a section, or only of the forms that begin with the words.
func Show(minor int, section string, words []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nUsage: pcs %s...\n", section)
	found := false
	for _, exact := range []bool{true, false} {
		for _, f := range Forms() {
			if f.Section != section || !f.In(minor) {
				continue
			}
			w := f.Words()
			if exact && len(words) > 0 && (len(w) < len(words) || !slices.Equal(w[:len(words)], words)) {
				continue
			}
			found = true
			fmt.Fprintf(&b, "    %s\n        %s\n", f.Syntax, capital(f.What))
		}
		if found {
			break
		}
	}
	return b.String()
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
