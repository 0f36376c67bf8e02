package program

import "strings"

// Request is the command line as XML output repeats it: a word that a shell would not
// read as one word is quoted.
func (e *Env) Request() string {
	words := make([]string, len(e.Args))
	for i, w := range e.Args {
		if !oneWord(w) {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		words[i] = w
	}
	return strings.Join(words, " ")
}

// oneWord tells that a shell reads a text as one word, be it in quotes: it is not
// empty, no blanks stand outside quotes, no quote is open at the end, and it is no comment.
func oneWord(s string) bool {
	words, inWord := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ', '\t', '\n':
			inWord = false
			continue
		case '#':
			if i == 0 || s[i-1] == ' ' || s[i-1] == '\n' {
				end := strings.IndexByte(s[i:], '\n')
				if end < 0 {
					return words == 1
				}
				i += end
				inWord = false
				continue
			}
		case '\\':
			if i++; i == len(s) {
				return false
			}
			if s[i] == '\n' {
				continue
			}
		case '\'', '"':
			end := closing(s[i+1:], c)
			if end < 0 {
				return false
			}
			i += end + 1
		}
		if !inWord {
			words, inWord = words+1, true
		}
	}
	return words == 1
}

// closing is where the quote ends that s stands in. In double quotes a backslash keeps one from counting.
func closing(s string, quote byte) int {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == quote:
			return i
		case s[i] == '\\' && quote == '"':
			i++
		}
	}
	return -1
}
