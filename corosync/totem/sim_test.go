package totem

import (
	"bytes"
	"container/heap"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hacluster/corosync/wire"
)

// world is several nodes and a bad network on virtual time.
type world struct {
	t     *testing.T
	rng   *rand.Rand
	now   time.Time
	queue events
	count int
	nodes map[uint32]*node
	ids   []uint32
	side  map[uint32]int // partitions: nodes hear each other when they are on one side

	loss, duplicate float64
	spread          time.Duration // of packets' travel times
	logs            []*record
}

type event struct {
	at   time.Time
	n    int
	what func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at.Before(e[j].at) || e[i].at.Equal(e[j].at) && e[i].n < e[j].n
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	x := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return x
}

// record is what one life of a node has seen.
type record struct {
	node  uint32
	life  int
	rings []*era
	sent  int
	own   int // own messages that came back
	ended bool
}

// era is a configuration and the messages delivered in it.
type era struct {
	ring     wire.RingID
	members  []uint32
	messages []string
	// The next ring, and who came along: empty where it was the last.
	next  wire.RingID
	trans []uint32
}

type node struct {
	w       *world
	id      uint32
	ring    *Ring
	seq     uint64 // on disk
	paused  bool
	inbox   [][]byte // while paused
	rec     *record
	life    int
	timer   time.Time
	synced  map[uint32]bool
	syncing bool
	trans   *Configuration
	quiet   bool // nothing is written down or checked
}

func newWorld(t *testing.T, seed uint64, ids ...uint32) *world {
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 7)), now: time.Unix(1000, 0), nodes: map[uint32]*node{}, ids: ids,
		side: map[uint32]int{}, spread: 300 * time.Microsecond,
	}
	for _, id := range ids {
		w.nodes[id] = &node{w: w, id: id}
	}
	return w
}

func (w *world) at(d time.Duration, what func()) {
	w.count++
	heap.Push(&w.queue, event{w.now.Add(d), w.count, what})
}

func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for len(w.queue) > 0 && !w.queue[0].at.After(end) {
		e := heap.Pop(&w.queue).(event)
		w.now = e.at
		e.what()
	}
	w.now = end
}

func (n *node) start() {
	ms := time.Millisecond
	r, err := New(Config{
		Node: n.id, RingSeq: n.seq, Token: 1000 * ms, TokenRetransmit: 238 * ms, Hold: 180 * ms, Join: 50 * ms, Consensus: 1200 * ms,
		Merge: 200 * ms, FailRecv: 2500, SeqnoUnchanged: 30, WindowSize: 50, MaxMessages: 17, MissCount: 5, NetMTU: 1500,
		Rand: rand.New(rand.NewPCG(uint64(n.id), n.w.rng.Uint64())),
	})
	if err != nil {
		n.w.t.Fatal(err)
	}
	n.ring = r
	n.life++
	n.rec = &record{node: n.id, life: n.life}
	n.w.logs = append(n.w.logs, n.rec)
	n.paused, n.inbox = false, nil
	n.ring.Start(n.w.now)
	n.work()
}

func (n *node) kill() {
	n.ring = nil
	n.rec.ended = true
}

func (n *node) receive(b []byte) {
	if n.ring == nil {
		return
	}
	if n.paused {
		if len(n.inbox) < 500 {
			n.inbox = append(n.inbox, b)
		}
		return
	}
	if err := n.ring.Receive(n.w.now, b); err != nil {
		n.w.t.Fatalf("node %d: %v", n.id, err)
	}
	n.work()
}

func (n *node) resume() {
	n.paused = false
	for len(n.inbox) > 0 && n.ring != nil {
		b := n.inbox[0]
		n.inbox = n.inbox[1:]
		n.receive(b)
	}
	if n.ring != nil {
		n.ring.Advance(n.w.now)
		n.work()
	}
}

