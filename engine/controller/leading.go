package controller

import (
	"slices"
	"time"

	"hacluster/engine/transition"
)

// What a DC asks for as such is made where it leads (replica.Leader). Another one leads after a takeover of the CIB that is not this DC's: two
// nodes that suspect each other may both be DC for a while, in one group. A join has this one lead again; so that two do not take that from
// each other without end, each waits between.

// reclaimEvery is how often a DC has a join make it lead again at most.
const reclaimEvery = time.Second

// Leads tells whether this node asks for changes as the DC. In a join it may not lead yet.
func (c *Controller) Leads() bool {
	return c.IsDC() && (c.shared || c.effects.Leader() == c.self.Name)
}

// AsDC does what is for the DC to do: at once, unless this node is DC and does not lead yet. Then it waits until a join has it lead, for what
// it orders before could not be told from what any node may order: it would be done, too, where another one is DC when it comes. Who
// gives the role up leaves it to the next.
func (c *Controller) AsDC(do func(leads bool)) {
	if c.IsDC() && !c.Leads() {
		c.owed = append(c.owed, do)
		return
	}
	do(c.Leads())
}

// pay does what has waited until this node leads.
func (c *Controller) pay() {
	owed := c.owed
	c.owed = nil
	for _, do := range owed {
		c.AsDC(do)
	}
}

// Overruled tells that none of those who have a node fenced speaks for the cluster any more: this node has joined another DC, to
// which the target is a member in good standing, or is the DC itself; or it is the DC, and its plan does not ask for that any more. What a DC has
// begun outlives its time as DC, for a device may be busy, or fail and be tried again; whom the next one wants to have fenced that one asks for itself.
func (c *Controller) Overruled(target string, askers []string) bool {
	p := c.peers[target]
	switch {
	case c.dc == "" || !c.joined || p == nil || !p.process || p.suspect:
		return false
	case c.IsDC() && target != c.self.Name:
		return c.settled() && c.toFence != nil && !c.toFence[target] && p.phase == phaseConfirmed && c.takesPart(target)
	case slices.Contains(askers, c.dc):
		return false
	}
	return target == c.dc || c.takesPart(target)
}

// plansToFence takes note of whom a plan has fenced.
func (c *Controller) plansToFence(g *transition.Graph) {
	c.toFence = map[string]bool{}
	for _, s := range g.Synapses {
		if a := s.Action; a.Operation == "stonith" {
			c.toFence[a.Node] = true
		}
	}
}

// led tells whether this DC leads, or anybody may.
func (c *Controller) led() bool {
	l := c.effects.Leader()
	return l == "" || l == c.self.Name
}

// reclaim has this DC lead where another one does, and has what it knows written again.
func (c *Controller) reclaim() {
	switch wait := c.claimed.Add(reclaimEvery); {
	case !c.IsDC() || c.exited || !c.settled() || c.led():
	case c.now.Before(wait):
		c.reclaimAt = wait
	default:
		c.claimed = c.now
		c.effects.Logf("Node %s leads, though this one is DC: a join makes it lead", c.effects.Leader())
		c.effects.RewriteAttributes("")
		c.offer()
	}
}
