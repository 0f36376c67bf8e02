package cib

import (
	"slices"

	"github.com/beevik/etree"

	"hacluster/cib/patch"
)

// index finds elements of a document by their ids. It is made when it is first asked, and kept
// up with every change. A nil index knows nothing.
type index struct {
	byID map[string][]*etree.Element
}

func newIndex(root *etree.Element) *index {
	x := &index{byID: map[string][]*etree.Element{}}
	x.add(root)
	return x
}

func idOf(el *etree.Element) (string, bool) {
	a := el.SelectAttr("id")
	if a == nil {
		return "", false
	}
	return a.Value, true
}

// add enters an element and all inside it.
func (x *index) add(el *etree.Element) {
	if id, ok := idOf(el); ok {
		x.byID[id] = append(x.byID[id], el)
	}
	for _, t := range el.Child {
		if c, ok := t.(*etree.Element); ok {
			x.add(c)
		}
	}
}

// drop takes one element out that had an id.
func (x *index) drop(el *etree.Element, id string) {
	list := x.byID[id]
	for i, have := range list {
		if have == el {
			if list[i] = list[len(list)-1]; len(list) == 1 {
				delete(x.byID, id)
			} else {
				x.byID[id] = list[:len(list)-1]
			}
			return
		}
	}
}

// only gives the one element at or below from that has this name and id. sure is false where
// there are several, or nothing is known.
func (x *index) only(from *etree.Element, tag, id string) (el *etree.Element, sure bool) {
	if x == nil {
		return nil, false
	}
	for _, have := range x.byID[id] {
		if have.Tag != tag || !within(from, have) {
			continue
		}
		if el != nil {
			return nil, false
		}
		el = have
	}
	return el, true
}

// child gives the one child of parent that has this name and id, nil where there is none or there
// are several; sure is false where there are several.
func (x *index) child(parent *etree.Element, tag, id string) (el *etree.Element, sure bool) {
	for _, have := range x.byID[id] {
		if have.Tag != tag || have.Parent() != parent {
			continue
		}
		if el != nil {
			return nil, false
		}
		el = have
	}
	return el, true
}

// update follows a change of the document below root.
func (x *index) update(was *patch.Journal, root *etree.Element) {
	for _, el := range was.Gone() {
		x.forget(was, el)
	}
	for _, el := range was.Fresh(root) {
		if within(root, el) {
			x.add(el)
		}
	}
	for el, attrs := range was.Attrs() {
		old, had := idOf(&etree.Element{Attr: attrs})
		now, has := idOf(el)
		if old == now && had == has {
			continue
		}
		if had {
			x.drop(el, old)
		}
		if has && within(root, el) && !slices.Contains(x.byID[now], el) {
			x.byID[now] = append(x.byID[now], el)
		}
	}
}

// forget takes an element out, with all that was inside it.
func (x *index) forget(was *patch.Journal, el *etree.Element) {
	attrs, child := was.Was(el)
	if id, ok := idOf(&etree.Element{Attr: attrs}); ok {
		x.drop(el, id)
	}
	for _, t := range child {
		if c, ok := t.(*etree.Element); ok {
			x.forget(was, c)
		}
	}
}
