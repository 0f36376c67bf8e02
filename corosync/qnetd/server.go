// Package qnetd is the server of the quorum device: nodes of many clusters
// connect to it, tell whom they see, and are told whether they have its vote.
//
// Server has no I/O: connections, messages and the time come in as calls, answers go
// out through Effects. How a vote is decided stands in ffsplit.go, lms.go and
// twonode.go.
package qnetd

import (
	"slices"
	"time"

	"hacluster/corosync/qnet"
)

// ID names a connection.
type ID uint64

// Effects is what a server needs done. None of its calls may call back.
type Effects interface {
	Send(to ID, m *qnet.Message)
	// StartTLS begins TLS on a connection; Secured tells the server how it went.
	StartTLS(on ID)
	// Close ends a connection; the server forgets it by itself.
	Close(id ID, reason string)
	Logf(format string, args ...any)
}

// Config is how a server is set up.
type Config struct {
	TLS          qnet.TLS
	CertRequired bool // a client's certificate must name its cluster
	// HeartbeatMin and HeartbeatMax limit what clients may ask for; zero is 1 s and 120 s.
	HeartbeatMin, HeartbeatMax time.Duration
	// KeepActive is what a client prefers that does not say.
	KeepActive bool
}

// Server is a quorum device's server.
type Server struct {
	cfg      Config
	effects  Effects
	clients  map[ID]*client
	clusters map[string]*cluster
}

// cluster is the connected nodes of one cluster, in the order in which they came.
type cluster struct {
	name    string
	clients []*client
	decide  decider
}

// client is one connection.
type client struct {
	id      ID
	addr    string
	cluster *cluster // nil before init
	name    string   // of the cluster, "" before preinit
	secured bool
	names   []string // of the certificate
	checked bool     // the certificate names the cluster

	node       uint32
	algorithm  qnet.Algorithm
	tie        qnet.TieBreaker
	keepActive bool
	heartbeat  time.Duration
	silent     time.Time // when it counts as gone
	again      time.Time // when the algorithm runs again; zero: not by itself
	since      time.Time

	ring       qnet.Ring
	config     []qnet.Node
	version    uint64
	hasVersion bool
	members    []qnet.Node // of its ring
	quorum     []qnet.Node
	quorate    bool
	heuristics qnet.Heuristics // the last
	regular    qnet.Heuristics // the last that came without a new ring

	sent     qnet.Vote // the last vote that it was told
	sentReal qnet.Vote // the last that was ACK or NACK
}

// decider is an algorithm's work for one cluster. What a client has just told
// stands in it already. An error is answered with its code.
type decider interface {
	config(c *client, initial bool) (qnet.Vote, error)
	membership(now time.Time, c *client) (qnet.Vote, error)
	quorum(now time.Time, c *client) (qnet.Vote, error)
	asked(now time.Time, c *client) (qnet.Vote, error)
	replied(c *client, seq uint32)
	heuristics(c *client) (qnet.Vote, error)
	// tick runs for a client whose time "again" has come; a vote other than WaitForReply is sent.
	tick(now time.Time, c *client) (qnet.Vote, error)
	gone(c *client) // no longer in the cluster's list
}

// New makes a server without connections.
func New(cfg Config, e Effects) *Server {
	if cfg.HeartbeatMin == 0 {
		cfg.HeartbeatMin = time.Second
	}
	if cfg.HeartbeatMax == 0 {
		cfg.HeartbeatMax = 120 * time.Second
	}
	return &Server{cfg: cfg, effects: e, clients: map[ID]*client{}, clusters: map[string]*cluster{}}
}

// firstWord is how long a client may take until it is a member of a cluster.
const firstWord = 10 * time.Second

// Connect tells of a new connection.
func (s *Server) Connect(now time.Time, id ID, addr string) {
	s.clients[id] = &client{id: id, addr: addr, silent: now.Add(firstWord), since: now, keepActive: s.cfg.KeepActive}
}

// Secured tells that TLS stands on a connection; names are those of the client's
// certificate, none where it has none.
func (s *Server) Secured(id ID, names []string) {
	if c := s.clients[id]; c != nil {
		c.secured, c.names = true, names
	}
}

// Disconnect tells that a connection is over.
func (s *Server) Disconnect(id ID) {
	c := s.clients[id]
	if c == nil {
		return
	}
	delete(s.clients, id)
	cl := c.cluster
	if cl == nil {
		return
	}
	cl.clients = slices.DeleteFunc(cl.clients, func(x *client) bool { return x == c })
	if len(cl.clients) == 0 {
		delete(s.clusters, cl.name)
		return
	}
	cl.decide.gone(c)
}

func (s *Server) drop(c *client, reason string) {
	s.effects.Close(c.id, reason)
	s.Disconnect(c.id)
}

// Tick does what is due and tells when it wants to be called next; zero: not by itself.
func (s *Server) Tick(now time.Time) (next time.Time) {
	for _, c := range s.sorted() {
		switch {
		case s.clients[c.id] == nil:
			continue
		case !now.Before(c.silent):
			s.drop(c, "nothing was heard for too long")
			continue
		case !c.again.IsZero() && !now.Before(c.again):
			c.again = time.Time{}
			v, err := c.cluster.decide.tick(now, c)
			if err == nil && (v == qnet.ACK || v == qnet.NACK) {
				s.voteInfo(c, 0, v)
			}
		}
		next = earlier(next, c.silent)
		if !c.again.IsZero() {
			next = earlier(next, c.again)
		}
	}
	return next
}

func (s *Server) sorted() []*client {
	list := make([]*client, 0, len(s.clients))
	for _, c := range s.clients {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *client) int {
		if a.id < b.id {
			return -1
		}
		return 1
	})
	return list
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// voteInfo tells a client its vote without having been asked.
func (s *Server) voteInfo(c *client, seq uint32, v qnet.Vote) {
	m := qnet.New(qnet.VoteInfo, seq)
	m.Vote, m.Ring = v, c.ring
	c.remember(v)
	s.effects.Send(c.id, m.With(qnet.OptVote, qnet.OptRing))
}

func (c *client) remember(v qnet.Vote) {
	c.sent = v
	if v == qnet.ACK || v == qnet.NACK {
		c.sentReal = v
	}
}
