// Package move is where a user wishes resources to run: `resource move`, `ban`, `clear` and
// `relocate`, in all generations.
package move

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/engine/status"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/preview"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// MoveConstraint is `resource move-with-constraint`, and `resource move` of 0.10.
func MoveConstraint(s *session.Session, args []string) error { return place(s, args, "move") }

// Ban is `resource ban` since 0.10.
func Ban(s *session.Session, args []string) error { return place(s, args, "ban") }

// promotedOption is --promoted, or --master as it was called before 0.11.
func promotedOption(s *session.Session) string {
	if s.Minor() == 10 {
		return "--master"
	}
	return "--promoted"
}

// parsePlace reads RESOURCE [NODE] [lifetime=DURATION].
func parsePlace(args []string) (id, node, lifetime string, err error) {
	id = args[0]
	for _, a := range args[1:] {
		v, ok := strings.CutPrefix(a, "lifetime=")
		switch {
		case ok && lifetime != "" || !ok && node != "":
			return "", "", "", argv.Usage()
		case ok:
			lifetime, _, _ = strings.Cut(v, "=")
			if lifetime != "" && lifetime[0] >= '0' && lifetime[0] <= '9' {
				lifetime = "P" + lifetime
			}
		default:
			node = a
		}
	}
	return id, node, lifetime, nil
}

func place(s *session.Session, args []string, what string) error {
	option := promotedOption(s)
	if err := s.Opts.Only("-f", option, "--wait"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usagef("must specify a resource to %s", what)
	}
	if len(args) > 3 {
		return argv.Usage()
	}
	id, node, lifetime, err := parsePlace(args)
	if err != nil {
		return err
	}
	plan, err := s.PlanWait()
	if err != nil {
		return err
	}
	p := placement{what: what, id: id, node: node, promoted: s.Opts.Has(option), lifetime: lifetime, step: s.PushStep}
	root, err := p.load(s)
	if err != nil {
		return err
	}
	before := session.StateOf(root).RolesWithNodes(id, true)
	bans, err := p.apply(s, root)
	if err != nil {
		return p.failed(err)
	}
	if err := s.Push(root); err != nil {
		return err
	}
	for _, b := range bans {
		s.Out.Info(p.banText(b))
	}
	if len(bans) == 0 {
		s.Out.Warn("A move constraint has been created and the resource '" + id + "' may or may not move depending on other configuration")
	}
	if !plan.Given {
		return nil
	}
	if err := s.Idle(plan); err != nil {
		return err
	}
	st, err := s.State()
	if err != nil {
		return err
	}
	after := st.RolesWithNodes(id, true)
	if what == "ban" {
		return s.Check(placed(id, after, p.banned(before, after)))
	}
	return s.Check(placed(id, after, p.moved(before, after)))
}

// load reads the CIB and checks that the resource can be placed so.
func (p placement) load(s *session.Session) (*etree.Element, error) {
	root, err := s.CIB()
	if err != nil {
		return nil, err
	}
	resources, err := s.Resources(root)
	if err != nil {
		return nil, err
	}
	el, items := s.Find(resources, p.id, session.PlaceableTags)
	if el != nil {
		if doc.IsStonith(el) && s.Minor() >= 11 {
			what := "stonith device"
			if s.Minor() >= 12 {
				what = "stonith resource"
			}
			items = append(items, s.Mismatch(what, ""))
		}
		items = append(items, p.misplaced(el)...)
	}
	if p.node != "" && p.what != "clear" && !slices.ContainsFunc(session.StateOf(root).Nodes(), func(n session.StateNode) bool { return n.Name == p.node }) {
		items = append(items, report.Errorf("Node '%s' does not appear to exist in configuration", p.node))
	}
	return root, s.Check(items...)
}

// misplaced tells why an element is not what should be named.
func (p placement) misplaced(el *etree.Element) []report.Item {
	bundle, clone := doc.Ancestor(el, "bundle"), doc.Ancestor(el, "clone", "master")
	if doc.Is(el, "bundle", "clone", "master") {
		bundle, clone = nil, nil
	}
	var items []report.Item
	if bundle != nil {
		switch p.what {
		case "move":
			items = append(items, report.Errorf("Resources cannot be moved out of their bundles. If you want to move a bundle, use the bundle id (%s)", doc.ID(bundle)))
		case "ban":
			items = append(items, report.Errorf("Resource '%s' is in a bundle and cannot be banned. If you want to ban the bundle, use the bundle id (%s)", p.id, doc.ID(bundle)))
		}
	}
	switch {
	case p.what == "move" && clone != nil && !isPromotable(clone):
		items = append(items, report.Errorf("to move clone resources you must use the clone id (%s)", doc.ID(clone)))
	case p.what == "move" && clone != nil && !p.promoted:
		items = append(items, report.Errorf("to move promotable clone resources you must use the promotable clone id (%s)", doc.ID(clone)))
	case p.promoted && !isPromotable(el):
		text := "when specifying --promoted you must use the promotable clone id"
		if isPromotable(clone) {
			text += " (" + doc.ID(clone) + ")"
		}
		items = append(items, report.Errorf("%s", text))
	}
	return items
}

