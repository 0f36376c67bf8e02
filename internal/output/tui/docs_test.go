package tui

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// The frames in the documentation are those of the golden files.
func TestDocumentationShowsTheFrames(t *testing.T) {
	const file = "../../../docs/crm_mon.md"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)<!-- frame: ([a-z0-9-]+) -->\n```\n(.*?)```")
	frames := 0
	now := block.ReplaceAllStringFunc(string(data), func(s string) string {
		frames++
		name := block.FindStringSubmatch(s)[1]
		golden, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for l := range strings.Lines(ansi.Strip(strings.ReplaceAll(string(golden), "^[", "\x1b["))) {
			b.WriteString(strings.TrimRight(l, " \n") + "\n")
		}
		return "<!-- frame: " + name + " -->\n```\n" + b.String() + "```"
	})
	switch {
	case frames < 5:
		t.Errorf("%d frames", frames)
	case now == string(data):
	case *update:
		if err := os.WriteFile(file, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("the frames differ from the golden files; go test -update writes them anew")
	}
}
