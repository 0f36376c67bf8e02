package controller

import (
	"strconv"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
)

// Schedulers compare the times of results: which of two nodes had a resource last. All results are
// stamped with the DC's time. Where the clock of a new DC is behind that of the one before, its first results come after
// the newest of those all the same, or a migration that was done long ago would count as the later one, for ever. So it is where
// its clock is set back while it leads.

// stamp is the time that orders tell, as the wall clock has it: it never goes back.
func (c *Controller) stamp() time.Time {
	if now := c.now.Round(0); now.After(c.newest) {
		c.newest = now
	}
	return c.newest
}

// lookBack has stamps come after all results that the CIB has.
func (c *Controller) lookBack() {
	c.newest = time.Time{}
	status := cib.Section(c.effects.CIB(), "status")
	if status == nil {
		return
	}
	var walk func(el *etree.Element)
	walk = func(el *etree.Element) {
		for _, t := range el.Child {
			child, ok := t.(*etree.Element)
			switch {
			case !ok || child.Tag == "transient_attributes":
			case child.Tag == "lrm_rsc_op":
				n, err := strconv.ParseInt(child.SelectAttrValue("last-rc-change", ""), 10, 64)
				if at := time.Unix(n, 0).Add(time.Second); err == nil && at.After(c.newest) {
					c.newest = at
				}
			default:
				walk(child)
			}
		}
	}
	walk(status)
	if behind := c.newest.Sub(c.now); behind > clockTolerance {
		c.effects.Logf("The clock of this node is %v behind the newest result in the CIB: until it is not, results are stamped as if it were %v", behind.Round(time.Second), c.newest.UTC())
	}
}

// clockTolerance is what clocks may be apart without a word.
const clockTolerance = 5 * time.Second
