package ringsim

import (
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"hacluster/corosync/totem"
	"hacluster/corosync/wire"
)

// Plan is what a history is made of.
type Plan struct {
	Seed  uint64
	Nodes int // 0: as the seed says, 2 to 32, most of them few
	Steps int // 0: as the seed says
	Trace io.Writer
	Spy   Spy
}

// Outcome is what a history was.
type Outcome struct {
	Nodes, Events, Delivered int
	Time                     time.Duration // virtual
	Err                      error
}

// History plays a random history: nodes that start, die, leave, pause and talk on a network that gets bad and
// falls into parts, and traps that strike at a certain packet of the protocol. At its end all is well again, and the nodes
// must come together with all messages.
func History(p Plan) Outcome {
	h := &history{rng: rand.New(rand.NewPCG(p.Seed, 1))}
	count := p.Nodes
	if count == 0 {
		count = h.size()
	}
	ids := make([]uint32, count)
	for i, id := 0, uint32(0); i < count; i++ {
		id += 1 + h.rng.Uint32N(3)
		ids[i] = id
	}
	h.settings(count)
	h.w = New(p.Seed, h.config, ids...)
	h.w.Trace, h.w.Spy = p.Trace, p.Spy
	steps := p.Steps
	if steps == 0 {
		steps = 4 + h.rng.IntN(12)
		if count > 8 {
			steps = 3 + h.rng.IntN(4)
		}
	}
	h.play(steps)
	return Outcome{count, h.w.Events(), h.w.Delivered(), h.w.Now(), h.w.Err()}
}

type history struct {
	rng    *rand.Rand
	w      *World
	config totem.Config
	net    Net // as bad as it usually is
}

// size is how many nodes: most histories are small and cheap, and find as much.
func (h *history) size() int {
	switch k := h.rng.IntN(200); {
	case k < 150:
		return 2 + h.rng.IntN(3)
	case k < 190:
		return 5 + h.rng.IntN(4)
	case k < 198:
		return 9 + h.rng.IntN(8)
	}
	return 17 + h.rng.IntN(16)
}

