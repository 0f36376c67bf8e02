package scheduler

import (
	"hacluster/engine/status"
)

// Short names for the meanings of orderings.
const (
	ordered       = status.Ordered
	needThen      = status.FirstImpliesThen
	needFirst     = status.ThenImpliesFirst
	needPromoted  = status.PromotedImplies
	blockThen     = status.UnrunnableBlocks
	unmigBlocks   = status.UnmigratableBlocks
	elseReal      = status.FirstElseThenReal
	restartPair   = status.RestartPair
	needThenHere  = status.FirstImpliesHere
	hostProbe     = status.NestedRemoteProbe
	oneWay        = status.Asymmetric
	minRunnable   = status.MinRunnable
	showThen      = status.GraphThen
	showFirst     = status.GraphFirst
	thenCancels   = status.ThenCancels
	sameNode      = status.SameNode
	loadOrder     = status.Load
	antiOrder     = status.AntiColocation
	ifUnmigratble = status.IfUnmigratable
	guestOK       = status.GuestOK
)

// order records an order of two tasks.
func (p *planner) order(a *Resource, first string, b *Resource, then string, kinds status.OrderKind) {
	p.c.OrderTasks(a, first, b, then, kinds)
}

// internalConstraints records what the kinds of resources imply.
func (p *planner) internalConstraints(r *Resource) {
	switch r.Kind {
	case status.Primitive:
		p.primitiveConstraints(r)
	case status.Group:
		p.groupConstraints(r)
	case status.Clone:
		p.cloneConstraints(r)
	case status.Bundle:
		p.bundleConstraints(r)
	}
}

// allowedNodes are the nodes of a resource's table in name order.
func (p *planner) allowedNodes(r *Resource) []*Node {
	var list []*Node
	for _, n := range p.c.Nodes {
		if r.Allowed.At(n) != nil {
			list = append(list, n)
		}
	}
	return list
}

// avoidRemote keeps a resource off all remote nodes.
func (p *planner) avoidRemote(r *Resource) {
	for i := range r.Allowed {
		if r.Allowed[i].Known && p.c.ByIndex[i].Conn != nil {
			p.c.SetScore(&r.Allowed[i], -infinity, status.Origin{Code: status.OriginKind})
		}
	}
}

// guestConnectionOf is the connection of a guest node that a resource launches.
func guestConnectionOf(r *Resource) *Resource {
	for _, l := range r.Launched {
		if l.Has(status.RemoteConnection) {
			return l
		}
	}
	return nil
}

