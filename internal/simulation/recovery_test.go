package simulation

import (
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/controller"
	"hacluster/internal/node"
)

// sluggish has plans that do nothing for some minutes.
type sluggish struct{ node.World }

func (w sluggish) Plan(root *etree.Element, now time.Time) (controller.Plan, error) {
	p, err := w.World.Plan(root, now)
	if err == nil && now.After(start.Add(20*time.Second)) && now.Before(start.Add(6*time.Minute)) {
		p.Graph.Synapses = nil
	}
	return p, err
}

// TestOverdue: a cluster that needs minutes until its service is back is found, though it settles in the end.
func TestOverdue(t *testing.T) {
	s := &Scenario{Seed: firstBounded, Nodes: 2, Resources: []string{"P1"}, Length: 40000, Steps: []Step{{At: 30000, Do: "die", Host: 1, Arg: "P1"}, {At: 30000, Do: "die", Host: 2, Arg: "P1"}}}
	out, err := play(s, false, wrap(func(w node.World) node.World { return sluggish{w} }))
	if err != nil || out.Broken == nil || out.Broken.Invariant != Overdue {
		t.Errorf("found %v, %v", out.Broken, err)
	}
	if out, err = Play(s, false); err != nil || out.Broken != nil {
		t.Errorf("without the fault: %v, %v", out.Broken, err)
	}
}
