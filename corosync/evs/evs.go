// Package evs holds what a ring does against extended virtual synchrony, the properties that Moser,
// Amir, Melliar-Smith and Agarwal (1994) give to Totem, as far as Corosync promises them: it has
// agreed delivery only, no safe one.
//
// A Checker is told every event of every process as it happens: what a process hands to its ring to be
// sent, which packets it puts on a ring, which configurations and messages it is given, and its end. Each
// call answers at once with a *Violation where a property does not hold, so that
// the first wrong step is the one that is reported. It knows nothing of tokens, timers or networks.
package evs

import (
	"fmt"

	"hacluster/corosync/wire"
)

// Process is one life of a node: after a restart it is another process.
type Process struct {
	Node uint32
	Life int
}

func (p Process) String() string { return fmt.Sprintf("node %d (life %d)", p.Node, p.Life) }

// Property names what is broken.
type Property string

// The properties.
const (
	// Numbering: the packets of a ring have consecutive numbers, each of which is given out once, in the order of
	// time. So the order is causal, too: what a process sends comes after all that it was given before.
	Numbering Property = "numbering"
	// Integrity: what is delivered was sent, by the member that it names, unchanged; a process's messages
	// are put on the ring in the order in which it sends them.
	Integrity Property = "integrity"
	// Once: a process is given a message once.
	Once Property = "once"
	// Order: all processes are given the messages of a ring in the order of their numbers.
	Order Property = "order"
	// SameConfiguration: a message is delivered in the configuration in which it was sent, or in the
	// transitional configuration that ends it.
	SameConfiguration Property = "same configuration"
	// NoGap: in a regular configuration a process is given every message before the next one; in a
	// transitional one, every message of those who come along.
	NoGap Property = "no gap"
	// SelfDelivery: who goes on to the next configuration has been given all that it sent in the last.
	SelfDelivery Property = "self delivery"
	// MembersDelivery: so it is with the messages of all who come along.
	MembersDelivery Property = "members' delivery"
	// VirtualSynchrony: processes that go from one regular configuration to the next together have been
	// given the same messages in the first.
	VirtualSynchrony Property = "virtual synchrony"
	// Transitional: a transitional configuration comes before each regular one, has those members of the
	// last that come along, this process among them, and is the same for all of them.
	Transitional Property = "transitional configuration"
	// Agreement: all that are given a regular configuration are given the same, are in it themselves,
	// and its number is higher than that of any that they had before.
	Agreement Property = "agreement on the configuration"
)

// Properties lists all.
var Properties = []Property{
	Numbering, Integrity, Once, Order, SameConfiguration, NoGap, SelfDelivery, MembersDelivery,
	VirtualSynchrony, Transitional, Agreement,
}

// Violation is a property that does not hold.
type Violation struct {
	Property Property
	Process  Process
	Text     string
}

func (v *Violation) Error() string { return fmt.Sprintf("%s: %v: %s", v.Property, v.Process, v.Text) }

// Queue is which of a process's two queues a message is sent by: those of the sync after a change of
// the ring have a chain of fragments of their own.
type Queue int

// The queues.
const (
	Normal Queue = iota
	Sync
)

// position is where a message ends: the how-manieth of which packet.
type position struct {
	seq   uint32
	index int
}

func (a position) before(b position) bool {
	return a.seq < b.seq || a.seq == b.seq && a.index < b.index
}

// packet is a packet of a ring, as its originator has put it there.
type packet struct {
	from     Process
	bytes    []byte
	messages []message // that end in it
}

// message is a whole message with its group.
type message struct {
	began wire.RingID // the ring of its first fragment
	bytes []byte
}

// ring is what is known of a ring.
type ring struct {
	id      wire.RingID
	packets []packet // by number, from 1
	// Of the regular configuration, as the first had it.
	members []uint32
	given   map[uint32]Process     // by node: who was given it
	came    map[uint32]wire.RingID // by node: from which ring it came; or is said to come
	// passages are the moves to other rings.
	passages map[passageTo]*passage
}

type passageTo struct{ to wire.RingID }

// passage is what the first that went from one ring to the next has had.
type passage struct {
	first Process
	trans []uint32
	had   []position // its messages that began on the ring
}

// chain is a queue's message under way.
type chain struct {
	open  bool
	began wire.RingID
	bytes []byte
	next  [][]byte // sent and not yet on a ring
}

// process is what is known of a process.
type process struct {
	id      Process
	chains  [2]chain
	syncing bool // its sync is under way: it sends by that queue
	rings   []*ring
	trans   *configuration
	cursor  position // up to where it was given messages of the last ring
	had     []position
	ended   bool
}

type configuration struct {
	ring    wire.RingID
	members []uint32
	left    []uint32
}

func (p *process) ring() *ring {
	if len(p.rings) == 0 {
		return nil
	}
	return p.rings[len(p.rings)-1]
}

// Checker knows everything that has happened.
type Checker struct {
	rings     map[wire.RingID]*ring
	processes map[Process]*process
	seqs      map[uint32]uint64 // by node: the highest number of a ring that it was given
	delivered int
}

// New makes a Checker.
func New() *Checker {
	return &Checker{rings: map[wire.RingID]*ring{}, processes: map[Process]*process{}, seqs: map[uint32]uint64{}}
}

// Delivered is how many deliveries were checked.
func (c *Checker) Delivered() int { return c.delivered }

// Start tells that a process begins.
func (c *Checker) Start(id Process) { c.processes[id] = &process{id: id, syncing: true} }

// End tells that a process has ended: it is given nothing any more.
func (c *Checker) End(id Process) { c.processes[id].ended = true }

func (c *Checker) ring(id wire.RingID) *ring {
	r := c.rings[id]
	if r == nil {
		r = &ring{id: id, given: map[uint32]Process{}, came: map[uint32]wire.RingID{}, passages: map[passageTo]*passage{}}
		c.rings[id] = r
	}
	return r
}

func broken(property Property, p Process, format string, args ...any) error {
	return &Violation{property, p, fmt.Sprintf(format, args...)}
}
