package simulation

import (
	"strings"
	"testing"
)

// A guest goes down with the resource that it is, and with the host of that; what ran on it is recovered when the host was fenced.
func TestGuestFollowsItsResource(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		s := &Scenario{Seed: seed, Nodes: 3, Guests: 1, Fencing: true, Devices: "one", Resources: []string{"P1"}, Length: 120000, Steps: []Step{
			{At: 0, Do: "move", Host: 1, Arg: "V1 node1"},
			{At: 15000, Do: "move", Host: 1, Arg: "P1 guest1"},
			{At: 40000, Do: "power", Host: 4},            // the machine that it is ends
			{At: 80000, Do: "power", Host: 1, For: 2000}, // its host does
		}}
		out, err := Play(s, true)
		if err != nil {
			t.Fatal(err)
		}
		log := strings.Join(out.Log, "\n")
		boots, ends := strings.Count(log, "guest1: boots"), strings.Count(log, "guest1: loses power")
		if out.Broken != nil || boots != ends+1 || ends < 2 || strings.Count(log, "guest1: agent: start P1 (interval 0s) = 0") < 3 {
			t.Fatalf("seed %d: %v; it boots %d times, and ends %d times\n%s", seed, out.Broken, boots, ends, log)
		}
	}
}
