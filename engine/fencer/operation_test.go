package fencer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// fence has a node of a group ask for fencing, and gives what comes of it: nil before its end.
func (g *group) fence(node string, r Request) *[]error {
	got := &[]error{}
	if r.Client == "" {
		r.Client = "test." + node
	}
	if r.Timeout == 0 {
		r.Timeout = time.Minute
	}
	g.nodes[node].f.Fence(g.now, r, func(err error) { *got = append(*got, err) })
	return got
}

// after lets time pass on all nodes.
func (g *group) after(d time.Duration) {
	g.now = g.now.Add(d)
	for _, n := range g.names {
		g.nodes[n].f.Tick(g.now)
	}
	g.run()
}

// leave takes a node out of the group.
func (g *group) leave(name string) {
	g.names = slices.DeleteFunc(slices.Clone(g.names), func(n string) bool { return n == name })
	for _, n := range g.names {
		g.nodes[n].f.Left(g.now, name)
	}
	g.run()
}

// runs lists the runs of agents as "node agent action", without those that fence nobody.
func (g *group) runs() string {
	var out []string
	for _, l := range g.log {
		if f := strings.Fields(l); len(f) > 3 && f[1] == "runs" && f[3] != "list" && f[3] != "monitor" && f[3] != "status" {
			out = append(out, f[0]+" "+f[2]+" "+f[3])
		}
	}
	return strings.Join(out, ", ")
}

func code(errs []error) int {
	var e *Error
	if len(errs) == 1 && errors.As(errs[0], &e) {
		return e.Code
	}
	return 0
}

const pair = `<resources><primitive id="A" class="stonith" type="fence_a"><instance_attributes id="A-i"><nvpair id="A-l" name="pcmk_host_list" value="n1 n2 n3"/>%s</instance_attributes></primitive>` +
	`<primitive id="B" class="stonith" type="fence_b"><instance_attributes id="B-i"><nvpair id="B-l" name="pcmk_host_list" value="n1 n2 n3"/></instance_attributes></primitive></resources><constraints/>`

func good(string, string, string) int { return 0 }

// TestAllOfALevel: a level whose second device was to be used by a node that is gone is not done with the first alone.
func TestAllOfALevel(t *testing.T) {
	conf := fmt.Sprintf(pair, "") + `<fencing-topology><fencing-level id="l" index="1" target="n2" devices="A,B"/></fencing-topology>`
	conf = strings.Replace(conf, "<constraints/>", `<constraints><rsc_location id="x" rsc="B" node="n1" score="-INFINITY"/>%s</constraints>`, 1)
	for _, c := range []struct {
		name, banned, runs string
		ok                 bool
	}{
		{"nobody else can use it", `<rsc_location id="y" rsc="B" node="n4" score="-INFINITY"/>`, "n1 fence_a off", false},
		{"another can", "", "n1 fence_a off, n4 fence_b off", true},
	} {
		g := newGroup(t, fmt.Sprintf(conf, c.banned), "n1", "n3", "n4")
		g.answer = func(node, agent, action string) int {
			if agent == "fence_a" {
				g.leave("n3") // which had the second device
			}
			return 0
		}
		got := g.fence("n1", Request{Target: "n2", Action: "off"})
		g.settle()
		if len(*got) != 1 || ((*got)[0] == nil) != c.ok || g.runs() != c.runs {
			t.Errorf("%s: %v after %s", c.name, *got, g.runs())
		}
	}
}

