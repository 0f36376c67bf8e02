package simulation

import (
	"testing"
	"time"
)

// TestJoinCountsNoFailureAgain: the histories that nodes write when they join are no news, failures in them are counted already.
func TestJoinCountsNoFailureAgain(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		d := up(t, seed, 3, false)
		dc := d.Host(d.Hosts[0].pcmk.core.Controller.DC())
		for _, h := range d.Hosts {
			if h != dc { // what a DC writes of itself it knows
				if err := d.user(dc, Step{Do: "move", Arg: "P1 " + h.Name}); err != nil {
					t.Fatal(err)
				}
				break
			}
		}
		d.Run(10 * time.Second)
		one(t, d, dc.Name).die("P1")
		d.Run(30 * time.Second)
		one(t, d)
		count := func() string {
			for _, nv := range d.Hosts[0].pcmk.core.Replica.Root().FindElements("./status/node_state/transient_attributes//nvpair") {
				if nv.SelectAttrValue("name", "") == "fail-count-P1#monitor_10000" {
					return nv.SelectAttrValue("value", "")
				}
			}
			return ""
		}
		if got := count(); got != "1" {
			t.Fatalf("seed %d: after a failure the count is %q\n%s", seed, got, d.Dump())
		}
		for _, h := range d.Hosts {
			if r := d.Running("P1"); h != dc && h.Name != r[0] {
				h.KillPacemaker()
				break
			}
		}
		d.Run(30 * time.Second)
		calm(t, d)
		if got := count(); got != "1" {
			t.Fatalf("seed %d: after a join the count is %q\n%s", seed, got, d.Dump())
		}
	}
}
