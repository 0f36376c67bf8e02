// Package show makes the texts that pcs prints of configuration: quoting, indentation,
// sets of pairs, commands that rebuild what is shown, and JSON as Python writes it.
package show

import (
	"slices"
	"sort"
	"strings"

	"hacluster/internal/pcs/argv"
)

// Indent puts two blanks before every line that is not empty.
func Indent(lines []string) []string { return IndentBy(lines, 2) }

// IndentBy puts n blanks before every line that is not empty.
func IndentBy(lines []string, n int) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		if l != "" {
			l = strings.Repeat(" ", n) + l
		}
		out[i] = l
	}
	return out
}

// QuoteFor quotes a text that holds any of the characters.
func QuoteFor(text, chars string) string {
	switch {
	case !strings.ContainsAny(text, chars):
		return text
	case !strings.Contains(text, `"`):
		return `"` + text + `"`
	case !strings.Contains(text, "'"):
		return "'" + text + "'"
	}
	return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"`
}

// NameValue is name=value, each quoted where it has blanks or "=".
func NameValue(name, value string) string { return QuoteFor(name, "= ") + "=" + QuoteFor(value, "= ") }

// NameValues are the pairs in their order.
func NameValues(pairs argv.Pairs) []string {
	out := make([]string, len(pairs))
	for i, p := range pairs {
		out[i] = NameValue(p.Name, p.Value)
	}
	return out
}

// Shell quotes a word for a shell, as Python's shlex.quote.
func Shell(word string) string {
	if word == "" {
		return "''"
	}
	for _, r := range word {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-", r) {
			return "'" + strings.ReplaceAll(word, "'", `'"'"'`) + "'"
		}
	}
	return word
}

// ShellWords quotes and joins words.
func ShellWords(words []string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = Shell(w)
	}
	return strings.Join(q, " ")
}

// ShellPair is name=value quoted as one word.
func ShellPair(name, value string) string { return Shell(name + "=" + value) }

// ShellPairs joins pairs, each one word.
func ShellPairs(pairs argv.Pairs) string {
	q := make([]string, len(pairs))
	for i, p := range pairs {
		q[i] = ShellPair(p.Name, p.Value)
	}
	return strings.Join(q, " ")
}

// CommandList joins commands, one after the other.
func CommandList(commands []string) string { return strings.Join(commands, ";\n") }

// CommandLines joins the lines of one command.
func CommandLines(lines []string) string { return strings.Join(lines, " \\\n") }

// Bool01 is 1 or 0.
func Bool01(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// SortedKeys are a map's keys, sorted.
func SortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// Unique drops repeated items and keeps the order.
func Unique(items []string) []string {
	var out []string
	for _, i := range items {
		if !slices.Contains(out, i) {
			out = append(out, i)
		}
	}
	return out
}
