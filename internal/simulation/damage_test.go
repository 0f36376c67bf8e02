package simulation

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestDamagedReplicaIsMended: one node, the DC or another, takes a change for another one than it is. Within seconds that is
// noticed and told, and the node has what the others have, or the DC where there are only two.
func TestDamagedReplicaIsMended(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		for _, n := range []int{2, 3} {
			d := up(t, seed, n, true)
			dc := d.Hosts[0].pcmk.core.Controller.DC()
			damaged := d.Hosts[seed%uint64(n)]
			d.check.every = time.Hour // what the checker would find at once
			d.adapt.message = func(h *Host, data []byte) []byte {
				if h == damaged {
					return bytes.ReplaceAll(data, []byte(`name="sim-1" value="yes"`), []byte(`name="sim-1" value="no"`))
				}
				return data
			}
			d.set(d.Hosts[0])
			d.Run(time.Second)
			d.adapt.message = nil
			if got := property(damaged.pcmk.core.Replica.Root(), "sim-1"); got != "no" {
				t.Fatalf("seed %d: the damage was not done: %q", seed, got)
			}
			d.Run(15 * time.Second)
			calm(t, d)
			want := "yes"
			if n == 2 && damaged.Name == dc {
				want = "no" // who could tell?
			}
			for _, h := range d.Hosts {
				if got := property(h.pcmk.core.Replica.Root(), "sim-1"); got != want {
					t.Fatalf("seed %d: %s of %d has %q after %s (the DC is %s) was damaged\n%s", seed, h.Name, n, got, damaged.Name, dc, d.Dump())
				}
			}
			if len(d.Fences) > 0 || !strings.Contains(d.Dump(), damaged.Name+": cib: the CIB of node") {
				t.Fatalf("seed %d: fenced %v, or nothing was told\n%s", seed, d.Fences, d.Dump())
			}
			d.check.every = 0
			d.Run(10 * time.Second)
			one(t, d)
		}
	}
}
