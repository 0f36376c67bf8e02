package simulation

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/controller"
	"hacluster/engine/fencer"
	"hacluster/engine/replica"
	"hacluster/engine/transition"
	"hacluster/internal/node"
)

// A checker that finds nothing proves nothing: each invariant is broken on purpose here, by an
// adapter between a core and its world, and must be found.

// deaf keeps nothing on disk, though it says so.
type deaf struct{ node.World }

func (deaf) Save(*etree.Element) error { return nil }
func (deaf) SaveTerm(cib.Term) error   { return nil }

// forgetful keeps the CIB, but not what it is of.
type forgetful struct{ node.World }

func (forgetful) SaveTerm(cib.Term) error { return nil }

// oblivious keeps what the CIB is of, but not the CIB.
type oblivious struct{ node.World }

func (oblivious) Save(*etree.Element) error { return nil }

// credulous takes every fencing for done at once.
type credulous struct {
	node.World
}

func (w credulous) RunFence(agent, action string, params func(string) []fencer.Param, timeout time.Duration, done func(time.Time, fencer.AgentResult)) {
	if action == "reboot" || action == "off" {
		w.Later(func(now time.Time) { done(now, fencer.AgentResult{}) })
		return
	}
	w.World.RunFence(agent, action, params, timeout, done)
}

// hasty lets every start of a plan begin at once, from a time on: it does not wait for the stop elsewhere.
type hasty struct {
	node.World
	from time.Duration
}

func (w hasty) Plan(root *etree.Element, now time.Time) (controller.Plan, error) {
	p, err := w.World.Plan(root, now)
	if err == nil && now.Sub(start) >= w.from {
		for _, s := range p.Graph.Synapses {
			if s.Action.Operation == "start" {
				s.Inputs = nil
			}
		}
	}
	return p, err
}

// idle has plans that do nothing.
type idle struct{ node.World }

func (w idle) Plan(root *etree.Element, now time.Time) (controller.Plan, error) {
	p, err := w.World.Plan(root, now)
	if err == nil && now.After(start.Add(20*time.Second)) {
		p.Graph.Synapses = nil
	}
	return p, err
}

// BLIND, from a time on until another one.
type negligent struct {
	node.World
	resource    string
	from, until time.Duration
}

func (w negligent) Plan(root *etree.Element, now time.Time) (controller.Plan, error) {
	p, err := w.World.Plan(root, now)
	if at := now.Sub(start); err == nil && at > w.from && at < w.until {
		p.Graph.Synapses = slices.DeleteFunc(p.Graph.Synapses, func(s *transition.Synapse) bool {
			return s.Action.Resource != nil && s.Action.Resource.ID == w.resource
		})
	}
	return p, err
}

// fickle writes down every second promise only: each other one takes back the one before.
type fickle struct{ node.World }

func (w fickle) SaveTerm(t cib.Term) error {
	if t.Promised%2 == 0 {
		t.Promised = 0
	}
	return w.World.SaveTerm(t)
}

// late is a DC, node1, whose messages with some text in them take long to get out: those of one while, from a time on, come after it.
type late struct {
	node.World
	h    *Host
	from time.Duration
	text string
}

// heldUntil is when messages come that were held back.
const heldUntil = 40 * time.Second

func (w late) Send(data []byte) {
	if now := w.h.c.Now.Sub(start); w.h.ID == 1 && now > w.from && now < heldUntil && bytes.Contains(data, []byte(w.text)) {
		w.h.c.at(heldUntil-now, func() { w.World.Send(data) })
		return
	}
	w.World.Send(data)
}