// TestAnotherNode: where one node's access to the devices does not work, that of the next is tried; and the first that is tried is one whose access was seen to work.
func TestAnotherNode(t *testing.T) {
	g := newGroup(t, fmt.Sprintf(pair, ""), "n1", "n3")
	g.answer = func(node, _, action string) int {
		if node == "n1" && action != "monitor" {
			return 1
		}
		return 0
	}
	got := g.fence("n1", Request{Target: "n2", Action: "off"})
	g.settle()
	if want := "n1 fence_a off, n1 fence_a off, n1 fence_b off, n1 fence_b off, n3 fence_a off"; len(*got) != 1 || (*got)[0] != nil || g.runs() != want {
		t.Fatalf("%v after %s", *got, g.runs())
	}
	g.log = nil // what failed does not come first again
	got = g.fence("n1", Request{Target: "n2", Action: "reboot"})
	if g.settle(); len(*got) != 1 || (*got)[0] != nil || g.runs() != "n3 fence_a reboot" {
		t.Errorf("again: %v after %s", *got, g.runs())
	}
	g.nodes["n3"].f.Monitor(g.now, "B", time.Minute, func(AgentResult) {})
	g.settle()
	g.log = nil
	got = g.fence("n1", Request{Target: "n5", Action: "off"})
	if g.settle(); code(*got) != NoDevice {
		t.Errorf("a node that no device is for: %v", *got)
	}
	g.nodes["n1"].f.Monitor(g.now, "A", time.Minute, func(AgentResult) {})
	g.settle()
	g.answer = good
	g.nodes["n3"].f.Started("B", false)
	g.log = nil
	g.fence("n3", Request{Target: "n2", Action: "reboot"})
	if g.settle(); g.runs() != "n1 fence_a reboot" {
		t.Errorf("a node that watches over a device is first: %s", g.runs())
	}
}

// TestTimes: how long an operation waits for a device, and in all, as its parameters say.
func TestTimes(t *testing.T) {
	topology := `<fencing-topology><fencing-level id="l" index="1" target="n2" devices="A"/><fencing-level id="m" index="2" target="n2" devices="B"/></fencing-topology>`
	nv := func(pairs ...string) string {
		out := ""
		for i := 0; i < len(pairs); i += 2 {
			out += fmt.Sprintf(`<nvpair id="A-%d" name="%s" value="%s"/>`, i, pairs[i], pairs[i+1])
		}
		return out
	}
	for _, c := range []struct {
		name, conf  string
		timeout     int
		delay       int
		total, wait int // seconds in all, and for the first device
	}{
		{"as asked for", fmt.Sprintf(pair, ""), 5, 0, 12, 6},
		{"a device's own", fmt.Sprintf(pair, nv("pcmk_off_timeout", "4000s")), 5, 0, 4806, 4800},
		{"with levels", fmt.Sprintf(pair, nv("pcmk_off_timeout", "1000ms")) + topology, 5, 0, 7, 1},
		{"delays", fmt.Sprintf(pair, nv("pcmk_delay_base", "1", "pcmk_delay_max", "10s")) + topology, 120, 1, 301, 157},
		{"no delays", fmt.Sprintf(pair, nv("pcmk_delay_base", "1", "pcmk_delay_max", "10s")) + topology, 120, -1, 288, 144},
	} {
		g := newGroup(t, c.conf, "n1")
		var total time.Duration
		g.fence("n1", Request{
			Target: "n2", Action: "off", Timeout: time.Duration(c.timeout) * time.Second, Delay: time.Duration(c.delay) * time.Second, Limit: func(d time.Duration) { total = d },
		})
		g.answer = func(string, string, string) int {
			op := g.nodes["n1"].f.ops[0]
			if wait := op.deadline.Sub(g.now) - slack; wait.Truncate(time.Second) > time.Duration(c.wait)*time.Second || wait < 0 {
				t.Errorf("%s: waits %s for the first device", c.name, wait)
			}
			if got := op.deadline.Sub(op.begun) - slack; got.Truncate(time.Second) != time.Duration(c.wait)*time.Second {
				t.Errorf("%s: %s for the first device, not %d s", c.name, got, c.wait)
			}
			return 0
		}
		if g.settle(); total != time.Duration(c.total)*time.Second {
			t.Errorf("%s: %s in all, not %d s", c.name, total, c.total)
		}
	}
}

