package cib

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/patch"
	"hacluster/cib/xml"
)

// Op names what a request does, in the words of Pacemaker's messages.
type Op string

// The operations of a CIB.
const (
	Query   Op = "cib_query"
	Create  Op = "cib_create"
	Modify  Op = "cib_modify"
	Replace Op = "cib_replace"
	Delete  Op = "cib_delete"
	Erase   Op = "cib_erase"
	Bump    Op = "cib_bump"
	Patch   Op = "cib_apply_diff"
	Upgrade Op = "cib_upgrade"         // the schema becomes NewSchema
	Commit  Op = "cib_commit_transact" // Data holds cib_command elements, all or none
)

// Request is one operation.
type Request struct {
	Op      Op
	Section string         // a name of Sections, "" for all; with XPath an expression
	Data    *etree.Element // what to create, modify, replace, delete or apply; never changed

	XPath        bool // Section is an XPath expression
	Multiple     bool // all matches of it, not only the first (delete)
	CanCreate    bool // modify may add what it does not find
	NoChildren   bool // query: the elements without what is inside
	PathsOnly    bool // query: the paths of the matches
	Verbose      bool // tell more of what an upgrade rewrites
	KeepVersions bool // do not count the versions up: data is a state that was counted elsewhere

	// User is the name of the user whose permissions hold, "" for one that may do all.
	User string

	// Stamp is written to the root when the configuration changed.
	Stamp *Stamp
}

// Stamp tells who changed a configuration, and when (ctime's form, local time).
type Stamp struct{ LastWritten, Origin, Client, User string }

// Result is what an operation came to.
type Result struct {
	Root    *etree.Element // the new document, or the old one when nothing changed
	Data    *etree.Element // a query's answer, a refused create's reasons; may be nil
	Changed bool
	Config  bool // something below configuration changed
}

// Apply carries a request out on a copy of root. On an error the document stays
// as it was (Result.Root is root) and Result.Data may say more; the error is *Error.
func Apply(root *etree.Element, req Request) (Result, error) {
	if req.Op == Query {
		data, err := query(root, req)
		return Result{Root: root, Data: data}, err
	}
	e := &edit{root: root.Copy(), req: req}
	before := VersionOf(root)
	if err := e.run(); err != nil {
		return Result{Root: root, Data: e.data}, err
	}
	after := VersionOf(e.root)
	if !req.KeepVersions && (after.AdminEpoch < before.AdminEpoch || after.AdminEpoch == before.AdminEpoch && after.Epoch < before.Epoch) {
		return Result{Root: root}, fail(OldData, "%s is older than %s", after, before)
	}
	if !e.changed {
		return Result{Root: root, Data: e.data}, nil
	}
	DropText(e.root)
	if !req.KeepVersions && req.Op != Patch {
		if e.config {
			after.Epoch++
			after.NumUpdates = 0
			if req.Op == Upgrade {
				after.NumUpdates = 2 // as Pacemaker counts it
			}
		} else {
			after.NumUpdates++
		}
		after.Set(e.root)
		if s := req.Stamp; e.config && s != nil {
			for _, a := range [][2]string{{"cib-last-written", s.LastWritten}, {"update-origin", s.Origin}, {"update-client", s.Client}, {"update-user", s.User}} {
				if a[1] != "" {
					e.root.CreateAttr(a[0], a[1])
				}
			}
		}
	}
	return Result{Root: e.root, Data: e.data, Changed: true, Config: e.config}, nil
}

// edit is one operation at work on its own copy of the document.
type edit struct {
	root            *etree.Element
	req             Request
	data            *etree.Element
	changed, config bool
}

// touch notes that el, or something right below it, changes.
func (e *edit) touch(el *etree.Element) {
	e.changed = true
	for ; el != nil; el = el.Parent() {
		if el.Tag == "configuration" && el.Parent() == e.root {
			e.config = true
			return
		}
		if el.Tag == "status" && el.Parent() == e.root {
			return
		}
	}
	if e.req.Op == Replace || e.req.Op == Erase {
		e.config = true
	}
}

