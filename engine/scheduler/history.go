package scheduler

import (
	"github.com/beevik/etree"

	"hacluster/engine/status"
)

// checkHistory compares what nodes recorded with what is configured now.
func (p *planner) checkHistory() {
	for _, n := range p.c.Nodes {
		if !n.Maintenance && !n.Available() {
			continue
		}
		for e := range p.c.HistoryOf(n) {
			if len(e.Child) == 0 {
				continue
			}
			id := e.SelectAttrValue("id", "")
			list := p.c.FindAll(id)
			for i := len(list) - 1; i >= 0; i-- {
				if r := list[i]; r.Kind == status.Primitive {
					p.checkResource(e, r, n)
				}
			}
		}
	}
}

func (p *planner) checkResource(e *etree.Element, r *Resource, n *Node) {
	p.c.Trace.Because(status.Origin{Code: status.OriginRemoved, Resource: r.ID})
	if r.Has(status.Removed) {
		if top := r.Top(false); !(top.IsClone() && !top.Has(status.Unique)) {
			p.cleanup(r, n)
		}
		return
	}
	if !status.HasNode(r.Active, n) {
		if p.agentChanged(e, r, n, false) {
			p.cleanup(r, n)
		}
		return
	}
	if p.agentChanged(e, r, n, true) {
		p.cleanup(r, n)
	}
	list := p.c.SortHistory(e)
	start, stop := status.ActiveWindow(list)
	if start < stop {
		return
	}
	for i, op := range list {
		if i < start {
			continue
		}
		task := op.SelectAttrValue("operation", "")
		v, _ := status.ParseInt(op.SelectAttrValue("interval", "0"))
		ms := uint32(max(v, 0))
		if ms > 0 && (r.Has(status.InMaintenance) || n.Maintenance) {
			p.scheduleCancel(r, op, task, ms, n)
			continue
		}
		if ms == 0 {
			switch task {
			case "monitor", "start", "promote", "migrate_from":
			default:
				continue
			}
		}
		if p.c.HasMagicAddress(r) {
			p.c.DeferredChecks = append(p.c.DeferredChecks, status.DeferredCheck{Entry: op, Resource: r, Node: n})
			continue
		}
		p.checkActive(r, n, op)
	}
}

func (p *planner) checkActive(r *Resource, n *Node, op *etree.Element) {
	if p.changed(r, n, op) {
		if count, _ := p.c.FailCount(n, r, status.FailEffective, nil); count != 0 {
			p.c.ClearFailCount(r, n)
		}
	}
}

// deferredChecks makes the comparisons that had to wait for placement.
func (p *planner) deferredChecks() {
	for i := len(p.c.DeferredChecks) - 1; i >= 0; i-- {
		k := p.c.DeferredChecks[i]
		if !k.LastFailure {
			p.checkActive(k.Resource, k.Node, k.Entry)
			continue
		}
		switch p.c.CompareDigest(k.Resource, k.Entry, k.Node).Outcome {
		case status.DigestMatch, status.DigestUnknown:
		default:
			p.c.Trace.Because(status.Origin{Code: status.OriginFailure, ID: k.Entry.SelectAttrValue("id", ""), Resource: k.Resource.ID})
			p.c.ClearFailCount(k.Resource, k.Node)
		}
	}
	p.c.DeferredChecks = nil
}

func (p *planner) scheduleCancel(r *Resource, op *etree.Element, task string, ms uint32, n *Node) {
	c := p.cancel(r, task, ms, n)
	if id := op.SelectAttr("call-id"); id != nil {
		c.Meta.Set("call-id", id.Value)
	}
	p.c.NewOrdering(&status.Ordering{FirstRsc: r, FirstTask: "stop", ThenRsc: r, ThenAction: c, Kinds: ordered})
}

