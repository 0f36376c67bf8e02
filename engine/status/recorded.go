package status

import (
	"strings"

	"github.com/beevik/etree"
)

// Recorded is an operation as a node recorded it.
type Recorded struct {
	Node     string // as the status section names it
	Resource string // id of the history that it stands in
	XML      *etree.Element
}

// Recorded lists the operations of histories: those of one resource (by the name
// that its history has) and of one node; "" means all. Active leaves out what is
// over: what stands before the last start, and all of a resource that was stopped.
func (c *Cluster) Recorded(resource, node string, active bool) (list []Recorded) {
	for state := range elements(c.StatusXML, "node_state") {
		name := get(state, "uname")
		n := c.FindNode(name)
		if n == nil || node != "" && !strings.EqualFold(name, node) || !n.Online && !c.Options.FencingEnabled {
			continue
		}
		for history := range lrmResources(state) {
			id := get(history, "id")
			if resource != "" && id != resource {
				continue
			}
			ops := c.SortHistory(history)
			if active {
				start, stop := ActiveWindow(ops)
				if start < stop {
					continue
				}
				ops = ops[max(start, 0):]
			}
			for _, op := range ops {
				list = append(list, Recorded{name, id, op})
			}
		}
	}
	return list
}

// Representative is the entry of a resource's history on a node that tells most
// of the parameters it runs with; nil without history.
func (c *Cluster) Representative(r *Resource, n *Node) (best *etree.Element) {
	for history := range c.HistoryOf(n) {
		if get(history, "id") != r.ID {
			continue
		}
		for op := range elements(history, "lrm_rsc_op") {
			if best == nil || c.moreTelling(op, best) {
				best = op
			}
		}
		break
	}
	return best
}

// moreTelling tells whether an entry says more of the current parameters than
// another: those that begin something count most, recurring ones more than the
// rest; a success counts more than a failure, one with a restart digest more than
// one without; then the newer.
func (c *Cluster) moreTelling(op, than *etree.Element) bool {
	begins := func(e *etree.Element) bool {
		switch strings.ToLower(get(e, "operation")) {
		case "monitor", "start", "promote", "migrate_from":
			return intAttr(e, "interval", 0) == 0
		}
		return false
	}
	failed := func(e *etree.Element) bool { return strings.HasSuffix(get(e, "id"), "_last_failure_0") }
	digest := func(e *etree.Element) bool { _, ok := attr(e, "op-restart-digest"); return ok }
	switch {
	case begins(than) && !begins(op):
		return false
	case !begins(than) && intAttr(than, "interval", 0) != 0 && !begins(op) && intAttr(op, "interval", 0) == 0:
		return false
	case failed(op) && !failed(than), digest(than) && !digest(op):
		return false
	}
	return c.Newer(than, op) <= 0
}

// AnyPending tells whether some operation was begun and has no result yet. A
// recurring monitor does not count if its last failure is recorded: the cluster
// leaves its entry as it is.
func (c *Cluster) AnyPending() bool {
	failed := map[string]bool{}
	var pending []string
	for state := range elements(c.StatusXML, "node_state") {
		for history := range lrmResources(state) {
			for op := range elements(history, "lrm_rsc_op") {
				key := get(op, "operation_key")
				if strings.HasSuffix(get(op, "id"), "_last_failure_0") {
					failed[key] = true
				}
				if get(op, "rc-code") != "193" {
					continue
				}
				if get(op, "operation") != "monitor" || intAttr(op, "interval", 0) == 0 {
					return true
				}
				pending = append(pending, key)
			}
		}
	}
	for _, key := range pending {
		if !failed[key] {
			return true
		}
	}
	return false
}
