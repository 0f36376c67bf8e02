package controller

import (
	"maps"

	"github.com/beevik/etree"
)

// Two parts of the cluster may each have lost the other, and each have quorum, or need none. When they meet both have a DC, and each waits for the
// fencing of the other. Whom the others follow shows what most of them want, though they accuse nobody themselves: who came later, and was
// told by its DC whom that suspects.

// noteFollower takes note of who follows whom, which all nodes hear: a node tells its DC that it has taken over what that one has.
func (c *Controller) noteFollower(from string, msg *etree.Element) {
	switch msg.SelectAttrValue("crm_task", "") {
	case "join_confirm":
		c.follows[from] = msg.SelectAttrValue("crm_host_to", "")
		c.concede()
	case "vote", "join_announce":
		c.unfollow(from)
	}
}

// unfollow forgets whom a node follows, and that others follow it.
func (c *Controller) unfollow(name string) {
	delete(c.follows, name)
	maps.DeleteFunc(c.follows, func(_, dc string) bool { return dc == name })
}

// accuses tells whether a node waits for the fencing of another, or its DC does.
func (c *Controller) accuses(name, whom string) bool {
	return c.blames[name][whom] || c.blames[c.follows[name]][whom]
}
