package screen

import (
	"fmt"
	"slices"
	"strings"

	"hacluster/cib/number"
	"hacluster/engine/status"
)

// resource lists a resource; it tells whether there was anything to list.
func (t *textPage) resource(r *status.Resource, only names, byNode bool) bool {
	if t.filtered(r, only, true) {
		return false
	}
	switch r.Kind {
	case status.Group:
		return t.group(r, only)
	case status.Clone:
		return t.clone(r, only)
	case status.Bundle:
		return t.bundle(r, only)
	}
	n := t.c.CurrentNode(r)
	if n == nil {
		n = r.PendingNode
	}
	return t.primitive(r, shownID(r), n, byNode, t.Detail)
}

func (t *textPage) primitive(r *status.Resource, name string, n *status.Node, byNode, inner bool) bool {
	if v, ok := r.Meta.Get("internal_rsc"); ok && number.IsTrue(v) && !inner {
		return false
	}
	if n == nil {
		n = r.LockNode
	}
	byNode = byNode || t.RscOnly
	several := len(r.Active) > 1
	if several || byNode {
		n = nil
	}
	line := name + "\t(" + agentOf(r) + "):\t"
	if r.Has(status.Removed) {
		line += " ORPHANED"
	}
	role := r.ShownRole()
	switch {
	case !r.Has(status.Failed):
		line += " " + t.stateWord(r)
	case role > status.RoleUnpromoted:
		line += " FAILED " + role.String()
	default:
		line += " FAILED"
	}
	if n != nil {
		line += " " + n.Name
	}
	if role == status.RoleStopped {
		if text, ok := t.maskedProbe(r, n); ok {
			line += " (" + text + ") "
		}
	}
	line += inParens(t.primitiveFlags(r, n))
	if d := t.description(r, byNode || several); d != "" {
		line += " (" + d + ")"
	}
	if several && !byNode {
		line += " ["
		for _, n := range r.Active {
			line += " " + n.Name
		}
		line += " ]"
	}
	t.marked(resourceClass(r), line)
	return true
}

// resourceClass is how a primitive fares, as a style's name.
func resourceClass(r *status.Resource) string {
	switch {
	case !r.Has(status.Managed):
		return "rsc-managed"
	case r.Has(status.Failed), len(r.Active) == 0:
		return "rsc-failed"
	case len(r.Active) > 1:
		return "rsc-multiple"
	case r.Has(status.FailureIgnored):
		return "rsc-failure-ignored"
	}
	return "rsc-ok"
}

func (t *textPage) primitiveFlags(r *status.Resource, n *status.Node) (flags []string) {
	if n != nil && !n.Online && n.Unclean {
		flags = append(flags, "UNCLEAN")
	}
	if n != nil && n == r.LockNode {
		flags = append(flags, "LOCKED")
	}
	if r.PendingTask == "monitor" && !t.NoPending {
		flags = append(flags, "Monitoring")
	}
	if target, ok := r.Meta.Get("target-role"); ok {
		switch want, _ := status.ParseRole(target); {
		case want == status.RoleStopped:
			flags = append(flags, "disabled")
		case want == status.RoleUnpromoted && r.Top(false).Has(status.Promotable):
			flags = append(flags, "target-role:"+target)
		}
	}
	if r.Has(status.Blocked) {
		flags = append(flags, "blocked")
	} else if u := unmanaged(r); u != "" {
		flags = append(flags, u)
	}
	if r.Has(status.FailureIgnored) {
		flags = append(flags, "failure ignored")
	}
	return flags
}

func unmanaged(r *status.Resource) string {
	switch {
	case r.Has(status.InMaintenance):
		return "maintenance"
	case !r.Has(status.Managed):
		return "unmanaged"
	}
	return ""
}

func inParens(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return " (" + strings.Join(list, ", ") + ")"
}

