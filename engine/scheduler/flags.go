package scheduler

import (
	"strings"

	"hacluster/engine/status"
)

// flags of actions as they are read ------------------------------------------------

// plainTask maps the pseudo actions that end a task of a collective to the
// task of its members.
func plainTask(member *Resource, task string) string {
	if member.Kind == status.Primitive {
		switch task {
		case "stopped":
			return "stop"
		case "running":
			return "start"
		case "promoted":
			return "promote"
		case "demoted":
			return "demote"
		}
	}
	switch task {
	case "monitor", "start", "stop", "promote", "demote", "running", "stopped", "promoted", "demoted", "notify", "notified", "stonith", "do_shutdown":
		return task
	}
	return "no_action"
}

// originalTask is the task of the instances that an action of a collective is
// about.
func originalTask(a *Action) string {
	name := a.Task
	if name == "notify" || name == "notified" {
		if i := strings.Index(a.KeyTask, "_notify_"); i >= 0 {
			name = a.KeyTask[i+len("_notify_"):]
		}
	}
	if len(a.Resource.Children) == 0 {
		return name
	}
	return plainTask(a.Resource.Children[0], name)
}

// flagsOf reads the flags of an action; those of collectives follow from their
// members, and are written back.
func (p *planner) flagsOf(a *Action, n *Node) status.ActionFlags {
	if a.Resource.Kind == status.Primitive {
		return a.Flags
	}
	if !p.propagating {
		return p.readFlags(a, n)
	}
	key := reading{a, n}
	if r, ok := p.readings[key]; ok && r.changes == p.changes {
		return r.flags
	}
	flags := p.readFlags(a, n)
	p.readings[key] = result{flags, p.changes}
	return flags
}

// While orders have their effects, what was read of a collective's action counts until flags of
// any action change: collectives of many members are not to be looked through for every order.
type (
	reading struct {
		action *Action
		node   *Node
	}
	result struct {
		flags   status.ActionFlags
		changes int // how many there had been
	}
)

func (p *planner) readFlags(a *Action, n *Node) status.ActionFlags {
	switch a.Resource.Kind {
	case status.Group:
		return p.groupFlags(a, n)
	case status.Clone:
		return p.collectiveFlags(a, a.Resource.Children, n)
	case status.Bundle:
		b := a.Resource.Bundle
		if b.Child != nil {
			switch plainTask(b.Child, a.Task) {
			case "no_action", "notify", "notified", "promote", "promoted", "demote", "demoted":
				return p.collectiveFlags(a, b.Child.Children, n)
			}
		}
		return p.collectiveFlags(a, instances(a.Resource), n)
	}
	return a.Flags
}

func (p *planner) clear(a *Action, flag status.ActionFlags) {
	if a.Flags&flag != 0 {
		a.Clear(flag)
		p.changes++
	}
}

func (p *planner) groupFlags(a *Action, n *Node) status.ActionFlags {
	flags := fOptional | fRunnable | fPseudo
	for _, m := range a.Resource.Children {
		task := plainTask(m, a.Task)
		ma := m.Newest(task, n)
		if ma != nil {
			mf := p.flagsOf(ma, n)
			if flags&fOptional != 0 && mf&fOptional == 0 {
				flags &^= fOptional
				p.clear(a, fOptional)
			}
			if task != a.Task && flags&fRunnable != 0 && mf&fRunnable == 0 {
				flags &^= fRunnable
				p.clear(a, fRunnable)
			}
		} else if task != "stop" && task != "demote" {
			flags &^= fRunnable
		}
	}
	return flags
}

func (p *planner) collectiveFlags(a *Action, list []*Resource, n *Node) status.ActionFlags {
	flags := fOptional | fRunnable | fPseudo
	task := originalTask(a)
	runnable := false
	for _, r := range list {
		on := n
		if r.Kind != status.Primitive {
			on = nil
		}
		ia := r.Newest(task, on)
		if ia == nil {
			continue
		}
		f := p.flagsOf(ia, n)
		if flags&fOptional != 0 && f&fOptional == 0 {
			flags &^= fOptional
			p.clear(a, fOptional)
		}
		if f&fRunnable != 0 {
			runnable = true
		}
		if runnable && flags&fOptional == 0 && r.Kind == status.Primitive { // the others add nothing
			break
		}
	}
	if !runnable {
		flags &^= fRunnable
		if n == nil {
			p.clear(a, fRunnable)
		}
	}
	return flags
}

func (p *planner) flagsForOrdering(a *Action, n *Node) status.ActionFlags {
	if a.Resource == nil {
		return a.Flags
	}
	flags := p.flagsOf(a, nil)
	if n == nil || a.Resource.Kind != status.Clone {
		return flags
	}
	runnable := flags & fRunnable
	return p.flagsOf(a, n) | runnable
}

// effective is the action that stands for an action of a collective when
// something else is ordered after it: not that it begins, but that it is done.
func effective(a *Action) *Action {
	r := a.Resource
	if r == nil || r.Kind < status.Group || a.Interval > 0 || strings.Contains(a.KeyText(), "notify") {
		return a
	}
	task := ""
	switch a.KeyTask {
	case "stop", "stopped":
		task = "stopped"
	case "start", "running":
		task = "running"
	case "promote", "promoted":
		task = "promoted"
	case "demote", "demoted":
		task = "demoted"
	default:
		return a
	}
	if r.Has(status.Notify) && (r.Kind == status.Clone || r.Bundled()) {
		task = "confirmed-post_notify_" + task
	}
	if e := r.NewestKey(task, 0, nil); e != nil {
		return e
	}
	return a
}
