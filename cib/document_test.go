package cib

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"pgregory.net/rapid"

	"hacluster/cib/acl"
	"hacluster/cib/patch"
	"hacluster/cib/xml"
)

// wholes are valid CIBs as clusters have them.
func wholes(t testing.TB) []*etree.Element {
	t.Helper()
	files, _ := filepath.Glob("../engine/scheduler/testdata/*.xml")
	var out []*etree.Element
	for _, f := range files {
		doc, err := Load(f)
		if err != nil {
			t.Fatal(err)
		}
		if validate(doc.Root) == nil && len(xml.Compact(doc.Root)) < 12000 {
			out = append(out, doc.Root)
		}
	}
	if len(out) < 3 {
		t.Fatalf("only %d documents of %d are valid", len(out), len(files))
	}
	return out
}

// requestOf draws a request that has something to do with the document.
func requestOf(rt *rapid.T, root *etree.Element) Request {
	all := root.FindElements(".//*")
	el := all[rapid.IntRange(0, len(all)-1).Draw(rt, "element")]
	data := el.Copy()
	if rapid.Bool().Draw(rt, "bare") {
		data.Child = nil
	}
	switch rapid.IntRange(0, 3).Draw(rt, "vary") {
	case 0:
		data.CreateAttr(rapid.SampledFrom([]string{"value", "description", "score", "crm-debug-origin"}).Draw(rt, "attribute"), rapid.SampledFrom([]string{"1", "value++", "x<y"}).Draw(rt, "text"))
	case 1:
		data.CreateAttr("id", "new")
	case 2:
		nv := data.CreateElement("nvpair")
		nv.CreateAttr("id", "inside")
		data.CreateText("text")
	}
	req := Request{
		Op:           rapid.SampledFrom([]Op{Create, Modify, Modify, Modify, Replace, Delete, Delete, Erase, Bump, Patch, Patch, Upgrade, Commit}).Draw(rt, "op"),
		Section:      rapid.SampledFrom([]string{"", "status", "resources", "constraints", "crm_config", "configuration", "nodes", "nosuch"}).Draw(rt, "section"),
		CanCreate:    rapid.Bool().Draw(rt, "may create"),
		Multiple:     rapid.Bool().Draw(rt, "all"),
		Data:         data,
		Stamp:        &Stamp{LastWritten: "now", Client: "test"},
		KeepVersions: rapid.IntRange(0, 9).Draw(rt, "keep versions") == 0,
	}
	if rapid.Bool().Draw(rt, "a part of its own") {
		for p := el.Parent(); p != nil; p = p.Parent() {
			if p == root {
				break
			}
			if known(p.Tag) {
				req.Section = p.Tag
				break
			}
		}
	}
	switch req.Op {
	case Modify, Replace, Delete:
		if rapid.Bool().Draw(rt, "by XPath") {
			req.XPath, req.Section = true, "//"+el.Tag
			if id := el.SelectAttrValue("id", ""); id != "" && rapid.Bool().Draw(rt, "with id") {
				req.Section += "[@id=" + xml.QuoteXPath(id) + "]"
			}
		}
	case Patch:
		next := root.Copy()
		for range rapid.IntRange(1, 4).Draw(rt, "changes") {
			all := next.FindElements("./*/*//*")
			if len(all) == 0 {
				break
			}
			el := all[rapid.IntRange(0, len(all)-1).Draw(rt, "changed")]
			switch rapid.IntRange(0, 3).Draw(rt, "how") {
			case 0:
				el.CreateAttr("description", "patched")
			case 1:
				el.Parent().RemoveChild(el)
			case 2:
				c := el.CreateElement("nvpair")
				c.CreateAttr("id", fmt.Sprintf("patched-%d", len(all)))
			case 3:
				p := el.Parent()
				p.RemoveChild(el)
				p.InsertChildAt(rapid.IntRange(0, len(p.Child)).Draw(rt, "to"), el)
			}
		}
		v := VersionOf(next)
		v.NumUpdates++
		v.Set(next)
		req.Data = patch.Diff(root, next)
		if rapid.IntRange(0, 4).Draw(rt, "spoilt") == 0 {
			req.Data.CreateElement("change").CreateAttr("operation", "modify")
		}
	case Commit:
		req.Data = etree.NewElement("cib_transaction")
		for _, op := range []string{"cib_modify", "cib_delete"} {
			c := req.Data.CreateElement("cib_command")
			c.CreateAttr("cib_op", op)
			c.CreateAttr("cib_section", req.Section)
			c.CreateElement("cib_calldata").AddChild(data.Copy())
		}
	}
	if rapid.IntRange(0, 9).Draw(rt, "somebody") == 0 {
		req.User = acl.User{Name: "joe"}
	}
	return req
}

