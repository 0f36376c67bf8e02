// Package ringsim runs rings of totem on virtual time, in one goroutine and from a seed: 2 to 384 nodes
// on a network that loses, doubles, delays and reorders packets and falls into parts, with nodes that
// pause, crash, leave and come back. Package evs looks at every event; what it finds replays exactly from the seed.
//
// History makes a random history from a seed; Play plays one that is written down.
package ringsim

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"hacluster/corosync/evs"
	"hacluster/corosync/totem"
	"hacluster/corosync/wire"
)

// World is the nodes, their network and the time.
type World struct {
	// Net is how bad the network is; it may be changed at any time.
	Net Net
	// Trace is told what happens, line by line; nil for nobody.
	Trace io.Writer
	// Spy sees every event before the checker does and may change it: so tests break what must be found.
	Spy Spy

	// Tell is told what nodes are given; nil for nobody.
	Tell func(n *Node, e totem.Effect)

	rng    *rand.Rand
	now    time.Duration
	queue  queue
	count  uint64
	nodes  []*Node // in the order of their ids
	byID   map[uint32]*Node
	config totem.Config
	check  *evs.Checker
	cut    map[[2]uint32]bool // from, to
	traps  []*trap
	err    error
	events int
	names  map[uint64]name // of the messages sent so far
	blind  bool
}

// Net is how bad a network is.
type Net struct {
	Latency, Spread time.Duration // a packet takes Latency and up to Spread more
	Loss, Duplicate float64       // of all packets
	Stray           float64       // of all packets: these take ten times as long
}

// name tells a message from all others: the how-manieth of its node.
type name struct{ node, number uint32 }

// Spy stands between the rings and the checker.
type Spy interface {
	// See gets an effect of a process and yields what the checker and the process are told in its place.
	See(p evs.Process, e totem.Effect) []totem.Effect
}

// epoch is when virtual time begins.
var epoch = time.Unix(1000, 0)

// New makes a world of nodes that are down. config holds for all of them; what names one is filled in.
func New(seed uint64, config totem.Config, ids ...uint32) *World {
	w := &World{
		Net: Net{Latency: 100 * time.Microsecond, Spread: 300 * time.Microsecond}, rng: rand.New(rand.NewPCG(seed, 7)),
		byID: map[uint32]*Node{}, config: config, check: evs.New(), cut: map[[2]uint32]bool{}, names: map[uint64]name{},
	}
	ids = slices.Clone(ids)
	slices.Sort(ids)
	for _, id := range ids {
		n := &Node{w: w, id: id}
		w.nodes = append(w.nodes, n)
		w.byID[id] = n
	}
	return w
}

// Node is one node of the world; nil where there is none of that id.
func (w *World) Node(id uint32) *Node { return w.byID[id] }

// Nodes are all of them, in the order of their ids.
func (w *World) Nodes() []*Node { return w.nodes }

// Now is how long the world has been running.
func (w *World) Now() time.Duration { return w.now }

// Err is the first thing that was wrong.
func (w *World) Err() error { return w.err }

// Events is how many events there were.
func (w *World) Events() int { return w.events }

// Delivered is how many deliveries of messages were checked.
func (w *World) Delivered() int { return w.check.Delivered() }

// Run lets time pass. It ends early where something is wrong.
func (w *World) Run(d time.Duration) {
	end := w.now + d
	for w.err == nil && len(w.queue) > 0 && w.queue[0].at <= end {
		e := w.queue.pop()
		w.now = e.at
		w.events++
		switch {
		case e.what != nil:
			e.what()
		case e.packet != nil:
			e.node.receive(e.packet)
		default:
			e.node.wake(e.at)
		}
	}
	w.now = end
}

// At has something done after a while.
func (w *World) At(d time.Duration, what func()) { w.push(event{at: w.now + d, what: what}) }

func (w *World) push(e event) {
	w.count++
	e.n = w.count
	w.queue.push(e)
}

// Unchecked has nobody look at what happens any more, for worlds in which somebody lies.
func (w *World) Unchecked() { w.blind = true }

// Split puts nodes on sides that do not hear each other; who is on none hears nobody.
func (w *World) Split(sides ...[]uint32) {
	clear(w.cut)
	side := map[uint32]int{}
	for i, s := range sides {
		for _, id := range s {
			side[id] = i + 1
		}
	}
	for _, a := range w.nodes {
		for _, b := range w.nodes {
			if a != b && (side[a.id] != side[b.id] || side[a.id] == 0) {
				w.cut[[2]uint32{a.id, b.id}] = true
			}
		}
	}
}

