package controller

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/replica"
)

// The DC counts failures when their results come. One that is lost at that moment has not, and the next DC finds a failure in a history that nobody
// has counted: without fencing, a stop that failed would be followed by a start and another stop at each recheck. So each node keeps what
// failed on it until the CIB has that it was counted, and counts it itself when another DC takes it in before that.

// failure is one of this node, or of a remote node that it is connected to.
type failure struct {
	node, dc string // who was DC then
	left     bool   // that one has left the group since: when it is back, as DC perhaps, it knows nothing of this
	at       time.Time
	op       *etree.Element
	ignored  bool
}

// countsWithin is how long a DC that is there takes at most to have a failure counted.
const countsWithin = 10 * time.Second

// noteOrder keeps whether failures of an operation are to be ignored; what is to be forgotten is not to be counted either.
func (c *Controller) noteOrder(order *etree.Element) {
	if p := order.SelectElement("primitive"); p != nil && order.SelectAttrValue("operation", "") == "delete" {
		maps.DeleteFunc(c.uncounted, func(k counted, _ failure) bool {
			resource, _, _ := strings.Cut(strings.TrimPrefix(k.name, "last-failure-"), "#")
			return k.node == order.SelectAttrValue("on_node", "") && resource == p.SelectAttrValue("id", "")
		})
		return
	}
	key := order.SelectAttrValue("on_node", "") + " " + order.SelectAttrValue("operation_key", "")
	if at := order.SelectElement("attributes"); at != nil && strings.EqualFold(at.SelectAttrValue("CRM_meta_on_fail", ""), "ignore") {
		c.ignores[key] = true
	} else {
		delete(c.ignores, key)
	}
}

// noteFailures keeps the failures of this node that its DC is to count, until it has.
func (c *Controller) noteFailures(ch replica.Change) {
	if ch.Data == nil || c.IsDC() {
		return
	}
	switch ch.Client {
	case ClientExecutor:
		if ch.Node == c.self.Name {
			c.noteFailed(ch.Data.SelectAttrValue("uname", ""), ch.Data.FindElements(".//lrm_rsc_op"))
		}
	case ClientController:
		if node := ch.Data.SelectAttrValue("uname", ""); ch.Node != c.self.Name {
			if lost := Lost(ch); len(lost) > 0 && c.keeps(node) {
				c.noteFailed(node, lost)
			}
		}
	case ClientAttributes:
		for _, nv := range ch.Data.FindElements(".//transient_attributes//nvpair") {
			name := strings.Replace(nv.SelectAttrValue("name", ""), "fail-count-", "last-failure-", 1)
			delete(c.uncounted, counted{ch.Data.SelectAttrValue("uname", ""), name})
		}
	}
}

// keeps tells whether this node keeps the history of a node: its own, or that of a remote node that it is connected to.
func (c *Controller) keeps(node string) bool {
	return node == c.self.Name || slices.ContainsFunc(c.effects.Histories(), func(state *etree.Element) bool { return state.SelectAttrValue("uname", "") == node })
}

// noteFailed keeps what of these entries of a node's history failed and is to be counted.
func (c *Controller) noteFailed(node string, entries []*etree.Element) {
	for _, op := range entries {
		status, code, _, _, expected, _, ok := magic(op)
		if !ok || status == -1 || code == expected && status <= 1 || !strings.HasSuffix(op.SelectAttrValue("id", ""), "_last_failure_0") || !counts(op) {
			continue
		}
		key := op.SelectAttrValue("operation_key", "")
		c.uncounted[counted{node, "last-failure-" + c.counter(op)}] = failure{node: node, dc: c.dc, at: c.now, op: op.Copy(), ignored: c.ignores[node+" "+key]}
	}
}

// counts tells whether failures of an operation are counted that came of a plan: those of probes are not.
func counts(op *etree.Element) bool {
	if op.SelectAttrValue("interval", "0") != "0" {
		return true
	}
	switch op.SelectAttrValue("operation", "") {
	case "start", "stop", "promote", "demote":
		return true
	}
	return false
}

// awaits tells whether a failure is about to be counted by the DC.
func (f failure) awaits(dc string) bool { return f.dc != "" && f.dc == dc && !f.left }

// counterLeft notes that a node left the group: if it was the DC it counts nothing any more, also not as the DC that it may be again.
func (c *Controller) counterLeft(name string) {
	for k, f := range c.uncounted {
		if f.dc == name {
			f.left = true
			c.uncounted[k] = f
		}
	}
}

// countMissed counts what an earlier DC has not, now that another one has taken this node in.
func (c *Controller) countMissed() {
	for _, k := range slices.SortedFunc(maps.Keys(c.uncounted), func(a, b counted) int { return strings.Compare(a.node+" "+a.name, b.node+" "+b.name) }) {
		f := c.uncounted[k]
		if f.awaits(c.dc) {
			continue // it is about to
		}
		delete(c.uncounted, k)
		c.effects.Logf("Node %s did not count that %s failed on %s: this node does", f.dc, f.op.SelectAttrValue("operation_key", ""), f.node)
		c.countFailure(f.node, f.op, true, f.ignored)
	}
}

// countedBy is when failures count as counted, for the DC of then is still there; zero: there are none.
func (c *Controller) countedBy() time.Time {
	var first time.Time
	for _, f := range c.uncounted {
		if at := f.at.Add(countsWithin); f.awaits(c.dc) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// dropCounted forgets those failures.
func (c *Controller) dropCounted() {
	maps.DeleteFunc(c.uncounted, func(_ counted, f failure) bool {
		return f.awaits(c.dc) && !c.now.Before(f.at.Add(countsWithin))
	})
}
