package fencer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

// group is the fencers of a few nodes with one order of messages.
type group struct {
	t     *testing.T
	root  *etree.Element
	nodes map[string]*member
	names []string
	queue []func()
	now   time.Time
	log   []string
	// answer decides what a run of a device on a node comes to.
	answer func(node, device, action string) int
	// lost are nodes that have lost quorum.
	lost map[string]bool
	dc   string
	// overruled tells whether nobody of these has a say in a node's fencing any more; nil: they have.
	overruled func(target string, askers []string) bool
	judge     string // who knows that; "": all
	// duel: of two nodes each has quorum without the other.
	duel bool
	// metadata is what all agents say of themselves.
	metadata string
}

type member struct {
	g    *group
	name string
	f    *Fencer
	told []string // what it logged
	// joins tells how often nodes came into its group, meant which coming was fenced each time.
	joins map[string]int
	meant []string
}

func newGroup(t *testing.T, conf string, names ...string) *group {
	t.Helper()
	if !strings.Contains(conf, "<nodes>") {
		nodes := ""
		for i := 1; i < 6; i++ {
			nodes += fmt.Sprintf(`<node id="%d" uname="n%[1]d"/>`, i)
		}
		conf = "<nodes>" + nodes + "</nodes>" + conf
	}
	doc, err := xml.ParseString(`<cib><configuration><crm_config/>` + conf + `</configuration><status/></cib>`)
	if err != nil {
		t.Fatal(err)
	}
	g := &group{t: t, root: doc.Root, nodes: map[string]*member{}, names: names, now: time.Unix(1000, 0)}
	for _, n := range names {
		m := &member{g: g, name: n}
		m.f = New(n, rand.New(rand.NewPCG(1, 2)), m)
		g.nodes[n] = m
	}
	return g
}

func (g *group) run() {
	for len(g.queue) > 0 {
		f := g.queue[0]
		g.queue = g.queue[1:]
		f()
	}
}

// settle is run, and lets the time pass that agents' runs wait for.
func (g *group) settle() {
	for g.run(); ; g.run() {
		waits := false
		for _, n := range g.names {
			f := g.nodes[n].f
			if len(f.delayed) > 0 {
				waits = true
				g.now = f.delayed[0].at
				f.Tick(g.now)
			}
		}
		if !waits {
			return
		}
	}
}

func (m *member) Broadcast(msg *etree.Element) {
	m.g.queue = append(m.g.queue, func() {
		for _, n := range m.g.names {
			m.g.nodes[n].f.Deliver(m.g.now, m.name, msg)
		}
	})
}
func (m *member) CIB() *etree.Element   { return m.g.root }
func (m *member) Members() []string     { return m.g.names }
func (m *member) Installed(string) bool { return true }
func (m *member) Overruled(target string, askers []string) bool {
	return m.g.overruled != nil && (m.g.judge == "" || m.g.judge == m.name) && m.g.overruled(target, askers)
}
func (m *member) IsDC() bool            { return m.g.dc == m.name }
func (m *member) MayFence(string) bool  { return !m.g.lost[m.name] }
func (m *member) Duel(string) bool      { return m.g.duel }
func (m *member) Began(node string) int { return m.joins[node] }
func (m *member) Meant(node string, joins int) {
	m.meant = append(m.meant, fmt.Sprintf("%s %d", node, joins))
}
func (m *member) Changed()         {}
func (m *member) Completed(Record) {}
func (m *member) Logf(format string, a ...any) {
	m.told = append(m.told, fmt.Sprintf(format, a...))
	m.g.t.Logf(m.name+": "+format, a...)
}

func (m *member) Fenced(target string, ours bool) {
	m.g.log = append(m.g.log, fmt.Sprintf("%s hears of %s, %t", m.name, target, ours))
}

func (m *member) Traits(agent string, done func(Traits)) {
	m.g.queue = append(m.g.queue, func() {
		if m.g.metadata == "" {
			done(Traits{Known: true, List: true, Reboot: true, On: true, Plug: "plug"})
			return
		}
		done(ParseTraits(m.g.metadata))
	})
}

