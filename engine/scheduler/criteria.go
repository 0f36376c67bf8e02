package scheduler

import (
	"slices"

	"hacluster/engine/status"
)

// nodeCriteria applies what bears on single nodes: locks, locations,
// stickiness, failures, exclusive discovery.
func (p *planner) nodeCriteria() {
	if p.c.Options.ShutdownLock {
		for _, r := range p.c.Resources {
			p.shutdownLock(r)
		}
	}
	for i := len(p.c.Locations) - 1; i >= 0; i-- {
		l := p.c.Locations[i]
		p.applyLocation(l.Resource, l)
	}
	for _, r := range p.c.Resources {
		p.stick(r)
	}
	exclusive := slices.ContainsFunc(p.c.All, func(r *Resource) bool { return r.Has(status.ExclusiveProbes) })
	for _, n := range p.c.Nodes {
		failures := status.CountsFailures(n)
		if !failures && !exclusive {
			continue
		}
		for _, r := range p.c.Resources {
			if failures {
				p.checkFailures(r, n)
			}
			if exclusive {
				p.exclusive(r, n)
			}
		}
	}
}

func (p *planner) shutdownLock(r *Resource) {
	if r.Kind == status.Group {
		for _, m := range r.Children {
			p.shutdownLock(m)
		}
		return
	}
	if r.Kind != status.Primitive || r.Has(status.FenceDevice) || r.Has(status.RemoteConnection) {
		return
	}
	if r.LockNode != nil {
		if len(r.Active) > 0 {
			p.c.Trace.Because(status.Origin{Code: status.OriginLock, ID: r.LockNode.Name})
			p.c.NewAction(r, "lrm_delete", 0, r.LockNode, false)
			r.LockNode, r.LockTime = nil, 0
		}
	} else if len(r.Active) == 1 {
		n := r.Active[0]
		if n.Shutdown && !n.Unclean {
			r.LockNode = n
			at, _ := status.ParseInt(n.Attrs.Value("shutdown"))
			if at == 0 {
				at = p.c.Now.Unix()
			}
			r.LockTime = at
		}
	}
	if r.LockNode == nil {
		return
	}
	if limit := p.c.Options.ShutdownLockLimit; limit > 0 {
		p.c.Recheck(r.LockTime + status.Seconds(limit) + 1)
	}
	for _, n := range p.c.Nodes {
		if n != r.LockNode {
			p.c.ScoreNode(r, n, -infinity, status.Origin{Code: status.OriginLock, ID: r.LockNode.Name})
		}
	}
}

// applyLocation adds a location's scores to a resource and, as its kind has
// it, to its parts.
func (p *planner) applyLocation(r *Resource, l *location) {
	p.applyScores(r, l, false)
	switch r.Kind {
	case status.Clone:
		for _, k := range r.Children {
			p.applyLocation(k, l)
		}
	case status.Group:
		for i, m := range r.Children {
			p.applyScores(m, l, i > 0 && r.GroupColoc)
		}
	case status.Bundle:
		for _, k := range r.Bundle.Parts {
			p.applyLocation(k.Container, l)
			if k.IP != nil {
				p.applyLocation(k.IP, l)
			}
		}
		if c := r.Bundle.Child; c != nil && (l.Role == status.RoleUnpromoted || l.Role == status.RolePromoted) {
			p.applyLocation(c, l)
			c.Locations = append(c.Locations, l)
		}
	}
}

func (p *planner) applyScores(r *Resource, l *location, zero bool) {
	if l.Role != status.RoleUnknown && l.Role != r.NextRole {
		return
	}
	for _, ns := range l.Nodes {
		s := ns.Score
		if zero {
			s = 0
		}
		e := r.Allowed.At(ns.Node)
		if e == nil {
			e = r.Allowed.Put(ns.Node, s)
			if p.c.Trace != nil {
				from := locationOrigin(l)
				from.Score = s
				e.Why = p.c.Trace.Add(0, from)
			}
		} else {
			p.c.AddScore(e, s, locationOrigin(l))
		}
		if l.Discovery > e.Discovery {
			if l.Discovery == status.DiscoverExclusive {
				r.Set(status.ExclusiveProbes)
			}
			e.Discovery = l.Discovery
		}
	}
}

func locationOrigin(l *location) status.Origin {
	o := status.Origin{Code: status.OriginLocation, ID: l.ID, Resource: l.Resource.ID}
	if l.Health {
		o.Code = status.OriginHealth
	}
	return o
}

func (p *planner) stick(r *Resource) {
	if len(r.Children) > 0 {
		for _, k := range r.Children {
			p.stick(k)
		}
		return
	}
	if !r.Has(status.Managed) || r.Stickiness < 1 || len(r.Active) != 1 {
		return
	}
	n := r.Active[0]
	if !p.c.Options.Symmetric && r.Allowed.At(n) == nil {
		return
	}
	p.c.ScoreNode(r, n, r.Stickiness, status.Origin{Code: status.OriginStickiness})
}

func (p *planner) checkFailures(r *Resource, n *Node) {
	if len(r.Children) > 0 {
		for _, k := range r.Children {
			p.checkFailures(k, n)
		}
		return
	}
	if len(r.FindExactly("clear_failcount", 0, n)) > 0 {
		return
	}
	if ban := p.thresholdReached(r, n); ban != nil {
		p.c.FindWrong(status.Warning, "%s cannot run on %s due to reaching migration threshold (clean up resource to allow again)", r.ID, n.ShownName())
		p.c.ScoreNode(ban, n, -infinity, status.Origin{Code: status.OriginThreshold, Resource: r.ID})
	}
}

// thresholdReached returns what is to be banned from a node because a resource
// failed there too often, or nil.
func (p *planner) thresholdReached(r *Resource, n *Node) *Resource {
	if r.FailureLimit == 0 || r.Has(status.FailureIgnored) {
		return nil
	}
	count, _ := p.c.FailCount(n, r, status.FailEffective|status.FailLaunched, nil)
	if count <= 0 || r.FailureLimit > count {
		return nil
	}
	if !r.Has(status.Unique) {
		return r.Top(false)
	}
	return r
}

func (p *planner) exclusive(r *Resource, n *Node) {
	if !r.Has(status.ExclusiveProbes) && !r.Top(false).Has(status.ExclusiveProbes) {
		return
	}
	for _, k := range r.Children {
		p.exclusive(k, n)
	}
	if e := r.Allowed.At(n); e != nil && e.Discovery != status.DiscoverExclusive {
		p.c.SetScore(e, -infinity, status.Origin{Code: status.OriginDiscovery, ID: "exclusive"})
	}
}