// Cut has the packets of one node not reach another.
func (w *World) Cut(from, to uint32) { w.cut[[2]uint32{from, to}] = true }

// Heal ends all cuts.
func (w *World) Heal() { clear(w.cut) }

// send carries a packet, which is not changed by anybody.
func (w *World) send(from *Node, to uint32, packet []byte) {
	n := w.byID[to]
	if n == nil || n.ring == nil {
		return
	}
	drop := w.sprung(from.id, to, packet)
	copies := 1
	if from != n {
		if drop || w.cut[[2]uint32{from.id, to}] || w.Net.Loss > 0 && w.rng.Float64() < w.Net.Loss {
			return
		}
		if w.Net.Duplicate > 0 && w.rng.Float64() < w.Net.Duplicate {
			copies++
		}
	}
	for range copies {
		d := w.Net.Latency
		if w.Net.Spread > 0 {
			d += time.Duration(w.rng.Int64N(int64(w.Net.Spread)))
		}
		if w.Net.Stray > 0 && w.rng.Float64() < w.Net.Stray {
			d *= 10
		}
		w.push(event{at: w.now + d, node: n, packet: packet, from: from.id})
	}
}

// trap waits for a packet of a kind.
type trap struct {
	kind     wire.Kind
	from, to uint32 // 0 for any
	skip     int
	times    int
	do       func(from, to uint32) (drop bool)
}

// Trap has something done when a packet of a kind is sent, after skip of them, as many times as told; what
// is done tells whether that packet is lost. from and to are 0 for any node.
func (w *World) Trap(kind wire.Kind, from, to uint32, skip, times int, do func(from, to uint32) (drop bool)) {
	w.traps = append(w.traps, &trap{kind, from, to, skip, times, do})
}

// Traps is how many traps have not sprung yet.
func (w *World) Traps() int { return len(w.traps) }

func (w *World) sprung(from, to uint32, packet []byte) (drop bool) {
	if len(w.traps) == 0 {
		return false
	}
	kind := wire.Kind(packet[3])
	for i, t := range w.traps {
		if t.kind != kind || t.from != 0 && t.from != from || t.to != 0 && t.to != to {
			continue
		}
		if t.skip > 0 {
			t.skip--
			continue
		}
		if t.times--; t.times <= 0 {
			w.traps = slices.Delete(w.traps, i, i+1)
		}
		return t.do(from, to)
	}
	return false
}

// Up are the nodes that are up.
func (w *World) Up() []*Node {
	var up []*Node
	for _, n := range w.nodes {
		if n.ring != nil {
			up = append(up, n)
		}
	}
	return up
}

// Together tells whether all nodes that are up are in one ring, and have had all messages.
func (w *World) Together() bool {
	var ids []uint32
	for _, n := range w.Up() {
		ids = append(ids, n.id)
	}
	for _, n := range w.Up() {
		if n.paused || n.ring.State() != totem.Operational || !slices.Equal(n.ring.Members(), ids) ||
			n.syncing || n.ring.ID() != w.byID[ids[0]].ring.ID() || !w.check.Settled(n.process()) {
			return false
		}
	}
	return true
}

// Await runs until the nodes that are up are Together.
func (w *World) Await(limit time.Duration) error {
	step := max(limit/200, time.Millisecond)
	for end := w.now + limit; w.err == nil && w.now < end; w.Run(step) {
		if w.Together() {
			return nil
		}
	}
	if w.err != nil {
		return w.err
	}
	w.fail(fmt.Errorf("liveness: the nodes do not come together within %v:%s", limit, w.state()))
	return w.err
}

func (w *World) state() string {
	s := ""
	for _, n := range w.nodes {
		if n.ring != nil {
			s += fmt.Sprintf("\n  node %d: %v, ring %v, members %v, syncing %v, paused %v, has everything %v",
				n.id, n.ring.State(), n.ring.ID(), n.ring.Members(), n.syncing, n.paused, w.check.Settled(n.process()))
		}
	}
	return s
}

func (w *World) fail(err error) {
	if err != nil && !w.blind {
		w.trace("WRONG: %v", err)
		if w.err == nil {
			w.err = fmt.Errorf("after %v: %w", w.now, err)
		}
	}
}

func (w *World) trace(format string, args ...any) {
	if w.Trace != nil {
		fmt.Fprintf(w.Trace, "%12v  "+format+"\n", append([]any{w.now}, args...)...)
	}
}

// ErrDown tells that a node is down.
var ErrDown = errors.New("the node is down")
