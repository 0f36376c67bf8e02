package scheduler

import (
	"strings"

	"hacluster/engine/status"
)

// applyOrderings turns the recorded orders into relations of actions, in the
// order of their recording.
func (p *planner) applyOrderings() {
	for i := 0; i < len(p.c.Orderings); i++ {
		o := p.c.Orderings[i]
		switch {
		case o.FirstRsc != nil:
			p.orderFirst(o)
		case o.ThenRsc != nil:
			p.orderThen(o.FirstAction, o.ThenRsc, o)
		default:
			status.Order(o.FirstAction, o.ThenAction, o.Kinds)
		}
	}
	for i := len(p.c.Actions) - 1; i >= 0; i-- {
		p.blockDependents(p.c.Actions[i])
	}
	p.orderProbes()
	p.propagating, p.readings = true, map[reading]result{}
	for i := len(p.c.Actions) - 1; i >= 0; i-- {
		p.visit(p.c.Actions[i])
	}
	p.propagating, p.readings = false, nil
	p.orderSureProbes(required)
	p.disableInvalid()
}

// actionsOf finds the actions that one side of an order means. Where none has
// the key, the last word of its task counts: what is ordered before a history
// is cleared from the CIB (lrm_delete) is ordered before its deletion, too.
func actionsOf(r *Resource, task string, ms uint32) []*Action {
	list := r.FindActions(task, ms, nil)
	if i := strings.LastIndexByte(task, '_'); len(list) == 0 && i >= 0 && task != "migrate_to" && task != "migrate_from" && !strings.Contains(task, "_notify_") {
		list = r.FindActions(task[i+1:], ms, nil)
	}
	return list
}

func (p *planner) orderFirst(o *status.Ordering) {
	r := o.FirstRsc
	var firsts []*Action
	if o.FirstAction != nil {
		firsts = []*Action{o.FirstAction}
	} else {
		firsts = actionsOf(r, o.FirstTask, o.FirstInterval)
	}
	then := o.ThenRsc
	if len(firsts) == 0 && r != then {
		role := status.RoleOf(r, true)
		if !(role == status.RoleStopped && o.FirstTask == "stop") && !(role == status.RoleUnpromoted && o.FirstTask == "demote") {
			firsts = []*Action{p.c.NewAction(r, o.FirstTask, o.FirstInterval, nil, true)}
		}
	}
	if then == nil {
		if o.ThenAction == nil {
			return
		}
		then = o.ThenAction.Resource
	}
	for _, f := range firsts {
		if then == nil {
			status.Order(f, o.ThenAction, o.Kinds)
			p.c.Trace.Ordered(f, o.ThenAction, o.ID)
		} else {
			p.orderThen(f, then, o)
		}
	}
}

func (p *planner) orderThen(f *Action, r *Resource, o *status.Ordering) {
	var thens []*Action
	if o.ThenAction != nil {
		thens = []*Action{o.ThenAction}
	} else {
		thens = actionsOf(r, o.ThenTask, o.ThenInterval)
	}
	kinds := o.Kinds
	if f != nil && f.Resource == r && f.Has(status.MigrationAbort) {
		kinds &^= needThen
	}
	for _, t := range thens {
		if f != nil {
			status.Order(f, t, kinds)
			p.c.Trace.Ordered(f, t, o.ID)
		} else if kinds&needThen != 0 {
			t.Clear(fRunnable)
		}
	}
}

// blockDependents: what must be with a resource that cannot start (or be
// promoted) cannot either.
func (p *planner) blockDependents(a *Action) {
	if a.Has(fRunnable) || (a.Task != "start" && a.Task != "promote") || a.Resource == nil {
		return
	}
	r := a.Resource.Top(true)
	for _, k := range r.Children {
		if c := k.Newest(a.Task, nil); c == nil || c.Has(fRunnable) {
			return
		}
	}
	for _, k := range withThis(r) {
		if k.Score < infinity || (a.Task == "promote" && k.PrimaryRole != status.RolePromoted) {
			continue
		}
		task := "start"
		if k.DependentRole == status.RolePromoted {
			task = "promote"
		}
		p.markBlocked(k.Dependent, task, a, k)
	}
}

func (p *planner) markBlocked(r *Resource, task string, because *Action, k *colocation) {
	for i := len(r.Actions) - 1; i >= 0; i-- {
		a := r.Actions[i]
		if a.Has(fRunnable) && a.Task == task {
			a.Clear(fRunnable)
			p.changes++
			a.SetReason("colocation with "+because.Resource.ID, false)
			p.c.Trace.Note(a, status.ActionUnrunnable, status.Origin{Code: status.OriginColocation, ID: k.ID, Resource: because.Resource.ID, Action: because.KeyText()})
			p.blockDependents(a)
			p.visit(a)
		}
	}
	for _, c := range r.Children {
		p.markBlocked(c, task, because, k)
	}
}

func isInside(r, outer *Resource) bool {
	for q := r.Parent; q != nil; q = q.Parent {
		if q == outer {
			return true
		}
	}
	return false
}
