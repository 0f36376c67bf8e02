package simulation

import (
	"bytes"
	"testing"
	"time"

	"hacluster/engine/executor"
	"hacluster/internal/node"
)

// blind runs no recurring monitors, and says that all is well.
type blind struct{ node.World }

func (w blind) RunAgent(op executor.Op, done func(now time.Time, res executor.Result)) (kill func()) {
	if op.Interval > 0 {
		w.Later(func(now time.Time) { done(now, executor.Result{}) })
		return func() {}
	}
	return w.World.RunAgent(op, done)
}

// chatty sends something with each monitor.
type chatty struct{ node.World }

func (w chatty) RunAgent(op executor.Op, done func(now time.Time, res executor.Result)) (kill func()) {
	for range 10 {
		if op.Interval > 0 {
			w.Send([]byte(`<attrd_order t="attrd" task="confirm"/>`))
		}
	}
	return w.World.RunAgent(op, done)
}

// What must be true once a cluster has settled is found where it is not.
func TestCheckerFindsWhatIsBrokenAfterwards(t *testing.T) {
	replaced := func(only uint32, was, is string) adapters {
		return adapters{message: func(h *Host, data []byte) []byte {
			if only == 0 || h.ID == only {
				return bytes.ReplaceAll(data, []byte(was), []byte(is))
			}
			return data
		}}
	}
	died := []Step{{At: 2000, Do: "die", Host: 1, Arg: "P1"}}
	for name, m := range map[string]struct {
		invariant string
		adapters  adapters
		steps     []Step
	}{
		"attributes":     {Differ, replaced(2, `attr_name="#feature-set" attr_host="node1"`, `attr_name="other" attr_host="node1"`), nil},
		"in the CIB":     {Differ, replaced(0, `nvpair id="status-1-.feature-set" name="#feature-set"`, `nvpair id="status-1-x" name="x"`), nil},
		"history":        {Differ, replaced(0, `call-id="1"`, `call-id="0"`), nil},
		"fencing":        {Differ, replaced(2, `st_clientname="stonith_admin"`, `st_clientname="somebody"`), []Step{{At: 1000, Do: "shoot", Host: 1, Arg: "node3"}}},
		"no monitors":    {Unwatched, wrap(func(w node.World) node.World { return blind{w} }), nil},
		"counted thrice": {Miscounted, replaced(0, `attr_value="value++"`, `attr_value="value+=3"`), died},
		"talks":          {Noisy, wrap(func(w node.World) node.World { return chatty{w} }), nil},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := uint64(1); seed <= 3; seed++ {
				s := &Scenario{Seed: seed, Nodes: 3, Fencing: true, Devices: "one", Length: 20000, Resources: []string{"P1"}, Constraints: true, Steps: m.steps}
				out, err := play(s, false, m.adapters)
				if err != nil || out.Broken == nil || out.Broken.Invariant != m.invariant {
					t.Errorf("seed %d: found %v, %v", seed, out.Broken, err)
				}
				sound, err := Play(s, false)
				if err != nil || sound.Broken != nil {
					t.Errorf("seed %d: without the fault: %v, %v", seed, sound.Broken, err)
				}
			}
		})
	}
}

// What is against a constraint is found, by where services truly are.
func TestCheckerFindsWhatIsMisplaced(t *testing.T) {
	for name, active := range map[string]map[string][]string{
		"twice":              {"P1": {"node1", "node2"}, "P2": {"node1"}, "G3a": {"node1"}, "G3b": {"node1"}},
		"not with the other": {"P1": {"node1"}, "P2": {"node2"}, "G3a": {"node1"}, "G3b": {"node1"}},
		"without the first":  {"P1": {}, "P2": {}, "G3a": {"node1"}, "G3b": {"node1"}},
		"half a group":       {"P1": {"node1"}, "P2": {"node1"}, "G3a": {}, "G3b": {"node1"}},
		"":                   {"P1": {"node1"}, "P2": {"node1"}, "G3a": {"node3"}, "G3b": {"node3"}},
		"nothing":            {},
	} {
		c := upWith(t, 1, 3, true, "").Cluster
		d := &drive{Cluster: c, s: &Scenario{Nodes: 3, Resources: []string{"P1", "P2", "G3"}, Constraints: true}}
		for _, h := range c.Hosts {
			h.services = map[string]*service{}
		}
		for id, hosts := range active {
			for _, h := range hosts {
				c.Host(h).service(id).active = true
			}
		}
		d.placed()
		if found := c.Broken() != nil && c.Broken().Invariant == Misplaced; found != (name != "" && name != "nothing") {
			t.Errorf("%s: found %v", name, c.Broken())
		}
	}
}
