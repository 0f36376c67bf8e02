package node

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/beevik/etree"

	"hacluster/corosync/ipc"
	"hacluster/engine/executor"
	frame "hacluster/internal/ipc"
	"hacluster/internal/lrmd"
	"hacluster/internal/remote"
)

// remotes connects to remote nodes over the network.
type remotes Node

// Pacing of the attempts to connect.
const (
	connectLimit = 10 * time.Second
	retryEvery   = time.Second
	noRetryAt    = 3 * time.Second // left of the time
)

func (w *remotes) node() *Node { return (*Node)(w) }

// Connect tries until it is connected, the time is over or nobody wants it any more.
func (w *remotes) Connect(req RemoteRequest, done func(now time.Time, c RemoteConn, err error)) (cancel func()) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		l := &link{node: w.node(), req: req, sessions: map[string]*relay{}}
		err := l.dial(ctx)
		w.node().post(func() {
			if err != nil {
				done(time.Now(), nil, err)
				return
			}
			done(time.Now(), l, nil)
			l.open()
		})
	}()
	return cancel
}

// link is a connection to a remote node, as the loop and the network see it.
type link struct {
	node *Node
	req  RemoteRequest
	conn *remote.Conn

	mu       sync.Mutex
	opened   bool
	early    []func() // what came before the loop knew of the connection
	todo     []func() // what is asked for, in order; the first is under way
	sessions map[string]*relay
}

func (l *link) dial(ctx context.Context) error {
	port := l.req.Port
	if port == 0 {
		port = l.node.cfg.Remote.Port
	}
	end := time.Now().Add(l.req.Timeout)
	for {
		limit := max(min(time.Until(end), connectLimit), time.Second)
		try, cancel := context.WithTimeout(ctx, limit)
		var err error
		l.conn, err = remote.Dial(try, net.JoinHostPort(l.req.Address, strconv.Itoa(port)), l.node.cfg.Remote, l.node.core.self.Name, l)
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ErrUnwanted
		case errors.Is(err, remote.ErrNoKey), errors.Is(err, remote.ErrKeyRejected):
			l.node.log.Error("a remote node cannot be reached", "node", l.req.Node, "err", err)
			if errors.Is(err, remote.ErrNoKey) {
				return RemoteKeyError(remote.ErrNoKey.Error())
			}
			return RemoteKeyError(remote.ErrKeyRejected.Error())
		case time.Until(end) < noRetryAt:
			return remote.Plainly(err)
		}
		l.node.log.Info("a remote node is not reached yet", "node", l.req.Node, "address", l.req.Address, "err", err)
		select {
		case <-time.After(retryEvery):
		case <-ctx.Done():
			return ErrUnwanted
		}
	}
}

// open lets through what came meanwhile; it runs in the loop.
func (l *link) open() {
	l.mu.Lock()
	early := l.early
	l.early, l.opened = nil, true
	l.mu.Unlock()
	for _, f := range early {
		f()
	}
}

