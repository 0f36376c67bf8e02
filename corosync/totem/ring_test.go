package totem

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"hacluster/corosync/wire"
)

var seeds = flag.Int("seeds", 60, "how many random histories TestHistories plays")

func TestAlone(t *testing.T) {
	w := newWorld(t, 1, 1)
	w.nodes[1].start()
	w.together(time.Second)
	// The first ring of a node that was never in one: 1, and 4 more.
	if id := w.nodes[1].ring.ID(); id != (wire.RingID{Rep: 1, Seq: 5}) {
		t.Errorf("first ring %v", id)
	}
	for range 100 {
		w.nodes[1].say(w.rng.IntN(20000))
	}
	w.together(time.Second)
	w.check()
}

func TestThree(t *testing.T) {
	w := newWorld(t, 1, 1, 2, 3)
	for _, id := range w.ids {
		w.nodes[id].start()
	}
	w.together(3 * time.Second)
	for i := range 300 {
		w.nodes[w.ids[i%3]].say(w.rng.IntN(5000))
		w.run(time.Millisecond)
	}
	w.together(3 * time.Second)
	w.check()
	for _, id := range w.ids {
		if got := len(w.nodes[id].rec.rings[len(w.nodes[id].rec.rings)-1].messages); got != 300 {
			t.Errorf("node %d has %d of 300 messages", id, got)
		}
	}
}

// TestDetection holds the time to notice a lost node against what was measured of the original: 2.2 times the token timeout at most.
func TestDetection(t *testing.T) {
	w := newWorld(t, 3, 1, 2, 3)
	for _, id := range w.ids {
		w.nodes[id].start()
	}
	w.together(3 * time.Second)
	w.run(5 * time.Second)
	w.nodes[3].kill()
	begin := w.now
	w.together(3 * time.Second)
	if d := w.now.Sub(begin); d > 2300*time.Millisecond || d < 1700*time.Millisecond {
		t.Errorf("noticed after %v", d)
	}
	// A node that says good-bye is not waited for.
	begin = w.now
	w.nodes[2].ring.Leave(w.now)
	w.nodes[2].work()
	w.nodes[2].kill()
	w.together(2 * time.Second)
	if d := w.now.Sub(begin); d > 300*time.Millisecond {
		t.Errorf("leave noticed after %v", d)
	}
}

// TestIdleRate holds that an idle ring rotates a few times a second only.
func TestIdleRate(t *testing.T) {
	w := newWorld(t, 4, 1, 2)
	w.nodes[1].start()
	w.nodes[2].start()
	w.together(3 * time.Second)
	w.run(2 * time.Second)
	before := w.nodes[1].ring.Stats().TokenRx
	w.run(10 * time.Second)
	if n := w.nodes[1].ring.Stats().TokenRx - before; n < 20 || n > 80 {
		t.Errorf("%d rotations of an idle ring in 10 s", n)
	}
	// A message does not wait for the holder.
	begin := w.now
	w.nodes[2].say(100)
	for w.nodes[2].rec.own == 0 {
		w.run(time.Millisecond)
		if w.now.Sub(begin) > 50*time.Millisecond {
			t.Fatal("a message waits on an idle ring")
		}
	}
}

func TestBigMessage(t *testing.T) {
	w := newWorld(t, 5, 1, 2)
	w.nodes[1].start()
	w.nodes[2].start()
	w.together(3 * time.Second)
	w.nodes[1].say(1 << 20)
	w.nodes[2].say(1 << 20)
	w.together(30 * time.Second)
	w.check()
	if err := w.nodes[1].ring.Send(w.now, Normal, "a", make([]byte, MaxMessage+1)); err != ErrTooBig {
		t.Errorf("too big a message: %v", err)
	}
	for range 20 {
		w.nodes[1].say(1 << 20)
	}
	if n := w.nodes[1].rec.sent - 1; n < 14 || n > 16 {
		t.Errorf("%d messages of 1 MiB taken", n)
	}
	if w.nodes[1].ring.Room(Normal) > 0 {
		t.Error("a full queue has room")
	}
}

// TestHistories plays random histories of losses, partitions, pauses and restarts.
func TestHistories(t *testing.T) {
	n := *seeds
	if testing.Short() {
		n = 10
	}
	for seed := range n {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			history(t, uint64(seed))
		})
	}
}

func history(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	ids := []uint32{1, 2, 3, 5, 8}[:2+rng.IntN(4)]
	w := newWorld(t, seed, ids...)
	w.loss = []float64{0, 0.01, 0.05, 0.1}[rng.IntN(4)]
	w.duplicate = []float64{0, 0.02}[rng.IntN(2)]
	w.spread = time.Duration(1+rng.IntN(3000)) * time.Microsecond
	for _, id := range ids {
		if rng.IntN(4) > 0 {
			w.nodes[id].start()
		}
	}
	for range 40 {
		n := w.nodes[ids[rng.IntN(len(ids))]]
		switch k := rng.IntN(12); {
		case k == 0 && n.ring != nil:
			n.kill()
		case k == 1 && n.ring != nil && !n.paused:
			n.ring.Leave(w.now)
			n.work()
			n.kill()
		case k <= 3 && n.ring == nil:
			n.start()
		case k == 4:
			for _, id := range ids {
				w.side[id] = rng.IntN(2)
			}
		case k == 5:
			clear(w.side)
		case k == 6 && n.ring != nil && !n.paused:
			n.paused = true
			w.at(time.Duration(rng.IntN(4000))*time.Millisecond, n.resume)
		}
		for range rng.IntN(30) {
			size := rng.IntN(200)
			if rng.IntN(5) == 0 {
				size = rng.IntN(8000)
			}
			w.nodes[ids[rng.IntN(len(ids))]].say(size)
			w.run(time.Duration(rng.IntN(20)) * time.Millisecond)
		}
		w.run(time.Duration(rng.IntN(1500)) * time.Millisecond)
	}
	clear(w.side)
	w.loss, w.duplicate = 0, 0
	for _, id := range ids {
		if w.nodes[id].ring == nil {
			w.nodes[id].start()
		}
	}
	w.run(5 * time.Second) // pauses end
	w.together(60 * time.Second)
	w.check()
}
