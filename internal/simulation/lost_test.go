package simulation

import (
	"strings"
	"testing"
)

// A daemon stands still for so long that the DC gives up a step of its node, or over its connection to a remote node, and writes into the history that it failed. When the
// daemon goes on, what it knows is what the CIB has (Differ); and when a person has the failure forgotten meanwhile, or later, it is gone.
func TestLostStep(t *testing.T) {
	for _, x := range []struct {
		fencing bool
		to      string // where the resource is to start
		paused  int
		forget  int // when the failure is forgotten, in milliseconds; 0: never
	}{
		{false, "node3", 3, 0},
		{false, "node3", 3, 85000},
		{false, "node3", 3, 120000},
		{true, "node2", 2, 0},
		{true, "node2", 2, 85000},
		{false, "remote1", 1, 0},
		{true, "remote1", 1, 0},
		{true, "remote1", 1, 120000},
	} {
		for seed := uint64(1); seed <= 4; seed++ {
			s := &Scenario{Seed: seed, Nodes: 3, Remotes: 1, Fencing: x.fencing, Devices: "one", Resources: []string{"P1"}, Agent: 300, Length: 150000, Steps: []Step{
				{At: 900, Do: "pause", Host: x.paused, Arg: "pacemaker", For: 90000, On: MomentStart},
				{At: 1000, Do: "move", Host: 1, Arg: "P1 " + x.to},
			}}
			if x.forget > 0 {
				s.Steps = append(s.Steps, Step{At: x.forget, Do: "cleanup", Host: 1, Arg: "P1"})
			}
			out, err := Play(s, true)
			if err != nil {
				t.Fatal(err)
			}
			log := strings.Join(out.Log, "\n")
			if out.Broken != nil || !strings.Contains(log, "P1_start_0 on "+x.to+" was lost") {
				t.Fatalf("%+v, seed %d: %v\n%s", x, seed, out.Broken, log)
			}
			if failed := out.CIB.FindElement("status/node_state[@uname='"+x.to+"']//lrm_rsc_op[@id='P1_last_failure_0']") != nil; failed != (x.forget == 0) {
				t.Errorf("%+v, seed %d: the CIB tells of the failure: %v", x, seed, failed)
			}
		}
	}
}
