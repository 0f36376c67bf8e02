package cib_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hacluster/cib"
)

// TestOutside builds a program in a module of its own that imports this package, and
// has it read a configuration, change it and hold it against its schema.
func TestOutside(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/outside")); err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	// What hacluster requires is listed, as `go mod tidy` would: so no more modules are looked up than hacluster's own build has fetched.
	ours, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	module := strings.Replace(string(ours), "module hacluster\n", "module example.com/outside\n", 1) +
		"\nrequire hacluster v0.0.0\n\nreplace hacluster => " + root + "\n"
	file := filepath.Join(dir, "cib.xml")
	doc := `<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="4" num_updates="2"><configuration><crm_config/>` +
		`<nodes><node id="1" uname="n1"/></nodes><resources><primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr2"/></resources>` +
		`<constraints/></configuration></cib>`
	for name, text := range map[string]string{"go.mod": module, "go.sum": string(sums), "cib.xml": doc} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) (string, error) {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "CGO_ENABLED=0")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("go", "build", "-o", "outside", "."); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := run("./outside", "cib.xml", "ip", "n1")
	if want := "version 0.4.2 becomes 0.5.0\n"; err != nil || out != want {
		t.Fatalf("%q %v, want %q", out, err, want)
	}
	got, err := cib.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if c := got.Root.FindElement("./configuration/constraints/rsc_location"); c == nil || c.SelectAttrValue("node", "") != "n1" {
		t.Error("the constraint was not written")
	}
	broken := strings.Replace(doc, "<constraints/>", `<constraints color="red"/>`, 1)
	if err := os.WriteFile(filepath.Join(dir, "broken.xml"), []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"resource web: No such device or address": {"./outside", "cib.xml", "web", "n1"},
		"no such file":       {"./outside", "nowhere.xml", "ip", "n1"},
		"would not be valid": {"./outside", "broken.xml", "ip", "n1"},
	} {
		if out, err := run(args...); err == nil || !strings.Contains(out, want) {
			t.Errorf("%q: %q %v", args, out, err)
		}
	}
}
