package main

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"hacluster/engine/fencer"

	"hacluster/internal/program"
)

func TestFenceTargets(t *testing.T) {
	const list = `node1,211.183.3.104` + "\n" + ` node-2 ; node.3,ON` + "\n" + `invalid option node4` + "\n" + `a$b,off,_5\n6` + "\n"
	if got, want := fencer.ParseTargets(list), []string{"node1", "211.183.3.104", "node-2", "node.3", "a", "_5", "6"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// What needs no fencer, as HTML.
func TestFenceHTML(t *testing.T) {
	for _, c := range []struct {
		argv string
		code int
		want []string
	}{
		{"-K -a fence_none -v D --output-as=html", 105, []string{
			"<!DOCTYPE html>\n", "<title>stonith_admin -K -a fence_none -v D --output-as=html</title>\n",
			"<body>\n<div>Validation of fence_none on D failed</div>\n<h2>Command Output</h2>\n<div>Return code: 2</div>\n<div>Stderr</div>\n<div class=\"output\">Agent fence_none not found</div>\n</body>\n</html>\n",
		}},
		{"-M -a fence_none --output-as=html --html-cgi --html-title a<b --html-stylesheet s.css", 105, []string{
			"Content-Type: text/html\n\n<!DOCTYPE html>", "<title>a&lt;b</title>", "</style>\n<link rel=\"stylesheet\" href=\"s.css\">\n</head>\n",
			"<body><ul><li>Can't get fence agent meta-data: No such device</li></ul></body>\n",
		}},
		{"--version --output-as=html", 0, []string{"<body>\n<h2>Version Information</h2>\n<div>Program: Pacemaker</div>\n<div>Version: 3.0.2</div>\n"}},
		{"-K --output-as=html", 64, []string{"<body><ul>\n<li>Please specify an agent to query using -a,--agent [value]</li>\n<li>Usage:\n"}},
	} {
		var out, errs bytes.Buffer
		env := &program.Env{Args: append([]string{"stonith_admin"}, strings.Fields(c.argv)...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }}
		if code := stonithAdmin(context.Background(), env); code != c.code || errs.Len() > 0 {
			t.Errorf("%s: exit code %d, %q", c.argv, code, errs.String())
		}
		for _, w := range c.want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%s: %q is not in\n%s", c.argv, w, out.String())
			}
		}
	}
}
