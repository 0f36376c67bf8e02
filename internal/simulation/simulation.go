// Package simulation runs whole clusters in one goroutine on virtual time: the
// cores of internal/node, a network that orders and can be cut, agents that only
// remember. The same seed gives the same history, so that a failure replays.
package simulation

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/alert"
	"hacluster/engine/controller"
	"hacluster/engine/executor"
	"hacluster/engine/fencer"
	"hacluster/engine/replica"
	"hacluster/engine/scheduler"
	"hacluster/engine/transition"
	"hacluster/internal/node"
)

// Cluster is a simulated cluster.
type Cluster struct {
	Now    time.Time
	Nodes  []*Node
	Log    []string
	random *rand.Rand
	events events
	seq    int
	names  map[uint32]string
	// side says which side of the network each node is on; nodes of one side hear each other.
	side map[uint32]int
	// Fences counts fencing by target.
	Fences map[string]int
	// AgentTime is how long an agent's run takes at most.
	AgentTime time.Duration
	// Twice holds every moment at which a resource ran in two places.
	Twice []string
}

// Node is one node of a simulated cluster.
type Node struct {
	c       *Cluster
	ID      uint32
	Name    string
	Core    *node.Core
	Up      bool
	disk    *etree.Element
	running map[string]bool // resources that run here
	boots   int
	Exits   []string
	Alerts  []alert.Run // calls of alert agents
}

type event struct {
	at  time.Time
	seq int
	f   func()
}

type events []*event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	if e[i].at.Equal(e[j].at) {
		return e[i].seq < e[j].seq
	}
	return e[i].at.Before(e[j].at)
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(*event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

// New makes a cluster of n nodes that are all off.
func New(seed uint64, n int) *Cluster {
	c := &Cluster{
		Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), random: rand.New(rand.NewPCG(seed, 1)), names: map[uint32]string{},
		side: map[uint32]int{}, Fences: map[string]int{}, AgentTime: 300 * time.Millisecond,
	}
	for i := 1; i <= n; i++ {
		nd := &Node{c: c, ID: uint32(i), Name: fmt.Sprintf("node%d", i), disk: cib.New(), running: map[string]bool{}}
		c.names[nd.ID] = nd.Name
		c.Nodes = append(c.Nodes, nd)
	}
	return c
}

func (c *Cluster) at(d time.Duration, f func()) {
	c.seq++
	heap.Push(&c.events, &event{c.Now.Add(d), c.seq, f})
}

