package schema

import (
	"fmt"

	"github.com/beevik/etree"
)

// checker is one document being held against a grammar.
type checker struct {
	g        *grammar
	quick    bool // the first problem is enough
	problems []Problem
	defs     []use                     // attributes that are ids
	ids      map[string]*etree.Element // elements by id, made when all are known
	loose    map[string]bool           // ids inside of what is not checked, being in the wrong place
	refs     []use
	counts   []int // children by index, of the elements being checked; a stack
}

// use is an attribute that names its element, or another one.
type use struct {
	el    *etree.Element
	attr  int // of el.Attr
	value string
}

func (c *checker) run(root *etree.Element) []Problem {
	if root.Tag != c.g.root.tag {
		c.add(Problem{Element: root, Kind: UnknownElement, Text: fmt.Sprintf("the outermost element is <%s>; it has to be <cib>", root.FullTag())})
		return c.problems
	}
	c.element(root, c.g.root, false)
	if c.quick && len(c.problems) > 0 {
		return c.problems
	}
	c.ids = make(map[string]*etree.Element, len(c.defs))
	for _, d := range c.defs {
		first := c.ids[d.value]
		if first == nil {
			c.ids[d.value] = d.el
			continue
		}
		name := d.el.Attr[d.attr].Key
		c.add(Problem{
			Element: d.el, Attr: name, Kind: Duplicate, Value: d.value, Other: first,
			Text: fmt.Sprintf("%s=%q is also the id of %s; ids are unique in the whole configuration, so give one of the two another", name, d.value, theOther(d.el, first)),
		})
	}
	for _, r := range c.refs {
		if c.ids[r.value] == nil && !c.loose[r.value] {
			c.dangling(r)
		}
	}
	return c.problems
}

func (c *checker) add(p Problem) { c.problems = append(c.problems, p) }

func (c *checker) stop() bool { return c.quick && len(c.problems) > 0 }

// attribute is an element's attribute as the grammar sees it.
type attribute struct {
	at    int // its index in the definition, -1: unknown
	index int // in el.Attr
}

// element checks el, which stands where d is due. spaced tells that elements without
// a prefix are in a namespace here.
func (c *checker) element(el *etree.Element, d *definition, spaced bool) {
	var space [16]attribute
	attrs := space[:0]
	var have uint64
	odd := false
	for i := range el.Attr {
		a := &el.Attr[i]
		if a.Space != "" {
			if a.Space == "xmlns" {
				continue
			}
			c.add(Problem{Element: el, Attr: a.FullKey(), Kind: Namespace, Text: fmt.Sprintf("attribute %s is of a namespace; a CIB has none", a.FullKey())})
			if c.quick {
				return
			}
			continue
		}
		if a.Key == "xmlns" {
			spaced = a.Value != ""
			continue
		}
		at, ok := d.attrAt[a.Key]
		if !ok {
			at, odd = -1, true
		} else {
			have |= 1 << at
		}
		attrs = append(attrs, attribute{at, i})
	}
	if el.Space != "" || spaced {
		c.add(Problem{Element: el, Kind: Namespace, Text: fmt.Sprintf("element <%s> is of a namespace; a CIB has none", el.FullTag())})
		if c.quick {
			return
		}
	}
	if d.open {
		return
	}
	base := len(c.counts)
	for range d.kids {
		c.counts = append(c.counts, 0)
	}
	for _, t := range el.Child {
		switch t := t.(type) {
		case *etree.Element:
			if at, ok := d.kidAt[t.Tag]; ok {
				c.counts[base+at]++
			} else {
				odd = true
			}
		case *etree.CharData:
			if !isBlank(t.Data) {
				c.add(Problem{Element: el, Kind: StrayText, Text: fmt.Sprintf("text %q stands in <%s>; a CIB keeps everything in attributes: remove it, or make it a comment (<!-- … -->)", clip(t.Data), el.Tag)})
			}
		}
	}
	if c.stop() {
		return
	}
	match := -1
	if !odd && have&d.required == d.required {
		for i := range d.forms {
			if c.fits(el, d, &d.forms[i], attrs, have, c.counts[base:]) {
				match = i
				break
			}
		}
	}
	if match < 0 {
		if c.quick {
			c.add(Problem{Element: el})
			return
		}
		match = c.diagnose(el, d, attrs, have, c.counts[base:])
	}
	c.counts = c.counts[:base]
	c.note(el, &d.forms[match], attrs)
	for _, t := range el.Child {
		if c.stop() {
			return
		}
		k, ok := t.(*etree.Element)
		if !ok {
			continue
		}
		if at, ok := d.kidAt[k.Tag]; ok {
			c.element(k, d.kids[at], spaced)
		} else {
			c.forget(k)
		}
	}
}

// fits tells whether el has the form.
func (c *checker) fits(el *etree.Element, d *definition, f *form, attrs []attribute, have uint64, counts []int) bool {
	if have&f.required != f.required {
		return false
	}
	for _, a := range attrs {
		t := f.types[a.at]
		if t == nil || !t.accepts(el.Attr[a.index].Value) {
			return false
		}
	}
	return f.holds(counts) && (!d.ordered || misplaced(el, d, f) == nil)
}

// misplaced gives the first child that stands after one that should follow it.
func misplaced(el *etree.Element, d *definition, f *form) *etree.Element {
	last := 0
	for _, t := range el.Child {
		k, ok := t.(*etree.Element)
		if !ok {
			continue
		}
		at, ok := d.kidAt[k.Tag]
		if !ok || f.partOf[at] < 0 {
			continue
		}
		if f.partOf[at] < last {
			return k
		}
		last = f.partOf[at]
	}
	return nil
}

// note remembers the ids and references of an element that has the form.
func (c *checker) note(el *etree.Element, f *form, attrs []attribute) {
	for _, a := range attrs {
		if a.at < 0 {
			continue
		}
		t := f.types[a.at]
		if t == nil || t.names == plain {
			continue
		}
		value := collapse(el.Attr[a.index].Value)
		if t.names == reference {
			if isNCName(value) {
				c.refs = append(c.refs, use{el, a.index, value})
			}
			continue
		}
		c.defs = append(c.defs, use{el, a.index, value})
	}
}

func theOther(el, first *etree.Element) string {
	if first.Tag == el.Tag {
		return "another <" + first.Tag + ">"
	}
	return "a <" + first.Tag + ">"
}

// forget notes the ids in a part that is not checked, so that what names them is not
// blamed for it.
func (c *checker) forget(el *etree.Element) {
	if c.loose == nil {
		c.loose = map[string]bool{}
	}
	if id := el.SelectAttr("id"); id != nil {
		c.loose[collapse(id.Value)] = true
	}
	for _, k := range el.ChildElements() {
		c.forget(k)
	}
}

func isBlank(s string) bool {
	for i := 0; i < len(s); i++ {
		if !blank(s[i]) {
			return false
		}
	}
	return true
}

func clip(s string) string {
	s = collapse(s)
	if r := []rune(s); len(r) > 30 {
		return string(r[:30]) + "…"
	}
	return s
}
