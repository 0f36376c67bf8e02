package scheduler

import (
	"hacluster/engine/status"
)

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