// inLoop runs f in the loop, once that knows of the connection.
func (l *link) inLoop(f func()) {
	l.mu.Lock()
	if !l.opened {
		l.early = append(l.early, f)
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	l.node.post(f)
}

// The events of a connection.

func (l *link) Lost(why error) {
	if why != nil {
		l.node.log.Warn("a connection to a remote node ended", "node", l.req.Node, "err", why)
	}
	l.mu.Lock()
	for _, r := range l.sessions {
		r.client.Close()
	}
	l.sessions = map[string]*relay{}
	l.mu.Unlock()
	l.inLoop(func() { l.req.Lost(time.Now()) })
}

func (l *link) Taken()         { l.inLoop(func() { l.req.Taken(time.Now()) }) }
func (l *link) ShutdownAsked() { l.inLoop(func() { l.req.ShutdownAsked(time.Now()) }) }

// What the core asks for.

func (l *link) Run(op executor.Op, done func(now time.Time, res executor.Result)) (kill func()) {
	o := remote.Operation{
		Resource: op.Resource, Class: op.Class, Provider: op.Provider, Type: op.Type, Action: op.Action, Recurring: op.Interval > 0,
		Timeout: op.Timeout, Key: op.Key,
	}
	for _, p := range op.Params {
		o.Params = append(o.Params, lrmd.Param{Name: p.Name, Value: p.Value})
	}
	l.later(func() {
		traits := l.node.agents.traits(op)
		o.Action = actionName(op.Action, traits)
		err := l.conn.Run(o, func(out remote.Outcome) {
			res := executor.Result{Code: out.Code, Status: out.Status, Reason: out.Reason, Output: out.Output, Duration: out.Duration, Traits: traits}
			l.node.post(func() { done(time.Now(), res) })
		})
		if err != nil {
			l.node.log.Warn("an action could not be sent to a remote node", "node", l.req.Node, "err", err)
		}
	})
	return func() { l.later(func() { _ = l.conn.Kill(o) }) }
}

// later does something outside of the loop, after what was asked for before: an agent may
// have to be asked about itself first, which takes its time.
func (l *link) later(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.todo = append(l.todo, f)
	if len(l.todo) > 1 {
		return
	}
	go func() {
		for {
			l.mu.Lock()
			next := l.todo[0]
			l.mu.Unlock()
			next()
			l.mu.Lock()
			l.todo = l.todo[1:]
			over := len(l.todo) == 0
			l.mu.Unlock()
			if over {
				return
			}
		}
	}()
}

func (l *link) Forget(resource string) { l.later(func() { _ = l.conn.Forget(resource) }) }

func (l *link) Poke(done func(now time.Time)) {
	_ = l.conn.Poke(func() { l.node.post(func() { done(time.Now()) }) })
}

func (l *link) AnswerShutdown(yes bool) { _ = l.conn.AnswerShutdown(yes) }
func (l *link) StartState() string      { return l.conn.StartState }
func (l *link) Uptime() time.Duration   { return l.conn.Uptime }
func (l *link) Close()                  { l.conn.Close() }

// relay is a connection to a service of this node on behalf of a program of the remote one.
type relay struct {
	client  *ipc.Client
	id      string
	service string
	mu      sync.Mutex
	waits   []int32 // the requests whose responses are due, in order
	last    int32   // the last request
}

// asked notes a request, and whether its flags say that it waits for a response.
func (r *relay) asked(id int32, waits bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = id
	if waits {
		r.waits = append(r.waits, id)
	}
}

// answered gives the request that a response is to: the first that waits. If none does, the last one was answered though it came without flags, as
// those of a program of ours do that speaks to Pacemaker's remote executor for the first time, see package internal/ipc.
func (r *relay) answered() int32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waits) == 0 {
		return r.last
	}
	to := r.waits[0]
	r.waits = r.waits[1:]
	return to
}

// Proxy passes on what a program of the remote node says. It is called from the
// connection's own goroutine, one message after another.
func (l *link) Proxy(msg *etree.Element) {
	id := msg.SelectAttrValue("lrmd_ipc_session", "")
	switch msg.SelectAttrValue("lrmd_ipc_op", "") {
	case "new":
		l.newSession(id, msg.SelectAttrValue("lrmd_ipc_server", ""))
	case "destroy":
		l.mu.Lock()
		r := l.sessions[id]
		delete(l.sessions, id)
		l.mu.Unlock()
		if r != nil {
			r.client.Close()
		}
	case "request":
		l.mu.Lock()
		r := l.sessions[id]
		l.mu.Unlock()
		if r == nil {
			_ = l.conn.Forward("destroy", id, 0, nil)
			return
		}
		l.request(r, msg)
	}
}

// channels are the services that a remote node's programs may use.
var channels = map[string]bool{"cib_ro": true, "cib_rw": true, "cib_shm": true, "attrd": true, "stonith-ng": true, "crmd": true}