func (c *Cluster) logf(format string, args ...any) {
	c.Log = append(c.Log, c.Now.Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// Node finds a node by name.
func (c *Cluster) Node(name string) *Node {
	for _, n := range c.Nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// Start turns a node on; it joins those that it hears.
func (c *Cluster) Start(name string) {
	n := c.Node(name)
	if n.Up {
		return
	}
	n.Up = true
	n.boots++
	n.Core = node.NewCore(node.CoreConfig{
		Self: controller.Member{ID: n.ID, Name: n.Name}, Names: c.names, CIB: n.disk, UUID: fmt.Sprintf("%08d-0000-4000-8000-%012d", n.ID, n.boots),
		Random: rand.New(rand.NewPCG(uint64(n.ID), uint64(n.boots))), Timing: controller.DefaultTiming,
	}, &world{n: n, core: n.boots})
	c.reform()
}

// Kill cuts a node's power: what ran there is gone.
func (c *Cluster) Kill(name string) {
	n := c.Node(name)
	c.logf("KILL %s", name)
	n.running = map[string]bool{}
	if n.Up {
		n.Up = false
		c.reform()
	}
}

// Crash ends a node's daemon only: what ran there runs on.
func (c *Cluster) Crash(name string) {
	n := c.Node(name)
	if !n.Up {
		return
	}
	c.logf("CRASH %s", name)
	n.Up = false
	c.reform()
}

// Cut puts the named nodes on a side of the network of their own.
func (c *Cluster) Cut(side int, names ...string) {
	c.logf("CUT %v", names)
	for _, name := range names {
		c.side[c.Node(name).ID] = side
	}
	c.reform()
}

// Heal joins all sides.
func (c *Cluster) Heal() {
	c.logf("HEAL")
	c.side = map[uint32]int{}
	c.reform()
}

// reform tells all nodes their new membership after a while, as the ring would.
func (c *Cluster) reform() {
	c.at(time.Duration(50+c.random.IntN(50))*time.Millisecond, func() {
		sides := map[int][]uint32{}
		for _, n := range c.Nodes {
			if n.Up {
				sides[c.side[n.ID]] = append(sides[c.side[n.ID]], n.ID)
			}
		}
		for _, n := range c.Nodes {
			if !n.Up {
				continue
			}
			ids := sides[c.side[n.ID]]
			quorate := 2*len(ids) > len(c.Nodes) || len(c.Nodes) == 2
			n.Core.Ring(c.Now, ids, quorate)
			n.Core.Group(c.Now, ids)
		}
	})
}

// Run lets time pass.
func (c *Cluster) Run(d time.Duration) {
	end := c.Now.Add(d)
	for {
		var next time.Time
		if len(c.events) > 0 {
			next = c.events[0].at
		}
		var ticker *Node
		for _, n := range c.Nodes {
			if !n.Up {
				continue
			}
			if t := n.Core.Deadline(); !t.IsZero() && (next.IsZero() || t.Before(next)) {
				next, ticker = t, n
			}
		}
		if next.IsZero() || next.After(end) {
			c.Now = end
			return
		}
		if next.After(c.Now) {
			c.Now = next
		}
		if ticker != nil {
			ticker.Core.Tick(c.Now)
		} else {
			heap.Pop(&c.events).(*event).f()
		}
		c.check()
	}
}

// check looks for resources that run in two places.
func (c *Cluster) check() {
	seen := map[string]string{}
	for _, n := range c.Nodes {
		for r := range n.running {
			if o, ok := seen[r]; ok {
				c.Twice = append(c.Twice, fmt.Sprintf("%s: %s on %s and %s", c.Now.Format("15:04:05.000"), r, o, n.Name))
			}
			seen[r] = n.Name
		}
	}
}

// Running tells where a resource runs.
func (c *Cluster) Running(resource string) []string {
	var out []string
	for _, n := range c.Nodes {
		if n.running[resource] {
			out = append(out, n.Name)
		}
	}
	return out
}

// Change orders a change of the CIB at a node; the outcome is logged.
func (c *Cluster) Change(name string, req cib.Request) {
	n := c.Node(name)
	n.Core.Change(c.Now, replica.Client{Name: "test", User: "root"}, req, func(_ cib.Result, err error) {
		if err != nil {
			c.logf("change at %s: %v", name, err)
		}
	})
}

// Dump is the log of a cluster.
func (c *Cluster) Dump() string { return strings.Join(c.Log, "\n") }

// world is a node's world.
type world struct {
	n    *Node
	core int // the boot that this world belongs to
}

func (w *world) alive() bool { return w.n.Up && w.n.boots == w.core }

// Send delivers to all of the same side, in one order.
func (w *world) Send(data []byte) {
	c, from := w.n.c, w.n
	side := c.side[from.ID]
	c.at(2*time.Millisecond, func() {
		if !w.alive() && c.random.IntN(2) == 0 {
			return
		}
		for _, n := range c.Nodes {
			if n.Up && c.side[n.ID] == side {
				n.Core.Message(c.Now, from.ID, data)
			}
		}
	})
}

func (w *world) Save(root *etree.Element) error {
	w.n.disk = root
	return nil
}

func (w *world) Plan(root *etree.Element, now time.Time) (*transition.Graph, time.Time, string, error) {
	r, err := scheduler.Plan(scheduler.Input{CIB: root, Now: now, NoScores: true})
	if err != nil {
		return nil, time.Time{}, "", err
	}
	return r.Graph, r.RecheckBy, "", nil
}

func (w *world) later(d time.Duration, f func(now time.Time)) {
	c := w.n.c
	c.at(d, func() {
		if w.alive() {
			f(c.Now)
		}
	})
}

func (w *world) Later(f func(now time.Time)) { w.later(0, f) }

func (w *world) RunAgent(op executor.Op, done func(now time.Time, res executor.Result)) {
	took := time.Duration(10+w.n.c.random.Int64N(int64(w.n.c.AgentTime/time.Millisecond))) * time.Millisecond
	w.later(took, func(now time.Time) {
		res := executor.Result{Duration: took}
		switch op.Action {
		case "start":
			w.n.running[op.Resource] = true
		case "stop":
			delete(w.n.running, op.Resource)
		case "monitor":
			if !w.n.running[op.Resource] {
				res.Code = 7
			}
		}
		w.n.c.logf("%s: %s %s = %d", w.n.Name, op.Action, op.Resource, res.Code)
		done(now, res)
	})
}

func (w *world) RunFence(_, action string, params func(plug string) []fencer.Param, _, delay time.Duration, done func(now time.Time, res fencer.AgentResult)) {
	w.later(delay+100*time.Millisecond, func(now time.Time) {
		res := fencer.AgentResult{}
		switch action {
		case "list":
			for _, n := range w.n.c.Nodes {
				res.Output += n.Name + ",\n"
			}
		case "reboot", "off":
			for _, p := range params("plug") {
				if p.Name == "plug" {
					w.n.c.Fences[p.Value]++
					w.n.c.Kill(p.Value)
				}
			}
		}
		done(now, res)
	})
}

func (w *world) RunAlert(r alert.Run) {
	w.n.Alerts = append(w.n.Alerts, r)
}

func (w *world) Installed(string) bool     { return true }
func (w *world) CIBChanged(replica.Change) {}
func (w *world) FencingChanged()           {}
func (w *world) Exit(reason string) {
	c := w.n.c
	w.n.Exits = append(w.n.Exits, reason)
	c.at(0, func() {
		if w.alive() {
			c.logf("%s: exit: %s", w.n.Name, reason)
			w.n.Up = false
			c.reform()
		}
	})
}

func (w *world) Logf(format string, args ...any) {
	w.n.c.logf("%s: "+format, append([]any{w.n.Name}, args...)...)
}

// Names lists the nodes that are up.
func (c *Cluster) Names() []string {
	var out []string
	for _, n := range c.Nodes {
		if n.Up {
			out = append(out, n.Name)
		}
	}
	slices.Sort(out)
	return out
}
