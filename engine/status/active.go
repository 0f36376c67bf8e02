package status

// IsActive tells whether a resource is active; all asks whether every part is.
func (c *Cluster) IsActive(r *Resource, all bool) bool {
	switch r.Kind {
	case Primitive:
		for _, n := range r.Active {
			if n.Unclean || n.Online || !r.Has(Managed) {
				return true
			}
		}
		return false
	case Group:
		every, some := true, false
		for _, k := range r.Children {
			if c.IsActive(k, all) {
				some = true
			} else {
				every = false
			}
		}
		return some && (!all || every)
	case Clone:
		for _, k := range r.Children {
			if a := c.IsActive(k, all); a != all {
				return a
			}
		}
		return all
	}
	for _, p := range r.Bundle.Parts {
		for _, k := range []*Resource{p.IP, p.Child, p.Container, p.Remote} {
			if k == nil {
				continue
			}
			if a := c.IsActive(k, all); a != all {
				return a
			}
		}
	}
	return all
}

// RoleOf is the highest role of a resource's parts.
func RoleOf(r *Resource, current bool) Role {
	switch r.Kind {
	case Primitive:
		if current {
			return r.Role
		}
		return r.NextRole
	case Bundle:
		return RoleUnknown
	}
	top := RoleUnknown
	for _, k := range r.Children {
		top = max(top, RoleOf(k, current))
	}
	return top
}

// CurrentNode is the one of a resource's active nodes that counts: the source
// of a migration under way, the first clean one if it needs no fencing, else
// the first.
func (c *Cluster) CurrentNode(r *Resource) *Node {
	n, _, _ := r.ActiveNode()
	return n
}

// ActiveNode is CurrentNode with the numbers of all and of clean active nodes.
func (r *Resource) ActiveNode() (active *Node, all, clean int) {
	nodes := r.Active
	if r.Kind == Bundle {
		var with []*Resource
		for _, p := range r.Bundle.Parts {
			if len(p.Container.Active) > 0 {
				with = append(with, p.Container)
			}
		}
		if len(with) == 0 {
			return nil, 0, 0
		}
		if len(with) == 1 {
			return with[0].ActiveNode()
		}
		nodes = nil
		for _, k := range with {
			for _, n := range k.Active {
				if !HasNode(nodes, n) {
					nodes = append(nodes, n)
				}
			}
		}
	}
	for _, n := range nodes {
		happy := n.Online && !n.Unclean
		all++
		if happy {
			clean++
		}
		if r.PartialSource != nil {
			if n == r.PartialSource {
				active = n
			}
		} else if !r.Has(NeedsFencing) {
			if happy && (active == nil || !active.Online || active.Unclean) {
				active = n
			}
		}
		if active == nil {
			active = n
		}
	}
	return active, all, clean
}

// HasNode tells whether a list of nodes holds a node.
func HasNode(list []*Node, n *Node) bool {
	for _, o := range list {
		if o == n {
			return true
		}
	}
	return false
}

// Where says which nodes count as a resource's places.
type Where int8

// The kinds of places.
const (
	Current  Where = 1 << iota // where it is active
	Assigned                   // where it will be
	PendingW                   // where an operation is pending
)

// Places collects the places of a resource and its parts, each once.
func (r *Resource) Places(w Where) []*Node {
	return r.places(w, nil)
}

func (r *Resource) places(w Where, list []*Node) []*Node {
	if len(r.Children) > 0 {
		for _, k := range r.Children {
			list = k.places(w, list)
		}
		return list
	}
	if w&Current != 0 {
		for _, n := range r.Active {
			if !HasNode(list, n) {
				list = append(list, n)
			}
		}
	}
	if w&PendingW != 0 && r.PendingNode != nil && !HasNode(list, r.PendingNode) {
		list = append(list, r.PendingNode)
	}
	if w&Assigned != 0 && r.Assigned != nil && !HasNode(list, r.Assigned) {
		list = append(list, r.Assigned)
	}
	return list
}

// addActive records that a resource is active on a node.
func (c *Cluster) addActive(r *Resource, n *Node, failed bool) {
	if HasNode(r.Active, n) {
		return
	}
	r.Active = append(r.Active, n)
	if r.Kind == Primitive {
		n.Running = append(n.Running, r)
		if r.Priority != 0 && !failed {
			p := r.Priority
			if r.Role == RolePromoted {
				p++
			}
			n.Priority += p
			if n.Conn != nil && n.Conn.Launcher != nil {
				for _, h := range n.Conn.Launcher.Active {
					h.Priority += p
				}
			}
		}
		if n.Maintenance {
			r.Clear(Managed)
			r.Set(InMaintenance)
		}
	}
	if !r.Has(Managed) {
		c.ScoreNode(r, n, Infinity, Origin{Code: OriginUnmanaged})
		for p := r.Parent; p != nil; p = p.Parent {
			p.Active = append(p.Active, n)
		}
		return
	}
	if r.Kind == Primitive && r.multiplyActive() {
		switch r.Multiple {
		case MultiStopOnly:
			r.banEverywhere(c, Origin{Code: OriginMultiple})
		case MultiBlock:
			r.Clear(Managed)
			r.Set(Blocked)
			if p := r.Parent; p != nil && (p.Kind == Group || p.Kind == Bundle) && p.Multiple == MultiBlock {
				for _, k := range p.Children {
					k.Clear(Managed)
					k.Set(Blocked)
				}
			}
		}
	}
	if r.Parent != nil {
		c.addActive(r.Parent, n, false)
	}
}

// multiplyActive tells whether a primitive is active on more nodes than one.
func (r *Resource) multiplyActive() bool {
	_, all, clean := r.ActiveNode()
	if r.Has(NeedsFencing) {
		return all > 1
	}
	return clean > 1
}

// banEverywhere rebuilds the table with minus infinity everywhere.
func (r *Resource) banEverywhere(c *Cluster, from Origin) {
	r.Allowed = nil
	for _, n := range c.Nodes {
		c.SetScore(r.Allowed.Put(n, -Infinity), -Infinity, from)
	}
}
