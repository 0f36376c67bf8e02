package program

import "testing"

func TestRequest(t *testing.T) {
	for word, want := range map[string]string{
		"plain":             "plain",
		"":                  "''",
		" ":                 "' '",
		"two words":         "'two words'",
		"//a[@b='c']":       "//a[@b='c']",
		"//a[@b='c d']":     "//a[@b='c d']",
		"//a[@b='c' or @d]": `'//a[@b='\''c'\'' or @d]'`,
		"it's":              `'it'\''s'`,
		`say "hi there"`:    `'say "hi there"'`,
		`"hi there"`:        `"hi there"`,
		`"open`:             `'"open'`,
		`"a\"b"`:            `"a\"b"`,
		`'a\'`:              `'a\'`,
		`back\ slash`:       `back\ slash`,
		`end\`:              `'end\'`,
		"#comment":          "'#comment'",
		"a#b":               "a#b",
		"$HOME`x`":          "$HOME`x`",
		"a\nb":              "'a\nb'",
		"a ":                "a ",
	} {
		if got := (&Env{Args: []string{word}}).Request(); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}
