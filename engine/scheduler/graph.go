package scheduler

import (
	"slices"
	"sort"
	"strconv"
	"strings"

	"hacluster/engine/status"
	"hacluster/engine/transition"
)

// wanted tells whether an action is to be written.
func wanted(a *Action) bool {
	if !a.Has(fRunnable) || (a.Has(fOptional) && !a.Has(status.AlwaysInGraph)) {
		return false
	}
	if r := a.Resource; r != nil && !r.Has(status.Managed) && a.Task != "monitor" {
		if ms, ok := a.Meta.Get("interval"); !ok || ms == "0" {
			return false
		}
	}
	switch {
	case a.Has(fPseudo) || a.Task == "stonith" || a.Task == "do_shutdown":
		return true
	case a.Node == nil:
		return false
	case a.Has(status.OnDC), a.Node.IsGuest() && !a.Node.ResetNeeded:
		return true
	}
	return a.Node.Online && !a.Node.Unclean
}

// inGraph tells whether an input of an action is to be written.
func (p *planner) inGraph(a *Action, w *status.Relation) bool {
	f := w.Action
	switch {
	case w.Written:
		return true
	case w.Kinds == 0:
		return false
	case !f.Has(fRunnable) && w.Kinds&^(ordered|showFirst|showThen) == 0:
		return false
	case !f.Has(fRunnable) && w.Kinds&minRunnable != 0:
		return false
	case w.Kinds&unmigBlocks != 0 && !f.Has(fRunnable):
		return false
	case w.Kinds&ifUnmigratble != 0 && f.Has(fMigrate):
		return false
	case w.Kinds == ordered && f.Has(fMigrate) && isStopKey(f):
		return false
	case w.Kinds == loadOrder:
		if a.Resource != nil && a.Task == "migrate_to" {
			if f.Node != a.Resource.Assigned || f.Node == nil {
				w.Kinds = 0
				return false
			}
		} else if f.Node != a.Node || f.Node == nil || f.Has(fOptional) {
			w.Kinds = 0
			return false
		}
	case w.Kinds == antiOrder:
		if (f.Node != nil && a.Node != nil && f.Node != a.Node) || f.Has(fOptional) {
			w.Kinds = 0
			return false
		}
	case f.Resource != nil && f.Resource != a.Resource && f.Resource.Has(status.Failed) && !f.Resource.Has(status.Managed) &&
		isStopKey(f) && a.Resource.IsClone():
		return false
	case f.Has(fOptional) && f.Flags&(status.AlwaysInGraph|status.InGraph) == 0 && !wanted(f):
		return false
	}
	return true
}

func isStopKey(a *Action) bool {
	if a.Resource == nil {
		return strings.HasSuffix(a.Key, "_stop_0")
	}
	return a.Interval == 0 && (a.KeyTask == "stop" || strings.HasSuffix(a.KeyTask, "_stop"))
}

// sortInputs brings the inputs of an action into ascending order and joins
// those from the same action.
func sortInputs(a *Action) {
	if a.Has(status.Sorted) {
		return
	}
	a.Set(status.Sorted)
	list := a.Before
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].Action.ID < list[j].Action.ID })
	out := list[:0]
	for _, w := range list {
		if len(out) > 0 && out[len(out)-1].Action == w.Action {
			last := out[len(out)-1]
			last.Kinds |= w.Kinds
			last.Written = last.Written || w.Written
			continue
		}
		out = append(out, w)
	}
	a.Before = out
}

