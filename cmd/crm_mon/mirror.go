package main

import (
	"errors"
	"slices"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/upgrade"
	"hacluster/internal/output/tui"
)

// mirror is the cluster's CIB as it is followed: read once, and kept up with the patchsets that the
// CIB manager tells. What it showed changes with it, so it is told of a change only when nobody is
// looking.
type mirror struct {
	doc *cib.Document
	// shown is the document raised to the schema that is read; its status is that of doc. It is
	// nil where doc is shown itself.
	shown *etree.Element
}

// errGap is the error of a patchset that does not begin where the document is.
var errGap = errors.New("the patchsets do not lead on from here")

// newMirror makes a mirror of a CIB that was read, and is nobody else's.
func newMirror(root *etree.Element) *mirror {
	m := &mirror{doc: cib.Hold(root)}
	m.raise()
	return m
}

// raise brings the configuration to the schema that is read. What cannot be raised is shown as it is.
func (m *mirror) raise() {
	m.shown = nil
	if res, err := upgrade.ForReading(m.doc.Root()); err == nil && res.Changed {
		m.shown = res.Root
		m.refresh() // a rewritten document has a copy of the status
	}
}

// follow applies patchsets in their order, and gives the operations that are new or came to
// something else. Those that the document has already are passed over. On an error the document is
// of no use any more.
func (m *mirror) follow(patches []*etree.Element) (ops []*etree.Element, err error) {
	config := false
	for _, p := range patches {
		if p == nil {
			return nil, errGap
		}
		if old(p, cib.VersionOf(m.doc.Root())) {
			continue
		}
		// It counts its versions itself.
		res, err := m.doc.Apply(cib.Request{Op: cib.Patch, Data: p, KeepVersions: true})
		if err != nil {
			return nil, errors.Join(errGap, err)
		}
		config = config || res.Config
		for _, op := range operationsOf(m.doc) {
			if !slices.Contains(ops, op) { // it began and ended meanwhile
				ops = append(ops, op)
			}
		}
	}
	ops = slices.DeleteFunc(ops, func(op *etree.Element) bool { return !inside(op, m.doc.Root()) })
	switch {
	case config:
		m.raise()
	case m.shown != nil:
		m.refresh()
	}
	return ops, nil
}

// old tells that a patchset leads to a version that is reached.
func old(p *etree.Element, have cib.Version) bool {
	target := p.FindElement("./version/target")
	return target != nil && cib.VersionOf(target).Compare(have) <= 0
}

// inside tells that an element stands in the document below root.
func inside(el, root *etree.Element) bool {
	for ; el != nil; el = el.Parent() {
		if el == root {
			return true
		}
	}
	return false
}

// refresh takes over what is not of the configuration.
func (m *mirror) refresh() {
	root := m.doc.Root()
	schema := m.shown.SelectAttrValue("validate-with", "")
	m.shown.Attr = append([]etree.Attr(nil), root.Attr...)
	m.shown.CreateAttr("validate-with", schema)
	status := root.SelectElement("status")
	for i, t := range m.shown.Child {
		if el, ok := t.(*etree.Element); ok && el.Tag == "status" {
			m.shown.Child[i] = status
		}
	}
}

// operationsOf gives the operations that the last change added, or gave another result.
func operationsOf(doc *cib.Document) (ops []*etree.Element) {
	var below func(el *etree.Element)
	below = func(el *etree.Element) {
		if el.Tag == "lrm_rsc_op" {
			ops = append(ops, el)
			return
		}
		for _, c := range el.ChildElements() {
			below(c)
		}
	}
	changed := doc.Changes()
	for _, el := range changed.Fresh(doc.Root()) {
		below(el)
	}
	for el, attrs := range changed.Attrs() {
		if was := (&etree.Element{Attr: attrs}); el.Tag == "lrm_rsc_op" && el.Parent() != nil && tui.Mark(was) != tui.Mark(el) {
			ops = append(ops, el)
		}
	}
	return ops
}

// snapshot puts the document into a snapshot.
func (m *mirror) snapshot(s tui.Snapshot) tui.Snapshot {
	s.Root, s.Raw = m.doc.Root(), nil
	if m.shown != nil {
		s.Root, s.Raw = m.shown, m.doc.Root()
	}
	return s
}
