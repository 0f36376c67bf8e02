package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/patch"
	"hacluster/engine/status"
)

// Runner carries changes out.
type Runner interface {
	// Read reads the cluster anew.
	Read(ctx context.Context) (Snapshot, error)
	// Patch applies a patchset, which fits only the document that it was made for.
	Patch(ctx context.Context, patchset *etree.Element) error
	// Cleanup forgets failures of a resource, on all nodes.
	Cleanup(ctx context.Context, resource string) error
}

// action is something that can be done to a subject.
type action struct {
	title string
	// edit changes a configuration; cleanup names the resource whose failures are forgotten.
	edit    func(root *etree.Element) error
	cleanup string
}

// actions are what can be done to a subject as it is now.
func (v *view) actions(s Subject) (list []action) {
	edit := func(title string, f func(root *etree.Element) error) {
		list = append(list, action{title: title, edit: f})
	}
	if s.Kind == Node {
		n := v.c.FindNode(s.ID)
		if n == nil {
			return nil
		}
		if n.Standby {
			edit("end standby of "+n.Name, nodeAttribute(n, "standby", ""))
		} else {
			edit("put "+n.Name+" into standby", nodeAttribute(n, "standby", "on"))
		}
		if n.Maintenance {
			edit("end maintenance of "+n.Name, nodeAttribute(n, "maintenance", ""))
		} else {
			edit("put "+n.Name+" into maintenance", nodeAttribute(n, "maintenance", "true"))
		}
		return append(list, v.clusterActions()...)
	}
	r := v.find(s.ID)
	if r == nil {
		return v.clusterActions()
	}
	// What is part of a group or clone moves with it.
	top := r
	for top.Parent != nil && top.Parent.Kind != status.Bundle {
		top = top.Parent
	}
	id := top.ID
	for _, n := range v.c.Nodes {
		if n.Available() && !n.IsBundleNode() && !status.HasNode(top.Active, n) && !top.IsClone() {
			edit(fmt.Sprintf("move %s to %s", id, n.Name), prefer(id, n.Name))
		}
	}
	for _, n := range top.Active {
		edit(fmt.Sprintf("ban %s from %s", id, n.Name), ban(id, n.Name))
	}
	if len(v.Root.FindElements("./configuration/constraints/rsc_location")) > 0 && hasOwn(v.Root, id) {
		edit("clear the moves and bans of "+id, clearOwn(id))
	}
	if len(v.failedOf(r)) > 0 {
		list = append(list, action{title: "clean up the failures of " + status.BaseName(r.ID), cleanup: status.BaseName(r.ID)})
	}
	targets := []*status.Resource{top}
	if r.XMLID() != top.XMLID() {
		targets = append(targets, r)
	}
	for _, x := range targets {
		name := x.XMLID()
		if x.Disabled() {
			edit("enable "+name, meta(name, "target-role", ""))
		} else {
			edit("disable "+name, meta(name, "target-role", "Stopped"))
		}
		if x.Has(status.InMaintenance) {
			edit("end maintenance of "+name, meta(name, "maintenance", ""))
		} else {
			edit("put "+name+" into maintenance", meta(name, "maintenance", "true"))
		}
	}
	return append(list, v.clusterActions()...)
}

func (v *view) clusterActions() []action {
	if v.c.Options.Maintenance {
		return []action{{title: "end maintenance of the whole cluster", edit: property("maintenance-mode", "")}}
	}
	return []action{{title: "put the whole cluster into maintenance", edit: property("maintenance-mode", "true")}}
}

func (v *view) failedOf(r *status.Resource) (list []status.FailedOp) {
	parts := members(r)
	for _, f := range v.c.Failures {
		if slices.Contains(parts, f.Resource) {
			list = append(list, f)
		}
	}
	return list
}

// The edits. An empty value takes the setting away.

func setPair(holder *etree.Element, tag, setID, id, name, value string) {
	for _, set := range holder.SelectElements(tag) {
		for _, nv := range set.SelectElements("nvpair") {
			if nv.SelectAttrValue("name", "") != name {
				continue
			}
			if value == "" {
				set.RemoveChild(nv)
			} else {
				nv.CreateAttr("value", value)
			}
			return
		}
	}
	if value == "" {
		return
	}
	set := holder.SelectElement(tag)
	if set == nil {
		set = holder.CreateElement(tag)
		set.CreateAttr("id", setID)
	}
	nv := set.CreateElement("nvpair")
	nv.CreateAttr("id", id)
	nv.CreateAttr("name", name)
	nv.CreateAttr("value", value)
}

