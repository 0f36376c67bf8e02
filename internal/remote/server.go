package remote

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/beevik/etree"

	"hacluster/ocf"
)

// Errors that replies carry, with the numbers of Linux.
const (
	errNoDevice     = -19
	errInvalid      = -22
	errProtocol     = -71
	errNotSupported = -95
	errInProgress   = -115
)

// Agents runs agents; *ocf.Host does.
type Agents interface {
	Run(ctx context.Context, a ocf.Action) ocf.Result
}

// Server is the daemon of a host that runs services without being a member.
type Server struct {
	Settings Settings
	Agents   Agents
	Log      *slog.Logger
	// StartState is what the host wants to begin as (standby, online); "" for no wish.
	StartState string
	// Ready is called when nodes and local programs are served; may be nil.
	Ready func()
	// Local serves the host's programs with the cluster's local services; false is for tests.
	Local bool

	started time.Time

	mu        sync.Mutex
	clients   []*client // the newest first
	resources map[string]*resource
	sessions  map[string]*session
	calls     int
	closing   bool
	gone      chan struct{} // closed when a host that goes down has no clients left
}

// client is a cluster node, connected.
type client struct {
	s        *stream
	name, id string
	address  string
	provider bool
}

// Run serves until ctx ends; then it asks the cluster to stop what it runs here, and ends
// when the cluster let go.
func (s *Server) Run(ctx context.Context) error {
	s.started = time.Now()
	s.resources, s.sessions, s.gone = map[string]*resource{}, map[string]*session{}, make(chan struct{})
	if !s.Settings.Certificates.Set() {
		if _, err := s.Settings.key(); err != nil {
			s.Log.Warn("no node can connect before the key is there", "err", err)
		}
	}
	l, err := net.Listen("tcp", net.JoinHostPort(s.Settings.Address, strconv.Itoa(s.Settings.Port)))
	if err != nil {
		return err
	}
	defer l.Close()
	if s.Local {
		stop, err := s.serveLocal()
		if err != nil {
			return err
		}
		defer stop()
	}
	s.Log.Info("cluster nodes may connect", "address", l.Addr().String())
	if s.Ready != nil {
		s.Ready()
	}
	failed := make(chan error, 1)
	go func() {
		for {
			raw, err := l.Accept()
			if err != nil {
				failed <- err
				return
			}
			go s.serve(raw)
		}
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	l.Close()
	return s.leave()
}

// leave asks the cluster to stop what it runs here, and waits until it let go.
func (s *Server) leave() error {
	s.mu.Lock()
	s.closing = true
	p := s.provider()
	if p == nil {
		s.mu.Unlock()
		return nil
	}
	s.Log.Info("the cluster is asked to stop what it runs here")
	_, err := p.s.send(element("lrmd_ipc_proxy", "lrmd_ipc_op", "shutdown_req", "lrmd_ipc_session", "0"), kindNotify, 0)
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("ask the cluster to stop what it runs here: %w", err)
	}
	<-s.gone
	s.Log.Info("the cluster let go of this host")
	return nil
}

// provider is the node that answers for the cluster: the one that connected last; mu is held.
func (s *Server) provider() *client {
	for _, c := range s.clients {
		if c.provider {
			return c
		}
	}
	return nil
}

func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func (s *Server) serve(raw net.Conn) {
	conn, err := s.Settings.Accept(context.Background(), raw)
	if err != nil {
		s.Log.Warn("a connection is refused", "from", raw.RemoteAddr().String(), "err", err)
		raw.Close()
		return
	}
	c := &client{s: newStream(conn), id: randomID(), address: raw.RemoteAddr().String()}
	s.mu.Lock()
	for _, o := range s.clients {
		_, _ = o.s.send(element("lrmd_notify", "lrmd_origin", "serve", "lrmd_op", "lrmd_rsc_new_client"), kindNotify, 0)
	}
	s.clients = append([]*client{c}, s.clients...)
	s.mu.Unlock()
	for {
		msg, err := c.s.Receive()
		if err != nil {
			s.Log.Info("a node's connection ended", "node", c.name, "from", c.address, "err", err)
			break
		}
		s.message(c, msg)
	}
	c.s.Close()
	s.left(c)
}