func (e *edit) run() error {
	data := e.req.Data
	if data != nil && !e.req.XPath && data.Tag == "cib" && e.req.Section != "" && e.req.Section != "cib" && e.req.Section != "all" {
		if part := Section(data, e.req.Section); part != nil {
			data = part
		}
	}
	switch e.req.Op {
	case Bump:
		e.changed, e.config = true, true
		v := VersionOf(e.root)
		v.Epoch++
		v.Set(e.root)
		return nil
	case Erase:
		e.erase()
		return nil
	case Upgrade:
		return e.upgrade()
	}
	if data == nil && !(e.req.Op == Delete && e.req.XPath) {
		return fail(Invalid, "%s needs data", e.req.Op)
	}
	switch e.req.Op {
	case Create:
		return e.create(data)
	case Modify:
		return e.modify(data)
	case Replace:
		return e.replace(data)
	case Delete:
		return e.delete(data)
	case Patch:
		return e.patch(data)
	case Commit:
		return e.commit(data)
	}
	return fail(NotSupported, "operation %q", string(e.req.Op))
}

func (e *edit) erase() {
	v := VersionOf(e.root)
	for len(e.root.Child) > 0 {
		e.root.RemoveChildAt(0)
	}
	for _, c := range New().ChildElements() {
		e.root.AddChild(c.Copy())
	}
	v.AdminEpoch++
	v.Set(e.root)
	e.changed, e.config = true, true
}

func (e *edit) patch(data *etree.Element) error {
	res, err := patch.Apply(e.root, data, patch.CheckVersion)
	if err != nil {
		var old *patch.Error
		if errors.As(err, &old) {
			return &Error{Code: Code(old.Code), Detail: old.Msg}
		}
		return fail(DiffFailed, "%v", err)
	}
	e.root, e.changed, e.config = res.Root, true, res.Config
	return nil
}

func (e *edit) commit(data *etree.Element) error {
	root, changed, config := e.root, false, false
	for i, cmd := range data.ChildElements() {
		sub := Request{Op: Op(cmd.SelectAttrValue("cib_op", "")), Section: cmd.SelectAttrValue("cib_section", ""), KeepVersions: true}
		if opts, err := strconv.ParseUint(cmd.SelectAttrValue("cib_callopt", "0"), 10, 32); err == nil {
			sub.SetOptions(Options(opts))
		}
		if cd := cmd.SelectElement("cib_calldata"); cd != nil {
			if c := cd.ChildElements(); len(c) > 0 {
				sub.Data = c[0]
			}
		}
		if !slices.Contains([]Op{Create, Modify, Replace, Delete, Erase, Bump, Patch}, sub.Op) {
			return fail(NotSupported, "operation %q in a transaction", string(sub.Op))
		}
		res, err := Apply(root, sub)
		if err != nil {
			return fail(CodeOf(err), "operation %d of the transaction: %v", i+1, err)
		}
		root, changed, config = res.Root, changed || res.Changed, config || res.Config
	}
	e.root, e.changed, e.config = root, changed, config
	return nil
}

// start gives the elements below which an operation works.
func (e *edit) start() ([]*etree.Element, error) {
	if e.req.XPath {
		found, err := xml.SelectElements(e.root, e.req.Section)
		if err != nil || len(found) == 0 {
			return nil, fail(NotFound, "nothing matches %s", e.req.Section)
		}
		return found, nil
	}
	s := Section(e.root, e.req.Section)
	if s == nil {
		return nil, nil
	}
	return []*etree.Element{s}, nil
}

func (e *edit) create(data *etree.Element) error {
	if e.req.XPath {
		return fail(Invalid, "create takes a section, not an XPath")
	}
	if data.Tag == "cib" || e.req.Section == "cib" || e.req.Section == "all" {
		e.req.CanCreate = true
		return e.modify(data)
	}
	name := e.req.Section
	if name == "" {
		return fail(Invalid, "create needs a section")
	}
	section := Section(e.root, name)
	if section == nil {
		return fail(Invalid, "there is no section %s", name)
	}
	var items []etree.Token
	if data.Tag == name {
		items = data.Child
	} else {
		items = []etree.Token{data}
	}
	for _, t := range items {
		el, ok := t.(*etree.Element)
		if !ok {
			if c, ok := t.(*etree.Comment); ok {
				section.AddChild(etree.NewComment(c.Data))
				e.touch(section)
			}
			continue
		}
		for _, have := range section.ChildElements() {
			if have.Tag == el.Tag && (!hasID(el) || id(have) == id(el)) {
				e.data = etree.NewElement("failed")
				f := e.data.CreateElement("failed_update")
				if hasID(el) {
					f.CreateAttr("id", id(el))
				}
				f.CreateAttr("object_type", el.Tag)
				f.CreateAttr("operation", string(Create))
				f.CreateAttr("reason", Exists.String())
				f.AddChild(el.Copy())
				return fail(Exists, "%s", describe(el))
			}
		}
		section.AddChild(strip(el.Copy()))
		e.touch(section)
	}
	return nil
}