func nodeAttribute(n *status.Node, name, value string) func(*etree.Element) error {
	return func(root *etree.Element) error {
		for _, e := range root.FindElements("./configuration/nodes/node") {
			if e.SelectAttrValue("uname", "") == n.Name {
				set := "nodes-" + e.SelectAttrValue("id", "")
				setPair(e, "instance_attributes", set, set+"-"+name, name, value)
				return nil
			}
		}
		return fmt.Errorf("node %s is not in the configuration", n.Name)
	}
}

func byID(root *etree.Element, section, id string) *etree.Element {
	s := cib.Section(root, section)
	if s == nil {
		return nil
	}
	for _, e := range s.FindElements(".//*") {
		if e.SelectAttrValue("id", "") == id {
			return e
		}
	}
	return nil
}

func meta(id, name, value string) func(*etree.Element) error {
	return func(root *etree.Element) error {
		e := byID(root, "resources", id)
		if e == nil {
			return fmt.Errorf("resource %s is not in the configuration", id)
		}
		setPair(e, "meta_attributes", id+"-meta_attributes", id+"-meta_attributes-"+name, name, value)
		return nil
	}
}

func property(name, value string) func(*etree.Element) error {
	return func(root *etree.Element) error {
		e := root.FindElement("./configuration/crm_config")
		if e == nil {
			return errors.New("the configuration has no crm_config")
		}
		setPair(e, "cluster_property_set", "cib-bootstrap-options", "cib-bootstrap-options-"+name, name, value)
		return nil
	}
}

func own(id string) func(*etree.Element) bool {
	return func(e *etree.Element) bool {
		at := e.SelectAttrValue("id", "")
		return e.SelectAttrValue("rsc", "") == id && (at == "cli-prefer-"+id || strings.HasPrefix(at, "cli-ban-"+id+"-on-"))
	}
}

func hasOwn(root *etree.Element, id string) bool {
	return slices.ContainsFunc(root.FindElements("./configuration/constraints/rsc_location"), own(id))
}

func clearOwn(id string) func(*etree.Element) error {
	return func(root *etree.Element) error {
		for _, e := range root.FindElements("./configuration/constraints/rsc_location") {
			if own(id)(e) {
				e.Parent().RemoveChild(e)
			}
		}
		return nil
	}
}

func location(root *etree.Element, id, rsc, node, score string) error {
	section := root.FindElement("./configuration/constraints")
	if section == nil {
		return errors.New("the configuration has no constraints section")
	}
	if e := byID(root, "constraints", id); e != nil {
		e.Parent().RemoveChild(e)
	}
	e := section.CreateElement("rsc_location")
	for _, a := range [][2]string{{"id", id}, {"rsc", rsc}, {"role", "Started"}, {"node", node}, {"score", score}} {
		e.CreateAttr(a[0], a[1])
	}
	return nil
}

// prefer moves a resource as pcs does; a ban of the node that it is to go to is lifted.
func prefer(id, node string) func(*etree.Element) error {
	return func(root *etree.Element) error {
		if e := byID(root, "constraints", "cli-ban-"+id+"-on-"+node); e != nil {
			e.Parent().RemoveChild(e)
		}
		return location(root, "cli-prefer-"+id, id, node, "INFINITY")
	}
}

func ban(id, node string) func(*etree.Element) error {
	return func(root *etree.Element) error {
		if e := byID(root, "constraints", "cli-prefer-"+id); e != nil && e.SelectAttrValue("node", "") == node {
			e.Parent().RemoveChild(e)
		}
		return location(root, "cli-ban-"+id+"-on-"+node, id, node, "-INFINITY")
	}
}

// Proposal is an action, and the plan that would come of it.
type Proposal struct {
	Title string
	Plan  []string
	due   []string // what the cluster is about to do anyway
	after *status.Cluster
	view  *view
	act   action
	patch *etree.Element
	// Again tells why it is asked for once more.
	Again string
}

