package controller

import (
	"strings"
	"time"

	"hacluster/cib"
	"hacluster/cib/number"
)

// A cluster that starts does so at once when all its nodes are there. Where some are missing, it gives them the time that Pacemaker's nodes wait
// before they elect a DC at all (dc-deadtime): hosts that got their power back together are not up in the same second, and what nobody has seen is
// to be fenced before anything starts (startup-fencing). Nor has a node whose daemons were started anew lost quorum for good while the ring is still
// coming together: what runs on it is not stopped before that.

// gathers tells that this DC waits for nodes that may yet come.
func (c *Controller) gathers() bool {
	if c.gathered || !c.IsDC() || !c.settled() || c.parting() {
		return false
	}
	if !c.now.Before(c.gatherEnd()) {
		c.gathered = true
		return false
	}
	if c.quorate && (!c.fencingAtHand() || number.IsFalse(c.option("startup-fencing", "true"))) {
		return false
	}
	awaited := c.awaited()
	if len(awaited) > 0 && !c.gatherTold {
		c.gatherTold = true
		c.effects.Logf("Waiting until %s for nodes that nobody has seen: %s", c.gatherEnd().Format(time.TimeOnly), strings.Join(awaited, ", "))
	}
	return len(awaited) > 0
}

// parting tells that all nodes that are here were asked to leave while the cluster was still gathering. Then nothing will start, and nobody is fenced so that
// something may: with Pacemaker, too, a node that has no DC yet just goes.
func (c *Controller) parting() bool {
	if c.gathered || !c.shutdown {
		return false
	}
	for _, p := range c.active() {
		if t := transient(c.effects.CIB(), p.Name, "shutdown"); p.Name != c.self.Name && (t == "" || t == "0") {
			return false
		}
	}
	return true
}

// gatherEnd is when a DC that has just come waits no more.
func (c *Controller) gatherEnd() time.Time {
	return c.started.Add(c.limit("dc-deadtime", c.timing.Gather))
}

// awaited are the configured nodes of which nobody has told anything since the cluster started.
func (c *Controller) awaited() []string {
	nodes, states := cib.Section(c.effects.CIB(), "nodes"), cib.Section(c.effects.CIB(), "status")
	if nodes == nil || states == nil {
		return nil
	}
	seen := map[string]bool{}
	for _, s := range states.SelectElements("node_state") {
		seen[s.SelectAttrValue("id", "")] = true
	}
	var out []string
	for _, n := range nodes.SelectElements("node") {
		if id := n.SelectAttrValue("id", ""); !seen[id] && fullNode(n) {
			out = append(out, n.SelectAttrValue("uname", ""))
		}
	}
	return out
}