// strip removes the attribute "replace", an order of older tools, at every level.
func strip(el *etree.Element) *etree.Element {
	el.RemoveAttr("replace")
	for _, c := range el.ChildElements() {
		strip(c)
	}
	return el
}

func (e *edit) modify(data *etree.Element) error {
	starts, err := e.start()
	if err != nil {
		return err
	}
	if e.req.XPath {
		// One failure on the way makes the whole not found, so the first match decides.
		if target := find(starts[0], data); target != nil {
			e.merge(target, data)
			return nil
		}
		if !e.req.CanCreate {
			return fail(NotFound, "%s", describe(data))
		}
		starts[0].AddChild(data.Copy())
		e.touch(starts[0])
		return nil
	}
	if len(starts) == 0 {
		starts = []*etree.Element{e.makeSection()}
	}
	target := find(starts[0], data)
	if target == nil {
		if !e.req.CanCreate {
			return fail(NotFound, "%s", describe(data))
		}
		starts[0].AddChild(data.Copy())
		e.touch(starts[0])
		return nil
	}
	e.merge(target, data)
	return nil
}

func (e *edit) makeSection() *etree.Element {
	parent := e.root
	if e.req.Section != "configuration" && e.req.Section != "status" {
		if parent = e.root.SelectElement("configuration"); parent == nil {
			parent = e.root.CreateElement("configuration")
		}
	}
	s := parent.CreateElement(e.req.Section)
	e.touch(s)
	return s
}

// find gives the first element at or below from, in document order, of data's name and id.
func find(from, data *etree.Element) *etree.Element {
	if from.Tag == data.Tag && id(from) == id(data) && hasID(from) == hasID(data) {
		return from
	}
	for _, c := range from.ChildElements() {
		if f := find(c, data); f != nil {
			return f
		}
	}
	return nil
}

func (e *edit) merge(target, data *etree.Element) {
	if data.SelectAttrValue("__delete__", "") != "" {
		parent := target.Parent()
		e.touch(target)
		parent.RemoveChild(target)
		return
	}
	for _, a := range data.Attr {
		if a.Space == "xmlns" || a.Space == "" && a.Key == "xmlns" || a.Key == "__delete__" {
			continue
		}
		value := a.Value
		if old := target.SelectAttr(a.Key); old != nil {
			value = expand(a.Key, old.Value, value)
			if old.Value == value {
				continue
			}
		}
		e.touch(target)
		target.CreateAttr(a.Key, value)
	}
	for _, t := range data.Child {
		switch c := t.(type) {
		case *etree.Element:
			if m := match(target, c); m != nil {
				e.merge(m, c)
			} else {
				if c.SelectAttrValue("__delete__", "") != "" {
					continue
				}
				target.AddChild(c.Copy())
				e.touch(target)
			}
		case *etree.Comment:
			if !slices.ContainsFunc(target.Child, func(t etree.Token) bool {
				o, ok := t.(*etree.Comment)
				return ok && o.Data == c.Data
			}) {
				target.AddChild(etree.NewComment(c.Data))
				e.touch(target)
			}
		}
	}
}

// match gives the child of target that c is merged with.
func match(target, c *etree.Element) *etree.Element {
	for _, have := range target.ChildElements() {
		if have.Tag != c.Tag {
			continue
		}
		switch {
		case hasID(c):
			if id(have) == id(c) {
				return have
			}
		case c.SelectAttr("id-ref") != nil:
			if have.SelectAttrValue("id-ref", "") == c.SelectAttrValue("id-ref", "") {
				return have
			}
		default:
			return have
		}
	}
	return nil
}

// expand works "value++" and "value+=5" out against the old value.
func expand(name, old, value string) string {
	rest, ok := strings.CutPrefix(value, name)
	if !ok || rest != "++" && !strings.HasPrefix(rest, "+=") {
		return value
	}
	by := 1
	if rest != "++" {
		if n, ok := Score(rest[2:]); ok {
			by = n
		}
	}
	n, _ := Score(old)
	return strconv.Itoa(clamp(n + by))
}

// Infinity is the score that outweighs all others.
const Infinity = 1000000

func clamp(n int) int { return max(-Infinity, min(Infinity, n)) }

// Score reads a score: a number, or [+-]INFINITY, or red, yellow, green as 0 or minus
// infinity where health does not say otherwise. ok is false for anything else, with 0.
func Score(s string) (n int, ok bool) {
	switch s {
	case "INFINITY", "+INFINITY":
		return Infinity, true
	case "-INFINITY", "red":
		return -Infinity, true
	case "yellow", "green":
		return 0, true
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		if errors.Is(err, strconv.ErrRange) {
			if strings.HasPrefix(s, "-") {
				return -Infinity, true
			}
			return Infinity, true
		}
		return 0, false
	}
	return int(max(-Infinity, min(Infinity, v))), true
}

