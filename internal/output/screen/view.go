package screen

import (
	"slices"
	"strings"

	"hacluster/engine/status"
)

// Page says what a page of Pacemaker 3 holds. Its forms (Text, XML, HTML) agree
// in what is shown and differ in how.
type Page struct {
	Sections    Sections
	Inactive    bool // -r: resources that run nowhere, too
	ByNode      bool // -n: resources under their nodes
	Detail      bool // -R: instances singly, node ids, parts of bundles
	Brief       bool // -b: counts by agent
	Timing      bool // -t: operations with their times
	Description bool // --show-description
	RscOnly     bool // resources without their nodes, with their descriptions
	BanPrefix   string
	Node        string // only this node, or the nodes of this tag; "" for all
	Resource    string // only this resource, or those of this tag; "" for all
	// NoPending shows roles where operations are under way.
	NoPending bool
	// NoNode and NoResource are filters that nothing passes: names that were given, and are empty.
	NoNode, NoResource bool
	// Live is set for a running cluster, whose fencing history is shown.
	Live    bool
	Fencing []Fencing // newest first
	// FencingErr tells that there is no history of fencing, and why.
	FencingErr error
	// LocalNode is the node that the page is made on, "" for a file.
	LocalNode string
}

// names is a filter: everything, or what is listed.
type names struct {
	all  bool
	list []string
}

func (f names) has(s string) bool { return f.all || slices.Contains(f.list, s) }

func (f names) hasFold(s string) bool {
	return f.all || slices.ContainsFunc(f.list, func(o string) bool { return strings.EqualFold(o, s) })
}

var everything = names{all: true}

// view answers what belongs on a page, whatever its form.
type view struct {
	c *status.Cluster
	Page
	nodes names
	only  names
}

func newView(c *status.Cluster, p Page) *view {
	v := &view{c: c, Page: p, nodes: nodeFilter(c, p.Node), only: resourceFilter(c, p.Resource)}
	if p.NoNode {
		v.nodes = names{}
	}
	if p.NoResource {
		v.only = names{}
	}
	return v
}

// RemoteHost are the words for a host on which pacemaker-remoted runs, not Pacemaker.
const RemoteHost = "pacemaker-remoted is running (on a Pacemaker Remote node)"

// launcher is the state of Pacemaker on the host that the page is made on, as it is in XML and in words: that it runs, for else nothing could be told, or that
// it is a remote host.
func (v *view) launcher() (state, words string) {
	if n := v.c.FindNode(v.LocalNode); n != nil && n.IsRemote {
		return "remote", RemoteHost
	}
	return "running", "Pacemaker is running"
}

func tagged(c *status.Cluster, id string) []string {
	for _, t := range c.Tags {
		if t.ID == id {
			return t.Refs
		}
	}
	return nil
}

func nodeFilter(c *status.Cluster, s string) names {
	if s == "" || s == "*" {
		return everything
	}
	if n := c.FindNode(s); n != nil {
		return names{list: []string{n.Name}}
	}
	var f names
	for _, ref := range tagged(c, s) {
		if i := slices.IndexFunc(c.Nodes, func(n *status.Node) bool { return n.ID == ref }); i >= 0 {
			f.list = append(f.list, c.Nodes[i].Name)
		}
	}
	return f
}

func resourceFilter(c *status.Cluster, s string) names {
	if s == "" || s == "*" {
		return everything
	}
	var find func(list []*status.Resource) *status.Resource
	find = func(list []*status.Resource) *status.Resource {
		for _, r := range list {
			if r.ID == s || r.HistoryID == s || status.BaseName(r.ID) == s {
				return r
			}
			if f := find(r.Children); f != nil {
				return f
			}
			if r.Bundle != nil {
				for _, p := range r.Bundle.Parts {
					if f := find(parts(p)); f != nil {
						return f
					}
				}
			}
		}
		return nil
	}
	r := find(c.Resources)
	switch {
	case r == nil:
		return names{list: tagged(c, s)}
	case strings.Contains(s, ":"):
		return names{list: []string{r.ID}} // an instance, which the history may know by another number
	}
	return names{list: []string{shownID(r)}}
}

