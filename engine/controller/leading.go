package controller

import "time"

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
