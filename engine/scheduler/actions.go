package scheduler

import (
	"hacluster/cib/number"
	"hacluster/engine/status"
)

const (
	fOptional = status.Optional
	fRunnable = status.Runnable
	fPseudo   = status.Pseudo
	fMigrate  = status.Migratable
)

// createActions creates all actions that a resource may need.
func (p *planner) createActions(r *Resource) {
	switch r.Kind {
	case status.Primitive:
		p.primitiveActions(r)
	case status.Group:
		for _, m := range r.Children {
			p.createActions(m)
		}
		names := []string{"start", "running", "stop", "stopped"}
		if number.IsTrue(r.Meta.Value("promotable")) {
			names = append(names, "demote", "demoted", "promote", "promoted")
		}
		for _, n := range names {
			p.c.NewPseudo(r, n, true, true)
		}
	case status.Clone:
		p.instanceActions(r, r.Children)
		if r.Has(status.Promotable) {
			p.promotableActions(r)
		}
	case status.Bundle:
		for _, k := range r.Bundle.Parts {
			if k.IP != nil {
				p.createActions(k.IP)
			}
			p.createActions(k.Container)
			if k.Remote != nil {
				p.createActions(k.Remote)
			}
		}
		p.instanceActions(r, instances(r))
		if c := r.Bundle.Child; c != nil {
			p.createActions(c)
			if c.Has(status.Promotable) {
				for _, n := range [...]string{"promote", "promoted", "demote", "demoted"} {
					a := p.c.NewPseudo(r, n, true, true)
					if n == "promoted" || n == "demoted" {
						a.Priority = infinity
					}
				}
			}
		}
	}
}

// next is the next role on the way from one role to another.
func next(from, to status.Role) status.Role {
	switch from {
	case status.RoleUnknown:
		switch to {
		case status.RoleUnknown:
			return status.RoleUnknown
		default:
			return status.RoleStopped
		}
	case status.RoleStopped:
		switch to {
		case status.RoleStarted:
			return status.RoleStarted
		case status.RoleUnpromoted, status.RolePromoted:
			return status.RoleUnpromoted
		}
		return status.RoleStopped
	case status.RoleStarted:
		switch to {
		case status.RoleStarted:
			return status.RoleStarted
		case status.RoleUnpromoted:
			return status.RoleUnpromoted
		case status.RolePromoted:
			return status.RolePromoted
		}
		return status.RoleStopped
	case status.RoleUnpromoted:
		switch to {
		case status.RoleUnpromoted:
			return status.RoleUnpromoted
		case status.RolePromoted:
			return status.RolePromoted
		}
		return status.RoleStopped
	}
	if to == status.RolePromoted {
		return status.RolePromoted
	}
	return status.RoleUnpromoted
}

// step creates the action that leads from one role to the next; false if none
// does.
func (p *planner) step(r *Resource, from, to status.Role, n *Node, optional bool) bool {
	switch {
	case from == status.RoleUnknown && to == status.RoleStopped,
		from == status.RoleStarted && to == status.RoleStopped,
		from == status.RoleUnpromoted && to == status.RoleStopped:
		p.stopResource(r, optional)
	case from == status.RoleStopped && (to == status.RoleStarted || to == status.RoleUnpromoted):
		p.startResource(r, n, optional)
	case (from == status.RoleStarted || from == status.RoleUnpromoted) && to == status.RolePromoted:
		p.promoteResource(r, n, optional)
	case from == status.RolePromoted && to != status.RolePromoted:
		for _, a := range r.Active {
			if !p.expected(r, a) {
				p.c.NewAction(r, "demote", 0, a, optional)
			}
		}
	case from == to:
		// nothing to do on the way
	case from == status.RoleUnpromoted && to == status.RoleStarted:
		p.stopResource(r, optional)
	default:
		return false
	}
	return true
}

// expected tells whether a node is where a multiply active resource may stay.
func (p *planner) expected(r *Resource, n *Node) bool {
	return r.Has(status.StopUnexpected|status.RestartedHere) && r.NextRole > status.RoleStopped && r.Assigned == n
}

