// Package totem is the ring protocol of Corosync: it agrees with other nodes who
// is there, and delivers messages to all of them in one order. It is the "Totem
// Single Ring Ordering and Membership Protocol" of Amir, Moser, Melliar-Smith,
// Agarwal and Ciarfella (1995) as Corosync 3 speaks it.
//
// # How it works
//
// The members of a ring pass a token round. Who has it may send messages, which get
// the next numbers of the ring; the token tells up to which number everybody has
// all messages, and asks for missing ones. When the token is lost or somebody new is
// heard of, the members gather: they tell each other whom they see (join), until all
// that are to be in the new ring agree. The lowest node id then sends a commit token
// round twice. In recovery the members that come from the same old ring even out
// what they have of its messages. Then all deliver the rest of the old
// ring's messages, a transitional configuration, the regular configuration, and the
// new ring is in operation.
//
// What a Ring promises to nodes that go from one configuration to the next
// together: they deliver the same messages in the same order in between. There is one
// exception, which the packing of messages has from the original: of a message that takes more
// than one packet and is under way while the ring changes, those who come to the ring have
// not received the beginning, and do not deliver it.
//
// # How to use it
//
// A Ring does no I/O, has no clock and starts no goroutine. It is fed with packets
// (Receive), time (Advance) and messages to send (Send), and answers with effects,
// which the caller takes (Next) and carries out in their order. Deadline tells when
// to call Advance next. It is not safe for concurrent use.
package totem

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"hacluster/corosync/fifo"
	"hacluster/corosync/wire"
)

// Config is what a Ring needs to know. Defaults are in package conf.
type Config struct {
	Node            uint32        // this node's id, not 0
	RingSeq         uint64        // the number of the last ring, as StoreSeq told it; 0 at first
	Token           time.Duration // without token for so long: it is lost
	TokenRetransmit time.Duration // after so long without sign that it got on, the token is sent again
	Hold            time.Duration // the representative of an idle ring keeps the token for so long
	Join            time.Duration // between joins while gathering
	SendJoin        time.Duration // joins wait for up to this, at random
	Consensus       time.Duration // who does not agree within this has failed
	Pause           time.Duration // a process that did not run for longer forgets what has arrived; 0 is half of Token
	Merge           time.Duration // an idle ring makes itself known to others so often
	FailRecv        int           // rotations without progress after which a node counts itself as failed
	SeqnoUnchanged  int           // idle rotations before the token is held
	WindowSize      int           // messages on the ring per rotation
	MaxMessages     int           // messages per visit of the token
	MissCount       int           // visits before a missing message is asked for
	NetMTU          int           // greatest datagram with headers of lower layers, 1500 on Ethernet

	// CancelHoldOnRetransmit has a token with retransmissions in it not be held.
	CancelHoldOnRetransmit bool

	Rand *rand.Rand
	Log  *slog.Logger // nil discards
}

// State is the state of the membership protocol.
type State int

// The states.
const (
	Operational State = iota + 1
	Gather
	Commit
	Recovery
)

func (s State) String() string {
	switch s {
	case Operational:
		return "OPERATIONAL"
	case Gather:
		return "GATHER"
	case Commit:
		return "COMMIT"
	case Recovery:
		return "RECOVERY"
	}
	return "not started"
}

// Effect is something to be done: *Unicast, *Multicast, *Doubt, *StoreSeq, *Deliver,
// *Configuration or *Flush. Effects are carried out in the order in which Next yields them.
type Effect interface{ effect() }

// Unicast sends a packet to one node, which may be this one: then it is received, too.
type Unicast struct {
	To     uint32
	Packet []byte
}

// Multicast sends a packet to several other nodes: those in To, or all configured ones where To is nil.
type Multicast struct {
	To     []uint32
	Packet []byte
}

// Doubt tells that there is no sign of what was sent last, and that it is about to be sent again: a transport that has several links is not
// to trust the one that it used.
type Doubt struct{}

// StoreSeq asks to keep the number of a ring on disk before any packet after it is sent.
type StoreSeq struct{ Seq uint64 }

// Deliver hands out a message. From is its sender; Seq is the number, on the ring Ring, of the packet in
// which the message ends. Swapped tells that the sender's byte order is the other one.
type Deliver struct {
	From    uint32
	Group   string
	Message []byte
	Swapped bool
	Ring    wire.RingID
	Seq     uint32
}

// Configuration tells who is in the ring. A transitional one comes first: Members are
// those who come along from the last ring, Left those who do not. Messages between it and the
// regular one are from the old ring. In a regular one Joined are those who are new.
type Configuration struct {
	Transitional          bool
	Ring                  wire.RingID
	Members, Left, Joined []uint32
}