// shownID is the id as people see it: with the number of an instance only
// where instances are told apart.
func shownID(r *status.Resource) string {
	if r.Has(status.Unique) {
		return r.ID
	}
	return r.XMLID()
}

// parts are the resources of a replica in the order in which they are listed.
func parts(p *status.Replica) []*status.Resource {
	var list []*status.Resource
	for _, r := range []*status.Resource{p.IP, p.Child, p.Container, p.Remote} {
		if r != nil {
			list = append(list, r)
		}
	}
	return list
}

// named tells whether the filter names the resource itself.
func (v *view) named(r *status.Resource, only names) bool {
	return only.has(shownID(r)) || strings.Contains(r.ID, ":") && only.has(r.ID)
}

// filtered tells whether a filter leaves a resource out; up asks whether what
// it is part of may let it pass.
func (v *view) filtered(r *status.Resource, only names, up bool) bool {
	if only.all || only.has(shownID(r)) {
		return false
	}
	inside := func(list []*status.Resource) bool {
		return slices.ContainsFunc(list, func(k *status.Resource) bool { return !v.filtered(k, only, false) })
	}
	switch r.Kind {
	case status.Primitive:
		if only.has(r.ID) {
			return false
		}
		if up && r.Parent != nil {
			return v.filtered(r.Top(true), only, false)
		}
		return true
	case status.Group:
		if up && only.has(shownID(r.Top(false))) || strings.Contains(r.ID, ":") && only.has(r.ID) {
			return false
		}
		return !inside(r.Children)
	case status.Clone:
		if r.Clone != nil && r.Clone.ChildXML != nil && only.has(r.Clone.ChildXML.SelectAttrValue("id", "")) {
			return false
		}
		return !inside(r.Children)
	}
	for _, p := range r.Bundle.Parts {
		if inside(parts(p)) {
			return false
		}
	}
	return true
}

// offFilter tells whether a resource is active only on nodes that are not shown.
func (v *view) offFilter(r *status.Resource) bool {
	return v.c.IsActive(r, false) && !v.runsOnShown(r)
}

func (v *view) runsOnShown(r *status.Resource) bool {
	return v.nodes.all || slices.ContainsFunc(r.Active, func(n *status.Node) bool { return v.nodes.hasFold(n.Name) })
}

// skipMember tells whether a group's member is left out.
func (v *view) skipMember(group, m *status.Resource, only names) bool {
	filtered := v.filtered(m, only, false)
	shown := v.Inactive || v.c.IsActive(m, false)
	switch {
	case !only.all && !filtered:
		return false
	case !filtered && shown:
		return false
	}
	return !(v.named(group, only) && shown)
}

// listed are the resources that the list of resources holds; some may turn out
// to have nothing to show. counted are left to a summary by agents.
func (v *view) listed(brief bool) (list []*status.Resource) {
	for _, r := range v.c.Resources {
		all, some := v.c.IsActive(r, true), v.c.IsActive(r, false)
		switch {
		case r.Has(status.Removed) && !all:
		case v.ByNode:
			if !all {
				list = append(list, r)
			}
		case brief && r.Kind == status.Primitive:
		case !some && !v.Inactive:
		case some && !v.runsOnShown(r):
		default:
			list = append(list, r)
		}
	}
	return list
}

// stateWord is what a primitive does: what is under way, or its role.
func (v *view) stateWord(r *status.Resource) string {
	if w := legacyPending[r.PendingTask]; w != "" && !v.NoPending {
		return w
	}
	return r.ShownRole().String()
}

// description is a resource's description, where it is to be shown.
func (v *view) description(r *status.Resource, byNode bool) string {
	if !byNode && !v.Description && !v.Detail && !v.RscOnly {
		return ""
	}
	return r.XML.SelectAttrValue("description", "")
}

// nodeName is a node's name as it is shown.
func (v *view) nodeName(n *status.Node) string {
	name := n.Name
	if v.Detail {
		if n.IsGuest() {
			name += "@"
			if h := v.c.CurrentNode(n.Conn.Launcher); h != nil {
				name += h.Name
			}
		}
		if !strings.EqualFold(n.ID, n.Name) {
			name += " (" + n.ID + ")"
		}
	}
	return name
}