// TestTimeRunsOut: an operation ends when its time is over, and what it left in a device's queue is not done any more.
func TestTimeRunsOut(t *testing.T) {
	g := newGroup(t, strings.Replace(fmt.Sprintf(pair, ""), `value="n1 n2 n3"/></instance_attributes></primitive><primitive id="B"`, `value="n1 n2"/></instance_attributes></primitive><primitive id="B"`, 1), "n1", "n3")
	g.answer = good
	f := g.nodes["n3"].f
	f.acquire(f.device("A"), func() {}) // somebody uses both devices of n3, and does not end
	f.acquire(f.device("B"), func() {})
	g.nodes["n1"].f.acquire(g.nodes["n1"].f.device("A"), func() {})
	g.nodes["n1"].f.acquire(g.nodes["n1"].f.device("B"), func() {})
	got := g.fence("n1", Request{Target: "n2", Action: "off", Timeout: 10 * time.Second})
	for g.run(); len(*got) == 0 && g.now.Before(time.Unix(1200, 0)); {
		g.after(time.Second)
	}
	if code(*got) != TimedOut || g.runs() != "" {
		t.Fatalf("%v after %s", *got, g.runs())
	}
	for _, n := range g.names {
		f := g.nodes[n].f
		f.release(f.device("A"))
		f.release(f.device("B"))
	}
	if g.settle(); g.runs() != "" || len(f.working) != 0 {
		t.Errorf("it is fenced after the end: %s; %v", g.runs(), f.working)
	}
}

// TestRetries: as often as a device's parameters say, with the time that is left.
func TestRetries(t *testing.T) {
	for retries, want := range map[string]int{"0": 1, "1": 1, "": 2, "4": 4} {
		p := ""
		if retries != "" {
			p = `<nvpair id="A-r" name="pcmk_off_retries" value="` + retries + `"/>`
		}
		g := newGroup(t, `<fencing-topology><fencing-level id="l" index="1" target="n2" devices="A"/></fencing-topology>`+fmt.Sprintf(pair, p), "n1")
		g.answer = func(string, string, string) int { return 1 }
		got := g.fence("n1", Request{Target: "n2", Action: "off"})
		g.settle()
		if n := strings.Count(g.runs(), "fence_a off"); n != want || code(*got) != noData {
			t.Errorf("retries %q: %d runs, %v", retries, n, *got)
		}
	}
}

// TestTolerance: what was done not long ago need not be done again, by this node's clock.
func TestTolerance(t *testing.T) {
	g := newGroup(t, fmt.Sprintf(pair, ""), "n1")
	g.answer = good
	f := g.nodes["n1"].f
	f.remember(Record{ID: "x", Target: "n2", Action: "off", State: Done, At: g.now.Add(time.Hour)}) // by another node's clock
	got := g.fence("n1", Request{Target: "n2", Action: "off", Tolerance: time.Minute})
	if g.settle(); len(*got) != 1 || g.runs() != "n1 fence_a off" {
		t.Errorf("%v after %s", *got, g.runs())
	}
	g.fence("n1", Request{Target: "n2", Action: "off", Tolerance: time.Minute})
	if g.settle(); g.runs() != "n1 fence_a off" {
		t.Errorf("and again: %s", g.runs())
	}
}

