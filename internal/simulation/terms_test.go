package simulation

import (
	"testing"
)

// Scenarios that aim at terms: what would be lost if one of their rules were another. In all of them fencing is off, so that whoever slept, or was cut off,
// comes back to those who went on.
func TestTerms(t *testing.T) {
	power := func(at, host, long int) Step { return Step{At: at, Do: "power", Host: host, For: long} }
	part := func(at, long, host int, with string) Step {
		return Step{At: at, Do: "part", Host: host, Arg: with, For: long}
	}
	set := func(at, host int) Step { return Step{At: at, Do: "set", Host: host} }
	sleep := func(at, long, host int, what string) Step {
		return Step{At: at, Do: "pause", Host: host, Arg: what, For: long}
	}
	for _, x := range []struct {
		name  string
		nodes int
		steps []Step
	}{
		// node2 promises the second term to node1, and loses power before anything is changed in it; with node3, which knows nothing of that term, it
		// has another one.
		{"a promise outlives the power", 3, []Step{
			{At: 1000, Do: "stop-cluster", Host: 3}, power(3000, 3, 1100), power(3500, 2, 500), part(3500, 9000, 1, ""), set(9000, 2), set(9100, 3),
		}},
		// The leader sleeps with its term; two others have one after the other meanwhile, and it wakes with writes that were asked of it.
		{"an old leader wakes with an old term", 3, []Step{
			sleep(1000, 8000, 1, ""), set(1500, 1), set(4000, 2), {At: 5000, Do: "kill-pacemaker", Host: 2}, set(6500, 3), set(8999, 2), set(9000, 1), set(9010, 1), set(9050, 3),
		}},
		{"its daemon sleeps, and hears all at once", 3, []Step{
			sleep(1000, 8000, 1, "pacemaker"), set(1500, 1), set(4000, 2), {At: 5000, Do: "kill-pacemaker", Host: 2}, set(6500, 3), {At: 7000, Do: "kill-pacemaker", Host: 1}, set(9000, 1), set(9050, 3),
		}},
		// Who was asked delivers the change to itself, and to nobody else.
		{"a write that nobody else has", 3, []Step{
			{At: 900, Do: "part", On: MomentAsked, Host: 1, For: 9000, Delay: 60}, set(1000, 1), set(1000, 1), set(5000, 2), set(5100, 3), set(6000, 2),
		}},
		{"a write that nobody else has, with the power", 3, []Step{
			{At: 900, Do: "power", On: MomentSave, Who: WhoHere, For: 4000}, set(1000, 1), set(3500, 2), set(3600, 3), set(7000, 2),
		}},
		// Two takeovers, the second before the first has its term.
		{"two takeovers close together", 5, []Step{
			{At: 1000, Do: "kill-pacemaker", Host: 1}, {At: 1000, Do: "pause", On: MomentFinalize, Who: WhoHere, For: 5000}, set(1300, 3), set(1400, 4), set(3000, 5), set(4000, 2), set(6000, 2), set(6500, 1),
		}},
		{"a leader is lost with its announcement", 5, []Step{
			{At: 1000, Do: "kill-pacemaker", Host: 1},
			{At: 1000, Do: "power", On: MomentTerm, Who: WhoDC, For: 3000},
			{At: 1000, Do: "power", On: MomentTerm, Nth: 3, Who: WhoHere, For: 3000},
			set(1300, 3), set(1400, 4), set(3000, 5), set(4000, 2), set(6000, 2),
		}},
		// Parts with most nodes, one after the other, which share one node each.
		{"parts that overlap", 5, []Step{
			part(1000, 3000, 1, "2 3"), set(3000, 2), set(3100, 4), part(4000, 3000, 3, "4 5"), set(6000, 4), set(6100, 1), part(7000, 3000, 5, "1 2"), set(9000, 1), set(9100, 3), set(11000, 2),
		}},
		// A part without most nodes changes more than the others, and all lose power before they meet.
		{"more changes, in fewer nodes", 3, []Step{
			part(1000, 9000, 1, ""), set(3000, 2), set(3100, 1), set(3200, 1), set(3300, 1), set(3400, 1), power(5000, 1, 1500), power(5000, 2, 1000), power(5000, 3, 3000), set(12000, 3),
		}},
		// A change that one made before the others came is no change of their term.
		{"a change before the others came", 3, []Step{
			power(1000, 2, 6000), power(1000, 3, 6500), set(3500, 1), set(3600, 1), {At: 4000, Do: "kill-pacemaker", Host: 1}, {At: 6900, Do: "pause", Host: 1, For: 3000}, set(8500, 2), set(8600, 3),
		}},
		// What cannot be written cannot be promised, nor answered.
		{"disks are full while there is a takeover", 3, []Step{
			{At: 900, Do: "full", Host: 2, For: 7000}, {At: 1000, Do: "kill-pacemaker", Host: 1}, set(1500, 2), set(1600, 3), set(2500, 1), power(5000, 2, 1000), power(5000, 3, 6000), set(7500, 1), set(7600, 2),
		}},
		// Nobody else hears of a change, for the daemons of the others stand still, until the one who was asked waits no longer. They are killed with
		// what they have not read, and it loses power: the others have quorum without the change.
		{"two of three daemons are silent, and are killed", 3, []Step{
			sleep(1000, 20000, 2, "pacemaker"), sleep(1000, 20000, 3, "pacemaker"), set(1500, 1), {At: 11600, Do: "kill-pacemaker", Host: 2}, {At: 11600, Do: "kill-pacemaker", Host: 3}, power(11700, 1, 9000), set(18000, 2), set(19000, 3),
		}},
		{"the daemon of one of two is silent, and is killed", 2, []Step{
			set(500, 1), sleep(1000, 20000, 2, "pacemaker"), set(1500, 1), {At: 11600, Do: "kill-pacemaker", Host: 2}, power(11700, 1, 9000), set(18000, 2), set(19000, 2),
		}},
		// Two leaders in one group, each of which suspects the other's.
		{"who hears nobody leads itself", 3, []Step{
			{At: 1000, Do: "cut", Host: 1, Arg: "2", For: 4000}, {At: 1000, Do: "cut", Host: 1, Arg: "3", For: 6000}, set(1500, 1), set(4000, 2), set(4500, 1), set(5050, 1), set(5060, 2), set(7000, 3),
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			for _, fast := range []bool{false, true} {
				for seed := uint64(1); seed <= 3; seed++ {
					s := &Scenario{Seed: seed, Nodes: x.nodes, Fast: fast, Length: max(14000, x.steps[len(x.steps)-1].At+2000), Agent: 300, Resources: []string{"P1"}, Steps: x.steps}
					out, err := Play(s, false)
					if err != nil || out.Broken != nil {
						t.Errorf("seed %d, fast %v: %v, %v", seed, fast, out, err)
					} else if out.Acks == 0 {
						t.Errorf("seed %d, fast %v: nothing was acknowledged", seed, fast)
					}
				}
			}
		})
	}
}
