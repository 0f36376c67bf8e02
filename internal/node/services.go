package node

import (
	"fmt"
	"log/slog"
	"os/user"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/acl"
	"hacluster/corosync/ipc"
	"hacluster/engine/fencer"
	"hacluster/engine/replica"
	"hacluster/internal/account"
	frame "hacluster/internal/ipc"
)

// services are the local services of a node, under the names that Pacemaker's
// tools look for.
type services struct {
	node    *Node
	log     *slog.Logger
	servers []*ipc.Server
	hacl    uint32 // uid of hacluster, 0 when there is none

	planning sync.Mutex // one client's plan at a time

	mu      sync.Mutex
	watch   map[*session]bool // who asked for notifications
	events  int32
	started time.Time
}

// session is a client's connection as its service knows it.
type session struct {
	conn       *ipc.Conn            // of a local client
	tell       func(*etree.Element) // of a client on another host
	id, name   string
	user       string
	privileged bool
	service    string
	diffs      bool // notifications of CIB changes
	fencing    map[string]bool
	groups     map[string][]string // of users that were asked for, for the life of the connection
	requests   frame.Reader
	layout     atomic.Uint32 // frame.Layout of the last request: what is sent of our own accord has it, too
	patience   frame.Patience
}

// requester is whose permissions hold for a request: the user of the connection, or
// the one that root or hacluster ask for.
func (se *session) requester(asked string) acl.User {
	u := acl.User{Name: se.user}
	if asked != "" && se.privileged {
		u.Name = asked
	}
	if u.Privileged() {
		return u
	}
	groups, known := se.groups[u.Name]
	if !known {
		groups, _ = account.Groups(u.Name) // a user that this host does not know is in no group
		if se.groups == nil {
			se.groups = map[string][]string{}
		}
		se.groups[u.Name] = groups
	}
	u.Groups = groups
	return u
}

// listen starts the services.
func (n *Node) listen() (*services, error) {
	s := &services{node: n, log: n.log, watch: map[*session]bool{}, started: time.Now()}
	s.hacl, _ = account.Cluster()
	for _, name := range []string{"cib_ro", "cib_rw", "cib_shm", "crmd", "attrd", "stonith-ng", "pacemakerd", "pengine"} {
		srv, err := ipc.Listen(ipc.Config{
			Name: name, Handler: &handler{s, name}, Accept: func(p ipc.Peer) error { return account.MayAsk(p.UID, p.GID) }, Kind: ipc.Socket, MaxMessage: frame.MessageSize, Log: n.log,
		})
		if err != nil {
			s.close()
			return nil, fmt.Errorf("serve %s: %w", name, err)
		}
		s.servers = append(s.servers, srv)
	}
	srv, err := n.serveExecutor(s.started)
	if err != nil {
		s.close()
		return nil, err
	}
	s.servers = append(s.servers, srv)
	return s, nil
}

func (s *services) close() {
	for _, srv := range s.servers {
		srv.Close()
	}
}

// handler is one service.
type handler struct {
	s    *services
	name string
}

func (h *handler) Connected(c *ipc.Conn) {
	p := c.Peer()
	se := &session{conn: c, id: uuid(), service: h.name, privileged: p.UID == 0 || h.s.hacl != 0 && p.UID == h.s.hacl, fencing: map[string]bool{}}
	se.user = strconv.FormatUint(uint64(p.UID), 10)
	if u, err := user.LookupId(se.user); err == nil {
		se.user = u.Username
	}
	c.SetValue(se)
}

func (h *handler) Closed(c *ipc.Conn) {
	if se, ok := c.Value().(*session); ok {
		h.s.forget(se)
	}
}

// forget has a client not told any more.
func (s *services) forget(se *session) {
	s.mu.Lock()
	delete(s.watch, se)
	s.mu.Unlock()
}

func (h *handler) Message(c *ipc.Conn, data []byte) {
	se, _ := c.Value().(*session)
	f, whole, err := se.requests.Take(data)
	if err != nil {
		h.s.log.Warn("a local client's message is not understood", "service", h.name, "pid", c.Peer().PID, "err", err)
		c.Close()
		return
	}
	if !whole {
		return
	}
	se.layout.Store(uint32(f.Layout))
	r := &request{s: h.s, session: se, frame: f}
	// Here, on the connection's own time: looking groups up may take long.
	r.user = se.requester(r.get("cib_user"))
	if h.name == "pengine" {
		r.scheduler()
		return
	}
	h.s.node.post(func() {
		switch h.name {
		case "cib_ro", "cib_rw", "cib_shm":
			r.cib()
		case "crmd":
			r.controller()
		case "attrd":
			r.attributes()
		case "stonith-ng":
			r.fencer()
		case "pacemakerd":
			r.launcher()
		}
	})
}

// request is one message of a client.
type request struct {
	s       *services
	session *session
	frame   frame.Frame
	user    acl.User // whose permissions hold
}

func (r *request) get(name string) string { return r.frame.Body.SelectAttrValue(name, "") }

// allowed tells whether permissions let the user of the request make a change of the CIB; one that cannot be made is not forbidden.
func (r *request) allowed(change cib.Request) bool {
	if r.user.Privileged() {
		return true
	}
	change.User, change.Now = r.user, time.Now()
	_, err := cib.Apply(r.s.node.core.Replica.Root(), change)
	return cib.CodeOf(err) != cib.Access
}

