package controller

import (
	"strconv"
	"time"

	"hacluster/engine/transition"
)

// What tells that a node was given its access are attributes, which are set beside the changes that the controller itself makes. A plan that
// is made before they are in the CIB would have the node given its access once more.

// notingHolds is how long a plan waits for them at most.
const notingHolds = time.Second

// Of these the scheduler reads when a node was given its access, and for which devices.
const (
	unfencedAttr = "#node-unfenced"
	digestsAttr  = "#digests-all"
)

// noting is what is on its way to the CIB about a node, and how long it is waited for.
type noting struct {
	when, digests string
	until         time.Time
}

// unfenced notes that a node was given its access, and what its devices were like then: the
// scheduler asks for it again when they change.
func (c *Controller) unfenced(a *transition.Action) {
	when := strconv.FormatInt(c.now.Unix(), 10)
	c.effects.SetAttribute(a.Node, unfencedAttr, &when)
	for attribute, meta := range map[string]string{digestsAttr: "CRM_meta_digests_all", "#digests-secure": "CRM_meta_digests_secure"} {
		if v, ok := a.Attr(meta); ok {
			c.effects.SetAttribute(a.Node, attribute, &v)
		} else {
			c.effects.SetAttribute(a.Node, attribute, nil)
		}
	}
	if c.noting == nil {
		c.noting = map[string]noting{}
	}
	digests, _ := a.Attr("CRM_meta_digests_all")
	c.noting[a.Node] = noting{when, digests, c.now.Add(notingHolds)}
}

// noted tells whether all that was set of nodes that were given their access is in the CIB, or waited for no more.
func (c *Controller) noted() bool {
	root := c.effects.CIB()
	for node, n := range c.noting {
		if !c.now.Before(n.until) || transient(root, node, unfencedAttr) == n.when && transient(root, node, digestsAttr) == n.digests {
			delete(c.noting, node)
		}
	}
	return len(c.noting) == 0
}
