package simulation

import (
	"testing"
	"time"
)

// A DC that stood still while the others gave it up, and that was not fenced meanwhile, has none of them fenced when it
// comes back: most of the cluster accuse it.
func TestPausedDCFencesNobody(t *testing.T) {
	for seed := uint64(1); seed <= 2*seeds; seed++ {
		for _, n := range []int{3, 5} {
			d := up(t, seed, n, true)
			dc := d.Host(d.Hosts[0].pcmk.core.Controller.DC())
			switch seed % 3 {
			case 0:
				dc.Pause(true)
			case 1:
				dc.pcmk.pause(true)
			case 2:
				dc.ring.paused = true
			}
			for _, h := range d.Hosts {
				h.fence.mode = Fail
			}
			d.Run(3*time.Second + time.Duration(seed)*137*time.Millisecond)
			for _, h := range d.Hosts {
				h.fence.mode = ""
			}
			switch seed % 3 {
			case 0:
				dc.Pause(false)
			case 1:
				dc.pcmk.pause(false)
			case 2:
				dc.ring.paused = false
				dc.ring.resume()
			}
			d.Run(60 * time.Second)
			for _, h := range d.Hosts {
				if h != dc && d.Fences[h.Name] > 0 {
					t.Fatalf("seed %d: %s, which %d of %d nodes accused, had %s fenced\n%s", seed, dc.Name, n-1, n, h.Name, d.Dump())
				}
			}
			calm(t, d)
		}
	}
}
