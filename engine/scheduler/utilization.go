package scheduler

import (
	"slices"

	"hacluster/engine/status"
)

// together are the resources that must be in the same place, some of them perhaps twice.
type together struct {
	list  []*Resource
	in    map[*Resource]bool // once there are many
	above map[*Resource]bool // what these are in, two floors up
}

const many = 16

func (t *together) add(r *Resource) {
	t.list = append(t.list, r)
	switch {
	case len(t.list) == many:
		t.in, t.above = map[*Resource]bool{}, map[*Resource]bool{}
		for _, o := range t.list {
			t.index(o)
		}
	case len(t.list) > many:
		t.index(r)
	}
}

func (t *together) index(r *Resource) {
	t.in[r] = true
	if r.Parent != nil {
		t.above[r.Parent] = true
		if r.Parent.Parent != nil {
			t.above[r.Parent.Parent] = true
		}
	}
}

func (t *together) contains(r *Resource) bool {
	if t.in != nil {
		return t.in[r]
	}
	return slices.Contains(t.list, r)
}

// mayBeIn tells whether instances of a clone, or members of them, may be among these.
func (t *together) mayBeIn(clone *Resource) bool { return t.above == nil || t.above[clone] }

// collect collects everything that must be where a resource is.
func (t *together) collect(r, orig *Resource) {
	if r.Kind == status.Group && (r.GroupColoc || r.Parent.IsClone()) {
		t.add(r)
		for _, m := range r.Children {
			t.collect(m, orig)
		}
		return
	}
	if t.contains(r) {
		return
	}
	t.add(r)
	for _, k := range thisWith(r) {
		if k.Primary != orig && k.Score == infinity && affects(r, k.Primary, k, true) == affectsScores {
			t.collect(k.Primary, orig)
		}
	}
	for _, k := range withThis(r) {
		d := k.Dependent
		if d == orig || (r.Kind == status.Clone && d.Kind != status.Clone) {
			continue
		}
		if k.Score == infinity && affects(d, r, k, true) == affectsScores {
			t.collect(d, orig)
		}
	}
}

// need adds what a resource among these still needs.
func (t *together) need(r *Resource, sum []status.Amount) []status.Amount {
	if !r.Has(status.Unassigned) {
		return sum
	}
	switch r.Kind {
	case status.Primitive:
		return addAmounts(sum, r.Capacity, 1)
	case status.Group:
		members := r.Children
		if !r.GroupColoc && !r.Parent.IsClone() && len(members) > 0 {
			members = members[:1]
		}
		for _, m := range members {
			if m.Has(status.Unassigned) && !t.contains(m) {
				sum = t.need(m, sum)
			}
		}
	case status.Clone:
		found := false
		if t.mayBeIn(r) {
			for _, k := range r.Children {
				if t.contains(k) {
					found = true
				} else if slices.ContainsFunc(k.Children, t.contains) {
					sum = t.need(k, sum)
					found = true
				}
			}
		}
		if !found && len(r.Children) > 0 {
			sum = t.need(r.Children[0], sum)
		}
	case status.Bundle:
		if len(r.Bundle.Parts) > 0 {
			sum = t.need(r.Bundle.Parts[0].Container, sum)
		}
	}
	return sum
}

func fits(n *Node, want []status.Amount) bool {
	for _, w := range want {
		if w.Value > amountOf(n.Capacity, w.Name) {
			return false
		}
	}
	return true
}

// banInsufficient bans a resource from nodes that lack capacity for it and all
// that must go along. If no node has enough it returns the one with most left.
func (p *planner) banInsufficient(r *Resource) *Node {
	if p.c.Options.Placement == "default" {
		return nil
	}
	var all together
	all.collect(r, r)
	if !all.contains(r) {
		all.add(r)
	}
	var sum []status.Amount
	for _, o := range all.list {
		sum = all.need(o, sum)
	}
	var ids []string
	var nodes []*Node
	for _, n := range p.c.Nodes { // by name, as they were entered in Pacemaker's table
		if r.Allowed.At(n) != nil {
			ids = append(ids, n.ID)
			nodes = append(nodes, n)
		}
	}
	capable := false
	var most *Node
	for _, i := range status.HashOrder(ids) {
		n := nodes[i]
		if !available(n, int(r.Allowed.At(n).Score)) {
			continue
		}
		if fits(n, sum) {
			capable = true
		}
		if most == nil || compareCapacity(n, most) < 0 {
			most = n
		}
	}
	want := sum
	if !capable {
		want = r.Capacity
	}
	for _, n := range nodes {
		if available(n, int(r.Allowed.At(n).Score)) && !fits(n, want) {
			p.c.ScoreNode(r, n, -infinity, status.Origin{Code: status.OriginUtilization})
		}
	}
	if capable {
		return nil
	}
	return most
}

// prepareCapacity reads amounts of nodes and resources.
func (p *planner) prepareCapacity() {
	p.useCapacity = p.c.Options.Placement != "default" || p.in.Utilization
	if !p.useCapacity {
		return
	}
	for _, n := range p.c.Nodes {
		n.Capacity = amounts(n.Utilization)
	}
	for _, r := range p.c.All {
		r.Capacity = amounts(r.Utilization)
	}
}

// shown are amounts in the order of Pacemaker's table.
func shown(list []status.Amount) []status.Amount {
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].Name
	}
	out := make([]status.Amount, 0, len(list))
	for _, i := range status.HashOrder(names) {
		out = append(out, list[i])
	}
	return out
}

func (p *planner) showUtilization(r *Resource, n *Node) {
	p.res.Scores = append(p.res.Scores, ScoreLine{Function: "utilization", Resource: r.ID, Node: n.Name, Amounts: shown(r.Capacity)})
}

func (p *planner) showCapacities(comment string) {
	if !p.in.Utilization {
		return
	}
	for _, n := range p.c.Nodes {
		if !n.IsBundleNode() {
			p.res.Scores = append(p.res.Scores, ScoreLine{Function: "capacity", Node: n.Name, Comment: comment, Amounts: shown(n.Capacity)})
		}
	}
}

// sortResources brings the resources into the order in which they are placed
// when utilization counts.
func (p *planner) sortResources() {
	var nodes []ranked
	for _, n := range p.c.Nodes {
		nodes = append(nodes, ranked{n, n.Score})
	}
	p.sortRanked(nodes, nil)
	status.MergeSort(p.c.Resources, func(a, b *Resource) int {
		if a.Priority != b.Priority {
			if a.Priority > b.Priority {
				return -1
			}
			return 1
		}
		if len(nodes) == 0 {
			return 0
		}
		var ta, tb table
		p.mergeScores(a, nil, &ta, nil, 1, mergeThisWith)
		p.mergeScores(b, nil, &tb, nil, 1, mergeThisWith)
		score := func(t table, n *Node) int {
			if n == nil {
				return -infinity
			}
			if s, ok := scoreAt(t, n); ok {
				return s
			}
			return -infinity
		}
		var na, nb *Node
		if len(a.Active) > 0 {
			na = p.c.CurrentNode(a)
		}
		if len(b.Active) > 0 {
			nb = p.c.CurrentNode(b)
		}
		if d := score(tb, nb) - score(ta, na); d != 0 {
			return d
		}
		for _, n := range nodes {
			if d := score(tb, n.node) - score(ta, n.node); d != 0 {
				return d
			}
		}
		return 0
	})
}
