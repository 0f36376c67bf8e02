package patch

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"pgregory.net/rapid"

	"hacluster/cib/xml"
)

func parse(t testing.TB, text string) *etree.Element {
	t.Helper()
	doc, err := xml.ParseString(text)
	if err != nil {
		t.Fatal(err)
	}
	return doc.Root
}

// documents are CIBs as clusters have them.
func documents(t testing.TB) []*etree.Element {
	t.Helper()
	files, _ := filepath.Glob("../../engine/scheduler/testdata/*.xml")
	if len(files) == 0 {
		t.Fatal("no documents")
	}
	var out []*etree.Element
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, parse(t, string(data)))
	}
	return out
}

func elements(el *etree.Element) []*etree.Element {
	out := []*etree.Element{el}
	for _, c := range el.ChildElements() {
		out = append(out, elements(c)...)
	}
	return out
}

// change makes one random change of a document.
func change1(rt *rapid.T, root *etree.Element, n int) {
	all := elements(root)
	el := all[rapid.IntRange(0, len(all)-1).Draw(rt, "element")]
	parent := el.Parent()
	switch rapid.SampledFrom([]string{"set", "unset", "delete", "add", "move", "shuffle", "attributes"}).Draw(rt, "change") {
	case "set":
		el.CreateAttr(rapid.SampledFrom([]string{"score", "value", "name", "description", "x"}).Draw(rt, "name"), rapid.StringMatching(`[a-z<&"' é]{0,5}`).Draw(rt, "value"))
	case "unset":
		if len(el.Attr) > 0 {
			if a := el.Attr[rapid.IntRange(0, len(el.Attr)-1).Draw(rt, "which")].Key; a != "id" {
				el.RemoveAttr(a)
			}
		}
	case "delete":
		if parent != nil && el != root {
			parent.RemoveChild(el)
		}
	case "add":
		c := etree.NewElement(rapid.SampledFrom([]string{"primitive", "nvpair", "meta_attributes"}).Draw(rt, "tag"))
		if rapid.Bool().Draw(rt, "a reference") && !bareSibling(el, c.Tag) {
			c.CreateAttr("id-ref", "some") // beside others of its name that have ids
		} else {
			c.CreateAttr("id", fmt.Sprintf("new-%d/'%d", n, len(all)))
		}
		c.CreateElement("nvpair").CreateAttr("id", "inside")
		el.InsertChildAt(rapid.IntRange(0, len(el.Child)).Draw(rt, "at"), c)
	case "move":
		if parent != nil && el != root {
			parent.RemoveChild(el)
			parent.InsertChildAt(rapid.IntRange(0, len(parent.Child)).Draw(rt, "at"), el)
		}
	case "shuffle":
		order := rapid.Permutation(append([]etree.Token(nil), el.Child...)).Draw(rt, "order")
		for _, t := range order {
			el.RemoveChild(t)
			el.AddChild(t)
		}
	case "attributes":
		el.Attr = rapid.Permutation(el.Attr).Draw(rt, "attributes")
	}
}

// bareSibling tells that el has a child of that name without an id: paths cannot tell two apart.
func bareSibling(el *etree.Element, tag string) bool {
	for _, c := range el.SelectElements(tag) {
		if c.SelectAttr("id") == nil {
			return true
		}
	}
	return false
}

// TestThereAndBack: the patch from one document to another, applied, gives the other
// to the byte, and the patch back the first; a patch that is written and read still does.
func TestThereAndBack(t *testing.T) {
	docs := documents(t)
	rapid.Check(t, func(rt *rapid.T) {
		a := docs[rapid.IntRange(0, len(docs)-1).Draw(rt, "document")].Copy()
		b := a.Copy()
		for i := range rapid.IntRange(1, 12).Draw(rt, "changes") {
			change1(rt, b, i)
		}
		for _, way := range [][2]*etree.Element{{a, b}, {b, a}} {
			from, to := string(xml.Compact(way[0])), string(xml.Compact(way[1]))
			p := Diff(way[0], way[1], AttributeOrder, WithDigest)
			if p == nil {
				if from != to {
					rt.Fatal("no difference between different documents")
				}
				continue
			}
			p = parse(t, string(xml.Format(p)))
			res, err := Apply(way[0], p, IgnoreVersion)
			if err != nil {
				rt.Fatalf("%v\n%s", err, xml.Format(p))
			}
			if got := string(xml.Compact(res.Root)); got != to {
				rt.Fatalf("got  %s\nwant %s\n%s", got, to, xml.Format(p))
			}
			if string(xml.Compact(way[0])) != from {
				rt.Fatal("the document that was patched changed")
			}
		}
	})
}

