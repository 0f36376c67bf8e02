package cib

import (
	"strconv"

	"github.com/beevik/etree"

	"hacluster/cib/acl"
	"hacluster/cib/patch"
	"hacluster/cib/upgrade"
	"hacluster/cib/xml"
)

// edit is one operation at work on the document. All steps of all operations are the few
// methods of this file: they note what changed, tell the journal how it was, and tell the
// guard, who knows what the user may change.
type edit struct {
	root  *etree.Element
	req   Request
	was   *patch.Journal
	ids   *index                  // of the document before the edit; nil: there is none
	grown map[*etree.Element]bool // what got children that ids does not know
	guard *acl.Guard

	data            *etree.Element // the answer
	messages        []upgrade.Message
	changed, config bool
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// touch notes that el, or something right below it, changes.
func (e *edit) touch(el *etree.Element) {
	e.changed = true
	for ; el != nil; el = el.Parent() {
		if el.Tag == "configuration" && el.Parent() == e.root {
			e.config = true
			return
		}
	}
}

// set gives el an attribute.
func (e *edit) set(el *etree.Element, name, value string) {
	if old := el.SelectAttr(name); old != nil && old.Value == value {
		return
	}
	e.guard.Set(el, name)
	e.was.Attr(el)
	el.CreateAttr(name, value)
	e.touch(el)
}

// add puts t, which belongs to nobody, at the end of parent.
func (e *edit) add(parent *etree.Element, t etree.Token) {
	e.was.Child(parent)
	if e.ids != nil {
		if e.grown == nil {
			e.grown = map[*etree.Element]bool{}
		}
		e.grown[parent] = true
	}
	parent.AddChild(t)
	if el, ok := t.(*etree.Element); ok {
		e.guard.Created(el)
		e.touch(el)
		return
	}
	e.touch(parent)
}

// remove takes t, an element or a comment, out of the document.
func (e *edit) remove(t etree.Token) {
	parent := t.Parent()
	if el, ok := t.(*etree.Element); ok {
		e.guard.Remove(el)
		e.touch(el)
	} else {
		e.guard.Write(parent)
		e.touch(parent)
	}
	e.was.Child(parent)
	parent.RemoveChild(t)
}

// removeAttr takes an attribute from el; name is its full name.
func (e *edit) removeAttr(el *etree.Element, name string) {
	e.guard.Write(el)
	e.was.Attr(el)
	el.RemoveAttr(name)
	e.touch(el)
}

// swap puts el, which belongs to nobody, in place of old. This counts as a change of
// what is around it even if both are the same.
func (e *edit) swap(old, el *etree.Element) {
	parent, at := old.Parent(), old.Index()
	e.was.Child(parent)
	parent.RemoveChildAt(at)
	parent.InsertChildAt(at, el)
	e.guard.Replaced(e.root, old, el)
	e.touch(parent)
	if !patch.Same(old, el) {
		e.touch(el)
	}
}

// become makes root the whole document. What differs counts as changed.
func (e *edit) become(root *etree.Element) {
	old := e.root
	e.was.Root(old)
	e.root = root
	e.guard.Replaced(root, old, root)
	if patch.Same(old, root) {
		return
	}
	e.changed = true
	a, b := old.SelectElement("configuration"), root.SelectElement("configuration")
	if a == nil || b == nil {
		e.config = e.config || a != b
		return
	}
	e.config = e.config || !patch.Same(a, b)
}

// clean gives a copy of data as it may stand in a document: without text.
func clean(t etree.Token) etree.Token {
	switch t := t.(type) {
	case *etree.Element:
		c := xml.Copy(t)
		DropText(c)
		return c
	case *etree.Comment:
		return etree.NewComment(t.Data)
	}
	return nil
}