// A DC is cut off, and what it ordered as such comes when it is back: of the others, which are lost to it, that it would have them fenced; that a
// failure is counted of which it heard just before. It could not be fenced meanwhile. That changes nothing; where the nodes are made to believe that
// anybody may have ordered it, the checker finds that.
func TestChangesOfAnEarlierDC(t *testing.T) {
	for _, x := range []struct {
		name, text string
		from       time.Duration
		steps      []Step
	}{
		{"changes of the CIB", `t="cib"`, 15 * time.Second, nil},
		{"attributes", `t="attrd"`, 11500 * time.Millisecond, []Step{{At: 11700, Do: "fail", Host: 2, Arg: "P2"}}},
	} {
		for seed := uint64(1); seed <= 5; seed++ {
			s := &Scenario{Seed: seed, Nodes: 3, Fencing: true, Devices: "one", Length: 60000, Resources: []string{"P1", "P2"}, Steps: append(x.steps,
				Step{At: 12000, Do: "part", Host: 1, For: 12000}, Step{At: 12000, Do: "fence", Arg: Fail, For: 48000})}
			tardy := adapters{world: func(h *Host, w node.World) node.World { return late{w, h, x.from, x.text} }}
			out, err := play(s, false, tardy)
			if err != nil || out.Broken != nil {
				t.Errorf("%s, seed %d: %v, %v", x.name, seed, out.Broken, err)
			}
			tardy.message = func(_ *Host, data []byte) []byte {
				return bytes.ReplaceAll(data, []byte(replica.DCAttr+`="true"`), nil)
			}
			out, err = play(s, false, tardy)
			if err != nil || out.Broken == nil || out.Broken.Invariant != Superseded {
				t.Errorf("%s, seed %d: found %v, %v", x.name, seed, out.Broken, err)
			}
		}
	}
}

// A DC stood still when it was about to have all take over its CIB, and the order comes when the others have another DC, and changes that it does not
// know. They keep them.
func TestTakeoverOfAnEarlierDC(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		s := &Scenario{Seed: seed, Nodes: 3, Fencing: true, Devices: "one", Length: 60000, Resources: []string{"P1"}, Steps: []Step{
			{At: 12000, Do: "part", Host: 1, For: 12000}, {At: 12000, Do: "fence", Arg: Fail, For: 48000}, {At: 20000, Do: "set", Host: 2},
		}}
		out, err := play(s, false, adapters{world: func(h *Host, w node.World) node.World {
			if h.ID == 1 {
				h.c.at(heldUntil, func() {
					w.Send([]byte(`<cib_command t="cib" cib_op="cib_sync" src="node1" cib_host="node1" sync_id="node1-99"/>`))
				})
			}
			return w
		}})
		if err != nil || out.Broken != nil {
			t.Errorf("seed %d: %v, %v", seed, out.Broken, err)
		}
	}
}

func wrap(f func(w node.World) node.World) adapters {
	return adapters{world: func(_ *Host, w node.World) node.World { return f(w) }}
}