func (m *member) Run(agent, action string, params func(string) []Param, _ time.Duration, done func(AgentResult)) {
	m.g.queue = append(m.g.queue, func() {
		m.g.log = append(m.g.log, fmt.Sprintf("%s runs %s %s %v", m.name, agent, action, params("plug")))
		done(AgentResult{Code: m.g.answer(m.name, agent, action), Output: "n1\nn2\n"})
	})
}

const device = `<primitive id="%s" class="stonith" type="%s"><instance_attributes id="%[1]s-i"><nvpair id="%[1]s-l" name="pcmk_host_list" value="%[3]s"/></instance_attributes></primitive>`

func TestFence(t *testing.T) {
	good := func(string, string, string) int { return 0 }
	two := "<resources>" + fmt.Sprintf(device, "A", "fence_a", "n2") + fmt.Sprintf(device, "B", "fence_b", "n2") + "</resources><constraints/>"
	for _, c := range []struct {
		name, conf string
		answer     func(node, agent, action string) int
		err        string   // what the error holds; "" for success
		runs       []string // the agents that were run with the action, in order
	}{
		{"the first device will do", two, good, "", []string{"fence_a"}},
		{"the next when it fails", two, func(_, a, _ string) int {
			if a == "fence_a" {
				return 1
			}
			return 0
		}, "", []string{"fence_a", "fence_a", "fence_b"}},
		{"all fail", two, func(string, string, string) int { return 1 }, "device B", nil},
		{"no device", "<resources/><constraints/>", good, "No fence device", nil},
		{"a device for another", "<resources>" + fmt.Sprintf(device, "A", "fence_a", "n1") + "</resources><constraints/>", good, "No fence device", nil},
		{"a level needs all its devices", two + `<fencing-topology><fencing-level id="l" index="1" target="n2" devices="B,A"/></fencing-topology>`, good, "", []string{"off fence_b", "off fence_a", "on fence_b", "on fence_a"}},
		{"it is off, though it does not come back", two + `<fencing-topology><fencing-level id="l" index="1" target="n2" devices="B,A"/></fencing-topology>`, func(_, a, action string) int {
			if action == "on" && a == "fence_b" {
				return 1
			}
			return 0
		}, "", []string{"off fence_b", "off fence_a", "on fence_b", "on fence_b", "on fence_a"}},
		{"one of a level fails", two + `<fencing-topology><fencing-level id="l" index="1" target="n2" devices="B,A"/></fencing-topology>`, func(_, a, _ string) int {
			if a == "fence_a" {
				return 1
			}
			return 0
		}, "device A", []string{"off fence_b", "off fence_a", "off fence_a"}},
		{"a level by pattern", two + `<fencing-topology><fencing-level id="k" index="1" target-pattern="x.*" devices="A"/><fencing-level id="l" index="1" target-pattern="^n[0-9]$" devices="B"/></fencing-topology>`, good, "", []string{"fence_b"}},
		{"a name before a pattern", two + `<fencing-topology><fencing-level id="k" index="1" target-pattern="n2" devices="A"/><fencing-level id="l" index="1" target="n2" devices="B"/></fencing-topology>`, good, "", []string{"fence_b"}},
		{"a level by attribute", `<nodes><node id="2" uname="n2"><instance_attributes id="i"><nvpair id="r" name="rack" value="7"/></instance_attributes></node></nodes>` + two +
			`<fencing-topology><fencing-level id="k" index="1" target-attribute="rack" target-value="6" devices="A"/><fencing-level id="l" index="1" target-attribute="rack" target-value="7" devices="B"/></fencing-topology>`, good, "", []string{"fence_b"}},
		{"a node that may not use a device", "<resources>" + fmt.Sprintf(device, "A", "fence_a", "n2") + `</resources><constraints><rsc_location id="x" rsc="A" node="n1" score="100"/><rsc_location id="y" rsc="A" node="n1" score="-101"/><rsc_location id="z" rsc-pattern="A|B" node="n3" score="-INFINITY"/></constraints>`, good, "No fence device", nil},
		{"the next level", two + `<fencing-topology><fencing-level id="l" index="1" target="n2" devices="A"/><fencing-level id="m" index="2" target="n2" devices="B"/></fencing-topology>`, func(_, a, _ string) int {
			if a == "fence_a" {
				return 1
			}
			return 0
		}, "", []string{"fence_a", "fence_a", "fence_b"}},
		{"a list is asked for", `<resources><primitive id="L" class="stonith" type="fence_l"/></resources><constraints/>`, good, "", []string{"fence_l"}},
		{"a device that is stopped", `<resources><primitive id="L" class="stonith" type="fence_l"><meta_attributes id="m"><nvpair id="t" name="target-role" value="Stopped"/></meta_attributes></primitive></resources><constraints/>`, good, "No fence device", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGroup(t, c.conf, "n1", "n3")
			g.answer = c.answer
			var got error
			ended := 0
			for range 2 { // a second request for the same is the same operation
				g.nodes["n1"].f.Fence(g.now, Request{Target: "n2", Action: "reboot", Client: "test", Timeout: time.Minute}, func(err error) { got = err; ended++ })
			}
			g.settle()
			if ended != 2 || (got == nil) != (c.err == "") || got != nil && !strings.Contains(got.Error(), c.err) {
				t.Fatalf("ended %d times with %v\n%s", ended, got, strings.Join(g.log, "\n"))
			}
			var runs []string
			for _, l := range g.log {
				if f := strings.Fields(l); len(f) > 3 && f[3] == "reboot" {
					runs = append(runs, f[2])
				} else if len(f) > 3 && f[3] != "list" && f[1] == "runs" {
					runs = append(runs, f[3]+" "+f[2])
				}
			}
			if c.runs != nil && !slices.Equal(runs, c.runs) {
				t.Errorf("runs %v, want %v\n%s", runs, c.runs, strings.Join(g.log, "\n"))
			}
			for _, n := range g.names { // all remember
				if h := g.nodes[n].f.History("n2"); len(h) != 1 || (h[0].State == Done) != (c.err == "") {
					t.Errorf("history of %s: %+v", n, h)
				}
			}
		})
	}
}

