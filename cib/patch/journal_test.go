package patch

import (
	"testing"

	"github.com/beevik/etree"
	"pgregory.net/rapid"

	"hacluster/cib/xml"
)

// sound tells that each child knows its parent and its place.
func sound(el *etree.Element) bool {
	for i, t := range el.Child {
		if t.Parent() != el || t.Index() != i {
			return false
		}
		if c, ok := t.(*etree.Element); ok && !sound(c) {
			return false
		}
	}
	return true
}

// TestJournal: a document that is patched in place can tell the same patch as two documents do,
// and be what it was again.
func TestJournal(t *testing.T) {
	docs := documents(t)
	rapid.Check(t, func(rt *rapid.T) {
		a := docs[rapid.IntRange(0, len(docs)-1).Draw(rt, "document")].Copy()
		b := a.Copy()
		for i := range rapid.IntRange(0, 12).Draw(rt, "changes") {
			change1(rt, b, i)
		}
		there := Diff(a, b, AttributeOrder)
		if there == nil {
			return
		}
		old := a.Copy()
		from := string(xml.Compact(a))
		var j Journal
		if _, err := ApplyTo(a, there, &j, IgnoreVersion); err != nil {
			rt.Fatal(err)
		}
		if !sound(a) {
			rt.Fatal("after the patch")
		}
		if got, want := string(xml.Compact(a)), string(xml.Compact(b)); got != want {
			rt.Fatalf("got  %s\nwant %s", got, want)
		}
		if !j.Changed(a) {
			rt.Fatal("no change")
		}
		for _, opts := range [][]Option{{Versions}, {NoVersions}, {AttributeOrder}} {
			var got, want string
			if d := j.Diff(a, opts...); d != nil {
				got = string(xml.Format(d))
			}
			if d := Diff(old, a, opts...); d != nil {
				want = string(xml.Format(d))
			}
			if got != want {
				rt.Fatalf("%v: got\n%s\nwant\n%s", opts, got, want)
			}
		}
		if a = j.Undo(a); string(xml.Compact(a)) != from || !sound(a) {
			rt.Fatalf("undone: %s\nwas %s", xml.Compact(a), from)
		}
		if !j.Empty() {
			rt.Fatal("the journal remembers what was undone")
		}
	})
}

// TestJournalOnly: what was changed outside of a part is seen, also when it went.
func TestJournalOnly(t *testing.T) {
	for _, c := range []struct {
		path, op string
		only     bool
	}{
		{"/cib/status/n[@id='1']", "delete", true},
		{"/cib/status", "delete", false},
		{"/cib/configuration/n[@id='2']", "delete", false},
		{"/cib", "create", false},
		{"/cib/status/n[@id='1']", "create", true},
	} {
		root := parse(t, `<cib num_updates="1"><configuration><n id="2"/></configuration><status><n id="1"/></status></cib>`)
		d := parse(t, `<diff format="2"><change operation="`+c.op+`" path="`+c.path+`"><new id="x"><in/></new></change></diff>`)
		var j Journal
		if _, err := ApplyTo(root, d, &j, IgnoreVersion); err != nil {
			t.Fatal(err)
		}
		j.Attr(root)
		root.CreateAttr("num_updates", "2")
		if got := j.Only(root, "status", "num_updates"); got != c.only {
			t.Errorf("%s %s: %v", c.op, c.path, got)
		}
		if fresh := j.Fresh(root); c.op == "create" && (len(fresh) != 1 || fresh[0].Tag != "new") || c.op == "delete" && len(fresh) != 0 {
			t.Errorf("%s %s: came: %v", c.op, c.path, fresh)
		}
	}
}
