package knet

import (
	"math"
	"time"
)

// Traffic counts packets of one kind over a link. Bytes are those of datagrams without the headers of IP and UDP; of
// what has arrived, after it was decrypted.
type Traffic struct {
	TxPackets, TxBytes, RxPackets, RxBytes uint64
}

func (t *Traffic) sent(bytes int) { t.TxPackets, t.TxBytes = t.TxPackets+1, t.TxBytes+uint64(bytes) }

func (t *Traffic) heard(bytes int) { t.RxPackets, t.RxBytes = t.RxPackets+1, t.RxBytes+uint64(bytes) }

// LinkStats counts what has happened on a link to a host. As with the original, answers to the
// search for the path MTU are counted by who receives them only, and a link begins with having gone down once.
type LinkStats struct {
	Data, Ping, Pong, PMTUd Traffic
	Latency                 Spread // of pings, in microseconds
	Up, Down                uint32
}

// Total is all traffic together.
func (s LinkStats) Total() (t Traffic) {
	for _, o := range []Traffic{s.Data, s.Ping, s.Pong, s.PMTUd} {
		t.TxPackets, t.TxBytes = t.TxPackets+o.TxPackets, t.TxBytes+o.TxBytes
		t.RxPackets, t.RxBytes = t.RxPackets+o.RxPackets, t.RxBytes+o.RxBytes
	}
	return t
}

// Spread is the least, the greatest and the mean of samples; what it is when there are none, Min tells.
type Spread struct {
	Min, Max, Mean, Samples uint64
}

func (s *Spread) add(v uint64) {
	if s.Samples == 0 || v < s.Min {
		s.Min = v
	}
	s.Max = max(s.Max, v)
	s.Samples++
	s.Mean += uint64(int64(v-s.Mean) / int64(s.Samples))
}

// least is Min, or what stands for none.
func (s Spread) least(none uint64) uint64 {
	if s.Samples == 0 {
		return none
	}
	return s.Min
}

// LeastLatency and LeastTime are Min, or the greatest number there is where there are no samples.
func (s Spread) LeastLatency() uint64 { return min(s.least(math.MaxUint32), math.MaxUint32) }
func (s Spread) LeastTime() uint64    { return s.least(math.MaxUint64) }

// Work counts what was done to packets on one way, in or out. Times are in nanoseconds; one in timedEvery packets is timed.
type Work struct {
	Plain                       uint64 // stayed as they are while others are compressed
	Compressed                  uint64
	CompressedFrom              uint64 // bytes before
	CompressedTo                uint64 // bytes after
	CompressTime                Spread
	Encrypted, EncryptionAdded  uint64 // packets, and bytes that encryption has added
	EncryptTime                 Spread
	compressTimed, encryptTimed uint64
}

// timedEvery is how many packets go for each whose work is timed: reading the clock costs time, too.
const timedEvery = 16

// begin is the time where the packet is one that is timed; zero where not.
func (n *Net) begin(count *uint64) time.Time { return n.beginMany(count, 1) }

// beginMany is begin for packets that are worked on together: where one of them is timed, all are.
func (n *Net) beginMany(count *uint64, packets int) time.Time {
	before := *count
	*count += uint64(packets)
	if n.cfg.Clock == nil || (before+timedEvery-1)/timedEvery == (*count+timedEvery-1)/timedEvery {
		return time.Time{}
	}
	return n.cfg.Clock()
}

func (n *Net) took(s *Spread, since time.Time) {
	if !since.IsZero() {
		s.add(uint64(max(0, n.cfg.Clock().Sub(since))))
	}
}

// Stats is what was done to what was sent and to what has arrived.
func (n *Net) Stats() (tx, rx Work) { return n.tx, n.rx }

// LinkStats counts what has happened on a link to a host; false where there is none.
func (n *Net) LinkStats(id uint16, i int) (LinkStats, bool) {
	h := n.hosts[id]
	if h == nil || i < 0 || i >= len(h.links) || h.links[i] == nil {
		return LinkStats{}, false
	}
	return h.links[i].stats, true
}

// ClearStats sets all counters to 0.
func (n *Net) ClearStats() {
	n.tx, n.rx = Work{}, Work{}
	for _, h := range n.hosts {
		for _, l := range h.links {
			if l != nil {
				l.stats = LinkStats{}
			}
		}
	}
}

// kindOf is where packets of a type are counted.
func (s *LinkStats) kindOf(kind byte) *Traffic {
	switch kind {
	case typeData:
		return &s.Data
	case typePing:
		return &s.Ping
	case typePong:
		return &s.Pong
	}
	return &s.PMTUd
}

// sealed encrypts and signs packets that were laid, and counts them. bytes is how long they were altogether.
func (n *Net) sealed(list [][]byte, bytes int) {
	if n.seal.hash == nil {
		return
	}
	began := n.beginMany(&n.tx.encryptTimed, len(list))
	n.seal.finish(list)
	if !began.IsZero() {
		n.tx.EncryptTime.add(uint64(max(0, n.cfg.Clock().Sub(began))) / uint64(len(list)))
	}
	n.tx.Encrypted += uint64(len(list))
	for _, b := range list {
		n.tx.EncryptionAdded += uint64(len(b))
	}
	n.tx.EncryptionAdded -= uint64(bytes)
}