// propose works out what an action would do in the cluster as a snapshot has it.
func (v *view) propose(a action) (*Proposal, error) {
	p := &Proposal{Title: a.title, view: v, act: a}
	raw := v.raw()
	next := raw
	if a.edit != nil {
		edited := raw.Copy()
		if err := a.edit(edited); err != nil {
			return nil, err
		}
		res, err := cib.Apply(raw, cib.Request{Op: cib.Replace, Section: "configuration", Data: edited.SelectElement("configuration")})
		if err != nil {
			return nil, err
		}
		next = res.Root
		p.patch = patch.Diff(raw, next)
	} else {
		next = forgetFailures(raw.Copy(), a.cleanup)
	}
	after, plan, err := v.settle(next.Copy())
	if err != nil {
		return nil, err
	}
	p.Plan, p.after = plan, after
	if anyway, err := v.planned(); err == nil {
		p.due = planLines(anyway)
	}
	return p, nil
}

// forgetFailures takes failures away as a cleanup does.
func forgetFailures(root *etree.Element, resource string) *etree.Element {
	for _, state := range root.FindElements("./status/node_state") {
		for _, nv := range state.FindElements("./transient_attributes//nvpair") {
			name := nv.SelectAttrValue("name", "")
			for _, prefix := range []string{"fail-count-", "last-failure-"} {
				if rest, ok := strings.CutPrefix(name, prefix); ok {
					rest, _, _ = strings.Cut(rest, "#")
					if status.BaseName(rest) == resource {
						nv.Parent().RemoveChild(nv)
					}
				}
			}
		}
		for _, e := range state.FindElements("./lrm/lrm_resources/lrm_resource") {
			if status.BaseName(e.SelectAttrValue("id", "")) != resource {
				continue
			}
			for _, op := range e.SelectElements("lrm_rsc_op") {
				if strings.HasSuffix(op.SelectAttrValue("id", ""), "_last_failure_0") {
					e.Parent().RemoveChild(e) // it is looked anew what runs
					break
				}
			}
		}
	}
	return root
}

// Outcome is how carrying a proposal out ended: done, an error, or a proposal to
// confirm anew because the cluster has changed meanwhile.
type Outcome struct {
	Done  string
	Again *Proposal
	Err   error

	// What a job worked out: the lines of a page, or a proposal; with its view.
	worked   bool
	page     *shown
	lines    []Line
	proposed *Proposal
	view     *view
}

// tries is how often a change is made anew when the cluster's status moves under it.
const tries = 10

// Carry carries a proposal out if its plan still stands: it reads the cluster,
// plans anew, and changes it only where the same would come of it, and the
// document is still the one that was planned for.
func (p *Proposal) Carry(ctx context.Context, r Runner) Outcome {
	for range tries {
		s, err := r.Read(ctx)
		if err != nil {
			return Outcome{Err: err}
		}
		again, err := newView(s).propose(p.act)
		if err != nil {
			return Outcome{Err: err}
		}
		if !slices.Equal(again.Plan, p.Plan) {
			again.Again = "The cluster has changed meanwhile, and another plan would come of it."
			return Outcome{Again: again}
		}
		if p.act.edit == nil {
			if err := r.Cleanup(ctx, p.act.cleanup); err != nil {
				return Outcome{Err: err}
			}
			return Outcome{Done: p.Title}
		}
		if again.patch == nil {
			return Outcome{Done: p.Title + ": nothing to change"}
		}
		err = r.Patch(ctx, again.patch)
		if err == nil {
			return Outcome{Done: p.Title}
		}
		var e *cib.Error
		if !errors.As(err, &e) || e.Code != cib.OldData && e.Code != cib.DiffFailed && e.Code != cib.DiffResync {
			return Outcome{Err: err}
		}
	}
	return Outcome{Err: errors.New("the cluster changes faster than a change can be made; try again")}
}

func (p *Proposal) lines() []Line {
	s := &sheet{}
	if p.Again != "" {
		s.add(Warn, "%s", p.Again)
	}
	s.title("To %s", p.Title)
	s.title("The cluster would then")
	due := map[string]bool{}
	for _, l := range p.due {
		due[strings.Join(strings.Fields(l), " ")] = true
	}
	for _, l := range p.Plan {
		l = strings.Join(strings.Fields(l), " ")
		if due[l] {
			s.add(Faint, "  %s  [also without this]", l)
		} else {
			s.add(Plain, "  %s", l)
		}
	}
	if len(p.Plan) == 0 {
		s.add(Faint, "  do nothing more")
	}
	p.view.compare(s, p.after)
	return s.lines
}
