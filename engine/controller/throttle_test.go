package controller

import (
	"testing"

	"hacluster/engine/transition"
)

func TestPressure(t *testing.T) {
	for _, c := range []struct {
		s    Sample
		want pressure
	}{
		{Sample{Cores: 2, Load: 1.9}, pressureNone},
		{Sample{Cores: 2, Load: 2.0}, pressureLow},
		{Sample{Cores: 2, Load: 2.6}, pressureMedium},
		{Sample{Cores: 2, Load: 3.3}, pressureHigh},
		{Sample{Cores: 1, Load: 0.6}, pressureLow},
		{Sample{Cores: 8, Load: 6, Busy: 0.7}, pressureLow},
		{Sample{Cores: 8, Busy: 0.75}, pressureMedium},
		{Sample{Cores: 8, Busy: 0.9}, pressureHigh},
		{Sample{Cores: 8, Busy: 1.3}, pressureExtreme},
		{Sample{Cores: 8, Busy: -1}, pressureNone},
	} {
		if got := max(loadPressure(c.s, 0.8), busyPressure(c.s, 0.8)); got != c.want {
			t.Errorf("%+v: %s, want %s", c.s, got, c.want)
		}
	}
	for _, c := range []struct {
		s         Sample
		threshold float64
		want      pressure
	}{
		{Sample{Cores: 2, Load: 50, Busy: 0.7}, 0, pressureNone}, // the load does not matter
		{Sample{Cores: 2, Load: 50, Busy: 1}, 0, pressureHigh},   // the process is one all the same
		{Sample{Cores: 2, Load: 1.2}, 0.4, pressureLow},
		{Sample{Cores: 4, Busy: 0.5}, 0.4, pressureHigh},
		{Sample{Cores: 1, Busy: 0.35}, 0.8, pressureLow},
		{Sample{Cores: 1, Busy: 0.35}, 0.2, pressureExtreme},
		{Sample{Cores: 8, Load: 9, Busy: 0.9}, 5, pressureMedium}, // a core has no more than one
	} {
		if got := max(loadPressure(c.s, c.threshold), busyPressure(c.s, c.threshold)); got != c.want {
			t.Errorf("threshold %v, %+v: %s, want %s", c.threshold, c.s, got, c.want)
		}
	}
	for s, want := range map[string]float64{"80%": 0.8, "120%": 1.2, "0%": 0, " 12.5%": 0.125, "80% of it": 0.8} {
		if got, ok := percent(s); got != want || !ok {
			t.Errorf("percent %q: %v, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "x%", "-1%", "80", "80 %", "nan%"} {
		if got, ok := percent(s); ok {
			t.Errorf("percent %q: %v, and it is none", s, got)
		}
	}
}

func TestRoom(t *testing.T) {
	c := &Controller{peers: map[string]*peer{}, self: Member{Name: "a"}}
	if c.room("a") != 0 {
		t.Error("before anything is measured there is a limit")
	}
	c.own = capacity{pressureNone, 8}
	for name, p := range map[string]pressure{"none": pressureNone, "low": pressureLow, "medium": pressureMedium, "high": pressureHigh, "extreme": pressureExtreme} {
		c.peers[name] = &peer{told: true, process: true, capacity: capacity{p, 8}}
	}
	for name, want := range map[string]int{"none": 8, "low": 4, "medium": 2, "high": 1, "extreme": 1, "unknown": 4} {
		if got := c.room(name); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
	op := func(node, action, source, target string) *transition.Action {
		a := &transition.Action{Kind: transition.ResourceOp, Operation: action, Node: node}
		if source != "" {
			a.Attrs = append(a.Attrs, transition.Attr{Name: "CRM_meta_migrate_source", Value: source}, transition.Attr{Name: "CRM_meta_migrate_target", Value: target})
		}
		return a
	}
	l := &load{jobs: map[string]int{}, moves: map[string]int{}}
	l.add(op("medium", "start", "", ""), 1)
	if !c.fits(l, op("medium", "start", "", ""), 0, 0) {
		t.Error("there is no room for a second")
	}
	l.add(op("medium", "migrate_to", "medium", "none"), 1)
	if c.fits(l, op("medium", "stop", "", ""), 0, 0) || !c.fits(l, op("none", "stop", "", ""), 0, 0) {
		t.Error("a node takes more than it can")
	}
	if l.jobs["none"] != 1 || c.fits(l, op("low", "migrate_to", "low", "none"), 0, 1) || !c.fits(l, op("low", "migrate_to", "low", "none"), 0, 2) {
		t.Error("migrations do not count on both sides")
	}
	over := op("far", "migrate_to", "far", "none")
	over.Router = "low"
	if !c.fits(l, over, 0, 1) {
		t.Error("a migration over a connection counts for migration-limit")
	}
	if l.add(over, 1); l.jobs["low"] != 1 || l.moves["low"] != 0 || l.jobs["far"] != 0 || l.jobs["none"] != 1 {
		t.Errorf("a migration over a connection is work of the node that has it: %+v", l)
	}
	if l.add(over, -1); c.fits(l, op("none", "start", "", ""), 2, 0) {
		t.Error("batch-limit does not hold")
	}
}

// TestConnectionIsNoWork holds that a connection which waits for a remote host, on a busy node of a busy cluster, keeps nothing else from its turn.
func TestConnectionIsNoWork(t *testing.T) {
	c := &Controller{peers: map[string]*peer{"a": {told: true, process: true, capacity: capacity{pressureExtreme, 4}}}, self: Member{Name: "a"}}
	step := func(id int, kind string) *transition.Synapse {
		return &transition.Synapse{ID: id, Action: &transition.Action{
			ID: id, Kind: transition.ResourceOp, Operation: "start", Node: "a", Resource: &transition.Resource{Class: "ocf", Provider: "pacemaker", Type: kind},
		}}
	}
	r := newRun(1, &transition.Graph{Synapses: []*transition.Synapse{step(0, "remote"), step(1, "Dummy"), step(2, "Dummy"), step(3, "remote")}}, "")
	fits := func(i int) bool { return c.fits(r.under, r.graph.Synapses[i].Action, c.batchLimit(r), 0) }
	r.set(0, stepFired)
	if !fits(1) {
		t.Fatal("a service waits for a connection")
	}
	r.set(1, stepFired)
	if fits(2) || !fits(3) {
		t.Errorf("beside one action on a node that can take one, another fits: %v, a connection: %v", fits(2), fits(3))
	}
	if got := r.next(-1, func(place string) bool { return place == "a" }); got != 3 {
		t.Errorf("with the node full, the next step is %d", got)
	}
	r.set(1, stepDone)
	if r.under.all != 0 || r.under.jobs["a"] != 0 || r.fired != 1 {
		t.Errorf("left under way beside the connection: %+v; in all %d", r.under, r.fired)
	}
	r.set(0, stepDone)
	if r.fired != 0 {
		t.Errorf("%d are left under way", r.fired)
	}
}