// work carries the effects out.
func (n *node) work() {
	for n.ring != nil {
		e := n.ring.Next()
		if e == nil {
			break
		}
		{
			switch e := e.(type) {
			case *Unicast:
				n.w.send(n.id, e.To, e.Packet)
			case *Multicast:
				to := e.To
				if to == nil {
					to = n.w.ids
				}
				for _, id := range to {
					if id != n.id {
						n.w.send(n.id, id, e.Packet)
					}
				}
			case *StoreSeq:
				n.seq = e.Seq
			case *Flush:
				n.inbox = nil
			case *Configuration:
				if !n.quiet {
					n.configuration(e)
				} else if !e.Transitional {
					n.ring.SyncDone(e.Ring)
				}
			case *Deliver:
				if !n.quiet {
					n.deliver(e)
				}
			}
		}
	}
	n.arm()
}

func (n *node) arm() {
	if n.ring == nil {
		return
	}
	d := n.ring.Deadline()
	n.timer = d
	r := n.ring
	n.w.at(max(0, d.Sub(n.w.now)), func() {
		if n.ring == r && n.timer.Equal(d) && !n.paused {
			n.ring.Advance(n.w.now)
			n.work()
		}
	})
}

func (n *node) configuration(c *Configuration) {
	if c.Transitional {
		n.trans = c
		return
	}
	if n.trans == nil || n.trans.Ring != c.Ring {
		n.w.t.Fatalf("node %d: regular configuration %v without its transitional one", n.id, c.Ring)
	}
	if len(n.rec.rings) > 0 {
		last := n.rec.rings[len(n.rec.rings)-1]
		last.next, last.trans = c.Ring, n.trans.Members
		if want := subtract(last.members, n.trans.Members); !slices.Equal(want, n.trans.Left) {
			n.w.t.Fatalf("node %d: left %v, not %v", n.id, n.trans.Left, want)
		}
	}
	if want := subtract(c.Members, n.trans.Members); !slices.Equal(want, c.Joined) {
		n.w.t.Fatalf("node %d: joined %v, not %v", n.id, c.Joined, want)
	}
	n.rec.rings = append(n.rec.rings, &era{ring: c.Ring, members: c.Members})
	n.synced, n.syncing = map[uint32]bool{}, true
	m := fmt.Appendf(nil, "sync %v ", c.Ring)
	m = append(m, make([]byte, n.w.rng.IntN(3000))...)
	if err := n.ring.Send(n.w.now, Sync, wire.GroupSync, m); err != nil {
		n.w.t.Fatal(err)
	}
}

func (n *node) deliver(d *Deliver) {
	current := n.rec.rings[len(n.rec.rings)-1]
	if d.Group == wire.GroupSync {
		if bytes.HasPrefix(d.Message, fmt.Appendf(nil, "sync %v ", current.ring)) {
			n.synced[d.From] = true
			if len(n.synced) == len(current.members) {
				n.syncing = false
				n.ring.SyncDone(current.ring)
			}
		}
		return
	}
	if n.syncing && n.trans.Ring == current.ring {
		n.w.t.Fatalf("node %d: message of %d before the sync of %v is through", n.id, d.From, current.ring)
	}
	size := binary.LittleEndian.Uint32(d.Message)
	if int(size) != len(d.Message) || !bytes.Equal(d.Message[40:], pattern(len(d.Message)-40, d.Message[4])) {
		n.w.t.Fatalf("node %d: message of %d from %d is damaged", n.id, len(d.Message), d.From)
	}
	text := string(bytes.TrimRight(d.Message[5:40], "\x00"))
	current.messages = append(current.messages, text)
	if d.From == n.id {
		var from, life, number int
		_, _ = fmt.Sscanf(text, "%d/%d/%d", &from, &life, &number)
		if life == n.life {
			if number != n.rec.own {
				n.w.t.Fatalf("node %d: own message %d comes back after %d", n.id, number, n.rec.own)
			}
			n.rec.own++
		}
	}
}

func pattern(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = seed + byte(i*7)
	}
	return b
}

func (n *node) say(size int) {
	if n.ring == nil || n.paused {
		return
	}
	m := make([]byte, 40+size)
	binary.LittleEndian.PutUint32(m, uint32(len(m)))
	m[4] = byte(n.w.rng.Uint32())
	copy(m[5:40], fmt.Sprintf("%d/%d/%d/%d", n.id, n.life, n.rec.sent, size))
	copy(m[40:], pattern(size, m[4]))
	if err := n.ring.Send(n.w.now, Normal, wire.GroupServices, m); err == nil {
		n.rec.sent++
	}
	n.work()
}

