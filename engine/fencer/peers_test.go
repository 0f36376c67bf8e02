package fencer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMerge: of several nodes that want the same at once one does it, and all hear of the end.
func TestMerge(t *testing.T) {
	for _, works := range []bool{true, false} {
		g := newGroup(t, fmt.Sprintf(pair, ""), "n1", "n3")
		g.answer = func(string, string, string) int {
			if works {
				return 0
			}
			return 1
		}
		a := g.fence("n1", Request{Target: "n2", Action: "off", Client: "stonith_admin.1"})
		b := g.fence("n3", Request{Target: "n2", Action: "off", Client: "stonith_admin.2"})
		c := g.fence("n3", Request{Target: "n2", Action: "reboot", Client: ClientController, Controller: true})
		d := g.fence("n3", Request{Target: "n1", Action: "off", Client: "stonith_admin.3"}) // something else
		g.settle()
		for i, got := range []*[]error{a, b, c, d} {
			if len(*got) != 1 || ((*got)[0] == nil) != works {
				t.Errorf("works %t: request %d: %v", works, i, *got)
			}
		}
		if n := strings.Count(g.runs(), "off"); works && n != 2 {
			t.Errorf("%d runs: %s", n, g.runs())
		}
		if reboots := strings.Contains(g.runs(), "reboot"); reboots == works {
			t.Errorf("works %t: who is off is not rebooted, who is not is: %s", works, g.runs())
		}
	}
}

// TestEndIsLogged: all nodes log by whom a node was fenced, or that nobody was found who does it.
func TestEndIsLogged(t *testing.T) {
	g := newGroup(t, fmt.Sprintf(pair, ""), "n1", "n3")
	g.answer = good
	g.fence("n1", Request{Target: "n2", Action: "off", Client: "x"})
	g.settle()
	g.fence("n3", Request{Target: "n5", Action: "off", Client: "x"})
	g.settle()
	for _, n := range g.names {
		log := strings.Join(g.nodes[n].told, "\n")
		for _, want := range []string{"Operation 'off' targeting n2 by n1 for x@n1: OK (Done)", "Operation 'off' targeting n5 by unknown node for x@n3: Error occurred (No fence device)"} {
			if !strings.Contains(log, want) {
				t.Errorf("%s does not log %q: %s", n, want, log)
			}
		}
	}
}

// TestOriginatorLeaves: who waited for another's fencing does it himself when that one is gone; nobody shows it as under way for ever.
func TestOriginatorLeaves(t *testing.T) {
	g := newGroup(t, fmt.Sprintf(pair, ""), "n1", "n3", "n4")
	g.answer = func(node, _, _ string) int {
		if node == "n1" {
			g.leave("n1")
		}
		return 0
	}
	g.fence("n1", Request{Target: "n2", Action: "off"})
	b := g.fence("n3", Request{Target: "n2", Action: "off"})
	g.settle()
	if len(*b) != 1 || (*b)[0] != nil || g.runs() != "n1 fence_a off, n3 fence_a off" {
		t.Errorf("%v after %s", *b, g.runs())
	}
	for _, n := range []string{"n3", "n4"} {
		f := g.nodes[n].f
		h := f.History("n2")
		if len(h) != 2 || len(f.pending) != 0 {
			t.Fatalf("%s: %+v, pending %v", n, h, f.pending)
		}
		for _, r := range h {
			if (r.State == Done) != (r.Origin == "n3") || r.State <= Executing {
				t.Errorf("%s: %+v", n, r)
			}
		}
	}
}

