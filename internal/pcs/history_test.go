package pcs_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hacluster/internal/pcs/live"
)

// recorder runs nothing: it keeps what was to be run, and answers.
type recorder struct {
	live.Programs
	ran    []string
	answer live.Result
}

func (r *recorder) Run(_ context.Context, env []string, _, name string, args ...string) (live.Result, error) {
	for _, e := range env {
		if strings.HasPrefix(e, "CIB_file=") {
			r.ran = append(r.ran, filepath.Base(e)+" "+name+" "+strings.Join(args, " "))
		}
	}
	return r.answer, nil
}

// TestHistoryOfAFile: with a file, which only 0.9 allows, crm_resource says what it would do about the history.
func TestHistoryOfAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cib.xml")
	if err := os.WriteFile(file, []byte(two), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ words, runs, error string }{
		{"resource cleanup", "--cleanup", "Unable to forget failed operations of resources"},
		{"resource cleanup A --node n1 --strict", "--cleanup --resource A --node n1 --force", "Unable to forget failed operations of resource: A"},
		{"resource refresh A --full", "--refresh --resource A --force", "Unable to delete history of resource: A"},
		{"stonith cleanup A --node n1 --strict", "--cleanup --resource A --node n1 --force", "Unable to forget failed operations of resource: A"},
		{"stonith refresh A --node n1 --strict", "--refresh --resource A --node n1 --force", "Unable to delete history of resource: A"},
		{"resource failcount reset A n1 monitor 10", "--cleanup --resource A --node n1 --operation monitor --interval 10", "Unable to forget failed operations of resource: A"},
	} {
		r := &recorder{answer: live.Result{Stderr: "Dry run\n"}}
		p := &paper{text: []byte(two), programs: r}
		out, code := p.run(t, "0.9", "-f "+file+" "+c.words)
		if want := []string{"cib.xml crm_resource " + c.runs}; code != 0 || out != "Dry run\n" || !slices.Equal(r.ran, want) {
			t.Errorf("%s: exit code %d, %q; ran %q, want %q", c.words, code, out, r.ran, want)
		}
		r.answer = live.Result{Stdout: "out\n", Stderr: "why\n", Code: 1}
		if out, code = p.run(t, "0.9", "-f "+file+" "+c.words); code != 1 || out != "Error: "+c.error+"\nwhy\nout\n" {
			t.Errorf("%s fails: exit code %d, %q", c.words, code, out)
		}
	}
}
