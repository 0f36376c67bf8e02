package simulation

import (
	"testing"
	"time"
)

// Of two halves the one has quorum that the quorum device votes for, and the service runs there alone; without the device's host neither has,
// and with lms a node that is alone has it.
func TestQuorumDevice(t *testing.T) {
	for _, x := range []struct {
		device string
		nodes  int
		side   []uint32
		server bool
		want   int // hosts with quorum
	}{
		{"ffsplit", 4, []uint32{1, 2}, true, 2},
		{"ffsplit", 2, []uint32{2}, true, 1},
		{"ffsplit", 4, []uint32{1, 2}, false, 0},
		{"lms", 3, []uint32{1}, true, 2},
	} {
		for seed := uint64(1); seed <= 3; seed++ {
			d := upWith(t, seed, x.nodes, false, x.device)
			d.arbiter.power(x.server)
			d.net.part(x.side, true)
			for _, n := range x.side { // all reach the device
				d.net.cut[n][d.arbiter.id], d.net.cut[d.arbiter.id][n] = false, false
			}
			d.Run(60 * time.Second)
			quorate := 0
			for _, h := range d.Hosts {
				if h.pcmk.quorate {
					quorate++
				}
			}
			if quorate != x.want {
				t.Fatalf("seed %d: %s of %d: %d have quorum\n%s", seed, x.device, x.nodes, quorate, d.Dump())
			}
			where := d.Running("P1")
			if x.want == 0 && len(where) > 0 || x.want > 0 && (len(where) != 1 || !d.Host(where[0]).pcmk.quorate) {
				t.Fatalf("seed %d: %s of %d: it runs on %v\n%s", seed, x.device, x.nodes, where, d.Dump())
			}
			d.arbiter.power(true)
			d.net.heal()
			d.Run(60 * time.Second)
			calm(t, d)
		}
	}
	d := upWith(t, 1, 3, false, "lms")
	for _, h := range d.Hosts[1:] {
		h.PowerOff()
	}
	if d.Run(60 * time.Second); !d.Hosts[0].pcmk.quorate || len(d.Running("P1")) != 1 {
		t.Errorf("the last one has no quorum with lms\n%s", d.Dump())
	}
}
