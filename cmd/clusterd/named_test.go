package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hacluster/internal/program"
)

// The daemons' own names take the originals' options.
func TestNamed(t *testing.T) {
	conf := func(version string) string {
		f := filepath.Join(t.TempDir(), "corosync.conf")
		text := "totem {\n version: " + version + "\n cluster_name: test\n transport: udpu\n}\nnodelist {\n node {\n  ring0_addr: 127.0.0.1\n  name: node1\n  nodeid: 1\n }\n}\nquorum {\n provider: corosync_votequorum\n}\n"
		if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return f
	}
	good, bad := conf("2"), conf("1")
	for _, c := range []struct {
		argv           string
		code           int
		stdout, stderr string
	}{
		{"/usr/sbin/corosync -v", 0, "Corosync Cluster Engine, version '3.1.7'\n", ""},
		{"corosync -tc " + good, 0, "", ""},
		{"corosync -c" + good + " -ft", 0, "", ""},
		{"corosync -t -c " + bad, 8, "", "totem.version must be 2"},
		{"corosync -t -c /nowhere", 8, "", "/nowhere"},
		{"corosync -f -c /nowhere", 8, "", "/nowhere"},
		{"corosync -x", 1, "", "invalid option -- 'x'"},
		{"corosync -c", 1, "", "option requires an argument -- 'c'"},
		{"pacemakerd --version", 0, "Pacemaker 3.0.2\n", ""},
		{"pacemakerd -F", 0, "Supporting v3.16.1: corosync", ""},
		{"pacemakerd --features --output-as=xml", 0, "<feature>corosync</feature>", ""},
		{"pacemakerd --nope", 64, "", "Unknown option --nope"},
		{"corosync-qnetd -s perhaps", 1, "", "is not on, off or req"},
		{"corosync-qdevice --help", 0, "Cast the vote", ""},
	} {
		var out, errs bytes.Buffer
		env := &program.Env{Args: strings.Fields(c.argv), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }}
		code := run(context.Background(), env)
		if code != c.code || !strings.Contains(out.String(), c.stdout) || !strings.Contains(errs.String(), c.stderr) {
			t.Errorf("%s: exit code %d, %q, %q", c.argv, code, out.String(), errs.String())
		}
	}
	if named(&program.Env{Args: []string{"pacemakerd", "agent", "pacemaker", "Dummy", "start"}}) != nil {
		t.Error("an agent of the role's own is not run as one")
	}
}
