package scheduler

import (
	"strings"

	"hacluster/engine/status"
)

// unfenced tells whether a node was unfenced ever.
func unfenced(n *Node) bool {
	s, ok := n.Attrs.Get("#node-unfenced")
	return ok && s != "0"
}

// orderUnfencing orders an action that needs its node unfenced after that.
func (p *planner) orderUnfencing(r *Resource, n *Node, a *Action, kinds status.OrderKind) {
	if !(r.Has(status.FenceDevice) && p.c.Options.Unfencing) && !r.Has(status.NeedsUnfencing) {
		return
	}
	on := p.c.NewFencing(n, "on", true, "", false)
	status.Order(on, a, kinds)
	if !unfenced(n) {
		p.triggerUnfencing(nil, n, "required by "+r.ID+" "+a.Task, nil)
	}
}

// triggerUnfencing requires a node to be unfenced.
func (p *planner) triggerUnfencing(r *Resource, n *Node, reason string, then *Action) {
	switch {
	case !p.c.Options.Unfencing:
	case r != nil && !r.Has(status.FenceDevice):
	case n != nil && n.Online && !n.Unclean && !n.Shutdown:
		if p.c.Trace != nil {
			defer p.c.Trace.Because(p.c.Trace.Cause())
			p.c.Trace.Because(status.Origin{Code: status.OriginUnfencing})
		}
		on := p.c.NewFencing(n, "on", false, reason, false)
		if then != nil {
			status.Order(on, then, ordered)
		}
	case r != nil:
		for i := range r.Allowed {
			o := p.c.ByIndex[i]
			if r.Allowed[i].Known && o.Online && !o.Unclean && !o.Shutdown {
				p.triggerUnfencing(r, o, reason, then)
			}
		}
	}
}

// AnyManaged tells whether the cluster manages any of these resources: where it manages none, no node is fenced for what it does.
func AnyManaged(list []*Resource) bool {
	for _, r := range list {
		if r.Has(status.Managed) || AnyManaged(r.Children) {
			return true
		}
	}
	return false
}

// fencingAndShutdowns schedules what nodes need: fencing, or a shutdown.
func (p *planner) fencingAndShutdowns() {
	managed := AnyManaged(p.c.Resources)
	var dcDown *Action
	var fencings, shutdowns []*Action // oldest first
	lost := false
	for _, n := range p.c.Nodes {
		if n.IsGuest() {
			if n.ResetNeeded && managed && p.c.CanFence(n) {
				p.fenceGuest(n)
			}
			continue
		}
		var fencing *Action
		dc := p.c.DC != nil && n == p.c.DC
		if managed && n.Unclean && p.c.CanFence(n) {
			fencing = p.c.NewFencing(n, "", false, "node is unclean", false)
			p.c.FindWrong(status.Warning, "Scheduling node %s for fencing", n.ShownName())
			p.orderFencing(fencing)
			if dc {
				dcDown = fencing
			} else {
				if !p.c.Options.ConcurrentFencing && len(fencings) > 0 {
					status.Order(fencings[len(fencings)-1], fencing, ordered)
				}
				fencings = append(fencings, fencing)
			}
		} else if !n.IsRemote && n.Online && n.Shutdown {
			down := p.shutdown(n)
			if dc {
				dcDown = down
			} else {
				shutdowns = append(shutdowns, down)
			}
		}
		if fencing == nil && n.Unclean {
			lost = true
			p.c.ConfigWarn("Node %s is unclean but cannot be fenced", n.ShownName())
		}
	}
	if lost && !p.c.Options.FencingEnabled {
		p.c.ConfigWarn("Resource functionality and data integrity cannot be guaranteed (configure, enable, and test fencing to correct this)")
	}
	if dcDown == nil {
		return
	}
	if dcDown.Task == "do_shutdown" {
		for i := len(shutdowns) - 1; i >= 0; i-- {
			status.Order(shutdowns[i], dcDown, ordered)
		}
	}
	if p.c.Options.ConcurrentFencing {
		for i := len(fencings) - 1; i >= 0; i-- {
			status.Order(fencings[i], dcDown, ordered)
		}
	} else if len(fencings) > 0 {
		status.Order(fencings[len(fencings)-1], dcDown, ordered)
	}
}

func (p *planner) shutdown(n *Node) *Action {
	p.c.Trace.Because(status.Origin{Code: status.OriginShutdown, ID: n.Name})
	defer p.c.Trace.Because(status.Origin{Code: status.OriginNodeState, ID: "unclean"})
	a := p.c.NewGlobal("do_shutdown-"+n.Name, "do_shutdown", n, false)
	for i := len(p.c.Actions) - 1; i >= 0; i-- {
		s := p.c.Actions[i]
		if s.Node != n || s.Task != "stop" || s.Resource == nil {
			continue
		}
		r := s.Resource
		if r.Has(status.InMaintenance) || n.Maintenance || r.Flags&(status.Managed|status.Blocked) == 0 {
			continue
		}
		if s.Has(fOptional) {
			p.c.Trace.Note(s, status.ActionRequired, status.Origin{Code: status.OriginShutdown, ID: n.Name})
		}
		s.Clear(fOptional)
		p.c.NewOrdering(&status.Ordering{FirstRsc: r, FirstAction: s, ThenAction: a, Kinds: ordered | blockThen})
	}
	a.Meta.Set("op_no_wait", "true")
	return a
}

