// Package replica keeps one CIB the same on all nodes of a cluster.
//
// It is a state machine without I/O. Every change is a message to the group,
// delivered to all in one order; each node applies it to its own document, so
// that all documents stay equal, and the node that asked answers its client once
// the change is applied and, where the configuration changed, on its disk.
//
// A message that one node has delivered can still be lost to all others, when that node
// is lost to them at that moment. So a client whose Sure is set is answered only when most
// of the group have told that they applied its change; where there is quorum, in a term that holds (see term.go).
//
// A node that joins may hold another document. Sync then makes all take over the
// document of one node: the state it had when the order to sync was delivered,
// and on top of it every change that was delivered since. So no change that was
// acknowledged in between is lost.
package replica

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/acl"
	"hacluster/cib/schema"
	"hacluster/cib/xml"
)

// Type marks a message of this package (attribute t).
const Type = "cib"

// Client is who asked for a change. Its user's permissions hold for it; the groups
// are looked up where the request was made, so that all nodes decide alike.
type Client struct {
	ID, Name, User string
	Groups         []string
	// Sure: a change that is kept is answered when most members of the group have it.
	Sure bool
	// DC: it asks as the DC, and for nothing where another one decides by the time that the change is to be made, see leader.go.
	DC bool
}

// Change tells of a change that was applied.
type Change struct {
	Op      cib.Op
	Section string         // as in the request
	Data    *etree.Element // the request's data; nil if it had none
	Doc     *cib.Document  // the document as it is now; it knows the patch that led there
	Config  bool           // something below configuration changed
	Synced  bool           // the document was taken over from another node
	Was     *etree.Element // the document before, where this one was taken over; good until Changed returns
	Node    string         // where the change came from
	Client  string         // the client's name there
}

// Effects is what a replica does to the world.
type Effects interface {
	// Broadcast sends a message to all nodes of the group, this one too, in order.
	Broadcast(msg *etree.Element)
	// Save keeps the document over a crash before it returns. It goes on changing then.
	Save(root *etree.Element) error
	// SaveTerm keeps what the document is of over a crash before it returns.
	SaveTerm(t cib.Term) error
	// Nodes is how many nodes are configured.
	Nodes() int
	// Members are the names of the nodes in the group.
	Members() []string
	// Shares tells whether a node, as DC, has taken this one in: since then it has the document of all.
	Shares(dc string) bool
	// Follows tells whether a node is the DC whose offer to join this one accepted last, and has not had another or none since.
	Follows(dc string) bool
	// MaxSchema is the newest schema that every node of the group knows: the same on all
	// nodes at the same message.
	MaxSchema() string
	// Agreed is the level of messages that every node of the group understands, the same on all nodes at the same message; 0: not all have told.
	Agreed() int
	// Differ is called on the DC where the documents of the group's nodes are not equal: all are to take over one.
	Differ()
	// Changed is called after each change, before whoever asked for it is answered.
	Changed(c Change)
	// Logf writes a line for the administrator.
	Logf(format string, args ...any)
}

// Replica is this node's copy of the CIB.
type Replica struct {
	node    string
	effects Effects
	doc     *cib.Document
	calls   uint64
	waiting map[string]func(cib.Result, error)
	held    map[string]*held   // by call: applied here, but not known to be applied elsewhere
	asking  map[string]*asking // by call, see groups.go
	sync    *syncing
	synced  map[string]func(error) // by sync id, on the node that ordered it
	now     time.Time
	saveErr error // why the disk has not what it should
	// saveAgainAt is when it is tried again; zero: it has it.
	saveAgainAt time.Time

	leader string // the DC whose group has this document, see leader.go

	term      cib.Term    // of the document
	stored    cib.Term    // on disk
	written   cib.Version // of the document on disk
	unsaved   bool        // the document is to be on disk, and is not
	view      view
	raised    []announcement // of this node that are under way
	owed      []owed         // until it is clear whether there will be a term
	unwritten []owed         // until the disk has what it did not take
	ring      []string       // its members, in order
	quorate   bool           // these have quorum
	termless  bool           // the DC knows no terms

	leads     bool      // this node is DC
	compareAt time.Time // when it has the documents compared; zero: nothing changed since it did
	compared  comparison
}

