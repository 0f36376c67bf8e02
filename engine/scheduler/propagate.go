package scheduler

import (
	"hacluster/engine/status"
)

const (
	firstChanged = 1 << iota
	thenChanged
)

// visit works out what all that comes before an action means for it, and
// passes changes on.
func (p *planner) visit(then *Action) {
	last := then.Flags
	changed := 0
	if then.Required > 0 {
		then.Counted = 0
		then.Clear(fRunnable)
	}
	for i := len(then.Before) - 1; i >= 0; i-- {
		w := then.Before[i]
		first := w.Action
		firstNode, thenNode := first.Node, then.Node
		if first.Resource != nil && first.Resource.Kind == status.Group && first.Task == "start" {
			if n, _ := place(first.Resource); n != nil {
				firstNode = n
			} else {
				firstNode = nil
			}
		}
		if then.Resource != nil && then.Resource.Kind == status.Group && then.Task == "start" {
			if n, _ := place(then.Resource); n != nil {
				thenNode = n
			} else {
				thenNode = nil
			}
		}
		if w.Kinds&sameNode != 0 && firstNode != nil && thenNode != nil && firstNode != thenNode {
			w.Kinds = 0
			continue
		}
		changed &^= firstChanged
		if first.Resource != nil && w.Kinds&thenCancels != 0 && !then.Has(fOptional) {
			if p.c.Trace != nil && !first.Has(fOptional) {
				p.c.Trace.Note(first, status.ActionOptional, p.orderedWith(first, then))
			}
			if !first.Has(fOptional) {
				first.Set(fOptional)
				p.changes++
			}
			if first.Task == "reload-agent" {
				first.Resource.Clear(status.Reload)
			}
		}
		if first.Resource != nil && then.Resource != nil && first.Resource != then.Resource && !isInside(then.Resource, first.Resource) {
			if first = effective(first); p.c.Trace != nil && first != w.Action {
				p.c.Trace.Ordered(first, then, p.c.Trace.OrderID(w.Action, then))
			}
		}
		if first == w.Action {
			ff := p.flagsForOrdering(first, thenNode)
			tf := p.flagsForOrdering(then, firstNode)
			changed |= p.relate(first, then, ff, tf, w)
		} else if status.Order(first, then, w.Kinds) {
			changed |= thenChanged
			w.Kinds = 0
		}
		if changed&firstChanged != 0 {
			for j := len(first.After) - 1; j >= 0; j-- {
				p.visit(first.After[j].Action)
			}
			p.visit(first)
		}
	}
	if then.Required > 0 {
		if last == then.Flags {
			changed &^= thenChanged
		} else {
			changed |= thenChanged
		}
	}
	if changed&thenChanged != 0 {
		if last&fRunnable != 0 && !then.Has(fRunnable) {
			p.blockDependents(then)
		}
		p.visit(then)
		for j := len(then.After) - 1; j >= 0; j-- {
			p.visit(then.After[j].Action)
		}
	}
}

// relate applies one relation, kind by kind.
func (p *planner) relate(first, then *Action, ff, tf status.ActionFlags, w *status.Relation) int {
	changed := 0
	n := then.Node
	if w.Kinds&needThenHere != 0 {
		w.Kinds = w.Kinds&^needThenHere | needThen
		n = first.Node
	}
	if w.Kinds&needThen != 0 {
		if then.Resource != nil {
			changed |= p.update(then.Resource, first, then, n, ff&fOptional, fOptional, needThen)
		} else if ff&fOptional == 0 && then.Has(fOptional) {
			then.Clear(fOptional)
			if p.c.Trace != nil {
				p.noteFlag(then, fOptional, first)
			}
			changed |= thenChanged
		}
	}
	if w.Kinds&restartPair != 0 && then.Resource != nil {
		changed |= p.update(then.Resource, first, then, n, ff, fOptional|fRunnable, restartPair)
	}
	if w.Kinds&needFirst != 0 {
		if first.Resource != nil {
			changed |= p.update(first.Resource, first, then, n, ff, fOptional, needFirst)
		} else if ff&fOptional == 0 && first.Has(fRunnable) {
			first.Clear(fRunnable)
			changed |= firstChanged
		}
	}
	if w.Kinds&needPromoted != 0 && then.Resource != nil {
		changed |= p.update(then.Resource, first, then, n, ff&fOptional, fOptional, needPromoted)
	}
	if w.Kinds&minRunnable != 0 {
		if then.Resource != nil {
			changed |= p.update(then.Resource, first, then, n, ff, fRunnable, minRunnable)
		} else if ff&fRunnable != 0 {
			then.Counted++
			if then.Counted >= then.Required && !then.Has(fRunnable) {
				then.Set(fRunnable)
				changed |= thenChanged
			}
		}
	}
	if w.Kinds&hostProbe != 0 && then.Resource != nil {
		if ff&fRunnable == 0 && first.Resource != nil && len(first.Resource.Active) > 0 {
			w.Kinds = 0
		} else {
			changed |= p.update(then.Resource, first, then, n, ff, fRunnable, blockThen)
		}
	}
	if w.Kinds&blockThen != 0 {
		if then.Resource != nil {
			changed |= p.update(then.Resource, first, then, n, ff, fRunnable, blockThen)
		} else if ff&fRunnable == 0 && then.Has(fRunnable) {
			then.Clear(fRunnable)
			changed |= thenChanged
		}
	}
	if then.Resource != nil {
		if w.Kinds&unmigBlocks != 0 {
			changed |= p.update(then.Resource, first, then, n, ff, fOptional, unmigBlocks)
		}
		if w.Kinds&elseReal != 0 {
			changed |= p.update(then.Resource, first, then, n, ff, fOptional, elseReal)
		}
		if w.Kinds&ordered != 0 {
			changed |= p.update(then.Resource, first, then, n, ff, fRunnable, ordered)
		}
		if w.Kinds&oneWay != 0 {
			changed |= p.update(then.Resource, first, then, n, ff, fRunnable, oneWay)
		}
	}
	if first.Has(fRunnable) && w.Kinds&showThen != 0 && ff&fOptional == 0 {
		then.Set(status.AlwaysInGraph)
	}
	if w.Kinds&showFirst != 0 && tf&fOptional == 0 {
		first.Set(status.AlwaysInGraph)
	}
	if w.Kinds&(needThen|needFirst|restartPair) != 0 && first.Resource != nil && !first.Resource.Has(status.Managed) &&
		first.Resource.Has(status.Blocked) && !first.Has(fRunnable) && first.Task == "stop" && then.Has(fRunnable) {
		then.Clear(fRunnable)
		p.changes++
		changed |= thenChanged
	}
	return changed
}

