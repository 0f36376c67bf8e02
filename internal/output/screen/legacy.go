package screen

import (
	"fmt"
	"slices"
	"strings"

	"hacluster/engine/status"
)

// Legacy writes a page as crm_mon of Pacemaker 1.1.23 did.
func Legacy(c *status.Cluster, o Options) string {
	p := &legacy{c: c, o: o}
	p.summary()
	p.nodes()
	if !o.ByNode || o.Inactive {
		p.resources()
	}
	if o.Attributes {
		p.attributes()
	}
	if o.Operations || o.FailCounts {
		p.history()
	}
	p.failures()
	if o.FenceLevel > 0 {
		p.failedFencing()
	}
	if o.Tickets {
		p.tickets()
	}
	if o.Bans {
		p.bans()
	}
	switch {
	case o.FenceLevel > 1:
		p.fencingHistory()
	case o.FenceLevel == 1:
		p.pendingFencing()
	}
	return p.b.String()
}

type legacy struct {
	c *status.Cluster
	o Options
	b strings.Builder
}

func (p *legacy) f(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = Inert(s)
		}
	}
	fmt.Fprintf(&p.b, format, args...)
}

func (p *legacy) nodeName(n *status.Node) string {
	name := n.Name
	if n.IsGuest() {
		host := ""
		if n.Conn != nil && n.Conn.Launcher != nil {
			if h := p.c.CurrentNode(n.Conn.Launcher); h != nil {
				host = h.Name
			}
		}
		name += "@" + host
	}
	if p.o.Detail && !strings.EqualFold(n.ID, n.Name) {
		name += " (" + n.ID + ")"
	}
	return name
}

func (p *legacy) summary() {
	c := p.c
	if !p.o.NoSummary {
		stack, _ := stackOf(c)
		p.f("Stack: %s\n", stack)
	}
	if c.DC == nil {
		p.f("Current DC: NONE\n")
	} else if !p.o.NoSummary {
		quorum := "WITHOUT"
		if c.Quorate {
			quorum = "with"
		}
		p.f("Current DC: %s (version %s) - partition %s quorum\n", p.nodeName(c.DC), versionOf(c, "unknown"), quorum)
	}
	if !p.o.NoSummary && !p.o.NoTimes {
		p.f("Last updated: %s", stamp(c.Now))
		get := func(name string) string { return c.CIB.SelectAttrValue(name, "") }
		by := ""
		for _, w := range [][2]string{{" by ", get("update-user")}, {" via ", get("update-client")}, {" on ", get("update-origin")}} {
			if w[1] != "" {
				by += w[0] + w[1]
			}
		}
		if by == "" {
			p.f("\t\t")
		} else {
			p.f("\n")
		}
		p.f("Last change: %s%s\n", get("cib-last-written"), by)
	}
	if !p.o.NoSummary || c.Disabled > 0 || c.Blocked > 0 || c.Options.Maintenance {
		p.f("\n%s configured\n%s configured%s\n", plural(len(c.Nodes), "node"), plural(c.Instances, "resource instance"), counts(c))
	}
	if c.Options.Maintenance && !p.o.NoSummary {
		p.f("\n              *** Resource management is DISABLED ***\n  The cluster will not attempt to start, stop or recover services\n")
	}
}

// word is the state of a node in a word, and whether it must stand on a line of its own.
func (p *legacy) word(n *status.Node) (text string, single bool) {
	switch {
	case n.Unclean && n.Online:
		return "UNCLEAN (online)", true
	case n.Unclean && n.Pending:
		return "UNCLEAN (pending)", true
	case n.Unclean:
		return "UNCLEAN (offline)", true
	case n.Pending:
		return "pending", true
	case n.StandbyOnFail && n.Online:
		return "standby (on-fail)", true
	case n.Standby && !n.Online:
		return "OFFLINE (standby)", true
	case n.Standby && len(n.Running) > 0:
		return "standby (with active resources)", true
	case n.Standby:
		return "standby", true
	case n.Maintenance && n.Online:
		return "maintenance", true
	case n.Maintenance:
		return "OFFLINE (maintenance)", true
	case n.Online:
		return "online", false
	}
	return "OFFLINE", false
}