func (p *planner) primitiveConstraints(r *Resource) {
	if !r.Has(status.Managed) {
		return
	}
	unfence := !r.Has(status.FenceDevice) && p.c.Options.Unfencing && r.Has(status.NeedsUnfencing)
	capacity := len(r.Utilization) > 0 && p.c.Options.Placement != "default"
	p.order(r, "stop", r, "start", ordered|needThen|restartPair)
	if r.Top(false).Has(status.Promotable) || r.Role > status.RoleUnpromoted {
		p.order(r, "demote", r, "stop", needPromoted)
		p.order(r, "start", r, "promote", blockThen)
	}
	p.order(r, "lrm_delete", r, "monitor", sameNode|thenCancels)
	if unfence {
		for _, n := range p.allowedNodes(r) {
			on := p.c.NewFencing(n, "on", true, "", false)
			p.c.NewOrdering(&status.Ordering{FirstRsc: r, FirstTask: "stop", ThenAction: on, Kinds: ordered | sameNode})
			p.c.NewOrdering(&status.Ordering{FirstAction: on, ThenRsc: r, ThenTask: "start", Kinds: needThenHere | sameNode})
		}
	}
	if capacity {
		for _, n := range r.Active {
			p.c.NewOrdering(&status.Ordering{FirstRsc: r, FirstTask: "stop", ThenAction: p.loadStopped(n), Kinds: loadOrder})
		}
		for _, n := range p.allowedNodes(r) {
			l := p.loadStopped(n)
			p.c.NewOrdering(&status.Ordering{FirstAction: l, ThenRsc: r, ThenTask: "start", Kinds: loadOrder})
			p.c.NewOrdering(&status.Ordering{FirstAction: l, ThenRsc: r, ThenTask: "migrate_to", Kinds: loadOrder})
		}
	}
	if l := r.Launcher; l != nil {
		var remote *Resource
		switch {
		case r.Has(status.RemoteConnection):
			if !r.Has(status.NestingAllowed) {
				p.avoidRemote(l)
			}
			p.order(l, "monitor", r, "stop", ordered)
		case l.Has(status.RemoteConnection):
			remote = l
		default:
			remote = guestConnectionOf(l)
		}
		if remote != nil {
			for i := range r.Allowed {
				if r.Allowed[i].Known && p.c.ByIndex[i].Conn != remote {
					p.c.SetScore(&r.Allowed[i], -infinity, status.Origin{Code: status.OriginContainer, Resource: l.ID})
				}
			}
		} else {
			p.order(l, "start", r, "start", needThen|blockThen)
			p.order(r, "stop", l, "stop", needFirst)
			score := infinity
			if r.Has(status.NestingAllowed) {
				score = 10000
			}
			p.c.Colocate(&colocation{ID: "#resource-with-container", Score: score, Dependent: r, Primary: l, Influence: true})
		}
	}
	if r.Has(status.RemoteConnection) || r.Has(status.FenceDevice) {
		p.avoidRemote(r)
	}
}

// loadStopped is the point at which the resources that leave a node are gone.
func (p *planner) loadStopped(n *Node) *Action {
	a := p.c.NewPseudoGlobal("load_stopped_" + n.Name)
	if a.Node == nil {
		a.Node = n
		a.Clear(status.Optional)
	}
	return a
}

func (p *planner) groupConstraints(g *Resource) {
	p.order(g, "stop", g, "stopped", blockThen)
	p.order(g, "stopped", g, "start", ordered)
	p.order(g, "start", g, "running", blockThen)
	var prev, lastActive *Resource
	promotable := g.Top(false).Has(status.Promotable)
	for i, m := range g.Children {
		first := i == 0
		p.internalConstraints(m)
		if prev != nil && g.GroupColoc {
			p.c.Colocate(&colocation{ID: "#group-members", Score: infinity, Dependent: m, Primary: prev, Influence: m.Has(status.Critical)})
		}
		down, post := showFirst, showThen
		if first && g.GroupOrdered {
			down |= ordered
			post = needThen
		}
		if promotable {
			p.order(g, "demote", m, "demote", down)
			p.order(m, "demote", g, "demoted", post)
			p.order(m, "promote", g, "promoted", blockThen|needThen|showThen)
			p.order(g, "promote", m, "promote", showFirst)
		}
		p.order(g, "stop", m, "stop", down)
		p.order(m, "stop", g, "stopped", post)
		p.order(g, "start", m, "start", showFirst)
		p.order(m, "start", g, "running", blockThen|needThen|showThen)
		active := len(m.Active) > 0
		switch {
		case !g.GroupOrdered:
			p.order(g, "start", m, "start", needThen|blockThen|showFirst)
			if promotable {
				p.order(g, "promote", m, "promote", needThen|blockThen|showFirst)
			}
		case prev != nil:
			p.order(prev, "start", m, "start", needThen|blockThen)
			p.order(m, "stop", prev, "stop", ordered|restartPair)
			if active && len(prev.Active) == 0 {
				p.order(m, "stop", prev, "start", needFirst|blockThen)
			}
			if promotable {
				p.order(prev, "promote", m, "promote", needThen|blockThen)
				p.order(m, "demote", prev, "demote", ordered)
			}
		}
		if active {
			if g.GroupOrdered && prev != nil && len(prev.Active) == 0 && lastActive != nil && len(lastActive.Active) > 0 {
				p.order(m, "stop", lastActive, "stop", ordered)
			}
			lastActive = m
		}
		prev = m
	}
}