// failed is what to tell when Pacemaker refuses a placement.
func (p placement) failed(err error) error {
	verb, done := p.what, p.what+"d"
	if p.what == "ban" {
		done = "banned"
	}
	var many *manyError
	var duration *durationError
	switch {
	case errors.Is(err, errNowhere):
		return report.Items{report.Errorf("You must specify a node when moving/banning a stopped resource")}
	case errors.As(err, &many):
		text := "more than one instance of resource '" + p.id + "' is running, thus the resource cannot be " + done
		if !many.named {
			text += ", unless a destination node is specified"
		}
		return report.Items{report.Errorf("%s", text)}
	case errors.As(err, &duration):
		return report.Items{report.Errorf("cannot %s resource '%s'\n%s", verb, p.id, err)}
	}
	return report.Items{report.Errorf("cannot %s resource '%s'\ncrm_resource: %s", verb, p.id, err)}
}

func (p placement) banText(b ban) string {
	action := "running"
	if p.promoted {
		action = "being promoted"
	}
	return "Warning: Creating location constraint '" + b.constraint + "' with a score of -INFINITY for resource " + p.id + " on " + b.node + ".\n" +
		"\tThis will prevent " + p.id + " from " + action + " on " + b.node + " until the constraint is removed\n" +
		"\tThis will be the case even if " + b.node + " is the last node in the cluster"
}

// active are the nodes that a resource runs on, other than as an unpromoted instance.
func active(roles map[string][]string) []string {
	out := append(slices.Clone(roles["Promoted"]), roles["Started"]...)
	slices.Sort(out)
	return slices.Compact(out)
}

// moved tells whether a resource that ran runs elsewhere, on the node that was asked for.
func (p placement) moved(before, after map[string][]string) bool {
	if len(before) == 0 {
		return true
	}
	nodes := active(after)
	return len(nodes) > 0 && (p.node == "" || slices.Contains(nodes, p.node)) && !maps.EqualFunc(before, after, slices.Equal)
}

// banned tells whether a resource left the nodes that it was banned from, and runs still.
func (p placement) banned(before, after map[string][]string) bool {
	off := active(before)
	if p.node != "" {
		off = []string{p.node}
	}
	on := active(after)
	return !slices.ContainsFunc(off, func(n string) bool { return slices.Contains(on, n) }) && (len(before) == 0 || len(on) > 0)
}

// placed tells where a resource runs, as an error where that is not what was asked for.
func placed(id string, roles map[string][]string, ok bool) report.Item {
	item := report.Infof("%s", session.RolesText(id, roles))
	if !ok {
		item.Severity = report.Error
	}
	return item
}

// Clear is `resource clear` since 0.10.
func Clear(s *session.Session, args []string) error {
	option := promotedOption(s)
	if err := s.Opts.Only("-f", "--expired", option, "--wait"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usagef("must specify a resource to clear")
	}
	if len(args) > 2 {
		return argv.Usage()
	}
	p := placement{what: "clear", id: args[0], promoted: s.Opts.Has(option), expired: s.Opts.Has("--expired")}
	if len(args) > 1 {
		p.node = args[1]
	}
	plan, err := s.PlanWait()
	if err != nil {
		return err
	}
	root, err := p.load(s)
	if err != nil {
		return err
	}
	if !placeable(session.StateOf(root).Model(), p.id) {
		return p.failed(errors.New("Resource '" + p.id + "' not found\nError performing operation: No such object"))
	}
	old := locations(root)
	if err := p.clear(s, root); err != nil {
		return p.failed(err)
	}
	left := locations(root)
	if err := s.Push(root); err != nil {
		return err
	}
	for _, id := range old {
		if !slices.Contains(left, id) {
			s.Out.Info("Removing constraint: " + id)
		}
	}
	return s.WaitFor(plan, []string{p.id}, nil)
}

func locations(root *etree.Element) []string {
	var out []string
	for _, c := range doc.Children(doc.Section(root, "constraints"), "rsc_location") {
		out = append(out, doc.ID(c))
	}
	return out
}

// placeable tells whether Pacemaker can place what has this id: what is inside of a clone whose
// instances are told apart has no name of its own.
func placeable(model *status.Cluster, id string) bool {
	found := false
	var walk func(list []*status.Resource)
	walk = func(list []*status.Resource) {
		for _, r := range list {
			found = found || r.ID == id || r.HistoryID == id || !r.Has(status.Unique) && status.BaseName(r.ID) == id
			walk(r.Children)
			if r.Bundle != nil {
				for _, part := range r.Bundle.Parts {
					if part.Child != nil {
						walk([]*status.Resource{part.Child})
					}
				}
			}
		}
	}
	walk(model.Resources)
	return found
}

