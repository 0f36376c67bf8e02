package simulation

import (
	"slices"
	"time"
)

// network carries the ring's packets, and fails as networks do.
type network struct {
	c *Cluster
	// cut[a][b]: packets of host a do not reach host b (ids).
	cut [][]bool
	// Shares of packets that are lost, doubled, or late by up to ten times.
	loss, double, late float64
	// slow is what the links of a host (id) take longer.
	slow []time.Duration
}

func newNetwork(c *Cluster, n int) network {
	w := network{c: c, slow: make([]time.Duration, n+1)}
	for range n + 1 {
		w.cut = append(w.cut, make([]bool, n+1))
	}
	return w
}

// latency is how long a packet takes: at least this, at most four times as much.
const latency = 100 * time.Microsecond

func (w *network) send(from, to uint32, packet []byte) {
	if from == to {
		b := slices.Clone(packet)
		w.c.at(10*time.Microsecond, func() { w.c.Hosts[to-1].receive(b) })
		return
	}
	copies := 1
	if w.loss > 0 && w.c.random.Float64() < w.loss {
		copies = 0
	}
	if w.double > 0 && w.c.random.Float64() < w.double {
		copies++
	}
	for range copies {
		b := slices.Clone(packet)
		d := latency + time.Duration(w.c.random.Int64N(int64(3*latency)))
		if w.late > 0 && w.c.random.Float64() < w.late {
			d *= 10
		}
		d += w.slow[from] + w.slow[to]
		w.c.at(d, func() {
			o := w.c.Hosts[to-1]
			if !w.cut[from][to] && (o.ring == nil || o.ring.file.has(from)) { // it listens to nobody else
				o.receive(b)
			}
		})
	}
}

// part cuts the links between the hosts of a side and all others.
func (w *network) part(side []uint32, yes bool) {
	for a := range w.cut {
		for b := range w.cut {
			if slices.Contains(side, uint32(a)) != slices.Contains(side, uint32(b)) {
				w.cut[a][b] = yes
			}
		}
	}
}

// heal makes all links good.
func (w *network) heal() {
	for _, row := range w.cut {
		clear(row)
	}
	clear(w.slow)
	w.loss, w.double, w.late = 0, 0, 0
}