// orderFencing orders all actions that a fencing bears on.
func (p *planner) orderFencing(fencing *Action) {
	for _, r := range p.c.Resources {
		p.orderVsFencing(r, fencing)
	}
}

func (p *planner) orderVsFencing(r *Resource, fencing *Action) {
	if len(r.Children) > 0 {
		for _, k := range r.Children {
			p.orderVsFencing(k, fencing)
		}
		return
	}
	if !r.Has(status.Managed) {
		return
	}
	target := fencing.Node
	for i := len(r.Actions) - 1; i >= 0; i-- {
		a := r.Actions[i]
		switch a.Needs {
		case status.NeedsFence:
			status.Order(fencing, a, ordered)
		case status.NeedsQuorum:
			if a.Task == "start" && r.Allowed.At(target) != nil && !knownOn(r, target) {
				status.Order(fencing, a, ordered|blockThen)
			}
		}
	}
	stops := r.FindActions("stop", 0, target)
	implicit := r.Has(status.NeedsFencing) || target.IsGuest()
	var parentStop *Action
	if len(stops) > 0 && implicit {
		parentStop = r.Top(false).Newest("stop", nil)
	}
	for _, s := range stops {
		s.Set(fPseudo | fRunnable)
		if implicit {
			if !r.Bundled() {
				status.Order(fencing, s, guestOK)
			}
			status.Order(fencing, parentStop, guestOK)
		}
		if r.Has(status.Notify) {
			p.notifyAfterFencing(s, r, fencing)
		}
	}
	for _, d := range r.FindActions("demote", 0, target) {
		if d.Node.Online && !d.Node.Unclean && !r.Has(status.Failed) {
			continue
		}
		d.Set(fPseudo | fRunnable)
		if !r.Bundled() && implicit {
			status.Order(fencing, d, guestOK|ordered)
		}
	}
}

func knownOn(r *Resource, n *Node) bool {
	if status.HasNode(r.Known, n) {
		return true
	}
	return r.Kind == status.Primitive && r.Parent.IsClone() && !r.Parent.Has(status.Unique) && status.HasNode(r.Parent.Known, n)
}

// fenceGuest describes that a guest node goes down with its container.
func (p *planner) fenceGuest(n *Node) {
	l := n.Conn.Launcher
	stop := l.Newest("stop", nil)
	kind := "off"
	if l.Newest("start", nil) != nil {
		kind = "reboot"
	}
	f := p.c.NewFencing(n, kind, false, "guest is unclean", false)
	f.Set(fPseudo | fRunnable)
	switch {
	case stop != nil && stop.Has(fPseudo) && stop.Node != nil:
		host := p.c.NewFencing(stop.Node, "", false, "", false)
		status.Order(host, f, blockThen|needThen)
	case stop != nil:
		status.Order(stop, f, blockThen|needThen)
	default:
		if s := n.Conn.Newest("stop", nil); s != nil {
			status.Order(s, f, ordered)
		}
	}
	p.orderFencing(f)
}

// remote connections --------------------------------------------------------------

type connState int8

const (
	connUnknown connState = iota
	connAlive
	connResting
	connFailed
	connStopped
)

func (p *planner) connectionState(n *Node) connState {
	r := n.Conn
	host := p.c.CurrentNode(r)
	switch {
	case r.NextRole == status.RoleStopped || r.Assigned == nil:
		if host != nil && host.Unclean {
			return connFailed
		}
		if !r.Has(status.Failed) {
			return connStopped
		}
		if s, asked := n.Attrs.Get("shutdown"); r.NextRole == status.RoleStopped && r.ReconnectDelay > 0 && n.Fenced && !(asked && s != "0") {
			return connUnknown
		}
		return connFailed
	case host == nil:
		return connUnknown
	case host.Unclean || !host.Online:
		return connResting
	case len(r.Active) > 1 && r.PartialSource != nil && r.PartialTarget != nil:
		return connResting
	}
	return connAlive
}

func recursInterval(a *Action) bool {
	n, ok := status.ParseInt(a.Meta.Value("interval"))
	return ok && n > 0
}

