package quorumdevice

import (
	"strings"
	"testing"
)

// FuzzCommand: whatever a client of the control socket sends is refused, or a command, which written as Ask writes it is the same again.
func FuzzCommand(f *testing.F) {
	for _, s := range []string{"status", "status verbose", "list cluster \"a b\"\n", "shutdown\x00", "\"", "\"\"", "status cluster", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c, err := parseCommand(line)
		if err != nil {
			return
		}
		quote := func(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }
		again := quote(c.verb)
		if c.verbose {
			again += " verbose"
		}
		again += " cluster " + quote(c.cluster)
		if c2, err := parseCommand(again); err != nil || c2 != c {
			t.Errorf("%q is %+v, and written again %q %+v, %v", line, c, again, c2, err)
		}
	})
}
