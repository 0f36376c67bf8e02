package controller

import "time"

// holds tells that a plan that is due waits for what is about to be in the CIB, or for nodes that are about to come.
func (c *Controller) holds() bool {
	counting, cleaning, noted := c.counting(), c.cleaning(), c.noted() // each forgets what took too long
	return counting || cleaning || !noted || c.gathers()
}

// holdsEnd is when the first of these waits ends; zero: there is none.
func (c *Controller) holdsEnd() time.Time {
	first := c.countsEnd()
	if c.planDue && c.gathers() {
		if end := c.gatherEnd(); first.IsZero() || end.Before(first) {
			first = end
		}
	}
	for _, until := range c.cleared {
		if first.IsZero() || until.Before(first) {
			first = until
		}
	}
	for _, n := range c.noting {
		if first.IsZero() || n.until.Before(first) {
			first = n.until
		}
	}
	return first
}