// TestLists: a list that cannot be had any more holds on; an agent without one is asked for its status.
func TestLists(t *testing.T) {
	g := newGroup(t, `<resources><primitive id="L" class="stonith" type="fence_l"/></resources><constraints/>`, "n1")
	fails := false
	g.answer = func(_, _, action string) int {
		if action == "list" && fails {
			return 1
		}
		return 0
	}
	for _, c := range []struct {
		fails bool
		later time.Duration
		asks  string
	}{{false, 0, "list"}, {true, 30 * time.Second, ""}, {true, time.Minute, "list list"}} {
		fails = c.fails
		g.now, g.log = g.now.Add(c.later), nil
		got := g.fence("n1", Request{Target: "n2", Action: "off"})
		g.settle()
		var asks []string
		for _, l := range g.log {
			if strings.Contains(l, "fence_l list") {
				asks = append(asks, "list")
			}
		}
		if len(*got) != 1 || (*got)[0] != nil || strings.Join(asks, " ") != c.asks {
			t.Errorf("%+v: %v, asked %q", c, *got, asks)
		}
	}
	g = newGroup(t, `<resources><primitive id="L" class="stonith" type="fence_l"/></resources><constraints/>`, "n1")
	g.answer = func(_, _, action string) int { return map[string]int{"list": 1, "status": 2}[action] }
	for range 2 { // that its list fails is seen the first time
		g.fence("n1", Request{Target: "n2", Action: "off"})
		g.settle()
	}
	if g.runs() != "n1 fence_l off" {
		t.Errorf("without a list: %s\n%s", g.runs(), strings.Join(g.log, "\n"))
	}
}

// TestRemapIsLogged: the log tells of a reboot in two parts, of its end, and of who is not switched on again and why; and what a device needs for switching on.
func TestRemapIsLogged(t *testing.T) {
	conf := fmt.Sprintf(pair, "") + `<fencing-topology><fencing-level id="l" index="1" target="n2" devices="A,B"/></fencing-topology>`
	const actions = `<resource-agent name="x"><parameters/><actions><action name="off"/><action name="reboot"/><action name="monitor"/>%s</actions></resource-agent>`
	const (
		begins  = "Remapping multiple-device reboot targeting n2 to 'off'"
		parts   = "Remapped 'off' targeting n2 complete, remapping to 'on' for test.n1"
		ends    = "Undoing remap of reboot targeting n2 for test.n1"
		without = "Not turning n2 back on using A because the agent doesn't support 'on'"
		nobody  = "Ignoring A 'on' failure (no capable peers) targeting n2 after successful 'off'"
	)
	for _, c := range []struct {
		on, runs string
		fails    bool
		logged   []string
		not      []string
	}{
		{`<action name="on"/>`, "n1 fence_a off, n1 fence_b off, n1 fence_a on, n1 fence_b on", false, []string{begins, parts, ends}, []string{without, nobody}},
		{"", "n1 fence_a off, n1 fence_b off", false, []string{begins, parts, ends, without}, []string{nobody}},
		{`<action name="on" on_target="1"/>`, "n1 fence_a off, n1 fence_b off", false, []string{begins, parts, ends, nobody, "Fencing device 'C' requires actions (on) to be executed on target"}, []string{without, "unfencing"}},
		{`<action name="on" on_target="1" automatic="1"/>`, "n1 fence_a off, n1 fence_b off", false, []string{begins, parts, ends, "Fencing device 'C' requires unfencing"}, []string{without, nobody}},
		{`<action name="on"/>`, "n1 fence_a off, n1 fence_a off", true, []string{begins, ends}, []string{parts}},
	} {
		g := newGroup(t, conf, "n1")
		g.metadata = fmt.Sprintf(actions, c.on)
		g.answer = func(_, _, action string) int {
			if c.fails && action == "off" {
				return 1
			}
			return 0
		}
		g.nodes["n1"].f.Register(Device{ID: "C", Agent: "fence_c"})
		got := g.fence("n1", Request{Target: "n2", Action: "reboot"})
		g.settle()
		if len(*got) != 1 || ((*got)[0] != nil) != c.fails || g.runs() != c.runs {
			t.Errorf("%q: %v after %s", c.on, *got, g.runs())
		}
		log := strings.Join(g.nodes["n1"].told, "\n")
		for _, l := range c.logged {
			if strings.Count(log, l) != 1 {
				t.Errorf("%q: logged %d times: %s\n%s", c.on, strings.Count(log, l), l, log)
			}
		}
		for _, l := range c.not {
			if strings.Contains(log, l) {
				t.Errorf("%q: logged: %s", c.on, l)
			}
		}
	}
}