// TestOwnFencing: a node that is to be fenced leaves that to another, so that the rest hear of it.
func TestOwnFencing(t *testing.T) {
	conf := fmt.Sprintf(pair, "")
	t.Run("the next one does it", func(t *testing.T) {
		g := newGroup(t, conf, "n1", "n3", "n4")
		g.answer = func(node, _, _ string) int { g.leave("n1"); return 0 }
		g.fence("n1", Request{Target: "n1", Action: "reboot", Client: ClientController, Controller: true})
		g.settle()
		if g.runs() != "n3 fence_a reboot" || !strings.Contains(strings.Join(g.log, "\n"), "n4 hears of n1") {
			t.Errorf("%s\n%s", g.runs(), strings.Join(g.log, "\n"))
		}
		if h := g.nodes["n4"].f.History("n1"); len(h) != 1 || h[0].State != Done || h[0].Origin != "n3" {
			t.Errorf("%+v", h)
		}
	})
	t.Run("its failure is told", func(t *testing.T) {
		g := newGroup(t, conf, "n1", "n3")
		g.answer = func(string, string, string) int { return 1 }
		got := g.fence("n1", Request{Target: "n1", Action: "off"})
		if g.settle(); len(*got) != 1 || (*got)[0] == nil || len(g.nodes["n1"].f.ops) != 0 {
			t.Errorf("%v, %d operations", *got, len(g.nodes["n1"].f.ops))
		}
	})
	t.Run("who does not begin is passed over", func(t *testing.T) {
		g := newGroup(t, conf, "n1", "n3", "n4")
		g.answer = good
		n3 := g.nodes["n3"]
		g.nodes["n3"] = &member{g: g, name: "n3", f: New("elsewhere", nil, n3)} // hears of nothing that is for it
		got := g.fence("n1", Request{Target: "n1", Action: "off"})
		g.run()
		g.after(relayLimit)
		for range 100 {
			g.after(time.Second)
		}
		if len(*got) != 1 || (*got)[0] != nil || g.runs() != "n4 fence_a off" {
			t.Errorf("%v after %s", *got, g.runs())
		}
	})
	t.Run("alone", func(t *testing.T) {
		g := newGroup(t, conf, "n1")
		g.answer = good
		got := g.fence("n1", Request{Target: "n1", Action: "off"})
		if g.settle(); len(*got) != 1 || (*got)[0] != nil || g.runs() != "n1 fence_a off" {
			t.Errorf("%v after %s", *got, g.runs())
		}
	})
}

// TestOverruled: what an earlier DC asked for is not carried out once nobody who asks has a say; who asks besides has it done all the same.
func TestOverruled(t *testing.T) {
	for _, c := range []struct {
		name   string
		second *Request // by n3, while the device is busy with the first
		runs   string
		errs   []bool // of the first and the second
	}{
		{"the earlier DC alone", nil, "", []bool{true}},
		{"the DC, too", &Request{Target: "n2", Action: "off", Client: ClientController, Controller: true}, "n1 fence_a off", []bool{false, false}},
		{"a person, too", &Request{Target: "n2", Action: "off", Client: "stonith_admin.1"}, "n3 fence_a off", []bool{true, false}},
	} {
		g := newGroup(t, fmt.Sprintf(pair, ""), "n1", "n2", "n3")
		g.overruled = func(target string, askers []string) bool { return target == "n2" && !slices.Contains(askers, "n3") }
		if c.name == "a person, too" {
			g.overruled = func(target string, askers []string) bool { return target == "n2" }
		}
		g.answer = good
		a := g.fence("n1", Request{Target: "n2", Action: "off", Client: ClientController, Controller: true})
		got := []*[]error{a}
		if c.second != nil {
			got = append(got, g.fence("n3", *c.second))
		}
		g.settle()
		for i, want := range c.errs {
			if e := *got[i]; len(e) != 1 || (e[0] != nil) != want || want && e[0].Error() != overruled {
				t.Errorf("%s: request %d: %v", c.name, i, e)
			}
		}
		if g.runs() != c.runs {
			t.Errorf("%s: %s", c.name, g.runs())
		}
	}
	// A node that has its own fencing done by another has a say in it.
	g := newGroup(t, fmt.Sprintf(pair, ""), "n1", "n2", "n3")
	g.answer, g.overruled = good, func(_ string, askers []string) bool { return !slices.Contains(askers, "n2") }
	got := g.fence("n2", Request{Target: "n2", Action: "off", Client: ClientController, Controller: true})
	if g.settle(); len(*got) != 1 || (*got)[0] != nil {
		t.Errorf("a node's own fencing: %v, %s", *got, g.runs())
	}
	// Also before the one that does it has heard itself tell of that.
	got = g.fence("n2", Request{Target: "n2", Action: "off", Client: ClientController, Controller: true})
	g.until(func() bool { return len(g.nodes["n1"].f.ops) > 0 })
	g.nodes["n1"].f.Review(g.now)
	if g.settle(); len(*got) != 1 || (*got)[0] != nil {
		t.Errorf("a node's own fencing, reviewed at once: %v, %s", *got, g.runs())
	}
}

