package xml

import (
	"strings"
	"unicode/utf8"
)

// Text makes a text of unknown origin, such as what a program wrote, one that may stand in a document: what is not UTF-8, and what
// XML 1.0 does not allow, becomes U+FFFD, as readers show it.
func Text(s string) string {
	if utf8.ValidString(s) && badChar(s) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return utf8.RuneError
		}
		return r // and what is not UTF-8 comes as that already
	}, s)
}
