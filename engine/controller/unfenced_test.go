package controller

import (
	"testing"
	"time"

	"hacluster/engine/transition"
)

// A plan that is due waits until the CIB tells that a node was given its access, and for what devices, but not for ever.
func TestUnfencedIsNoted(t *testing.T) {
	unfence := func() *transition.Graph {
		return chain(&transition.Synapse{Action: &transition.Action{
			Kind: transition.ClusterEvent, Operation: "stonith", Node: "n1",
			Attrs: []transition.Attr{{Name: "CRM_meta_digests_all", Value: "A:fence_a:d2,"}, {Name: "CRM_meta_stonith_action", Value: "on"}},
		}})
	}
	state := func(w *alone, digests string) {
		w.root.SelectElement("status").AddChild(element(t, `<node_state id="1" uname="n1"><transient_attributes id="1"><instance_attributes id="status-1">`+
			`<nvpair id="a" name="#node-unfenced" value="1000"/><nvpair id="b" name="#digests-all" value="`+digests+`"/></instance_attributes></transient_attributes></node_state>`))
	}
	for _, c := range []struct {
		name    string
		digests string // in the CIB
		after   time.Duration
		planned bool
	}{
		{"not in the CIB", "", 0, false},
		{"of other devices", "A:fence_a:d1,", 0, false},
		{"in the CIB", "A:fence_a:d2,", 0, true},
		{"never in the CIB", "", notingHolds, true},
	} {
		w := begin()
		w.c.peer("n1").ID = 1
		w.plans = []*transition.Graph{unfence()}
		w.c.abort("a test")
		if w.settle(); len(w.fenced) != 1 || w.fenced[0].Action != "on" {
			t.Fatalf("%s: fenced: %v; %s", c.name, w.fenced, w.c.Describe())
		}
		if c.digests != "" {
			state(w, c.digests)
		}
		before := w.planned
		w.fencingEnds(nil)
		w.c.abort("an attribute changed")
		w.settle()
		if c.after > 0 {
			if d := w.c.Deadline(); d.After(w.c.now.Add(c.after)) {
				t.Errorf("%s: nothing is due before %s", c.name, d.Sub(w.c.now))
			}
			w.c.Tick(w.c.now.Add(c.after))
			w.settle()
		}
		if got := w.planned > before; got != c.planned {
			t.Errorf("%s: planned: %v", c.name, got)
		}
	}
}