// TestNoQuorumNoFencing: what the cluster asked for is not done once quorum is lost, not even
// where the agent only waits for its delay; a person's request is.
func TestNoQuorumNoFencing(t *testing.T) {
	conf := `<resources><primitive id="A" class="stonith" type="fence_a"><instance_attributes id="i"><nvpair id="l" name="pcmk_host_list" value="n2"/><nvpair id="d" name="pcmk_delay_base" value="5s"/></instance_attributes></primitive></resources><constraints/>`
	for _, c := range []struct {
		client string
		lost   func(g *group) // before the delay is over
		runs   int
	}{
		{ClientController, func(*group) {}, 1},
		{ClientController, func(g *group) { g.lost["n1"] = true }, 0},
		{ClientName(ClientController, 17), func(g *group) { g.lost["n1"] = true }, 0},
		{"stonith_admin", func(g *group) { g.lost["n1"] = true }, 1},
	} {
		g := newGroup(t, conf, "n1")
		g.lost, g.answer = map[string]bool{}, func(string, string, string) int { return 0 }
		var got error
		ended := 0
		f := g.nodes["n1"].f
		f.Fence(g.now, Request{Target: "n2", Action: "off", Client: c.client, Timeout: time.Minute}, func(err error) { got = err; ended++ })
		g.run()
		if ended != 0 || len(g.log) != 0 || !f.Deadline().Equal(g.now.Add(5*time.Second)) {
			t.Fatalf("%s: before the delay: ended %d, %v, deadline %v", c.client, ended, g.log, f.Deadline())
		}
		c.lost(g)
		g.now = g.now.Add(5 * time.Second)
		f.Tick(g.now)
		g.run()
		runs := 0
		for _, l := range g.log {
			if strings.Contains(l, "runs fence_a off") {
				runs++
			}
		}
		if runs != c.runs || ended != 1 || (got == nil) != (c.runs == 1) {
			t.Errorf("%s: %d runs, ended %d with %v", c.client, runs, ended, got)
		}
	}
}

