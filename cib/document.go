package cib

import (
	"github.com/beevik/etree"

	"hacluster/cib/acl"
	"hacluster/cib/patch"
	"hacluster/cib/xml"
)

// Document is a CIB that is changed in place, for who changes it often: an operation costs what
// it changes (and what it takes to find that), not what the document has. It gives the same
// results as Apply, where the document is valid.
//
// It is not safe for use by goroutines at the same time.
type Document struct {
	root   *etree.Element
	was    patch.Journal // how the document was before the last change
	copied bool          // root is a copy for one operation, of a document that may have text
	ids    *index        // nil until it is asked for
}

// Hold makes a Document of root, which nobody else may change from now on.
func Hold(root *etree.Element) *Document {
	DropText(root)
	return &Document{root: root}
}

// Root is the document as it is. It is not to be changed, and changes with the next Apply: who
// wants to keep it copies it.
func (d *Document) Root() *etree.Element { return d.root }

// Diff is the patch that led here with the last change; nil: there was none, or nothing differs.
func (d *Document) Diff(opts ...patch.Option) *etree.Element { return d.was.Diff(d.root, opts...) }

// Changes tells what the last change changed; it is valid until the next.
func (d *Document) Changes() *patch.Journal { return &d.was }

// Undo takes the last change back.
func (d *Document) Undo() {
	if !d.was.Empty() {
		d.root, d.ids = d.was.Undo(d.root), nil
	}
}

// Become puts another document in its place, as one change; nobody else may change root from now on.
func (d *Document) Become(root *etree.Element) {
	DropText(root)
	d.was = patch.Journal{}
	d.was.Root(d.root)
	d.root, d.ids = root, nil
}

// Apply carries a request out. On an error the document is as it was; see the function Apply.
func (d *Document) Apply(req Request) (Result, error) {
	if req.Op == Query {
		return ask(d.root, req)
	}
	d.was = patch.Journal{}
	if d.ids == nil && !d.copied && req.Op == Modify && !req.XPath {
		d.ids = newIndex(d.root)
	}
	res, err := d.apply(req)
	switch {
	case !res.Changed:
		d.root = d.was.Undo(d.root) // the index does not know of it yet
	case d.was.NewRoot():
		d.ids = nil
	case d.ids != nil:
		d.ids.update(&d.was, d.root)
	}
	res.Root = d.root
	return res, err
}

func (d *Document) apply(req Request) (Result, error) {
	policy := acl.For(d.root, req.User, req.Now)
	e := &edit{root: d.root, req: req, was: &d.was, ids: d.ids, guard: policy.Guard(d.root)}
	before, schema := VersionOf(d.root), d.root.SelectAttrValue("validate-with", "")
	err := e.run()
	d.root = e.root
	if err != nil {
		return Result{Data: e.data, Messages: e.messages}, err
	}
	if e.guard.Denied(e.root) {
		return Result{Data: e.data}, fail(Access, "user %s", req.User.Name)
	}
	after := VersionOf(e.root)
	if !req.KeepVersions && (after.AdminEpoch < before.AdminEpoch || after.AdminEpoch == before.AdminEpoch && after.Epoch < before.Epoch) {
		return Result{}, fail(OldData, "%s is older than %s", after, before)
	}
	if !d.readable() {
		return Result{}, fail(Invalid, "the document would have more than %d elements inside each other", xml.MaxDepth)
	}
	if !e.changed {
		return Result{Data: e.data}, nil
	}
	keep := e.config || after.AdminEpoch != before.AdminEpoch || after.Epoch != before.Epoch || schema != e.root.SelectAttrValue("validate-with", "")
	if req.Section != "status" && (d.copied || !d.was.Only(e.root, "status", "num_updates")) {
		if err := validate(e.root); err != nil {
			return Result{Messages: e.messages}, err
		}
	}
	if !req.KeepVersions {
		e.count(after)
	}
	return Result{Data: e.data, Changed: true, Config: e.config, Keep: keep, Messages: e.messages}, nil
}

// readable tells that the document can be read again once it is written.
func (d *Document) readable() bool {
	if d.copied {
		DropText(d.root)
		return shallow(d.root, xml.MaxDepth)
	}
	for _, el := range d.was.Fresh(d.root) {
		depth := 0
		for p := el.Parent(); p != nil; p = p.Parent() {
			depth++
		}
		if !shallow(el, xml.MaxDepth-depth) {
			return false
		}
	}
	return true
}

// shallow tells that no more than depth elements are inside each other, el being one.
func shallow(el *etree.Element, depth int) bool {
	if depth <= 0 {
		return false
	}
	for _, t := range el.Child {
		if c, ok := t.(*etree.Element); ok && !shallow(c, depth-1) {
			return false
		}
	}
	return true
}

// count counts the versions up, and stamps a new configuration.
func (e *edit) count(v Version) {
	e.was.Attr(e.root)
	if !e.config {
		v.NumUpdates++
		e.root.CreateAttr("num_updates", itoa(v.NumUpdates))
		return
	}
	e.root.CreateAttr("num_updates", "0")
	e.root.CreateAttr("epoch", itoa(v.Epoch+1))
	if s := e.req.Stamp; s != nil {
		for _, a := range [][2]string{{"cib-last-written", s.LastWritten}, {"update-origin", s.Origin}, {"update-client", s.Client}, {"update-user", s.User}} {
			if a[1] != "" {
				e.root.CreateAttr(a[0], a[1])
			}
		}
	}
}
