package scheduler

import (
	"hacluster/engine/status"
)

// assign places a resource, with what it depends on first. prefer is taken if
// it is as good as any. It returns the node of a primitive or group.
func (p *planner) assign(r *Resource, prefer *Node, stopIfFail bool) *Node {
	switch r.Kind {
	case status.Primitive:
		return p.assignPrimitive(r, prefer, stopIfFail)
	case status.Group:
		return p.assignGroup(r, prefer, stopIfFail)
	case status.Clone:
		p.assignClone(r, prefer, stopIfFail)
	case status.Bundle:
		p.assignBundle(r, prefer, stopIfFail)
	}
	return nil
}

// applyPrimary applies a colocation with something that comes first.
func (p *planner) applyPrimary(k *colocation, r *Resource) {
	var saved table
	undo := k.DependentRole >= status.RolePromoted || (k.Score < 0 && k.Score > -infinity)
	if undo {
		saved = r.Allowed.Clone()
	}
	if k.Primary.Has(status.Unassigned) {
		p.assign(k.Primary, nil, true)
	}
	p.applyColocation(r, k.Primary, k)
	if undo && !p.anyAvailable(r.Allowed) {
		r.Allowed = saved
	}
}

func mandatoryScore(k *colocation) bool { return k.Score <= -infinity || k.Score >= infinity }

func (p *planner) assignPrimitive(r *Resource, prefer *Node, stopIfFail bool) *Node {
	if r.Parent != nil && !r.Parent.Has(status.Assigning) {
		p.assign(r.Parent, prefer, stopIfFail)
	}
	if !r.Has(status.Unassigned) {
		return r.Assigned
	}
	if r.Has(status.Assigning) {
		return nil
	}
	r.Set(status.Assigning)
	this, with := thisWith(r), withThis(r)
	for _, mandatory := range [...]bool{true, false} {
		for _, k := range this {
			if mandatoryScore(k) == mandatory {
				p.applyPrimary(k, r)
			}
		}
		for _, k := range with {
			if mandatoryScore(k) == mandatory {
				p.addDependent(k, r)
			}
		}
	}
	if r.NextRole == status.RoleStopped {
		p.c.ScoreAll(r, -infinity, status.Origin{Code: status.OriginTargetRole, ID: r.TargetRole})
	} else if r.NextRole > r.Role && !p.c.Quorate && p.c.Options.QuorumPolicy == status.QuorumFreeze {
		r.NextRole = r.Role
	}
	p.showScores(r, "pcmk__primitive_assign")
	if p.c.Options.FencingEnabled && !p.c.Options.HaveFencing {
		r.Clear(status.Managed)
	}
	switch {
	case !r.Has(status.Managed):
		r.NextRole = r.Role
		n := p.c.CurrentNode(r)
		score := 0
		if n != nil {
			score = n.Score
		}
		p.assignTo(r, n, score, true, stopIfFail)
	case p.c.Options.StopAll:
		p.assignTo(r, nil, 0, true, stopIfFail)
	default:
		p.assignBest(r, prefer, stopIfFail)
	}
	r.Clear(status.Assigning)
	if r.Has(status.RemoteConnection) {
		p.connectionAssigned(r)
	}
	return r.Assigned
}

// connectionAssigned lets a remote node follow its connection.
func (p *planner) connectionAssigned(r *Resource) {
	n := p.c.FindNode(r.ID)
	if n == nil {
		return
	}
	if r.Assigned != nil && r.NextRole != status.RoleStopped {
		n.Online = true
		if !n.Seen {
			n.Unclean = false
		}
	} else {
		n.Shutdown = true
	}
}