func TestCheckerFindsWhatIsBroken(t *testing.T) {
	moves := []Step{{At: 20000, Do: "move", Host: 1, Arg: "P1 node2"}, {At: 25000, Do: "move", Host: 1, Arg: "P1 node1"}, {At: 30000, Do: "move", Host: 1, Arg: "P1 node2"}}
	onGuest := []Step{{At: 1000, Do: "move", Host: 1, Arg: "V1 node1"}, {At: 15000, Do: "move", Host: 1, Arg: "P1 guest1"}}
	unnoticed := func(from, until time.Duration) adapters {
		return wrap(func(w node.World) node.World { return negligent{w, "P1", from, until} })
	}
	for _, m := range []struct {
		invariant string // and how the violation is told of, after a colon
		adapters  adapters
		scenario  Scenario
	}{
		{Twice, wrap(func(w node.World) node.World { return hasty{w, 0} }), Scenario{Nodes: 3, Length: 40000, Steps: moves}},
		{Unconfirmed, wrap(func(w node.World) node.World { return hasty{w, 0} }), Scenario{Nodes: 3, Fencing: true, Devices: "one", Length: 40000, Steps: moves}},
		{Unconfirmed, wrap(func(w node.World) node.World { return credulous{w} }), Scenario{
			Nodes: 3, Fencing: true, Devices: "one", Length: 60000,
			Steps: []Step{{At: 5000, Do: "pause", Host: 1, For: 20000}},
		}},
		{Unconfirmed, wrap(func(w node.World) node.World { return credulous{w} }), Scenario{
			Nodes: 3, Remotes: 1, Fencing: true, Devices: "one", Length: 120000,
			Steps: []Step{{At: 5000, Do: "move", Host: 1, Arg: "P1 remote1"}, {At: 20000, Do: "part", Host: 4, For: 90000}},
		}},
		{Forgotten, adapters{world: func(_ *Host, w node.World) node.World { return deaf{w} }, but: Termed}, Scenario{
			Nodes: 3, Length: 60000,
			Steps: []Step{
				{At: 5000, Do: "set", Host: 1}, {At: 10000, Do: "power", Host: 1, For: 5000}, {At: 10000, Do: "power", Host: 2, For: 5000}, {At: 10000, Do: "power", Host: 3, For: 5000},
			},
		}},
		{Forgotten, adapters{world: func(_ *Host, w node.World) node.World { return forgetful{w} }, but: Termed}, Scenario{
			Nodes: 3, Length: 60000,
			Steps: []Step{
				{At: 5000, Do: "part", Host: 2, For: 10000},
				{At: 8000, Do: "set", Host: 1},
				{At: 8000, Do: "set", Host: 2},
				{At: 8100, Do: "set", Host: 2},
				{At: 8200, Do: "set", Host: 2},
				{At: 12000, Do: "power", Host: 1, For: 4000},
				{At: 12000, Do: "power", Host: 2, For: 1000},
				{At: 12000, Do: "power", Host: 3, For: 10000},
			},
		}},
		{Termed + ": term 1 of node2 holds on", wrap(func(w node.World) node.World { return forgetful{w} }), Scenario{
			Nodes: 3, Length: 60000,
			Steps: []Step{
				{At: 5000, Do: "part", Host: 2, For: 10000},
				{At: 8000, Do: "set", Host: 1},
				{At: 8000, Do: "set", Host: 2},
				{At: 8100, Do: "set", Host: 2},
				{At: 8200, Do: "set", Host: 2},
				{At: 12000, Do: "power", Host: 1, For: 4000},
				{At: 12000, Do: "power", Host: 2, For: 1000},
				{At: 12000, Do: "power", Host: 3, For: 10000},
			},
		}},
		{Unequal, adapters{message: func(h *Host, data []byte) []byte {
			if h.ID == 2 {
				return bytes.ReplaceAll(data, []byte(`name="sim-1" value="yes"`), []byte(`name="sim-1" value="no"`))
			}
			return data
		}}, Scenario{Nodes: 3, Length: 10000, Steps: []Step{{At: 5000, Do: "set", Host: 1}}}},
		{Usurped, adapters{quorate: func(*Host, bool) bool { return true }}, Scenario{
			Nodes: 3, Fencing: true, Devices: "one", Length: 60000,
			Steps: []Step{{At: 5000, Do: "part", Host: 1, For: 30000}, {At: 5000, Do: "part", Host: 2, For: 30000}}, // nobody has quorum
		}},
		{Unrecorded, adapters{message: func(_ *Host, data []byte) []byte {
			if bytes.Contains(data, []byte(`op-status="-1"`)) {
				data = bytes.ReplaceAll(data, []byte(`operation="start"`), []byte(`operation="stop"`))
				return bytes.ReplaceAll(data, []byte(`op-status="-1"`), []byte(`op-status="0"`))
			}
			return data
		}}, Scenario{
			Nodes: 3, Agent: 4000, Length: 60000, // node2 starts it while the DC is lost
			Steps: []Step{{At: 20000, Do: "move", Host: 1, Arg: "P1 node2"}, {At: 24050, Do: "kill-pacemaker", Host: 1}},
		}},
		{Unsettled, wrap(func(w node.World) node.World { return idle{w} }), Scenario{
			Nodes: 2, Length: 60000, Steps: []Step{{At: 30000, Do: "die", Host: 1, Arg: "P1"}, {At: 30000, Do: "die", Host: 2, Arg: "P1"}},
		}},
		{Termed + ": promised term 1, and now 0", wrap(func(w node.World) node.World { return fickle{w} }), Scenario{
			Nodes: 3, Length: 40000, Steps: []Step{{At: 5000, Do: "kill-pacemaker", Host: 1}, {At: 15000, Do: "kill-pacemaker", Host: 2}},
		}},
		{Termed + ": which does not have sim-1", wrap(func(w node.World) node.World { return oblivious{w} }), Scenario{
			Nodes: 3, Length: 60000,
			Steps: []Step{
				{At: 5000, Do: "set", Host: 1}, {At: 10000, Do: "power", Host: 1, For: 5000}, {At: 10000, Do: "power", Host: 2, For: 5000}, {At: 10000, Do: "power", Host: 3, For: 5000},
			},
		}},
		{Divided, adapters{cast: func(*Host, bool) bool { return true }}, Scenario{
			Seed: firstWithChangingDevice, Nodes: 4, Device: "ffsplit", Fencing: true, Devices: "one", Length: 40000,
			Steps: []Step{{At: 10000, Do: "fence", Arg: Fail, For: 30000}, {At: 10000, Do: "part", Host: 1, Arg: "2", For: 20000}},
		}},
		// The machine of a guest is started again while the one before stands still with its host, or runs.
		{Unconfirmed + ": V1 is started on", wrap(func(w node.World) node.World { return credulous{w} }), Scenario{
			Nodes: 3, Guests: 1, Fencing: true, Devices: "one", Length: 90000, Steps: append(onGuest[:2:2], Step{At: 40000, Do: "pause", Host: 1, For: 20000}),
		}},
		{Twice + ": V1 is started on node2", wrap(func(w node.World) node.World { return hasty{w, 0} }), Scenario{
			Nodes: 3, Guests: 1, Length: 60000, Steps: append(onGuest[:1:1], Step{At: 30000, Do: "move", Host: 1, Arg: "V1 node2"}),
		}},
		// What runs on a guest is started elsewhere while it runs there, or not at all when the guest has ended.
		{Unconfirmed + ": P1 is started on node2, though guest1", wrap(func(w node.World) node.World { return hasty{w, 35 * time.Second} }), Scenario{
			Nodes: 3, Guests: 1, Fencing: true, Devices: "one", Length: 60000, Steps: append(onGuest[:2:2], Step{At: 40000, Do: "move", Host: 1, Arg: "P1 node2"}),
		}},
		{Unsettled + ": left to be done: P1_", unnoticed(35*time.Second, time.Hour), Scenario{
			Nodes: 3, Guests: 1, Fencing: true, Devices: "one", Length: 60000, Steps: append(onGuest[:2:2], Step{At: 40000, Do: "power", Host: 4}),
		}},
		{Overdue, unnoticed(20*time.Second, 60*time.Second+recoveryLimit+90*time.Second), Scenario{
			Seed: firstBounded, Nodes: 3, Length: 60000, Steps: []Step{{At: 30000, Do: "die", Host: 1, Arg: "P1"}},
		}},
	} {
		s := m.scenario
		s.Resources, s.Constraints = []string{"P1"}, true // P1 begins on node1
		invariant, says, _ := strings.Cut(m.invariant, ": ")
		t.Run(m.invariant, func(t *testing.T) {
			for seed := m.scenario.Seed + 1; seed <= m.scenario.Seed+5; seed++ {
				s.Seed = seed
				out, err := play(&s, false, m.adapters)
				if err != nil {
					t.Fatal(err)
				}
				if out.Broken == nil || out.Broken.Invariant != invariant || !strings.Contains(out.Broken.Text, says) {
					t.Errorf("seed %d: found %v", seed, out.Broken)
				}
				sound, err := Play(&s, false)
				if err != nil || sound.Broken != nil {
					t.Errorf("seed %d: without the fault: %v, %v", seed, sound.Broken, err)
				}
			}
		})
	}
}
