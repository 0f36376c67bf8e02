// Package doc works on a CIB as a tree: finding elements, making ids, sets of name-value
// pairs, what refers to what. It knows pcs's habits (which id is made
// for what, where a new element goes), and nothing of users.
package doc

import (
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

// Parse reads a CIB. The error says where the text is wrong.
func Parse(data []byte) (*etree.Element, error) {
	d, err := xml.Parse(data)
	if err != nil {
		return nil, err
	}
	return d.Root, nil
}

// Format writes a tree as Pacemaker writes files.
func Format(el *etree.Element) []byte { return xml.Format(el) }

// ID is the element's id.
func ID(el *etree.Element) string { return el.SelectAttrValue("id", "") }

// Attr is an attribute's value, "" without.
func Attr(el *etree.Element, name string) string { return el.SelectAttrValue(name, "") }

// Has tells whether the attribute is there.
func Has(el *etree.Element, name string) bool { return el.SelectAttr(name) != nil }

// Set sets an attribute; SetOrDrop removes it when the value is empty.
func Set(el *etree.Element, name, value string) { el.CreateAttr(name, value) }

// SetOrDrop sets an attribute, or removes it when the value is empty.
func SetOrDrop(el *etree.Element, name, value string) {
	if value == "" {
		el.RemoveAttr(name)
		return
	}
	el.CreateAttr(name, value)
}

// Is tells whether the element has one of the names.
func Is(el *etree.Element, tags ...string) bool { return el != nil && slices.Contains(tags, el.Tag) }

// Children are the child elements with one of the names, all without names.
func Children(el *etree.Element, tags ...string) []*etree.Element {
	if el == nil {
		return nil
	}
	var out []*etree.Element
	for _, c := range el.ChildElements() {
		if len(tags) == 0 || slices.Contains(tags, c.Tag) {
			out = append(out, c)
		}
	}
	return out
}

// Child is the first child element with the name.
func Child(el *etree.Element, tag string) *etree.Element {
	if el == nil {
		return nil
	}
	for _, c := range el.ChildElements() {
		if c.Tag == tag {
			return c
		}
	}
	return nil
}

// Path follows child names from el; nil where one is missing.
func Path(el *etree.Element, tags ...string) *etree.Element {
	for _, t := range tags {
		if el = Child(el, t); el == nil {
			return nil
		}
	}
	return el
}

// All are the elements below el with one of the names, in document order, el not among them.
func All(el *etree.Element, tags ...string) []*etree.Element {
	if el == nil {
		return nil
	}
	var out []*etree.Element
	var walk func(*etree.Element)
	walk = func(e *etree.Element) {
		for _, c := range e.ChildElements() {
			if len(tags) == 0 || slices.Contains(tags, c.Tag) {
				out = append(out, c)
			}
			walk(c)
		}
	}
	walk(el)
	return out
}

// Root is the tree's topmost element.
func Root(el *etree.Element) *etree.Element {
	for el.Parent() != nil && el.Parent().Tag != "" {
		el = el.Parent()
	}
	return el
}

// Ancestor is the nearest element around el with one of the names, el itself not.
func Ancestor(el *etree.Element, tags ...string) *etree.Element {
	for p := el.Parent(); p != nil; p = p.Parent() {
		if slices.Contains(tags, p.Tag) {
			return p
		}
	}
	return nil
}

// Remove takes an element out of its parent.
func Remove(el *etree.Element) {
	if p := el.Parent(); p != nil {
		p.RemoveChild(el)
	}
}

// New makes an element with attributes in pairs.
func New(tag string, attrs ...string) *etree.Element {
	el := etree.NewElement(tag)
	for i := 0; i+1 < len(attrs); i += 2 {
		el.CreateAttr(attrs[i], attrs[i+1])
	}
	return el
}

// Append makes an element at the end of parent.
func Append(parent *etree.Element, tag string, attrs ...string) *etree.Element {
	el := New(tag, attrs...)
	parent.AddChild(el)
	return el
}

// InsertAt puts el among parent's child elements at a position; beyond the last one, at the end.
func InsertAt(parent *etree.Element, el *etree.Element, at int) {
	kids := parent.ChildElements()
	if at >= len(kids) {
		parent.AddChild(el)
		return
	}
	parent.InsertChildAt(kids[at].Index(), el)
}

// InsertBefore puts el before a sibling; nil: at the end of parent.
func InsertBefore(parent, el, before *etree.Element) {
	if before == nil {
		parent.AddChild(el)
		return
	}
	parent.InsertChildAt(before.Index(), el)
}

// InsertAfter puts el behind a sibling.
func InsertAfter(el, after *etree.Element) {
	after.Parent().InsertChildAt(after.Index()+1, el)
}

// Configuration is the section of that name.
func Configuration(root *etree.Element) *etree.Element { return Child(Root(root), "configuration") }

// Section is a section of the configuration, nil where it is missing.
func Section(root *etree.Element, name string) *etree.Element {
	return Child(Configuration(root), name)
}

// EnsureSection is a section of the configuration, made at its end where it is missing.
func EnsureSection(root *etree.Element, name string) *etree.Element {
	c := Configuration(root)
	if s := Child(c, name); s != nil {
		return s
	}
	return Append(c, name)
}

// Useful tells whether an element says something: it has children, or attributes besides its id.
func Useful(el *etree.Element) bool {
	if len(el.ChildElements()) > 0 {
		return true
	}
	for _, a := range el.Attr {
		if a.Key != "id" {
			return true
		}
	}
	return false
}

// Attribute is a name and value of an element.
type Attribute struct{ Name, Value string }

// SortedAttrs are the attributes by name, without some.
func SortedAttrs(el *etree.Element, without ...string) []Attribute {
	out := Attrs(el, without...)
	slices.SortFunc(out, func(a, b Attribute) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Attrs are the attributes in their order, without some.
func Attrs(el *etree.Element, without ...string) []Attribute {
	var out []Attribute
	for _, a := range el.Attr {
		if !slices.Contains(without, a.FullKey()) {
			out = append(out, Attribute{a.FullKey(), a.Value})
		}
	}
	return out
}

// SchemaVersion is the number in validate-with ("pacemaker-3.9" is {3, 9, 0}); ok is false when it has none.
func SchemaVersion(root *etree.Element) (v [3]int, ok bool) {
	text, found := strings.CutPrefix(Attr(Root(root), "validate-with"), "pacemaker-")
	if !found {
		return v, false
	}
	parts := strings.Split(text, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return v, false
	}
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil {
			return v, false
		}
		v[i] = n
	}
	return v, true
}

// AtLeast compares versions.
func AtLeast(v, o [3]int) bool {
	for i := range v {
		if v[i] != o[i] {
			return v[i] > o[i]
		}
	}
	return true
}

// NewRoles tells whether the CIB's schema knows the roles Promoted and Unpromoted.
func NewRoles(root *etree.Element) bool {
	v, ok := SchemaVersion(root)
	return ok && AtLeast(v, [3]int{3, 7, 0})
}