func TestCall(t *testing.T) {
	d := &Device{ID: "D", Agent: "fence_x", Params: []Param{
		{"pcmk_host_map", "n1:outlet1;n2:outlet2"}, {"pcmk_off_action", "poweroff"}, {"login", "adm"}, {"pcmk_delay_base", "n1:5s;n2:0"}, {"pcmk_delay_max", "3"},
	}}
	action, params := d.call("off", "n2", "port")
	if action != "poweroff" || fmt.Sprint(params) != "[{nodename n2} {port outlet2} {login adm}]" {
		t.Errorf("%s %v", action, params)
	}
	if !d.static("n1") || d.static("n3") || d.check() != "static-list" {
		t.Error("the map does not name its targets")
	}
	if base, most := d.delays("n1"); base != 3*time.Second || most != 3*time.Second { // the base is no more than the most
		t.Errorf("delays of n1: %s to %s", base, most)
	}
	if base, most := d.delays("n2"); base != 0 || most != 3*time.Second {
		t.Errorf("delays of n2: %s to %s", base, most)
	}
}

// TestAsk: what a node tells of its own devices, and what it is told to do again.
func TestAsk(t *testing.T) {
	conf := "<resources>" + fmt.Sprintf(device, "A", "fence_a", "n2") + `<primitive id="L" class="stonith" type="fence_l"/></resources><constraints/>`
	g := newGroup(t, conf, "n1", "n3")
	g.answer = func(string, string, string) int { return 0 }
	f := g.nodes["n1"].f
	for target, want := range map[string]string{"": "A L", "n2": "A L", "n1": "L", "n9": ""} {
		var got []string
		f.Query(g.now, target, "off", func(devices []*Device) {
			for _, d := range devices {
				got = append(got, d.ID)
			}
		})
		g.run()
		if s := strings.Join(got, " "); s != want {
			t.Errorf("devices for %q: %s, want %s", target, s, want)
		}
	}
	var out AgentResult
	if f.Check(g.now, "L", "list", "", time.Minute, func(r AgentResult) { out = r }) != "" || f.Check(g.now, "X", "list", "", time.Minute, nil) != "'X' not found" ||
		f.Check(g.now, "L", "monitor", "", time.Minute, nil) != "'L' not active" {
		t.Error("the one device is there, though it was not started, the other not")
	}
	if g.run(); out.Output != "n1\nn2\n" {
		t.Errorf("its list: %+v", out)
	}
	count := 0
	fence := func(tolerance time.Duration) {
		g.log = nil
		f.Fence(g.now, Request{Target: "n2", Action: "off", Client: "test", Timeout: time.Minute, Tolerance: tolerance}, func(err error) {
			if count++; err != nil {
				t.Error(err)
			}
		})
		g.run()
	}
	fence(0)
	g.now = g.now.Add(30 * time.Second)
	if fence(time.Minute); len(g.log) != 0 {
		t.Errorf("done half a minute ago, and yet %v", g.log)
	}
	if fence(20 * time.Second); len(g.log) == 0 || count != 3 {
		t.Errorf("not done within 20 s: %v, ended %d times", g.log, count)
	}
	if !slices.Contains(g.log, "n1 hears of n2, false") {
		t.Errorf("not the controller asked: %v", g.log)
	}
	f.Fence(g.now, Request{Target: "n2", Action: "off", Client: "test", Timeout: time.Minute, Controller: true}, func(error) {})
	if g.run(); !slices.Contains(g.log, "n1 hears of n2, true") {
		t.Errorf("the controller asked: %v", g.log)
	}
	var failed *Error
	f.Fence(g.now, Request{Target: "n7", Action: "off", Client: "test", Timeout: time.Minute}, func(err error) { errors.As(err, &failed) })
	f.lists = map[string]cached{}
	if g.run(); failed == nil || failed.Code != NoDevice {
		t.Errorf("without a device: %+v", failed)
	}
}

