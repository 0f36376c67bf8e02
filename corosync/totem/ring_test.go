package totem_test

import (
	"testing"
	"time"

	"hacluster/corosync/ringsim"
	"hacluster/corosync/totem"
	"hacluster/corosync/wire"
)

// The nodes of these tests come from package ringsim, which also plays random histories.

const ms = time.Millisecond

// settings are the defaults of the original for a token of a second.
var settings = totem.Config{
	Token: 1000 * ms, TokenRetransmit: 238 * ms, Hold: 180 * ms, Join: 50 * ms, Consensus: 1200 * ms, Merge: 200 * ms,
	FailRecv: 2500, SeqnoUnchanged: 30, WindowSize: 50, MaxMessages: 17, MissCount: 5, NetMTU: 1500,
}

// started is a world whose nodes are together.
func started(t *testing.T, seed uint64, ids ...uint32) *ringsim.World {
	t.Helper()
	w := ringsim.New(seed, settings, ids...)
	for _, n := range w.Nodes() {
		n.Start()
	}
	await(t, w, 4*time.Second)
	return w
}

func await(t *testing.T, w *ringsim.World, limit time.Duration) {
	t.Helper()
	if err := w.Await(limit); err != nil {
		t.Fatal(err)
	}
}

func TestAlone(t *testing.T) {
	w := started(t, 1, 1)
	// The first ring of a node that was never in one: 1, and 4 more.
	if id := w.Node(1).Ring().ID(); id != (wire.RingID{Rep: 1, Seq: 5}) {
		t.Errorf("first ring %v", id)
	}
	for i := range 100 {
		if err := w.Node(1).Say(i * 200); err != nil {
			t.Fatal(err)
		}
	}
	await(t, w, time.Second)
}

func TestThree(t *testing.T) {
	w := started(t, 1, 1, 2, 3)
	before := w.Delivered()
	for i := range 300 {
		if err := w.Nodes()[i%3].Say(i * 17); err != nil {
			t.Fatal(err)
		}
		w.Run(ms)
	}
	await(t, w, 3*time.Second)
	if got := w.Delivered() - before; got != 900 {
		t.Errorf("%d deliveries of 300 messages to 3 nodes", got)
	}
}

// TestDetection holds the time to notice a lost node against what was measured of the original: 2.2 times the token timeout at most.
func TestDetection(t *testing.T) {
	w := started(t, 3, 1, 2, 3)
	w.Run(5 * time.Second)
	w.Node(3).Kill()
	begin := w.Now()
	await(t, w, 3*time.Second)
	if d := w.Now() - begin; d > 2300*ms || d < 1700*ms {
		t.Errorf("noticed after %v", d)
	}
	// A node that says good-bye is not waited for.
	begin = w.Now()
	w.Node(2).Leave()
	await(t, w, 2*time.Second)
	if d := w.Now() - begin; d > 300*ms {
		t.Errorf("leave noticed after %v", d)
	}
}

// TestIdleRate holds that an idle ring rotates a few times a second only.
func TestIdleRate(t *testing.T) {
	w := started(t, 4, 1, 2)
	w.Run(2 * time.Second)
	before := w.Node(1).Ring().Stats().TokenRx
	w.Run(10 * time.Second)
	if n := w.Node(1).Ring().Stats().TokenRx - before; n < 20 || n > 80 {
		t.Errorf("%d rotations of an idle ring in 10 s", n)
	}
	// A message does not wait for the holder.
	if err := w.Node(2).Say(100); err != nil {
		t.Fatal(err)
	}
	await(t, w, 50*ms)
}

func TestBigMessage(t *testing.T) {
	w := started(t, 5, 1, 2)
	for _, n := range w.Nodes() {
		if err := n.Say(1 << 20); err != nil {
			t.Fatal(err)
		}
	}
	await(t, w, 30*time.Second)
	r := w.Node(1).Ring()
	now := time.Unix(1000, 0).Add(w.Now())
	if err := r.Send(now, totem.Normal, "a", make([]byte, totem.MaxMessage+1)); err != totem.ErrTooBig {
		t.Errorf("too big a message: %v", err)
	}
	taken := 0
	for range 20 {
		if r.Send(now, totem.Normal, "a", make([]byte, 1<<20)) == nil {
			taken++
		}
	}
	if taken < 14 || taken > 16 {
		t.Errorf("%d messages of 1 MiB taken", taken)
	}
	if r.Room(totem.Normal) > 0 {
		t.Error("a full queue has room")
	}
}

// TestDoubt: who hears nothing of what it sent doubts before it sends it again, and not otherwise; a transport that finds another way then
// keeps the ring together.
func TestDoubt(t *testing.T) {
	w := started(t, 5, 1, 2, 3)
	var doubts, configurations int
	w.Tell = func(_ *ringsim.Node, e totem.Effect) {
		switch e.(type) {
		case *totem.Doubt:
			doubts++
			w.Heal() // the other way
		case *totem.Configuration:
			configurations++
		}
	}
	if w.Run(10 * time.Second); doubts > 0 {
		t.Errorf("%d doubts on a ring that is well", doubts)
	}
	for _, cut := range [][2]uint32{{1, 2}, {2, 3}, {3, 1}} {
		before := doubts
		w.Cut(cut[0], cut[1])
		if w.Run(2 * settings.TokenRetransmit); doubts == before {
			t.Errorf("nobody doubts that what %d sends arrives", cut[0])
		}
		w.Run(5 * time.Second)
	}
	if configurations > 0 {
		t.Error("the ring broke")
	}
	// Nor are the calls to a new ring trusted for ever.
	before := doubts
	w.Node(3).Kill()
	await(t, w, 3*time.Second)
	if doubts == before {
		t.Error("nobody doubts that what it says to a lost node arrives")
	}
}