// assignBest chooses a node for a primitive.
func (p *planner) assignBest(r *Resource, prefer *Node, stopIfFail bool) {
	roomy := p.banInsufficient(r)
	if prefer == nil {
		prefer = roomy
	}
	if !r.Has(status.Unassigned) {
		return
	}
	current := p.c.CurrentNode(r)
	list := p.sortedNodes(r.Allowed, current)
	if len(list) == 0 {
		p.assignTo(r, nil, 0, false, stopIfFail)
		return
	}
	best := list[0]
	if prefer != nil {
		if e := r.Allowed.At(prefer); e != nil && int(e.Score) >= best.score && available(prefer, int(e.Score)) {
			p.assignTo(r, prefer, int(e.Score), false, stopIfFail)
			return
		}
	}
	chosen := best
	if !(r.Parent.IsClone() && r.Parent.Has(status.Unique)) && best.score > 0 && best.node.Available() {
		if current != nil && available(current, current.Score) {
			for _, e := range list[1:] {
				if e.score != best.score {
					break
				}
				if e.node == current {
					chosen = e
				}
			}
		}
	}
	p.assignTo(r, chosen.node, chosen.score, false, stopIfFail)
}

// assignTo sets the node of a resource (nil: none) and draws the consequences.
func (p *planner) assignTo(r *Resource, n *Node, score int, force, stopIfFail bool) {
	if len(r.Children) > 0 {
		for _, k := range r.Children {
			p.assignTo(k, n, score, force, stopIfFail)
		}
		return
	}
	if !force && n != nil && (score < 0 || (!available(n, score) && !n.IsGuest())) {
		if stopIfFail {
			r.NextRole = status.RoleStopped
		}
		n = nil
	}
	p.unassign(r)
	r.Clear(status.Unassigned)
	if n == nil {
		if !stopIfFail {
			return
		}
		r.NextRole = status.RoleStopped
		for _, a := range r.Actions {
			switch a.Task {
			case "stop":
				if a.Has(status.Optional) {
					p.c.Trace.Note(a, status.ActionRequired, status.Origin{Code: status.OriginNoNode})
				}
				a.Clear(status.Optional)
			case "start":
				if a.Has(status.Runnable) {
					p.c.Trace.Note(a, status.ActionUnrunnable, status.Origin{Code: status.OriginNoNode})
				}
				a.Clear(status.Runnable)
			default:
				if ms, ok := a.Meta.Get("interval"); ok && ms != "0" && a.Meta.Value("op_target_rc") != "7" {
					a.Clear(status.Runnable)
				}
			}
		}
		return
	}
	r.Assigned, r.AssignedScore = n, score
	n.Assigned++
	if e := r.Allowed.At(n); e != nil {
		e.Count++
	}
	if p.useCapacity {
		n.Capacity = addAmounts(n.Capacity, r.Capacity, -1)
	}
	if p.in.Utilization {
		p.showUtilization(r, n)
	}
}

// unassign takes an assignment back.
func (p *planner) unassign(r *Resource) {
	r.Set(status.Unassigned)
	if len(r.Children) > 0 {
		for _, k := range r.Children {
			p.unassign(k)
		}
		return
	}
	if n := r.Assigned; n != nil {
		r.Assigned = nil
		n.Assigned--
		if p.useCapacity {
			n.Capacity = addAmounts(n.Capacity, r.Capacity, 1)
		}
	}
}

func (p *planner) assignGroup(r *Resource, prefer *Node, stopIfFail bool) *Node {
	if !r.Has(status.Unassigned) {
		return r.Assigned
	}
	if r.Has(status.Assigning) {
		return nil
	}
	if len(r.Children) == 0 {
		r.Clear(status.Unassigned)
		return nil
	}
	r.Set(status.Assigning)
	r.Role = r.Children[0].Role
	p.showScores(r, "pcmk__group_assign")
	var found *Node
	for _, m := range r.Children {
		if n := p.assign(m, prefer, stopIfFail); found == nil {
			found = n
		}
	}
	r.NextRole = r.Children[0].NextRole
	r.Clear(status.Assigning | status.Unassigned)
	if !r.GroupColoc {
		return nil
	}
	return found
}

// scores as they are shown -------------------------------------------------------

// showScores records the table of a resource, and of all its parts.
func (p *planner) showScores(r *Resource, function string) {
	if p.in.NoScores || r.Has(status.Removed) {
		return
	}
	for _, n := range p.c.Nodes {
		if e := r.Allowed.At(n); e != nil {
			p.res.Scores = append(p.res.Scores, ScoreLine{Function: function, Resource: r.ID, Node: n.Name, Score: int(e.Score), Why: e.Why})
		}
	}
	for _, k := range r.Children {
		p.showScores(k, function)
	}
}
