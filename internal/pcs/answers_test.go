package pcs_test

import (
	"bytes"
	"context"
	"maps"
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
// Pacemaker. A file of testdata/answers is a note, and one or more commands: a line "$ pcs WORDS" (or
// "$ PCS_COMPAT=VERSION pcs WORDS", then of that version) with words as a shell reads them in single quotes, and sections
// "-- NAME --": the files that lie there, then code, stdout and stderr (nothing where left out), and for each file that is
// written "after FILE", all of it, or "change FILE", the lines that go and come. Files before the first command lie there for
// each of them.
func TestAnswers(t *testing.T) {
	files, err := filepath.Glob("testdata/answers/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no answers", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		commands := regexp.MustCompile(`(?m)^\$ `).Split(string(text), -1)
		if len(commands) < 2 {
			t.Fatal(file, "no command")
		}
		_, common := sections(commands[0])
		for _, command := range commands[1:] {
			line, rest, _ := strings.Cut(command, "\n")
			_, parts := sections(rest)
			t.Run(name, func(t *testing.T) { playAnswer(t, line, common, parts) })
		}
	}
}

// playAnswer runs a command beside its files, and holds what comes of it against the parts.
func playAnswer(t *testing.T, line string, common, parts map[string]string) {
	t.Log(line)
	compat, line, ok := strings.Cut(line, "pcs ")
	if !ok {
		t.Fatal("no command")
	}
	_, compat, _ = strings.Cut(strings.TrimSpace(compat), "PCS_COMPAT=")
	t.Chdir(t.TempDir())
	before := maps.Clone(common)
	for name, text := range parts {
		if what, _, _ := strings.Cut(name, " "); what != "code" && what != "stdout" && what != "stderr" && what != "after" && what != "change" {
			before[name] = text
		}
	}
	for name, text := range before {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
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
	for name, text := range before {
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if change, ok := parts["change "+name]; ok {
			if c := changed(canonical(t, name, text), canonical(t, name, string(got))); c != change {
				t.Errorf("change of %s:\n%s\nwant:\n%s", name, c, change)
			}
			continue
		}
		want, written := parts["after "+name]
		if !written {
			want = text
		}
		if canonical(t, name, string(got)) != canonical(t, name, want) {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
		}
	}
}

// changed are the lines that go ("-") and come ("+") from one text to another, in their order.
func changed(before, after string) string {
	a, b := strings.SplitAfter(before, "\n"), strings.SplitAfter(after, "\n")
	common := make([][]int, len(a)+1) // of the rest of both, how many lines are common
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out strings.Builder
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common[i+1][j] >= common[i][j+1]):
			out.WriteString("-" + a[i])
			i++
		default:
			out.WriteString("+" + b[j])
			j++
		}
	}
	return out.String()
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
