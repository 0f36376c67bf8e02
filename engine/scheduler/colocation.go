package scheduler

import (
	"strings"

	"hacluster/engine/status"
)

// colocAttr is the node attribute that a colocation compares, as the resource
// sees the node.
func colocAttr(n *Node, name string, r *Resource) (string, bool) {
	target := ""
	if n.IsBundleNode() && r != nil && r.Bundled() && r.Top(false) == bundleClone(r) {
		target = "host"
	} else if r != nil {
		target = r.Meta.Value("container-attribute-target")
	}
	return status.NodeAttr(n, name, target, true)
}

// bundleClone is the clone inside the bundle that a resource is part of.
func bundleClone(r *Resource) *Resource {
	top := r.Top(true)
	if top.Bundle == nil {
		return nil
	}
	return top.Bundle.Child
}

func sameAttr(a string, hasA bool, b string, hasB bool) bool {
	return hasA == hasB && strings.EqualFold(a, b)
}

// merge adds a list of colocations to a sorted one. An addition to a list that
// holds something already enters its first element once for each of its
// elements: that is what the original does.
func mergeLists(list *[]*colocation, addition []*colocation, insert func(*[]*colocation, *colocation)) {
	if len(*list) == 0 {
		*list = append([]*colocation(nil), addition...)
		return
	}
	for range addition {
		insert(list, addition[0])
	}
}

// withThis lists the colocations in which others depend on a resource.
func withThis(r *Resource) []*colocation {
	var list []*colocation
	addWithThis(r, r, &list)
	return list
}

// thisWith lists the colocations in which a resource depends on others.
func thisWith(r *Resource) []*colocation {
	var list []*colocation
	addThisWith(r, r, &list)
	return list
}

func addWithThis(r, asked *Resource, list *[]*colocation) {
	insert := status.InsertWithThis
	switch r.Kind {
	case status.Primitive:
		if r != asked {
			for _, k := range r.WithThis {
				if k.Explicit {
					insert(list, k)
				}
			}
			return
		}
		mergeLists(list, r.WithThis, insert)
		if r.Parent != nil {
			addWithThis(r.Parent, asked, list)
		}
	case status.Group:
		if len(r.Children) == 0 || (asked != r && asked != r.Children[len(r.Children)-1]) {
			return
		}
		mergeLists(list, r.WithThis, insert)
		if r.Parent != nil {
			addWithThis(r.Parent, asked, list)
		}
		if !r.GroupColoc {
			return
		}
		for _, m := range r.Children {
			if m != asked {
				addWithThis(m, asked, list)
			}
		}
	case status.Clone:
		mergeLists(list, r.WithThis, insert)
		if r.Parent != nil {
			addWithThis(r.Parent, asked, list)
		}
	case status.Bundle:
		if bundleContributes(r, asked) {
			mergeLists(list, r.WithThis, insert)
		}
	}
}

func addThisWith(r, asked *Resource, list *[]*colocation) {
	insert := status.InsertThisWith
	switch r.Kind {
	case status.Primitive:
		if r != asked {
			for _, k := range r.ThisWith {
				if k.Explicit {
					insert(list, k)
				}
			}
			return
		}
		mergeLists(list, r.ThisWith, insert)
		if r.Parent != nil {
			addThisWith(r.Parent, asked, list)
		}
	case status.Group:
		if len(r.Children) == 0 {
			return
		}
		if asked == r || asked == r.Children[0] {
			mergeLists(list, r.ThisWith, insert)
			if r.Parent != nil {
				addThisWith(r.Parent, asked, list)
			}
			if !r.GroupColoc {
				return
			}
			for _, m := range r.Children {
				if m != asked {
					addThisWith(m, asked, list)
				}
			}
			return
		}
		for _, m := range r.Children {
			if m == asked {
				break
			}
			if m.Has(status.Managed) {
				continue
			}
			for _, k := range r.ThisWith {
				if k.Score == infinity {
					insert(list, k)
				}
			}
			break
		}
	case status.Clone:
		mergeLists(list, r.ThisWith, insert)
		if r.Parent != nil {
			addThisWith(r.Parent, asked, list)
		}
	case status.Bundle:
		if bundleContributes(r, asked) {
			mergeLists(list, r.ThisWith, insert)
		}
	}
}

// bundleContributes tells whether a bundle's colocations count for one of its
// parts: for containers always, inside only while roles are chosen.
func bundleContributes(b, asked *Resource) bool {
	if asked == b || asked.Has(status.ReplicaContainer) {
		return true
	}
	c := b.Bundle.Child
	if c == nil || !c.Has(status.Promotable) || asked.Top(false) != c {
		return false
	}
	if asked == c {
		return c.Clone.ScoresMerged
	}
	return !asked.Has(status.Unassigned)
}

