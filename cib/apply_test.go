package cib

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"pgregory.net/rapid"

	"hacluster/cib/patch"
	"hacluster/cib/xml"
)

func parse(t testing.TB, s string) *etree.Element {
	t.Helper()
	doc, err := xml.ParseString(s)
	if err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return doc.Root
}

// TestApply keeps one document from case to case: an operation, its data, and
// the version and a fragment that the document must then have.
func TestApply(t *testing.T) {
	root := parse(t, `<cib validate-with="none" admin_epoch="0" epoch="1" num_updates="3"><configuration><crm_config/><nodes/><resources><primitive id="A" class="ocf"><meta_attributes id="m"><nvpair id="v" name="n" value="5"/></meta_attributes></primitive><primitive id="B" class="ocf"/></resources><constraints/></configuration><status/></cib>`)
	for i, c := range []struct {
		req  Request
		data string
		code Code
		want string // version, then a fragment of the document
	}{
		{Request{Op: Create, Section: "resources"}, `<primitive id="C"/>`, OK, `0.2.0 <primitive id="B" class="ocf"/><primitive id="C"/></resources>`},
		{Request{Op: Create, Section: "resources"}, `<primitive id="C"/>`, Exists, `0.2.0 `},
		{Request{Op: Create, Section: "nosuch"}, `<primitive id="C"/>`, Invalid, `0.2.0 `},
		{Request{Op: Create, Section: "resources"}, `<resources><primitive id="D"/><!--x--><primitive id="E"/></resources>`, OK, `0.3.0 <primitive id="D"/><!--x--><primitive id="E"/>`},
		{Request{Op: Modify, Section: "resources"}, `<primitive id="B" class="lsb" type="t"><x/></primitive>`, OK, `0.4.0 <primitive id="B" class="lsb" type="t"><x/></primitive>`},
		{Request{Op: Modify, Section: "resources"}, `<primitive id="B" class="lsb"/>`, OK, `0.4.0 `},
		{Request{Op: Modify, Section: "resources"}, `<primitive id="Z"/>`, NotFound, `0.4.0 `},
		{Request{Op: Modify, Section: "resources", CanCreate: true}, `<primitive id="Z"/>`, OK, `0.5.0 <primitive id="Z"/></resources>`},
		{Request{Op: Modify, Section: ""}, `<nvpair id="v" value="value++"/>`, OK, `0.6.0 name="n" value="6"`},
		{Request{Op: Modify, Section: ""}, `<nvpair id="v" value="value+=INFINITY"/>`, OK, `0.7.0 value="1000000"`},
		{Request{Op: Modify, Section: "tags", CanCreate: true}, `<tag id="t"/>`, OK, `0.8.0 <tags><tag id="t"/></tags>`},
		{Request{Op: Modify, Section: "status", CanCreate: true}, `<node_state id="1"><lrm id="1"/></node_state>`, OK, `0.8.1 <status><node_state id="1"><lrm id="1"/>`},
		{Request{Op: Delete, Section: "status"}, `<node_state id="9"/>`, OK, `0.8.1 `},
		{Request{Op: Delete, Section: "//node_state[@id='1']/lrm", XPath: true}, ``, OK, `0.8.2 <node_state id="1"/>`},
		{Request{Op: Delete, Section: "resources"}, `<primitive id="A"/>`, OK, `0.9.0 <resources><primitive id="B"`},
		{Request{Op: Delete, Section: "//primitive", XPath: true, Multiple: true}, ``, OK, `0.10.0 <resources><!--x--></resources>`},
		{Request{Op: Delete, Section: "/cib", XPath: true}, ``, Invalid, `0.10.0 `},
		{Request{Op: Replace, Section: "resources"}, `<resources><primitive id="N"/></resources>`, OK, `0.11.0 <resources><primitive id="N"/></resources>`},
		{Request{Op: Replace, Section: "resources"}, `<primitive id="M"/>`, NotFound, `0.11.0 `},
		{Request{Op: Replace, Section: "//primitive[@id='N']", XPath: true}, `<primitive id="M"/>`, OK, `0.12.0 <resources><primitive id="M"/></resources>`},
		{Request{Op: Replace}, `<cib epoch="3"/>`, OldData, `0.12.0 `},
		{Request{Op: Bump}, ``, OK, `0.13.1 `},
		{Request{Op: Patch}, `<diff format="2"><change operation="create" path="/cib/configuration/resources" position="0"><primitive id="P"/></change></diff>`, OK, `0.14.0 <resources><primitive id="P"/><primitive id="M"/>`},
		{Request{Op: Patch}, `<diff format="2"><version><source admin_epoch="0" epoch="1" num_updates="0"/><target admin_epoch="0" epoch="2" num_updates="0"/></version></diff>`, OldData, `0.14.0 `},
		{Request{Op: Commit}, `<cib_transaction><cib_command cib_op="cib_delete" cib_section="//primitive[@id='P']" cib_callopt="2"/><cib_command cib_op="cib_modify" cib_section="resources"><cib_calldata><primitive id="no"/></cib_calldata></cib_command></cib_transaction>`, NotFound, `0.14.0 <primitive id="P"/>`},
		{Request{Op: Erase}, ``, OK, `1.15.0 <resources/><constraints/></configuration><status/>`},
	} {
		if c.data != "" {
			c.req.Data = parse(t, c.data)
		}
		before := string(xml.Compact(root))
		res, err := Apply(root, c.req)
		if CodeOf(err) != c.code {
			t.Errorf("case %d %v: %v, want %v", i, c.req.Op, err, c.code)
		}
		if after := string(xml.Compact(root)); after != before {
			t.Errorf("case %d changed its input", i)
		}
		root = res.Root
		version, fragment, _ := strings.Cut(c.want, " ")
		if got := string(xml.Compact(root)); VersionOf(root).String() != version || !strings.Contains(got, fragment) {
			t.Errorf("case %d %v: %s\n%s\nwant %s", i, c.req.Op, VersionOf(root), got, c.want)
		}
	}
}

