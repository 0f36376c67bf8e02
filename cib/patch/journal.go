package patch

import (
	"iter"
	"slices"

	"github.com/beevik/etree"
)

// Journal remembers how the elements of a document were before it is changed in place. So
// the change can be undone, and its patch found, at the cost of what changed alone. Who
// changes an element tells it before: Attr before its attributes change, Child before a
// child comes or goes. A nil Journal remembers nothing.
type Journal struct {
	was   map[*etree.Element]*image
	order []*etree.Element
	root  *etree.Element // the root before another took its place, nil while none did
}

// image is how an element was: only what was noted.
type image struct {
	attr            []etree.Attr
	child           []etree.Token
	hasAttr, hasKid bool
}

func (j *Journal) image(el *etree.Element) *image {
	if i := j.was[el]; i != nil {
		return i
	}
	if j.was == nil {
		j.was = map[*etree.Element]*image{}
	}
	i := &image{}
	j.was[el] = i
	j.order = append(j.order, el)
	return i
}

// Attr notes the attributes of el, which are about to change.
func (j *Journal) Attr(el *etree.Element) {
	if j == nil {
		return
	}
	if i := j.image(el); !i.hasAttr {
		i.attr, i.hasAttr = slices.Clone(el.Attr), true
	}
}

// Child notes the children of el, which are about to change.
func (j *Journal) Child(el *etree.Element) {
	if j == nil {
		return
	}
	if i := j.image(el); !i.hasKid {
		i.child, i.hasKid = slices.Clone(el.Child), true
	}
}

// Root notes that another element is about to take the place of root.
func (j *Journal) Root(root *etree.Element) {
	if j != nil && j.root == nil {
		j.root = root
	}
}

// Empty tells that nothing was noted.
func (j *Journal) Empty() bool { return j == nil || len(j.order) == 0 && j.root == nil }

// Undo makes the document below root what it was, and gives its root.
func (j *Journal) Undo(root *etree.Element) *etree.Element {
	if j.Empty() {
		return root
	}
	for _, el := range j.order {
		if j.was[el].hasKid {
			for n := len(el.Child) - 1; n >= 0; n-- {
				el.RemoveChildAt(n)
			}
		}
	}
	for _, el := range j.order {
		i := j.was[el]
		if i.hasKid {
			for _, t := range i.child {
				el.AddChild(t)
			}
		}
		if i.hasAttr {
			el.Attr = i.attr
		}
	}
	if j.root != nil {
		root = j.root
	}
	*j = Journal{}
	return root
}

func (j *Journal) attrs(el *etree.Element) []etree.Attr {
	if j != nil {
		if i := j.was[el]; i != nil && i.hasAttr {
			return i.attr
		}
	}
	return el.Attr
}

// renamed tells that el had another id, or none, or has none any more.
func (j *Journal) renamed(el *etree.Element) bool {
	if j == nil {
		return false
	}
	i := j.was[el]
	if i == nil || !i.hasAttr {
		return false
	}
	return name(&etree.Element{Tag: el.Tag, Attr: i.attr}) != name(el)
}

func (j *Journal) children(el *etree.Element) []etree.Token {
	if j != nil {
		if i := j.was[el]; i != nil && i.hasKid {
			return i.child
		}
	}
	return el.Child
}

// reached are the elements that were noted, and all around them: those in whose reach
// something may differ.
func (j *Journal) reached() map[*etree.Element]bool {
	out := make(map[*etree.Element]bool, 8*len(j.order))
	for _, el := range j.order {
		for ; el != nil && !out[el]; el = el.Parent() {
			out[el] = true
		}
	}
	return out
}

// Changed tells whether the document below root differs from what it was: attributes, their
// order and elements and comments count. Where another root took its place, both are compared.
func (j *Journal) Changed(root *etree.Element) bool {
	if j.Empty() {
		return false
	}
	if j.root != nil && j.root != root {
		return !j.same(j.root, root)
	}
	for _, el := range j.order {
		i := j.was[el]
		if i.hasAttr && !sameAttrs(i.attr, el.Attr) {
			return true
		}
		if i.hasKid && !j.sameChildren(el, el) {
			return true
		}
	}
	return false
}

