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
