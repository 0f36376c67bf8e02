package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hacluster/cib/xml"
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
		{"/usr/libexec/pacemaker/pacemaker-controld --version", 0, "Pacemaker 3.0.2\n", ""},
		{"pacemaker-based --help", 0, "pacemaker-based [OPTION…] [metadata]\n", ""},
		{"pacemaker-based --nope", 64, "", "Unknown option --nope"},
		{"pacemaker-based -r /tmp", 100, "", "pacemakerd does its work"},
		{"pacemaker-execd metadata", 64, "", "metadata: not understood"},
		{"pacemaker-fenced metadata", 0, `<parameter name="pcmk_host_map">`, ""},
		{"corosync-qnetd -s perhaps", 1, "", "is not on, off or req"},
		{"corosync-qnetd -46d -c perhaps -S listen_backlog=10", 1, "", "is not on or off"},
		{"corosync-qnetd -v", 0, "Corosync Qdevice Network Daemon, version '3.0.3'\n", ""},
		{"corosync-qdevice --nope", 1, "", "unknown flag: --nope"},
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

// TestMetadata: each daemon tells of the options that Pacemaker 3.0.2's daemon of that name has, with its types, defaults and values,
// which testdata/metadata.txt holds, a line an option, and marks them as that does.
func TestMetadata(t *testing.T) {
	want, err := os.ReadFile("testdata/metadata.txt")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, name := range []string{"pacemaker-based", "pacemaker-controld", "pacemaker-schedulerd", "pacemaker-fenced"} {
		var out bytes.Buffer
		env := &program.Env{Args: []string{name, "metadata"}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: io.Discard, Getenv: func(string) string { return "" }}
		if code := run(context.Background(), env); code != 0 {
			t.Fatalf("%s: exit code %d", name, code)
		}
		doc, err := xml.Parse(out.Bytes())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, p := range doc.Root.FindElements("parameters/parameter") {
			var marks []string
			for _, m := range regexp.MustCompile(`\*\*\* (.*?) \*\*\*`).FindAllStringSubmatch(p.SelectElement("shortdesc").Text(), -1) {
				marks = append(marks, m[1])
			}
			var values []string
			c := p.SelectElement("content")
			for _, o := range c.SelectElements("option") {
				values = append(values, o.SelectAttrValue("value", ""))
			}
			fmt.Fprintf(&got, "%s %s %s default=%q values=%s marks=%s\n", doc.Root.SelectAttrValue("name", ""), p.SelectAttrValue("name", ""),
				c.SelectAttrValue("type", ""), c.SelectAttrValue("default", ""), strings.Join(values, "|"), strings.Join(marks, "|"))
		}
	}
	have, need := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(have), len(need)) {
		if i >= len(have) || i >= len(need) || have[i] != need[i] {
			t.Fatalf("line %d: %q, the original %q", i+1, slices.Concat(have, []string{""})[min(i, len(have))], slices.Concat(need, []string{""})[min(i, len(need))])
		}
	}
}