// equal tells that two indexes know the same.
func (x *index) equal(o *index) bool {
	for id, list := range x.byID {
		if len(list) != len(o.byID[id]) {
			return false
		}
		for _, el := range list {
			if !slices.Contains(o.byID[id], el) {
				return false
			}
		}
	}
	return len(x.byID) == len(o.byID)
}

func text(el *etree.Element) string {
	if el == nil {
		return ""
	}
	return string(xml.Compact(el))
}

// TestDocument: a document that is changed in place comes to what Apply makes of it, tells the
// patch between the two, and can take the change back; a refusal leaves no trace.
func TestDocument(t *testing.T) {
	docs := wholes(t)
	changed, refused := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		plain := docs[rapid.IntRange(0, len(docs)-1).Draw(rt, "document")].Copy()
		d := Hold(plain.Copy())
		for range 6 {
			req := requestOf(rt, plain)
			before := text(d.Root())
			want, wantErr := Apply(plain, req)
			if rapid.Bool().Draw(rt, "there and back first") {
				if _, err := d.Apply(req); CodeOf(err) != CodeOf(wantErr) {
					rt.Fatalf("%+v %s: %v, want %v", req, text(req.Data), err, wantErr)
				}
				d.Undo()
				if got := text(d.Root()); got != before {
					rt.Fatalf("%+v %s undone:\n%s\nwas\n%s", req, text(req.Data), got, before)
				}
			}
			got, err := d.Apply(req)
			if CodeOf(err) != CodeOf(wantErr) {
				rt.Fatalf("%+v %s: %v, want %v", req, text(req.Data), err, wantErr)
			}
			if got.Changed != want.Changed || got.Config != want.Config || got.Keep != want.Keep || text(got.Data) != text(want.Data) {
				rt.Fatalf("%+v %s: %+v, want %+v", req, text(req.Data), got, want)
			}
			if a, b := text(d.Root()), text(want.Root); a != b || got.Root != d.Root() {
				rt.Fatalf("%+v %s:\n%s\nwant\n%s", req, text(req.Data), a, b)
			}
			if err != nil && text(d.Root()) != before {
				rt.Fatalf("%+v left a trace", req)
			}
			if a, b := text(d.Diff()), text(patch.Diff(plain, want.Root)); a != b {
				rt.Fatalf("%+v %s: patch\n%s\nwant\n%s", req, text(req.Data), a, b)
			}
			if d.ids != nil && !d.ids.equal(newIndex(d.Root())) {
				rt.Fatalf("%+v %s: the index is wrong", req, text(req.Data))
			}
			if validate(want.Root) != nil {
				return // an edit of the status alone no longer tells so
			}
			if want.Changed {
				changed++
			} else if err != nil {
				refused++
			}
			plain = want.Root
		}
	})
	if changed < 50 || refused < 50 {
		t.Errorf("%d changes and %d refusals show little", changed, refused)
	}
}

// TestDocumentDepth: what would be too deep to read again is refused, in place too.
func TestDocumentDepth(t *testing.T) {
	d := Hold(parse(t, `<cib validate-with="none"><configuration><resources/></configuration><status/></cib>`))
	deep := strings.Repeat("<x>", xml.MaxDepth-3) + strings.Repeat("</x>", xml.MaxDepth-3)
	if _, err := d.Apply(Request{Op: Create, Section: "resources", Data: parse(t, deep)}); err != nil {
		t.Fatal(err)
	}
	before := text(d.Root())
	if _, err := d.Apply(Request{Op: Create, Section: "resources", Data: parse(t, "<y>"+deep+"</y>")}); CodeOf(err) != Invalid || text(d.Root()) != before {
		t.Errorf("too deep: %v", err)
	}
}