// TestUnequal: of two nodes that may be about to fence each other the one with the higher id
// waits, unless somebody has seen to delays.
func TestUnequal(t *testing.T) {
	const nodes = `<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>`
	both := fmt.Sprintf(device, "A", "fence_a", "n1") + fmt.Sprintf(device, "B", "fence_b", "n2")
	conf := func(resources string) string { return nodes + "<resources>" + resources + "</resources><constraints/>" }
	for _, c := range []struct {
		name, conf, self, target, client string
		duel                             bool
		wait                             time.Duration
	}{
		{"the higher one waits", conf(both), "n2", "n1", ClientController, true, unequalDelay},
		{"the lower one does not", conf(both), "n1", "n2", ClientController, true, 0},
		{"the other cannot fence", conf(both), "n2", "n1", ClientController, false, 0},
		{"a person asks", conf(both), "n2", "n1", "stonith_admin", true, 0},
		{"no device for this node", conf(fmt.Sprintf(device, "A", "fence_a", "n1")), "n2", "n1", ClientController, true, 0},
		{"a delay is configured", conf(both + `<primitive id="C" class="stonith" type="fence_c"><instance_attributes id="i"><nvpair id="n" name="pcmk_delay_max" value="0"/></instance_attributes></primitive>`), "n2", "n1", ClientController, true, 0},
	} {
		g := newGroup(t, c.conf, c.self)
		g.duel, g.answer = c.duel, func(string, string, string) int { return 0 }
		f := g.nodes[c.self].f
		f.Fence(g.now, Request{Target: c.target, Action: "reboot", Client: c.client, Timeout: time.Minute}, func(error) {})
		begin := g.now
		g.settle()
		if got := g.now.Sub(begin); got != c.wait {
			t.Errorf("%s: it waits %s, not %s\n%v", c.name, got, c.wait, g.log)
		}
	}
}

// TestLimit: a device does one thing at a time.
func TestLimit(t *testing.T) {
	for limit, want := range map[string]int{"1": 1, "2": 2, "-1": 3} {
		g := newGroup(t, `<resources><primitive id="A" class="stonith" type="fence_a"><instance_attributes id="i"><nvpair id="c" name="pcmk_host_check" value="none"/><nvpair id="n" name="pcmk_action_limit" value="`+limit+`"/></instance_attributes></primitive></resources><constraints/>`, "n1")
		f := g.nodes["n1"].f
		most := 0
		g.answer = func(string, string, string) int { most = max(most, f.busy["A"]); return 0 }
		ended := 0
		for _, n := range []string{"n2", "n3", "n4"} {
			f.Fence(g.now, Request{Target: n, Action: "off", Client: "test", Timeout: time.Minute}, func(err error) {
				if ended++; err != nil {
					t.Error(err)
				}
			})
		}
		g.settle()
		if most != want || ended != 3 || f.busy["A"] != 0 {
			t.Errorf("limit %s: %d at once, %d ended, %d under way", limit, most, ended, f.busy["A"])
		}
	}
}

