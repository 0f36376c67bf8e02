package simulation

import (
	"testing"
	"time"

	"hacluster/cib"
	"hacluster/engine/fencer"
)

// TestFencingReaction: a node that hears that it was fenced, which was a lie, leaves the cluster and stays away; where
// fencing-reaction is panic, its host ends itself and comes back.
func TestFencingReaction(t *testing.T) {
	for _, c := range []struct {
		option   string
		comeback bool
	}{{"", false}, {"stop", false}, {"panic", true}} {
		for seed := uint64(1); seed <= seeds; seed++ {
			d := up(t, seed, 3, true)
			if c.option != "" {
				d.Change("node1", cib.Request{Op: cib.Modify, Section: "crm_config", CanCreate: true, Data: parse(t,
					`<cluster_property_set id="reaction"><nvpair id="reaction-1" name="fence-reaction" value="`+c.option+`"/></cluster_property_set>`)}, nil)
			}
			d.Run(5 * time.Second)
			for _, h := range d.Hosts {
				h.fence.mode = Lie
			}
			target := d.Host("node3")
			before := target.boots
			d.Host("node1").pcmk.call(func(now time.Time) {
				d.Host("node1").pcmk.core.Fencer.Fence(now, fencer.Request{Target: target.Name, Action: "reboot", Client: "stonith_admin"}, func(error) {})
			})
			d.Run(10 * time.Second)
			for _, h := range d.Hosts {
				h.fence.mode = ""
			}
			d.Run(30 * time.Second)
			switch back := target.boots > before; {
			case back != c.comeback:
				t.Fatalf("seed %d: fence-reaction %q: the host was started again: %v, want %v\n%s", seed, c.option, back, c.comeback, d.Dump())
			case !c.comeback && target.Up():
				t.Fatalf("seed %d: fence-reaction %q: the node that was said to be fenced takes part\n%s", seed, c.option, d.Dump())
			case c.comeback:
				calm(t, d)
			}
		}
	}
}
