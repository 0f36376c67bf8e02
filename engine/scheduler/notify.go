package scheduler

import (
	"sort"
	"strings"

	"hacluster/engine/status"
)

// The tasks that notifications are about, as indexes.
const (
	nStart = iota
	nStop
	nPromote
	nDemote
)

// pseudoNotify creates one of the pseudo actions around a task.
func (p *planner) pseudoNotify(r *Resource, a *Action, task, kind string) *Action {
	n := p.c.NewPseudoKeyed(r, kind+"_notify_"+a.Task, task, a.Has(fOptional), false)
	n.Meta.Set("notify_key_type", kind)
	n.Meta.Set("notify_key_operation", a.Task)
	return n
}

// notification creates the pseudo actions around a task of a clone that wants
// notifications: before it begins and after it is complete.
func (p *planner) notification(r *Resource, task string, begin, complete *Action) *status.Notification {
	if !r.Has(status.Notify) {
		return nil
	}
	n := &status.Notification{}
	meta := func(a *Action, kind string) {
		a.Meta.Set("notify_type", kind)
		a.Meta.Set("notify_operation", task)
	}
	if begin != nil {
		n.Pre = p.pseudoNotify(r, begin, "notify", "pre")
		n.Pre.Set(fRunnable)
		meta(n.Pre, "pre")
		n.PreDone = p.pseudoNotify(r, begin, "notified", "confirmed-pre")
		n.PreDone.Set(fRunnable)
		meta(n.PreDone, "pre")
		status.Order(n.Pre, n.PreDone, ordered)
		status.Order(n.PreDone, begin, ordered)
	}
	if complete != nil {
		run := func(a *Action) {
			a.Priority = infinity
			if complete.Has(fRunnable) {
				a.Set(fRunnable)
			} else {
				a.Clear(fRunnable)
			}
			meta(a, "post")
		}
		n.Post = p.pseudoNotify(r, complete, "notify", "post")
		run(n.Post)
		n.PostDone = p.pseudoNotify(r, complete, "notified", "confirmed-post")
		run(n.PostDone)
		status.Order(complete, n.Post, needThen)
		status.Order(n.Post, n.PostDone, needThen)
	}
	if begin != nil && complete != nil {
		status.Order(n.PreDone, n.Post, ordered)
	}
	return n
}

// noteEntry is a resource on a node in a list that agents are told.
type noteEntry struct {
	r *Resource
	n *Node
}

// notes are all the lists that agents are told around one task.
type notes struct {
	n                                      *status.Notification
	task                                   string
	start, stop, promote, demote           []noteEntry
	active, inactive, promoted, unpromoted []noteEntry
	keys                                   status.Values
}

func (k *notes) collect(r *Resource, activity bool) {
	if len(r.Children) > 0 {
		for _, c := range r.Children {
			k.collect(c, activity)
		}
		return
	}
	var n *Node
	if len(r.Active) > 0 {
		n = r.Active[0]
	}
	e := noteEntry{r, n}
	switch r.Role {
	case status.RoleStopped:
		k.inactive = append(k.inactive, e)
	case status.RoleStarted:
		k.active = append(k.active, e)
	case status.RoleUnpromoted:
		k.unpromoted = append(k.unpromoted, e)
		k.active = append(k.active, e)
	case status.RolePromoted:
		k.promoted = append(k.promoted, e)
		k.active = append(k.active, e)
	}
	if !activity {
		return
	}
	for _, a := range r.Actions {
		if a.Has(fOptional) || a.Node == nil {
			continue
		}
		if !a.Has(fRunnable) && !(a.Task == "stop" && a.Node.Unclean) {
			continue
		}
		e := noteEntry{r, a.Node}
		switch a.Task {
		case "start":
			k.start = append(k.start, e)
		case "stop":
			k.stop = append(k.stop, e)
		case "promote":
			k.promote = append(k.promote, e)
		case "demote":
			k.demote = append(k.demote, e)
		}
	}
}

// names sorts a list and writes its resources and nodes.
func names(list []noteEntry) (rsc, nodes string) {
	sort.SliceStable(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if a.r.ID != b.r.ID {
			return a.r.ID < b.r.ID
		}
		if a.n == nil || b.n == nil {
			return a.n == nil && b.n != nil
		}
		return a.n.ID < b.n.ID
	})
	var rs, ns []string
	last := ""
	for _, e := range list {
		if e.r.ID == last {
			continue
		}
		last = e.r.ID
		rs = append(rs, e.r.ID)
		if e.n != nil {
			ns = append(ns, e.n.Name)
		}
	}
	return orBlank(rs), orBlank(ns)
}

func orBlank(list []string) string {
	if len(list) == 0 {
		return " "
	}
	return strings.Join(list, " ")
}

