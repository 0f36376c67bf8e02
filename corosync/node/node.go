// Package node is a whole Corosync node without I/O: the ring, the sync after each
// change of it, and the services cpg, cmap, cfg, quorum and votequorum with their
// local clients.
//
// A Node is fed with packets (Receive), time (Advance), and what local clients do
// (Connect, Request, Disconnect); it answers with effects, which the caller takes
// one by one (Next) and carries out in order. So a whole cluster can run in one goroutine
// on virtual time. It is not safe for concurrent use.
package node

import (
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"hacluster/corosync/cmap"
	"hacluster/corosync/conf"
	"hacluster/corosync/cpg"
	"hacluster/corosync/fifo"
	"hacluster/corosync/local"
	"hacluster/corosync/quorum"
	"hacluster/corosync/totem"
	"hacluster/corosync/wire"
)

// Config is what a Node needs to know.
type Config struct {
	Conf *conf.Config
	// Node is this node's id.
	Node uint32
	// Addresses are those of the nodes: by node id, by number of the link; not valid where there is none.
	Addresses map[uint32][]netip.Addr
	// Links tells what the transport knows of the links to a node; nil where it knows nothing: then
	// the members of the ring count as connected.
	Links func(node uint32) (reachable bool, links [8]local.Link)
	// Counters are the transport's, with keys such as "knet.handle.rx_crypt_packets" below "stats."; nil where it has
	// none. ClearCounters sets them to 0.
	Counters      func() []Counter
	ClearCounters func(Clearing)
	// Delivery tells of what a client was given; nil where nothing is known of it.
	Delivery func(Client) Delivery
	// SendFailures is how many sendings to all nodes in a row this host has refused; nil for none.
	SendFailures func() uint32
	// RingSeq and Tracked are what StoreSeq and StoreTracked have kept; 0 at first.
	RingSeq uint64
	Tracked uint32
	// UIDs and GIDs are who may connect beside root.
	UIDs, GIDs []uint32
	Rand       *rand.Rand
	Log        *slog.Logger
}

// Client is the number of a local client; the caller chooses it and does not use it again.
type Client uint64

// Service is what a client is connected to.
type Service int

// The services.
const (
	CPG Service = iota
	Cmap
	Cfg
	Quorum
	Votequorum
)

// Names of the services, as their sockets are called.
var Names = [...]string{"cpg", "cmap", "cfg", "quorum", "votequorum"}

func (s Service) String() string { return Names[s] }

// Effect is something to be done: one of totem's *Unicast, *Multicast, *Doubt, *StoreSeq and
// *Flush, or *Respond, *Tell, *Wait, *Done, *StoreTracked, *ReadConf, *ReopenLogs, *DumpFlight or *Exit.
type Effect any

// Respond sends a client the response to its request.
type Respond struct {
	Client  Client
	Message []byte
}

// Tell sends a client an event: Message and, where it is not nil, Data behind it.
type Tell struct {
	Client        Client
	Message, Data []byte
}

// Event is the whole of it.
func (t *Tell) Event() []byte {
	if t.Data == nil {
		return t.Message
	}
	return slices.Concat(t.Message, t.Data)
}

// Wait tells that a client's request has to wait, for a sync or for room.
type Wait struct{ Client Client }

// Done tells that a client's request was taken: its next one may come.
type Done struct{ Client Client }

// StoreTracked asks to keep the highest expected votes on disk.
type StoreTracked struct{ Votes uint32 }

// ReadConf asks to read corosync.conf again, and to call Reload with the outcome.
type ReadConf struct{}

// Rekey is a step of a change of the cluster's key that began with ReadConf.
type Rekey struct{ Phase uint32 }

// The steps of a change of key.
const (
	RekeyActivate = 1 // all nodes take the new key: send with it
	RekeyCleanUp  = 2 // all nodes send with it: forget the old one
)

// ReopenLogs asks to open the log files again.
type ReopenLogs struct{}

// DumpFlight asks to write the flight data: what the daemon told of late.
type DumpFlight struct{}

// Exit asks to end the daemon. An orderly end tells the others before (Leave).
type Exit struct {
	Reason  string
	Orderly bool
}

// Node is a node. Its fields are its own.
type Node struct {
	cfg   Config
	conf  *conf.Config
	log   *slog.Logger
	me    uint32
	now   time.Time
	ring  *totem.Ring
	fast  fast
	cmap  cmap.Map
	stats cmap.Map
	cpg   *cpg.Groups
	votes *quorum.Votes // nil: no provider of quorum is configured
	out   fifo.Queue[Effect]
	tells []Tell // made many at a time

	clients map[Client]*session
	order   []*session // in the order of their connecting
	waiting []*session // with a request that waits

	sync    syncing
	ready   bool // the first sync is through
	members []uint32
	ringID  wire.RingID
	addrs   map[uint32][]netip.Addr
	traffic map[int]*counts
	counted struct { // what count was asked for last
		key int
		*counts
	}
	served   *session  // whom an event was for last
	closed   uint64    // connections of local clients that are over
	statsAt  time.Time // when the map of statistics was last made
	statsDue time.Time // when its trackers want to know; zero where there are none
	versions versions
	shutdown shutdownVote
	reloader Client
	register Client
	key      keyChange
	leaving  bool
	leaveAt  time.Time // when it leaves in any case
	left     bool
	change   ringChange
	// reloadHere tells that the reload under way was asked for on this node.
	reloadHere bool
	reloaded   bool // the configuration was read again
}

