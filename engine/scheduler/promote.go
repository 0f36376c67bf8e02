package scheduler

import (
	"hacluster/engine/status"
)

// sameName tells whether a resource has an id or configured id.
func sameName(r *Resource, id string) bool { return r.ID == id || r.XMLID() == id }

// part finds the resource of a base name in an instance.
func part(r *Resource, id string) *Resource {
	if sameName(r, id) {
		return r
	}
	for _, k := range r.Children {
		if f := part(k, id); f != nil {
			return f
		}
	}
	return nil
}

// activePart is part, active on a node.
func activePart(r *Resource, id string, n *Node) *Resource {
	if sameName(r, id) && status.HasNode(r.Active, n) {
		return r
	}
	for _, k := range r.Children {
		if f := activePart(k, id, n); f != nil {
			return f
		}
	}
	return nil
}

// promotionApplies tells whether the promotion score of a node counts for an
// instance.
func promotionApplies(r *Resource, n *Node) bool {
	e := r.Allowed.At(n)
	if e == nil || e.Score < 0 {
		return false
	}
	if !r.Has(status.Unique) {
		id := status.BaseName(r.ID)
		clone := r.Top(false)
		var active *Resource
		for _, k := range clone.Children {
			if active = activePart(k, id, n); active != nil {
				break
			}
		}
		if active == r {
			return true
		}
		if active == nil {
			for _, k := range clone.Children {
				if m := part(k, id); m != nil && status.HasNode(m.Known, n) {
					return true
				}
			}
		}
	}
	if len(r.Active) == 0 && len(r.Known) == 0 {
		return true
	}
	return status.HasNode(r.Known, n) || status.HasNode(r.Active, n)
}

// promotionScore is how much a node wants an instance promoted; unset if
// nothing says.
func (p *planner) promotionScore(r *Resource, n *Node) (score int, set bool) {
	if len(r.Children) > 0 {
		for _, k := range r.Children {
			s, ok := p.promotionScore(k, n)
			score += s
			set = set || ok
		}
		return score, set
	}
	if !promotionApplies(r, n) {
		return 0, false
	}
	name := r.HistoryID
	if name == "" {
		name = r.ID
	}
	target := r.Meta.Value("container-attribute-target")
	assigned := !r.Has(status.Unassigned)
	v, ok := status.NodeAttr(n, "master-"+name, target, assigned)
	if !ok && !r.Has(status.Unique) {
		if base := status.BaseName(r.ID); base != r.ID {
			v, ok = status.NodeAttr(n, "master-"+base, target, assigned)
		}
	}
	if !ok {
		return 0, false
	}
	score, _ = p.c.Score(v)
	return score, true
}

// addPromotionScores lets promotion scores draw instances, once.
func (p *planner) addPromotionScores(clone *Resource) {
	if clone.Clone.ScoresAdded {
		return
	}
	clone.Clone.ScoresAdded = true
	for _, r := range clone.Children {
		for i := range r.Allowed {
			n := p.c.ByIndex[i]
			if !r.Allowed[i].Known || !n.Available() {
				continue
			}
			score, _ := p.promotionScore(r, n)
			if score > 0 {
				p.c.AddScore(&r.Allowed[i], score, status.Origin{Code: status.OriginPromotion, ID: n.Name, Resource: r.ID})
			}
			if score > r.Priority {
				p.setPriorityTo(r, score, status.Origin{Code: status.OriginPromotion, ID: n.Name, Resource: r.ID})
			}
		}
	}
}

func (p *planner) setPriorityTo(r *Resource, score int, from status.Origin) {
	r.Priority = score
	if p.c.Trace != nil {
		from.Score, from.Replaces = score, true
		r.PriorityWhy = p.c.Trace.Add(0, from)
	}
}

// setPromotion sets the score that decides on promotion.
func (p *planner) setPromotion(r *Resource, score int, from status.Origin) {
	r.PromoPriority = score
	if p.c.Trace != nil {
		from.Score, from.Replaces = score, true
		r.PromoWhy = p.c.Trace.Add(0, from)
	}
}

// unpromoted turns the current role Started into Unpromoted.
func unpromoted(r *Resource) {
	if r.Role == status.RoleStarted {
		r.Role = status.RoleUnpromoted
	}
	for _, k := range r.Children {
		unpromoted(k)
	}
}

// setPriority works out how much an instance should be promoted.
func (p *planner) setPriority(r, clone *Resource) {
	if status.RoleOf(r, true) == status.RoleStarted {
		unpromoted(r)
	}
	places := r.Places(status.Assigned)
	if len(places) > 1 {
		p.configErr("Cannot promote non-colocated child %s", r.ID)
	}
	n, _ := place(r)
	if n == nil {
		return
	}
	next := status.RoleOf(r, false)
	switch next {
	case status.RoleStarted, status.RoleUnknown:
		score, set := p.promotionScore(r, n)
		from := status.Origin{Code: status.OriginPromotion, ID: n.Name, Resource: r.ID}
		if !set {
			score, from.Code = -1, status.OriginDefault
		}
		p.setPriorityTo(r, score, from)
	case status.RoleUnpromoted, status.RoleStopped:
		p.setPriorityTo(r, -infinity, status.Origin{Code: status.OriginTargetRole})
	}
	for _, of := range [...]*Resource{r, clone} {
		for i := len(of.Locations) - 1; i >= 0; i-- {
			l := of.Locations[i]
			if l.Role != status.RolePromoted {
				continue
			}
			for _, ns := range l.Nodes {
				if ns.Node == n {
					r.Priority = status.AddScores(r.Priority, ns.Score)
					if p.c.Trace != nil {
						from := locationOrigin(l)
						from.Score = ns.Score
						r.PriorityWhy = p.c.Trace.Add(r.PriorityWhy, from)
					}
					break
				}
			}
		}
	}
	for _, k := range thisWith(r) {
		p.applyColocation(r, k.Primary, k)
	}
	r.PromoPriority, r.PromoWhy = r.Priority, r.PriorityWhy
	if next == status.RolePromoted {
		p.setPromotion(r, infinity, status.Origin{Code: status.OriginTargetRole})
	}
}