func TestApplyFaults(t *testing.T) {
	const doc = `<cib admin_epoch="0" epoch="5" num_updates="1"><configuration><a id="1" x="y"/><!--c--><a id="2"/></configuration><status/></cib>`
	version := func(source, target string) string {
		el := func(tag, v string) string {
			p := strings.Split(v, ".")
			return fmt.Sprintf(`<%s admin_epoch="%s" epoch="%s" num_updates="%s"/>`, tag, p[0], p[1], p[2])
		}
		return "<version>" + el("source", source) + el("target", target) + "</version>"
	}
	for name, c := range map[string]struct {
		diff  string
		check Check
		code  int    // 0: it fits
		want  string // a fragment of the result
	}{
		"no format":          {`<diff/>`, IgnoreVersion, CodeInvalid, ""},
		"format 1":           {`<diff format="1"/>`, IgnoreVersion, CodeInvalid, ""},
		"nothing":            {`<diff format="2"/>`, IgnoreVersion, 0, `<a id="1" x="y"/>`},
		"fits":               {`<diff format="2">` + version("0.5.1", "0.6.0") + `</diff>`, CheckVersion, 0, ""},
		"too new":            {`<diff format="2">` + version("0.6.0", "0.7.0") + `</diff>`, CheckVersion, CodeFailed, ""},
		"too old":            {`<diff format="2">` + version("0.4.9", "0.5.0") + `</diff>`, CheckVersion, CodeOldData, ""},
		"leads nowhere":      {`<diff format="2">` + version("0.5.1", "0.5.1") + `</diff>`, CheckVersion, CodeOldData, ""},
		"one counter rises":  {`<diff format="2">` + version("0.5.1", "0.4.2") + `</diff>`, CheckVersion, 0, ""},
		"no number":          {`<diff format="2"><version><source admin_epoch="0" epoch="x" num_updates="1"/></version></diff>`, CheckVersion, CodeInvalid, ""},
		"gone already":       {`<diff format="2"><change operation="delete" path="/cib/configuration/a[@id='9']"/></diff>`, IgnoreVersion, 0, ""},
		"nowhere":            {`<diff format="2"><change operation="modify" path="/cib/configuration/a[@id='9']"/></diff>`, IgnoreVersion, CodeFailed, ""},
		"says nothing":       {`<diff format="2"><change operation="modify" path="/cib/configuration/a[@id='1']"/></diff>`, IgnoreVersion, CodeNoMessage, ""},
		"unknown":            {`<diff format="2"><change operation="burn" path="/cib"/></diff>`, IgnoreVersion, CodeFailed, ""},
		"no operation":       {`<diff format="2"><change path="/cib"/></diff>`, IgnoreVersion, 0, ""},
		"root goes":          {`<diff format="2"><change operation="delete" path="/cib"/></diff>`, IgnoreVersion, CodeFailed, ""},
		"creates nothing":    {`<diff format="2"><change operation="create" path="/cib"/></diff>`, IgnoreVersion, CodeFailed, ""},
		"create first":       {`<diff format="2"><change operation="create" path="/cib/configuration"><b/></change></diff>`, IgnoreVersion, 0, `<configuration><b/><a id="1"`},
		"create beyond":      {`<diff format="2"><change operation="create" path="/cib/configuration" position="99"><b/></change></diff>`, IgnoreVersion, 0, `<a id="2"/><b/></configuration>`},
		"move beyond":        {`<diff format="2"><change operation="move" path="/cib/configuration/a[@id='1']" position="7"/></diff>`, IgnoreVersion, CodeFailed, ""},
		"move":               {`<diff format="2"><change operation="move" path="/cib/configuration/a[@id='1']" position="2"/></diff>`, IgnoreVersion, 0, `<!--c--><a id="2"/><a id="1" x="y"/>`},
		"comment":            {`<diff format="2"><change operation="delete" path="/cib/configuration/comment" position="1"/></diff>`, IgnoreVersion, 0, `<a id="1" x="y"/><a id="2"/>`},
		"comment elsewhere":  {`<diff format="2"><change operation="delete" path="/cib/configuration/comment" position="0"/></diff>`, IgnoreVersion, 0, `<!--c-->`},
		"digest differs":     {`<diff format="2" digest="0123"><change operation="delete" path="/cib/status"/></diff>`, IgnoreVersion, CodeFailed, ""},
		"last fault counts":  {`<diff format="2"><change operation="modify" path="/nowhere"/><change operation="modify" path="/cib"/></diff>`, IgnoreVersion, CodeNoMessage, ""},
		"path without start": {`<diff format="2"><change operation="modify" path="cib"/></diff>`, IgnoreVersion, CodeFailed, ""},
	} {
		res, err := Apply(parse(t, doc), parse(t, c.diff), c.check)
		code := 0
		if e, ok := err.(*Error); ok { //nolint:errorlint // Apply gives it as it is
			code = e.Code
		}
		if code != c.code {
			t.Errorf("%s: %v, want code %d", name, err, c.code)
		}
		if err == nil && !strings.Contains(string(xml.Compact(res.Root)), c.want) {
			t.Errorf("%s: %s, want %s", name, xml.Compact(res.Root), c.want)
		}
	}
}