// maskedProbe is why a probe failed, on this node or (nil) on any, that counts as one which
// found nothing. It is looked for under the name that the resource has in the configuration.
func (v *view) maskedProbe(r *status.Resource, n *status.Node) (string, bool) {
	id := r.ID
	if top := r.Top(false); top.Kind == status.Clone && top.Clone.ChildXML != nil {
		id = top.Clone.ChildXML.SelectAttrValue("id", "")
	}
	for _, f := range v.c.Failures {
		if !status.MaskedProbe(f.XML) {
			continue
		}
		on := f.XML.SelectAttr("on_node")
		if on == nil || n != nil && !strings.EqualFold(on.Value, n.Name) {
			continue
		}
		if rsc, _, _, ok := splitKey(historyKey(f.XML)); ok && rsc == id {
			return ExitText(rcOf(f.XML)), true
		}
	}
	return "", false
}

// heading is a list's heading with its flags and description.
func (t *textPage) heading(text string, r *status.Resource, flags []string) string {
	if r.Disabled() {
		flags = append(flags, "disabled")
	}
	if u := unmanaged(r); u != "" {
		flags = append(flags, u)
	}
	text += inParens(flags)
	if d := t.description(r, false); d != "" {
		text += " (" + d + ")"
	}
	return text
}

func (t *textPage) group(r *status.Resource, only names) bool {
	opened := false
	open := func() {
		if opened {
			return
		}
		opened = true
		var flags []string
		if !t.c.IsActive(r, true) && t.c.IsActive(r, false) && !t.Inactive {
			n := 0
			for _, k := range r.Children {
				if !t.c.IsActive(k, true) {
					n++
				}
			}
			if n > 0 {
				flags = append(flags, plural(n, "member")+" inactive")
			}
		}
		t.head(t.heading("Resource Group: "+r.ID, r, flags))
	}
	if t.Brief {
		if list := t.passing(r.Children, only); len(list) > 0 {
			open()
			t.brief(list, true, false)
		}
	} else {
		for _, k := range r.Children {
			if !t.skipMember(r, k, only) {
				open()
				t.resource(k, only, false)
			}
		}
	}
	if opened {
		t.end()
	}
	return opened
}

func (t *textPage) clone(r *status.Resource, only names) bool {
	whole := t.named(r, only)
	opened := false
	open := func() {
		if opened {
			return
		}
		opened = true
		var flags []string
		if r.Has(status.Promotable) {
			flags = append(flags, "promotable")
		}
		if r.Has(status.Unique) {
			flags = append(flags, "unique")
		}
		child := ""
		if e := r.Clone.ChildXML; e != nil {
			child = e.SelectAttrValue("id", "")
		}
		t.head(t.heading("Clone Set: "+r.ID+" ["+child+"]", r, flags))
	}
	var promoted, started []*status.Node
	for _, k := range r.Children {
		if t.offFilter(k) || t.filtered(k, only, whole) {
			continue
		}
		some := t.c.IsActive(k, false)
		single := t.Detail
		switch {
		case r.Has(status.Unique):
			single = single || some || !r.Has(status.Removed)
		case k.PendingTask != "" && k.PendingTask != "probe" && !t.NoPending:
			single = true
		case !some:
		case anyHas(k, status.Removed), !allHave(k, status.Managed), anyHas(k, status.Failed), !t.c.IsActive(k, true):
			single = true
		default:
			places := k.Places(status.Current)
			switch {
			case len(places) != 1, !places[0].Online && places[0].Unclean:
				single = true
			case status.RoleOf(k, true) > status.RoleUnpromoted:
				promoted = append(promoted, places[0])
			default:
				started = append(started, places[0])
			}
		}
		if single {
			open()
			t.resource(k, everything, false)
		}
	}
	if !t.Detail {
		t.collected(r, promoted, started, open)
	}
	if opened {
		t.end()
	}
	return opened
}