// influences tells whether a colocation's dependent may draw its primary (or
// the instance r of it).
func influences(k *colocation, r *Resource) bool {
	if r == nil {
		r = k.Primary
	}
	if k.Dependent.Has(status.NestingAllowed) && !r.Has(status.Failed) && len(r.Active) == 1 {
		return false
	}
	return k.Influence || len(r.Active) == 0
}

// roleResource is the resource whose role a colocation means: what is inside a
// container.
func roleResource(r *Resource) *Resource {
	if r.Has(status.ReplicaContainer) {
		for _, p := range r.Parent.Bundle.Parts {
			if p.Container == r && p.Child != nil {
				return p.Child
			}
		}
	}
	return r
}

type effect int8

const (
	noEffect effect = iota
	affectsScores
	affectsRole
)

// affects tells what a colocation of two primitives bears on.
func affects(dep, prim *Resource, k *colocation, preview bool) effect {
	if !preview && prim.Has(status.Unassigned) {
		return noEffect
	}
	d, q := roleResource(dep), roleResource(prim)
	if k.DependentRole >= status.RoleUnpromoted && d.Parent != nil && d.Parent.Has(status.Promotable) && !d.Has(status.Unassigned) {
		return affectsRole
	}
	if !preview && !dep.Has(status.Unassigned) {
		return noEffect
	}
	if k.DependentRole != status.RoleUnknown && k.DependentRole != d.NextRole {
		return noEffect
	}
	if k.PrimaryRole != status.RoleUnknown && k.PrimaryRole != q.NextRole {
		return noEffect
	}
	return affectsScores
}

// applyColocation applies a colocation to a dependent: to its scores, or, once
// it is placed, to its promotion priority, whose change is returned.
func (p *planner) applyColocation(dep, prim *Resource, k *colocation) int {
	if dep.Kind == status.Group {
		return p.applyToGroup(dep, prim, k)
	}
	switch prim.Kind {
	case status.Primitive:
		switch affects(dep, prim, k, false) {
		case affectsRole:
			return p.applyToPriority(dep, prim, k)
		case affectsScores:
			p.applyToScores(dep, prim, k)
		}
		return 0
	case status.Group:
		return p.applyWithGroup(dep, prim, k)
	case status.Clone:
		return p.applyWithClone(dep, prim, k)
	}
	return p.applyWithBundle(dep, prim, k)
}

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
	if k.Dependent.Kind <= status.Group || !status.IsTrue(k.Dependent.Meta.Value("interleave")) {
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

// instances are the parts of a collective that run on their own: a clone's
// instances or a bundle's containers.
func instances(r *Resource) []*Resource {
	if r.Kind != status.Bundle {
		return r.Children
	}
	list := make([]*Resource, 0, len(r.Bundle.Parts))
	for _, part := range r.Bundle.Parts {
		list = append(list, part.Container)
	}
	return list
}

// matches tells whether an instance is (or will be) on a node, or on one whose
// attribute agrees.
func matches(i *Resource, n *Node, role status.Role, current bool, attr string, byAttr bool) bool {
	if role != status.RoleUnknown && role != status.RoleOf(i, current) {
		return false
	}
	if someSet(i, status.Blocked) {
		return false
	}
	var on *Node
	if current {
		on = placeNow(i)
	} else {
		on, _ = place(i)
	}
	if on == nil {
		return false
	}
	if byAttr {
		v, ok := colocAttr(on, attr, i)
		w, ok2 := colocAttr(n, attr, i)
		return sameAttr(v, ok, w, ok2)
	}
	return on == n
}

// compatible finds the instance of a collective that goes with a resource: on
// its node, or else on the best node it may have.
func (p *planner) compatible(r, collective *Resource, role status.Role, current bool, attr string, byAttr bool) *Resource {
	find := func(n *Node) *Resource {
		for _, i := range instances(collective) {
			if matches(i, n, role, current, attr, byAttr) {
				return i
			}
		}
		return nil
	}
	var n *Node
	if current {
		n = placeNow(r)
	} else {
		n, _ = place(r)
	}
	if n != nil {
		return find(n)
	}
	for _, e := range p.sortedNodes(r.Allowed, nil) {
		if i := find(e.node); i != nil {
			return i
		}
	}
	return nil
}

// bundleHost is the host of a bundle node's container; other nodes are their
// own host.
func bundleHost(n *Node) *Node {
	if n.IsBundleNode() {
		return n.Conn.Launcher.Assigned
	}
	return n
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

func (p *planner) compatibleContainer(dep, bundle *Resource) *Resource {
	find := func(n *Node) *Resource {
		for _, part := range bundle.Bundle.Parts {
			if matches(part.Container, n, status.RoleUnknown, false, "", false) {
				return part.Container
			}
		}
		return nil
	}
	if n, _ := place(dep); n != nil {
		if n = bundleHost(n); n != nil {
			return find(n)
		}
	}
	for _, e := range p.sortedNodes(dep.Allowed, nil) {
		n := bundleHost(e.node)
		if n == nil {
			continue
		}
		if c := find(n); c != nil {
			return c
		}
	}
	return nil
}