// syncing is a takeover under way: since the order was delivered, changes are kept.
type syncing struct {
	id, source string
	since      []delivered
}

// delivered is a request that came during a takeover, and what came of it in the document before.
type delivered struct {
	from string
	msg  *etree.Element
	max  string // the newest schema that all knew then
	res  cib.Result
	err  error
}

// New makes a replica of node that starts with root, a document of term, which is its own from now on.
func New(node string, root *etree.Element, term cib.Term, e Effects) *Replica {
	return &Replica{node: node, effects: e, doc: cib.Hold(root), term: term, stored: term, written: cib.VersionOf(root), waiting: map[string]func(cib.Result, error){}, held: map[string]*held{}, asking: map[string]*asking{}, synced: map[string]func(error){}}
}

// Root is the present document. It is not to be changed, and the next message may change it: who
// keeps it longer copies it.
func (r *Replica) Root() *etree.Element { return r.doc.Root() }

// Query answers at once from this node's copy.
func (r *Replica) Query(req cib.Request) (*etree.Element, error) {
	res, err := cib.Apply(r.Root(), req)
	return res.Data, err
}

// Try is what would come of a request now; nothing changes.
func (r *Replica) Try(req cib.Request) (cib.Result, error) {
	return apply(cib.Hold(xml.Copy(r.Root())), req, r.effects.MaxSchema)
}

// Request asks for a change; done is called when it was applied here, or refused.
// lastWritten is the time that a change of the configuration is stamped with, in ctime's form.
func (r *Replica) Request(c Client, req cib.Request, lastWritten string, done func(cib.Result, error)) {
	r.calls++
	msg := etree.NewElement("cib_command")
	call := strconv.FormatUint(r.calls, 10)
	for _, a := range [][2]string{
		{"t", Type},
		{"cib_op", string(req.Op)},
		{"cib_section", req.Section},
		{"cib_callopt", strconv.FormatUint(uint64(req.Options()), 10)},
		{"cib_callid", call},
		{"cib_clientid", c.ID},
		{"cib_clientname", c.Name},
		{"cib_user", c.User},
		{"src", r.node},
		{"cib_delegated_from", r.node},
		{"cib-last-written", lastWritten},
		{groupsAttr, acl.GroupsText(c.Groups)},
		{timeAttr, unixTime(req.Now)},
		{"cib_schema_max", req.MaxSchema},
	} {
		if a[1] != "" {
			msg.CreateAttr(a[0], a[1])
		}
	}
	if c.Sure {
		msg.CreateAttr(sureAttr, "true")
	}
	if c.DC {
		msg.CreateAttr(DCAttr, "true")
	}
	if req.Data != nil {
		msg.CreateElement("cib_calldata").AddChild(xml.Copy(req.Data))
	}
	if done != nil {
		r.waiting[call] = done
	}
	r.ask(call, msg, c.Groups, req.Now)
}

// Sync orders all nodes to take over source's document; done is called when this
// node has, with an error when source left before it sent it.
func (r *Replica) Sync(source string, done func(error)) {
	r.calls++
	id := r.node + "-" + strconv.FormatUint(r.calls, 10)
	r.synced[id] = done
	r.effects.Broadcast(r.message("cib_sync", "cib_host", source, "sync_id", id))
}

// Left takes note that a node left the group; a sync from it is given up, and nobody waits for it.
func (r *Replica) Left(node string) {
	for _, h := range r.held {
		delete(h.open, node)
		delete(h.here, node)
	}
	r.unowe(node)
	r.leftView(node)
	if r.leader == node {
		r.leader = ""
	}
	r.judgeAll()
	if r.sync != nil && r.sync.source == node {
		r.finishSync(fmt.Errorf("node %s left before it sent its CIB", node))
	}
}

func (r *Replica) finishSync(err error) {
	done := r.synced[r.sync.id]
	delete(r.synced, r.sync.id)
	since := r.sync.since
	r.sync = nil
	for _, d := range since {
		r.answer(d.from, d.msg, d.res, d.err)
	}
	if done != nil {
		done(err)
	}
}

