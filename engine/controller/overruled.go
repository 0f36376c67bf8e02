package controller

import (
	"slices"

	"hacluster/engine/transition"
)

// What somebody has asked to have fenced waits: for what devices there are, for a device that is busy, for a delay, for another try. Meanwhile parts
// of the cluster may meet, and others lead. So before an agent runs the fencer asks once more whether those who asked have a say in it still.
// Nothing that is needed is lost with what they have none in: a join always ends with a plan, and whom that wants to have fenced the DC asks for itself.

// Overruled tells that none of those who have a node fenced speaks for the cluster any more, and that the target, which is here, need not wait for that:
//   - this node takes no part before it was fenced, and nobody else asks: it may have been DC of its part;
//   - all who ask wait for their own fencing, and the target does not;
//   - this node has joined another DC, to which the target is a member in good standing, or is the DC itself;
//   - this node is the DC, and its plan does not ask for it, or is one of before the target came, and the next one waits for a join.
func (c *Controller) Overruled(target string, askers []string) bool {
	p := c.peers[target]
	speaks := func(n string) bool {
		asker := c.peers[n]
		return asker == nil || !asker.suspect || n == c.self.Name
	}
	switch {
	case p == nil || !p.process:
		return false
	case c.accused():
		return target != c.self.Name && !slices.ContainsFunc(askers, func(n string) bool { return n != c.self.Name })
	case p.suspect:
		return false
	case !slices.ContainsFunc(askers, speaks):
		return true
	case c.dc == "" || !c.joined:
		return false
	case c.IsDC() && target != c.self.Name && !c.settled():
		joins, asked := c.toFence[target]
		return !asked || joins != p.joins
	case c.IsDC() && target != c.self.Name:
		_, asked := c.toFence[target]
		return c.toFence != nil && !asked && p.phase == phaseConfirmed && c.takesPart(target)
	case slices.Contains(askers, c.dc):
		return false
	}
	return target == c.dc || c.takesPart(target)
}

// plansToFence takes note of whom a plan has fenced, and of how often each had come by then.
func (c *Controller) plansToFence(g *transition.Graph) {
	c.toFence = map[string]int{}
	for _, s := range g.Synapses {
		if a := s.Action; a.Operation == "stonith" {
			c.toFence[a.Node] = 0
			if p := c.peers[a.Node]; p != nil {
				c.toFence[a.Node] = p.joins
			}
		}
	}
}