// update applies one kind of relation on behalf of a resource.
func (p *planner) update(r *Resource, first, then *Action, n *Node, flags, filter status.ActionFlags, kind status.OrderKind) int {
	idle := meansNothing(first, flags, filter, kind)
	switch r.Kind {
	case status.Group:
		if idle {
			return 0
		}
		changed := p.updatePlain(first, then, flags, filter, kind)
		for _, m := range then.Resource.Children {
			if ma := m.Newest(then.Task, n); ma != nil {
				changed |= p.update(m, first, ma, n, flags, filter, kind)
			}
		}
		return changed
	case status.Clone, status.Bundle:
		if then.Resource == nil {
			return 0
		}
		if canInterleave(first, then) {
			return p.updateInterleaved(first, then, n, filter, kind)
		}
		if idle && len(then.Resource.Children) > 0 && then.Resource.Children[0].Kind == status.Primitive {
			return 0
		}
		changed := p.updatePlain(first, then, flags, filter, kind)
		for _, i := range instances(then.Resource) {
			ia := i.Newest(then.Task, n)
			if ia == nil || p.flagsOf(ia, n)&fRunnable == 0 {
				continue
			}
			c := p.update(i, first, ia, n, flags, filter, kind)
			if c&thenChanged != 0 {
				for j := len(ia.After) - 1; j >= 0; j-- {
					p.visit(ia.After[j].Action)
				}
			}
			changed |= c
		}
		return changed
	}
	if idle {
		return 0
	}
	return p.updatePlain(first, then, flags, filter, kind)
}

// meansNothing tells whether one kind of relation changes neither first nor whatever comes
// after it, as first is (updatePlain tells what the kinds mean).
func meansNothing(first *Action, flags, filter status.ActionFlags, kind status.OrderKind) bool {
	switch kind {
	case ordered, minRunnable:
		return true
	case blockThen:
		return filter&fRunnable == 0 || flags&fRunnable != 0
	case needThen:
		return filter&fOptional == 0 || flags&fOptional != 0 || first.Has(fMigrate)
	case oneWay:
		return first.Has(fRunnable)
	case elseReal:
		return filter&fOptional == 0 || first.Has(fRunnable)
	}
	return false
}

// because clears a flag of an action on account of another and says so.
func (p *planner) because(a *Action, flag status.ActionFlags, other *Action) {
	if a.Flags&flag == 0 {
		return
	}
	a.Clear(flag)
	p.changes++
	if p.c.Trace != nil {
		p.noteFlag(a, flag, other)
	}
	if a.Resource == other.Resource {
		return
	}
	text := "required"
	switch flag {
	case fRunnable:
		text = "unrunnable"
	case fMigrate:
		text = "unmigrateable"
	}
	if other.Resource != nil {
		text += " " + other.Resource.ID
	}
	a.SetReason(text+" "+other.Task, false)
}

// orderedWith is another action as the origin of what becomes of an action.
func (p *planner) orderedWith(a, other *Action) status.Origin {
	o := status.Origin{Code: status.OriginOrdering, ID: p.c.Trace.OrderID(a, other), Action: other.KeyText()}
	switch {
	case other.Resource != nil:
		o.Resource = other.Resource.ID
	case other.Task == "stonith":
		o.Code = status.OriginNodeState
	}
	return o
}

// noteFlag records that an action lost a flag on account of another.
func (p *planner) noteFlag(a *Action, flag status.ActionFlags, other *Action) {
	what := status.ActionRequired
	switch flag {
	case fRunnable:
		what = status.ActionUnrunnable
	case fMigrate:
		what = status.ActionUnmigratable
	}
	p.c.Trace.Note(a, what, p.orderedWith(a, other))
}

