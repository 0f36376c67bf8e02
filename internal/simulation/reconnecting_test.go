package simulation

import (
	"strings"
	"testing"
)

// Two parts meet which had both been connected to a remote node, one of which moved what ran there meanwhile. Each tells what runs there, and one is wrong: nothing is
// started, and the loser's tale does not stay, before the node is connected to from one place and looked at anew.
func TestBothPartsWereConnected(t *testing.T) {
	both := 0
	for seed := uint64(1); seed <= 24; seed++ {
		out, err := Play(&Scenario{Seed: seed, Nodes: 2, Remotes: 1, Resources: []string{"P1"}, Agent: 300, Length: 45000, Steps: []Step{
			{At: 0, Do: "move", Host: 1, Arg: "P1 remote1"},
			{At: 13938, Do: "part", Host: 1, For: 9457}, // its connection is gone, and it has not noticed when they meet
			{At: 22611, Do: "move", Host: 2, Arg: "P1 node2"},
		}}, true)
		if err != nil {
			t.Fatal(err)
		}
		log := strings.Join(out.Log, "\n")
		if out.Broken != nil {
			t.Fatalf("seed %d: %v\n%s", seed, out.Broken, log)
		}
		if strings.Contains(log, "remote1 is connected to from two places") {
			both++
		}
	}
	if both < 3 {
		t.Errorf("the parts were both connected with %d seeds only", both)
	}
}

// A user has a resource on a remote node fail just when the connection to that is taken over, and both nodes are connected: it fails once. What the node that had the connection
// told of it comes into the CIB after the other one has taken the history over from there, which knows it all the same.
func TestFailsOnceWhileItsConnectionMoves(t *testing.T) {
	counted := 0
	for seed := uint64(1); seed <= 8; seed++ {
		out, err := play(&Scenario{Seed: seed, Nodes: 2, Remotes: 1, Fencing: true, Devices: "one", Resources: []string{"P1"}, Agent: 300, Length: 30000, Steps: []Step{
			{At: 0, Do: "move", Host: 1, Arg: "P1 remote1"},
			{At: 8000, Do: "fail", Host: 2, Arg: "P1", On: MomentConnected},
			{At: 8000, Do: "standby", Host: 2, Arg: "node1"},
		}}, true, adapters{})
		if err != nil {
			t.Fatal(err)
		}
		log := strings.Join(out.Log, "\n")
		if out.Broken != nil {
			t.Fatalf("seed %d: %v\n%s", seed, out.Broken, log)
		}
		counted += strings.Count(log, "node1: attributes: Setting fail-count-P1#asyncmon_0[remote1] in instance_attributes: (unset) -> 1")
	}
	if counted < 8 {
		t.Errorf("it failed in %d of 8 only", counted)
	}
}
