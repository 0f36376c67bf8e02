package scheduler

import (
	"strconv"

	"hacluster/engine/status"
)

// recurringActions schedules the recurring operations of a primitive, and
// cancels those that no longer fit its role.
func (p *planner) recurringActions(r *Resource) {
	if r.Has(status.Blocked) || r.Has(status.InMaintenance) {
		return
	}
	var start *Action
	if n := r.Assigned; n != nil && !n.Maintenance && (r.NextRole != status.RoleStopped || !r.Has(status.Managed)) {
		start = p.c.NewAction(r, "start", 0, n, true)
	}
	for i := range r.Ops {
		o := &r.Ops[i]
		if o.Interval == 0 {
			continue
		}
		if o.ID == "" {
			p.configErr("Ignoring resource history entry without ID")
			continue
		}
		switch o.Name {
		case "stop", "start", "demote", "promote", "reload-agent", "migrate_to", "migrate_from":
			p.configErr("Ignoring %s because %s action cannot be recurring", o.ID, o.Name)
			continue
		}
		if p.duplicate(r, o) {
			continue
		}
		role := status.RoleUnknown
		if o.Role != "" {
			role, _ = p.c.Role(o.Role)
			if role == status.RoleUnknown {
				p.configErr("Ignoring %s role because %s is not a valid role", o.ID, o.Role)
				continue
			}
		}
		if r.FindOp(o.Name, o.Interval, false) == nil {
			continue
		}
		p.c.Trace.Because(status.Origin{Code: status.OriginMonitor, ID: o.ID, Resource: r.ID})
		if start != nil {
			p.recurActive(r, start, o, role)
		}
		p.recurInactive(r, o, role)
	}
}

// duplicate tells whether two operations share name and interval.
func (p *planner) duplicate(r *Resource, o *status.Op) bool {
	first := ""
	for i := range r.Ops {
		x := &r.Ops[i]
		if x.Name != o.Name || x.Interval != o.Interval || x.ID == "" {
			continue
		}
		if first == "" {
			first = x.ID
			continue
		}
		p.configErr("Operation %s is duplicate of %s (do not use same name and interval combination more than once per resource)", x.ID, first)
		return true
	}
	return false
}

func (p *planner) recurActive(r *Resource, start *Action, o *status.Op, role status.Role) {
	if role == status.RoleStopped {
		return
	}
	n := r.Assigned
	stays := start.Has(fOptional)
	if stays {
		list := r.FindExactly(o.Name, o.Interval, n)
		stays = len(list) > 0
		for _, a := range list {
			if a.Has(status.Reschedule) {
				stays = false
			}
		}
	}
	match := r.NextRole == role
	if role == status.RoleUnknown {
		match = r.NextRole != status.RolePromoted
	}
	if !match {
		if !stays {
			return
		}
		c := p.cancel(r, o.Name, o.Interval, n)
		after := ""
		switch r.Role {
		case status.RoleUnpromoted, status.RoleStarted:
			if r.NextRole == status.RolePromoted {
				after = "promote"
			} else if r.NextRole == status.RoleStopped {
				after = "stop"
			}
		case status.RolePromoted:
			after = "demote"
		}
		if after != "" {
			p.c.NewOrdering(&status.Ordering{FirstRsc: r, FirstAction: c, ThenRsc: r, ThenTask: after, Kinds: blockThen})
		}
		return
	}
	m := p.c.NewAction(r, o.Name, o.Interval, n, stays)
	if !start.Has(fRunnable) || !n.Online || n.Unclean {
		m.Clear(fRunnable)
	}
	if r.NextRole == status.RolePromoted {
		m.Meta.Set("op_target_rc", "8")
	}
	if r.Has(status.Managed) {
		after := func(task string, kinds status.OrderKind) {
			p.c.NewOrdering(&status.Ordering{FirstRsc: r, FirstTask: task, ThenAction: m, Kinds: kinds})
		}
		after("start", needThen|blockThen)
		after("reload-agent", needThen|blockThen)
		if r.NextRole == status.RolePromoted {
			after("promote", ordered|blockThen)
		} else if r.Role == status.RolePromoted {
			after("demote", ordered|blockThen)
		}
	}
}

func (p *planner) recurInactive(r *Resource, o *status.Op, role status.Role) {
	if role != status.RoleStopped || !r.Has(status.Unique) {
		return
	}
	for _, n := range p.c.Nodes {
		if r.Assigned == n {
			if len(r.FindExactly(o.Name, o.Interval, n)) > 0 {
				c := p.cancel(r, o.Name, o.Interval, n)
				if r.NextRole == status.RoleStarted || r.NextRole == status.RoleUnpromoted {
					p.c.NewOrdering(&status.Ordering{FirstRsc: r, FirstAction: c, ThenRsc: r, ThenTask: "start", Kinds: blockThen})
				}
			}
			continue
		}
		optional := len(r.FindExactly(o.Name, o.Interval, n)) > 0
		m := p.c.NewAction(r, o.Name, o.Interval, n, optional)
		m.Meta.Set("op_target_rc", "7")
		if r.Has(status.Managed) {
			for _, probe := range r.FindActions("monitor", 0, n) {
				status.Order(probe, m, blockThen)
			}
		}
		for _, stop := range r.FindExactly("stop", 0, n) {
			if !stop.Has(fOptional) && !m.Has(fOptional) && !r.Has(status.Managed) {
				m.Set(fOptional)
			}
			if !stop.Has(fRunnable) {
				m.Clear(fRunnable)
			}
			if r.Has(status.Managed) {
				p.c.NewOrdering(&status.Ordering{FirstRsc: r, FirstAction: stop, ThenAction: m, Kinds: needThen | blockThen})
			}
		}
		if !n.Online || n.Unclean {
			m.Clear(fRunnable)
		}
	}
}

// cancel turns a recurring operation on a node into its cancellation.
func (p *planner) cancel(r *Resource, task string, ms uint32, n *Node) *Action {
	a := p.c.NewActionKeyed(r, task, "cancel", ms, n, false)
	a.Task = "cancel"
	a.Cancels = task
	a.Meta.Set("operation", task)
	a.Meta.Set("interval", strconv.FormatUint(uint64(ms), 10))
	return a
}
