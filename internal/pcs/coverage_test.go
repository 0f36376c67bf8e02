package pcs

import (
	"strings"
	"testing"

	"hacluster/internal/pcs/usage"
)

// TestEveryFormIsThere holds the forms of all generations against the verbs of the program.
func TestEveryFormIsThere(t *testing.T) {
	for _, f := range usage.Forms() {
		if !has(f) {
			t.Errorf("pcs %s %s is not there", f.Section, f.Syntax)
		}
	}
	table := Coverage()
	for _, want := range []string{
		"| `sync corosync` | 0.10, 0.11, 0.12 |  | yes | yes | yes |",
		"| `ref <resource>...` | all | yes | yes |  |  |",
		"| `description <stonith id>` | 0.12 | yes | yes |  |  |",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %s", want)
		}
	}
}
