package show

import (
	"strings"
	"unicode"
)

// Wrap breaks a text into lines of at most width characters, as Python's textwrap does: also
// behind the hyphens of words, and words longer than a line are cut. Lines after the first
// begin with indent.
func Wrap(text string, width int, indent string) []string {
	var lines []string
	chunks := split([]rune(strings.Join(strings.Fields(text), " ")))
	blank := func(c []rune) bool { return len(c) > 0 && unicode.IsSpace(c[0]) }
	for len(chunks) > 0 {
		lead := ""
		if len(lines) > 0 {
			lead = indent
		}
		room := max(width-len(lead), 1)
		if blank(chunks[0]) && len(lines) > 0 {
			chunks = chunks[1:]
		}
		var line [][]rune
		n := 0
		for len(chunks) > 0 && n+len(chunks[0]) <= room {
			line = append(line, chunks[0])
			n += len(chunks[0])
			chunks = chunks[1:]
		}
		if len(chunks) > 0 && len(chunks[0]) > room {
			if left := room - n; left > 0 || n == 0 {
				cut := max(left, 1)
				line = append(line, chunks[0][:cut])
				chunks[0] = chunks[0][cut:]
			}
		}
		if len(line) > 0 && blank(line[len(line)-1]) {
			line = line[:len(line)-1]
		}
		if len(line) == 0 {
			continue
		}
		var b strings.Builder
		b.WriteString(lead)
		for _, c := range line {
			b.WriteString(string(c))
		}
		lines = append(lines, b.String())
	}
	return lines
}

// split cuts a text where a line may end: blanks, words, parts of hyphenated words, dashes.
func split(r []rune) [][]rune {
	at := func(i int) rune {
		if i < 0 || i >= len(r) {
			return 0
		}
		return r[i]
	}
	word := func(c rune) bool { return c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c) }
	letter := func(c rune) bool { return c == '_' || unicode.IsLetter(c) }
	punct := func(c rune) bool { return word(c) || c != 0 && strings.ContainsRune(`!"'&.,?`, c) }
	// dashes is how long a dash between words is that begins at i, 0 without.
	dashes := func(i int) int {
		n := 0
		for at(i+n) == '-' {
			n++
		}
		if n >= 2 && word(at(i+n)) {
			return n
		}
		return 0
	}
	var out [][]rune
	for i := 0; i < len(r); {
		j := i
		switch n := dashes(i); {
		case unicode.IsSpace(r[i]):
			for j < len(r) && unicode.IsSpace(r[j]) {
				j++
			}
		case n > 0 && punct(at(i-1)):
			j = i + n
		default:
			for j = i + 1; j < len(r); j++ {
				if unicode.IsSpace(r[j]) || punct(at(j-1)) && dashes(j) > 0 {
					break
				}
				behind := letter(at(j-2)) && letter(at(j-3)) || letter(at(j-2)) && at(j-3) == '-' && letter(at(j-4))
				ahead := letter(at(j)) && (letter(at(j+1)) || at(j+1) == '-' && letter(at(j+2)))
				if at(j-1) == '-' && j-1 > i && behind && ahead {
					break
				}
			}
		}
		out = append(out, r[i:j])
		i = j
	}
	return out
}