// left forgets a node. When it was the last one, nobody asks for results any more.
func (s *Server) left(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients = slices.DeleteFunc(s.clients, func(o *client) bool { return o == c })
	for id, se := range s.sessions {
		if se.client == c {
			delete(s.sessions, id)
			go se.conn.Close()
		}
	}
	if len(s.clients) > 0 {
		return
	}
	for _, r := range s.resources {
		for _, cmd := range slices.Clone(r.recurring) {
			r.drop(cmd)
		}
	}
	if s.closing {
		close(s.gone)
	}
}

// message does what a node asks for.
func (s *Server) message(c *client, msg *etree.Element) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if msg.Tag == "lrmd_ipc_proxy" {
		s.forward(c, msg)
		return
	}
	s.calls++
	call := s.calls
	op := msg.SelectAttrValue("lrmd_op", "")
	rsc := msg.FindElement("lrmd_calldata/lrmd_rsc")
	reply := element("lrmd_reply", "lrmd_origin", "message")
	rc := 0
	switch op {
	case "register":
		c.name = msg.SelectAttrValue("lrmd_clientname", "")
		if v := msg.SelectAttrValue("lrmd_protocol_version", ""); !compatible(v) {
			s.Log.Warn("a node speaks another protocol", "node", c.name, "version", v)
			rc = errProtocol
		}
		c.provider = rc == 0 && msg.SelectAttrValue("lrmd_is_ipc_provider", "") == "true"
		reply.CreateAttr("lrmd_op", "register")
		reply.CreateAttr("lrmd_clientid", c.id)
		reply.CreateAttr("lrmd_protocol_version", protocol)
		reply.CreateAttr("uptime", strconv.Itoa(int(time.Since(s.started).Seconds())))
		if s.StartState != "" {
			reply.CreateAttr("node_start_state", s.StartState)
		}
		s.Log.Info("a node is connected", "node", c.name, "from", c.address)
	case "lrmd_rsc_poke", "lrmd_check":
	case "lrmd_rsc_register":
		rc = s.registerResource(rsc)
	case "lrmd_rsc_unregister":
		rc = s.unregister(rsc)
	case "lrmd_rsc_info":
		rc = s.info(rsc, reply)
	case "lrmd_rsc_exec":
		rc = s.execute(c, call, msg, rsc)
	case "lrmd_rsc_cancel":
		rc = s.cancel(rsc)
	case "lrmd_get_recurring":
		s.recurringOf(rsc, reply)
	default:
		s.Log.Warn("a node asks for what is not supported yet", "node", c.name, "what", op)
		rc = errNotSupported
	}
	reply.CreateAttr("lrmd_rc", strconv.Itoa(rc))
	reply.CreateAttr("lrmd_callid", strconv.Itoa(call))
	_, _ = c.s.send(reply, kindReply, number(msg, "lrmd_remote_msg_id"))
	switch op {
	case "lrmd_rsc_poke", "lrmd_rsc_register", "lrmd_rsc_unregister":
		id := ""
		if rsc != nil {
			id = rsc.SelectAttrValue("lrmd_rsc_id", "")
		}
		s.tell(nil, element("lrmd_notify", "lrmd_origin", "message", "lrmd_rc", strconv.Itoa(rc), "lrmd_callid", strconv.Itoa(call), "lrmd_op", op, "lrmd_rsc_id", id))
	}
}

// compatible tells whether a node's protocol is one that this host speaks: 1.1 or later.
func compatible(version string) bool {
	var major, minor int
	if n, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil || n != 2 {
		return false
	}
	return major > 1 || major == 1 && minor >= 1
}

// tell sends a notification to a node, or to all; mu is held.
func (s *Server) tell(only *client, msg *etree.Element) {
	for _, c := range s.clients {
		if c.name != "" && (only == nil || c == only) {
			if _, err := c.s.send(msg.Copy(), kindNotify, 0); err != nil && !errors.Is(err, net.ErrClosed) {
				s.Log.Warn("a node could not be told", "node", c.name, "err", err)
			}
		}
	}
}