// same is Same of a as it was and b as it is.
func (j *Journal) same(a, b *etree.Element) bool {
	return a.Tag == b.Tag && sameAttrs(j.attrs(a), b.Attr) && j.sameChildren(a, b)
}

func (j *Journal) sameChildren(a, b *etree.Element) bool {
	return slices.EqualFunc(seen(j.children(a)), nodes(b), func(x, y etree.Token) bool {
		switch x := x.(type) {
		case *etree.Element:
			y, ok := y.(*etree.Element)
			return ok && (x == y || j.same(x, y))
		case *etree.Comment:
			y, ok := y.(*etree.Comment)
			return ok && x.Data == y.Data
		}
		return false
	})
}

func sameAttrs(a, b []etree.Attr) bool {
	return slices.EqualFunc(a, b, func(x, y etree.Attr) bool { return x.Key == y.Key && x.Value == y.Value })
}

// Only tells that nothing outside of the children of root that have this name was noted, but for
// the value of an attribute of root.
func (j *Journal) Only(root *etree.Element, name, attr string) bool {
	if j.root != nil {
		return false
	}
	for _, el := range j.order {
		if el == root {
			i := j.was[el]
			if i.hasKid || i.hasAttr && !slices.EqualFunc(i.attr, el.Attr, func(x, y etree.Attr) bool {
				return x.Key == y.Key && (x.Value == y.Value || x.Key == attr)
			}) {
				return false
			}
			continue
		}
		for el.Parent() != nil && el.Parent() != root {
			el = el.Parent()
		}
		// What went with all around it is told of by the element that it was taken from.
		if el.Parent() == root && el.Tag != name {
			return false
		}
	}
	return true
}

// Fresh gives the elements below root that came, without those inside others that came.
func (j *Journal) Fresh(root *etree.Element) []*etree.Element {
	if j.root != nil {
		return []*etree.Element{root}
	}
	var all []*etree.Element
	for _, el := range j.order {
		if i := j.was[el]; i.hasKid {
			all = append(all, without(el.Child, i.child)...)
		}
	}
	if len(all) == 0 {
		return nil
	}
	came := make(map[*etree.Element]bool, len(all))
	for _, c := range all {
		came[c] = true
	}
	return slices.DeleteFunc(all, func(c *etree.Element) bool { return came[c.Parent()] })
}

// Gone gives the elements that were taken from where they stood, with those that stand elsewhere now.
func (j *Journal) Gone() (out []*etree.Element) {
	for _, el := range j.order {
		if i := j.was[el]; i.hasKid {
			out = append(out, without(i.child, el.Child)...)
		}
	}
	return out
}

// without gives the elements of list that are not among others. What both begin and end with is passed over: mostly
// something came to, or went from, a list that may be long.
func without(list, others []etree.Token) (out []*etree.Element) {
	for len(list) > 0 && len(others) > 0 && list[0] == others[0] {
		list, others = list[1:], others[1:]
	}
	for len(list) > 0 && len(others) > 0 && list[len(list)-1] == others[len(others)-1] {
		list, others = list[:len(list)-1], others[:len(others)-1]
	}
	there := make(map[etree.Token]bool, len(others))
	for _, t := range others {
		there[t] = true
	}
	for _, t := range list {
		if c, ok := t.(*etree.Element); ok && !there[t] {
			out = append(out, c)
		}
	}
	return out
}

// Attrs gives the elements whose attributes were noted, with those that they had.
func (j *Journal) Attrs() iter.Seq2[*etree.Element, []etree.Attr] {
	return func(yield func(*etree.Element, []etree.Attr) bool) {
		for _, el := range j.order {
			if i := j.was[el]; i.hasAttr && !yield(el, i.attr) {
				return
			}
		}
	}
}

// Was gives what an element had: attributes and children.
func (j *Journal) Was(el *etree.Element) ([]etree.Attr, []etree.Token) {
	return j.attrs(el), j.children(el)
}

// NewRoot tells that another root took the old one's place.
func (j *Journal) NewRoot() bool { return j != nil && j.root != nil }