func (w *world) send(from, to uint32, packet []byte) {
	copies := 1
	if from != to {
		if w.rng.Float64() < w.loss {
			copies = 0
		}
		if w.rng.Float64() < w.duplicate {
			copies++
		}
	}
	for range copies {
		b := slices.Clone(packet)
		d := 100*time.Microsecond + time.Duration(w.rng.Int64N(int64(w.spread)))
		if w.rng.IntN(200) == 0 {
			d *= 10
		}
		w.at(d, func() {
			if n := w.nodes[to]; n != nil && w.side[from] == w.side[to] {
				n.receive(b)
			}
		})
	}
}

// check holds that all lives saw the same: virtual synchrony.
func (w *world) check() {
	w.t.Helper()
	eras := map[wire.RingID][]*era{}
	var order []wire.RingID
	for _, rec := range w.logs {
		seen := map[string]bool{}
		for _, e := range rec.rings {
			if len(eras[e.ring]) == 0 {
				order = append(order, e.ring)
			}
			eras[e.ring] = append(eras[e.ring], e)
			for _, m := range e.messages {
				if seen[m] {
					w.t.Fatalf("node %d life %d: message %s twice", rec.node, rec.life, m)
				}
				seen[m] = true
			}
		}
	}
	for _, id := range order {
		list := eras[id]
		for i, a := range list {
			index := map[string]int{}
			for k, m := range a.messages {
				index[m] = k
			}
			for _, b := range list[i+1:] {
				if !slices.Equal(a.members, b.members) {
					w.t.Fatalf("ring %v has members %v and %v", id, a.members, b.members)
				}
				last := -1
				for _, m := range b.messages {
					k, ok := index[m]
					if !ok {
						continue
					}
					if k < last {
						w.t.Fatalf("ring %v: %s comes in another order", id, m)
					}
					last = k
				}
				if a.next != b.next || a.next.Seq == 0 {
					continue
				}
				am, bm := without(a.messages, b.messages), without(b.messages, a.messages)
				if !slices.Equal(am, bm) {
					w.t.Fatalf("ring %v to %v: those who go together have %d and %d messages\n%v\n%v", id, a.next, len(a.messages), len(b.messages), a.messages, b.messages)
				}
			}
		}
	}
}

// without leaves out messages that b does not have and need not have: the first of each sender,
// if it takes more than a packet. It may have been begun before the node that saw b came.
func without(a, b []string) []string {
	var kept []string
	first := map[string]bool{}
	for _, m := range a {
		var from, life, number, size int
		_, _ = fmt.Sscanf(m, "%d/%d/%d/%d", &from, &life, &number, &size)
		who := fmt.Sprint(from, life)
		if first[who] || slices.Contains(b, m) || size < 1300 {
			kept = append(kept, m)
		}
		first[who] = true
	}
	return kept
}

// together waits until all nodes that live are in one ring and have their own messages back.
func (w *world) together(limit time.Duration) {
	w.t.Helper()
	for end := w.now.Add(limit); w.now.Before(end); w.run(100 * time.Millisecond) {
		var live []uint32
		for _, id := range w.ids {
			if w.nodes[id].ring != nil {
				live = append(live, id)
			}
		}
		good := true
		for _, id := range live {
			n := w.nodes[id]
			good = good && n.ring.State() == Operational && slices.Equal(n.ring.Members(), live) && !n.syncing && n.rec.own == n.rec.sent &&
				n.ring.ID() == w.nodes[live[0]].ring.ID()
		}
		if good {
			return
		}
	}
	for _, id := range w.ids {
		if n := w.nodes[id]; n.ring != nil {
			w.t.Logf("node %d: %v ring %v members %v proc %v failed %v syncing %v own %d of %d", id, n.ring.State(), n.ring.ID(), n.ring.Members(), n.ring.proc, n.ring.failed, n.syncing, n.rec.own, n.rec.sent)
		}
	}
	w.t.Fatal("the nodes do not come together")
}
