package pcs_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"hacluster/cib/xml"
	"hacluster/internal/pcs"
	"hacluster/internal/pcs/session"
	"hacluster/internal/program"
	"hacluster/internal/running"
	"hacluster/ocf"
)

// TestAnswers holds whole answers against those of the original, pcs 0.11.12 over
// Pacemaker. A file of testdata/answers is a note, a line "$ pcs WORDS" (or "$ PCS_COMPAT=VERSION pcs WORDS", then of that version) with words as a
// shell reads them in single quotes, and sections "-- NAME --": the files that lie there, then
// code, stdout and stderr (nothing where left out), and "after FILE" for each file that is written.
func TestAnswers(t *testing.T) {
	files, err := filepath.Glob("testdata/answers/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no answers", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			head, parts := sections(string(text))
			_, line, ok := strings.Cut(head, "$ ")
			compat, line, ok2 := strings.Cut(line, "pcs ")
			if !ok || !ok2 {
				t.Fatal("no command")
			}
			_, compat, _ = strings.Cut(strings.TrimSpace(compat), "PCS_COMPAT=")
			t.Chdir(t.TempDir())
			for name, text := range parts {
				if name != "code" && name != "stdout" && name != "stderr" && !strings.HasPrefix(name, "after ") {
					if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			var stdout, stderr bytes.Buffer
			code := pcs.Run(context.Background(), &program.Env{
				Args: append([]string{"pcs"}, shellWords(line)...), Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
				Getenv: func(name string) string { return map[string]string{"PCS_COMPAT": compat}[name] },
			}, session.World{Agents: running.Agents{Host: &ocf.Host{Root: "/nonexistent", FenceDir: "/nonexistent", InitDir: "/nonexistent"}}})
			if want := strings.TrimSpace(parts["code"]); strconv.Itoa(code) != want {
				t.Errorf("exit code %d, want %s", code, want)
			}
			if stdout.String() != parts["stdout"] {
				t.Errorf("stdout:\n%s\nwant:\n%s", stdout.String(), parts["stdout"])
			}
			if stderr.String() != parts["stderr"] {
				t.Errorf("stderr:\n%s\nwant:\n%s", stderr.String(), parts["stderr"])
			}
			for name, before := range parts {
				if strings.HasPrefix(name, "after ") || parts[name] == "" || strings.HasPrefix(name, "std") || name == "code" {
					continue
				}
				want, written := parts["after "+name]
				if !written {
					want = before
				}
				got, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				if canonical(t, name, string(got)) != canonical(t, name, want) {
					t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
				}
			}
		})
	}
}

// canonical is an XML file's text written anew, another file's as it is.
func canonical(t *testing.T, name, text string) string {
	if !strings.HasSuffix(name, ".xml") {
		return text
	}
	d, err := xml.Parse([]byte(text))
	if err != nil {
		t.Fatal(name, err)
	}
	return string(xml.Format(d.Root))
}

// sections splits a file at its lines "-- NAME --".
func sections(text string) (head string, parts map[string]string) {
	marks := regexp.MustCompile(`(?m)^-- (.+) --\n`).FindAllStringSubmatchIndex(text, -1)
	parts = map[string]string{}
	head = text
	for i, m := range marks {
		end := len(text)
		if i == 0 {
			head = text[:m[0]]
		}
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		parts[text[m[2]:m[3]]] = text[m[1]:end]
	}
	return head, parts
}

// shellWords splits a line at blanks that do not stand in single quotes.
func shellWords(line string) []string {
	var words []string
	for _, m := range regexp.MustCompile(`(?:'[^']*'|[^'\s])+`).FindAllString(strings.TrimSpace(line), -1) {
		words = append(words, strings.ReplaceAll(m, "'", ""))
	}
	return words
}
