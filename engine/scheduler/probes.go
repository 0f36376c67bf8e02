package scheduler

import (
	"hacluster/cib/number"
	"hacluster/engine/status"
)

// scheduleProbes looks for resources on nodes where their state is unknown.
func (p *planner) scheduleProbes() {
	for _, n := range p.c.Nodes {
		if !n.Online {
			if n.IsPlainRemote() && n.Conn != nil && p.connectionState(n) == connFailed {
				p.c.FenceNode(n, "the connection is unrecoverable", false, status.Origin{Code: status.OriginNodeState, ID: "unrecoverable", Resource: n.Conn.ID})
			}
			continue
		}
		if n.Unclean || !n.DiscoveryOK {
			continue
		}
		for _, r := range p.c.Resources {
			p.probe(r, n)
		}
	}
}

// probe creates the probes of a resource on a node; it tells whether it did.
func (p *planner) probe(r *Resource, n *Node) bool {
	switch r.Kind {
	case status.Clone:
		return p.probeClone(r, n)
	case status.Bundle:
		return p.probeBundle(r, n)
	}
	if n.IsRemote && (r.Has(status.FenceDevice) || (n.IsGuest() && guestConnectionOf(r) != nil) || r.Has(status.RemoteConnection)) {
		return false
	}
	if len(r.Children) > 0 {
		any := false
		for _, k := range r.Children {
			if p.probe(k, n) {
				any = true
			}
		}
		return any
	}
	if (r.Launcher != nil && !r.Has(status.RemoteConnection)) || r.Has(status.Removed) || status.HasNode(r.Known, n) {
		return false
	}
	top := r.Top(false)
	e := r.Allowed.At(n)
	if (r.Has(status.ExclusiveProbes) || top.Has(status.ExclusiveProbes)) && (e == nil || e.Discovery != status.DiscoverExclusive) {
		return false
	}
	if (e != nil && e.Discovery == status.DiscoverNever) || (e == nil && n.NeverProbed()) {
		return false
	}
	if n.IsGuest() {
		g := n.Conn.Launcher
		if g.Role == status.RoleStopped {
			if g.Assigned != nil && !status.HasNode(g.Known, g.Assigned) {
				p.order(g, "monitor", top, "start", ordered)
			}
			return false
		}
		moving := g.Role > status.RoleStopped && g.Assigned != nil && !status.HasNode(g.Active, g.Assigned)
		if n.ResetNeeded || n.Unclean || g.Has(status.Failed) || g.NextRole == status.RoleStopped || moving {
			p.order(g, "stop", top, "start", ordered)
			return false
		}
	}
	a := p.c.NewAction(r, "monitor", 0, n, false)
	a.Clear(fOptional)
	p.orderUnfencing(r, n, a, ordered)
	if !status.HasNode(r.Active, n) {
		a.Meta.Set("op_target_rc", "7")
	} else if r.Role == status.RolePromoted {
		a.Meta.Set("op_target_rc", "8")
	}
	if top.Kind != status.Clone {
		top = r
	}
	flags := ordered
	if !a.Has(fRunnable) && len(top.Active) == 0 {
		flags |= blockThen
	}
	p.c.NewOrdering(&status.Ordering{FirstRsc: r, FirstAction: a, ThenRsc: top, ThenTask: "start", Kinds: flags})
	p.c.NewOrdering(&status.Ordering{FirstRsc: r, FirstAction: a, ThenRsc: top, ThenTask: "reload-agent", Kinds: ordered})
	return true
}

func (p *planner) probeClone(c *Resource, n *Node) bool {
	if c.Has(status.ExclusiveProbes) {
		if e := c.Allowed.At(n); e == nil || e.Discovery != status.DiscoverExclusive {
			c.Allowed.Drop(n)
			return false
		}
	}
	status.MergeSort(c.Children, compareNumbers)
	if c.Has(status.Unique) {
		any := false
		for _, r := range c.Children {
			if p.probe(r, n) {
				any = true
			}
		}
		return any
	}
	for _, r := range c.Children {
		if status.HasNode(r.Known, n) {
			return p.probe(r, n)
		}
	}
	// members of cloned groups may be known on their own
	for _, r := range c.Children {
		for _, m := range r.Children {
			if status.HasNode(m.Known, n) {
				return p.probe(r, n)
			}
		}
	}
	for _, r := range c.Children {
		if on, _ := place(r); on == n {
			return p.probe(r, n)
		}
	}
	return p.probe(c.Children[0], n)
}

