package controller

import (
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/engine/option"
	"hacluster/engine/transition"
)

// Busy nodes are given less to do at once. Every controller measures how busy its
// node is and tells the others when that changed; the DC holds back what a node has no
// room for.

// pressure is how busy a node is, with the numbers that stand in messages.
type pressure int

const (
	pressureNone    pressure = 0
	pressureLow     pressure = 1
	pressureMedium  pressure = 16
	pressureHigh    pressure = 256
	pressureExtreme pressure = 4096
)

func (p pressure) String() string {
	switch p {
	case pressureNone:
		return "none"
	case pressureLow:
		return "low"
	case pressureMedium:
		return "medium"
	case pressureHigh:
		return "high"
	}
	return "extreme"
}

// SampleInterval is how often Sample wants to be called.
const SampleInterval = 30 * time.Second

// Sample is what a node measured of itself.
type Sample struct {
	Cores int
	Load  float64 // of the last minute, as in /proc/loadavg
	// Busy is the share of one core that the cluster's own process took since the last sample; negative
	// where that is not known.
	Busy float64
}

// capacity is what a node can take, as it told.
type capacity struct {
	pressure pressure
	jobs     int // at most at once; 0: no limit
}

// Sample takes a measurement of this node.
func (c *Controller) Sample(now time.Time, s Sample) {
	c.now = now
	threshold := c.loadThreshold()
	was := c.own
	c.own = capacity{max(loadPressure(s, threshold), busyPressure(s, threshold)), c.jobLimit(s.Cores)}
	if c.own == was {
		return
	}
	if c.own.pressure != was.pressure {
		c.effects.Logf("This node is under %s pressure (load %.2f on %d cores)", c.own.pressure, s.Load, s.Cores)
	}
	c.tellCapacity()
}

// jobLimit is how many actions this node takes at once: its own limit, node-action-limit, or twice its cores.
func (c *Controller) jobLimit(cores int) int {
	if n, err := strconv.Atoi(c.actionLimit); err == nil {
		if n > 0 {
			return n
		}
		return 2 * max(cores, 1)
	}
	if n, err := strconv.Atoi(c.option("node-action-limit", "")); err == nil && n > 0 {
		return n
	}
	return 2 * max(cores, 1)
}

// loadPressure is the pressure by the load of the machine; a threshold of 0 says that it does not matter.
func loadPressure(s Sample, threshold float64) pressure {
	if threshold <= 0 {
		return pressureNone
	}
	limit := threshold
	if s.Cores <= 1 {
		limit *= 0.6 // one core has nothing to spare
	}
	limit *= float64(max(s.Cores, 1))
	switch {
	case s.Load > 2*limit:
		return pressureHigh
	case s.Load > 1.6*limit:
		return pressureMedium
	case s.Load > 1.2*limit:
		return pressureLow
	}
	return pressureNone
}

// busyPressure is the pressure by what the cluster's own process takes of a core.
func busyPressure(s Sample, threshold float64) pressure {
	limit := 0.95
	if s.Cores <= 1 {
		limit = 0.4
	}
	if threshold > 0 {
		limit = min(limit, threshold)
	}
	switch {
	case s.Busy > 1.5*limit:
		return pressureExtreme
	case s.Busy > limit:
		return pressureHigh
	case s.Busy > 0.9*limit:
		return pressureMedium
	case s.Busy > 0.8*limit:
		return pressureLow
	}
	return pressureNone
}

// loadThreshold is load-threshold as a share: of "80%" 0.8. What is no percentage counts as not set.
func (c *Controller) loadThreshold() float64 {
	if v, ok := percent(c.option("load-threshold", "")); ok {
		return v
	}
	v, _ := percent(option.Find("load-threshold").Default)
	return v
}

// percent reads "80%" as 0.8; what follows the sign does not count, and without it there is no percentage.
func percent(s string) (share float64, ok bool) {
	f, rest, err := number.Float(s)
	if err != nil || !(f >= 0) || !strings.HasPrefix(rest, "%") {
		return 0, false
	}
	return f / 100, true
}

// tellCapacity tells all nodes what this one can take; nothing before the first sample.
func (c *Controller) tellCapacity() {
	if c.own.jobs == 0 || c.state == Starting {
		return
	}
	c.effects.Broadcast(c.message("throttle", "", "crm-limit-mode", strconv.Itoa(int(c.own.pressure)), "crm-limit-max", strconv.Itoa(c.own.jobs)))
}

