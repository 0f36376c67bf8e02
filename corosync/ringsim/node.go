package ringsim

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"hacluster/corosync/evs"
	"hacluster/corosync/totem"
	"hacluster/corosync/wire"
)

// Node is a node with its disk and what runs above its ring: a sync of one message of each member after
// each change of the ring.
type Node struct {
	w      *World
	id     uint32
	life   int
	seq    uint64 // on disk
	ring   *totem.Ring
	paused bool
	inbox  [][]byte // while paused
	armed  time.Duration

	said, had uint32 // messages, in all lives and in this one
	synced    map[uint32]bool
	syncing   bool
	current   *totem.Configuration
}

// inboxLimit is how many packets wait for a node that does not run; its socket's buffer holds no more.
const inboxLimit = 300

// ID is the node's id.
func (n *Node) ID() uint32 { return n.id }

// Ring is its ring, nil while the node is down.
func (n *Node) Ring() *totem.Ring { return n.ring }

// Paused tells that it does not run.
func (n *Node) Paused() bool { return n.paused }

func (n *Node) process() evs.Process { return evs.Process{Node: n.id, Life: n.life} }

func (n *Node) time() time.Time { return epoch.Add(n.w.now) }

// Start starts the node where it is down.
func (n *Node) Start() {
	if n.ring != nil {
		return
	}
	cfg := n.w.config
	cfg.Node, cfg.RingSeq = n.id, n.seq
	cfg.Rand = rand.New(rand.NewPCG(uint64(n.id), n.w.rng.Uint64()))
	if n.w.Trace != nil {
		cfg.Log = slog.New(teller{n})
	}
	r, err := totem.New(cfg)
	if err != nil {
		n.w.fail(err)
		return
	}
	n.life++
	n.ring, n.paused, n.inbox, n.current, n.syncing, n.had = r, false, nil, nil, false, 0
	n.w.trace("node %d starts", n.id)
	n.w.check.Start(n.process())
	r.Start(n.time())
	n.work()
}

// Kill ends the node without a word.
func (n *Node) Kill() {
	if n.ring == nil {
		return
	}
	n.w.trace("node %d dies", n.id)
	n.w.check.End(n.process())
	n.ring, n.paused, n.inbox, n.armed = nil, false, nil, 0
}

// Leave ends the node with a word to the others.
func (n *Node) Leave() {
	if n.ring == nil || n.paused {
		return
	}
	n.w.trace("node %d leaves", n.id)
	n.ring.Leave(n.time())
	n.work()
	n.Kill()
}

// Pause has the node not run for a while: what arrives waits, as much as fits, and timers are late.
func (n *Node) Pause(d time.Duration) {
	if n.ring == nil || n.paused {
		return
	}
	n.w.trace("node %d pauses for %v", n.id, d)
	n.paused = true
	life := n.life
	n.w.At(d, func() {
		if n.life == life && n.ring != nil {
			n.resume()
		}
	})
}

func (n *Node) resume() {
	n.w.trace("node %d runs again", n.id)
	n.paused = false
	if n.w.rng.IntN(2) == 0 {
		n.ring.Advance(n.time())
		n.work()
	}
	for len(n.inbox) > 0 && n.ring != nil && n.w.err == nil {
		b := n.inbox[0]
		n.inbox = n.inbox[1:]
		n.receive(b)
	}
	if n.ring != nil {
		n.ring.Advance(n.time())
		n.work()
	}
}

// Say sends a message of a size, and tells whether the node took it.
func (n *Node) Say(size int) error {
	if n.ring == nil || n.paused {
		return ErrDown
	}
	n.said++
	number := uint64(len(n.w.names) + 1)
	n.w.names[number] = name{n.id, n.said}
	b := make([]byte, max(size, 8))
	binary.LittleEndian.PutUint64(b, number)
	for i := 8; i < len(b); i++ {
		b[i] = byte(int(number) + i*7)
	}
	return n.say(totem.Normal, wire.GroupServices, b)
}

func (n *Node) say(q totem.Queue, group string, b []byte) error {
	if err := n.ring.Send(n.time(), q, group, b); err != nil {
		return err
	}
	n.w.check.Send(n.process(), evs.Queue(q), group, b)
	n.work()
	return nil
}

// Receive has the node take a packet from nowhere.
func (n *Node) Receive(b []byte) { n.receive(b) }

// receive takes a packet, of which others have the same bytes.
func (n *Node) receive(b []byte) {
	if n.ring == nil {
		return
	}
	if n.paused {
		if len(n.inbox) < inboxLimit {
			n.inbox = append(n.inbox, b)
		}
		return
	}
	if err := n.ring.Receive(n.time(), slices.Clone(b)); err != nil {
		n.w.fail(fmt.Errorf("node %d cannot read a packet of node %d: %w", n.id, binary.LittleEndian.Uint32(b[5:]), err))
	}
	n.work()
}

