package scheduler

import "hacluster/engine/status"

// summarize writes down what changes: first what happens to nodes, then one
// line for each primitive that does not stay as it is.
func (p *planner) summarize() {
	for i := len(p.c.Actions) - 1; i >= 0; i-- {
		a := p.c.Actions[i]
		if a.Resource != nil || a.Has(status.Optional) {
			continue
		}
		line := SummaryLine{Node: p.shownName(a.Node), Reason: a.Reason, Show: a.Reason != ""}
		switch a.Task {
		case "stonith":
			line.Verb = "Fence (" + a.Meta.Value("stonith_action") + ")"
		case "do_shutdown":
			line.Verb = "Shutdown"
		default:
			continue
		}
		p.res.Summary = append(p.res.Summary, line)
	}
	for _, r := range p.c.Resources {
		p.summarizeResource(r)
	}
}

// shownName is a node's name; a guest's says what hosts it.
func (p *planner) shownName(n *Node) string {
	switch {
	case n == nil:
		return ""
	case n.IsGuest():
		return n.Name + " (resource: " + n.Conn.Launcher.ID + ")"
	}
	return n.Name
}

func (p *planner) summarizeResource(r *Resource) {
	if r.Kind == status.Bundle {
		for _, part := range r.Bundle.Parts {
			for _, k := range []*Resource{part.IP, part.Container, part.Remote, part.Child} {
				if k != nil {
					p.summarizeResource(k)
				}
			}
		}
		return
	}
	if len(r.Children) > 0 {
		for _, k := range r.Children {
			p.summarizeResource(k)
		}
		return
	}
	if r.Kind == status.Primitive {
		p.summarizePrimitive(r)
	}
}

func (p *planner) summarizePrimitive(r *Resource) {
	next := r.Assigned
	var current *Node
	if len(r.Active) > 0 {
		current = p.c.CurrentNode(r)
		if r.Role == status.RoleStopped {
			r.Role = status.RoleStarted
		}
	}
	if !r.Has(status.Managed) || (current == nil && next == nil) {
		return
	}
	moving := current != nil && next != nil && current != next
	failed := r.Has(status.Failed)
	start := r.FindAction("start", 0, next)
	canStart := start != nil && start.Has(status.Runnable)
	var stop *Action
	if canStart {
		stop = r.FindAction("stop", 0, current)
	} else {
		stop = r.FindAction("stop", 0, nil)
	}
	if stop == nil && r.Has(status.StopUnexpected) {
		stop = r.FindAction("stop", 0, nil)
	}
	promote := r.FindAction("promote", 0, next)
	demote := r.FindAction("demote", 0, next)
	required := func(a *Action) bool { return a != nil && !a.Has(status.Optional) }

	if r.Role == r.NextRole {
		if next == nil {
			return
		}
		from := r.FindAction("migrate_from", 0, next)
		switch {
		case from != nil && current != nil && from.Has(status.Runnable):
			p.line("Migrate", r, current, next, start, nil)
		case r.Has(status.Reload):
			p.line("Reload", r, current, next, start, nil)
		case !required(start):
			if required(demote) && required(promote) {
				p.line("Re-promote", r, current, next, promote, demote)
			}
		case !canStart:
			reason := start
			if stop != nil && stop.Reason != "" {
				reason = stop
			}
			p.line("Stop", r, current, nil, stop, reason)
		case moving && failed:
			p.line("Recover", r, current, next, stop, nil)
		case moving:
			p.line("Move", r, current, next, stop, nil)
		case failed:
			p.line("Recover", r, current, nil, stop, nil)
		default:
			p.line("Restart", r, current, next, start, nil)
		}
		return
	}
	switch {
	case stop != nil && (r.NextRole == status.RoleStopped || (start != nil && !canStart)):
		for _, n := range r.Active {
			here := r.FindAction("stop", 0, n)
			reason := start
			if here != nil && here.Reason != "" {
				reason = here
			}
			p.line("Stop", r, n, nil, here, reason)
		}
	case stop != nil && failed && r.Has(status.StopIfFailed):
		p.line("Recover", r, current, next, stop, start)
	case moving:
		p.line("Move", r, current, next, stop, nil)
	case r.Has(status.Reload):
		p.line("Reload", r, current, next, start, nil)
	case required(stop):
		p.line("Restart", r, current, next, start, nil)
	case r.Role == status.RolePromoted:
		p.line("Demote", r, current, next, demote, nil)
	case r.NextRole == status.RolePromoted:
		p.line("Promote", r, current, next, promote, nil)
	case r.Role == status.RoleStopped && r.NextRole > status.RoleStopped:
		p.line("Start", r, current, next, start, nil)
	}
}

// line adds a line about a resource. Source and Dest say where from and where
// to; roles are given where they are shown.
func (p *planner) line(verb string, r *Resource, from, to *Node, action, reason *Action) {
	if reason == nil {
		reason = action
	}
	if action == nil || (from == nil && to == nil) {
		return
	}
	l := SummaryLine{
		Verb: verb, Resource: r.ID, Reason: reason.Reason, Blocked: !action.Has(status.Runnable), Show: true,
		Source: nodeName(from), Dest: nodeName(to),
	}
	l.SameRole = r.Role == r.NextRole
	l.NeedRole = r.Role > status.RoleStarted || r.NextRole > status.RoleUnpromoted
	l.Role, l.NextRole = r.Role.String(), r.NextRole.String()
	p.res.Summary = append(p.res.Summary, l)
}

func nodeName(n *Node) string {
	if n == nil {
		return ""
	}
	return n.Name
}