func (p *planner) stopResource(r *Resource, optional bool) {
	for _, n := range r.Active {
		if p.expected(r, n) {
			continue
		}
		if r.PartialTarget != nil {
			if n == r.PartialTarget && n == r.Assigned {
				continue
			}
			optional = false
		}
		stop := p.c.NewAction(r, "stop", 0, n, optional)
		if r.Assigned == nil {
			stop.SetReason("node availability", true)
		} else if r.Has(status.RestartedHere | status.StopUnexpected) {
			stop.SetReason("being multiply active", true)
		}
		if !r.Has(status.Managed) {
			stop.Clear(fRunnable)
		}
		if r.Has(status.NeedsUnfencing) {
			on := p.c.NewFencing(n, "on", true, "", false)
			status.Order(stop, on, needFirst)
		}
	}
}

func (p *planner) startResource(r *Resource, n *Node, optional bool) {
	if n == nil {
		return
	}
	start := p.c.NewAction(r, "start", 0, n, true)
	p.orderUnfencing(r, n, start, needThen)
	if start.Has(fRunnable) && !optional {
		if start.Has(fOptional) {
			p.c.Trace.Note(start, status.ActionRequired, p.c.Trace.Cause())
		}
		start.Clear(fOptional)
	}
	if p.expected(r, n) {
		start.Set(fPseudo)
	}
}

func (p *planner) promoteResource(r *Resource, n *Node, optional bool) {
	if n == nil {
		return
	}
	for _, s := range r.FindExactly("start", 0, n) {
		if !s.Has(fRunnable) {
			for _, a := range r.FindExactly("promote", 0, n) {
				a.Clear(fRunnable)
			}
			return
		}
	}
	a := p.c.NewAction(r, "promote", 0, n, optional)
	if p.expected(r, n) {
		a.Set(fPseudo)
	}
}

func (p *planner) primitiveActions(r *Resource) {
	if r.NextRole == status.RoleUnknown {
		r.NextRole = status.RoleStarted
		if r.Assigned == nil {
			r.NextRole = status.RoleStopped
		}
	}
	current, all, clean := r.ActiveNode()
	p.c.Trace.Because(status.Origin{Code: status.OriginMigration, Resource: r.ID})
	for _, n := range r.Dangling {
		p.c.NewAction(r, "stop", 0, n, false).Set(status.MigrationAbort)
	}
	needStop, needPromote, moving, migrate := false, false, false, false
	if current != nil && r.Assigned != nil && current != r.Assigned && r.NextRole >= status.RoleStarted {
		moving = true
		migrate = mayMigrate(r, current)
		needStop = true
	}
	multiple := false
	switch {
	case r.PartialSource != nil && r.PartialTarget != nil && migrate && all == 2 && current == r.PartialSource && r.Assigned == r.PartialTarget:
		// the migration goes on
	case r.PartialSource != nil || r.PartialTarget != nil:
		needStop = true
		r.PartialSource, r.PartialTarget = nil, nil
		migrate = false
	case r.Has(status.NeedsFencing):
		multiple = all > 1
	default:
		multiple = clean > 1
	}
	if multiple {
		p.c.FindWrong(status.Error, "%s resource %s might be active on %d nodes (%s)", r.Class, r.ID, all, afterMultiple[r.Multiple])
		switch r.Multiple {
		case status.MultiStopStart:
			needStop = true
		case status.MultiStopUnexpected:
			needStop = true
			r.Set(status.StopUnexpected)
		}
	} else {
		r.Clear(status.StopUnexpected)
	}
	if r.Has(status.StartPending) {
		p.c.NewAction(r, "start", 0, r.Assigned, true).Set(status.AlwaysInGraph)
	}
	switch {
	case moving:
	case r.Has(status.Failed):
		if r.Has(status.StopIfFailed) {
			needStop = true
		} else if r.NextRole == status.RolePromoted {
			needPromote = true
		}
	case r.Has(status.Blocked):
		needStop = true
	case r.Role > status.RoleStarted && current != nil && r.Assigned != nil:
		if !p.c.NewAction(r, "start", 0, r.Assigned, true).Has(fOptional) {
			needStop = true
		}
	}
	if p.c.Trace != nil {
		p.c.Trace.Because(restartOrigin(r, moving, multiple))
	}
	p.restart(r, current, needStop, needPromote)
	p.c.Trace.Because(status.Origin{Code: status.OriginPlacement, Resource: r.ID})
	for role := r.Role; role != r.NextRole; {
		to := next(role, r.NextRole)
		if !p.step(r, role, to, r.Assigned, false) {
			break
		}
		role = to
	}
	p.recurringActions(r)
	if migrate {
		p.migrationActions(r, current)
	}
}

