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

// A quorum device is added, changed, and removed while the cluster runs: quorum stays all the time, the votes are those of the file, and what is configured decides
// who goes on.
func TestQuorumDeviceChanges(t *testing.T) {
	for seed := uint64(firstWithChangingDevice + 1); seed <= firstWithChangingDevice+3; seed++ {
		d := upWith(t, seed, 4, false, "")
		d.addArbiter()
		d.arbiter.power(true)
		lost := false
		d.check.quorum = func(h *Host) { lost = lost || !h.pcmk.quorate }
		votes := func(expected, device uint32) {
			t.Helper()
			d.Run(20 * time.Second)
			if calm(t, d); lost {
				t.Fatalf("seed %d: quorum was lost\n%s", seed, d.Dump())
			}
			for _, h := range d.Hosts {
				if v, _ := h.ring.node.Votes(); v.Expected != expected || v.DeviceVotes != device {
					t.Fatalf("seed %d: %s expects %d, and gives the device %d\n%s", seed, h.Name, v.Expected, v.DeviceVotes, d.Dump())
				}
			}
		}
		change := func(do, arg string) {
			if err := d.conf(d.Hosts[0], Step{Do: do, Host: 1, Arg: arg}); err != nil {
				t.Fatal(err)
			}
		}
		votes(4, 0)
		change("add-device", "algorithm=ffsplit")
		votes(5, 1)
		change("tune-device", "tie_breaker=highest heuristics=on interval=1")
		votes(5, 1)
		// Of two halves the one goes on whose heuristics pass, whatever the tie breaker says.
		d.check.quorum = nil
		for _, h := range d.Hosts[2:] {
			h.checks = Fail
		}
		d.Run(10 * time.Second)
		d.net.part([]uint32{1, 2}, true)
		for _, n := range []uint32{1, 2} {
			d.net.cut[n][d.arbiter.id], d.net.cut[d.arbiter.id][n] = false, false
		}
		d.Run(30 * time.Second)
		for i, h := range d.Hosts {
			if h.pcmk.quorate != (i < 2) {
				t.Fatalf("seed %d: %s has quorum: %v\n%s", seed, h.Name, h.pcmk.quorate, d.Dump())
			}
		}
		d.net.heal()
		for _, h := range d.Hosts {
			h.checks = ""
		}
		d.Run(60 * time.Second)
		d.check.quorum, lost = func(h *Host) { lost = lost || !h.pcmk.quorate }, false
		change("remove-device", "")
		votes(4, 0)
	}
}
