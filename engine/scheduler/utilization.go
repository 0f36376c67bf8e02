package scheduler

import (
	"strconv"
	"strings"

	"hacluster/engine/status"
)

func contains(list []*Resource, r *Resource) bool {
	for _, o := range list {
		if o == r {
			return true
		}
	}
	return false
}

// colocated collects everything that must be where a resource is.
func (p *planner) colocated(r, orig *Resource, list []*Resource) []*Resource {
	if r.Kind == status.Group && (r.GroupColoc || r.Parent.IsClone()) {
		list = append(list, r)
		for _, m := range r.Children {
			list = p.colocated(m, orig, list)
		}
		return list
	}
	if contains(list, r) {
		return list
	}
	list = append(list, r)
	for _, k := range thisWith(r) {
		if k.Primary != orig && k.Score == infinity && affects(r, k.Primary, k, true) == affectsScores {
			list = p.colocated(k.Primary, orig, list)
		}
	}
	for _, k := range withThis(r) {
		d := k.Dependent
		if d == orig || (r.Kind == status.Clone && d.Kind != status.Clone) {
			continue
		}
		if k.Score == infinity && affects(d, r, k, true) == affectsScores {
			list = p.colocated(d, orig, list)
		}
	}
	return list
}

// need sums up what a resource of a colocated set still needs.
func need(r *Resource, all []*Resource, sum []status.Amount) []status.Amount {
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
			if m.Has(status.Unassigned) && !contains(all, m) {
				sum = need(m, all, sum)
			}
		}
	case status.Clone:
		found := false
		for _, k := range r.Children {
			if contains(all, k) {
				found = true
				continue
			}
			for _, m := range k.Children {
				if contains(all, m) {
					sum = need(k, all, sum)
					found = true
					break
				}
			}
		}
		if !found && len(r.Children) > 0 {
			sum = need(r.Children[0], all, sum)
		}
	case status.Bundle:
		if len(r.Bundle.Parts) > 0 {
			sum = need(r.Bundle.Parts[0].Container, all, sum)
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
	all := p.colocated(r, r, nil)
	if !contains(all, r) {
		all = append(all, r)
	}
	var sum []status.Amount
	for _, o := range all {
		sum = need(o, all, sum)
	}
	var ids []string
	var nodes []*Node
	for i := range r.Allowed {
		if r.Allowed[i].Known {
			ids = append(ids, p.c.ByIndex[i].ID)
			nodes = append(nodes, p.c.ByIndex[i])
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

func amountText(list []status.Amount) string {
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].Name
	}
	var b strings.Builder
	for _, i := range status.HashOrder(names) {
		b.WriteString(" " + list[i].Name + "=" + strconv.Itoa(list[i].Value))
	}
	return b.String()
}

func (p *planner) showUtilization(r *Resource, n *Node) {
	p.res.Scores = append(p.res.Scores, ScoreLine{Function: "utilization", Resource: r.ID, Node: n.Name, Text: amountText(r.Capacity)})
}

func (p *planner) showCapacities(comment string) {
	if !p.in.Utilization {
		return
	}
	for _, n := range p.c.Nodes {
		if !n.IsBundleNode() {
			p.res.Scores = append(p.res.Scores, ScoreLine{Function: "capacity", Node: n.Name, Comment: comment, Text: amountText(n.Capacity)})
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
