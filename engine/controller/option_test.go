package controller

import (
	"errors"
	"testing"
	"time"

	"hacluster/cib"
	"hacluster/engine/fencer"
	"hacluster/engine/replica"
	"hacluster/engine/transition"
)

// Options that say how long the controller waits: each of them moves what is due.
func TestLimitsFromTheCIB(t *testing.T) {
	for _, x := range []struct {
		name   string
		do     func(w *alone)
		due    func(c *Controller) time.Time
		normal time.Duration
	}{
		{"election-timeout", func(w *alone) { w.c.startElection("a test") }, func(c *Controller) time.Time { return c.electEnd }, 2 * time.Minute},
		{"join-integration-timeout", func(w *alone) { w.c.offer() }, func(c *Controller) time.Time { return c.joinEnd }, 3 * time.Minute},
		{"join-finalization-timeout", func(w *alone) { w.c.offer(); w.c.finalize() }, func(c *Controller) time.Time { return c.joinEnd }, 30 * time.Minute},
		{"shutdown-escalation", func(w *alone) { w.c.Shutdown(w.c.now) }, func(c *Controller) time.Time { return c.escalateAt }, 20 * time.Minute},
		{"cluster-recheck-interval", func(w *alone) { w.c.plan() }, func(c *Controller) time.Time { return c.recheckAt }, 15 * time.Minute},
		{"cluster-delay", func(w *alone) {
			w.plans = []*transition.Graph{chain(rscOp("start", "r_start_0", 0, transition.Attr{Name: "CRM_meta_timeout", Value: "20000"}))}
			w.c.plan()
		}, func(c *Controller) time.Time { return c.run.deadline().Add(-20 * time.Second) }, time.Minute},
		{"shutdown-escalation", func(w *alone) { // of another node that the DC has shut down
			s := &transition.Synapse{Action: &transition.Action{Kind: transition.ClusterEvent, Operation: "do_shutdown", Node: "n2"}}
			w.plans = []*transition.Graph{chain(s)}
			w.c.plan()
		}, func(c *Controller) time.Time { return c.run.deadline() }, 20 * time.Minute},
	} {
		for value, want := range map[string]time.Duration{"": x.normal, "7s": 7 * time.Second, "never mind": x.normal} {
			w := begin()
			if value != "" {
				w.configure(t, x.name, value)
			}
			x.do(w)
			if got := x.due(w.c).Sub(w.c.now); got != want {
				t.Errorf("%s=%q: %v, want %v", x.name, value, got, want)
			}
		}
	}
}

// Options that say how much a node, or the cluster, does at once.
func TestCapacityFromTheCIB(t *testing.T) {
	for _, x := range []struct {
		name, value string
		sample      Sample
		room, moves int
	}{
		{"node-action-limit", "", Sample{Cores: 3}, 6, 0},
		{"node-action-limit", "5", Sample{Cores: 3}, 5, 0},
		{"load-threshold", "", Sample{Cores: 2, Load: 2.1}, 2, 0},     // under low pressure: half
		{"load-threshold", "200%", Sample{Cores: 2, Load: 2.1}, 4, 0}, // and no pressure
		{"load-threshold", "20%", Sample{Cores: 2, Load: 2.1}, 1, 0},
		{"migration-limit", "3", Sample{Cores: 2}, 4, 3},
		{"migration-limit", "-1", Sample{Cores: 2}, 4, 0},
	} {
		w := begin()
		if x.value != "" {
			w.configure(t, x.name, x.value)
		}
		w.c.Sample(w.c.now, x.sample)
		w.settle()
		if room, moves := w.c.room("n1"), w.c.moveLimit(); room != x.room || moves != x.moves {
			t.Errorf("%s=%q: room for %d, %d migrations; want %d, %d", x.name, x.value, room, moves, x.room, x.moves)
		}
	}
}

// Fencing that fails is asked for at once again, as often as the option says, under either name; then once for whatever has a plan made; a change of the
// configuration begins anew. What is asked for has the timeout and the delay of the options and the plan.
func TestFencingAttempts(t *testing.T) {
	for name, most := range map[string]int{"": 10, "stonith-max-attempts": 3, "fencing-max-attempts": 2} {
		w := begin()
		if name != "" {
			w.configure(t, name, map[int]string{2: "2", 3: "3"}[most])
		}
		w.configure(t, "stonith-timeout", "17s")
		fence := func() *transition.Graph {
			return chain(&transition.Synapse{Action: &transition.Action{Kind: transition.ClusterEvent, Operation: "stonith", Node: "n2", Attrs: []transition.Attr{
				{Name: "CRM_meta_stonith_action", Value: "off"}, {Name: "CRM_meta_priority_fencing_delay", Value: "15s"},
			}}})
		}
		w.failFencing = errFencing
		for range 20 {
			w.plans = append(w.plans, fence())
		}
		tries := func(why string, do func(), want int) {
			t.Helper()
			before := len(w.fenced)
			do()
			w.settle()
			if got := len(w.fenced) - before; got != want {
				t.Errorf("%q=%d: %s: %d tries, want %d", name, most, why, got, want)
			}
		}
		tries("at once", func() { w.c.abort("a test") }, most)
		tries("a recheck", func() { w.c.abort("Cluster recheck") }, 1)
		tries("a change of the configuration", func() {
			w.c.CIBChanged(w.c.now, replica.Change{Op: cib.Modify, Section: "resources", Config: true, Node: "n1", Client: "cibadmin"})
		}, min(most, 20-most-1))
		if r := w.fenced[0]; r != (FenceRequest{Target: "n2", Action: "off", Timeout: 17 * time.Second, Delay: 15 * time.Second}) {
			t.Errorf("asked for %+v", r)
		}
	}
}

// Where no device reaches the target the tries are a second apart.
func TestFencingWithoutDevice(t *testing.T) {
	w := begin()
	w.failFencing = &fencer.Error{Code: fencer.NoDevice}
	for range 20 {
		w.plans = append(w.plans, chain(&transition.Synapse{Action: &transition.Action{Kind: transition.ClusterEvent, Operation: "stonith", Node: "n2"}}))
	}
	now := w.c.now
	w.c.abort("a test")
	w.settle()
	for n := 1; n <= 10; n++ {
		if len(w.fenced) != n {
			t.Fatalf("%d tries, want %d", len(w.fenced), n)
		}
		w.c.Tick(now.Add(deviceAgain - time.Millisecond))
		w.settle()
		if len(w.fenced) != n {
			t.Fatalf("try %d comes early", n+1)
		}
		now = now.Add(deviceAgain)
		w.c.Tick(now)
		w.settle()
	}
	if len(w.fenced) != 10 {
		t.Errorf("%d tries", len(w.fenced))
	}
}

var errFencing = errors.New("the device does not answer")
