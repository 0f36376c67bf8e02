package scheduler

import (
	"strings"

	"hacluster/cib/number"
	"hacluster/engine/status"
)

// colocationOrigin is a colocation as the origin of a score, on account of the
// resource on its other side.
func colocationOrigin(k *colocation, other *Resource) status.Origin {
	return status.Origin{Code: status.OriginColocation, ID: k.ID, Resource: other.ID}
}

// addPriority adds to the priority with which an instance is promoted.
func (p *planner) addPriority(r *Resource, delta int, k *colocation, other *Resource) {
	r.Priority = status.AddScores(delta, r.Priority)
	if p.c.Trace != nil {
		from := colocationOrigin(k, other)
		from.Score = delta
		r.PriorityWhy = p.c.Trace.Add(r.PriorityWhy, from)
	}
}

func (p *planner) applyToScores(dep, prim *Resource, k *colocation) {
	if prim.Assigned == nil && k.Score < 0 {
		return
	}
	work := dep.Allowed.Clone()
	byName := k.Attr == "#uname" && !p.hostAttrs
	var value string
	var has bool
	if prim.Assigned != nil && !byName {
		value, has = colocAttr(prim.Assigned, k.Attr, prim)
	}
	for i := range work {
		e := &work[i]
		if !e.Known {
			continue
		}
		if prim.Assigned == nil {
			p.c.AddScore(e, -k.Score, colocationOrigin(k, prim))
			continue
		}
		n := p.c.ByIndex[i]
		var same bool
		if byName {
			same = n == prim.Assigned || strings.EqualFold(n.Name, prim.Assigned.Name)
		} else {
			v, ok := colocAttr(n, k.Attr, dep)
			same = sameAttr(v, ok, value, has)
		}
		if same {
			if k.Score < infinity {
				p.c.AddScore(e, k.Score, colocationOrigin(k, prim))
			}
		} else if k.Score >= infinity {
			p.c.SetScore(e, -infinity, colocationOrigin(k, prim))
		}
	}
	if k.Score <= -infinity || k.Score >= infinity || p.anyAvailable(work) {
		dep.Allowed = work
	}
}

func (p *planner) applyToPriority(dep, prim *Resource, k *colocation) int {
	if dep.Assigned == nil {
		return 0
	}
	if prim.Assigned != nil && k.PrimaryRole != status.RoleUnknown && k.PrimaryRole != roleResource(prim).NextRole {
		return 0
	}
	v, ok := colocAttr(dep.Assigned, k.Attr, dep)
	w, ok2 := "", false
	if prim.Assigned != nil {
		w, ok2 = colocAttr(prim.Assigned, k.Attr, prim)
	}
	sign := 1
	switch {
	case !sameAttr(v, ok, w, ok2):
		if k.Score != infinity || k.DependentRole != status.RolePromoted {
			return 0
		}
		sign = -1
	case k.DependentRole == status.RoleUnpromoted:
		sign = -1
	}
	delta := sign * k.Score
	p.addPriority(dep, delta, k, prim)
	return delta
}

func (p *planner) applyToGroup(dep, prim *Resource, k *colocation) int {
	delta := 0
	if len(dep.Children) == 0 {
		return 0
	}
	if dep.GroupColoc {
		delta = p.applyColocation(dep.Children[0], prim, k)
	} else {
		if k.Score >= infinity {
			p.configErr("%s: Cannot perform mandatory colocation between non-colocated group and %s", dep.ID, prim.ID)
			return 0
		}
		for _, m := range dep.Children {
			delta = status.AddScores(delta, p.applyColocation(m, prim, k))
		}
	}
	if delta != 0 {
		p.addPriority(dep, delta, k, prim)
	}
	return delta
}

func (p *planner) applyWithGroup(dep, prim *Resource, k *colocation) int {
	if prim.Has(status.Unassigned) {
		return 0
	}
	if prim.GroupColoc {
		m := prim.Children[0]
		if k.Score >= infinity {
			m = prim.Children[len(prim.Children)-1]
		}
		return p.applyColocation(dep, m, k)
	}
	if k.Score >= infinity {
		p.configErr("%s: Cannot perform mandatory colocation with non-colocated group %s", dep.ID, prim.ID)
		return 0
	}
	delta := 0
	for _, m := range prim.Children {
		delta = status.AddScores(delta, p.applyColocation(dep, m, k))
	}
	return delta
}

// maxPerNode is how many instances of a collective one node may have.
func maxPerNode(r *Resource) int {
	switch r.Kind {
	case status.Clone:
		return r.Clone.NodeMax
	case status.Bundle:
		return r.Bundle.PerHost
	}
	return 1
}