// counts counts the messages of one function of a service.
type counts struct{ rx, tx uint64 }

// New makes a node. It does nothing until Start. An error tells what in the configuration is wrong.
func New(cfg Config) (*Node, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	n := &Node{
		cfg: cfg, conf: cfg.Conf, log: cfg.Log, me: cfg.Node, clients: map[Client]*session{},
		addrs: cfg.Addresses, traffic: map[int]*counts{},
	}
	var err error
	if n.ring, err = totem.New(ringConfig(cfg)); err != nil {
		return nil, err
	}
	n.cpg = cpg.New(n.me, cpgHost{n})
	if cfg.Conf.Quorum.Provider != "" {
		if n.votes, err = quorum.New(cfg.Conf, n.me, cfg.Tracked, votesHost{n}, n.log.With("service", "votequorum")); err != nil {
			return nil, err
		}
	}
	n.fillMap()
	return n, nil
}

func ringConfig(cfg Config) totem.Config {
	t := cfg.Conf.Totem
	mtu := t.NetMTU
	switch {
	case mtu == 0 && t.Transport == "knet":
		mtu = 65536 // it cuts packets itself
	case mtu == 0:
		mtu = 1500
	}
	return totem.Config{
		Node: cfg.Node, RingSeq: cfg.RingSeq, Token: cfg.Conf.TokenEffective(), TokenRetransmit: t.TokenRetransmit, Hold: t.Hold,
		Join: t.Join, SendJoin: t.SendJoin, Consensus: t.Consensus, Merge: t.Merge, FailRecv: t.FailRecv, SeqnoUnchanged: t.SeqnoUnchanged,
		WindowSize: t.WindowSize, MaxMessages: t.MaxMessages, MissCount: t.MissCount, NetMTU: mtu,
		CancelHoldOnRetransmit: t.CancelHoldOnRetrans, Rand: cfg.Rand, Log: cfg.Log.With("service", "totem"),
	}
}

// Start begins.
func (n *Node) Start(now time.Time) {
	n.now = now
	n.sync.running = true // until the first ring stands nothing else may be sent
	n.ring.Start(now)
	n.settle()
}

// Receive takes a datagram; an error tells what is wrong with it.
func (n *Node) Receive(now time.Time, datagram []byte) error {
	n.now = now
	err := n.ring.Receive(now, datagram)
	n.settle()
	return err
}

// Advance lets the time that has passed take effect.
func (n *Node) Advance(now time.Time) {
	n.now = now
	if !n.ring.Deadline().After(now) {
		n.ring.Advance(now)
	}
	if n.votes != nil {
		n.votes.Advance(now)
	}
	n.shutdownTime(now)
	n.statsTime(now)
	n.settle()
	if n.leaving && !n.left && !now.Before(n.leaveAt) {
		n.finish()
	}
}

// Deadline is when Advance wants to be called at the latest.
func (n *Node) Deadline() time.Time {
	d := n.ring.Deadline()
	more := []time.Time{n.shutdown.deadline, n.leaveAt, n.statsDue}
	if n.votes != nil {
		more = append(more, n.votes.Deadline())
	}
	for _, t := range more {
		if !t.IsZero() && t.Before(d) {
			d = t
		}
	}
	return d
}

// Next takes the next effect; nil when there is none.
func (n *Node) Next() Effect {
	n.settle()
	if n.out.Len() == 0 {
		return nil
	}
	return n.out.Pop()
}

// Pending is how many effects there are to be taken, after a call of Next that has yielded one.
func (n *Node) Pending() int { return n.out.Len() }

// Token is the timeout of the token that holds now.
func (n *Node) Token() time.Duration { return n.ringSettings().Token }

// Ready tells whether clients may connect: the first sync is through.
func (n *Node) Ready() bool { return n.ready }

// Syncing tells whether a new ring is being taken in: until that is done nothing is delivered, and quorum is that of the ring before.
func (n *Node) Syncing() bool { return n.sync.running }

// Members lists the members of the ring.
func (n *Node) Members() []uint32 { return slices.Clone(n.members) }

// MemberCount is how many members the ring has.
func (n *Node) MemberCount() int { return len(n.members) }

// Leave tells the other nodes that this one goes. It is done when Left tells so: at once,
// or after the others have heard that they are to expect one vote less.
func (n *Node) Leave(now time.Time) {
	n.now = now
	if n.leaving {
		return
	}
	n.settle()
	n.leaving = true
	if n.votes == nil || len(n.members) < 2 || !n.votes.Leave() {
		n.finish()
		return
	}
	n.leaveAt = now.Add(leaveTime)
}