// createGraph writes the graph: resources in their order, then what is left.
func (p *planner) createGraph() {
	v := p.c.Options.Values
	g := &transition.Graph{}
	put := func(name, value string) { g.Attrs = append(g.Attrs, transition.Attr{Name: name, Value: value}) }
	put("cluster-delay", v.Value("cluster-delay"))
	put("fencing-timeout", v.Value("fencing-timeout"))
	put("failed-stop-offset", "INFINITY")
	if p.c.Options.StartFailureFatal {
		put("failed-start-offset", "INFINITY")
	} else {
		put("failed-start-offset", "1")
	}
	put("batch-limit", v.Value("batch-limit"))
	put("transition_id", "1")
	if n, ok := status.ParseInt(v.Value("migration-limit")); ok && n > 0 {
		put("migration-limit", v.Value("migration-limit"))
	}
	if !p.c.RecheckBy.IsZero() {
		put("recheck-by", strconv.FormatInt(p.c.RecheckBy.Unix(), 10))
	}
	p.res.Graph = g
	for _, r := range p.c.Resources {
		p.addResource(r)
	}
	if len(p.maintenance()) > 0 {
		p.c.NewPseudoGlobal("maintenance_nodes").Set(status.AlwaysInGraph)
	}
	for i := len(p.c.Actions) - 1; i >= 0; i-- {
		p.addAction(p.c.Actions[i])
	}
}

func (p *planner) addResource(r *Resource) {
	own := func() {
		for i := len(r.Actions) - 1; i >= 0; i-- {
			p.addAction(r.Actions[i])
		}
		for _, k := range r.Children {
			p.addResource(k)
		}
	}
	switch r.Kind {
	case status.Clone:
		for i := len(r.Actions) - 1; i >= 0; i-- {
			p.flagsOf(r.Actions[i], nil)
		}
		if !p.notified[r.Index] {
			p.notified[r.Index] = true
			p.cloneNotifications(r)
		}
		for _, k := range r.Children {
			p.addResource(k)
		}
		own()
	case status.Bundle:
		if c := r.Bundle.Child; c != nil {
			p.addResource(c)
		}
		for _, k := range r.Bundle.Parts {
			if k.IP != nil {
				p.addResource(k.IP)
			}
			p.addResource(k.Container)
			if k.Remote != nil {
				p.addResource(k.Remote)
			}
		}
	default:
		own()
	}
}

func (p *planner) maintenance() []transition.Maintenance {
	var list []transition.Maintenance
	for _, n := range p.c.Nodes {
		if n.IsRemote && n.Maintenance != n.WasMaintenance {
			list = append(list, transition.Maintenance{Node: n.ID, On: n.Maintenance})
		}
	}
	return list
}

func (p *planner) addAction(a *Action) {
	sortInputs(a)
	if a.Has(status.InGraph) || !wanted(a) {
		return
	}
	a.Set(status.InGraph)
	s := &transition.Synapse{ID: len(p.res.Graph.Synapses)}
	if a.Resource != nil {
		s.Priority = max(s.Priority, a.Resource.Priority)
	}
	s.Priority = max(s.Priority, a.Priority)
	p.res.Graph.Synapses = append(p.res.Graph.Synapses, s)
	s.Action = p.graphAction(a, true)
	if place := p.inputOf(a); place != nil && *place == nil && s.Action.ShutdownLock == "" {
		*place = s.Action
	}
	count := 0
	for _, w := range a.Before {
		if p.inGraph(a, w) {
			w.Written = true
			count++
		}
	}
	if count == 0 {
		return
	}
	s.Inputs = make([]*transition.Action, 0, count)
	for _, w := range a.Before {
		if w.Written {
			s.Inputs = append(s.Inputs, p.input(w.Action))
		}
	}
}

// inputOf is where the planner keeps an action as what waits for it names it: most are needed many times. It is nil for
// one whose node may still be settled.
func (p *planner) inputOf(a *Action) **transition.Action {
	if a.Node == nil || a.Node.IsRemote {
		return nil
	}
	for a.ID >= len(p.inputs) {
		p.inputs = append(p.inputs, make([]*transition.Action, p.c.LastAction()+1-len(p.inputs))...)
	}
	return &p.inputs[a.ID]
}

