package scheduler

import (
	"strings"

	"hacluster/cib/number"
	"hacluster/engine/status"
)

func canInterleave(first, then *Action) bool {
	f, t := first.Resource, then.Resource
	if f == nil || t == nil || f == t || f.Kind < status.Clone || t.Kind < status.Clone {
		return false
	}
	r := t
	if then.Interval == 0 && (isStopKey(then) || then.KeyTask == "demote" || strings.HasSuffix(then.KeyTask, "_demote")) {
		r = f
	}
	return number.IsTrue(r.Meta.Value("interleave"))
}

// inContainer is what runs inside a bundle's container.
func inContainer(r *Resource) *Resource {
	if q := roleResource(r); q != r {
		return q
	}
	return nil
}

func instanceAction(a *Action, instance *Resource, task string, n *Node, forFirst bool) *Action {
	var r *Resource
	inside := false
	switch a.Task {
	case "stop", "stopped":
		inside = false
	case "promote", "promoted", "demote", "demoted":
		inside = true
	default:
		inside = forFirst
	}
	if inside {
		r = inContainer(instance)
	}
	if r == nil {
		r = instance
	} else {
		n = nil
	}
	return r.Newest(task, n)
}

func (p *planner) updateInterleaved(first, then *Action, n *Node, filter status.ActionFlags, kind status.OrderKind) int {
	changed := 0
	task := originalTask(first)
	current := first.Interval == 0 && (strings.HasSuffix(first.KeyTask, "stopped") && (first.KeyTask == "stopped" || strings.HasSuffix(first.KeyTask, "_stopped")) ||
		first.KeyTask == "demoted" || strings.HasSuffix(first.KeyTask, "_demoted"))
	for _, ti := range instances(then.Resource) {
		fi := p.compatible(ti, first.Resource, status.RoleUnknown, current, "", false)
		if fi == nil {
			if !current && kind&(blockThen|needThen) != 0 {
				if p.forceNone(ti) {
					changed |= thenChanged
				}
			}
			continue
		}
		fa := instanceAction(first, fi, task, n, true)
		if fa == nil {
			continue
		}
		ta := instanceAction(then, ti, then.Task, n, false)
		if ta == nil {
			continue
		}
		if status.Order(fa, ta, kind) {
			changed |= firstChanged | thenChanged
			if p.c.Trace != nil {
				p.c.Trace.Ordered(fa, ta, p.c.Trace.OrderID(first, then))
			}
		}
		changed |= p.update(ti, fa, ta, n, p.flagsOf(fa, n), filter, kind)
	}
	return changed
}

// forceNone takes the node from an instance; it tells whether it had one.
func (p *planner) forceNone(r *Resource) bool {
	had := len(r.Places(status.Assigned)) > 0
	p.assignTo(r, nil, 0, true, true)
	p.changes++
	return had
}