// Move is `resource move` since 0.11: the constraint that moves the resource goes away again, and the
// command refuses to move what would not stay.
func Move(s *session.Session, args []string) error {
	if s.Minor() == 10 && !s.Opts.Has("--autodelete") {
		return MoveConstraint(s, args)
	}
	option := promotedOption(s)
	since := ""
	if s.Minor() >= 12 {
		since = "0.12"
	}
	if err := s.Opts.OnlySince(since, "--autodelete", option, "--strict", "--wait"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usagef("must specify a resource to move")
	}
	p := placement{what: "move", id: args[0], promoted: s.Opts.Has(option)}
	if len(args) > 1 {
		if p.node = args[1]; strings.HasPrefix(p.node, "lifetime=") {
			s.Deprecated("Option 'lifetime' has been removed. See 'man pcs' -> Changes in pcs-0.11.")
		}
	}
	if len(args) > 2 {
		return argv.Usage()
	}
	if s.Opts.Has("--autodelete") && s.Minor() >= 11 {
		s.Deprecated("Option '--autodelete' is deprecated. There is no need to use it as its functionality is default now.")
	}
	plan := session.WaitPlan{Given: true}
	if v, _ := s.Opts.Wait(); v != nil {
		n, ok := session.Seconds(*v)
		if !ok {
			return argv.Usagef("'%s' is not a valid interval value", *v)
		}
		plan = session.WaitSeconds(n)
	}
	return p.moveAndClear(s, plan, s.Opts.Has("--strict"))
}

func (p placement) moveAndClear(s *session.Session, plan session.WaitPlan, strict bool) error {
	root, err := p.load(s)
	if err != nil {
		return err
	}
	st := session.StateOf(root)
	before := st.RolesWithNodes(p.id, true)
	if managed, found := st.Managed(p.id); found && !managed {
		return report.Items{report.Errorf("'%s' is unmanaged", p.id)}
	}
	if len(active(before)) == 0 {
		return report.Items{report.Errorf("It is not possible to move resource '%s' as it is not running at the moment, use 'pcs resource move-with-constraint' or 'pcs constraint location' commands instead", p.id)}
	}
	old := doc.Format(root)
	if _, err := p.apply(s, root); err != nil {
		return p.failed(err)
	}
	if string(old) == string(doc.Format(root)) {
		s.Out.Info("No action necessary, requested change would have no effect")
		return nil
	}
	ahead, err := preview.Run(root)
	if err != nil {
		return err
	}
	if others := slices.DeleteFunc(ahead.Touched(), func(id string) bool { return id == p.id }); strict && len(others) > 0 {
		return report.Items{report.Errorf("Moving resource '%s' affects %s: %s", p.id, report.Plural(len(others), "resource", "resources"), report.QuoteSorted(others))}
	}
	if err := p.stays(s, ahead.After, before, strict, false); err != nil {
		return err
	}
	if err := s.Push(root); err != nil {
		return err
	}
	s.Out.Info("Location constraint to move resource '" + p.id + "' has been created")
	if err := s.Idle(plan); err != nil {
		return err
	}
	if root, err = s.CIB(); err != nil {
		return err
	}
	if err := p.stays(s, root, before, strict, true); err != nil {
		return err
	}
	if err := p.clear(s, root); err != nil {
		return p.failed(err)
	}
	if err := s.Push(root); err != nil {
		return err
	}
	s.Out.Info("Location constraint created to move resource '" + p.id + "' has been removed")
	if err := s.Idle(plan); err != nil {
		return err
	}
	if st, err = s.State(); err != nil {
		return err
	}
	after := st.RolesWithNodes(p.id, true)
	return s.Check(placed(p.id, after, p.moved(before, after)))
}

// stays checks that a CIB has the resource moved, and that it stays without the constraint. left
// tells that the constraint is in the cluster already.
func (p placement) stays(s *session.Session, root *etree.Element, before map[string][]string, strict, left bool) error {
	if !p.moved(before, session.StateOf(root).RolesWithNodes(p.id, true)) {
		return report.Items{report.Errorf("Unable to move resource '%s' using a location constraint. Current location of the resource may be affected by some other constraint.", p.id)}
	}
	without := root.Copy()
	if err := p.clear(s, without); err != nil {
		return p.failed(err)
	}
	r, err := preview.Run(without)
	if err != nil {
		return err
	}
	touched := r.Touched()
	others := ""
	switch {
	case strict && len(touched) > 0:
		others = " or other resources"
	case !strict && slices.Contains(touched, p.id):
	default:
		return nil
	}
	text := "Unable to ensure that moved resource '" + p.id + "'" + others + " will stay on the same node after a constraint used for moving it is removed."
	if left {
		text += " The constraint to move the resource has not been removed from configuration. Consider removing it manually. Be aware that removing the constraint may cause resources to move to other nodes."
		run := "pcs resource clear " + p.id
		if p.node != "" {
			run += " " + p.node
		}
		text += " Run '" + run + "' to remove the constraint."
	}
	return report.Items{report.Errorf("%s", text)}
}

// isPromotable tells whether an element is a clone whose instances are promoted.
func isPromotable(e *etree.Element) bool {
	if e == nil || e.Tag == "master" {
		return e != nil
	}
	v, _ := doc.Value(e, "meta_attributes", "promotable")
	return e.Tag == "clone" && number.IsTrue(v)
}
