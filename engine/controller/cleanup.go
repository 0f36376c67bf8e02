package controller

import (
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/replica"
)

// cleanupHolds is how long a plan waits, once the count of a failure is gone, for the history of that failure to go, too.
const cleanupHolds = 100 * time.Millisecond

// uncount notes that a failure is not counted any more of which a history tells still. Who cleans up has first the counts forgotten
// and then the histories, by orders of their own; a plan made in between would recover by that failure what is
// only to be looked at again, and start it where nobody has looked yet.
func (c *Controller) uncount(ch replica.Change) {
	node := quoted(ch.Section, "node_state[@id='")
	attribute := quoted(ch.Section, "nvpair[@id='")
	if ch.Op != cib.Delete || ch.Client != ClientAttributes || !strings.HasPrefix(attribute, "status-"+node+"-fail-count-") {
		return
	}
	k := cleared{node, attribute}
	if !c.told(k) {
		return
	}
	if c.cleared == nil {
		c.cleared = map[cleared]time.Time{}
	}
	c.cleared[k] = c.now.Add(cleanupHolds)
}

// cleared is a failure that is counted no more, by the ids of the node and of the attribute that was its counter.
type cleared struct{ node, attribute string }

// quoted is what stands in a path after a beginning that opens a quotation, up to its end.
func quoted(path, begin string) string {
	_, rest, _ := strings.Cut(path, begin)
	text, _, found := strings.Cut(rest, "'")
	if !found {
		return ""
	}
	return text
}

// told tells whether a node's history tells of a failure.
func (c *Controller) told(k cleared) bool {
	st := cib.Section(c.effects.CIB(), "status")
	if st == nil {
		return false
	}
	for _, s := range st.SelectElements("node_state") {
		if s.SelectAttrValue("id", "") != k.node {
			continue
		}
		fits := func(op *etree.Element) bool {
			return strings.HasSuffix(op.SelectAttrValue("id", ""), "_last_failure_0") && xml.SanitizeID("status-"+k.node+"-fail-count-"+c.counter(op)) == k.attribute
		}
		for _, r := range s.FindElements("lrm/lrm_resources/lrm_resource") {
			for _, op := range r.SelectElements("lrm_rsc_op") {
				if fits(op) {
					return true
				}
			}
		}
	}
	return false
}

// cleaning tells that a failure is being forgotten.
func (c *Controller) cleaning() bool {
	for k, until := range c.cleared {
		if !c.now.Before(until) || !c.told(k) {
			delete(c.cleared, k)
		}
	}
	return len(c.cleared) > 0
}
