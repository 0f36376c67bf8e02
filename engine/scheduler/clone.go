package scheduler

import (
	"strconv"
	"strings"

	"hacluster/engine/status"
)

func (p *planner) assignClone(r *Resource, prefer *Node, stopIfFail bool) {
	if !r.Has(status.Unassigned) || r.Has(status.Assigning) {
		return
	}
	r.Set(status.Assigning)
	if r.Has(status.Promotable) {
		p.addPromotionScores(r)
	}
	for _, k := range thisWith(r) {
		p.assign(k.Primary, prefer, stopIfFail)
	}
	for _, k := range withThis(r) {
		p.addDependent(k, r)
	}
	p.showScores(r, "pcmk__clone_assign")
	p.sortInstances(r.Children, p.compareInstances)
	p.assignInstances(r, r.Children, r.Clone.Max, r.Clone.NodeMax)
	if r.Has(status.Promotable) {
		p.setRoles(r)
	}
	r.Clear(status.Unassigned | status.Assigning)
}

// instanceNumber is the number at the end of an instance's id.
func instanceNumber(r *Resource) int {
	i := strings.LastIndexByte(r.ID, ':')
	if i < 0 {
		i = strings.LastIndexByte(r.ID, '-')
	}
	n, _ := strconv.Atoi(r.ID[i+1:])
	return n
}

func compareNumbers(a, b *Resource) int { return instanceNumber(a) - instanceNumber(b) }

func didFail(r *Resource) bool { return someSet(r, status.Failed) }

// sortInstances sorts instances by compareInstances, or what builds on it.
func (p *planner) sortInstances(list []*Resource, compare func(a, b *Resource) int) {
	p.drawn = map[*Resource]int{}
	status.MergeSort(list, compare)
	p.drawn = nil
}

// compareInstances orders instances: those that should keep their place first.
func (p *planner) compareInstances(a, b *Resource) int {
	prefer := func(x, y bool) int {
		switch {
		case x && !y:
			return -1
		case y && !x:
			return 1
		}
		return 0
	}
	na, ca, _ := a.ActiveNode()
	nb, cb, _ := b.ActiveNode()
	if ca > 0 && cb > 0 && ca != cb {
		return ca - cb
	}
	allowed := func(r *Resource, n **Node) bool {
		if *n != nil {
			if e := r.Allowed.At(*n); e == nil || e.Score < 0 {
				*n = nil
				return false
			}
		}
		return true
	}
	if d := prefer(allowed(a, &na), allowed(b, &nb)); d != 0 {
		return d
	}
	if a.Priority != b.Priority {
		if a.Priority > b.Priority {
			return -1
		}
		return 1
	}
	switch {
	case na == nil && nb == nil:
		return 0
	case na == nil:
		return 1
	case nb == nil:
		return -1
	}
	if d := prefer(na.Available(), nb.Available()); d != 0 {
		return d
	}
	ea, eb := parentEntry(a, na), parentEntry(b, nb)
	switch {
	case ea == nil && eb == nil:
		return 0
	case ea == nil:
		return 1
	case eb == nil:
		return -1
	}
	if ea.Count != eb.Count {
		return int(ea.Count - eb.Count)
	}
	if d := prefer(!didFail(a), !didFail(b)); d != 0 {
		return d
	}
	sa, sb := p.colocationScore(a), p.colocationScore(b)
	if sa != sb {
		if sa > sb {
			return -1
		}
		return 1
	}
	return compareNumbers(a, b)
}

// colocationScore is what all colocations together make of an instance's
// current node.
func (p *planner) colocationScore(r *Resource) int {
	score, known := p.drawn[r]
	if !known {
		score = p.sumColocations(r)
		p.drawn[r] = score
	}
	return score
}

func (p *planner) sumColocations(r *Resource) int {
	n := p.c.CurrentNode(r)
	var t table
	t.Put(n, n.Score)
	for _, k := range thisWith(r) {
		p.mergeScores(k.Primary, r, &t, k, float32(k.Score)/float32(infinity), 0)
	}
	for _, k := range withThis(r) {
		if influences(k, r) {
			p.mergeScores(k.Dependent, r, &t, k, float32(k.Score)/float32(infinity), mergeNonNegative)
		}
	}
	return int(t.At(n).Score)
}

// assignInstances distributes the instances of a collective over its nodes:
// first those that can stay where they are, then the others.
func (p *planner) assignInstances(r *Resource, list []*Resource, total, perNode int) {
	open := 0
	for i := range r.Allowed {
		if r.Allowed[i].Known {
			r.Allowed[i].Count = 0
			if p.c.ByIndex[i].Available() {
				open++
			}
		}
	}
	optimal := 1
	if open > 0 {
		optimal = max(1, total/open)
	}
	assigned := 0
	for _, i := range list {
		if assigned >= total {
			break
		}
		if !i.Has(status.Unassigned) {
			continue
		}
		if n := p.stay(i, optimal); n != nil && p.assignEarly(i, n, perNode, total-assigned) {
			assigned++
		}
	}
	for _, i := range list {
		switch {
		case !i.Has(status.Unassigned):
		case assigned >= total:
			p.c.ScoreAll(i, -infinity, status.Origin{Code: status.OriginCloneMax, Resource: r.ID})
		case p.assignInstance(i, nil, perNode) != nil:
			assigned++
		}
	}
}