func (p *planner) noteKeys(clone *Resource, k *notes) {
	required := false
	add := func(list []noteEntry, task string) {
		rsc, nodes := names(list)
		if task == k.task {
			if task == "stop" {
				required = required || rsc != " "
			} else {
				required = required || len(list) > 0
			}
		}
		k.keys = append(k.keys, status.Pair{Name: "notify_" + task + "_resource", Value: rsc}, status.Pair{Name: "notify_" + task + "_uname", Value: nodes})
	}
	add(k.stop, "stop")
	add(k.start, "start")
	add(k.demote, "demote")
	add(k.promote, "promote")
	add(k.active, "active")
	add(k.unpromoted, "unpromoted")
	add(k.unpromoted, "slave")
	add(k.promoted, "promoted")
	add(k.promoted, "master")
	rsc, _ := names(k.inactive)
	k.keys = append(k.keys, status.Pair{Name: "notify_inactive_resource", Value: rsc})
	var list []string
	for _, n := range p.allowedNodes(clone) {
		list = append(list, n.Name)
	}
	k.keys = append(k.keys, status.Pair{Name: "notify_available_uname", Value: orBlank(list)})
	list = nil
	var hosts []string
	for _, n := range p.c.Nodes {
		list = append(list, n.Name)
		h := n
		if n.IsGuest() && len(n.Conn.Launcher.Active) > 0 {
			h = p.c.CurrentNode(n.Conn.Launcher)
		}
		hosts = append(hosts, h.Name)
	}
	if clone.Meta.Value("container-attribute-target") == "host" {
		k.keys = append(k.keys, status.Pair{Name: "notify_all_hosts", Value: orBlank(hosts)})
	}
	k.keys = append(k.keys, status.Pair{Name: "notify_all_uname", Value: orBlank(list)})
	if required {
		for _, a := range []*Action{k.n.Pre, k.n.PreDone, k.n.Post, k.n.PostDone} {
			if a != nil {
				if a.Has(fOptional) {
					p.c.Trace.Note(a, status.ActionRequired, status.Origin{Code: status.OriginNotify, Resource: clone.ID})
				}
				a.Clear(fOptional)
			}
		}
	}
}

func (k *notes) addTo(a *Action) {
	for _, p := range k.keys {
		a.Meta.Set(p.Name, p.Value)
	}
}

// cloneNotifications fills in the notifications of a clone.
func (p *planner) cloneNotifications(c *Resource) {
	for i, task := range [...]string{"start", "stop", "promote", "demote"} {
		if n := c.Clone.Notify[i]; n != nil {
			k := &notes{n: n, task: task}
			k.collect(c, true)
			p.noteKeys(c, k)
			p.notifyInstances(c, k)
		}
	}
}

func (p *planner) notifyInstances(r *Resource, k *notes) {
	if len(r.Children) > 0 {
		for _, c := range r.Children {
			p.notifyInstances(c, k)
		}
		return
	}
	for i := len(r.Actions) - 1; i >= 0; i-- {
		a := r.Actions[i]
		if a.Has(fOptional) || a.Node == nil {
			continue
		}
		switch a.Task {
		case "start", "stop", "promote", "demote":
			k.addTo(a)
		}
	}
	switch {
	case k.task == "start" && len(k.start) == 0,
		k.task == "promote" && len(k.promote) == 0,
		k.task == "demote" && len(k.demote) == 0:
		return
	}
	if r.Role != status.RoleStopped && (k.task == "stop" || k.task == "demote") {
		stop := r.Newest("stop", nil)
		for _, n := range r.Active {
			if stop != nil && stop.Has(fPseudo) && (n.Unclean || n.ResetNeeded) {
				continue
			}
			p.notifyAction(r, n, k.n.Pre, k.n.PreDone, k)
			if k.task == "demote" || stop == nil || stop.Has(fOptional) {
				p.postNotify(r, n, k)
			}
		}
	}
	if r.NextRole != status.RoleStopped && (k.task == "start" || k.task == "promote") {
		start := r.Newest("start", nil)
		if start != nil && start.Node != nil && start.Node.Conn != nil {
			if c := start.Node.Conn.Newest("start", nil); c != nil && !c.Has(fRunnable) {
				return
			}
		}
		if r.Assigned == nil {
			return
		}
		if k.task != "start" || start == nil || start.Has(fOptional) {
			p.notifyAction(r, r.Assigned, k.n.Pre, k.n.PreDone, k)
		}
		p.postNotify(r, r.Assigned, k)
	}
}

// notifyAction creates the notification of one instance on a node.
func (p *planner) notifyAction(r *Resource, n *Node, op, done *Action, k *notes) *Action {
	if op == nil || done == nil || !n.Online || !op.Has(fRunnable) {
		return nil
	}
	key := op.Meta.Value("notify_type") + "_notify_" + op.Meta.Value("notify_operation")
	a := p.c.NewActionKeyed(r, key, op.Task, 0, n, op.Has(fOptional))
	for _, m := range op.Meta {
		a.Meta.Add(m.Name, m.Value)
	}
	k.addTo(a)
	status.Order(op, a, ordered)
	status.Order(a, done, ordered)
	return a
}

func (p *planner) postNotify(r *Resource, n *Node, k *notes) {
	if a := p.notifyAction(r, n, k.n.Post, k.n.PostDone, k); a != nil {
		a.Priority = infinity
	}
	if k.n.PostDone == nil {
		return
	}
	for i := len(r.Actions) - 1; i >= 0; i-- {
		a := r.Actions[i]
		if ms, ok := a.Meta.Get("interval"); ok && ms != "0" && a.Task != "cancel" {
			status.Order(k.n.PostDone, a, ordered)
		}
	}
}

// notifyAfterFencing tells a clone's instances of a stop that a fencing implies.
func (p *planner) notifyAfterFencing(stop *Action, r *Resource, fencing *Action) {
	n := p.notification(r, "stop", nil, fencing)
	if n == nil {
		return
	}
	k := &notes{n: n, task: "stop"}
	k.collect(r, false)
	k.keys = status.Values{{Name: "notify_stop_resource", Value: r.ID}, {Name: "notify_stop_uname", Value: stop.Node.Name}}
	p.notifyInstances(r.Top(false), k)
}