// Flush tells that this process was not running for a while: datagrams that wait
// in the socket tell of the past and are to be thrown away.
type Flush struct{ Paused time.Duration }

// arrival is a packet of messages whose turn has come.
type arrival struct{ *wire.Mcast }

func (*arrival) effect()       {}
func (*Unicast) effect()       {}
func (*Doubt) effect()         {}
func (*Multicast) effect()     {}
func (*StoreSeq) effect()      {}
func (*Deliver) effect()       {}
func (*Configuration) effect() {}
func (*Flush) effect()         {}

// Ring is one node's part of the protocol.
type Ring struct {
	cfg   Config
	log   *slog.Logger
	me    uint32
	state State
	out   fifo.Queue[Effect]
	// delivered is what an arrival was made of; it comes before the rest of out. Its room is used again, and so is that of packed.
	delivered fifo.Queue[Deliver]
	given     Deliver // the last of them
	packed    [][]byte
	stats     Stats
	last      time.Time // of the last call

	// Membership. Lists are sorted.
	ring, oldRing   wire.RingID
	oldSaved        bool // oldRing, oldAru and oldHigh hold
	oldAru, oldHigh uint32
	highestSeq      uint64 // highest number of a ring that was heard of
	proc, failed    []uint32
	consensus       []uint32
	memb, newMemb   []uint32
	trans           []uint32
	leaving         []uint32 // nodes whose leave was received
	commit          *wire.Commit
	failedToReceive bool
	ownJoin         *wire.Join // to be processed as if received
	discardTokens   bool
	originatedToken bool
	lastToken       []byte // to be sent again
	lastAll         time.Time
	tokenTimer      time.Time
	visitedAt       time.Time // by the token, in this ring
	retransmitTimer time.Time
	holdTimer       time.Time
	joinTimer       time.Time
	sendJoinTimer   time.Time
	consensusTimer  time.Time
	mergeTimer      time.Time

	// Messages.
	regular, recovery window
	aru, high         uint32 // of the ring in use: all up to aru are here, high was heard of
	highDelivered     uint32
	released          uint32
	lastAru           uint32 // of the last token
	aruCount          int
	retransQueue      [][]byte // old ring's messages to be sent in recovery
	thisSeq           int32

	// The token.
	tokenSeq     uint32
	lastSeq      uint32
	seqUnchanged int
	held         bool
	trc          uint32 // mcasts at the last visit
	pbl, cbl     uint32 // backlog at the last visit and now

	// Recovery.
	setRetrans      bool
	retransCount    int
	installSeq      uint32
	rotationCounter int
	progress        recoveryProgress

	// Application messages.
	installed    wire.RingID // of the last regular configuration
	waitingSync  bool        // sync messages are sent
	syncing      bool        // sync messages are received: the caller knows of the configuration
	normal, sync sender
	prefix       struct { // of the messages of the last group
		group string
		bytes []byte
	}
	assembly [2]map[uint32]*assembly // by node: ordinary, during sync
}

// Queue selects when a message is sent.
type Queue int

const (
	// Normal messages are sent while the ring is in operation and no sync is under way.
	Normal Queue = iota
	// Sync messages are sent between a configuration and SyncDone.
	Sync
)

// MaxMessage is the greatest message that Send takes, in bytes.
const MaxMessage = 1<<20 + 4096

// maxPending bounds the bytes that wait in each queue. Callers are asked to stay below
// fairPending: what is above is for messages that must not be lost.
const (
	maxPending  = 16 << 20
	fairPending = 4 << 20
)

var (
	// ErrFull tells that too many messages wait to be sent.
	ErrFull = errors.New("too many messages wait to be sent")
	// ErrTooBig tells that a message is longer than MaxMessage.
	ErrTooBig = errors.New("the message is too big")
)