func (p *legacy) nodes() {
	p.f("\n")
	type list struct {
		head  string
		names []string
	}
	lists := []*list{{head: "Online"}, {head: "OFFLINE"}, {head: "RemoteOnline"}, {head: "RemoteOFFLINE"}, {head: "GuestOnline"}}
	for _, n := range p.c.Nodes {
		text, single := p.word(n)
		if single || p.o.ByNode {
			kind := "Node"
			switch {
			case n.IsGuest():
				kind = "GuestNode"
			case n.IsPlainRemote():
				kind = "RemoteNode"
			}
			p.f("%s %s: %s\n", kind, p.nodeName(n), text)
			if p.o.ByNode {
				for _, r := range n.Running {
					p.f("\t%s\n", p.line(r, true))
				}
			}
			continue
		}
		at := 0
		switch {
		case n.IsGuest():
			at = 4
			if !n.Online {
				continue
			}
		case n.IsPlainRemote():
			at = 2
		}
		if !n.Online {
			at++
		}
		lists[at].names = append(lists[at].names, p.nodeName(n))
	}
	for _, l := range lists {
		if len(l.names) > 0 {
			p.f("%s: [ %s ]\n", l.head, strings.Join(l.names, " "))
		}
	}
}

func (p *legacy) resources() {
	heading, none := "Active resources:", "No active resources"
	switch {
	case p.o.ByNode:
		heading, none = "Inactive resources:", "No inactive resources"
	case p.o.Inactive:
		heading, none = "Full list of resources:", "No resources"
	}
	var list []*status.Resource
	for _, r := range p.c.Resources {
		all, some := p.c.IsActive(r, true), p.c.IsActive(r, false)
		switch {
		case r.Has(status.Removed) && !some:
		case p.o.ByNode:
			if !all {
				list = append(list, r)
			}
		case some || p.o.Inactive:
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		p.f("\n%s\n\n", none)
		return
	}
	p.f("\n%s\n\n", heading)
	if p.o.Brief && !p.o.ByNode {
		p.brief(list, "")
		list = slices.DeleteFunc(list, func(r *status.Resource) bool { return r.Kind == status.Primitive })
	}
	for _, r := range list {
		p.resource(r, " ")
	}
}

func (p *legacy) brief(list []*status.Resource, indent string) {
	type row struct {
		agent, node   string
		active, total int
	}
	var rows []*row
	find := func(agent, node string) *row {
		for _, r := range rows {
			if r.agent == agent && r.node == node {
				return r
			}
		}
		r := &row{agent: agent, node: node}
		rows = append(rows, r)
		return r
	}
	totals := map[string]int{}
	for _, r := range list {
		if r.Kind != status.Primitive {
			continue
		}
		totals[legacyAgent(r)]++
		if n, _, _ := r.ActiveNode(); n != nil {
			find(legacyAgent(r), n.Name).active++
		} else if p.o.Inactive || indent != "" {
			find(legacyAgent(r), "").total++
		}
	}
	slices.SortStableFunc(rows, func(a, b *row) int {
		if c := strings.Compare(a.agent, b.agent); c != 0 {
			return c
		}
		return strings.Compare(a.node, b.node)
	})
	for _, r := range rows {
		switch {
		case r.node == "" && slices.ContainsFunc(rows, func(o *row) bool { return o.agent == r.agent && o.node != "" }):
		case r.node == "":
			p.f("%s0/%d\t(%s):\tActive\n", indent, totals[r.agent], r.agent)
		case p.o.Inactive || indent != "":
			p.f("%s%d/%d\t(%s):\tActive %s\n", indent, r.active, totals[r.agent], r.agent, r.node)
		default:
			p.f("%s%d\t(%s):\tActive %s\n", indent, r.active, r.agent, r.node)
		}
	}
}

func legacyAgent(r *status.Resource) string {
	if r.Provider != "" {
		return r.Class + "::" + r.Provider + ":" + r.Type
	}
	return r.Class + ":" + r.Type
}

func (p *legacy) resource(r *status.Resource, indent string) {
	switch r.Kind {
	case status.Primitive:
		p.f("%s%s\n", indent, p.line(r, false))
	case status.Group:
		p.f("%sResource Group: %s\n", indent, r.ShownID())
		if p.o.Brief {
			p.brief(r.Children, indent+"    ")
			return
		}
		for _, m := range r.Children {
			p.resource(m, indent+"    ")
		}
	case status.Clone:
		p.clone(r, indent)
	case status.Bundle:
		p.bundle(r, indent)
	}
}

var legacyRoles = map[status.Role]string{
	status.RoleUnknown: "Unknown", status.RoleStopped: "Stopped", status.RoleStarted: "Started",
	status.RoleUnpromoted: "Slave", status.RolePromoted: "Master",
}

var legacyPending = map[string]string{
	"start": "Starting", "stop": "Stopping", "migrate_to": "Migrating", "migrate_from": "Migrating", "promote": "Promoting", "demote": "Demoting",
}

// line is a primitive's line without its indentation.
func (p *legacy) line(r *status.Resource, byNode bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\t(%s):\t", r.ShownID(), legacyAgent(r))
	if r.Has(status.Removed) {
		b.WriteString(" ORPHANED ")
	}
	node, _, _ := r.ActiveNode()
	promotable := r.Top(false).Has(status.Promotable)
	role := r.ShownRole()
	pending := legacyPending[r.PendingTask]
	if p.o.NoPending {
		pending = ""
	}
	switch {
	case r.Has(status.Failed) && role > status.RoleUnpromoted:
		b.WriteString("FAILED Master")
	case r.Has(status.Failed):
		b.WriteString("FAILED")
	case pending != "":
		b.WriteString(pending)
	default:
		b.WriteString(legacyRoles[role])
	}
	shown := node
	if shown == nil && r.PendingNode != nil {
		shown = r.PendingNode
	}
	several := len(r.Active) > 1
	if shown != nil && !several && !byNode {
		b.WriteString(" " + shown.Name) // neither the host of a guest nor an ID
	}
	var flags []string
	if node != nil && !node.Online && node.Unclean {
		flags = append(flags, "UNCLEAN")
	}
	if r.PendingTask == "monitor" && !p.o.NoPending {
		flags = append(flags, "Monitoring")
	}
	if t, ok := r.Meta.Get("target-role"); ok {
		want, _ := status.ParseRole(t)
		switch {
		case want == status.RoleStopped:
			flags = append(flags, "disabled")
		case want == status.RoleUnpromoted && promotable:
			flags = append(flags, "target-role:Slave")
		}
	}
	switch {
	case r.Has(status.Blocked):
		flags = append(flags, "blocked")
	case !r.Has(status.Managed):
		flags = append(flags, "unmanaged")
	}
	if r.Has(status.FailureIgnored) {
		flags = append(flags, "failure ignored")
	}
	if len(flags) > 0 {
		b.WriteString(" (" + strings.Join(flags, ", ") + ")")
	}
	if d := r.XML.SelectAttrValue("description", ""); d != "" && (p.o.Detail || byNode || several) {
		b.WriteString(" " + d)
	}
	if several && !byNode {
		names := make([]string, 0, len(r.Active))
		for _, n := range r.Active {
			names = append(names, n.Name)
		}
		b.WriteString("[ " + strings.Join(names, " ") + " ]")
	}
	return b.String()
}

func (p *legacy) clone(r *status.Resource, indent string) {
	head := "Clone Set"
	if r.Has(status.Promotable) {
		head = "Master/Slave Set"
	}
	child := ""
	if r.Clone != nil && r.Clone.ChildXML != nil {
		child = r.Clone.ChildXML.SelectAttrValue("id", "")
	}
	p.f("%s%s: %s [%s]", indent, head, r.ID, child)
	if r.Has(status.Unique) {
		p.f(" (unique)")
	}
	if !r.Has(status.Managed) {
		p.f(" (unmanaged)")
	}
	p.f("\n")
	var promoted, started []*status.Node
	collected := 0
	for _, in := range r.Children {
		if in.Has(status.Removed) && !p.c.IsActive(in, false) {
			continue
		}
		if p.single(r, in) {
			if p.c.IsActive(in, false) || p.o.Inactive || p.o.Detail {
				p.resource(in, indent+"    ")
			}
			if !p.o.Detail {
				continue
			}
		}
		if !p.c.IsActive(in, false) {
			continue
		}
		collected++
		places := in.Places(status.Current)
		if len(places) == 0 {
			continue
		}
		if status.RoleOf(in, true) == status.RolePromoted {
			promoted = append(promoted, places[0])
		} else {
			started = append(started, places[0])
		}
	}
	list := func(head string, nodes []*status.Node) {
		if len(nodes) == 0 {
			return
		}
		status.SortByName(nodes)
		names := make([]string, 0, len(nodes))
		for _, n := range nodes {
			names = append(names, n.Name)
		}
		p.f("%s    %s: [ %s ]\n", indent, head, strings.Join(names, " "))
	}
	list("Masters", promoted)
	if r.Has(status.Promotable) {
		head := "Slaves"
		if t, ok := r.Meta.Get("target-role"); ok {
			if want, _ := status.ParseRole(t); want == status.RoleUnpromoted {
				head = "Slaves (target-role)"
			}
		}
		list(head, started)
	} else {
		list("Started", started)
	}
	if p.o.Inactive && !r.Has(status.Unique) && r.Clone != nil && r.Clone.Max > collected {
		var stopped []*status.Node
		for _, n := range p.c.Nodes {
			if e := r.Allowed.At(n); (e == nil || e.Discovery != status.DiscoverNever) && !n.IsBundleNode() && !activeOn(r, n) {
				stopped = append(stopped, n)
			}
		}
		head := "Stopped"
		if r.Disabled() {
			head = "Stopped (disabled)"
		}
		list(head, stopped)
	}
}

func activeOn(r *status.Resource, n *status.Node) bool {
	if slices.Contains(r.Active, n) {
		return true
	}
	return slices.ContainsFunc(r.Children, func(c *status.Resource) bool { return activeOn(c, n) })
}

// single tells whether an instance of a clone has a line of its own.
func (p *legacy) single(clone, in *status.Resource) bool {
	if p.o.Detail || clone.Has(status.Unique) {
		return true
	}
	some, all := p.c.IsActive(in, false), p.c.IsActive(in, true)
	if !some {
		return pendingInside(in)
	}
	if !all || has(in, func(r *status.Resource) bool {
		n, _, _ := r.ActiveNode()
		return r.Has(status.Removed) || !r.Has(status.Managed) || r.Has(status.Failed) || len(r.Active) > 1 ||
			n != nil && !n.Online && n.Unclean
	}) {
		return true
	}
	return pendingInside(in)
}

func pendingInside(in *status.Resource) bool {
	return has(in, func(r *status.Resource) bool { return r.PendingTask != "" && r.PendingTask != "probe" })
}

func has(r *status.Resource, test func(*status.Resource) bool) bool {
	if r.Kind == status.Primitive && test(r) {
		return true
	}
	return slices.ContainsFunc(r.Children, func(c *status.Resource) bool { return has(c, test) })
}

func (p *legacy) bundle(r *status.Resource, indent string) {
	b := r.Bundle
	set := ""
	if b.Replicas > 1 {
		set = " set"
	}
	p.f("%s%s container%s: %s [%s]", indent, strings.ToUpper(b.Agent[:1])+b.Agent[1:], set, r.ID, b.Image)
	if r.Has(status.Unique) {
		p.f(" (unique)")
	}
	if !r.Has(status.Managed) {
		p.f(" (unmanaged)")
	}
	p.f("\n")
	for _, part := range b.Parts {
		if p.o.Detail {
			deeper := indent + "  "
			if len(b.Parts) > 1 {
				p.f("%sReplica[%d]\n", deeper, part.Offset)
			}
			for _, x := range []*status.Resource{part.IP, part.Container, part.Remote, part.Child} {
				if x != nil {
					p.resource(x, deeper+"   ")
				}
			}
			continue
		}
		shown := part.Child
		if shown == nil {
			shown = part.Container
		}
		text := p.line(shown, true)
		_, text, _ = strings.Cut(text, "\t")
		name := part.Container.ID
		if part.Remote != nil {
			name = part.Remote.ID
		}
		if part.IPAddress != "" {
			name += " (" + part.IPAddress + ")"
		}
		if n, _, _ := part.Container.ActiveNode(); n != nil {
			text += " " + n.Name
		}
		p.f("%s  %s\t%s\n", indent, name, text)
	}
}
