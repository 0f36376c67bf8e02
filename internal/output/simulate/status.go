package simulate

import (
	"fmt"
	"io"
	"sort"
	"strings"

	"hacluster/engine/status"
	page "hacluster/internal/output/screen"
)

// Status writes nodes and resources.
func (t *Text) Status(heading string, c *status.Cluster, pending, spacer bool) {
	if t.Quiet {
		return
	}
	if spacer {
		t.spacer()
	}
	t.begin(heading)
	s := &screen{t: t, c: c, pending: pending}
	any := s.nodes()
	s.resources(any)
	if t.Attributes {
		s.attributes()
	}
	if t.FailCounts {
		_, _ = io.WriteString(t.W, page.Troubles(c))
	}
	t.end()
	t.printed = true
}

type screen struct {
	t       *Text
	c       *status.Cluster
	pending bool
}

// nodes lists nodes in a bad state singly, the others together.
func (s *screen) nodes() bool {
	var online, offline, remote, remoteOff, guest []string
	t := s.t
	if len(s.c.Nodes) == 0 {
		return false
	}
	t.begin("Node List")
	for _, n := range s.c.Nodes {
		health := s.c.Health(n)
		switch {
		case n.Unclean, n.Pending, n.StandbyOnFail && n.Online, n.Standby, n.Maintenance, health <= 0:
			kind := "Node "
			if n.IsGuest() || n.IsBundleNode() {
				kind = "GuestNode "
			} else if n.IsRemote {
				kind = "RemoteNode "
			}
			text := kind + n.Name + ": " + nodeState(n)
			if health < 0 {
				text += " (health is RED)"
			} else if health == 0 {
				text += " (health is YELLOW)"
			}
			t.line(text)
		case n.Online && n.IsGuest():
			guest = append(guest, n.Name)
		case n.Online && n.IsRemote:
			remote = append(remote, n.Name)
		case n.Online:
			online = append(online, n.Name)
		case n.IsPlainRemote():
			remoteOff = append(remoteOff, n.Name)
		case n.IsRemote:
		default:
			offline = append(offline, n.Name)
		}
	}
	for _, l := range []struct {
		label string
		names []string
	}{{"Online", online}, {"OFFLINE", offline}, {"RemoteOnline", remote}, {"RemoteOFFLINE", remoteOff}, {"GuestOnline", guest}} {
		if len(l.names) > 0 {
			t.line(l.label + ": [ " + strings.Join(l.names, " ") + " ]")
		}
	}
	t.end()
	return true
}

func nodeState(n *status.Node) string {
	switch {
	case n.Unclean && n.Online:
		return "UNCLEAN (online)"
	case n.Unclean && n.Pending:
		return "UNCLEAN (pending)"
	case n.Unclean:
		return "UNCLEAN (offline)"
	case n.Pending:
		return "pending"
	case n.StandbyOnFail && n.Online:
		return "standby (on-fail)"
	case n.Standby && !n.Online:
		return "OFFLINE (standby)"
	case n.Standby && len(n.Running) == 0:
		return "standby"
	case n.Standby:
		return "standby (with active resources)"
	case n.Maintenance && n.Online:
		return "maintenance"
	case n.Maintenance:
		return "OFFLINE (maintenance)"
	case n.Online:
		return "online"
	}
	return "OFFLINE"
}

func (s *screen) resources(spacer bool) {
	t := s.t
	if spacer {
		t.space()
	}
	t.begin("Full List of Resources")
	shown := false
	for _, r := range s.c.Resources {
		if r.Has(status.Removed) && !s.c.IsActive(r, true) {
			continue
		}
		if s.resource(r) {
			shown = true
		}
	}
	if !shown {
		t.line("No resources")
	}
	t.end()
}

// attributes lists the attributes of online nodes.
func (s *screen) attributes() {
	t := s.t
	opened := false
	for _, n := range s.c.Nodes {
		if !n.Online {
			continue
		}
		var list status.Values
	next:
		for _, a := range n.Attrs {
			for _, prefix := range [...]string{"fail-count", "last-failure", "shutdown", "terminate", "standby", "#"} {
				if strings.HasPrefix(a.Name, prefix) {
					continue next
				}
			}
			list = append(list, a)
		}
		if len(list) == 0 {
			continue
		}
		if !opened {
			opened = true
			t.space()
			t.begin("Node Attributes")
		}
		sort.SliceStable(list, func(i, j int) bool { return list[i].Name < list[j].Name })
		t.begin("Node: " + n.Name)
		for _, a := range list {
			t.line(fmt.Sprintf("%-32s\t: %-10s", a.Name, a.Value))
		}
		t.end()
	}
	if opened {
		t.end()
	}
}

func (s *screen) resource(r *status.Resource) bool {
	switch r.Kind {
	case status.Group:
		return s.group(r)
	case status.Clone:
		return s.clone(r)
	case status.Bundle:
		return s.bundle(r)
	}
	n := s.c.CurrentNode(r)
	if n == nil {
		n = r.PendingNode
	}
	return s.primitive(r, printable(r), n)
}