// sortByPromotion brings the instances that are to be promoted to the front.
func (p *planner) sortByPromotion(clone *Resource) {
	if clone.Clone.ScoresMerged {
		return
	}
	clone.Clone.ScoresMerged = true
	clone.Set(status.Merging)
	for _, r := range clone.Children {
		if r.PromoPriority < 0 {
			continue
		}
		if n, _ := place(r); n != nil {
			if e := clone.Allowed.At(n); e != nil {
				p.c.AddScore(e, r.PromoPriority, status.Origin{Code: status.OriginPromotion, ID: n.Name, Resource: r.ID})
			}
		}
	}
	for _, k := range withThis(clone) {
		if k.PrimaryRole == status.RolePromoted && influences(k, nil) {
			p.mergeScores(k.Dependent, clone, &clone.Allowed, k, float32(k.Score)/float32(infinity), mergeActive|mergeNonNegative)
		}
	}
	for _, t := range clone.Tickets {
		if t.Role == status.RolePromoted && (!t.Ticket.Granted || t.Ticket.Standby) {
			p.c.ScoreAll(clone, -infinity, status.Origin{Code: status.OriginTicket, ID: t.ID, Resource: clone.ID})
		}
	}
	for _, r := range clone.Children {
		n, _ := place(r)
		switch {
		case !r.Has(status.Managed) && r.NextRole == status.RolePromoted:
			p.setPromotion(r, infinity, status.Origin{Code: status.OriginUnmanaged})
		case n == nil:
			p.setPromotion(r, -infinity, status.Origin{Code: status.OriginNoNode})
		case r.PromoPriority < 0:
		default:
			if e := clone.Allowed.At(n); e != nil {
				r.PromoPriority, r.PromoWhy = int(e.Score), e.Why
			}
		}
	}
	p.sortInstances(clone.Children, func(a, b *Resource) int {
		if a.PromoPriority != b.PromoPriority {
			if a.PromoPriority > b.PromoPriority {
				return -1
			}
			return 1
		}
		if d := int(status.RoleOf(b, true)) - int(status.RoleOf(a, true)); d != 0 {
			return d
		}
		return p.compareInstances(a, b)
	})
	clone.Clear(status.Merging)
}

// promotable is the entry of the node on which an instance can be promoted.
func (p *planner) promotable(r *Resource) *status.Entry {
	for _, k := range r.Children {
		if p.promotable(k) == nil {
			return nil
		}
	}
	n, _ := place(r)
	if n == nil {
		return nil
	}
	switch {
	case !r.Has(status.Managed):
		if status.RoleOf(r, true) != status.RolePromoted {
			return nil
		}
	case r.Priority < 0, !n.Available(), !guestReady(n):
		return nil
	}
	top := r.Top(false)
	e := top.Allowed.At(n)
	if e == nil || (int(e.Count) >= top.Clone.PromotedPer && r.Has(status.Managed)) {
		return nil
	}
	return e
}

func nextUnpromoted(r *Resource) {
	if len(r.Places(status.Assigned)) == 0 {
		r.NextRole = status.RoleStopped
	} else {
		r.NextRole = status.RoleUnpromoted
	}
	for _, k := range r.Children {
		nextUnpromoted(k)
	}
}

func nextPromoted(r *Resource) {
	if r.NextRole == status.RoleUnknown {
		r.NextRole = status.RolePromoted
	}
	for _, k := range r.Children {
		nextPromoted(k)
	}
}

// setRoles chooses which instances are promoted.
func (p *planner) setRoles(clone *Resource) {
	for i := range clone.Allowed {
		clone.Allowed[i].Count = 0
	}
	for _, r := range clone.Children {
		p.setPriority(r, clone)
	}
	p.sortByPromotion(clone)
	count := 0
	for _, r := range clone.Children {
		if !p.in.NoScores {
			line := ScoreLine{Function: "promotion", Resource: r.ID, Score: r.PromoPriority, Why: r.PromoWhy}
			if n, _ := place(r); n != nil {
				line.Node = n.Name
			}
			p.res.Scores = append(p.res.Scores, line)
		}
		var e *status.Entry
		if r.PromoPriority >= 0 && (count < clone.Clone.PromotedMax || !clone.Has(status.Managed)) {
			e = p.promotable(r)
		}
		if e == nil || (r.Role < status.RolePromoted && !p.c.Quorate && p.c.Options.QuorumPolicy == status.QuorumFreeze) {
			nextUnpromoted(r)
			continue
		}
		e.Count++
		nextPromoted(r)
		count++
	}
}
