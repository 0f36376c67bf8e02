package totem_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hacluster/corosync/totem"
	"hacluster/corosync/wire"
)

// FuzzHostile feeds a member of a ring with packets that lie. Whatever they say, the ring must
// not fall over, and must come together again with an honest one.
func FuzzHostile(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
	f.Add(bytes.Repeat([]byte{0xff, 0, 0x80, 3, 0xfe}, 30))
	f.Fuzz(func(t *testing.T, lies []byte) { hostile(t, lies) })
}

func hostile(t *testing.T, lies []byte) {
	w := started(t, 1, 1, 2)
	victim := w.Node(1)
	w.Unchecked() // what lies make them deliver is no matter
	rng := rand.New(rand.NewPCG(1, uint64(len(lies))))
	take := func() uint32 {
		if len(lies) == 0 {
			return rng.Uint32N(3)
		}
		b := lies[0]
		lies = lies[1:]
		switch {
		case b < 128:
			return uint32(b)
		case b < 192:
			return ^uint32(b & 63)
		}
		return 1<<31 - 32 + uint32(b&63)
	}
	ring := func() wire.RingID {
		if take()%2 == 0 {
			return victim.Ring().ID()
		}
		return wire.RingID{Rep: take(), Seq: uint64(take())}
	}
	list := func() []uint32 {
		l := make([]uint32, take()%5)
		for i := range l {
			l[i] = take() % 6
		}
		return l
	}
	for range 60 {
		var p wire.Packet
		switch take() % 7 {
		case 0:
			k := &wire.Token{Node: 2, Seq: take(), TokenSeq: take(), Aru: take(), AruAddr: take() % 4, Ring: ring(), Backlog: take(), FCC: take(), Retrans: take()%2 == 0}
			for range take() % 4 {
				k.Retransmit = append(k.Retransmit, wire.Retransmit{Ring: ring(), Seq: take()})
			}
			p = k
		case 1:
			inner := &wire.Mcast{Node: 2, From: 2, Seq: take(), Ring: ring(), Payload: wire.Packed{Messages: [][]byte{{1}}}.Marshal()}
			p = &wire.Mcast{Node: 2, From: take() % 4, Seq: take(), Ring: ring(), Encapsulated: take()%2 == 0, Payload: inner.Marshal()}
		case 2:
			p = &wire.Mcast{Node: 2, From: take() % 4, Seq: victim.Ring().High() + 1 + take()%3, Ring: ring(), Payload: wire.Packed{
				Fragmented: uint8(take()), Continuation: uint8(take()), Messages: [][]byte{bytes.Repeat([]byte{byte(take())}, int(take()%100))},
			}.Marshal()}
		case 3:
			p = &wire.Join{Node: take() % 3, From: take() % 4, RingSeq: uint64(take()), Proc: list(), Failed: list()}
		case 4:
			members := list()
			c := &wire.Commit{Node: 2, TokenSeq: take(), Ring: ring(), Index: int(take() % 3), Members: members, Entries: make([]wire.CommitEntry, len(members))}
			for i := range c.Entries {
				c.Entries[i] = wire.CommitEntry{Ring: ring(), Aru: take(), HighDelivered: take(), Received: take()%2 == 0}
			}
			if c.Index > len(members) || len(members) == 0 {
				continue
			}
			p = c
		case 5:
			p = &wire.MergeDetect{Node: 2, From: take() % 4, Ring: ring()}
		case 6:
			p = &wire.HoldCancel{Node: 2, Ring: ring()}
		}
		victim.Receive(p.Marshal())
		w.Run(time.Duration(take()%50) * ms)
	}
	w.Run(30 * time.Second)
	for _, n := range w.Nodes() {
		r := n.Ring()
		if r.State() != totem.Operational || !slices.Equal(r.Members(), []uint32{1, 2}) || r.ID() != victim.Ring().ID() {
			t.Fatalf("node %d is in state %v, ring %v, members %v", n.ID(), r.State(), r.ID(), r.Members())
		}
	}
}