func TestQuery(t *testing.T) {
	root := parse(t, `<cib><configuration><resources><primitive id="A" type="t"><x/></primitive><primitive id="B"/></resources></configuration><status/></cib>`)
	for _, c := range []struct {
		req  Request
		want string
		code Code
	}{
		{Request{Section: "resources", NoChildren: true}, `<resources/>`, OK},
		{Request{Section: "//primitive[@id='A']", XPath: true}, `<primitive id="A" type="t"><x/></primitive>`, OK},
		{Request{Section: "//primitive", XPath: true, NoChildren: true}, `<xpath-query><primitive id="A" type="t"/><primitive id="B"/></xpath-query>`, OK},
		{Request{Section: "//primitive", XPath: true, PathsOnly: true}, `<xpath-query><xpath-query-path id="/cib/configuration/resources/primitive[@id='A']"/><xpath-query-path id="/cib/configuration/resources/primitive[@id='B']"/></xpath-query>`, OK},
		{Request{Section: "//primitive/@type", XPath: true}, `<xpath-query type="t"/>`, OK},
		{Request{Section: "//primitive[@id='A' or @id='Z']/x", XPath: true}, `<x/>`, OK},
		{Request{Section: "//nothing", XPath: true}, ``, NotFound},
		{Request{Section: "][", XPath: true}, ``, NotFound},
		{Request{Section: "tags"}, ``, NotFound},
	} {
		c.req.Op = Query
		res, err := Apply(root, c.req)
		got := ""
		if res.Data != nil {
			got = string(xml.Compact(res.Data))
		}
		if got != c.want || CodeOf(err) != c.code {
			t.Errorf("%+v: %s %v", c.req, got, err)
		}
	}
}

// element draws a small tree whose ids are few, so that two trees share much.
func element(rt *rapid.T, tag string, depth int) *etree.Element {
	el := etree.NewElement(tag)
	for _, k := range []string{"a", "b", "c"} {
		if rapid.Bool().Draw(rt, "has "+k) {
			el.CreateAttr(k, rapid.StringMatching(`[xyz]{0,2}`).Draw(rt, k))
		}
	}
	if depth == 0 {
		return el
	}
	ids := rapid.Permutation([]string{"1", "2", "3", "4"}).Draw(rt, "order")
	for _, id := range ids[:rapid.IntRange(0, 4).Draw(rt, "children")] {
		c := element(rt, "e", depth-1)
		c.CreateAttr("id", id)
		el.AddChild(c)
	}
	return el
}

// TestPatchLeadsThereAndBack: a diff applied to the old document gives the new one, and the way back.
func TestPatchLeadsThereAndBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := element(rt, "cib", 2), element(rt, "cib", 2)
		for _, way := range [][2]*etree.Element{{a, b}, {b, a}} {
			from, to := string(xml.Compact(way[0])), string(xml.Compact(way[1]))
			p := patch.Diff(way[0], way[1], patch.AttributeOrder)
			if p == nil {
				if from != to {
					rt.Fatalf("no difference between\n%s\n%s", from, to)
				}
				continue
			}
			res, err := patch.Apply(way[0], p, patch.IgnoreVersion)
			if err != nil {
				rt.Fatalf("%v\n%s\n%s\n%s", err, from, to, xml.Format(p))
			}
			if got := string(xml.Compact(res.Root)); got != to {
				rt.Fatalf("from %s\nto   %s\ngot  %s\n%s", from, to, got, xml.Format(p))
			}
		}
	})
}

func TestStore(t *testing.T) {
	dir := t.TempDir()
	s := &Store{Dir: dir, Backups: 3}
	root, note, err := s.Load()
	if err != nil || note != "" || VersionOf(root).String() != "0.0.0" {
		t.Fatalf("an empty folder: %v %q %v", root, note, err)
	}
	for range 5 {
		res, err := Apply(root, Request{Op: Bump})
		if err != nil {
			t.Fatal(err)
		}
		root = res.Root
		if err := s.Save(root); err != nil {
			t.Fatal(err)
		}
	}
	if got, note, err := s.Load(); err != nil || note != "" || VersionOf(got) != VersionOf(root) {
		t.Fatalf("after saving: %v %q %v", VersionOf(got), note, err)
	}
	// A file cut short falls back to the newest good backup, and says so.
	file := filepath.Join(dir, "cib.xml")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data[:len(data)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	got, note, err := s.Load()
	if err != nil || !strings.Contains(note, "cib.xml") || !strings.Contains(note, "cib-") || VersionOf(got).Epoch != VersionOf(root).Epoch-1 {
		t.Fatalf("after a cut: %v %q %v", VersionOf(got), note, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "cib.auto.*", "cib.xml")); len(left) != 1 {
		t.Errorf("the broken file was not kept: %v", left)
	}
	// The backups that are broken too are passed over; with none left the CIB is empty.
	raws, _ := filepath.Glob(filepath.Join(dir, "cib-*.raw"))
	if len(raws) == 0 || len(raws) > 3 {
		t.Fatalf("backups: %v", raws)
	}
	for _, r := range raws {
		if err := os.WriteFile(r, []byte("<cib"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, note, err = s.Load(); err != nil || note == "" || VersionOf(got).Epoch != 0 {
		t.Fatalf("with nothing good: %v %q %v", VersionOf(got), note, err)
	}
}