// wake is the end of the time that the ring wanted to wait.
func (n *Node) wake(at time.Duration) {
	if n.armed != at {
		return // another one comes earlier, or the node is down
	}
	n.armed = 0
	if n.ring == nil || n.paused {
		return
	}
	if !n.ring.Deadline().After(n.time()) {
		n.ring.Advance(n.time())
		n.work()
		return
	}
	n.arm()
}

// arm sees to it that the node wakes up in time.
func (n *Node) arm() {
	if n.ring == nil || n.paused {
		return
	}
	d := max(n.ring.Deadline().Sub(epoch), n.w.now)
	if n.armed == 0 || d < n.armed {
		n.armed = d
		n.w.push(event{at: d, node: n})
	}
}

// work carries the effects out.
func (n *Node) work() {
	for n.ring != nil && n.w.err == nil {
		e := n.ring.Next()
		if e == nil {
			break
		}
		if n.w.Spy == nil {
			n.effect(e)
			continue
		}
		for _, e := range n.w.Spy.See(n.process(), e) {
			n.effect(e)
		}
	}
	n.arm()
}

func (n *Node) effect(e totem.Effect) {
	w := n.w
	if w.Tell != nil {
		w.Tell(n, e)
	}
	switch e := e.(type) {
	case *totem.Unicast:
		w.send(n, e.To, e.Packet)
	case *totem.Multicast:
		n.multicast(e)
	case *totem.StoreSeq:
		n.seq = e.Seq
	case *totem.Flush:
		n.inbox = nil
	case *totem.Configuration:
		n.configuration(e)
	case *totem.Deliver:
		n.deliver(e)
	}
}

func (n *Node) multicast(e *totem.Multicast) {
	n.announce(e.Packet)
	if e.To == nil {
		for _, o := range n.w.nodes {
			if o != n {
				n.w.send(n, o.id, e.Packet)
			}
		}
		return
	}
	for _, id := range e.To {
		if id != n.id {
			n.w.send(n, id, e.Packet)
		}
	}
}

// announce tells the checker of a new packet of messages.
func (n *Node) announce(b []byte) {
	if n.w.blind || wire.Kind(b[3]) != wire.KindMcast {
		return
	}
	p, err := wire.Parse(b)
	m, ok := p.(*wire.Mcast)
	if err != nil || !ok {
		n.w.fail(fmt.Errorf("node %d sends a packet that cannot be read: %w", n.id, err))
		return
	}
	if n.w.check.Known(m) {
		return // sent again
	}
	if n.w.Trace != nil {
		n.w.trace("node %d puts packet %d on ring %v", n.id, m.Seq, m.Ring)
	}
	n.w.fail(n.w.check.Packet(n.process(), m))
}

func (n *Node) configuration(c *totem.Configuration) {
	if n.w.Trace != nil {
		kind := "regular"
		if c.Transitional {
			kind = "transitional"
		}
		n.w.trace("node %d: %s configuration %v: %v, joined %v, left %v", n.id, kind, c.Ring, c.Members, c.Joined, c.Left)
	}
	if !n.w.blind {
		n.w.fail(n.w.check.Configuration(n.process(), c))
	}
	if c.Transitional || n.w.err != nil {
		return
	}
	n.current, n.synced, n.syncing = c, map[uint32]bool{}, true
	b := fmt.Appendf(nil, "sync %v ", c.Ring)
	if n.w.rng.IntN(3) == 0 {
		b = append(b, make([]byte, n.w.rng.IntN(2500))...)
	}
	n.w.fail(n.say(totem.Sync, wire.GroupSync, b))
}

func (n *Node) deliver(d *totem.Deliver) {
	if n.w.Trace != nil {
		n.w.trace("node %d: message of node %d, %d bytes, in packet %d of ring %v", n.id, d.From, len(d.Message), d.Seq, d.Ring)
	}
	if !n.w.blind {
		n.w.fail(n.w.check.Deliver(n.process(), d))
	}
	if d.Group != wire.GroupSync {
		n.had++
		if n.syncing && n.current.Ring == d.Ring {
			n.w.fail(fmt.Errorf("node %d is given a message of node %d before the sync of %v is through", n.id, d.From, d.Ring))
		}
		return
	}
	if !n.syncing || string(d.Message[:min(len(d.Message), len(n.syncName()))]) != n.syncName() {
		return
	}
	n.synced[d.From] = true
	if len(n.synced) == len(n.current.Members) {
		n.syncing = false
		n.ring.SyncDone(n.current.Ring)
		n.w.check.SyncDone(n.process())
	}
}

// syncName is how the sync messages of the ring begin.
func (n *Node) syncName() string { return fmt.Sprintf("sync %v ", n.current.Ring) }