// New makes a Ring. It does nothing until Start.
func New(cfg Config) (*Ring, error) {
	if cfg.Node == 0 {
		return nil, errors.New("totem: node id 0")
	}
	if cfg.NetMTU < 300 {
		return nil, fmt.Errorf("totem: net MTU %d", cfg.NetMTU)
	}
	if cfg.Rand == nil {
		return nil, errors.New("totem: no source of randomness")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	r := &Ring{cfg: cfg, log: cfg.Log, me: cfg.Node}
	// One more than stored: a node that restarts before it has stored anything
	// must not use the id of a ring again.
	r.ring = wire.RingID{Rep: r.me, Seq: cfg.RingSeq + 1}
	r.highestSeq = r.ring.Seq
	r.oldRing = r.ring
	r.waitingSync, r.syncing = true, true
	max := cfg.NetMTU - 2*wire.McastHeader
	r.normal.max, r.sync.max = max, max
	r.assembly = [2]map[uint32]*assembly{{}, {}}
	return r, nil
}

// Configure changes timeouts and limits. The node id, the number of the last ring and the
// net MTU stay as they are.
func (r *Ring) Configure(cfg Config) {
	cfg.Node, cfg.RingSeq, cfg.NetMTU = r.cfg.Node, r.cfg.RingSeq, r.cfg.NetMTU
	cfg.Rand, cfg.Log = r.cfg.Rand, r.cfg.Log
	r.cfg = cfg
}

// Start begins: the node gathers.
func (r *Ring) Start(now time.Time) {
	r.last = now
	r.enterGather(now, "start")
	r.settle(now)
}

// Next takes the next effect; nil when there is none. Messages are put together from
// their packets when they are taken: what the caller does about one effect (SyncDone)
// decides how the next is read. A *Deliver holds until the next call.
func (r *Ring) Next() Effect {
	for {
		switch {
		case r.delivered.Len() > 0:
			r.given = r.delivered.Pop()
			return &r.given
		case r.out.Len() == 0:
			return nil
		}
		e := r.out.Pop()
		switch e := e.(type) {
		case *arrival:
			r.assemble(e.Mcast)
			continue
		case *Configuration:
			for _, n := range e.Left {
				delete(r.assembly[Normal], n)
				delete(r.assembly[Sync], n)
			}
			if !e.Transitional {
				r.syncing = true
			}
		}
		return e
	}
}

// State is the state of the membership protocol.
func (r *Ring) State() State { return r.state }

// ID is the id of the ring, which is being formed while State is not Operational.
func (r *Ring) ID() wire.RingID { return r.ring }

// Members lists the members of the last regular configuration.
func (r *Ring) Members() []uint32 { return clone(r.memb) }

// Deadline is when Advance wants to be called at the latest.
func (r *Ring) Deadline() time.Time {
	d := r.last.Add(r.cfg.Token / 5)
	for _, t := range []time.Time{
		r.tokenTimer, r.retransmitTimer, r.holdTimer, r.joinTimer, r.sendJoinTimer, r.consensusTimer, r.mergeTimer,
	} {
		if !t.IsZero() && t.Before(d) {
			d = t
		}
	}
	return d
}

// Advance lets the time that has passed take effect.
func (r *Ring) Advance(now time.Time) {
	r.alive(now)
	due := func(t *time.Time) bool {
		if t.IsZero() || t.After(now) {
			return false
		}
		*t = time.Time{}
		return true
	}
	if due(&r.tokenTimer) {
		r.tokenLost(now)
	}
	if due(&r.retransmitTimer) && r.state != Gather {
		r.out.Push(&Doubt{})
		r.retransmitToken(now)
	}
	if due(&r.holdTimer) && (r.state == Operational || r.state == Recovery) {
		r.sendTokenAgain()
	}
	if due(&r.joinTimer) && r.state == Gather {
		r.out.Push(&Doubt{})
		r.sendJoin(now)
		r.joinTimer = now.Add(r.cfg.Join)
	}
	if due(&r.sendJoinTimer) && r.state == Gather {
		r.sendJoinNow(now)
	}
	if due(&r.consensusTimer) && r.state == Gather {
		r.consensusExpired(now)
	}
	if due(&r.mergeTimer) && r.state == Operational && r.ring.Rep == r.me {
		r.stats.MergeDetectTx++
		r.toAll(now, &wire.MergeDetect{Node: r.me, From: r.me, Ring: r.ring})
	}
	r.settle(now)
}

// Receive takes a datagram. The block belongs to the Ring afterwards. An error tells
// what is wrong with it; it has no effect then.
func (r *Ring) Receive(now time.Time, datagram []byte) error {
	paused := r.alive(now)
	p, err := wire.Parse(datagram)
	if err != nil {
		r.stats.RxDropped++
		return err
	}
	switch p := p.(type) {
	case *wire.Token:
		r.stats.TokenRx++
		r.receiveToken(now, p)
	case *wire.Mcast:
		r.stats.McastRx++
		r.receiveMcast(now, p, datagram)
	case *wire.MergeDetect:
		r.stats.MergeDetectRx++
		if p.From != r.me && p.Ring != r.ring {
			r.foreign(now, p.From, "merge")
		}
	case *wire.Join:
		r.stats.JoinRx++
		if p.From != r.me && !paused {
			r.receiveJoin(now, p)
		}
	case *wire.Commit:
		r.stats.CommitRx++
		r.receiveCommit(now, p)
	case *wire.HoldCancel:
		r.stats.HoldCancelRx++
		if p.Ring == r.ring {
			r.holdCancelled(now)
		}
	}
	r.settle(now)
	return nil
}

// alive notes that the process runs, and tells whether it did not for a while.
func (r *Ring) alive(now time.Time) bool {
	gap := now.Sub(r.last)
	r.last = now
	limit := r.cfg.Pause
	if limit == 0 {
		limit = r.cfg.Token / 2
	}
	if gap <= limit {
		return false
	}
	r.log.Warn("the process was paused: membership messages of the past are dropped", "for", gap)
	r.out.Push(&Flush{gap})
	return true
}

// settle processes this node's own joins: a node that is alone agrees with itself.
func (r *Ring) settle(now time.Time) {
	for r.ownJoin != nil {
		j := r.ownJoin
		r.ownJoin = nil
		r.receiveJoin(now, j)
	}
}

// Send queues a message, in one part or two, for the group of that name. It goes out when the token is here. The blocks belong to the
// Ring afterwards.
func (r *Ring) Send(now time.Time, q Queue, group string, message ...[]byte) error {
	m := outgoing{head: message[0]}
	if len(message) > 1 {
		m.body = message[1]
	}
	size := m.size()
	if size > MaxMessage {
		return ErrTooBig
	}
	s := r.sender(q)
	if s.bytes+size > maxPending {
		return ErrFull
	}
	if r.prefix.group != group || r.prefix.bytes == nil {
		r.prefix.group, r.prefix.bytes = group, wire.GroupPrefix(group)
	}
	m.group = r.prefix.bytes
	s.add(m)
	if r.held {
		// The token rests: ask for it.
		r.held = false
		r.stats.HoldCancelTx++
		r.toAll(now, &wire.HoldCancel{Node: r.me, Ring: r.ring})
		r.holdCancelled(now)
	}
	return nil
}

// Room tells how many bytes should be sent now at most in a queue.
func (r *Ring) Room(q Queue) int { return fairPending - r.sender(q).bytes }

// Pending is how many packets wait to be sent in a queue, and for how many more there is room.
func (r *Ring) Pending(q Queue) (waiting, room uint32) {
	s := r.sender(q)
	return s.packets(), uint32(max(0, r.Room(q)) / s.max)
}

func (r *Ring) sender(q Queue) *sender {
	if q == Sync {
		return &r.sync
	}
	return &r.normal
}

// SyncDone tells that the sync which follows the regular configuration of a ring is
// through: normal messages are sent from now on.
func (r *Ring) SyncDone(ring wire.RingID) {
	r.syncing = false
	if ring == r.installed {
		r.waitingSync = false
	}
}

// Leave tells the others that this node goes. The Ring must not be used afterwards but for Next.
func (r *Ring) Leave(now time.Time) {
	r.failed = union(r.failed, []uint32{r.me})
	// This node stands last, where it is looked for.
	failed := append(subtract(r.failed, []uint32{r.me}), r.me)
	r.stats.JoinTx++
	r.toAll(now, &wire.Join{Node: 0, From: r.me, RingSeq: r.ring.Seq, Proc: subtract(r.proc, []uint32{r.me}), Failed: failed})
}

// toAll sends a packet to all configured nodes.
func (r *Ring) toAll(now time.Time, p wire.Packet) {
	r.lastAll = now
	r.out.Push(&Multicast{Packet: p.Marshal()})
}

// toMembers sends a packet to the ring's members; now and then to all, so that other rings hear of this one.
func (r *Ring) toMembers(now time.Time, packet []byte) {
	if now.Sub(r.lastAll) >= 2*r.cfg.Merge {
		r.lastAll = now
		r.out.Push(&Multicast{Packet: packet})
		return
	}
	r.out.Push(&Multicast{To: r.newMemb, Packet: packet})
}

// Stats counts what has happened. TokenTx is how many tokens this node has begun a ring with, as the original counts them.
type Stats struct {
	TokenTx, TokenRx, MergeDetectTx, MergeDetectRx, JoinTx, JoinRx, McastTx, McastRetx, McastRx uint64

	CommitTx, CommitRx, HoldCancelTx, HoldCancelRx, RxDropped uint64

	OperationalEntered, OperationalTokenLost, GatherEntered, GatherTokenLost, CommitEntered, CommitTokenLost uint64

	RecoveryEntered, RecoveryTokenLost, ConsensusTimeouts uint64

	ContinuousGather uint32

	// TokenRotation is how long it takes from one visit of the token to the next, on average and of late.
	TokenRotation time.Duration
	// Backlog is how many packets wait in the whole ring, as the token told last; TokenAt is when it came.
	Backlog uint32
	TokenAt time.Time
}

// Stats returns the counters.
func (r *Ring) Stats() Stats { return r.stats }

// ClearStats sets the counters to 0.
func (r *Ring) ClearStats() { r.stats = Stats{} }
