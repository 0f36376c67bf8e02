package upgrade

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"hacluster/cib/schema"
	"hacluster/cib/xml"
)

var (
	oracleDocs = flag.Int("oracle.docs", 20, "random documents per step that are held against xsltproc")
	oracleDir  = flag.String("oracle.dir", "/usr/share/pacemaker", "folder of the stylesheets to compare with")
	oracleSeed = flag.Uint64("oracle.seed", 1, "seed of the random documents")
)

// stylesheets are the names under which releases of Pacemaker install the stages.
var stylesheets = map[string][][]string{
	"pacemaker-1.3":  {{"upgrade-1.3.xsl"}, {"upgrade-1.3-0.xsl"}},
	"pacemaker-2.10": {{"upgrade-2.10-enter.xsl", "upgrade-2.10.xsl", "upgrade-2.10-leave.xsl"}, {"upgrade-2.10-0.xsl", "upgrade-2.10-1.xsl", "upgrade-2.10-2.xsl"}},
	"pacemaker-3.10": {{"upgrade-3.10-0.xsl", "upgrade-3.10-1.xsl", "upgrade-3.10-2.xsl", "upgrade-3.10-3.xsl", "upgrade-3.10-4.xsl", "upgrade-3.10-99.xsl"}},
}

func installed(name string) []string {
next:
	for _, list := range stylesheets[name] {
		paths := make([]string, 0, len(list))
		for _, f := range list {
			p := filepath.Join(*oracleDir, f)
			if _, err := os.Stat(p); err != nil {
				continue next
			}
			paths = append(paths, p)
		}
		return paths
	}
	return nil
}

// TestOracle compares each rewriting of random documents, and what is said about it,
// with what Pacemaker's stylesheets do where they are installed.
func TestOracle(t *testing.T) {
	xsltproc, err := exec.LookPath("xsltproc")
	if err != nil {
		t.Skip("xsltproc is not installed")
	}
	tested := 0
	for _, name := range []string{"pacemaker-1.3", "pacemaker-2.10", "pacemaker-3.10"} {
		sheets := installed(name)
		if sheets == nil {
			continue
		}
		tested++
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(*oracleSeed, 7))
			refused, wrong := 0, 0
			for range *oracleDocs {
				root := randomDocument(r, name)
				in := xml.Compact(root)
				want, said, failed := transform(t, xsltproc, sheets, in)
				got := root.Copy()
				var lines []string
				err := rewrites[name](got, func(m Message) { lines = append(lines, m.Text) })
				got.RemoveAttr("validate-with")
				if failed {
					refused++
				}
				if failed != (err != nil) {
					wrong++
					t.Errorf("stylesheets failed: %v (%s), we: %v\n%s", failed, said, err, xml.Format(root))
				} else if !failed {
					if g := string(xml.Format(got)); g != want {
						wrong++
						t.Errorf("from\n%s\nwe\n%s\nthey\n%s\n%s", xml.Format(root), g, want, diff(want, g))
					} else if g := strings.Join(lines, "\n"); g != said {
						wrong++
						t.Errorf("from\n%s\nmessages\n%s", xml.Format(root), diff(said, g))
					}
				}
				if wrong >= 2 {
					return
				}
			}
			t.Logf("%d documents, %d refused by both", *oracleDocs, refused)
		})
	}
	if tested == 0 {
		t.Skipf("no stylesheets in %s", *oracleDir)
	}
}

// transform runs the stages without blanks between elements, as Pacemaker does.
func transform(t *testing.T, xsltproc string, sheets []string, in []byte) (out, said string, failed bool) {
	t.Helper()
	var lines []string
	for _, s := range sheets {
		cmd := exec.Command(xsltproc, "--maxdepth", "500", s, "-")
		cmd.Stdin = bytes.NewReader(in)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		if text := strings.TrimSpace(stderr.String()); text != "" {
			lines = append(lines, text)
		}
		if err != nil {
			return "", strings.Join(lines, "\n"), true
		}
		doc, err := xml.Parse(stdout.Bytes())
		if err != nil {
			t.Fatalf("%v in what %s wrote", err, s)
		}
		dropText(doc.Root)
		in = xml.Compact(doc.Root)
	}
	doc, err := xml.Parse(in)
	if err != nil {
		t.Fatal(err)
	}
	doc.Root.RemoveAttr("validate-with")
	return string(xml.Format(doc.Root)), strings.Join(lines, "\n"), false
}

// diff shows the lines that only one of two texts has, by a plain look at both ends.
func diff(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return "they\n" + strings.Join(a, "\n") + "\nwe\n" + strings.Join(b, "\n")
}