func TestDescribe(t *testing.T) {
	a := parse(t, `<cib admin_epoch="0" epoch="1" num_updates="0"><configuration><r><p id="1" x="1" y="2"/><p id="2"/><!--old--></r></configuration></cib>`)
	b := parse(t, `<cib admin_epoch="0" epoch="2" num_updates="0"><configuration><r><p id="2"/><p id="1" x="3"/><n id="3" pw="s" hidden="pw"><m><!--in--><k/></m></n></r></configuration></cib>`)
	want := `Diff: --- 0.1.0 2
Diff: +++ 0.2.0 (no digest)
-- /cib/configuration/r/comment (2)
+  /cib:  @epoch=2
+~ /cib/configuration/r/p[@id='2'] moved to offset 0
+  /cib/configuration/r/p[@id='1']:  @x=3
-- /cib/configuration/r/p[@id='1']:  @y
+~ /cib/configuration/r/p[@id='1'] moved to offset 1
++ /cib/configuration/r:  <n id="3" pw="*****" hidden="pw"/>
++                          <m>
    <!--in-->
++                            <k/>
++                          </m>
++                        </n>
`
	if got := strings.Join(Describe(Diff(a, b)), "\n") + "\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func FuzzApply(f *testing.F) {
	const doc = `<cib admin_epoch="0" epoch="5" num_updates="1"><configuration><a id="1" x="y"/><!--c--><a id="2"><b/></a></configuration><status/></cib>`
	f.Add(doc, `<diff format="2"><change operation="delete" path="/cib/configuration/comment" position="1"/></diff>`)
	f.Add(doc, `<diff format="2"><change operation="move" path="/cib/configuration/a[@id='1']" position="2"/><change operation="create" path="/cib/configuration/a[@id='2']"><c/></change></diff>`)
	f.Add(doc, `<diff format="2"><change operation="modify" path="/cib"><change-result><cib epoch="6"/></change-result></change></diff>`)
	f.Fuzz(func(t *testing.T, doc, diff string) {
		a, err := xml.ParseString(doc)
		if err != nil {
			return
		}
		p, err := xml.ParseString(diff)
		if err != nil {
			return
		}
		before := string(xml.Compact(a.Root))
		res, err := Apply(a.Root, p.Root, IgnoreVersion)
		if string(xml.Compact(a.Root)) != before {
			t.Fatal("the document that was patched changed")
		}
		if err != nil {
			return
		}
		Describe(p.Root)
		// What a patch made is itself led to by a patch.
		if q := Diff(a.Root, res.Root, AttributeOrder); q != nil {
			if _, err := Apply(a.Root, q, IgnoreVersion); err != nil && unique(a.Root) && unique(res.Root) {
				t.Fatalf("%v\n%s\n%s\n%s", err, before, xml.Compact(res.Root), xml.Format(q))
			}
		}
	})
}

// unique tells that no two siblings have the same name and id, so that paths are clear.
func unique(el *etree.Element) bool {
	seen := map[string]bool{}
	for _, t := range nodes(el) {
		c, ok := t.(*etree.Element)
		if !ok {
			continue
		}
		if n := name(c); seen[n] || strings.ContainsAny(n, "'/[]") || strings.Contains(c.Tag, "comment") || !unique(c) {
			return false
		}
		seen[name(c)] = true
	}
	return true
}

// TestQuotedIDs: an element is found by an id with quotes, slashes and brackets in it, as the patch has it, and as Pacemaker would.
func TestQuotedIDs(t *testing.T) {
	for id, path := range map[string]string{
		"n1":       "/cib/status/node_state[@id='n1']",
		"o'n":      `/cib/status/node_state[@id="o'n"]`,
		`a"b`:      `/cib/status/node_state[@id='a"b']`,
		`'/"]`:     `/cib/status/node_state[@id=concat('',"'",'/"]')]`,
		"a/b['c']": `/cib/status/node_state[@id="a/b['c']"]`,
	} {
		doc := func(value string) *etree.Element {
			root := parse(t, `<cib admin_epoch="0" epoch="1" num_updates="1"><configuration/><status><node_state id="before"/></status></cib>`)
			s := root.SelectElement("status").CreateElement("node_state")
			s.CreateAttr("id", id)
			s.CreateAttr("value", value)
			return root
		}
		a, b := doc("1"), doc("2")
		p := Diff(a, b, AttributeOrder, WithDigest)
		if p == nil || p.FindElement("./change[@operation='modify']") == nil {
			t.Fatalf("%s: no change", id)
		}
		found := false
		for _, c := range p.SelectElements("change") {
			found = found || c.SelectAttrValue("path", "") == path
		}
		if !found {
			t.Errorf("%s: the path is not %s: %s", id, path, xml.Compact(p))
		}
		res, err := Apply(a, parse(t, string(xml.Format(p))), IgnoreVersion)
		if err != nil || string(xml.Compact(res.Root)) != string(xml.Compact(b)) {
			t.Errorf("%s: %v", id, err)
		}
		if locate(a, "/cib/status/node_state[@id='"+id+"']", -1) == nil && !strings.ContainsAny(id, `'"`) {
			t.Errorf("%s is not found as Pacemaker writes it", id)
		}
	}
}