// restartOrigin is why a resource is to be stopped (and started again).
// afterMultiple is what is done where a resource runs in several places.
var afterMultiple = map[status.MultipleActive]string{
	status.MultiStopStart: "attempting recovery", status.MultiStopOnly: "shutting it down", status.MultiBlock: "waiting for an administrator",
	status.MultiStopUnexpected: "stopping unexpected instances",
}

func restartOrigin(r *Resource, moving, multiple bool) status.Origin {
	o := status.Origin{Code: status.OriginPlacement, Resource: r.ID}
	switch {
	case moving:
	case multiple:
		o.Code = status.OriginMultiple
	case r.Has(status.Failed):
		o.Code = status.OriginFailure
	case r.Has(status.StartPending):
		o.Code = status.OriginDefinition
	}
	return o
}

// restart walks down to a stop and up again; the steps are required if
// something needs them.
func (p *planner) restart(r *Resource, current *Node, needStop, needPromote bool) {
	r.Set(status.RestartedHere)
	defer r.Clear(status.RestartedHere)
	role := r.Role
	for role != status.RoleStopped {
		to := next(role, status.RoleStopped)
		if !p.step(r, role, to, current, !needStop) {
			break
		}
		role = to
	}
	for r.Role <= r.NextRole && role != r.Role && !r.Has(status.Blocked) {
		required := needStop
		to := next(role, r.Role)
		if to == status.RolePromoted && needPromote {
			required = true
		}
		if !p.step(r, role, to, r.Assigned, !required) {
			break
		}
		role = to
	}
}

func mayMigrate(r *Resource, current *Node) bool {
	return r.Has(status.MigrationAllowed) && r.Has(status.Managed) && !r.Has(status.Failed) && !r.Has(status.StartPending) &&
		current != nil && !current.Unclean && r.Assigned != nil && !r.Assigned.Unclean
}

func (p *planner) migrationActions(r *Resource, current *Node) {
	start := p.c.NewAction(r, "start", 0, r.Assigned, true)
	stop := p.c.NewAction(r, "stop", 0, current, true)
	partial := r.PartialTarget != nil
	var to *Action
	if !partial {
		to = p.c.NewAction(r, "migrate_to", 0, current, true)
	}
	from := p.c.NewAction(r, "migrate_from", 0, r.Assigned, true)
	start.Set(fMigrate | fPseudo)
	stop.Set(fMigrate)
	from.Set(fMigrate)
	if !partial {
		to.Set(fMigrate)
		to.Needs = start.Needs
		p.order(r, "monitor", r, "migrate_to", ordered)
		p.order(r, "migrate_to", r, "migrate_from", ordered|unmigBlocks)
	} else {
		from.Needs = start.Needs
		p.order(r, "monitor", r, "migrate_from", ordered)
	}
	p.order(r, "migrate_from", r, "stop", ordered|unmigBlocks)
	p.order(r, "migrate_from", r, "start", ordered|unmigBlocks|elseReal)
	meta := func(a *Action) {
		a.Meta.Set("migrate_source", current.Name)
		a.Meta.Set("migrate_target", r.Assigned.Name)
	}
	if to != nil {
		meta(to)
		if !r.Has(status.RemoteConnection) {
			to.Meta.Set("record-pending", "true")
		}
	}
	meta(from)
}

