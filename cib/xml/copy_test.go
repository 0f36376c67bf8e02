package xml

import (
	"testing"

	"github.com/beevik/etree"
)

// TestCopy: a copy has the same bytes, its own life, and no way back to what it is a copy of.
func TestCopy(t *testing.T) {
	const text = `<a x="1" w="2"><!-- c --><b/>text<c k="v"><d/><![CDATA[<&]]></c></a>`
	doc, err := ParseString(text)
	if err != nil {
		t.Fatal(err)
	}
	root := doc.Root
	root.CreateAttr("created", "here")
	want := string(Format(root))
	c := Copy(root)
	if got := string(Format(c)); got != want {
		t.Errorf("copied\n%s\nto\n%s", want, got)
	}
	var walk func(el *etree.Element)
	walk = func(el *etree.Element) {
		for i := range el.Attr {
			if el.Attr[i].Element() != nil {
				t.Errorf("attribute %s of <%s> holds an element", el.Attr[i].Key, el.Tag)
			}
		}
		for i, child := range el.ChildElements() {
			if child.Parent() != el {
				t.Errorf("child %d of <%s> has another parent", i, el.Tag)
			}
			walk(child)
		}
	}
	walk(c)
	if c.Parent() != nil {
		t.Error("a copy has a parent")
	}
	// Whatever is done to the copy is not seen elsewhere.
	for _, el := range append(c.ChildElements(), c) {
		el.CreateAttr("new", "1")
		el.CreateElement("new").CreateAttr("n", "1")
	}
	c.RemoveChildAt(0)
	c.SelectElement("c").RemoveChildAt(0)
	c.SelectElement("c").RemoveAttr("k")
	if got := string(Format(root)); got != want {
		t.Errorf("changes of the copy changed\n%s\nto\n%s", want, got)
	}
	const changed = `<a x="1" w="2" created="here" new="1"><b new="1"><new n="1"/></b>text<c new="1"><![CDATA[<&]]><new n="1"/></c><new n="1"/></a>`
	if got := string(Compact(c)); got != changed {
		t.Errorf("the changed copy is\n%s\nwant\n%s", got, changed)
	}
}

func BenchmarkCopy(b *testing.B) {
	root := etree.NewElement("cib")
	for range 300 {
		r := root.CreateElement("lrm_resource")
		for range 2 {
			op := r.CreateElement("lrm_rsc_op")
			for _, k := range []string{"id", "operation", "rc-code", "op-status", "call-id", "transition-key"} {
				op.CreateAttr(k, "value")
			}
		}
	}
	for _, c := range []struct {
		name string
		f    func(*etree.Element) *etree.Element
	}{{"ours", Copy}, {"etree", (*etree.Element).Copy}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.f(root)
			}
		})
	}
}
