package boothconf

import (
	"errors"
	"testing"
)

func TestParse(t *testing.T) {
	for name, tt := range map[string]struct {
		text     string
		switches bool
		want     string
	}{
		"tickets own what follows": {"site = 1.1.1.1\nticket = \"A\"\n  expire = 600\nticket = 'B'\n", false, "site = 1.1.1.1\nticket = \"A\"\n  expire = 600\nticket = \"B\"\n"},
		"global behind a ticket":   {"ticket=\"A\"\nsite = 2.2.2.2\ntimeout = 5", false, "site = 2.2.2.2\nticket = \"A\"\n  timeout = 5\n"},
		"comments and blanks":      {"# c\n\n  port = 9929  \nname = \"x # y\" # c", false, "port = 9929\nname = x # y\n"},
		"switch of a ticket":       {"ticket = \"A\"\nenable-authfile = 1", false, "ticket = \"A\"\n  enable-authfile = 1\n"},
		"switch of none":           {"ticket = \"A\"\nenable-authfile = 1", true, "enable-authfile = 1\nticket = \"A\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Parse(tt.text, tt.switches)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.String(); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
	_, err := Parse("site = 1\nnonsense\n= 3\nname = \"open", false)
	var bad BadLines
	if !errors.As(err, &bad) || len(bad) != 3 || bad[0] != "nonsense" {
		t.Errorf("%v", err)
	}
}

func TestEdit(t *testing.T) {
	c, err := Parse("authfile = /a\nsite = 1\nauthfile = /b\nticket = \"A\"\nticket = \"B\"\n", false)
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := c.Option("authfile"); !ok || v != "/b" {
		t.Errorf("the last one counts: %q", v)
	}
	c.Set("authfile", "/c")
	c.Remove("A")
	if got, want := c.String(), "authfile = /c\nsite = 1\nticket = \"B\"\n"; got != want || c.Has("A") || !c.Has("B") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What was read and written once stays as it is.
func FuzzParse(f *testing.F) {
	f.Add("site = 1\nticket = \"A\"\n x = 'y' # z")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text, true)
		if err != nil {
			return
		}
		again, err := Parse(c.String(), true)
		if err == nil && again.String() != c.String() {
			t.Errorf("%q then %q", c, again)
		}
	})
}
