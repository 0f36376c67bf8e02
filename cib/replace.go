package cib

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

// erase leaves an empty configuration.
func (e *edit) erase() {
	v := VersionOf(e.root)
	for len(e.root.Child) > 0 {
		switch t := e.root.Child[0].(type) {
		case *etree.Element, *etree.Comment:
			e.remove(t)
		default:
			e.was.Child(e.root)
			e.root.RemoveChildAt(0)
		}
	}
	for _, c := range New().ChildElements() {
		e.add(e.root, xml.Copy(c))
	}
	e.set(e.root, "admin_epoch", itoa(v.AdminEpoch+1))
}

// replace puts data in place of the first element of its name and id.
func (e *edit) replace(data *etree.Element) error {
	if e.req.XPath {
		return e.replaceMatches(data)
	}
	if data.Tag == "cib" {
		return e.whole(data)
	}
	from := e.root
	if e.req.Section != data.Tag && !strings.EqualFold(e.req.Section, "all") {
		if from = Section(e.root, e.req.Section); from == nil {
			return fail(Invalid, "there is no section %s", e.req.Section)
		}
	}
	old := below(from, func(el *etree.Element) bool {
		return el.Tag == data.Tag && (!hasID(data) || hasID(el) && id(el) == id(data))
	})
	if old == nil {
		return fail(NotFound, "%s", describe(data))
	}
	e.swap(old, clean(data).(*etree.Element))
	return nil
}

// replaceMatches takes the first match out and puts data at the end of what it stood in.
func (e *edit) replaceMatches(data *etree.Element) error {
	found, err := xml.Select(e.root, e.req.Section)
	if err != nil || len(found) == 0 {
		return fail(NotFound, "nothing matches %s", e.req.Section)
	}
	for _, m := range found {
		if m.Element == e.root && (m.IsElement() || m.Document) {
			return e.whole(data)
		}
		parent := m.Element
		if m.IsElement() {
			parent = m.Element.Parent()
		}
		if parent == nil || !within(e.root, parent) {
			continue // it went with a match before
		}
		e.drop(m)
		e.add(parent, clean(data))
		if !e.req.Multiple {
			break
		}
	}
	return nil
}

// drop removes what an expression matched.
func (e *edit) drop(m xml.Match) {
	switch {
	case m.Attr != "":
		e.removeAttr(m.Element, m.Attr)
	case m.Token != nil:
		e.remove(m.Token)
	default:
		e.remove(m.Element)
	}
}

// within tells that el is root or somewhere inside it.
func within(root, el *etree.Element) bool {
	for ; el != nil; el = el.Parent() {
		if el == root {
			return true
		}
	}
	return false
}

// whole makes data the document.
func (e *edit) whole(data *etree.Element) error {
	if data.Tag != "cib" {
		return fail(Invalid, "the root must be cib, not %s", data.Tag)
	}
	have, want := VersionOf(e.root), VersionOf(data)
	if want.Compare(have) < 0 && !e.req.KeepVersions {
		return fail(OldData, "%s is older than %s", want, have)
	}
	root := clean(data).(*etree.Element)
	if root.SelectElement("status") == nil {
		root.CreateElement("status")
	}
	e.become(root)
	e.changed = true // even if both are the same
	return nil
}

func below(from *etree.Element, fits func(*etree.Element) bool) *etree.Element {
	for _, t := range from.Child {
		c, ok := t.(*etree.Element)
		if !ok {
			continue
		}
		if fits(c) {
			return c
		}
		if f := below(c, fits); f != nil {
			return f
		}
	}
	return nil
}

// delete removes what data names, by name and all its attributes. What is not there is no error.
func (e *edit) delete(data *etree.Element) error {
	if e.req.XPath {
		return e.deleteMatches()
	}
	section := Section(e.root, e.req.Section)
	if section == nil {
		return nil
	}
	items := []*etree.Element{data}
	if data.Tag == e.req.Section {
		items = data.ChildElements()
	}
	for _, want := range items {
		el := below(section, func(el *etree.Element) bool {
			if el.Tag != want.Tag {
				return false
			}
			for _, a := range want.Attr {
				if have := el.SelectAttr(a.Key); have == nil || !strings.EqualFold(have.Value, a.Value) {
					return false
				}
			}
			return true
		})
		if el != nil {
			e.remove(el)
		}
	}
	return nil
}

// deleteMatches removes the first match of an expression, with Multiple all, the last first.
func (e *edit) deleteMatches() error {
	found, err := xml.Select(e.root, e.req.Section)
	if err != nil || len(found) == 0 {
		return nil
	}
	if !e.req.Multiple {
		found = found[:1]
	}
	for _, m := range slices.Backward(found) {
		if m.Element == e.root && (m.IsElement() || m.Document) {
			return fail(Invalid, "the root cannot be deleted")
		}
		e.drop(m)
	}
	return nil
}