func (p *planner) interleaves(k *colocation) bool {
	if k.Dependent.Kind <= status.Group || !number.IsTrue(k.Dependent.Meta.Value("interleave")) {
		return false
	}
	if maxPerNode(k.Dependent) != maxPerNode(k.Primary) {
		p.configErr("Cannot interleave %s and %s because they do not support the same number of instances per node", k.Dependent.ID, k.Primary.ID)
		return false
	}
	return true
}

func (p *planner) applyWithClone(dep, prim *Resource, k *colocation) int {
	if prim.Has(status.Unassigned) {
		return 0
	}
	if prim.Has(status.Promotable) && k.PrimaryRole != status.RoleUnknown {
		if dep.Has(status.Unassigned) {
			p.applyWithPromotable(dep, prim, k)
			return 0
		}
		if k.DependentRole == status.RolePromoted {
			if p.compatible(dep, prim, k.PrimaryRole, false, k.Attr, true) != nil {
				p.addPriority(dep, k.Score, k, prim)
				return k.Score
			}
			if k.Score >= infinity {
				p.addPriority(dep, -infinity, k, prim)
				return -infinity
			}
			return 0
		}
	}
	if p.interleaves(k) {
		if i := p.compatible(dep, prim, status.RoleUnknown, false, "", false); i != nil {
			return p.applyColocation(dep, i, k)
		}
		if k.Score >= infinity {
			p.assignTo(dep, nil, 0, true, true)
		}
		return 0
	}
	if k.Score >= infinity {
		var hosts []ranked
		for _, i := range prim.Children {
			if n, s := place(i); n != nil && !someSet(i, status.Blocked) {
				hosts = append(hosts, ranked{n, s})
			}
		}
		p.intersect(dep, hosts, false, colocationOrigin(k, prim))
		return 0
	}
	delta := 0
	for _, i := range prim.Children {
		delta = status.AddScores(delta, p.applyColocation(dep, i, k))
	}
	return delta
}

// intersect bans a dependent from all nodes but the hosts of its primary.
func (p *planner) intersect(dep *Resource, hosts []ranked, addScores bool, from status.Origin) {
	for i := range dep.Allowed {
		e := &dep.Allowed[i]
		if !e.Known {
			continue
		}
		found := -1
		for j := len(hosts) - 1; j >= 0; j-- {
			if hosts[j].node.Index == i {
				found = j
				break
			}
		}
		switch {
		case found < 0:
			p.c.SetScore(e, -infinity, from)
		case addScores:
			p.c.AddScore(e, hosts[found].score, from)
		}
	}
}

func (p *planner) applyWithPromotable(dep, prim *Resource, k *colocation) {
	var hosts []ranked
	for _, i := range prim.Children {
		n, s := place(i)
		if n == nil || status.RoleOf(i, false) != k.PrimaryRole {
			continue
		}
		if k.Score < infinity {
			v, ok := colocAttr(n, k.Attr, prim)
			for j := range dep.Allowed {
				e := &dep.Allowed[j]
				if !e.Known {
					continue
				}
				w, ok2 := colocAttr(p.c.ByIndex[j], k.Attr, dep)
				if sameAttr(v, ok, w, ok2) {
					p.c.AddScore(e, k.Score, colocationOrigin(k, prim))
				}
			}
		}
		hosts = append(hosts, ranked{n, s})
	}
	if k.Score >= infinity && (k.DependentRole != status.RolePromoted || k.PrimaryRole != status.RolePromoted) {
		p.intersect(dep, hosts, true, colocationOrigin(k, prim))
	}
}

func (p *planner) applyWithBundle(dep, prim *Resource, k *colocation) int {
	if prim.Has(status.Unassigned) {
		return 0
	}
	if k.Dependent.Kind > status.Group {
		if c := p.compatibleContainer(dep, prim); c != nil {
			return p.applyColocation(dep, c, k)
		}
		if k.Score >= infinity {
			p.assignTo(dep, nil, 0, true, true)
		}
		return 0
	}
	delta := 0
	var hosts []ranked
	for _, part := range prim.Bundle.Parts {
		if k.Score < infinity {
			delta = status.AddScores(delta, p.applyColocation(dep, part.Container, k))
			continue
		}
		n, s := place(part.Container)
		if n == nil || someSet(part.Container, status.Blocked) {
			continue
		}
		if k.PrimaryRole >= status.RolePromoted && (part.Child == nil || part.Child.NextRole < status.RolePromoted) {
			continue
		}
		hosts = append(hosts, ranked{n, s})
	}
	if k.Score >= infinity {
		p.intersect(dep, hosts, false, colocationOrigin(k, prim))
	}
	return delta
}
