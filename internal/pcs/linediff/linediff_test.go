package linediff

import (
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	for name, tt := range map[string]struct{ a, b, want string }{
		"same":          {"x\ny", "x\ny", "  x\n  y"},
		"added":         {"x", "x\ny", "  x\n+ y"},
		"removed":       {"x\ny", "y", "- x\n  y"},
		"different":     {"abc", "xyz", "- abc\n+ xyz"},
		"shorter first": {"abc\ndef", "xyz", "+ xyz\n- abc\n- def"},
		"similar":       {"  a: monitor 10s", "  a: monitor 30s", "-   a: monitor 10s\n?              ^\n+   a: monitor 30s\n?              ^"},
		"longer":        {"  Attributes: ip=1", "  Attributes: ip=1 nic=x", "-   Attributes: ip=1\n+   Attributes: ip=1 nic=x\n?                   ++++++"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(Lines(strings.Split(tt.a, "\n"), strings.Split(tt.b, "\n")), "\n"); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}
