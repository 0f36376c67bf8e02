package usage

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestBash completes command lines with bash itself.
func TestBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	file := filepath.Join(t.TempDir(), "pcs")
	if err := os.WriteFile(file, []byte(Bash()), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string][]string{
		"pcs cons":                     {"constraint"},
		"pcs resource op a":            {"add"},
		"pcs -f cib.xml resource unm":  {"unmanage"},
		"pcs stonith sbd w":            {"watchdog"},
		"pcs resource create --agent":  {"--agent-validation"},
		"pcs cluster node remove-rem":  {"remove-remote"},
		"pcs status pcsd ":             nil,
		"pcs --request-timeout 5 clus": {"cluster"},
		"pcs cluster link ":            {"add", "delete", "remove", "update"},
	} {
		words := strings.Split(line, " ")
		script := "source " + file + "; COMP_WORDS=("
		for _, w := range words {
			script += " " + quoted(w)
		}
		script += "); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _pcs 2>/dev/null; printf '%s\\n' \"${COMPREPLY[@]}\""
		out, err := exec.Command(bash, "-c", script).CombinedOutput()
		got := strings.Fields(string(out))
		slices.Sort(got)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v, %v", line, got, want, err)
		}
	}
}

// TestShellsRead has the other shells read what is written for them.
func TestShellsRead(t *testing.T) {
	for shell, text := range map[string]string{"bash": Bash(), "zsh": Zsh(), "fish": Fish()} {
		t.Run(shell, func(t *testing.T) {
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skip("there is no " + shell)
			}
			cmd := exec.Command(path, "-n")
			cmd.Stdin = strings.NewReader(text)
			if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestPages has every verb on every page.
func TestPages(t *testing.T) {
	man := Man("0")
	pages := map[string]string{"zsh": Zsh(), "fish": Fish()}
	for _, f := range Forms() {
		if !strings.Contains(man, roff(f.Syntax)) {
			t.Errorf("the man page lacks %s %s", f.Section, f.Syntax)
		}
		for name, text := range pages {
			for _, w := range f.Words() {
				if !strings.Contains(text, w) {
					t.Errorf("%s lacks %s %s", name, f.Section, w)
				}
			}
		}
	}
	if path, err := exec.LookPath("groff"); err == nil {
		cmd := exec.Command(path, "-man", "-Tutf8", "-ww", "-z")
		cmd.Stdin = strings.NewReader(man)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("groff: %v\n%s", err, out)
		}
	}
}