func (p *planner) probeBundle(b *Resource, n *Node) bool {
	any := false
	for _, k := range b.Bundle.Parts {
		if k.IP != nil && p.probe(k.IP, n) {
			any = true
		}
		if k.Child != nil && n == k.Node && p.probe(k.Child, n) {
			any = true
		}
		if p.probe(k.Container, n) {
			any = true
			if b.Bundle.PerHost == 1 {
				for _, o := range b.Bundle.Parts {
					if o != k {
						p.order(k.Container, "monitor", o.Container, "start", ordered|sameNode)
					}
				}
			}
		}
		if k.Remote != nil && p.probe(k.Remote, n) {
			if a := k.Remote.NewestKey("monitor", 0, n); a != nil {
				any = true
				p.c.NewOrdering(&status.Ordering{FirstRsc: k.Container, FirstTask: "start", ThenRsc: k.Remote, ThenAction: a, Kinds: hostProbe})
			}
		}
	}
	return any
}

// orderProbes orders probes before whatever follows what they look for. Those that are sure to
// be done can wait (orderSureProbes).
func (p *planner) orderProbes() {
	for _, a := range p.c.Actions {
		a.Stated = len(a.After)
	}
	p.counts = anyAction
	p.markRestarts()
	for _, r := range p.c.Resources {
		p.probeOrders(r, func(probe *Action) bool { return !sure(probe) })
	}
	p.probesBeforeStops()
}

// sure tells whether nothing can keep a probe from being done, so that what is ordered after it
// learns nothing from that but the order.
func sure(probe *Action) bool {
	return probe.Has(fRunnable) && !probe.Has(fOptional) && len(probe.Before) == 0
}

func anyAction(*Action) bool { return true }

func required(a *Action) bool { return !a.Has(fOptional) }

// orderSureProbes orders sure probes before the stops and demotions that they have to precede,
// of those that count: when all is settled, the ones that are required. (There may be a great
// many others. A drawing of all actions shows them.)
func (p *planner) orderSureProbes(counts func(*Action) bool) {
	p.settled, p.counts = true, counts
	for _, a := range p.c.Actions {
		a.Clear(status.LeadsToRestart)
	}
	if !p.markRestarts() {
		return
	}
	p.follows = make([]int, p.c.LastAction()+1)
	for _, r := range p.c.Resources {
		p.probeOrders(r, sure)
	}
}

func (p *planner) probeOrders(r *Resource, which func(*Action) bool) {
	if r.Kind != status.Primitive {
		for _, k := range r.Children {
			p.probeOrders(k, which)
		}
		return
	}
	for _, probe := range r.FindActions("monitor", 0, nil) {
		if !which(probe) {
			continue
		}
		if p.settled {
			for _, w := range probe.After {
				if w.Kinds&ordered != 0 {
					p.follows[w.Action.ID] = probe.ID
				}
			}
		}
		after := p.stated(probe)
		for i := len(after) - 1; i >= 0; i-- {
			w := after[i]
			p.probeBeforeInstances(probe, w)
			p.tracked = p.tracked[:0]
			p.probeBeforeRestart(probe, w.Action)
			for _, a := range p.tracked {
				a.Clear(status.Tracked)
			}
		}
	}
}

// stated is what follows an action because an order says so.
func (p *planner) stated(a *Action) []*status.Relation {
	if p.settled {
		return a.After[:a.Stated]
	}
	return a.After
}

func (p *planner) probeBeforeInstances(probe *Action, w *status.Relation) {
	a := w.Action
	if a.Resource == nil || a.Resource.Kind <= status.Group || probe.Has(fRunnable) || w.Kinds&blockThen != 0 ||
		probe.Resource.Top(false) != a.Resource || a.Task != "start" {
		return
	}
	for i := len(a.After) - 1; i >= 0; i-- {
		t := a.After[i].Action
		if t.Resource == nil || len(t.Resource.Active) > 0 || t.Resource.Top(false) != a.Resource || t.Task != "start" {
			continue
		}
		status.Order(probe, t, ordered|blockThen)
	}
}