// answer sends a response to a client that waits for one.
func (r *request) answer(el *etree.Element, flags uint32) {
	if r.session.tell != nil {
		r.session.tell(el)
		return
	}
	conn := r.session.conn
	parts, err := frame.Frame{Layout: r.frame.Layout, ID: r.frame.ID, Flags: flags, Body: el}.Marshal(conn.MaxMessage())
	if err != nil {
		r.s.log.Warn("answer a local client", "err", err)
		conn.Close()
		return
	}
	for _, part := range parts {
		conn.Respond(part)
	}
}

// event sends something of our own accord. It is called from the node's loop, so that the parts of events do not mix.
func (s *services) event(se *session, el *etree.Element) {
	if se.tell != nil {
		se.tell(el)
		return
	}
	c := se.conn
	s.mu.Lock()
	s.events++
	id := s.events
	s.mu.Unlock()
	parts, err := frame.Frame{Layout: frame.Layout(se.layout.Load()), ID: id, Flags: frame.EventFlag | frame.ServerInternal, Body: el}.Marshal(c.MaxMessage())
	if err != nil {
		s.log.Warn("tell a local client", "err", err)
		return
	}
	for _, part := range parts {
		c.EventLater(part, nil)
	}
	c.Flush()
	se.patience.Sent(c.Queued, func() int { return s.node.backlog(se.privileged) }, func(backlog int) {
		s.log.Error("a client is evicted: it does not read what it is told", "service", se.service, "pid", c.Peer().PID, "backlog", backlog)
		c.Close()
	})
}

// ack acknowledges a request that is answered otherwise.
func (r *request) ack(status int) {
	if r.session.tell != nil || r.frame.Flags&frame.WaitsForReply == 0 {
		return
	}
	el := etree.NewElement("ack")
	el.CreateAttr("function", "dispatch")
	el.CreateAttr("line", "1")
	el.CreateAttr("status", strconv.Itoa(status))
	if r.session.service == "attrd" {
		el.CreateAttr("ipc-protocol-version", "4")
	}
	r.answer(el, frame.ServerInternal|frame.WaitsForReply)
}

// The states of an ack.
const (
	ackOK            = 0
	ackInvalid       = 2
	ackPermission    = 4
	ackProtocol      = 76
	ackIndeterminate = 112
)

// cibChanged notifies those who asked for it.
func (s *services) cibChanged(ch replica.Change) {
	if s == nil {
		return
	}
	s.mu.Lock()
	to := map[*session]acl.User{}
	for se := range s.watch {
		if se.diffs {
			to[se] = acl.User{Name: se.user}
		}
	}
	s.mu.Unlock()
	if len(to) == 0 {
		return
	}
	root := ch.Doc.Root()
	// Whom permissions bind hears only that something changed, and reads what it may.
	bound := acl.Enabled(root, time.Now())
	var whole, bare *etree.Element
	for se, user := range to {
		el := &whole
		if bound && !user.Privileged() {
			el = &bare
		}
		if *el == nil {
			*el = diffEvent(ch, el == &whole)
		}
		s.event(se, *el)
	}
}

// fencingChanged notifies those who watch the history of fencing.
func (s *services) fencingChanged() { s.tellFencing("st_notify_history", 0, "", nil) }

// fencingEnded notifies those who watch fencing.
func (s *services) fencingEnded(r fencer.Record) {
	el := etree.NewElement("st_notify_fence")
	for _, a := range [][2]string{
		{"state", strconv.Itoa(int(r.State))},
		{"st_target", r.Target},
		{"st_device_action", r.Action},
		{"st_delegate", r.Delegate},
		{"st_remote_op", r.ID},
		{"st_origin", r.Origin},
		{"st_clientname", r.Client},
	} {
		if a[1] != "" {
			el.CreateAttr(a[0], a[1])
		}
	}
	code := r.Code
	if r.State == fencer.Failed && code == 0 {
		code = 201
	}
	s.tellFencing("st_notify_fence", code, (&fencer.Error{Code: code, Reason: r.Reason}).Told(), el)
}

// fencerConfigured notifies those who watch a fencer's devices.
func (s *services) fencerConfigured(op string, code int, reason, device string) {
	el := etree.NewElement(op)
	el.CreateAttr("st_device_id", device)
	s.tellFencing(op, code, reason, el)
}

// tellFencing sends a notification to those who asked for its kind.
func (s *services) tellFencing(kind string, code int, reason string, data *etree.Element) {
	if s == nil {
		return
	}
	s.mu.Lock()
	var to []*session
	for se := range s.watch {
		if se.fencing[kind] {
			to = append(to, se)
		}
	}
	s.mu.Unlock()
	status, exit := fencer.Status(code)
	for _, se := range to {
		el := etree.NewElement("notify")
		for _, a := range [][2]string{
			{"t", "st_notify"}, {"subt", kind}, {"st_op", kind}, {"op-status", status}, {"rc-code", exit}, {"exit-reason", reason}, {"st_rc", strconv.Itoa(-max(code, -code))},
		} {
			if a[1] != "" {
				el.CreateAttr(a[0], a[1])
			}
		}
		if data != nil {
			el.CreateElement("st_calldata").AddChild(data.Copy())
		}
		s.event(se, el)
	}
}

// watcher gives the session, entered among those that are notified.
func (r *request) watcher() *session {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.s.watch[r.session] = true
	return r.session
}
