package verify

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hacluster/cib/schema"
	"hacluster/cib/xml"
)

var relaxng = flag.String("relaxng", "", "folder of Pacemaker's RELAX NG files: have xmllint write testdata/relaxng.txt anew")

// violations are of each class whose words are known: what is replaced in the base by what.
var violations = [][2]string{
	{`<resources>`, `<resources><mystery id="m"/>`},
	{`</resources>`, `<mystery id="m"/></resources>`},
	{`</resources>`, `<rsc_location id="m" rsc="ip" node="alpha" score="1"/></resources>`},
	{`</constraints>`, `<primitive id="p2" class="lsb" type="x"/></constraints>`},
	{`</nodes>`, `<primitive id="p2" class="lsb" type="x"/></nodes>`},
	{`<crm_config>`, `<crm_config><nvpair id="n2" name="a" value="b"/>`},
	{`<tags>`, `<settings/><tags>`},
	{`<resources>`, `<mystery/><resources>`},
	{`<crm_config>`, `<mystery/><crm_config>`},
	{`<configuration>`, `<configuration color="red">`},
	{`<crm_config>`, `<crm_config color="red">`},
	{`<nodes>`, `<nodes color="red">`},
	{`<resources>`, `<resources color="red">`},
	{`<constraints>`, `<constraints color="red">`},
	{`<tags>`, `<tags color="red">`},
	{`uname="alpha"`, `uname="alpha" color="red"`},
	{`node="alpha" score="100"`, `node="alpha" scores="100"`},
	{`name="fencing-enabled"`, `Name="fencing-enabled"`},
	{`name="fencing-enabled"`, `name="fencing-enabled" color="red"`},
	{`class="ocf" provider="heartbeat" type="IPaddr2"`, `class="OCF" provider="heartbeat" type="IPaddr2"`},
	{`class="ocf" provider="heartbeat" type="IPaddr2"`, `class="ocf" type="IPaddr2"`},
	{`<primitive id="fence" class`, `<primitive id="fence" color="red" class`},
	{`<primitive id="web" template="web-tmpl"/>`, `<primitive id="web" template="web-tmpl"><op id="o2" name="monitor" interval="5s"/></primitive>`},
	{`<primitive id="state" class="ocf" provider="pacemaker" type="Stateful"/>`, ``},
	{`<podman image="example/box:1" replicas="2"/>`, ``},
	{`name="start" interval="0s"`, `name="start" interval="0s" color="red"`},
	{`path="/usr/bin/alert"`, ``},
	{`devices="fence"`, ``},
	{`xpath="//resources"`, ``},
	{`id="ip-meta"`, `id="ip-meta" color="red"`},
}

// TestStructure holds the words for violations of the schema against those of xmllint.
func TestStructure(t *testing.T) {
	base, err := os.ReadFile("testdata/base.xml")
	if err != nil {
		t.Fatal(err)
	}
	var ours, theirs strings.Builder
	for _, version := range []string{"pacemaker-3.1", "pacemaker-3.9", "pacemaker-3.10", "pacemaker-4.0"} {
		for _, v := range violations {
			if strings.Count(string(base), v[0]) != 1 {
				t.Errorf("%s stands %d times", v[0], strings.Count(string(base), v[0]))
			}
			text := strings.Replace(string(base), "pacemaker-3.9", version, 1)
			text = strings.Replace(text, v[0], v[1], 1)
			doc, err := xml.ParseString(text)
			if err != nil {
				t.Fatal(err)
			}
			words := structure(doc.Root, version, schema.Validate(doc.Root, version))
			if words == nil {
				continue
			}
			title := fmt.Sprintf("# %s: %s -> %s\n", version, v[0], v[1])
			ours.WriteString(title + strings.Join(words, ""))
			if *relaxng != "" {
				theirs.WriteString(title + xmllint(t, version, text))
			}
		}
	}
	const golden = "testdata/relaxng.txt"
	if *relaxng != "" {
		if err := os.WriteFile(golden, []byte(theirs.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	got, lines := strings.Split(ours.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(got), len(lines)) {
		if i >= len(got) || i >= len(lines) || got[i] != lines[i] {
			t.Fatalf("line %d: %q\nwant %q", i+1, got[min(i, len(got)-1):], lines[min(i, len(lines)-1):])
		}
	}
}

// xmllint gives libxml2's words.
func xmllint(t *testing.T, version, text string) string {
	file := filepath.Join(t.TempDir(), "cib")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command("xmllint", "--noout", "--relaxng", filepath.Join(*relaxng, version+".rng"), file).CombinedOutput()
	var b strings.Builder
	for _, line := range strings.Split(string(out), "\n") {
		if _, words, ok := strings.Cut(line, "validity error : "); ok {
			b.WriteString(words + "\n")
		}
	}
	return b.String()
}

// TestStructureUnknown has violations for which there are no such words.
func TestStructureUnknown(t *testing.T) {
	base, err := os.ReadFile("testdata/base.xml")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range [][2]string{
		{`<resources>`, `<resources><mystery id="m"/><mystery id="m2"/>`}, // two of them
		{`<resources>`, `<resources><mystery id="m"/>`},                   // all ids of the resources are lost
		{`score="100"`, `score="1.5"`},
		{`<status/>`, `<tags/><status/>`},
		{`id="ip-start"`, `id="ip-monitor"`},
	} {
		doc, err := xml.ParseString(strings.Replace(string(base), v[0], v[1], 1))
		if err != nil {
			t.Fatal(err)
		}
		if words := structure(doc.Root, "pacemaker-3.9", schema.Validate(doc.Root, "pacemaker-3.9")); words != nil {
			t.Errorf("%s: %q", v[1], words)
		}
	}
}
