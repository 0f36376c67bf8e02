package remote

import (
	"fmt"
	"os/user"
	"strconv"
	"sync/atomic"
	"syscall"

	"github.com/beevik/etree"

	"hacluster/corosync/ipc"
	"hacluster/internal/account"
	frame "hacluster/internal/ipc"
	"hacluster/internal/lrmd"
)

// The host's programs (crm_attribute, crm_resource, agents that call them) find the
// cluster's local services here too; what they say goes to the node that is connected,
// which asks its own services.

// services are those that are passed on, with the names that nodes know them by.
var services = map[string]string{"cib_ro": "cib_ro", "cib_rw": "cib_rw", "cib_shm": "cib_rw", "attrd": "attrd", "stonith-ng": "stonith-ng", "crmd": "crmd"}

// session is a local program's connection.
type session struct {
	id     string
	conn   *ipc.Conn
	client *client // the node that answers it
	user   string
	name   string

	requests frame.Reader
	layout   atomic.Uint32 // frame.Layout of the last request, in which the program is answered
}

// serveLocal begins to serve the host's programs.
func (s *Server) serveLocal() (stop func(), err error) {
	var servers []*ipc.Server
	stop = func() {
		for _, srv := range servers {
			srv.Close()
		}
	}
	srv, err := s.serveExecutor()
	if err != nil {
		return nil, err
	}
	servers = append(servers, srv)
	serve := func(name, channel string, accept func(ipc.Peer) error) error {
		srv, err := ipc.Listen(ipc.Config{Name: name, Handler: &proxy{s, channel}, Accept: accept, Kind: ipc.Socket, MaxMessage: frame.MessageSize, Log: s.Log})
		if err != nil {
			stop()
			return fmt.Errorf("serve %s: %w", name, err)
		}
		servers = append(servers, srv)
		return nil
	}
	for name, channel := range services {
		if err := serve(name, channel, s.accept); err != nil {
			return nil, err
		}
	}
	if err := serve("pacemakerd", "", noMember); err != nil {
		return nil, err
	}
	return stop, nil
}

// noMember tells who asks for the state of Pacemaker's daemons that this is a remote host: by that error Pacemaker's programs know one, and go on.
func noMember(ipc.Peer) error {
	return fmt.Errorf("a remote host has no pacemakerd: %w", syscall.EREMOTEIO)
}

func (s *Server) accept(p ipc.Peer) error {
	s.mu.Lock()
	none := s.provider() == nil
	s.mu.Unlock()
	if none {
		return fmt.Errorf("no cluster node is connected: %w", syscall.EREMOTEIO)
	}
	return account.MayAsk(p.UID, p.GID)
}

// proxy is one of the services.
type proxy struct {
	s       *Server
	channel string
}

func (h *proxy) Connected(c *ipc.Conn) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	p := h.s.provider()
	if p == nil {
		go c.Close()
		return
	}
	uid := strconv.FormatUint(uint64(c.Peer().UID), 10)
	se := &session{id: randomID(), conn: c, client: p, user: uid}
	if u, err := user.LookupId(uid); err == nil {
		se.user = u.Username
	}
	se.name = fmt.Sprintf("proxy-%s-%d-%.8s", h.channel, c.Peer().PID, se.id)
	h.s.sessions[se.id] = se
	c.SetValue(se)
	_, _ = p.s.send(lrmd.Element("lrmd_ipc_proxy", "lrmd_ipc_op", "new", "lrmd_ipc_server", h.channel, "lrmd_ipc_session", se.id), kindNotify, 0)
}

func (h *proxy) Closed(c *ipc.Conn) {
	se, _ := c.Value().(*session)
	if se == nil {
		return
	}
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	if _, known := h.s.sessions[se.id]; known {
		delete(h.s.sessions, se.id)
		_, _ = se.client.s.send(lrmd.Element("lrmd_ipc_proxy", "lrmd_ipc_op", "destroy", "lrmd_ipc_session", se.id), kindNotify, 0)
	}
}

// flagProxied asks the node's services for answers that do not hold anybody up.
const flagProxied = 0x100

func (h *proxy) Message(c *ipc.Conn, data []byte) {
	se, _ := c.Value().(*session)
	if se == nil {
		c.Close()
		return
	}
	f, whole, err := se.requests.Take(data)
	if err != nil {
		h.s.Log.Warn("a local program's message is not understood", "service", h.channel, "pid", c.Peer().PID, "err", err)
		c.Close()
		return
	}
	if !whole {
		return
	}
	se.layout.Store(uint32(f.Layout))
	msg := lrmd.Element("lrmd_ipc_proxy", "lrmd_ipc_op", "request", "lrmd_ipc_session", se.id, "lrmd_ipc_client", se.name, "lrmd_ipc_user", se.user,
		"lrmd_ipc_msg_id", strconv.Itoa(int(f.ID)), "lrmd_ipc_msg_flags", strconv.FormatUint(uint64(f.Flags|flagProxied), 10))
	msg.CreateElement("lrmd_ipc_msg").AddChild(f.Body)
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	if _, err := se.client.s.send(msg, kindNotify, 0); err != nil {
		go c.Close()
	}
}

// forward passes on what a node's services say; mu is held.
func (s *Server) forward(c *client, msg *etree.Element) {
	id := msg.SelectAttrValue("lrmd_ipc_session", "")
	switch msg.SelectAttrValue("lrmd_ipc_op", "") {
	case "shutdown_ack":
		s.Log.Info("the cluster stops what it runs here")
		return
	case "shutdown_nack":
		if s.closing {
			s.Log.Info("the cluster will not stop anything here")
			go c.s.Close()
		}
		return
	}
	se := s.sessions[id]
	if se == nil {
		_, _ = c.s.send(lrmd.Element("lrmd_ipc_proxy", "lrmd_ipc_op", "destroy", "lrmd_ipc_session", id), kindNotify, 0)
		return
	}
	f := frame.Frame{Layout: frame.Layout(se.layout.Load()), Flags: frame.ServerInternal}
	if wrapper := msg.SelectElement("lrmd_ipc_msg"); wrapper != nil {
		if all := wrapper.ChildElements(); len(all) > 0 {
			f.Body = all[0]
		}
	}
	op := msg.SelectAttrValue("lrmd_ipc_op", "")
	if op == "destroy" || f.Body == nil {
		delete(s.sessions, id)
		go se.conn.Close()
		return
	}
	if op == "response" {
		f.ID = int32(lrmd.Number(msg, "lrmd_ipc_msg_id"))
	} else {
		f.Flags |= frame.EventFlag
	}
	parts, err := f.Marshal(se.conn.MaxMessage())
	if err != nil {
		s.Log.Warn("an answer to a local program", "err", err)
		go se.conn.Close()
		return
	}
	for _, part := range parts {
		if op == "response" {
			se.conn.Respond(part)
		} else {
			se.conn.Event(part)
		}
	}
}