// instanceState sums up what is going on in the instances of a collective.
func instanceState(r *Resource, s *cloneState) {
	if r.Kind > status.Primitive {
		for _, k := range r.Children {
			instanceState(k, s)
		}
		return
	}
	starting, stopping := false, false
	if len(r.Active) > 0 {
		s.Active = true
	}
	for _, a := range r.Actions {
		switch a.Task {
		case "start":
			if !a.Has(fOptional) && a.Has(fRunnable) {
				starting = true
			}
		case "stop":
			if !a.Has(fOptional) && a.Flags&(fPseudo|fRunnable) != 0 {
				stopping = true
			}
		}
	}
	s.Starting = s.Starting || starting
	s.Stopping = s.Stopping || stopping
	s.Restarting = s.Restarting || (starting && stopping)
}

func (p *planner) instanceActions(c *Resource, list []*Resource) {
	var s cloneState
	for _, r := range list {
		p.createActions(r)
		instanceState(r, &s)
	}
	start := p.c.NewPseudo(c, "start", !s.Starting, true)
	started := p.c.NewPseudo(c, "running", !s.Starting, false)
	started.Priority = infinity
	if s.Active || s.Starting {
		started.Set(fRunnable)
	}
	stop := p.c.NewPseudo(c, "stop", !s.Stopping, true)
	stopped := p.c.NewPseudo(c, "stopped", !s.Stopping, true)
	stopped.Priority = infinity
	if !s.Restarting {
		stop.Set(fMigrate)
	}
	if c.Kind == status.Clone {
		n := &c.Clone.Notify
		if n[nStart] == nil {
			n[nStart] = p.notification(c, "start", start, started)
		}
		if n[nStop] == nil {
			n[nStop] = p.notification(c, "stop", stop, stopped)
			if n[nStart] != nil && n[nStop] != nil {
				status.Order(n[nStop].PostDone, n[nStart].Pre, ordered)
			}
		}
	}
}

func roleChange(r *Resource, demoting, promoting *bool) {
	if len(r.Children) > 0 {
		for _, k := range r.Children {
			roleChange(k, demoting, promoting)
		}
		return
	}
	for _, a := range r.Actions {
		if a.Has(fOptional) {
			continue
		}
		switch a.Task {
		case "demote":
			*demoting = true
		case "promote":
			*promoting = true
		}
	}
}

func (p *planner) promotableActions(c *Resource) {
	demoting, promoting := false, false
	for _, r := range c.Children {
		p.createActions(r)
		roleChange(r, &demoting, &promoting)
	}
	n := &c.Clone.Notify
	promote := p.c.NewPseudo(c, "promote", !promoting, true)
	promoted := p.c.NewPseudo(c, "promoted", !promoting, true)
	promoted.Priority = infinity
	if n[nPromote] == nil {
		n[nPromote] = p.notification(c, "promote", promote, promoted)
	}
	demote := p.c.NewPseudo(c, "demote", !demoting, true)
	demoted := p.c.NewPseudo(c, "demoted", !demoting, true)
	demoted.Priority = infinity
	if n[nDemote] == nil {
		n[nDemote] = p.notification(c, "demote", demote, demoted)
		if n[nPromote] != nil {
			status.Order(n[nStop].PostDone, n[nPromote].Pre, ordered)
			status.Order(n[nStart].PostDone, n[nPromote].Pre, ordered)
			status.Order(n[nDemote].PostDone, n[nPromote].Pre, ordered)
			status.Order(n[nDemote].PostDone, n[nStart].Pre, ordered)
			status.Order(n[nDemote].PostDone, n[nStop].Pre, ordered)
		}
	}
	for _, r := range c.Children {
		r.Priority = c.Priority
	}
}

// cloneState sums up what is going on in a clone's instances.
type cloneState struct{ Active, Starting, Stopping, Restarting bool }