// stay is the node that an instance should keep if it can.
func (p *planner) stay(r *Resource, optimal int) *Node {
	if len(r.Active) == 0 || !r.Has(status.Unassigned) || r.Has(status.Failed) {
		return nil
	}
	n := p.c.CurrentNode(r)
	if n == nil || !available(n, n.Score) {
		return nil
	}
	if e := parentEntry(r, n); e != nil && int(e.Count) >= optimal {
		return nil
	}
	return n
}

// savedTables are the tables of a resource and all its parts.
type savedTables struct {
	r     *Resource
	t     table
	parts []savedTables
}

func saveTables(r *Resource) savedTables {
	s := savedTables{r: r, t: r.Allowed.Clone()}
	for _, k := range r.Children {
		s.parts = append(s.parts, saveTables(k))
	}
	return s
}

func (s *savedTables) restore() {
	s.r.Allowed = s.t.Clone()
	for i := range s.parts {
		s.parts[i].restore()
	}
}

// assignEarly tries to keep an instance on its node, reserving places for
// whoever would take it elsewhere.
func (p *planner) assignEarly(r *Resource, current *Node, perNode, places int) bool {
	if e := r.Allowed.At(current); e == nil || !available(current, int(e.Score)) {
		return false
	}
	saved := saveTables(r)
	parent := r.Parent
	counts := parent.Allowed
	parent.Allowed = counts.Clone()
	var chosen *Node
	for reserved := 0; reserved < places; {
		chosen = p.assignInstance(r, current, perNode)
		if chosen == current {
			break
		}
		saved.restore()
		if chosen == nil {
			r.Set(status.Unassigned)
			break
		}
		reserved++
		p.unassign(r)
		chosen = nil
	}
	parent.Allowed = counts
	if chosen == nil {
		return false
	}
	countInstance(r, chosen)
	return true
}

func countInstance(r *Resource, n *Node) {
	if n == nil {
		return
	}
	if e := parentEntry(r, n); e != nil {
		e.Count++
	}
}

// assignInstance places one instance where its collective has room.
func (p *planner) assignInstance(r *Resource, prefer *Node, perNode int) *Node {
	if r.Has(status.Assigning) {
		return nil
	}
	for i := range r.Allowed {
		if !r.Allowed[i].Known {
			continue
		}
		n := p.c.ByIndex[i]
		e := parentEntry(r, n)
		if !r.Has(status.Removed) && n.Available() && e != nil && e.Score >= 0 && int(e.Count) < perNode {
			continue
		}
		from := p.noRoom(r, n, e)
		p.c.SetScore(&r.Allowed[i], -infinity, from)
		for _, k := range r.Children {
			if e := k.Allowed.At(n); e != nil {
				p.c.SetScore(e, -infinity, from)
			}
		}
	}
	n := p.assign(r, prefer, prefer == nil)
	countInstance(r, n)
	return n
}

// noRoom is why an instance may not go to a node.
func (p *planner) noRoom(r *Resource, n *Node, e *status.Entry) status.Origin {
	switch {
	case p.c.Trace == nil:
		return status.Origin{}
	case r.Has(status.Removed):
		return status.Origin{Code: status.OriginRemoved}
	case !n.Available():
		return status.Origin{Code: status.OriginNodeState, ID: "not available"}
	case e == nil || e.Score < 0:
		return status.Origin{Code: status.OriginCloneRoom, ID: "banned", Resource: r.Parent.ID}
	}
	return status.Origin{Code: status.OriginCloneRoom, ID: "full", Resource: r.Parent.ID}
}

// assignBundle places the containers of a bundle, then what goes with each,
// then what runs inside.
func (p *planner) assignBundle(r *Resource, prefer *Node, stopIfFail bool) {
	inside := status.Origin{Code: status.OriginContainer, Resource: r.ID}
	r.Set(status.Assigning)
	p.showScores(r, "pcmk__bundle_assign")
	list := append([]*Resource(nil), instances(r)...)
	p.sortInstances(list, p.compareInstances)
	p.assignInstances(r, list, len(r.Bundle.Parts), r.Bundle.PerHost)
	for _, part := range r.Bundle.Parts {
		if part.IP != nil {
			p.assign(part.IP, prefer, stopIfFail)
		}
		host := part.Container.Assigned
		if part.Remote != nil {
			if host != nil && host.IsRemote && host.Conn != nil {
				p.c.Colocate(&colocation{
					ID: "#replica-remote-with-host-remote", Score: infinity,
					Dependent: part.Remote, Primary: host.Conn, Influence: true,
				})
			}
			p.assign(part.Remote, prefer, stopIfFail)
		}
		if part.Child != nil {
			for i := range part.Child.Allowed {
				e := &part.Child.Allowed[i]
				if !e.Known {
					continue
				}
				n := p.c.ByIndex[i]
				if n != part.Node {
					p.c.SetScore(e, -infinity, inside)
				} else if p.thresholdReached(part.Child, n) == nil {
					p.c.SetScore(e, infinity, inside)
				}
			}
			part.Child.Parent.Set(status.Assigning)
			p.assign(part.Child, part.Node, stopIfFail)
			part.Child.Parent.Clear(status.Assigning)
		}
	}
	if c := r.Bundle.Child; c != nil {
		for i := range c.Allowed {
			if !c.Allowed[i].Known {
				continue
			}
			p.c.SetScore(&c.Allowed[i], -infinity, inside)
			for _, part := range r.Bundle.Parts {
				if part.Node != nil && part.Node.Index == i {
					p.c.SetScore(&c.Allowed[i], 0, inside)
				}
			}
		}
		p.assign(c, prefer, stopIfFail)
	}
	r.Clear(status.Assigning | status.Unassigned)
}
