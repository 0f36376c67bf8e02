package status

import (
	"strconv"
	"strings"
)

// Has tells whether all the given flags are set.
func (a *Action) Has(f ActionFlags) bool { return a.Flags&f == f }

// Set sets flags.
func (a *Action) Set(f ActionFlags) { a.Flags |= f }

// Clear clears flags.
func (a *Action) Clear(f ActionFlags) { a.Flags &^= f }

// KeyText is the key of the action: resource, task and interval, or whatever
// names an action without resource.
func (a *Action) KeyText() string {
	if a.Key == "" {
		a.Key = OpKey(a.Resource.ID, a.KeyTask, a.Interval)
	}
	return a.Key
}

// OpKey joins the parts of an operation's key.
func OpKey(rsc, task string, ms uint32) string {
	return rsc + "_" + task + "_" + strconv.FormatUint(uint64(ms), 10)
}

// SetReason sets the reason, keeping an earlier one unless told to replace it.
func (a *Action) SetReason(text string, replace bool) {
	if a.Reason == "" || replace {
		a.Reason = text
	}
}

// FindAction finds an action of the resource by what its key says, on the node
// if one is given. An action that has no node yet takes the node.
func (r *Resource) FindAction(task string, ms uint32, n *Node) *Action {
	var found *Action
	for _, a := range r.Actions {
		if a.Interval != ms || !sameTask(a.KeyTask, task) {
			continue
		}
		switch {
		case n == nil || a.Node == n:
		case a.Node == nil:
			a.Node = n
		default:
			continue
		}
		if found == nil {
			found = a
		}
	}
	return found
}

// FindActions finds all actions like FindAction, oldest first.
func (r *Resource) FindActions(task string, ms uint32, n *Node) []*Action {
	var list []*Action
	for _, a := range r.Actions {
		if a.Interval != ms || !sameTask(a.KeyTask, task) {
			continue
		}
		switch {
		case n == nil || a.Node == n:
		case a.Node == nil:
			a.Node = n
		default:
			continue
		}
		list = append(list, a)
	}
	return list
}

// FindExactly finds all actions that are on the node already, oldest first.
func (r *Resource) FindExactly(task string, ms uint32, n *Node) []*Action {
	if n == nil {
		return nil
	}
	var list []*Action
	for _, a := range r.Actions {
		if a.Interval == ms && a.Node == n && sameTask(a.KeyTask, task) {
			list = append(list, a)
		}
	}
	return list
}

// Newest finds the newest action of a task (what is done, not the key), on the
// node if one is given; no node is adopted.
func (r *Resource) Newest(task string, n *Node) *Action {
	for i := len(r.Actions) - 1; i >= 0; i-- {
		a := r.Actions[i]
		if sameTask(a.Task, task) && (n == nil || a.Node == n) {
			return a
		}
	}
	return nil
}

// NewestKey is Newest for what the key says.
func (r *Resource) NewestKey(task string, ms uint32, n *Node) *Action {
	for i := len(r.Actions) - 1; i >= 0; i-- {
		a := r.Actions[i]
		if a.Interval == ms && sameTask(a.KeyTask, task) && (n == nil || a.Node == n) {
			return a
		}
	}
	return nil
}

func sameTask(a, b string) bool {
	return a == b || (len(a) == len(b) && strings.EqualFold(a, b))
}

// NewAction gets or creates an action of a resource, required unless optional.
func (c *Cluster) NewAction(r *Resource, task string, ms uint32, n *Node, optional bool) *Action {
	return c.NewActionKeyed(r, task, task, ms, n, optional)
}

// NewActionKeyed is NewAction where the key says another task than what is
// done (notifications).
func (c *Cluster) NewActionKeyed(r *Resource, keyTask, task string, ms uint32, n *Node, optional bool) *Action {
	a := r.FindAction(keyTask, ms, n)
	if a == nil {
		a = &Action{Resource: r, Node: n, Task: task, KeyTask: keyTask, Interval: ms, Flags: Runnable}
		if task == "lrm_delete" {
			a.Set(OnDC)
		}
		if optional {
			a.Set(Optional)
		}
		op := r.FindOp(task, ms, true)
		if op == nil && strings.Contains(keyTask, "_notify_") {
			op = r.ExactOp("notify", 0, true)
		}
		if op != nil {
			a.OpXML = op.XML
		}
		a.Meta = c.ActionMeta(r, n, task, ms, op)
		if task == "start" || task == "promote" {
			switch {
			case r.Has(NeedsFencing):
				a.Needs = NeedsFence
			case r.Has(RequiresQuorumF):
				a.Needs = NeedsQuorum
			}
		}
		a.OnFail = c.onFail(r, task, ms, a.Meta)
		a.FailRole = roleAfterFailure(r, task, a.OnFail)
		c.registerAction(a)
		r.Actions = append(r.Actions, a)
		if !optional {
			c.Trace.Note(a, ActionRequired, c.Trace.Cause())
		}
	}
	c.require(a, optional)
	if a.Node != nil && a.OpXML != nil && !a.opParams {
		in := c.input()
		in.Attr = a.Node.Attrs.Get
		a.Params = nil
		c.blocks(a.OpXML, "instance_attributes", "", &in, &a.Params)
		a.opParams = true
	}
	c.updateRunnable(a)
	return a
}