// agentChanged tells whether a history is of another agent than configured.
func (p *planner) agentChanged(e *etree.Element, r *Resource, n *Node, active bool) bool {
	p.c.Trace.Because(status.Origin{Code: status.OriginDefinition, ID: e.SelectAttrValue("id", ""), Resource: r.ID})
	changed := false
	for _, a := range [...]struct{ name, now string }{{"type", r.Type}, {"class", r.Class}, {"provider", r.Provider}} {
		if e.SelectAttrValue(a.name, "") != a.now {
			changed = true
			p.triggerUnfencing(r, n, "Device definition changed", nil)
		}
	}
	if changed && active {
		p.c.NewAction(r, "stop", 0, n, false)
		r.Set(status.StartPending)
	}
	return changed
}

// cleanup deletes a resource's history on a node.
func (p *planner) cleanup(r *Resource, n *Node) {
	if r.Has(status.Failed) || n.Unclean || !n.Online {
		return
	}
	p.c.NewAction(r, "delete", 0, n, false)
	p.order(r, "stop", r, "delete", ordered)
	p.order(r, "delete", r, "start", ordered)
}

// changed reacts to parameters that changed since an operation ran.
func (p *planner) changed(r *Resource, n *Node, op *etree.Element) bool {
	p.c.Trace.Because(status.Origin{Code: status.OriginDefinition, ID: op.SelectAttrValue("id", ""), Resource: r.ID})
	task := op.SelectAttrValue("operation", "")
	v, _ := status.ParseInt(op.SelectAttrValue("interval", "0"))
	ms := uint32(max(v, 0))
	if ms > 0 && r.FindOp(task, ms, false) == nil {
		if p.c.Options.CancelRemoved {
			p.scheduleCancel(r, op, task, ms, n)
		}
		return true
	}
	if ms == 0 {
		switch task {
		case "monitor", "migrate_from", "promote":
			task = "start"
		}
	}
	d := p.c.CompareDigest(r, op, n)
	if secure := op.SelectAttr("op-secure-digest"); p.c.Simulation && d.Outcome != status.DigestMatch && secure != nil && d.Secure == secure.Value {
		p.c.Notices = append(p.c.Notices, "Only 'private' parameters to "+status.ReadableInterval(ms)+"-interval "+task+" for "+r.ID+" on "+n.ShownName()+" changed: "+op.SelectAttrValue("transition-magic", "(null)"))
		return false
	}
	restart := func() {
		a := p.c.NewAction(r, task, ms, nil, false)
		a.SetReason("resource definition change", true)
		p.triggerUnfencing(r, n, "Device parameters changed", nil)
	}
	switch d.Outcome {
	case status.DigestMatch:
		return false
	case status.DigestRestart:
		restart()
		return true
	}
	switch {
	case ms > 0:
		p.triggerUnfencing(r, n, "Device parameters changed (reschedule)", nil)
		p.c.NewAction(r, task, ms, n, true).Set(status.Reschedule)
	case p.c.HasRestartDigest(op):
		p.triggerUnfencing(r, n, "Device parameters changed (reload)", nil)
		p.reload(r, n)
	default:
		restart()
	}
	return true
}

func (p *planner) reload(r *Resource, n *Node) {
	if r.Kind > status.Primitive {
		for _, k := range r.Children {
			p.reload(k, n)
		}
		return
	}
	if !r.Has(status.Managed) || r.Has(status.Failed) {
		return
	}
	if r.Has(status.StartPending) {
		p.c.NewAction(r, "stop", 0, n, false)
		return
	}
	r.Set(status.Reload)
	a := p.c.NewAction(r, "reload-agent", 0, n, false)
	a.SetReason("resource definition change", false)
	p.c.NewOrdering(&status.Ordering{FirstAction: a, ThenRsc: r, ThenTask: "stop", Kinds: ordered | thenCancels})
	p.c.NewOrdering(&status.Ordering{FirstAction: a, ThenRsc: r, ThenTask: "demote", Kinds: ordered | thenCancels})
}