// markRestarts marks the actions after which, at once or by way of others, a
// resource starts (or is promoted) that is to stop (or be demoted) before:
// only behind these there is something to order after a probe. It tells whether there is any.
func (p *planner) markRestarts() bool {
	var todo []*Action
	mark := func(a *Action) {
		if !a.Has(status.LeadsToRestart) {
			a.Set(status.LeadsToRestart)
			todo = append(todo, a)
		}
	}
	for _, a := range p.c.Actions {
		r := a.Resource
		if r == nil || r.Kind != status.Primitive {
			continue
		}
		task := ""
		switch a.Task {
		case "start":
			task = "stop"
		case "promote":
			task = "demote"
		default:
			continue
		}
		for _, t := range r.Actions {
			if t.Interval == 0 && t.KeyTask == task && !t.Has(fPseudo) && p.counts(t) {
				mark(a)
				break
			}
		}
	}
	if len(todo) == 0 {
		return false
	}
	for len(todo) > 0 {
		a := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, w := range a.Before {
			f := w.Action
			if f.Has(status.LeadsToRestart) {
				continue
			}
			if w.Twin.Kinds&needThen != 0 || f.Resource != nil && f.Resource.Kind >= status.Group && a.Resource != nil && a.Resource.Parent == f.Resource {
				mark(f)
			}
		}
	}
	return true
}

func (p *planner) probeBeforeRestart(probe, after *Action) {
	if probe.Task != "monitor" || !after.Has(status.LeadsToRestart) || after.Has(status.Tracked) {
		return
	}
	after.Set(status.Tracked)
	p.tracked = append(p.tracked, after)
	r := after.Resource
	if r != nil && r.Kind == status.Primitive && probe.Resource != r {
		task := ""
		switch after.Task {
		case "start":
			task = "stop"
		case "promote":
			task = "demote"
		}
		if task != "" {
			for _, t := range r.Actions {
				switch {
				case t.Interval != 0 || t.KeyTask != task || t.Has(fPseudo) || !p.counts(t):
				case !p.settled:
					status.Order(probe, t, ordered)
				case p.follows[t.ID] != probe.ID:
					p.follows[t.ID] = probe.ID
					status.Relate(probe, t, ordered)
				}
			}
		}
	}
	interleave := false
	var pair *Resource
	if r != nil && r.Kind > status.Group && number.IsTrue(r.Meta.Value("interleave")) {
		interleave = true
		pair = p.compatible(probe.Resource, r, status.RoleUnknown, false, "", false)
	}
	follow := p.stated(after)
	for i := len(follow) - 1; i >= 0; i-- {
		w := follow[i]
		if w.Kinds&needThen == 0 {
			if r == nil || r.Kind < status.Group || probe.Resource.Parent == r || w.Action.Resource == nil {
				continue
			}
			chained := w.Action.Resource
			if chained.Kind > status.Group || chained.Parent != r {
				continue
			}
			if r.Kind > status.Group && interleave && (pair == nil || pair != chained) {
				continue
			}
		}
		p.probeBeforeRestart(probe, w.Action)
	}
}

func (p *planner) probesBeforeStops() {
	for i := len(p.c.Orderings) - 1; i >= 0; i-- {
		o := p.c.Orderings[i]
		if o.Kinds == 0 || o.FirstRsc == nil || o.FirstRsc == o.ThenRsc {
			continue
		}
		if o.FirstAction != nil {
			if o.FirstAction.Task != "stop" {
				continue
			}
		} else if o.FirstTask != "stop" || o.FirstInterval != 0 {
			continue
		}
		if o.ThenRsc != nil && o.FirstRsc.Launcher == o.ThenRsc {
			if o.ThenAction != nil {
				if o.ThenAction.Task == "stop" {
					continue
				}
			} else if o.ThenTask == "stop" && o.ThenInterval == 0 {
				continue
			}
		}
		kinds := ordered | o.Kinds&(ifUnmigratble|sameNode)
		if o.Kinds == antiOrder || o.Kinds == loadOrder {
			kinds = o.Kinds
		}
		probes := o.FirstRsc.FindActions("monitor", 0, nil)
		if len(probes) == 0 {
			continue
		}
		var thens []*Action
		if o.ThenAction != nil {
			thens = []*Action{o.ThenAction}
		} else if o.ThenRsc != nil {
			thens = o.ThenRsc.FindActions(o.ThenTask, o.ThenInterval, nil)
		}
		for _, probe := range probes {
			for _, t := range thens {
				if t.Task == "stonith" && probe.Node == t.Node && t.Meta.Value("stonith_action") == "on" {
					continue
				}
				if t.Task == "do_shutdown" && probe.Node != nil && t.Node != nil && probe.Node != t.Node {
					continue
				}
				status.Order(probe, t, kinds)
			}
		}
	}
}
