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

func canInterleave(first, then *Action) bool {
	f, t := first.Resource, then.Resource
	if f == nil || t == nil || f == t || f.Kind < status.Clone || t.Kind < status.Clone {
		return false
	}
	r := t
	if then.Interval == 0 && (isStopKey(then) || then.KeyTask == "demote" || strings.HasSuffix(then.KeyTask, "_demote")) {
		r = f
	}
	return status.IsTrue(r.Meta.Value("interleave"))
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
