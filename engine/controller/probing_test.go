package controller

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hacluster/cib"
	"hacluster/engine/replica"
	"hacluster/engine/transition"
)

// A probe that finds something has a new plan made, but not before the other probes are done, unless something else happens or they take too
// long; nothing but probes is begun meanwhile.
func TestOtherProbesGoOn(t *testing.T) {
	const found, first = "monitor_0", 2 // as many as one of the cores takes at once
	for _, x := range []struct {
		name    string
		then    func(w *alone)
		ordered int // probes in the end
	}{
		{"nothing else happens", func(*alone) {}, 6},
		{"the configuration changes", func(w *alone) {
			w.c.CIBChanged(w.c.now, replica.Change{Op: cib.Modify, Section: "resources", Config: true, Node: "n1", Client: "cibadmin"})
		}, first + 1},
		{"they take too long", func(w *alone) { w.c.run.looks = w.c.now.Add(-time.Second) }, first + 1},
	} {
		g := &transition.Graph{}
		for i := range 6 {
			s := rscOp("monitor", fmt.Sprintf("r%d_%s", i, found), 0, transition.Attr{Name: "CRM_meta_op_target_rc", Value: "7"})
			s.ID, s.Action.ID = i, i+1
			g.Synapses = append(g.Synapses, s)
		}
		start := rscOp("start", "s_start_0", 0)
		start.ID, start.Action.ID = 6, 7
		g.Synapses = append(g.Synapses, start)
		w := begin()
		w.c.Sample(w.c.now, Sample{Cores: 1})
		w.settle()
		w.plans = []*transition.Graph{g}
		w.c.abort("a test")
		w.settle()
		planned := w.planned
		probes := func() int {
			return len(slices.DeleteFunc(w.keys(), func(k string) bool { return k == "s_start_0" }))
		}
		if probes() != first {
			t.Fatalf("%d probes are under way", probes())
		}
		w.answer(t, "r0_monitor_0", 8, true)
		x.then(w)
		w.settle()
		for i := 1; i < probes(); i++ {
			if w.planned != planned {
				t.Errorf("%s: planned while probes are under way", x.name)
			}
			w.answer(t, fmt.Sprintf("r%d_monitor_0", i), 7, true)
		}
		if probes() != x.ordered || w.planned != planned+1 {
			t.Errorf("%s: %d probes, not %d, and %d plans", x.name, probes(), x.ordered, w.planned-planned)
		}
		if slices.Contains(w.keys(), "s_start_0") {
			t.Errorf("%s: a start began", x.name)
		}
	}
}
