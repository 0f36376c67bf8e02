package acl

import (
	"github.com/beevik/etree"

	"hacluster/cib/patch"
	"hacluster/cib/xml"
)

// Guard watches a change of a document: each step is told to it before it is made
// (Created and Replaced right after), Denied at the end gives the verdict.
type Guard struct {
	policy  *Policy
	marks   Marks
	created map[*etree.Element]bool
	denied  bool
}

// Guard begins to watch changes of root.
func (p *Policy) Guard(root *etree.Element) *Guard {
	if p == nil {
		return nil
	}
	return &Guard{policy: p, marks: p.Marks(root), created: map[*etree.Element]bool{}}
}

// write notes whether el may be written.
func (g *Guard) write(el *etree.Element) {
	if !g.marks.May(el, Write) {
		g.denied = true
	}
}

// Remove is told of an element that goes, with all that is inside it.
func (g *Guard) Remove(el *etree.Element) {
	if g == nil {
		return
	}
	if g.created[el] {
		delete(g.created, el)
		return
	}
	g.write(el)
}

// Set is told of an attribute that is set. What was created by the change itself
// may have any, it is judged as a whole.
func (g *Guard) Set(el *etree.Element, name string) {
	if g == nil {
		return
	}
	if el.SelectAttr(name) == nil {
		for e := el; e != nil; e = e.Parent() {
			if g.marks[e]&Deny != 0 {
				break
			}
			if g.created[e] {
				return
			}
		}
	}
	g.write(el)
}

// Write is told of any other change of an element: an attribute or a comment that goes.
func (g *Guard) Write(el *etree.Element) {
	if g != nil {
		g.write(el)
	}
}

// Created is told of an element that is new, with all that is inside it.
func (g *Guard) Created(el *etree.Element) {
	if g == nil {
		return
	}
	g.created[el] = true
	for _, c := range el.ChildElements() {
		g.Created(c)
	}
}

// Replaced is told of an element that stands now where old stood, in the document
// below root: what differs between them counts as changed.
func (g *Guard) Replaced(root, old, now *etree.Element) {
	if g == nil {
		return
	}
	g.policy.mark(root, g.marks)
	var gone []*etree.Element
	g.compare(old, now, &gone)
	if len(gone) == 0 {
		return
	}
	// What went is judged by the permissions it would have in the new document.
	g.policy.mark(root, g.marks)
	for _, el := range gone {
		g.write(el)
	}
	for _, el := range gone {
		el.Parent().RemoveChild(el)
	}
}

// compare tells apart two elements that stand for each other. Children that went
// are put back into now as copies, for the caller to judge and to remove.
func (g *Guard) compare(old, now *etree.Element, gone *[]*etree.Element) {
	for _, a := range old.Attr {
		if b := now.SelectAttr(a.FullKey()); b == nil || b.Value != a.Value {
			g.write(now)
		}
	}
	for _, a := range now.Attr {
		if old.SelectAttr(a.FullKey()) == nil {
			g.write(now)
		}
	}
	pairs, left, fresh := patch.Children(old, now)
	for _, p := range pairs {
		g.compare(p.Old, p.New, gone)
	}
	for _, t := range fresh {
		if el, ok := t.(*etree.Element); ok {
			g.Created(el)
		}
	}
	for _, t := range left {
		switch t := t.(type) {
		case *etree.Element:
			c := xml.Copy(t)
			now.AddChild(c)
			*gone = append(*gone, c)
		case *etree.Comment:
			g.write(now)
		}
	}
}

// Denied ends the watch: it tells whether something in the document below root was
// changed that the user may not change. Elements that are new must be writable,
// except for those that hold nothing but an id and are no permissions themselves.
func (g *Guard) Denied(root *etree.Element) bool {
	if g == nil {
		return false
	}
	if len(g.created) > 0 {
		g.policy.mark(root, g.marks)
	}
	for el := range g.created {
		if !scaffold(el) {
			g.write(el)
		}
	}
	return g.denied
}

// scaffold tells that el only holds others: it has at most an id, and is not part of the permissions.
func scaffold(el *etree.Element) bool {
	for _, a := range el.Attr {
		if a.FullKey() != "id" {
			return false
		}
	}
	for p := el.Parent(); p != nil; p = p.Parent() {
		if p.Tag == "acls" {
			return false
		}
	}
	return true
}