// Reset forgets what was under way with a group that this node fell out of; who
// waits is told.
func (r *Replica) Reset() {
	clear(r.held)
	clear(r.asking)
	r.owed, r.unwritten, r.view, r.raised, r.leader = nil, nil, view{}, nil, ""
	for call, done := range sorted(r.waiting) {
		delete(r.waiting, call)
		done(cib.Result{Root: r.Root()}, &cib.Error{Code: cib.NotConnected, Detail: "this node left the group"})
	}
	if r.sync != nil {
		r.finishSync(&cib.Error{Code: cib.NotConnected, Detail: "this node left the group"})
	}
}

// Deliver applies a message of the group, in the group's order; from is the node that sent it.
func (r *Replica) Deliver(now time.Time, from string, msg *etree.Element) {
	r.now = now
	switch op := msg.SelectAttrValue("cib_op", ""); op {
	case "cib_sync":
		r.ordered(from, &syncing{id: msg.SelectAttrValue("sync_id", ""), source: msg.SelectAttrValue("cib_host", "")})
	case confirmOp:
		if msg.SelectAttrValue("cib_host", "") == r.node {
			r.confirmed(from, msg)
		}
	case termOp:
		r.onTerm(from, msg)
	case promiseOp:
		r.onPromise(from, msg)
	case adoptedOp:
		r.onAdopted(from, msg)
	case compareOp:
		r.onCompare(from, msg)
	case fingerprintOp:
		r.onFingerprint(from, msg)
	case spacedOp:
		r.spacedChange(from, msg)
	case "cib_replace":
		if msg.SelectAttrValue("cib_update", "") == "true" {
			r.takeOver(from, msg)
			return
		}
		r.apply(from, msg)
	default:
		r.apply(from, msg)
	}
}

// ordered begins a takeover where it is for its sender to order one, see leader.go.
func (r *Replica) ordered(from string, s *syncing) {
	if s.source == r.node {
		out := r.message("cib_replace", "cib_update", "true", "sync_id", s.id, syncTermAttr, r.term.Of().String())
		out.CreateElement("cib_calldata").AddChild(xml.Copy(r.Root()))
		r.effects.Broadcast(out)
	}
	refuse := func(err error) {
		r.effects.Logf("the CIB of node %s is not taken over: %v", s.source, err)
		if done := r.synced[s.id]; done != nil {
			delete(r.synced, s.id)
			done(err)
		}
	}
	if !r.effects.Follows(from) {
		refuse(&cib.Error{Code: cib.NotPermitted, Detail: "node " + from + " ordered that, which is not the DC"})
		return
	}
	if !slices.Contains(r.effects.Members(), s.source) {
		refuse(fmt.Errorf("it left before that was ordered")) // and nobody hears of it any more
		return
	}
	if r.sync != nil {
		r.finishSync(fmt.Errorf("another sync was ordered"))
	}
	r.leader = from
	r.view = view{} // the documents differ: no term is of all
	r.withdraw(func(announcement) bool { return true })
	r.sync = s
}

func (r *Replica) takeOver(from string, msg *etree.Element) {
	if r.sync == nil || r.sync.id != msg.SelectAttrValue("sync_id", "") || from != r.sync.source {
		for _, h := range r.held {
			h.takenOver(from, r.node, r.effects.Members())
		}
		return
	}
	data := calldata(msg)
	if data == nil || data.Tag != "cib" {
		r.finishSync(fmt.Errorf("node %s sent no CIB", from))
		return
	}
	old := r.Root()
	doc := cib.Hold(xml.Copy(data))
	term, err := cib.ParseTerm(msg.SelectAttrValue(syncTermAttr, ""))
	if err != nil {
		term = cib.Term{} // a node that knows no terms
	}
	term.Promised = r.term.Promised
	r.term, r.owed = term, nil
	r.unwritten = nil
	for i := range r.sync.since {
		// Who asked meanwhile hears what came of it in the document that counts.
		d := &r.sync.since[i]
		v := cib.VersionOf(doc.Root())
		if d.res, d.err = apply(doc, request(d.msg), func() string { return d.max }); d.err == nil && d.res.Keep {
			r.term.Fork(v)
		}
	}
	root := doc.Root()
	if cib.DiskDigest(root) == cib.DiskDigest(old) {
		r.save() // perhaps the term is another
		r.finishSync(nil)
		return
	}
	if from != r.node {
		r.superseded(from)
	}
	was := cib.VersionOf(old)
	r.doc.Become(root)
	r.compareSoon()
	r.unsaved = true
	r.effects.Logf("took over the CIB of node %s at version %s (had %s)", from, cib.VersionOf(root), was)
	r.save()
	r.effects.Changed(Change{Op: cib.Replace, Data: root, Doc: r.doc, Config: true, Synced: true, Was: old, Node: from, Client: "sync"})
	r.finishSync(nil)
}

