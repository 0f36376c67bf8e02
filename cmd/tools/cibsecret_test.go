package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hacluster/internal/program"
	"hacluster/internal/secret"
)

// TestCibsecret types the subcommands on a host whose other programs are scripts
// of the test's own: crm_resource keeps the CIB's values, ssh and scp note what
// they are asked for, and node n3 answers no ping.
func TestCibsecret(t *testing.T) {
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	script := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	values := filepath.Join(dir, "values")
	script("crm_resource", `[ "$2" = ipmi ] || { echo "Resource '$2' not found" >&2; exit 105; }
f=`+values+`-$4
case $3 in
-W) ;;
-g) [ -f $f ] || exit 6; echo "<r><item name=\"$4\">$(/bin/cat $f)</item></r>";;
-p) echo "$6" > $f;;
-d) /bin/rm -f $f;;
esac`)
	// A value must not be taken away while the CIB says that there is one.
	script("ssh", `case "$*" in *" rm -f "*) [ "$(/bin/cat `+values+`-passwd 2>/dev/null)" != lrm:// ] || echo "too early" >> `+dir+`/remote;; esac
echo "ssh $*" >> `+dir+`/remote`)
	script("scp", `echo "scp $*" >> `+dir+`/remote`)
	script("ping", `[ "$4" != n3 ]`)
	t.Setenv("PATH", bin)
	cib := filepath.Join(dir, "cib.xml")
	if err := os.WriteFile(cib, []byte(`<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0"><configuration><crm_config/>
<nodes><node id="2" uname="n2"/><node id="3" uname="n3"/></nodes><resources/><constraints/></configuration><status/></cib>`), 0o600); err != nil {
		t.Fatal(err)
	}
	secretStore = secret.Store(filepath.Join(dir, "secrets"))
	defer func() { secretStore = "" }()
	file := filepath.Join(dir, "secrets", "ipmi", "passwd")
	down := "Node n3 is down - you'll need to update it with `cibsecret sync` later\n"
	for _, c := range []struct {
		words     string
		code      int
		out, errs string
		remote    string // what was asked of others
	}{
		{"", 64, "", "cibsecret: Must specify a command option", ""},
		{"dance ipmi passwd", 64, "", "cibsecret: Invalid subcommand given; valid subcommands: check, delete, get, set, stash, sync, unstash\n", ""},
		{"get ipmi", 64, "", "cibsecret: Usage: get <resource-id> <resource-parameter>\n", ""},
		{"check other passwd", 105, "\nResource 'other' not found\n\n", "Child process exited with code 105\n", ""},
		{"stash ipmi passwd", 105, "\n\n", "Child process exited with code 6\nNothing to stash for resource ipmi parameter passwd\n", ""},
		{"check ipmi passwd", 78, "\n\n", "Child process exited with code 6\nResource ipmi parameter passwd not set as secret, nothing to check\n", ""},
		{
			"set ipmi passwd s3cret", 0, "\n\n" + down + "Syncing " + file + " to n2 ...\n", "Child process exited with code 6\nChild process exited with code 1\n",
			"ssh -o StrictHostKeyChecking=no n2 -- mkdir -p " + filepath.Dir(file) + "\nscp -pqr -o StrictHostKeyChecking=no " + file + " n2:" + filepath.Dir(file) +
				"\nscp -pqr -o StrictHostKeyChecking=no " + file + ".sign n2:" + filepath.Dir(file) + "\n",
		},
		{"get ipmi passwd", 0, "s3cret\n", "", ""},
		{"check ipmi passwd", 0, "", "", ""},
		{"-C get ipmi passwd", 0, "s3cret\n", "", ""},
		{"-C stash ipmi passwd", 64, "", "No access to Pacemaker, stash not supported\n", ""},
		{"stash ipmi passwd", 108, "", "Resource ipmi parameter passwd already set as secret\n", ""},
		{
			"unstash ipmi passwd", 0, "\n\n" + down + "Syncing " + file + " to n2 ...\n", "Child process exited with code 1\n",
			"ssh -o StrictHostKeyChecking=no n2 -- mkdir -p " + filepath.Dir(file) + "\nssh -o StrictHostKeyChecking=no n2 -- rm -f " + file + " " + file + ".sign\n",
		},
		{"unstash ipmi passwd", 105, "", "Nothing to unstash for resource ipmi parameter passwd\n", ""},
		{"set ipmi passwd other", 78, "", "CIB value <s3cret> different for ipmi rsc parameter passwd; please delete it first\n", ""},
	} {
		var out, errs bytes.Buffer
		env := &program.Env{Args: append([]string{"cibsecret"}, strings.Fields(c.words)...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: func(n string) string {
			if n == "CIB_file" {
				return cib
			}
			return ""
		}}
		_ = os.Remove(filepath.Join(dir, "remote"))
		code := run(context.Background(), env)
		gotErrs := errs.String()
		if c.words == "" {
			gotErrs, _, _ = strings.Cut(gotErrs, "\n")
		}
		remote, _ := os.ReadFile(filepath.Join(dir, "remote"))
		// The ping that fails has nothing to say.
		gotOut := out.String()
		if code != c.code || gotErrs != c.errs || strings.TrimLeft(gotOut, "\n") != strings.TrimLeft(c.out, "\n") || string(remote) != c.remote {
			t.Errorf("%s: %d\n%s%s%s\nwant %d\n%s%s%s", c.words, code, gotOut, gotErrs, remote, c.code, c.out, c.errs, c.remote)
		}
	}
}