// TestLeftWhileItIsHandedOn: a node whose own fencing another is asked for waits for that one, whoever else leaves meanwhile.
func TestLeftWhileItIsHandedOn(t *testing.T) {
	g := newGroup(t, fmt.Sprintf(pair, ""), "n1", "n2", "n3")
	g.answer = good
	got := g.fence("n2", Request{Target: "n2", Action: "off", Client: "stonith_admin.1"})
	g.leave("n3")
	if g.settle(); len(*got) != 1 || (*got)[0] != nil || g.runs() != "n1 fence_a off" {
		t.Errorf("%v, %s", *got, g.runs())
	}
}

// TestRefusedByWhoKnowsTheDC: who is not DC and hears that a device's node has joined one which does not want it tries no other device; the DC goes on.
func TestRefusedByWhoKnowsTheDC(t *testing.T) {
	for _, dc := range []bool{false, true} {
		g := newGroup(t, fmt.Sprintf(pair, ""), "n1", "n3")
		if dc {
			g.dc = "n1"
		}
		g.nodes["n3"].f.verified["A"], g.nodes["n3"].f.verified["B"] = true, true // so that it is asked first
		g.answer = good
		asked := 0
		g.overruled = func(string, []string) bool {
			asked++
			return asked == 2 // n1 begins, n3 refuses
		}
		got := g.fence("n1", Request{Target: "n2", Action: "off", Client: ClientController, Controller: true})
		g.settle()
		if len(*got) != 1 || ((*got)[0] == nil) != dc || (g.runs() == "n3 fence_b off") != dc || !dc && (*got)[0].Error() != overruled {
			t.Errorf("DC %v: %v after %q", dc, *got, g.runs())
		}
	}
}

// TestWhichComingIsMeant: a node is fenced as it had come when that began, though another fencing of it began when it had come again; and one that takes over
// the end of another is for who that was for.
func TestWhichComingIsMeant(t *testing.T) {
	for _, c := range []struct {
		name, first, second string
		want                []string
	}{
		{"each on its own", "reboot", "off", []string{"n2 1", "n2 2"}},
		{"the second follows the first", "off", "reboot", []string{"n2 1", "n2 1"}},
	} {
		g := newGroup(t, fmt.Sprintf(pair, ""), "n1", "n3")
		g.answer = good
		runner := g.nodes["n3"]
		runner.f.verified["A"], runner.f.verified["B"] = true, true
		runner.f.busy["A"] = 1
		runner.joins = map[string]int{"n2": 1}
		g.fence("n1", Request{Target: "n2", Action: c.first, Client: ClientController, Controller: true})
		g.until(func() bool { return len(runner.f.queued["A"]) > 0 })
		runner.joins["n2"] = 2
		g.fence("n3", Request{Target: "n2", Action: c.second, Client: ClientController, Controller: true})
		g.settle()
		runner.f.release(runner.f.device("A"))
		if g.settle(); !slices.Equal(runner.meant, c.want) || len(runner.f.begun) > 0 {
			t.Errorf("%s: %v, not %v; left %v", c.name, runner.meant, c.want, runner.f.begun)
		}
	}
}
