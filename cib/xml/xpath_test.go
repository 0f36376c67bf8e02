package xml

import "testing"

// UnquoteXPath reads what QuoteXPath writes, and what follows it.
func TestUnquoteXPath(t *testing.T) {
	for _, s := range []string{"", "n1", "o'n", `a"b`, `'"`, `''""`, "a]'b/c", ",", "concat('a')"} {
		if text, rest, ok := UnquoteXPath(QuoteXPath(s) + "]/x"); text != s || rest != "]/x" || !ok {
			t.Errorf("%q is read as %q, %q, %v", s, text, rest, ok)
		}
	}
	for _, s := range []string{"", "x", "'x", `"x'`, "concat(", "concat('a'", "concat('a',", "concat('a';'b')", "concat()"} {
		if text, rest, ok := UnquoteXPath(s); ok || rest != s {
			t.Errorf("%q is read as %q, %q", s, text, rest)
		}
	}
}