// printable is the name that a resource is shown under.
func printable(r *status.Resource) string {
	if r.Has(status.Unique) {
		return r.ID
	}
	return r.XMLID()
}

func top(r *status.Resource) *status.Resource {
	for r.Parent != nil && r.Parent.Kind != status.Bundle {
		r = r.Parent
	}
	return r
}

func (s *screen) primitive(r *status.Resource, name string, n *status.Node) bool {
	if v, ok := r.Meta.Get("internal_rsc"); ok && status.IsTrue(v) {
		return false
	}
	if n == nil {
		n = r.LockNode
	}
	if len(r.Active) > 1 {
		n = nil
	}
	var b strings.Builder
	b.WriteString(name + "\t(" + r.Agent() + "):\t")
	if r.Has(status.Removed) {
		b.WriteString(" ORPHANED")
	}
	role := r.Role
	if role == status.RoleStarted && top(r).Has(status.Promotable) {
		role = status.RoleUnpromoted
	}
	pending := ""
	if s.pending {
		pending = pendingState(r.PendingTask)
	}
	switch {
	case r.Has(status.Failed):
		b.WriteString(" FAILED")
		if role > status.RoleUnpromoted {
			b.WriteString(" " + role.String())
		}
	case pending != "":
		b.WriteString(" " + pending)
	default:
		b.WriteString(" " + role.String())
	}
	if n != nil {
		b.WriteString(" " + n.Name)
	}
	if role == status.RoleStopped {
		if exit, ok := maskedProbe(r, n); ok {
			b.WriteString(" (" + exit + ") ")
		}
	}
	var flags []string
	add := func(text string) { flags = append(flags, text) }
	if n != nil && !n.Online && n.Unclean {
		add("UNCLEAN")
	}
	if n != nil && n == r.LockNode {
		add("LOCKED")
	}
	if s.pending && r.PendingTask == "monitor" {
		add("Monitoring")
	}
	if target, ok := r.Meta.Get("target-role"); ok {
		switch want, _ := status.ParseRole(target); {
		case want == status.RoleStopped:
			add("disabled")
		case want == status.RoleUnpromoted && top(r).Has(status.Promotable):
			add("target-role:" + target)
		}
	}
	switch {
	case r.Has(status.Blocked):
		add("blocked")
	case r.Has(status.InMaintenance):
		add("maintenance")
	case !r.Has(status.Managed):
		add("unmanaged")
	}
	if r.Has(status.FailureIgnored) {
		add("failure ignored")
	}
	if len(flags) > 0 {
		b.WriteString(" (" + strings.Join(flags, ", ") + ")")
	}
	if len(r.Active) > 1 {
		if a := r.XML.SelectAttr("description"); a != nil {
			b.WriteString(" (" + a.Value + ")")
		}
		b.WriteString(" [")
		for _, n := range r.Active {
			b.WriteString(" " + n.Name)
		}
		b.WriteString(" ]")
	}
	s.t.line(b.String())
	return true
}

func pendingState(task string) string {
	switch task {
	case "start":
		return "Starting"
	case "stop":
		return "Stopping"
	case "migrate_to", "migrate_from":
		return "Migrating"
	case "promote":
		return "Promoting"
	case "demote":
		return "Demoting"
	}
	return ""
}

var exitTexts = map[int]string{
	0: "OK", 1: "Error occurred", 2: "Invalid parameter", 3: "Unimplemented", 4: "Insufficient privileges",
	5: "Not installed", 6: "Not configured", 7: "Not running", 8: "Promoted", 9: "Failed in promoted role",
	190: "Service is active but might fail soon", 191: "Service is promoted but might fail soon",
}

// maskedProbe is why a probe that does not count failed.
func maskedProbe(r *status.Resource, n *status.Node) (string, bool) {
	for i, at := range r.MaskedProbes {
		if n == nil || at == n {
			text, ok := exitTexts[r.MaskedText[i]]
			if !ok {
				text = "Unknown exit status"
			}
			return text, true
		}
	}
	for _, k := range r.Children {
		if text, ok := maskedProbe(k, n); ok {
			return text, true
		}
	}
	return "", false
}

func disabled(r *status.Resource) bool {
	target, ok := r.Meta.Get("target-role")
	if !ok {
		return false
	}
	want, _ := status.ParseRole(target)
	return want == status.RoleStopped || want == status.RoleUnpromoted && top(r).Has(status.Promotable)
}

func state(r *status.Resource) (list []string) {
	if disabled(r) {
		list = append(list, "disabled")
	}
	switch {
	case r.Has(status.InMaintenance):
		list = append(list, "maintenance")
	case !r.Has(status.Managed):
		list = append(list, "unmanaged")
	}
	return list
}

func inParens(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return " (" + strings.Join(list, ", ") + ")"
}

func (s *screen) group(r *status.Resource) bool {
	if len(r.Children) == 0 {
		return false
	}
	s.t.begin("Resource Group: " + r.ID + inParens(state(r)))
	for _, k := range r.Children {
		s.resource(k)
	}
	s.t.end()
	return true
}