func (l *link) newSession(id, service string) {
	if !channels[service] {
		l.node.log.Warn("a remote node asks for a service that there is not", "node", l.req.Node, "service", service)
		_ = l.conn.Forward("destroy", id, 0, nil)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := ipc.Dial(ctx, service, frame.MessageSize)
	if err != nil {
		l.node.log.Warn("a remote node's program cannot be served", "node", l.req.Node, "service", service, "err", err)
		_ = l.conn.Forward("destroy", id, 0, nil)
		return
	}
	r := &relay{client: c, id: id, service: service}
	l.mu.Lock()
	l.sessions[id] = r
	l.mu.Unlock()
	go func() {
		var events frame.Reader
		for data := range c.Events() {
			f, whole, err := events.Take(data)
			if err != nil {
				c.Close()
				break
			}
			if whole {
				_ = l.conn.Forward("event", id, 0, f.Body)
			}
		}
		l.mu.Lock()
		_, stands := l.sessions[id]
		delete(l.sessions, id)
		l.mu.Unlock()
		if stands {
			_ = l.conn.Forward("destroy", id, 0, nil)
		}
	}()
	go func() {
		var answers frame.Reader
		for {
			data, err := c.Recv(context.Background())
			if err != nil {
				return
			}
			f, whole, err := answers.Take(data)
			if err != nil {
				c.Close()
				return
			}
			if !whole {
				continue
			}
			_ = l.conn.Forward("response", id, int(r.answered()), f.Body)
		}
	}()
}

// request passes a request on: as that of the user who asks there, and about the remote
// node where it means the node that it runs on.
func (l *link) request(r *relay, msg *etree.Element) {
	wrapper := msg.SelectElement("lrmd_ipc_msg")
	if wrapper == nil || len(wrapper.ChildElements()) != 1 {
		return
	}
	body := wrapper.ChildElements()[0]
	wrapper.RemoveChild(body)
	user := msg.SelectAttrValue("lrmd_ipc_user", "")
	if r.service == "stonith-ng" && user != "root" && user != "hacluster" {
		// The fencer knows of no users but those who may everything.
		l.node.log.Warn("a user of a remote node may not use the fencer", "node", l.req.Node, "user", user)
		r.client.Close()
		return
	}
	localize(body, l.req.Node, user)
	number, _ := strconv.ParseInt(msg.SelectAttrValue("lrmd_ipc_msg_id", ""), 10, 32)
	flags, _ := strconv.ParseUint(msg.SelectAttrValue("lrmd_ipc_msg_flags", ""), 10, 32)
	f := frame.Frame{ID: int32(number), Flags: uint32(flags) & frame.WaitsForReply, Body: body}
	data, err := f.Marshal(r.client.MaxMessage())
	if err != nil || len(data) != 1 {
		r.client.Close()
		return
	}
	r.asked(f.ID, f.Flags != 0)
	for range 100 {
		err = r.client.Send(data[0])
		if !errors.Is(err, ipc.ErrTryAgain) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		r.client.Close()
	}
}

// localize makes a request of a program on a remote node one about that node, with that
// user's permissions.
func localize(body *etree.Element, node, user string) {
	if user != "root" && user != "hacluster" {
		body.CreateAttr("cib_user", user)
		body.CreateAttr("acl_user", user)
	}
	get := func(name string) string { return body.SelectAttrValue(name, "") }
	if get("crm_task") == "node-info" && get("id") == "" && get("uname") == "" {
		body.CreateAttr("uname", node)
	}
	if get("t") != "attrd" {
		return
	}
	for _, o := range append(body.SelectElements("op"), body) {
		if o.SelectAttrValue("attr_host", "") == "localhost" {
			o.CreateAttr("attr_host", node)
		}
	}
	if get("attr_host") == "" {
		switch get("task") {
		case "update", "update-both", "update-delay":
			if ops := body.SelectElements("op"); len(ops) > 0 {
				for _, o := range ops {
					if o.SelectAttrValue("attr_host", "") == "" {
						o.CreateAttr("attr_host", node)
					}
				}
			}
			body.CreateAttr("attr_host", node)
		}
	}
}
