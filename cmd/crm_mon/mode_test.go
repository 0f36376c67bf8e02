package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"hacluster/internal/program"
)

// TestModes: of -1, -i, -d and -x the last counts; where the page goes to a file in the background,
// and nothing is left to follow, it is written once.
func TestModes(t *testing.T) {
	t.Chdir(t.TempDir())
	const cib = `<cib validate-with="pacemaker-4.0" admin_epoch="0" epoch="1" num_updates="0"><configuration><crm_config/><nodes/><resources/><constraints/></configuration><status/></cib>`
	if err := os.WriteFile("cib.xml", []byte(cib), 0o600); err != nil {
		t.Fatal(err)
	}
	const summary, needs = "Cluster Summary:", "crm_mon: --daemonize requires at least one of --output-to"
	for _, c := range []struct {
		argv           string
		code           int
		stdout, stderr string // what is in them, "" for nothing
		file           bool   // page.txt is written
	}{
		{"-d -1", 0, summary, "", false},
		{"-1 -d", exitUsage, "", needs, false},
		{"-d -x cib.xml", 0, summary, "", false},
		{"-x cib.xml -d", exitUsage, "", needs, false},
		{"-d -i 5", exitUsage, "", needs, false},
		{"-d -i 5 -1", 0, summary, "", false},
		{"-d --external-agent /bin/true", 0, "", "", false},
		{"-d --output-to page.txt", 0, "", "", true},
		{"-x nosuch -d --output-to page.txt", 0, "", "", true},
		{"-d --output-as=none --output-to page.txt", exitUsage, "", "", true},
		{"-1 --output-to=", exitError, "", "crm_mon: Error creating output format text: No such file or directory\n", false},
		{"-1 --output-to=.", exitError, "", "crm_mon: Error creating output format text: Is a directory\n", false},
	} {
		_ = os.Remove("page.txt")
		var stdout, stderr bytes.Buffer
		env := &program.Env{
			Args: append([]string{"crm_mon"}, strings.Fields(c.argv)...), Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
			Getenv: func(name string) string { return map[string]string{"CIB_file": "cib.xml"}[name] },
		}
		code := run(context.Background(), env)
		_, err := os.Stat("page.txt")
		if code != c.code || !strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) ||
			c.stdout == "" && stdout.Len() > 0 || c.stderr == "" && stderr.Len() > 0 || (err == nil) != c.file {
			t.Errorf("%s: exit code %d, page.txt: %v\n%s\n%s", c.argv, code, err, stdout.String(), stderr.String())
		}
	}
}