// updatePlain applies one kind of relation to two actions themselves.
func (p *planner) updatePlain(first, then *Action, flags, filter status.ActionFlags, kind status.OrderKind) int {
	tf, ff := then.Flags, first.Flags
	switch kind {
	case oneWay:
		p.updateOneWay(first, then)
	case needFirst:
		if tf&fOptional == 0 {
			if filter&fOptional != 0 && flags&fOptional == 0 && ff&fOptional != 0 {
				p.because(first, fOptional, then)
			}
			if flags&fMigrate != 0 && !then.Has(fMigrate) {
				p.because(first, fMigrate, then)
			}
		}
	case needPromoted:
		if then.Resource != nil && then.Resource.Role == status.RolePromoted && filter&fOptional != 0 && !then.Has(fOptional) {
			p.because(first, fOptional, then)
			if first.Has(fMigrate) && !then.Has(fMigrate) {
				p.because(first, fMigrate, then)
			}
		}
	case unmigBlocks:
		if filter&fOptional != 0 {
			if !then.Has(fMigrate | fRunnable) {
				p.because(first, fRunnable, then)
			}
			if !then.Has(fOptional) {
				p.because(first, fOptional, then)
			}
		}
	case elseReal:
		if filter&fOptional != 0 && !first.Has(fRunnable) {
			p.because(then, fMigrate, first)
			then.Clear(fPseudo)
		}
	case blockThen:
		if filter&fRunnable != 0 && then.Has(fRunnable) && flags&fRunnable == 0 {
			p.because(then, fRunnable, first)
			p.because(then, fMigrate, first)
		}
	case needThen:
		if filter&fOptional != 0 && then.Has(fOptional) && flags&fOptional == 0 && !first.Has(fMigrate) {
			p.because(then, fOptional, first)
		}
	case restartPair:
		p.updateRestart(first, then, filter)
	}
	changed := 0
	if tf != then.Flags {
		changed |= thenChanged
		if then.Resource != nil && then.Resource.Parent != nil {
			p.visit(then)
		}
	}
	if ff != first.Flags {
		changed |= firstChanged
	}
	return changed
}

func (p *planner) updateOneWay(first, then *Action) {
	r := then.Resource
	if r == nil || first.Has(fRunnable) {
		return
	}
	if then.Has(fOptional) {
		role := status.RoleOf(r, true)
		if role == status.RoleStopped && then.Task == "stop" {
			return
		}
		if role >= status.RoleStarted && then.Task == "start" && onlyOn(r, then.Node) {
			return
		}
	}
	p.because(then, fOptional, first)
	p.because(then, fRunnable, first)
}

func onlyOn(r *Resource, n *Node) bool {
	list := r.Places(status.Current)
	return len(list) == 1 && list[0] == n
}

func (p *planner) updateRestart(first, then *Action, filter status.ActionFlags) {
	need := filter&fOptional != 0 && !then.Has(fOptional)
	if filter&fRunnable != 0 && !then.Has(fRunnable) && then.Resource.Has(status.Managed) && first.Resource == then.Resource {
		need = true
	}
	if !need {
		return
	}
	if first.Has(fRunnable) {
		p.because(first, fOptional, then)
	}
	if !then.Has(fOptional) {
		p.because(first, fOptional, then)
	}
	if !then.Has(fMigrate) {
		p.because(first, fMigrate, then)
	}
	if !first.Has(fOptional) && !first.Has(fRunnable) {
		p.because(then, fRunnable, first)
	}
}

// disableInvalid takes out relations that could never be met.
func (p *planner) disableInvalid() {
	for i := len(p.c.Actions) - 1; i >= 0; i-- {
		a := p.c.Actions[i]
		for j := len(a.Before) - 1; j >= 0; j-- {
			w := a.Before[j]
			f := w.Action
			if w.Kinds&guestOK == 0 && f.Resource != nil && hostsGuest(a.Resource, f.Node) {
				p.c.ConfigWarn("Invalid ordering constraint between %s and %s", f.Resource.ID, a.Resource.ID)
				w.Kinds = 0
				continue
			}
			if w.Kinds == loadOrder && a.Resource != nil && a.Task == "migrate_to" && p.inGraph(a, w) && p.reaches(f, a) {
				w.Kinds = 0
			}
		}
	}
}

func hostsGuest(r *Resource, n *Node) bool {
	return r != nil && len(r.Launched) > 0 && n != nil && n.Conn != nil && n.Conn.Launcher == r
}

// reaches tells whether following the inputs of an action that would be
// written leads to another.
func (p *planner) reaches(from, to *Action) bool {
	seen := map[*Action]bool{}
	stack := []*Action{from}
	for len(stack) > 0 {
		a := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if a == to {
			return true
		}
		if seen[a] {
			continue
		}
		seen[a] = true
		for _, w := range a.Before {
			if p.inGraph(a, w) {
				stack = append(stack, w.Action)
			}
		}
	}
	return false
}