// mixedVersions tells whether fully joined members differ in their feature sets.
func (v *view) mixedVersions() bool {
	seen := ""
	for _, n := range v.c.Nodes {
		f := featureSet(n)
		if f == "" {
			continue
		}
		if seen != "" && f != seen {
			return true
		}
		seen = f
	}
	return false
}

// featureSet is the feature set of a node that is fully up, else "".
func featureSet(n *status.Node) string {
	if !n.Online || !n.ExpectedUp || n.IsRemote {
		return ""
	}
	if f, ok := n.Attrs.Get("#feature-set"); ok {
		return f
	}
	return "<3.15.1"
}

// anyHas tells whether a resource or anything in it has a flag, allHave whether
// everything has.
func anyHas(r *status.Resource, f status.ResourceFlags) bool {
	return r.Has(f) || slices.ContainsFunc(r.Children, func(k *status.Resource) bool { return anyHas(k, f) })
}

func allHave(r *status.Resource, f status.ResourceFlags) bool {
	return r.Has(f) && !slices.ContainsFunc(r.Children, func(k *status.Resource) bool { return !allHave(k, f) })
}

// hiddenHere are the beginnings of attributes' names that are for the cluster only.
var hiddenHere = []string{"fail-count", "last-failure", "shutdown", "terminate", "standby", "#"}

// attributesOf are a node's attributes as they are shown.
func attributesOf(n *status.Node) status.Values {
	var list status.Values
	for _, a := range n.Attrs {
		if !slices.ContainsFunc(hiddenHere, func(h string) bool { return strings.HasPrefix(a.Name, h) }) {
			list.Add(a.Name, a.Value)
		}
	}
	slices.SortFunc(list, func(a, b status.Pair) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// connectivity is the value that a ping resource's attribute should have; ok
// is false for other attributes.
func (v *view) connectivity(n *status.Node, name string) (expected int64, ok bool) {
	for _, r := range n.Running {
		if r.Type != "ping" && r.Type != "pingd" {
			continue
		}
		params := v.c.Params(r, n)
		own, given := params.Get("name")
		if !given {
			own = "pingd"
		}
		if !strings.EqualFold(own, name) {
			continue
		}
		each := int64(1)
		if m, ok := status.ParseInt(params.Value("multiplier")); ok {
			each = m
		}
		return int64(len(strings.Fields(params.Value("host_list")))) * each, true
	}
	return 0, false
}

// agentOf is the name of a resource's agent; a removed resource may have lost it.
func agentOf(r *status.Resource) string {
	if r.Class == "" && r.Type == "" {
		return "unknown:unknown"
	}
	return r.TextAgent()
}

// lastChange says when and by whom the configuration was changed, as far as it is known.
func (v *view) lastChange() string {
	changed := v.c.CIB.SelectAttrValue("cib-last-written", "")
	for _, w := range [][2]string{{" by ", "update-user"}, {" via ", "update-client"}, {" on ", "update-origin"}} {
		if s := v.c.CIB.SelectAttrValue(w[1], ""); s != "" {
			changed += w[0] + s
		}
	}
	return changed
}

// optionLines say how the cluster's main options stand.
func (v *view) optionLines() []string {
	o := &v.c.Options
	word := func(b bool, yes, no string) string {
		if b {
			return yes
		}
		return no
	}
	return []string{
		"Fencing of failed nodes " + word(o.FencingEnabled, "enabled", "disabled"),
		"Cluster is " + word(o.Symmetric, "symmetric", "asymmetric"),
		"No quorum policy: " + map[status.QuorumPolicy]string{
			status.QuorumFreeze: "Freeze resources", status.QuorumStop: "Stop ALL resources", status.QuorumIgnore: "Ignore",
			status.QuorumDemote: "Demote promotable resources and stop all other resources", status.QuorumFence: "Fence nodes in partition",
		}[o.QuorumPolicy],
	}
}