// leaveTime is how long an orderly end waits for the ring to take its last message.
const leaveTime = time.Second

// finish says good-bye to the ring.
func (n *Node) finish() {
	n.settle()
	n.left, n.leaveAt = true, time.Time{}
	n.ring.Leave(n.now)
	n.settle()
}

// Left tells that the node has left: it does nothing but yield its last effects.
func (n *Node) Left() bool { return n.left }

// settle carries on until nothing is left to be done at once.
func (n *Node) settle() {
	for {
		e := n.ring.Next()
		if e == nil {
			if n.left || !n.syncWaits() && (n.leaving || !n.serveWaiting()) {
				return
			}
			continue
		}
		switch e := e.(type) {
		case *totem.Configuration:
			n.configuration(e)
		case *totem.Deliver:
			n.deliver(e)
		default:
			n.out.Push(e)
		}
	}
}

func (n *Node) do(e Effect) { n.out.Push(e) }

// send sends a service message, in one part or two, after all that were sent before.
func (n *Node) send(message ...[]byte) bool { return n.sendIn(totem.Normal, message...) }

// sendSynced is send for messages that are part of the sync while one runs.
func (n *Node) sendSynced(message ...[]byte) bool {
	if n.sync.running {
		return n.sendIn(totem.Sync, message...)
	}
	return n.sendIn(totem.Normal, message...)
}

func (n *Node) sendIn(q totem.Queue, message ...[]byte) bool {
	if err := n.ring.Send(n.now, q, wire.GroupServices, message...); err != nil {
		return false
	}
	if s, f, err := wire.ServiceOf(message[0]); err == nil {
		n.count(s, f).tx++
	}
	return true
}

func (n *Node) count(service, function int) *counts {
	k := service<<16 | function
	if n.counted.key == k && n.counted.counts != nil {
		return n.counted.counts
	}
	c := n.traffic[k]
	if c == nil {
		c = &counts{}
		n.traffic[k] = c
	}
	n.counted.key, n.counted.counts = k, c
	return c
}

// deliver hands a message to its service.
func (n *Node) deliver(d *totem.Deliver) {
	if d.Swapped {
		n.log.Warn("messages of nodes with another byte order are not supported yet", "from", d.From)
		return
	}
	var err error
	switch d.Group {
	case wire.GroupSync:
		err = n.syncMessage(d.From, d.Message)
	case wire.GroupServices:
		var service, function int
		if service, function, err = wire.ServiceOf(d.Message); err != nil {
			break
		}
		n.count(service, function).rx++
		switch {
		case service == wire.ServiceCPG:
			err = n.cpg.Deliver(d.From, function, d.Message)
		case service == wire.ServiceVotequorum && n.votes != nil:
			err = n.votes.Deliver(d.From, function, d.Message)
			if n.leaving && d.From == n.me && function == wire.VQNodeInfo {
				// The others have it, too. What is under way is settled by the caller.
				n.leaveAt = n.now
			}
		case service == wire.ServiceCfg:
			err = n.cfgMessage(d.From, function, d.Message)
		case service == wire.ServiceCmap:
			err = n.cmapMessage(d.From, d.Message)
		}
	}
	if err != nil {
		n.log.Warn("a message of another node cannot be used", "from", d.From, "error", err)
	}
}

// cpgHost and votesHost are the node as its services see it.
type cpgHost struct{ n *Node }

// Send sends in the order of the calls: a leave must not overtake its join. Only what is told in
// a sync is part of it.
func (h cpgHost) Send(m ...[]byte) bool {
	if h.n.sync.telling {
		return h.n.sendSynced(m...)
	}
	return h.n.send(m...)
}

func (h cpgHost) Event(c cpg.Client, m, data []byte) {
	n := h.n
	s := n.served
	if s == nil || s.id != Client(c) || s.gone {
		s = n.clients[Client(c)]
		n.served = s
	}
	if s != nil {
		s.traffic.events++
		if len(n.tells) == cap(n.tells) {
			n.tells = make([]Tell, 0, 64)
		}
		n.tells = append(n.tells, Tell{s.id, m, data})
		n.do(&n.tells[len(n.tells)-1])
	}
}

type votesHost struct{ n *Node }

func (h votesHost) Send(m []byte)          { h.n.sendSynced(m) }
func (h votesHost) QuorumChanged()         { h.n.quorumChanged() }
func (h votesHost) NodesChanged()          { h.n.votersChanged() }
func (h votesHost) ExpectedChanged()       { h.n.expectedChanged() }
func (h votesHost) StoreTracking(v uint32) { h.n.do(&StoreTracked{v}) }
func (h votesHost) DeviceRegistered(s local.Status) {
	if h.n.register != 0 {
		h.n.do(&Respond{h.n.register, local.Answer(local.VQStatusAnswer, s)})
		h.n.register = 0
	}
}
