package xml

import (
	"strings"
	"unicode/utf8"
)

// SanitizeID makes a text one that may be an id, as Pacemaker does: a first
// character that cannot begin a name becomes "_", any other that cannot stand in
// one ".", with a "." for each further byte.
func SanitizeID(id string) string {
	var b strings.Builder
	for i := 0; i < len(id); {
		r, size := utf8.DecodeRuneInString(id[i:])
		bad := r == utf8.RuneError && size == 1
		switch {
		case i == 0 && (bad || !isNameStart(r)):
			b.WriteString("_" + strings.Repeat(".", size-1))
		case i > 0 && (bad || !isNameRune(r)):
			b.WriteString(strings.Repeat(".", size))
		default:
			b.WriteString(id[i : i+size])
		}
		i += size
	}
	return b.String()
}