// randomDocument is valid by the schema, and full of what the rewriting looks at.
func randomDocument(r *rand.Rand, name string) *etree.Element {
	root := schema.Random(r, name, 3)
	all := root.FindElements("//*")
	pick := func(words []string) string { return words[r.IntN(len(words))] }
	var ids []string
	made := 0
	byTag := map[string][]string{}
	for _, el := range all {
		if id := el.SelectAttrValue("id", ""); id != "" {
			ids = append(ids, id)
			byTag[el.Tag] = append(byTag[el.Tag], id)
		}
	}
	for _, el := range all {
		switch el.Tag {
		case "nvpair":
			if r.IntN(4) > 0 && has(el, "name") {
				set(el, "name", pick(nameWords[place(el.Parent(), el.Parent().Parent())]))
			}
			if r.IntN(2) == 0 && has(el, "value") {
				set(el, "value", pick([]string{"-INFINITY", "heartbeat", "openais|classic openais", "port:1", "port:1,2", "a=port:", "#default", "true", "poweroff", ""}))
			}
		case "op":
			set(el, "name", pick([]string{"start", "promote", "stop", "monitor", "start|promote"}))
			if name == "pacemaker-2.10" && r.IntN(3) == 0 {
				set(el, "requires", pick([]string{"quorum", "nothing"}))
			}
		case "meta_attributes", "instance_attributes", "cluster_property_set":
			if has(el, "id-ref") && r.IntN(40) > 0 {
				if len(byTag[el.Tag]) > 0 && r.IntN(2) == 0 {
					set(el, "id-ref", pick(byTag[el.Tag]))
				} else {
					el.Attr = nil
					made++
					set(el, "id", fmt.Sprintf("made-%d", made))
					for range r.IntN(4) {
						made++
						el.AddChild(element("nvpair", "id", fmt.Sprintf("made-%d", made), "name", pick(nameWords[place(el, el.Parent())]), "value", "v"))
					}
				}
			}
			if r.IntN(10) == 0 && has(el, "id") {
				set(el, "score", pick([]string{"INFINITY", "-INFINITY", "+INFINITY", "5", "+5", "-3", "007", "0", "-0", " 5 "}))
			}
		case "node":
			if r.IntN(2) == 0 {
				set(el, "type", pick([]string{"ping", "member"}))
			}
			if name == "pacemaker-2.10" && r.IntN(3) == 0 {
				set(el, "type", "normal")
			}
		case "resource_ref", "role":
			set(el, "id", pick(ids))
		case "primitive":
			if has(el, "template") && len(byTag["template"]) > 0 && r.IntN(5) > 0 {
				set(el, "template", pick(byTag["template"]))
			}
			if has(el, "class") && !has(el, "provider") && r.IntN(2) == 0 && name == "pacemaker-3.10" {
				set(el, "class", pick([]string{"nagios", "upstart", "lsb"}))
			}
		case "rule":
			if has(el, "id-ref") && r.IntN(8) > 0 && len(byTag["rule"]) > 0 {
				set(el, "id-ref", pick(byTag["rule"]))
			}
		case "acl_permission":
			if has(el, "reference") && len(byTag["rsc_location"]) > 0 && r.IntN(2) == 0 {
				set(el, "reference", pick(byTag["rsc_location"]))
			}
		}
		for _, a := range []string{"rsc", "with-rsc", "first", "then"} {
			if has(el, a) && r.IntN(4) > 0 {
				for _, kind := range []string{"primitive", "group", "clone", "bundle", "master"} {
					if len(byTag[kind]) > 0 && r.IntN(2) == 0 {
						set(el, a, pick(byTag[kind]))
					}
				}
			}
		}
		if r.IntN(12) == 0 {
			el.InsertChildAt(r.IntN(len(el.Child)+1), etree.NewComment(fmt.Sprint(r.IntN(99))))
		}
	}
	return root
}

// place names the table of words for a set below parent.
func place(set, parent *etree.Element) string {
	up := parent.Tag
	switch {
	case set.Tag == "cluster_property_set":
		return "property"
	case up == "op":
		return "op " + set.Tag
	case set.Tag == "meta_attributes":
		return "meta"
	}
	return "parameter"
}

var nameWords = map[string][]string{
	"property": append(slices.Sorted(keys(oldProperties)), "crmd-finalization-timeout", "crmd-integration-timeout", "crmd-transition-delay",
		"remove-after-stop", "stonith-action", "no-quorum-policy"),
	"meta":                   append(slices.Sorted(keys(oldMeta)), "target-role", "requires", "migration-threshold", "restart-type", "promotable", "timeout", "can_fail", "resource-stickiness", "role"),
	"parameter":              append(slices.Sorted(keys(oldParameters)), "ip", "requires"),
	"op meta_attributes":     {"requires", "timeout", "role", "x", "can_fail", "role_after_failure", "restart-type"},
	"op instance_attributes": append(slices.Sorted(keys(oldOperationParameters)), "x", "requires", "timeout"),
}

func keys(m map[string][]rename) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
