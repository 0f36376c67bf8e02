package node

import (
	"slices"
	"testing"

	"hacluster/engine/transition"
)

// TestPromotionsAfterProbes: a promotion waits for probes of its clone elsewhere, but for none that waits for it; a
// node that leaves waits for all there.
func TestPromotionsAfterProbes(t *testing.T) {
	n := 0
	step := func(resource, operation, node string, inputs ...*transition.Synapse) *transition.Synapse {
		n++
		s := &transition.Synapse{Action: &transition.Action{ID: n, Kind: transition.ResourceOp, Operation: operation, Node: node, Resource: &transition.Resource{ID: resource}}}
		for _, in := range inputs {
			s.Inputs = append(s.Inputs, in.Action)
		}
		return s
	}
	elsewhere, here, other := step("M:1", "monitor", "n2"), step("M:0", "monitor", "n1"), step("X", "monitor", "n2")
	start := step("M:0", "start", "n1", here)
	promote := step("M:0", "promote", "n1", start)
	connect := step("remote", "start", "n1", promote)
	behind := step("M:2", "monitor", "remote", connect)
	leave := &transition.Synapse{Action: &transition.Action{ID: 99, Operation: "do_shutdown", Node: "n2"}}
	g := &transition.Graph{Synapses: []*transition.Synapse{elsewhere, here, other, start, promote, connect, behind, leave}}
	for range 2 { // a second time adds nothing
		afterProbes(g)
	}
	if want := []*transition.Action{start.Action, elsewhere.Action}; !slices.Equal(promote.Inputs, want) {
		t.Errorf("the promotion waits for %d actions, want %d", len(promote.Inputs), len(want))
	}
	if want := []*transition.Action{elsewhere.Action, other.Action}; !slices.Equal(leave.Inputs, want) {
		t.Errorf("leaving waits for %d actions, want %d", len(leave.Inputs), len(want))
	}
	if len(start.Inputs) != 1 || len(behind.Inputs) != 1 {
		t.Error("others wait, too")
	}
}