// input is an action as what waits for it names it: itself where it is in the graph already.
func (p *planner) input(a *Action) *transition.Action {
	place := p.inputOf(a)
	if place == nil {
		return p.graphAction(a, false)
	}
	if *place == nil {
		*place = p.graphAction(a, false)
	}
	return *place
}

// graphAction is an action as the graph holds it.
func (p *planner) graphAction(a *Action, full bool) *transition.Action {
	g := &transition.Action{ID: a.ID, Operation: a.Task}
	nodeInfo, maintenance := true, false
	switch {
	case a.Task == "stonith":
		g.Kind = transition.ClusterEvent
		if a.Has(fPseudo) {
			g.Kind = transition.Pseudo
		}
	case a.Task == "do_shutdown" || a.Task == "clear_failcount":
		g.Kind = transition.ClusterEvent
	case a.Task == "lrm_delete":
		g.Kind = transition.ClusterEvent
		g.Mode = "cib"
	case a.Has(fPseudo):
		g.Kind = transition.Pseudo
		nodeInfo = false
		maintenance = a.Task == "maintenance_nodes"
	}
	if r := a.Resource; r != nil && r.HistoryID != "" {
		g.Key = historyKey(a)
		g.InternalKey = a.KeyText()
	} else if r == nil {
		g.Key = a.Key
	} else {
		g.Key = a.KeyText()
	}
	if nodeInfo && a.Node != nil {
		g.Node, g.NodeID = a.Node.Name, a.Node.ID
		if r := p.router(a); r != nil {
			g.Router = r.Name
		}
		a.Meta.Set("on_node", a.Node.Name)
		a.Meta.Set("on_node_uuid", a.Node.ID)
	}
	if r := a.Resource; r != nil && r.LockNode != nil && a.Node != nil && full && !a.Has(fPseudo) {
		if a.Node == r.LockNode && (!r.LockNode.Shutdown || a.Task == "stop") {
			g.ShutdownLock = strconv.FormatInt(r.LockTime, 10)
		}
	}
	if !full {
		return g
	}
	if a.Resource != nil && !a.Has(fPseudo) {
		g.Resource = graphResource(a.Resource)
	}
	g.Attrs = p.graphAttrs(a)
	if nodeInfo && a.Node != nil {
		g.Downed = p.downed(a)
	}
	if maintenance {
		g.Maintenance = p.maintenance()
	}
	return g
}

// historyKey is the key under which the history knows an action of an instance.
func historyKey(a *Action) string {
	id := a.Resource.HistoryID
	if a.Task == "notify" {
		return id + "_" + a.Meta.Value("notify_type") + "_notify_" + a.Meta.Value("notify_operation") + "_0"
	}
	task := a.Task
	if a.Cancels != "" {
		task = a.Cancels
	}
	ms, _ := status.ParseInt(a.Meta.Value("interval"))
	return status.OpKey(id, task, uint32(ms))
}

func graphResource(r *Resource) *transition.Resource {
	g := &transition.Resource{Tag: r.XML.Tag, Class: r.Class, Provider: r.Provider, Type: r.Type}
	switch {
	case r.Has(status.Removed) && r.HistoryID != "":
		g.ID, g.LongID = r.HistoryID, r.ID
	case !r.Has(status.Unique):
		g.ID = r.XMLID()
		g.LongID = r.ID
		if r.HistoryID != "" && r.HistoryID != g.ID {
			g.LongID = r.HistoryID
		}
	default:
		g.ID = r.ID
	}
	return g
}

func (p *planner) downed(a *Action) []string {
	switch {
	case a.Task == "do_shutdown":
		return []string{a.Node.ID}
	case a.Task == "stonith":
		if kind := a.Meta.Value("stonith_action"); kind != "off" && kind != "reboot" {
			return nil
		}
		list := []string{a.Node.ID}
		for _, r := range a.Node.Running {
			if r.Has(status.RemoteConnection) && r.Launcher != nil {
				if n := p.c.FindNode(r.ID); n != nil {
					list = append(list, n.ID)
				}
			}
		}
		return list
	case a.Resource != nil && a.Resource.Has(status.RemoteConnection) && a.Task == "stop":
		for _, w := range a.Before {
			if r := w.Action.Resource; r != nil && r.ID == a.Resource.ID && w.Action.Task == "migrate_from" {
				return nil
			}
		}
		return []string{a.Resource.ID}
	}
	return nil
}

