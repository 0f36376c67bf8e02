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
// leave a document that is valid by the schema that it declares. Document does the same
// for a document that is changed often.
func Apply(root *etree.Element, req Request) (Result, error) {
	if req.Op == Query {
		return ask(root, req)
	}
	d := &Document{root: xml.Copy(root), copied: true}
	res, err := d.Apply(req)
	if !res.Changed {
		res.Root = root
	}
	return res, err
}

// ask answers a query.
func ask(root *etree.Element, req Request) (Result, error) {
	seen := acl.For(root, req.User, req.Now).Filter(root)
	if seen == nil {
		return Result{Root: root}, fail(Access, "user %s may read nothing", req.User.Name)
	}
	data, err := query(seen, req)
	return Result{Root: root, Data: data}, err
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
	work := e.root
	if e.guard != nil { // who has to see both
		work = xml.Copy(e.root)
	}
	data = clean(data).(*etree.Element)
	var was *patch.Journal
	if e.guard == nil {
		was = e.was
	}
	config, err := patch.ApplyTo(work, data, was, patch.CheckVersion, patch.KeepOrder)
	if err != nil {
		var old *patch.Error
		if errors.As(err, &old) {
			return &Error{Code: Code(old.Code), Detail: old.Msg}
		}
		return fail(DiffFailed, "%v", err)
	}
	if work != e.root {
		e.become(work)
	}
	// What was only moved counts as changed, but not as a change of the configuration.
	e.changed, e.config = config || e.was.Changed(e.root), config
	return nil
}
