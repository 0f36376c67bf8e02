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

	"hacluster/internal/lrmd"
	"hacluster/ocf"
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

	mu       sync.Mutex
	clients  []*client // the newest first
	sessions map[string]*session
	closing  bool
	gone     chan struct{} // closed when a host that goes down has no clients left

	lrmd  *lrmd.Server
	kills map[uint64]context.CancelFunc // of the agents that run, by run
	timer *time.Timer                   // until the executor has something to do
}

// client is a cluster node, connected.
type client struct {
	lrmd.Client
	s        *stream
	address  string
	provider bool
}

// Run serves until ctx ends; then it asks the cluster to stop what it runs here, and ends
// when the cluster let go.
func (s *Server) Run(ctx context.Context) error {
	s.started = time.Now()
	s.sessions, s.gone = map[string]*session{}, make(chan struct{})
	s.execute()
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
	_, err := p.s.send(lrmd.Element("lrmd_ipc_proxy", "lrmd_ipc_op", "shutdown_req", "lrmd_ipc_session", "0"), kindNotify, 0)
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
	c := &client{Client: lrmd.Client{ID: randomID(), Privileged: true}, s: newStream(conn), address: raw.RemoteAddr().String()}
	c.Notify = func(msg *etree.Element) { s.notify(c, msg) }
	s.mu.Lock()
	s.lrmd.Connected(&c.Client)
	s.clients = append([]*client{c}, s.clients...)
	s.mu.Unlock()
	for {
		msg, err := c.s.Receive()
		if err != nil {
			s.Log.Info("a node's connection ended", "node", c.Name(), "from", c.address, "err", err)
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
	s.lrmd.Left(time.Now(), &c.Client)
	if len(s.clients) > 0 {
		return
	}
	s.lrmd.Executor.Left(time.Now(), "")
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
	s.lrmd.Request(time.Now(), &c.Client, msg, func(reply *etree.Element) {
		_, _ = c.s.send(reply, kindReply, lrmd.Number(msg, "lrmd_remote_msg_id"))
	})
	if msg.SelectAttrValue("lrmd_op", "") == "register" {
		s.Log.Info("a node is connected", "node", c.Name(), "from", c.address)
	}
	s.rearm()
}

// provide takes a node that answers for the cluster.
func (s *Server) provide(c *lrmd.Client) bool {
	for _, o := range s.clients {
		if &o.Client == c {
			o.provider = true
			return true
		}
	}
	return false
}

// notify sends a notification to a node.
func (s *Server) notify(c *client, msg *etree.Element) {
	if _, err := c.s.send(msg, kindNotify, 0); err != nil && !errors.Is(err, net.ErrClosed) {
		s.Log.Warn("a node could not be told", "node", c.Name(), "err", err)
	}
}