func (s *screen) clone(r *status.Resource) bool {
	t := s.t
	opened := false
	open := func() {
		if opened {
			return
		}
		opened = true
		var list []string
		if r.Has(status.Promotable) {
			list = append(list, "promotable")
		}
		if r.Has(status.Unique) {
			list = append(list, "unique")
		}
		child := ""
		if e := r.Clone.ChildXML; e != nil {
			child = e.SelectAttrValue("id", "")
		}
		t.begin("Clone Set: " + r.ID + " [" + child + "]" + inParens(append(list, state(r)...)))
	}
	var promoted, started []*status.Node
	stopped := map[string][]string{}
	for _, k := range r.Children {
		full := false
		partly := s.c.IsActive(k, false)
		switch {
		case r.Has(status.Unique):
			full = partly || !r.Has(status.Removed)
		case s.pending && k.PendingTask != "" && k.PendingTask != "probe":
			full = true
		case !partly:
			if !k.Has(status.Removed) {
				stopped["Stopped"] = append(stopped["Stopped"], k.ID)
			}
		case anyHas(k, status.Removed), !allHave(k, status.Managed), anyHas(k, status.Failed), !s.c.IsActive(k, true):
			full = true
		default:
			places := k.Places(status.Current)
			switch {
			case len(places) != 1:
				full = true
			case !places[0].Online && places[0].Unclean:
				full = true
			case status.RoleOf(k, true) > status.RoleUnpromoted:
				promoted = append(promoted, places[0])
			default:
				started = append(started, places[0])
			}
		}
		if full {
			open()
			s.resource(k)
		}
	}
	names := func(list []*status.Node) string {
		status.SortByName(list)
		text := make([]string, len(list))
		for i, n := range list {
			text[i] = n.Name
		}
		return ": [ " + strings.Join(text, " ") + " ]"
	}
	if len(promoted) > 0 {
		open()
		t.line("Promoted" + names(promoted))
	}
	role := configuredRole(r)
	if len(started) > 0 {
		open()
		label := "Started"
		if r.Has(status.Promotable) {
			label = "Unpromoted"
			if role == status.RoleUnpromoted {
				label += " (target-role)"
			}
		}
		t.line(label + names(started))
	}
	active := len(promoted) + len(started)
	if !r.Has(status.Unique) && r.Clone.Max > active {
		clear(stopped)
		list := allowed(s.c, r)
		if len(list) == 0 {
			list = append(list, r.Known...)
		}
		status.SortByName(list)
		places := r.Places(status.Current)
		for _, n := range list {
			if status.HasNode(places, n) {
				continue
			}
			label := "Stopped"
			if role == status.RoleStopped {
				label = "Stopped (disabled)"
			}
			if exit, ok := maskedProbe(r, n); ok {
				label = "Stopped (" + exit + ")"
			}
			stopped[label] = append(stopped[label], n.Name)
		}
	}
	if len(stopped) > 0 {
		open()
		labels := make([]string, 0, len(stopped))
		for l := range stopped {
			labels = append(labels, l)
		}
		sort.Strings(labels)
		for _, l := range labels {
			t.line(l + ": [ " + strings.Join(stopped[l], " ") + " ]")
		}
	} else if active == 0 {
		open()
	}
	if opened {
		t.end()
	}
	return opened
}

func allowed(c *status.Cluster, r *status.Resource) []*status.Node {
	var list []*status.Node
	for i := range r.Allowed {
		if r.Allowed[i].Known {
			list = append(list, c.ByIndex[i])
		}
	}
	return list
}

func configuredRole(r *status.Resource) status.Role {
	target, ok := r.Meta.Get("target-role")
	if !ok && len(r.Children) > 0 {
		target, ok = r.Children[0].Meta.Get("target-role")
	}
	if !ok {
		return status.RoleUnknown
	}
	role, _ := status.ParseRole(target)
	return role
}

func anyHas(r *status.Resource, f status.ResourceFlags) bool {
	if r.Has(f) {
		return true
	}
	for _, k := range r.Children {
		if anyHas(k, f) {
			return true
		}
	}
	return false
}

func allHave(r *status.Resource, f status.ResourceFlags) bool {
	if !r.Has(f) {
		return false
	}
	for _, k := range r.Children {
		if !allHave(k, f) {
			return false
		}
	}
	return true
}

func (s *screen) bundle(r *status.Resource) bool {
	b := r.Bundle
	if len(b.Parts) == 0 {
		return false
	}
	head := "Container bundle"
	if b.Replicas > 1 {
		head += " set"
	}
	head += ": " + r.ID + " [" + b.Image + "]"
	if r.Has(status.Unique) {
		head += " (unique)"
	}
	switch {
	case r.Has(status.InMaintenance):
		head += " (maintenance)"
	case !r.Has(status.Managed):
		head += " (unmanaged)"
	}
	s.t.begin(head)
	for _, part := range b.Parts {
		child, remote := part.Child, part.Remote
		if child == nil {
			child = part.Container
		}
		if remote == nil {
			remote = part.Container
		}
		name := printable(remote)
		if part.IPAddress != "" {
			name += " (" + part.IPAddress + ")"
		}
		s.primitive(child, name, s.c.CurrentNode(part.Container))
	}
	s.t.end()
	return true
}