func (c *Controller) onThrottle(from string, msg *etree.Element) {
	mode, err := strconv.Atoi(msg.SelectAttrValue("crm-limit-mode", ""))
	limit, err2 := strconv.Atoi(msg.SelectAttrValue("crm-limit-max", ""))
	if err != nil || err2 != nil || mode < 0 || limit < 0 {
		c.effects.Logf("Node %s tells of a capacity that is none: %s of %s", from, msg.SelectAttrValue("crm-limit-mode", ""), msg.SelectAttrValue("crm-limit-max", ""))
		return
	}
	p := c.peer(from)
	p.capacity, p.told = capacity{pressure(mode), limit}, true
	c.advance() // what was held back may fit now
}

// room is how many actions a node may have at once; 0: no limit.
func (c *Controller) room(node string) int {
	can := capacity{pressureLow, c.own.jobs} // a node that has not told yet
	if p := c.peers[node]; p != nil && p.told {
		can = p.capacity
	}
	if can.jobs == 0 {
		return 0
	}
	switch can.pressure {
	case pressureNone:
		return can.jobs
	case pressureLow:
		return max(1, can.jobs/2)
	case pressureMedium:
		return max(1, can.jobs/4)
	}
	return 1
}

// batchLimit is how many actions the whole cluster may have at once: batch-limit, less while
// a node is under high pressure. 0: no limit.
func (c *Controller) batchLimit(r *run) int {
	limit, err := strconv.Atoi(r.graph.Attr("batch-limit"))
	if err != nil || limit < 0 {
		limit = 0
	}
	peers, worst := 0, pressureNone
	for _, p := range c.peers {
		if p.process {
			peers++
			worst = max(worst, p.capacity.pressure)
		}
	}
	held := 0
	switch {
	case worst >= pressureExtreme:
		held = max(1, peers/4)
	case worst >= pressureHigh:
		held = max(1, peers/2)
	}
	if held > 0 && (limit == 0 || held < limit) {
		return held
	}
	return limit
}

// load counts what is under way on each node.
type load struct {
	jobs, moves map[string]int
	all         int
}

// connects tells whether an action makes, watches or ends the connection to a remote node. It is no work for the node that has it: it waits
// for the host to answer, for as long as a minute where that is down, and nothing else is to wait with it.
func connects(a *transition.Action) bool {
	return a.Kind == transition.ResourceOp && a.Resource.Connects()
}

// places are the nodes that an action keeps busy: both for a live migration. What is done on a remote node is work for the node that is connected to it, and
// no migration to migration-limit.
func places(a *transition.Action) (nodes []string, move bool) {
	switch {
	case a.Kind != transition.ResourceOp || connects(a):
		return nil, false
	case a.Router != "":
		return []string{a.Router}, false
	}
	at := a.Node
	nodes = []string{at}
	if moves(a) {
		move = true
		for _, name := range []string{"CRM_meta_migrate_source", "CRM_meta_migrate_target"} {
			if n, _ := a.Attr(name); n != "" && n != at {
				nodes = append(nodes, n)
			}
		}
	}
	return nodes, move
}

// moves tells whether an action is part of a live migration.
func moves(a *transition.Action) bool {
	return a.Operation == "migrate_to" || a.Operation == "migrate_from"
}

// add counts an action that begins, or with -1 one that ended.
func (l *load) add(a *transition.Action, n int) {
	l.all += n
	nodes, move := places(a)
	for _, at := range nodes {
		l.jobs[at] += n
		if move {
			l.moves[at] += n
		}
	}
}

// fits tells whether there is room for one more action.
func (c *Controller) fits(l *load, a *transition.Action, batch, moves int) bool {
	if connects(a) {
		return true
	}
	if batch > 0 && l.all >= batch {
		return false
	}
	nodes, move := places(a)
	for _, n := range nodes {
		if limit := c.room(n); limit > 0 && l.jobs[n] >= limit {
			return false
		}
		if move && moves > 0 && l.moves[n] >= moves {
			return false
		}
	}
	return true
}

// moveLimit is migration-limit: how many live migrations a node takes part in at once; 0: no limit.
func (c *Controller) moveLimit() int {
	n, err := strconv.Atoi(c.option("migration-limit", ""))
	if err != nil || n < 0 {
		return 0
	}
	return n
}