func (p *planner) cloneConstraints(c *Resource) {
	p.order(c, "stopped", c, "start", ordered)
	p.order(c, "start", c, "running", blockThen)
	p.order(c, "stop", c, "stopped", blockThen)
	if c.Has(status.Promotable) {
		p.order(c, "demoted", c, "stop", ordered)
		p.order(c, "running", c, "promote", blockThen)
	}
	if c.Clone.Ordered {
		status.MergeSort(c.Children, compareNumbers)
	}
	for i, r := range c.Children {
		p.internalConstraints(r)
		p.order(c, "start", r, "start", blockThen|showFirst)
		p.order(r, "start", c, "running", showThen)
		p.order(c, "stop", r, "stop", showFirst)
		p.order(r, "stop", c, "stopped", showThen)
		if c.Clone.Ordered {
			for _, later := range c.Children[i+1:] {
				p.order(r, "start", later, "start", ordered)
				p.order(later, "stop", r, "stop", ordered)
			}
		}
	}
	if c.Has(status.Promotable) {
		p.promotableConstraints(c)
	}
}

func (p *planner) promotableRestart(c *Resource) {
	p.order(c, "stopped", c, "start", ordered)
	p.order(c, "stopped", c, "promote", ordered)
	p.order(c, "demoted", c, "stop", ordered)
	p.order(c, "demoted", c, "start", ordered)
	p.order(c, "demoted", c, "promote", ordered)
	p.order(c, "running", c, "promote", ordered)
	p.order(c, "demote", c, "demoted", ordered)
}

func (p *planner) promotableConstraints(c *Resource) {
	p.promotableRestart(c)
	var prev *Resource
	for _, r := range c.Children {
		p.order(r, "demote", r, "promote", ordered)
		p.order(c, "promote", r, "promote", ordered)
		p.order(r, "promote", c, "promoted", ordered)
		if prev != nil && c.Clone.Ordered {
			p.order(prev, "promote", r, "promote", ordered)
		}
		p.order(c, "demote", r, "demote", showFirst)
		p.order(r, "demote", c, "demoted", showThen)
		if prev != nil && c.Clone.Ordered {
			p.order(r, "demote", prev, "demote", ordered)
		}
		prev = r
	}
}

func (p *planner) bundleConstraints(b *Resource) {
	for _, k := range b.Bundle.Parts {
		p.internalConstraints(k.Container)
		p.order(b, "start", k.Container, "start", blockThen|showFirst)
		if k.Child != nil {
			p.order(b, "stop", k.Child, "stop", showFirst)
		}
		p.order(b, "stop", k.Container, "stop", showFirst)
		p.order(k.Container, "start", b, "running", showThen)
		p.order(k.Container, "stop", b, "stopped", showThen)
		if k.IP != nil {
			p.internalConstraints(k.IP)
			p.order(k.IP, "start", k.Container, "start", blockThen|guestOK)
			p.order(k.Container, "stop", k.IP, "stop", needFirst|guestOK)
			p.c.Colocate(&colocation{ID: "#ip-with-container", Score: infinity, Dependent: k.IP, Primary: k.Container, Influence: true})
		}
		if k.Remote != nil {
			p.internalConstraints(k.Remote)
		}
	}
	c := b.Bundle.Child
	if c == nil {
		return
	}
	p.order(b, "start", c, "start", showFirst)
	p.order(c, "running", b, "running", showThen)
	p.order(b, "stop", c, "stop", showFirst)
	p.order(c, "stopped", b, "stopped", showThen)
	p.internalConstraints(c)
	if !c.Has(status.Promotable) {
		return
	}
	p.promotableRestart(b)
	p.order(b, "demote", c, "demote", showFirst)
	p.order(c, "demoted", b, "demoted", showThen)
	p.order(b, "promote", c, "promote", showFirst)
	p.order(c, "promoted", b, "promoted", showThen)
}