// TestMonitorWaitsForItsTurn: a device's monitor is one of the things that it does one at a time, is called as its parameters say, and tried again.
func TestMonitorWaitsForItsTurn(t *testing.T) {
	g := newGroup(t, `<resources><primitive id="A" class="stonith" type="fence_a"><instance_attributes id="i"><nvpair id="c" name="pcmk_host_check" value="none"/><nvpair id="m" name="pcmk_monitor_action" value="status"/></instance_attributes></primitive></resources><constraints/>`, "n1")
	f := g.nodes["n1"].f
	most, calls := 0, 0
	g.answer = func(_, _, action string) int {
		most = max(most, f.busy["A"])
		if action == "status" {
			calls++
			return calls % 2 // the first try fails
		}
		return 0
	}
	f.Fence(g.now, Request{Target: "n2", Action: "off", Client: "test", Timeout: time.Minute}, func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
	ended := 0
	for range 2 {
		if !f.Monitor(g.now, "A", 20*time.Second, func(r AgentResult) {
			if ended++; r.Code != 0 {
				t.Errorf("the monitor ends with %d", r.Code)
			}
		}) {
			t.Error("there is no device")
		}
	}
	g.settle()
	if most != 1 || ended != 2 || calls != 4 || f.busy["A"] != 0 {
		t.Errorf("%d at once, %d ended, %d calls, %d under way", most, ended, calls, f.busy["A"])
	}
	if f.Monitor(g.now, "B", time.Second, func(AgentResult) {}) {
		t.Error("there is a device B")
	}
}

// TestRegister: devices and levels that a person adds to one node's fencer.
func TestRegister(t *testing.T) {
	g := newGroup(t, "<resources/><constraints/>", "n1", "n3")
	g.answer = func(string, string, string) int { return 0 }
	f := g.nodes["n1"].f
	fence := func() (err error) {
		f.Fence(g.now, Request{Target: "n2", Action: "off", Client: "test", Timeout: time.Minute}, func(e error) { err = e })
		g.settle()
		return err
	}
	f.Register(Device{ID: "A", Agent: "fence_a", Params: []Param{{"pcmk_host_list", "n2"}}})
	if err := fence(); err != nil || !strings.Contains(strings.Join(g.log, "\n"), "n1 runs fence_a off") {
		t.Errorf("with a registered device: %v\n%v", err, g.log)
	}
	f.RegisterLevel(Level{Index: 1, Target: "n2", Devices: []string{"A"}})
	f.RegisterLevel(Level{Index: 1, Target: "n2", Devices: []string{"X"}})
	if err := fence(); err == nil || !strings.Contains(err.Error(), "device X of level 1") {
		t.Errorf("a level with a device that there is not: %v", err)
	}
	f.DeregisterLevel(Level{Index: 1, Target: "n2"})
	if err := fence(); err != nil {
		t.Error(err)
	}
	f.Deregister("A")
	if err := fence(); err == nil {
		t.Error("the device is gone, and yet it fences")
	}
}

// TestUnfence: a node's access is switched on by each device that must, where its agent wants
// to run.
func TestUnfence(t *testing.T) {
	conf := "<resources>" + fmt.Sprintf(device, "A", "fence_a", "n2") + fmt.Sprintf(device, "B", "fence_b", "n2") + "</resources><constraints/>"
	for _, c := range []struct {
		action string // as the agents describe it
		fails  string // the agent that fails
		runs   string
		ok     bool
	}{
		{`<action name="on" automatic="1" on_target="1"/>`, "", "n2 fence_a, n2 fence_b", true},
		{`<action name="on" automatic="1" on_target="1"/>`, "fence_b", "n2 fence_a, n2 fence_b, n2 fence_b", false},
		{`<action name="on"/>`, "", "n1 fence_a", true},
		{`<action name="off"/>`, "", "", false},
	} {
		g := newGroup(t, conf, "n1", "n2")
		g.metadata = "<resource-agent><actions>" + c.action + "</actions></resource-agent>"
		g.answer = func(_, agent, action string) int {
			if action == "on" && agent == c.fails {
				return 1
			}
			return 0
		}
		var got error
		g.nodes["n1"].f.Fence(g.now, Request{Target: "n2", Action: "on", Client: ClientController, Timeout: time.Minute, Controller: true}, func(err error) { got = err })
		g.settle()
		var runs []string
		for _, l := range g.log {
			if f := strings.Fields(l); len(f) > 3 && f[3] == "on" {
				runs = append(runs, f[0]+" "+f[2])
			}
			if strings.Contains(l, "hears of") {
				t.Errorf("%s: somebody takes n2 for fenced: %s", c.action, l)
			}
		}
		if s := strings.Join(runs, ", "); s != c.runs || (got == nil) != c.ok {
			t.Errorf("%s: %s, %v", c.action, s, got)
		}
	}
}

// TestOffIsEnough holds that the cluster, which loses a node because a person has it switched off, does not have it started again.
func TestOffIsEnough(t *testing.T) {
	conf := "<resources>" + fmt.Sprintf(device, "A", "fence_a", "n2") + "</resources><constraints/>"
	for _, works := range []bool{true, false} {
		g := newGroup(t, conf, "n1", "n2")
		g.answer = func(_, _, action string) int {
			if action == "off" && !works {
				return 1
			}
			return 0
		}
		var ends []string
		end := func(who string) func(error) {
			return func(err error) { ends = append(ends, fmt.Sprintf("%s %t", who, err == nil)) }
		}
		g.nodes["n1"].f.Fence(g.now, Request{Target: "n2", Action: "off", Client: "stonith_admin.1", Timeout: time.Minute}, end("person"))
		g.nodes["n1"].f.Fence(g.now, Request{Target: "n2", Action: "reboot", Client: ClientController, Timeout: time.Minute, Controller: true}, end("cluster"))
		g.settle()
		reboots := strings.Count(strings.Join(g.log, "\n"), "fence_a reboot")
		want := []string{fmt.Sprintf("person %t", works), "cluster true"}
		if slices.Sort(ends); !slices.Equal(ends, []string{want[1], want[0]}) || (reboots == 0) != works {
			t.Errorf("off works: %t; ends %q, %d reboots\n%s", works, ends, reboots, strings.Join(g.log, "\n"))
		}
	}
}