func (e *edit) replace(data *etree.Element) error {
	if data.Tag == "cib" && !e.req.XPath {
		return e.whole(data)
	}
	if e.req.XPath {
		starts, err := e.start()
		if err != nil {
			return err
		}
		old := starts[0]
		if old == e.root {
			return e.whole(data)
		}
		e.touch(old)
		parent := old.Parent()
		parent.RemoveChild(old)
		parent.AddChild(data.Copy())
		return nil
	}
	from := e.root
	if e.req.Section != data.Tag && e.req.Section != "all" && e.req.Section != "cib" {
		if from = Section(e.root, e.req.Section); from == nil {
			return fail(NotFound, "there is no section %s", e.req.Section)
		}
	}
	old := below(from, func(el *etree.Element) bool {
		return el.Tag == data.Tag && (!hasID(data) || id(el) == id(data))
	})
	if old == nil {
		return fail(NotFound, "%s", describe(data))
	}
	e.touch(old)
	at := old.Index()
	parent := old.Parent()
	parent.RemoveChildAt(at)
	parent.InsertChildAt(at, data.Copy())
	return nil
}

func (e *edit) whole(data *etree.Element) error {
	if data.Tag != "cib" {
		return fail(Invalid, "the root must be cib, not %s", data.Tag)
	}
	have, want := VersionOf(e.root), VersionOf(data)
	if want.Compare(have) < 0 && !e.req.KeepVersions {
		return fail(OldData, "%s is older than %s", want, have)
	}
	e.root = data.Copy()
	if e.root.SelectElement("status") == nil {
		e.root.CreateElement("status")
	}
	e.changed, e.config = true, true
	return nil
}

func below(from *etree.Element, fits func(*etree.Element) bool) *etree.Element {
	for _, c := range from.ChildElements() {
		if fits(c) {
			return c
		}
		if f := below(c, fits); f != nil {
			return f
		}
	}
	return nil
}

func (e *edit) delete(data *etree.Element) error {
	if e.req.XPath {
		found, err := xml.SelectElements(e.root, e.req.Section)
		if err != nil || len(found) == 0 {
			return nil
		}
		if !e.req.Multiple {
			found = found[:1]
		}
		for _, el := range slices.Backward(found) {
			if el == e.root {
				return fail(Invalid, "the root cannot be deleted")
			}
			e.touch(el)
			el.Parent().RemoveChild(el)
		}
		return nil
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
			e.touch(el)
			el.Parent().RemoveChild(el)
		}
	}
	return nil
}

func query(root *etree.Element, req Request) (*etree.Element, error) {
	if !req.XPath {
		s := Section(root, req.Section)
		if s == nil {
			return nil, fail(NotFound, "there is no section %s", req.Section)
		}
		if req.NoChildren {
			return bare(s), nil
		}
		return s, nil
	}
	matches, err := xml.Select(root, req.Section)
	if err != nil || len(matches) == 0 {
		return nil, fail(NotFound, "nothing matches %s", req.Section)
	}
	if len(matches) == 1 && matches[0].Attr == "" && !req.PathsOnly {
		if req.NoChildren {
			return bare(matches[0].Element), nil
		}
		return matches[0].Element, nil
	}
	out := etree.NewElement("xpath-query")
	for _, m := range matches {
		switch {
		case m.Attr != "":
			out.CreateAttr(m.Attr, m.Element.SelectAttrValue(m.Attr, ""))
		case req.PathsOnly:
			out.CreateElement("xpath-query-path").CreateAttr("id", Path(m.Element))
		case req.NoChildren:
			out.AddChild(bare(m.Element))
		default:
			out.AddChild(m.Element.Copy())
		}
	}
	return out, nil
}

func bare(el *etree.Element) *etree.Element {
	b := etree.NewElement(el.Tag)
	b.Attr = slices.Clone(el.Attr)
	return b
}

// Path is the element's place as patches and queries write it: /cib/status/node_state[@id='1'].
func Path(el *etree.Element) string { return patch.Path(el) }

func id(el *etree.Element) string { return el.SelectAttrValue("id", "") }

func hasID(el *etree.Element) bool { return el.SelectAttr("id") != nil }

func describe(el *etree.Element) string {
	if hasID(el) {
		return el.Tag + " " + id(el)
	}
	return el.Tag
}
