package cib

import (
	"errors"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/acl"
	"hacluster/cib/patch"
	"hacluster/cib/upgrade"
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
	Upgrade Op = "cib_upgrade"         // to the newest schema that MaxSchema allows
	Commit  Op = "cib_commit_transact" // Data holds cib_command elements, all or none
)

// Request is one operation.
type Request struct {
	Op      Op
	Section string         // a name of Sections, "" for all; with XPath an expression
	Data    *etree.Element // what to create, modify, replace, delete or apply; never changed

	XPath        bool // Section is an XPath expression
	Multiple     bool // all matches of it, not only the first
	CanCreate    bool // modify may add what it does not find
	NoChildren   bool // query: the elements without what is inside
	PathsOnly    bool // query: the paths of the matches
	Verbose      bool // tell more of what an upgrade rewrites
	KeepVersions bool // do not count the versions up: data is a state that was counted elsewhere

	// MaxSchema bounds an upgrade: the newest schema that every member of a cluster
	// knows. "" is the newest that this program knows.
	MaxSchema string

	// User is whose permissions hold, the zero User may do all. Now is the time at
	// which rules on the property that switches permissions on are evaluated.
	User acl.User
	Now  time.Time

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
	Keep    bool // the change is to survive a restart of the whole cluster

	Messages []upgrade.Message // what an upgrade rewrote, also when it failed
}

// Apply carries a request out on a copy of root. On an error the document stays
// as it was (Result.Root is root) and Result.Data may say more; the error is *Error.
//
// It is the one way in which a CIB is read and changed for somebody: the user's
// permissions are applied here, and a change that is not of the status section has to
// leave a document that is valid by the schema that it declares.
func Apply(root *etree.Element, req Request) (Result, error) {
	policy := acl.For(root, req.User, req.Now)
	if req.Op == Query {
		seen := policy.Filter(root)
		if seen == nil {
			return Result{Root: root}, fail(Access, "user %s may read nothing", req.User.Name)
		}
		data, err := query(seen, req)
		return Result{Root: root, Data: data}, err
	}
	e := &edit{root: root.Copy(), req: req}
	e.guard = policy.Guard(e.root)
	before := VersionOf(root)
	if err := e.run(); err != nil {
		return Result{Root: root, Data: e.data, Messages: e.messages}, err
	}
	if e.guard.Denied(e.root) {
		return Result{Root: root, Data: e.data}, fail(Access, "user %s", req.User.Name)
	}
	after := VersionOf(e.root)
	if !req.KeepVersions && (after.AdminEpoch < before.AdminEpoch || after.AdminEpoch == before.AdminEpoch && after.Epoch < before.Epoch) {
		return Result{Root: root}, fail(OldData, "%s is older than %s", after, before)
	}
	DropText(e.root)
	if !readable(e.root, xml.MaxDepth) {
		return Result{Root: root}, fail(Invalid, "the document would have more than %d elements inside each other", xml.MaxDepth)
	}
	if !e.changed {
		return Result{Root: root, Data: e.data}, nil
	}
	keep := e.config || after.AdminEpoch != before.AdminEpoch || after.Epoch != before.Epoch ||
		root.SelectAttrValue("validate-with", "") != e.root.SelectAttrValue("validate-with", "")
	if req.Section != "status" {
		if err := validate(e.root); err != nil {
			return Result{Root: root, Messages: e.messages}, err
		}
	}
	if !req.KeepVersions {
		e.count(after)
	}
	return Result{Root: e.root, Data: e.data, Changed: true, Config: e.config, Keep: keep, Messages: e.messages}, nil
}

// readable tells that a document that is written now can be read again.
func readable(el *etree.Element, depth int) bool {
	if depth == 0 {
		return false
	}
	for _, t := range el.Child {
		if c, ok := t.(*etree.Element); ok && !readable(c, depth-1) {
			return false
		}
	}
	return true
}

// count counts the versions up, and stamps a new configuration.
func (e *edit) count(v Version) {
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

// run carries the operation out on e.root.
func (e *edit) run() error {
	data := e.req.Data
	if data != nil && !e.req.XPath && data.Tag == "cib" && e.req.Section != "" {
		if data = Section(data, e.req.Section); data == nil {
			return fail(Invalid, "the data have no section %s", e.req.Section)
		}
	}
	switch e.req.Op {
	case Bump:
		v := VersionOf(e.root)
		e.set(e.root, "epoch", itoa(v.Epoch+1))
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

func (e *edit) patch(data *etree.Element) error {
	res, err := patch.Apply(e.root, data, patch.CheckVersion, patch.KeepOrder)
	if err != nil {
		var old *patch.Error
		if errors.As(err, &old) {
			return &Error{Code: Code(old.Code), Detail: old.Msg}
		}
		return fail(DiffFailed, "%v", err)
	}
	old := e.root
	e.root = res.Root
	e.guard.Replaced(e.root, old, e.root)
	// What was only moved counts as changed, but not as a change of the configuration.
	e.changed, e.config = res.Config || !patch.Same(old, e.root), res.Config
	return nil
}