func calldata(msg *etree.Element) *etree.Element {
	if d := msg.SelectElement("cib_calldata"); d != nil {
		if c := d.ChildElements(); len(c) > 0 {
			return c[0]
		}
	}
	return nil
}

// Attributes of messages that only nodes of ours have: the groups of the user, the time
// (seconds since 1970) at which rules are evaluated, and whether to confirm; and the confirmation.
const (
	groupsAttr = "hacluster-groups"
	timeAttr   = "hacluster-time"
	sureAttr   = "hacluster-sure"
	confirmOp  = "hacluster_confirm"
	// syncTermAttr of a document that is taken over is what it is of.
	syncTermAttr = "hacluster-term"
)

func unixTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.Unix(), 10)
}

func request(msg *etree.Element) cib.Request {
	req := cib.Request{Op: opOf(msg), Section: msg.SelectAttrValue("cib_section", ""), Data: calldata(msg), MaxSchema: msg.SelectAttrValue("cib_schema_max", "")}
	if o, err := strconv.ParseUint(msg.SelectAttrValue("cib_callopt", "0"), 10, 32); err == nil {
		req.SetOptions(cib.Options(o))
	}
	user := msg.SelectAttrValue("cib_user", "")
	req.User = acl.User{Name: user, Groups: groupsOf(msg)}
	if t, err := strconv.ParseInt(msg.SelectAttrValue(timeAttr, ""), 10, 64); err == nil {
		req.Now = time.Unix(t, 0)
	}
	if w := msg.SelectAttrValue("cib-last-written", ""); w != "" {
		req.Stamp = &cib.Stamp{LastWritten: w, Origin: msg.SelectAttrValue("src", ""), Client: msg.SelectAttrValue("cib_clientname", ""), User: user}
	}
	return req
}

// apply carries a request out in a cluster in which most tells the newest schema that every node
// knows: an upgrade ends there, and no other change declares a newer one than that.
func apply(doc *cib.Document, req cib.Request, most func() string) (cib.Result, error) {
	if req.Op == cib.Upgrade {
		if max := most(); !schema.Known(req.MaxSchema) || schema.Compare(req.MaxSchema, max) > 0 {
			req.MaxSchema = max
		}
	}
	had := declared(doc.Root())
	res, err := doc.Apply(req)
	if err != nil || !res.Changed {
		return res, err
	}
	have := declared(res.Root)
	if have == had || have == schema.None || schema.Compare(have, had) <= 0 {
		return res, nil
	}
	if max := most(); schema.Compare(have, max) > 0 {
		doc.Undo()
		return cib.Result{Root: doc.Root()}, &cib.Error{Code: cib.SchemaValidation, Detail: fmt.Sprintf("not every node of the cluster knows %s; the newest that all know is %s", have, max)}
	}
	return res, nil
}

func declared(root *etree.Element) string { return root.SelectAttrValue("validate-with", "") }

func (r *Replica) apply(from string, msg *etree.Element) {
	if r.outdated(from, msg) {
		return
	}
	req := request(msg)
	old := cib.VersionOf(r.Root())
	res, err := apply(r.doc, req, r.effects.MaxSchema)
	if err == nil && res.Changed {
		r.compareSoon()
		if res.Keep {
			r.kept(old)
			r.save()
			if r.saveErr != nil {
				err = &cib.Error{Code: cib.SaveFailed, Detail: r.saveErr.Error()}
			}
		}
		r.effects.Changed(Change{
			Op: req.Op, Section: req.Section, Data: req.Data, Doc: r.doc, Config: res.Config,
			Node: from, Client: msg.SelectAttrValue("cib_clientname", ""),
		})
	}
	if r.sync != nil {
		r.sync.since = append(r.sync.since, delivered{from, msg, r.effects.MaxSchema(), res, err})
		return
	}
	r.answer(from, msg, res, err)
}