// large is a CIB of 16 nodes and 1000 resources, as they are after each was probed everywhere.
func large() *etree.Element {
	var nodes, resources, states strings.Builder
	for r := 1; r <= 1000; r++ {
		fmt.Fprintf(&resources, `<primitive id="r%d" class="ocf" provider="pacemaker" type="Dummy"/>`, r)
	}
	for n := 1; n <= 16; n++ {
		fmt.Fprintf(&nodes, `<node id="%d" uname="node%d"/>`, n, n)
		fmt.Fprintf(&states, `<node_state id="%d" uname="node%d" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="%d"><lrm_resources>`, n, n, n)
		for r := 1; r <= 1000; r++ {
			fmt.Fprintf(&states, `<lrm_resource id="r%d" class="ocf" provider="pacemaker" type="Dummy"><lrm_rsc_op id="r%d_last_0" operation_key="r%d_monitor_0" operation="monitor" crm_feature_set="3.19.0" transition-key="%d:2:7:1b7fa1a4-6a3c-4e8d-9d2f-000000000000" transition-magic="0:7;%d:2:7:1b7fa1a4-6a3c-4e8d-9d2f-000000000000" exit-reason="" on_node="node%d" call-id="%d" rc-code="7" op-status="0" interval="0" last-rc-change="1795449600" exec-time="11" queue-time="0" op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8"/></lrm_resource>`, r, r, r, r, r, n, r)
		}
		states.WriteString(`</lrm_resources></lrm></node_state>`)
	}
	doc, err := Parse([]byte(`<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" epoch="1" num_updates="1" admin_epoch="0" have-quorum="1" dc-uuid="1"><configuration><crm_config/><nodes>` +
		nodes.String() + `</nodes><resources>` + resources.String() + `</resources><constraints/></configuration><status>` + states.String() + `</status></cib>`))
	if err != nil {
		panic(err)
	}
	return doc.Root
}

// BenchmarkResult is a result recorded in a CIB of some 8 MB, at its end, in place and on a
// copy, and the patch of it.
func BenchmarkResult(b *testing.B) {
	root := large()
	result := func(i int) Request {
		return Request{Op: Modify, Section: "status", CanCreate: true, Data: parse(b, fmt.Sprintf(
			`<node_state id="16" uname="node16"><lrm id="16"><lrm_resources><lrm_resource id="r900"><lrm_rsc_op id="r900_last_0" call-id="%d"/></lrm_resource></lrm_resources></lrm></node_state>`, 5000+i))}
	}
	b.Run("copy", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if res, err := Apply(root, result(i)); err != nil || !res.Changed {
				b.Fatal(res, err)
			}
		}
	})
	d := Hold(root)
	b.Run("in place", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if res, err := d.Apply(result(i)); err != nil || !res.Changed {
				b.Fatal(res, err)
			}
		}
	})
	b.Run("in place with its patch", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if res, err := d.Apply(result(i)); err != nil || !res.Changed || d.Diff() == nil {
				b.Fatal(res, err)
			}
		}
	})
	other, patches := Hold(d.Root().Copy()), []*etree.Element(nil)
	b.Run("patch", func(b *testing.B) {
		for b.Loop() {
			if len(patches) == 0 {
				b.StopTimer()
				for i := range 500 {
					if _, err := d.Apply(result(i)); err != nil {
						b.Fatal(err)
					}
					patches = append(patches, d.Diff())
				}
				b.StartTimer()
			}
			if _, err := other.Apply(Request{Op: Patch, Data: patches[0], KeepVersions: true}); err != nil {
				b.Fatal(err)
			}
			patches = patches[1:]
		}
	})
	forget := Request{Op: Delete, XPath: true, Section: "/cib/status/node_state[@uname='node16']/lrm/lrm_resources/lrm_resource[@id='r900']/lrm_rsc_op[@id='r900_last_0']"}
	b.Run("forgotten by XPath", func(b *testing.B) {
		for b.Loop() {
			if res, err := d.Apply(forget); err != nil || !res.Changed {
				b.Fatal(res, err)
			}
			d.Undo()
		}
	})
}