// graphAttrs are the parameters that an action is given, sorted by name.
func (p *planner) graphAttrs(a *Action) []transition.Attr {
	list := p.attrs[:0]
	defer func() { p.attrs = list }()
	put := func(name, value string) { list = append(list, transition.Attr{Name: name, Value: value}) }
	meta := func(name, value string) {
		if n := p.metaName(name); n != "" {
			put(n, value)
		}
	}
	put("crm_feature_set", status.FeatureSet)
	for _, v := range a.Params {
		put(v.Name, v.Value)
	}
	r := a.Resource
	if r != nil && (a.Node != nil || r.Kind == status.Primitive) {
		for _, v := range p.c.Params(r, a.Node) {
			value := v.Value
			if v.Name == "addr" && value == "#uname" && r.Has(status.RemoteConnection) {
				if addr := p.c.RemoteAddress(r); addr != "" {
					value = addr
				}
			}
			put(v.Name, value)
		}
	}
	for _, v := range a.Meta {
		meta(v.Name, v.Value)
	}
	for q := r; q != nil; q = q.Parent {
		switch q.Kind {
		case status.Primitive:
			for _, name := range [...]string{"clone", "remote-node"} {
				if v, ok := q.Meta.Get(name); ok {
					meta(name, v)
				}
			}
			container := ""
			for o := q; o != nil; o = o.Parent {
				if o.Launcher != nil {
					container = o.Launcher.ID
				}
			}
			if container != "" {
				meta("container", container)
			}
			if ip, ok := q.Meta.Get("external-ip"); ok {
				put("pcmk_external_ip", ip)
			}
		case status.Clone:
			meta("globally-unique", strconv.FormatBool(q.Has(status.Unique)))
			meta("notify", strconv.FormatBool(q.Has(status.Notify)))
			meta("clone-max", strconv.Itoa(q.Clone.Max))
			meta("clone-node-max", strconv.Itoa(q.Clone.NodeMax))
			if q.Has(status.Promotable) {
				meta("promoted-max", strconv.Itoa(q.Clone.PromotedMax))
				meta("promoted-node-max", strconv.Itoa(q.Clone.PromotedPer))
				meta("master-max", strconv.Itoa(q.Clone.PromotedMax))
				meta("master-node-max", strconv.Itoa(q.Clone.PromotedPer))
			}
		}
	}
	if r != nil && a.Node.IsGuest() {
		l := a.Node.Conn.Launcher
		task := a.Task
		if task == "notify" || task == "notified" {
			task = a.Meta.Value("notify_operation")
		}
		var host *Node
		switch task {
		case "stop", "stopped", "demote", "demoted":
			host = p.c.CurrentNode(l)
		case "start", "running", "monitor", "promote", "promoted":
			host = l.Assigned
		}
		if host != nil {
			if t, ok := r.Meta.Get("container-attribute-target"); ok {
				meta("container-attribute-target", t)
			}
			meta("physical-host", host.Name)
		}
	}
	slices.SortStableFunc(list, func(a, b transition.Attr) int { return strings.Compare(a.Name, b.Name) })
	// the first writer of a name wins
	return slices.Clone(slices.CompactFunc(list, func(a, b transition.Attr) bool { return a.Name == b.Name }))
}

// metaName is status.MetaName; a graph has the same few names everywhere.
func (p *planner) metaName(name string) string {
	n, ok := p.metaNames[name]
	if !ok {
		n = status.MetaName(name)
		p.metaNames[name] = n
	}
	return n
}