// collected lists the nodes of the instances that are as they should be, and
// the nodes without any.
func (t *textPage) collected(r *status.Resource, promoted, started []*status.Node, open func()) {
	line := func(label string, list []*status.Node) bool {
		status.SortByName(list)
		var text []string
		for _, n := range list {
			if t.nodes.hasFold(n.Name) {
				text = append(text, n.Name)
			}
		}
		if len(text) > 0 {
			open()
			t.item(label + ": [ " + strings.Join(text, " ") + " ]")
		}
		return len(text) > 0
	}
	target, given := targetRole(r)
	role := status.RoleUnknown
	if given {
		role, _ = status.ParseRole(target)
	}
	line("Promoted", promoted)
	label := "Started"
	if r.Has(status.Promotable) {
		label = "Unpromoted"
		if role == status.RoleUnpromoted {
			label += " (target-role)"
		}
	}
	line(label, started)
	if !t.Inactive {
		return
	}
	active := len(promoted) + len(started)
	var labels []string
	var stopped []*status.Node
	labelOf := map[string]string{} // by the node's name, which nodes of a broken configuration can share
	if !r.Has(status.Unique) && r.Clone.Max > active {
		for _, n := range t.allowed(r) {
			if named(r.Active, n.Name) || !t.nodes.hasFold(n.Name) {
				continue
			}
			label := "Stopped"
			if role == status.RoleStopped {
				label = "Stopped (disabled)"
			}
			if text, ok := t.maskedProbe(r, n); ok {
				label = "Stopped (" + text + ")"
			}
			if _, ok := labelOf[n.Name]; !ok {
				stopped = append(stopped, n)
			}
			labelOf[n.Name] = label
		}
	}
	for _, label := range labelOf {
		if !slices.Contains(labels, label) {
			labels = append(labels, label)
		}
	}
	// Nodes whose names differ only in case stand as the original's table of them has them.
	keys := make([]string, len(stopped))
	for i, n := range stopped {
		keys[i] = n.Name
	}
	order := status.HashOrder(keys)
	slices.Sort(labels)
	for _, l := range labels {
		var list []*status.Node
		for _, i := range slices.Backward(order) {
			if labelOf[stopped[i].Name] == l {
				list = append(list, stopped[i])
			}
		}
		line(l, list)
	}
	if len(labels) == 0 && active == 0 {
		open()
	}
}

// named tells whether a list holds a node of a name, regardless of case.
func named(list []*status.Node, name string) bool {
	return slices.ContainsFunc(list, func(n *status.Node) bool { return strings.EqualFold(n.Name, name) })
}

// allowed are the nodes that a resource may run on, else those it was looked for on.
func (t *textPage) allowed(r *status.Resource) (list []*status.Node) {
	for _, n := range t.c.ByIndex {
		if e := r.Allowed.At(n); e != nil {
			list = append(list, n)
		}
	}
	if len(list) == 0 {
		list = slices.Clone(r.Known)
	}
	status.SortByName(list)
	return list
}

func (t *textPage) bundle(r *status.Resource, only names) bool {
	b := r.Bundle
	whole := only.has(r.ID)
	opened := false
	for _, p := range b.Parts {
		if p.Container != nil && t.offFilter(p.Container) {
			continue
		}
		list := slices.DeleteFunc(parts(p), func(k *status.Resource) bool { return t.filtered(k, only, whole) })
		if !whole && len(list) == 0 && !t.Detail {
			continue
		}
		if !opened {
			opened = true
			t.head(t.bundleHeading(r))
		}
		if t.Detail || !whole {
			t.replica(p.Offset, len(b.Parts) > 1)
			for _, k := range list {
				n := t.c.CurrentNode(k)
				if n == nil {
					n = k.PendingNode
				}
				t.primitive(k, shownID(k), n, false, true)
			}
			t.end()
			continue
		}
		child, remote := p.Child, p.Remote
		if child == nil {
			child = p.Container
		}
		if remote == nil {
			remote = p.Container
		}
		name := shownID(remote)
		if p.IPAddress != "" {
			name = fmt.Sprintf("%s (%s)", name, p.IPAddress)
		}
		t.primitive(child, name, t.c.CurrentNode(p.Container), false, t.Detail)
	}
	if opened {
		t.end()
	}
	return opened
}

func (t *textPage) bundleHeading(r *status.Resource) string {
	set := ""
	if r.Bundle.Replicas > 1 {
		set = " set"
	}
	head := "Container bundle" + set + ": " + r.ID + " [" + r.Bundle.Image + "]"
	if r.Has(status.Unique) {
		head += " (unique)"
	}
	if d := t.description(r, false); d != "" {
		head += " (" + d + ")"
	}
	if u := unmanaged(r); u != "" {
		head += " (" + u + ")"
	}
	return head
}