// NewGlobal gets or creates an action without resource.
func (c *Cluster) NewGlobal(key, task string, n *Node, optional bool) *Action {
	var a *Action
	for _, o := range c.Actions {
		if o.Resource != nil || !strings.EqualFold(o.Key, key) {
			continue
		}
		switch {
		case n == nil || o.Node == n:
		case o.Node == nil:
			o.Node = n
		default:
			continue
		}
		if a == nil {
			a = o
		}
	}
	if a == nil {
		a = &Action{Node: n, Task: task, KeyTask: task, Key: key, Flags: Runnable}
		if optional {
			a.Set(Optional)
		} else {
			c.Trace.Note(a, ActionRequired, c.Trace.Cause())
		}
		c.registerAction(a)
	}
	c.require(a, optional)
	return a
}

// LastAction is the greatest ID of an action.
func (c *Cluster) LastAction() int { return c.nextAction }

func (c *Cluster) registerAction(a *Action) {
	c.nextAction++
	a.ID = c.nextAction
	c.Actions = append(c.Actions, a)
}

// require makes an action required unless it is optional; actions of unmanaged
// resources become optional.
func (c *Cluster) require(a *Action, optional bool) {
	if a.Resource != nil && a.Node != nil && !a.Has(Pseudo) && !a.Resource.Has(Managed) && !a.Meta.Has("interval") {
		if !optional {
			c.Trace.Note(a, ActionOptional, Origin{Code: OriginUnmanaged, Resource: a.Resource.ID})
		}
		a.Set(Optional)
	} else if !optional {
		if a.Has(Optional) {
			c.Trace.Note(a, ActionRequired, c.Trace.Cause())
		}
		a.Clear(Optional)
	}
}

// updateRunnable works out whether an action of a resource could be executed.
func (c *Cluster) updateRunnable(a *Action) {
	if a.Has(Pseudo) {
		return
	}
	r, n := a.Resource, a.Node
	if c.Trace != nil && a.Has(Runnable) {
		defer func() {
			if !a.Has(Runnable) {
				c.Trace.Note(a, ActionUnrunnable, c.unrunnable(a))
			}
		}()
	}
	switch {
	case n == nil:
		a.Clear(Runnable)
	case !a.Has(OnDC) && !n.Online && (!n.IsGuest() || n.ResetNeeded):
		a.Clear(Runnable)
		if r.Has(Managed) && strings.EqualFold(a.Task, "stop") && !n.Unclean {
			c.FenceNode(n, "stop is unrunnable", false, Origin{Code: OriginNodeState, ID: "offline", Resource: r.ID})
		}
	case !a.Has(OnDC) && n.Pending:
		a.Clear(Runnable)
	case a.Needs == NeedsNothing:
		a.Reason = ""
		if n.IsGuest() && !c.CanFence(n) {
			a.Clear(Runnable)
		} else {
			a.Set(Runnable)
		}
	default:
		switch c.quorumPolicy(r) {
		case QuorumStop:
			a.Clear(Runnable)
			a.SetReason("no quorum", true)
		case QuorumFreeze:
			if !c.IsActive(r, true) || r.NextRole > r.Role {
				a.Clear(Runnable)
				a.SetReason("quorum freeze", true)
			}
		default:
			a.Set(Runnable)
		}
	}
}

// unrunnable is the origin of an action's not being runnable.
func (c *Cluster) unrunnable(a *Action) Origin {
	switch n := a.Node; {
	case n == nil:
		return Origin{Code: OriginNoNode}
	case !n.Online:
		return Origin{Code: OriginNodeState, ID: "offline"}
	case n.Pending:
		return Origin{Code: OriginNodeState, ID: "pending"}
	case a.Needs == NeedsNothing:
		return Origin{Code: OriginNodeState, ID: "cannot be fenced"}
	}
	return Origin{Code: OriginQuorum}
}

// quorumPolicy is the policy that counts for a resource now.
func (c *Cluster) quorumPolicy(r *Resource) QuorumPolicy {
	p := c.Options.QuorumPolicy
	switch {
	case c.Quorate:
		return QuorumIgnore
	case p == QuorumDemote:
		if r.Role == RolePromoted || r.Role == RoleUnpromoted {
			if r.NextRole > RoleUnpromoted {
				r.NextRole = RoleUnpromoted
			}
			return QuorumIgnore
		}
		return QuorumStop
	}
	return p
}

// NewPseudo gets or creates a pseudo action of a resource.
func (c *Cluster) NewPseudo(r *Resource, task string, optional, runnable bool) *Action {
	return c.NewPseudoKeyed(r, task, task, optional, runnable)
}

// NewPseudoKeyed is NewPseudo where the key says another task.
func (c *Cluster) NewPseudoKeyed(r *Resource, keyTask, task string, optional, runnable bool) *Action {
	a := c.NewActionKeyed(r, keyTask, task, 0, nil, optional)
	a.Set(Pseudo)
	if runnable {
		a.Set(Runnable)
	}
	return a
}

// Order adds a relation: first before then. Nothing is added if the two share
// a kind of relation already. It tells whether it was added.
func Order(first, then *Action, kinds OrderKind) bool {
	if first == nil || then == nil || kinds == 0 || first == then {
		return false
	}
	if len(first.After) <= len(then.Before) {
		for _, w := range first.After {
			if w.Action == then && w.Kinds&kinds != 0 {
				return false
			}
		}
	} else {
		for _, w := range then.Before {
			if w.Action == first && w.Twin != nil && w.Twin.Kinds&kinds != 0 {
				return false
			}
		}
	}
	Relate(first, then, kinds)
	return true
}

// Relate is Order for two that are known to share no kind of relation.
func Relate(first, then *Action, kinds OrderKind) {
	pair := &[2]Relation{{Action: then, Kinds: kinds}, {Action: first, Kinds: kinds}}
	pair[1].Twin = &pair[0]
	first.After = append(first.After, &pair[0])
	then.Before = append(then.Before, &pair[1])
}
