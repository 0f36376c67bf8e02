package controller

import (
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
)

// countHolds is how long a plan waits for the count of a failure to be written down: longer than that takes, unless
// the one who writes attributes was lost.
const countHolds = time.Second

// counted is an attribute of a node.
type counted struct{ node, name string }

// awaitCount has the next plan wait until the CIB tells of a failure as its counter does. A plan that was made before
// would be ended half-way by the change: of a guest whose connection was lost it would stop the connection, and
// with that the reason to restart the container is gone.
func (c *Controller) awaitCount(node, name, value string) {
	if !c.IsDC() {
		return
	}
	was := transient(c.effects.CIB(), node, name)
	if was == value || strings.HasSuffix(value, "++") && was == "INFINITY" {
		return // nothing will change
	}
	if c.counts == nil {
		c.counts = map[counted]time.Time{}
	}
	c.counts[counted{node, name}] = c.now.Add(countHolds)
}

// transient is the value of a node's transient attribute in a CIB; "" if it has none.
func transient(root *etree.Element, node, name string) string {
	st := cib.Section(root, "status")
	if st == nil {
		return ""
	}
	for _, s := range st.SelectElements("node_state") {
		if s.SelectAttrValue("uname", "") != node {
			continue
		}
		for _, nv := range s.FindElements("transient_attributes//nvpair") {
			if nv.SelectAttrValue("name", "") == name {
				return nv.SelectAttrValue("value", "")
			}
		}
	}
	return ""
}

// wroteAttributes notes which attributes of a node are in the CIB now.
func (c *Controller) wroteAttributes(node string, attributes *etree.Element) {
	if len(c.counts) == 0 {
		return
	}
	for _, nv := range attributes.FindElements(".//nvpair") {
		delete(c.counts, counted{node, nv.SelectAttrValue("name", "")})
	}
}

// counting tells that a failure is not counted yet.
func (c *Controller) counting() bool {
	for k, until := range c.counts {
		if !c.now.Before(until) {
			delete(c.counts, k)
		}
	}
	return len(c.counts) > 0
}

// countsEnd is when the first wait for a count ends; zero: there is none.
func (c *Controller) countsEnd() time.Time {
	var first time.Time
	for _, until := range c.counts {
		if first.IsZero() || until.Before(first) {
			first = until
		}
	}
	return first
}