func oneOf[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func (h *history) settings(nodes int) {
	const ms = time.Millisecond
	r := h.rng
	latency := oneOf(r, 200*time.Microsecond, ms, 2*ms, 4*ms)
	h.net = Net{
		Latency: latency, Spread: oneOf(r, latency/4, latency, 4*latency),
		Loss: oneOf(r, 0, 0, 0.01, 0.05, 0.2), Duplicate: oneOf(r, 0, 0, 0.02, 0.2), Stray: oneOf(r, 0, 0.005, 0.05),
	}
	// The token must have time to go round, and to be sent again when it is lost.
	token := max(oneOf(r, 100*ms, 300*ms, 1000*ms), time.Duration(nodes)*2*(latency+h.net.Spread))
	retransmit := max(token*10/42, 30*ms)
	h.config = totem.Config{
		Token: token, TokenRetransmit: retransmit, Hold: max(retransmit*8/10-10*ms, 14*ms),
		Join: oneOf(r, 50*ms, 30*ms), SendJoin: oneOf(r, 0, 0, 0, 40*ms), Consensus: token * 12 / 10, Merge: oneOf(r, 200*ms, 50*ms),
		FailRecv: oneOf(r, 2500, 2500, 30), SeqnoUnchanged: oneOf(r, 30, 3), WindowSize: oneOf(r, 50, 10, 300), MaxMessages: oneOf(r, 17, 17, 3),
		MissCount: oneOf(r, 5, 5, 1), NetMTU: oneOf(r, 1500, 1500, 300), CancelHoldOnRetransmit: r.IntN(4) == 0,
	}
}

// moment is a while in which something may happen: some hops of the token, or some of the protocol's timeouts.
func (h *history) moment() time.Duration {
	hop := h.net.Latency + h.net.Spread/2
	switch h.rng.IntN(4) {
	case 0:
		return time.Duration(h.rng.Int64N(int64(10 * hop)))
	case 1:
		return time.Duration(h.rng.Int64N(int64(h.config.Token)))
	case 2:
		return time.Duration(h.rng.Int64N(int64(40 * hop)))
	}
	return time.Duration(h.rng.Int64N(int64(3 * h.config.Token)))
}

func (h *history) play(steps int) {
	w := h.w
	w.Net = h.net
	all := h.rng.IntN(2) == 0
	for _, n := range w.nodes {
		if all || h.rng.IntN(4) > 0 {
			n.Start()
		}
	}
	if h.rng.IntN(2) == 0 {
		w.Run(3 * h.config.Token)
	}
	for range steps {
		if w.err != nil {
			return
		}
		h.fault()
		h.talk()
		w.Run(h.moment())
	}
	w.trace("all is well from here on")
	w.Heal()
	w.traps = nil
	w.Net.Loss, w.Net.Duplicate, w.Net.Stray = 0, 0, 0
	for _, n := range w.nodes {
		n.Start()
	}
	limit := 100*h.config.Token + 5*time.Second
	_ = w.Await(limit)
}

func (h *history) node() *Node { return oneOf(h.rng, h.w.nodes...) }

// talk has some nodes say something.
func (h *history) talk() {
	for range h.rng.IntN(12) {
		size := h.rng.IntN(150)
		switch h.rng.IntN(12) {
		case 0:
			size = h.rng.IntN(6000)
		case 1:
			size = h.rng.IntN(2000)
		}
		_ = h.node().Say(size)
		if h.rng.IntN(2) == 0 {
			h.w.Run(time.Duration(h.rng.Int64N(int64(4 * h.net.Latency))))
		}
	}
}

func (h *history) fault() {
	w, n := h.w, h.node()
	switch h.rng.IntN(16) {
	case 0, 1:
		n.Kill()
	case 2:
		n.Leave()
	case 3, 4:
		for _, o := range w.nodes {
			o.Start()
		}
	case 5, 6:
		h.split()
	case 7:
		w.trace("all hear each other")
		w.Heal()
	case 8:
		to := h.node()
		w.trace("node %d does not reach node %d", n.id, to.id)
		w.Cut(n.id, to.id)
	case 9, 10:
		n.Pause(h.moment())
	case 11:
		w.Net.Loss = oneOf(h.rng, 0, 0.05, 0.3)
		w.trace("the network loses %v", w.Net.Loss)
	case 12, 13, 14:
		h.trap()
	}
}

func (h *history) split() {
	sides := make([][]uint32, 2+h.rng.IntN(2))
	for _, o := range h.w.nodes {
		i := h.rng.IntN(len(sides))
		sides[i] = append(sides[i], o.id)
	}
	h.w.trace("the network falls into %v", sides)
	h.w.Split(sides...)
}

// trap has something happen at a certain packet of the protocol.
func (h *history) trap() {
	w := h.w
	kind := oneOf(h.rng, wire.KindToken, wire.KindMcast, wire.KindJoin, wire.KindCommit, wire.KindCommit, wire.KindMergeDetect, wire.KindHoldCancel)
	skip, times := h.rng.IntN(8), 1
	what := h.rng.IntN(6)
	if what == 0 && h.rng.IntN(2) == 0 {
		times = 1 + h.rng.IntN(6)
	}
	from, to := uint32(0), uint32(0)
	if h.rng.IntN(2) == 0 {
		from = h.node().id
	}
	if h.rng.IntN(2) == 0 {
		to = h.node().id
	}
	pause := h.moment()
	w.trace("a trap for the %v after %d of %d to %d: %d", kind, skip, from, to, what)
	w.Trap(kind, from, to, skip, times, func(from, to uint32) bool {
		w.trace("the trap springs at the %v from %d to %d", kind, from, to)
		switch what {
		case 0: // lost
			return true
		case 1, 2: // who sends it dies after it, or with it
			w.At(0, w.byID[from].Kill)
			return what == 2
		case 3:
			w.At(0, w.byID[to].Kill)
		case 4:
			w.At(0, func() { w.byID[to].Pause(pause) })
		case 5:
			w.At(0, h.split)
		}
		return false
	})
}

// String is one line about the outcome.
func (o Outcome) String() string {
	if o.Err != nil {
		return fmt.Sprintf("%d nodes, %v, %d events: %v", o.Nodes, o.Time, o.Events, o.Err)
	}
	return fmt.Sprintf("%d nodes, %v, %d events, %d deliveries", o.Nodes, o.Time, o.Events, o.Delivered)
}