// orderRemote orders actions on remote nodes relative to their connection.
func (p *planner) orderRemote() {
	if !p.c.HaveRemote {
		return
	}
	for i := len(p.c.Actions) - 1; i >= 0; i-- {
		a := p.c.Actions[i]
		r := a.Resource
		if r == nil {
			continue
		}
		if r.Has(status.RemoteConnection) && a.Task == "clear_failcount" {
			p.c.NewOrdering(&status.Ordering{FirstRsc: r, FirstAction: a, ThenRsc: r, ThenTask: "start", Kinds: ordered})
			continue
		}
		n := a.Node
		if n == nil || !n.IsRemote || a.Has(fPseudo) || n.Conn == nil {
			continue
		}
		if a.Task == "start" {
			for j := len(r.Actions) - 1; j >= 0; j-- {
				if s := r.Actions[j]; s.Node != n && s.Task == "stop" {
					p.c.NewOrdering(&status.Ordering{FirstRsc: n.Conn, FirstTask: "start", ThenRsc: r, ThenAction: s, Kinds: ordered})
				}
			}
		}
		if n.Conn.Launcher != nil {
			p.orderOnGuest(a)
		} else {
			p.orderOnRemote(a)
		}
	}
}

func (p *planner) afterStart(conn *Resource, a *Action, extra status.OrderKind) {
	p.c.NewOrdering(&status.Ordering{FirstRsc: conn, FirstTask: "start", ThenRsc: a.Resource, ThenAction: a, Kinds: guestOK | blockThen | extra})
}

func (p *planner) beforeStop(a *Action, conn *Resource, extra status.OrderKind) {
	p.c.NewOrdering(&status.Ordering{FirstRsc: a.Resource, FirstAction: a, ThenRsc: conn, ThenTask: "stop", Kinds: guestOK | extra})
}

// actionKind maps a task to the kind that orderings go by.
func actionKind(task string) string {
	switch strings.ToLower(task) {
	case "migrate_to", "migrate_from":
		return "stop"
	case "monitor", "start", "stop", "promote", "demote", "running", "stopped", "promoted", "demoted", "notify", "notified", "stonith", "do_shutdown":
		return strings.ToLower(task)
	}
	return ""
}

func (p *planner) orderOnRemote(a *Action) {
	conn := a.Node.Conn
	state := p.connectionState(a.Node)
	lost := status.Origin{Code: status.OriginNodeState, ID: "unrecoverable", Resource: conn.ID}
	switch actionKind(a.Task) {
	case "start", "promote":
		extra := status.OrderKind(0)
		if state == connFailed {
			extra = needThen
		}
		p.afterStart(conn, a, extra)
	case "stop":
		switch {
		case state == connAlive:
			p.beforeStop(a, conn, needFirst)
		case state == connFailed:
			p.c.FenceNode(a.Node, "resources are active but connection is unrecoverable", false, lost)
		case conn.NextRole == status.RoleStopped:
			p.beforeStop(a, conn, needFirst)
		default:
			p.afterStart(conn, a, 0)
		}
	case "demote":
		if state == connResting || state == connUnknown {
			p.afterStart(conn, a, 0)
		}
	default:
		if recursInterval(a) {
			p.afterStart(conn, a, needThen)
			return
		}
		if a.Task == "monitor" && state == connFailed {
			p.c.FenceNode(a.Node, "resources are in unknown state and connection is unrecoverable", false, lost)
		}
		if p.c.CurrentNode(conn) != nil && state == connStopped {
			p.beforeStop(a, conn, blockThen)
		} else {
			p.afterStart(conn, a, 0)
		}
	}
}

func (p *planner) orderOnGuest(a *Action) {
	conn := a.Node.Conn
	l := conn.Launcher
	if l.Has(status.Failed) {
		p.c.FenceNode(a.Node, "container failed", false, status.Origin{Code: status.OriginFailure, Resource: l.ID})
	}
	kind := actionKind(a.Task)
	switch kind {
	case "start", "promote":
		p.afterStart(l, a, needThen)
		p.afterStart(conn, a, 0)
	case "stop", "demote":
		if !l.Has(status.Failed) {
			p.beforeStop(a, conn, 0)
		}
	default:
		if !recursInterval(a) {
			p.afterStart(conn, a, 0)
		} else if kind != "" {
			p.afterStart(conn, a, needThen)
		}
	}
}

// router is the cluster node that an action on a remote node goes through.
func (p *planner) router(a *Action) *Node {
	if a.Task == "stonith" || !a.Node.IsRemote || a.Node.Conn == nil {
		return nil
	}
	conn := a.Node.Conn
	began, ended := p.c.CurrentNode(conn), conn.Assigned
	switch {
	case began == nil:
		return ended
	case ended == nil || began == ended:
		return began
	}
	task := a.Task
	if task == "notify" {
		task = a.Meta.Value("notify_operation")
	}
	switch strings.ToLower(task) {
	case "cancel", "stop", "demote", "migrate_from", "migrate_to":
		if conn.Launcher != nil || conn.PartialTarget == nil {
			return began
		}
	}
	return ended
}
