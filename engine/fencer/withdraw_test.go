package fencer

import (
	"fmt"
	"slices"
	"testing"
)

// step carries out the next that is under way.
func (g *group) step() {
	f := g.queue[0]
	g.queue = g.queue[1:]
	f()
}

// until carries out what is under way until something holds.
func (g *group) until(holds func() bool) {
	for !holds() {
		if len(g.queue) == 0 {
			g.t.Fatal("nothing is under way any more")
		}
		g.step()
	}
}

// TestWithdrawn: what the cluster asked for and does not want any more is not begun, though only the one that asked knows; what runs already runs on.
// What a person asks for is done.
func TestWithdrawn(t *testing.T) {
	type stage int
	const (
		asking  stage = iota // no device is chosen yet
		waiting              // n3 is about to run one
		running              // the agent runs
	)
	for _, c := range []struct {
		name   string
		client string
		at     stage
		person bool // one asks for the same
		then   func(g *group) (more *[]error)
		runs   string
		fails  []bool
	}{
		{"while it is asked what devices there are", ClientController, asking, false, nil, "", []bool{true}},
		{"while the device's turn has not come", ClientController, waiting, false, nil, "", []bool{true}},
		{"when the agent runs", ClientController, running, false, nil, "n3 fence_a off", []bool{false}},
		{"a person's", "stonith_admin.1", waiting, false, nil, "n3 fence_a off", []bool{false}},
		{"with a person's", ClientController, waiting, true, nil, "n3 fence_a off", []bool{true, false}},
		{"when a join has begun since", ClientController, waiting, false, func(g *group) *[]error {
			g.overruled = nil // nothing is sure then
			return nil
		}, "", []bool{true}},
		{"when the plan asks again", ClientController, waiting, false, func(g *group) *[]error {
			g.overruled = nil
			return g.fence("n1", Request{Target: "n2", Action: "off", Client: ClientController, Controller: true})
		}, "n3 fence_b off", []bool{false, false}},
	} {
		g := newGroup(t, fmt.Sprintf(pair, ""), "n1", "n3")
		g.dc, g.judge, g.answer = "n1", "n1", good
		asker, other := g.nodes["n1"].f, g.nodes["n3"].f
		other.verified["A"], other.verified["B"] = true, true // so that it is asked
		got := []*[]error{g.fence("n1", Request{Target: "n2", Action: "off", Client: c.client, Controller: c.client == ClientController})}
		if c.person {
			got = append(got, g.fence("n1", Request{Target: "n2", Action: "off", Client: "stonith_admin.1"}))
		}
		switch c.at {
		case waiting:
			other.busy["A"] = 1 // with something else
			g.until(func() bool { return len(other.queued["A"]) > 0 })
		case running:
			g.until(func() bool { return g.runs() != "" })
		}
		g.overruled = func(string, []string) bool { return true }
		asker.Review(g.now)
		asker.Review(g.now) // it is withdrawn once
		if c.then != nil {
			if more := c.then(g); more != nil {
				got = append(got, more)
			}
		}
		g.settle()
		if c.at == waiting {
			other.release(other.device("A"))
			g.settle()
		}
		for i, want := range c.fails {
			if e := *got[i]; len(e) != 1 || (e[0] != nil) != want || want && e[0].Error() != overruled {
				t.Errorf("%s: request %d: %v", c.name, i, e)
			}
		}
		if g.runs() != c.runs {
			t.Errorf("%s: %q is run", c.name, g.runs())
		}
		if len(other.working) > 0 || len(asker.ops) > 0 || len(other.pending) > 0 {
			t.Errorf("%s: %v, %v, %v are left", c.name, other.working, asker.ops, other.pending)
		}
	}
}

// TestOriginLeft: what a node that left asked for is not begun any more; one that is back has had it done otherwise.
func TestOriginLeft(t *testing.T) {
	for _, back := range []bool{false, true} {
		g := newGroup(t, fmt.Sprintf(pair, ""), "n1", "n3")
		g.answer = good
		runner := g.nodes["n3"].f
		runner.verified["A"], runner.verified["B"] = true, true
		runner.busy["A"] = 1
		g.fence("n1", Request{Target: "n2", Action: "off", Client: ClientController, Controller: true})
		g.until(func() bool { return len(runner.queued["A"]) > 0 })
		if back { // each lost the other
			runner.Left(g.now, "n1")
			g.nodes["n1"].f.Left(g.now, "n3")
		} else {
			g.leave("n1")
		}
		runner.release(runner.device("A"))
		g.settle()
		if want := map[bool]string{true: "n1 fence_a off"}[back]; g.runs() != want || len(runner.working) > 0 {
			t.Errorf("back: %v: %q is run, and not %q; %v", back, g.runs(), want, runner.working)
		}
	}
}

// TestWithdrawnSpeaksForNobody: once a node has withdrawn what it asked for, it is not among those on whose word others go on.
func TestWithdrawnSpeaksForNobody(t *testing.T) {
	g := newGroup(t, fmt.Sprintf(pair, ""), "n1", "n3")
	dc, other := g.nodes["n1"].f, g.nodes["n3"].f
	other.verified["A"], other.verified["B"] = true, true
	other.busy["A"] = 1
	first := g.fence("n1", Request{Target: "n2", Action: "reboot", Client: ClientController, Controller: true})
	g.until(func() bool { return len(other.queued["A"]) == 1 })
	second := g.fence("n3", Request{Target: "n2", Action: "off", Client: ClientController, Controller: true})
	g.until(func() bool { return len(other.queued["A"]) == 2 })
	if a := other.Askers("n2"); !slices.Equal(a, []string{"n1", "n3"}) {
		t.Fatalf("at first %v ask", a)
	}
	g.overruled = func(string, []string) bool { return true }
	dc.Review(g.now)
	g.overruled = func(_ string, askers []string) bool { return !slices.Contains(askers, "n1") }
	g.settle()
	if a := other.Askers("n2"); !slices.Equal(a, []string{"n3"}) {
		t.Errorf("then %v ask", a)
	}
	other.Review(g.now)
	other.release(other.device("A"))
	g.settle()
	if len(*first) != 1 || (*first)[0] == nil || len(*second) != 1 || (*second)[0] == nil || g.runs() != "" {
		t.Errorf("%v, %v, %q is run", *first, *second, g.runs())
	}
}
