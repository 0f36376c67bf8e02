package resource

import (
	"slices"
	"sort"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/preview"
	"hacluster/internal/pcs/remove"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// onOff is how a verb of resources or fence devices speaks of them.
type onOff struct {
	fence bool
}

func (o onOff) noun() string {
	if o.fence {
		return "stonith resource(s)"
	}
	return "resource(s)"
}

// other is the command for what this one should not be used for.
func (o onOff) other(verb string) string {
	if o.fence {
		return "pcs resource " + verb
	}
	return "pcs stonith " + verb
}

// Enable is `resource enable` since 0.10, EnableStonith the same of fence devices.
func Enable(s *session.Session, args []string) error { return onOff{}.enable(s, args) }

// EnableStonith is `stonith enable`.
func EnableStonith(s *session.Session, args []string) error {
	return onOff{fence: true}.enable(s, args)
}

func (o onOff) enable(s *session.Session, args []string) error {
	if err := s.Opts.Only("--wait", "-f"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usagef("You must specify %s to enable", o.noun())
	}
	if err := s.TellKind(args, o.fence, o.other("enable")); err != nil {
		return err
	}
	plan, err := s.PlanWait()
	if err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	named, items := s.Expand(root, args)
	s.Out.Tell(items...)
	var list []*etree.Element
	for _, el := range named {
		list = append(list, withEnabled(el)...)
	}
	if err := s.Check(setRole(s, root, session.InOrder(root, list), "")...); err != nil {
		return err
	}
	if err := s.Push(root); err != nil {
		return err
	}
	var ids []string
	for _, el := range named {
		ids = append(ids, doc.ID(el))
	}
	return s.WaitFor(plan, ids, session.Expect(true))
}

// Disable is `resource disable` since 0.10, DisableStonith the same of fence devices.
func Disable(s *session.Session, args []string) error {
	return onOff{}.disable(s, args, s.Opts.Has("--safe"))
}

// DisableStonith is `stonith disable`.
func DisableStonith(s *session.Session, args []string) error {
	o := onOff{fence: true}
	if s.Minor() >= 11 && len(args) > 0 && (s.Opts.Has("--safe") || s.Opts.Has("--no-strict") || s.Opts.Has("--simulate")) {
		if err := s.TellKind(args, true, o.other("disable")); err != nil {
			return err
		}
		s.Deprecated("Options '--safe', '--no-strict' and '--simulate' are deprecated and will be removed in a future release.")
		return o.disableTold(s, args, s.Opts.Has("--safe"))
	}
	return o.disable(s, args, s.Opts.Has("--safe"))
}

// SafeDisable is `resource safe-disable`.
func SafeDisable(s *session.Session, args []string) error {
	if err := s.Opts.Only("--brief", "--force", "--no-strict", "--simulate", "--wait"); err != nil {
		return err
	}
	if err := s.Opts.Incompatible("--force", "--no-strict", "--simulate"); err != nil {
		return err
	}
	forced := s.Opts.Force()
	if forced {
		s.Out.Warn("option '--force' is specified therefore checks for disabling resource safely will be skipped")
		s.Opts = s.Opts.Without("--force")
	}
	return onOff{}.disable(s, args, !forced && !s.Opts.Has("--simulate"))
}

func (o onOff) disable(s *session.Session, args []string, safe bool) error {
	if len(args) == 0 {
		return argv.Usagef("You must specify %s to disable", o.noun())
	}
	if err := s.TellKind(args, o.fence, o.other("disable")); err != nil {
		return err
	}
	return o.disableTold(s, args, safe)
}

func (o onOff) disableTold(s *session.Session, args []string, safe bool) error {
	for _, err := range []error{
		s.Opts.Only("-f", "--force", "--brief", "--safe", "--simulate", "--no-strict", "--wait"),
		s.Opts.Exclusive("-f", "--simulate", "--wait"),
		s.Opts.Incompatible("--simulate", "-f", "--safe", "--wait"),
		s.Opts.Incompatible("--safe", "-f", "--simulate"),
		s.Opts.Incompatible("--no-strict", "-f"),
	} {
		if err != nil {
			return err
		}
	}
	strict := !s.Opts.Has("--no-strict")
	switch {
	case s.Opts.Has("--simulate"):
		return disableSimulate(s, args, strict)
	case safe || !strict:
		return disableSafely(s, args, strict)
	case s.Opts.Has("--brief"):
		return argv.Usagef("'--brief' cannot be used without '--simulate' or '--safe'")
	}
	plan, err := s.PlanWait()
	if err != nil {
		return err
	}
	root, list, err := disabled(s, args, true)
	if err != nil {
		return err
	}
	_ = list
	if err := s.Push(root); err != nil {
		return err
	}
	return s.WaitFor(plan, args, session.Expect(false))
}

// disabled is the CIB with resources disabled; fencing asks whether devices to fence nodes are left.
func disabled(s *session.Session, ids []string, fencing bool) (*etree.Element, []*etree.Element, error) {
	root, err := s.CIB()
	if err != nil {
		return nil, nil, err
	}
	if s.Legacy() {
		list, items := findAll(s, doc.Section(root, "resources"), ids, itself)
		if len(items) > 0 {
			return nil, nil, report.Items(items)
		}
		return root, list, s.Check(setRole(s, root, list, "Stopped")...)
	}
	list, items := s.Expand(root, ids)
	s.Out.Tell(items...)
	if fencing && s.Minor() >= 11 {
		var devices []string
		for _, el := range list {
			for _, p := range append([]*etree.Element{el}, doc.All(el, "primitive")...) {
				if doc.IsStonith(p) {
					devices = append(devices, doc.ID(p))
				}
			}
		}
		left, err := remove.FencingLeft(s, root, devices)
		if err != nil {
			return nil, nil, err
		}
		s.Out.Tell(left...)
	}
	return root, list, s.Check(setRole(s, root, list, "Stopped")...)
}

// affected previews a CIB in which resources are disabled. It gives the other resources that
// would be touched; if not strict, only those that would not run or be promoted any more.
func affected(root *etree.Element, list []*etree.Element, strict bool) (*preview.Result, []string, error) {
	r, err := preview.Run(root)
	if err != nil {
		return nil, nil, err
	}
	others := r.LeftDown()
	if strict {
		others = r.Touched()
	}
	return r, slices.DeleteFunc(others, func(id string) bool {
		return slices.ContainsFunc(list, func(el *etree.Element) bool {
			return doc.ID(el) == id || slices.ContainsFunc(doc.All(el, session.ResourceTags...), func(in *etree.Element) bool { return doc.ID(in) == id })
		})
	}), nil
}

func disableSimulate(s *session.Session, ids []string, strict bool) error {
	root, list, err := disabled(s, ids, false)
	if err != nil {
		return err
	}
	r, others, err := affected(root, list, strict)
	switch {
	case err != nil:
		return err
	case !s.Opts.Has("--brief"):
		s.Out.Print(r.Text)
	case len(others) > 0:
		s.Out.Print(others...)
	}
	return nil
}

func disableSafely(s *session.Session, ids []string, strict bool) error {
	plan, err := s.PlanWait()
	if err != nil {
		return err
	}
	root, list, err := disabled(s, ids, false)
	if err != nil {
		return err
	}
	r, others, err := affected(root, list, strict)
	if err != nil {
		return err
	}
	var names []string
	for _, el := range list {
		names = append(names, doc.ID(el))
	}
	if len(others) > 0 && s.Legacy() {
		return report.Items{report.Errorf("Disabling specified resources would have an effect on other resources\n\n%s", r.Text)}
	}
	if len(others) > 0 {
		items := []report.Item{report.Errorf("Disabling specified %s would have an effect on %s %s: %s", report.Plural(len(names), "resource", "resources"),
			report.Plural(len(others), "this", "these"), report.Plural(len(others), "resource", "resources"), report.QuoteSorted(others))}
		if !s.Opts.Has("--brief") {
			items = append(items, report.Infof("\nSimulation result:\n%s", r.Text))
		}
		return s.Check(items...)
	}
	if err := s.Push(root); err != nil {
		return err
	}
	return s.WaitFor(plan, names, session.Expect(false))
}

// Manage is `resource manage` since 0.10.
func Manage(s *session.Session, args []string) error {
	if err := s.Opts.Only("--monitor", "-f"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usagef("You must specify resource(s) to manage")
	}
	if err := s.TellKind(args, false, ""); err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	named, items := s.Expand(root, args)
	var list []*etree.Element
	for _, el := range named {
		list = append(list, managedSet(el)...)
	}
	ids := doc.NewIDs(root)
	for _, el := range session.InOrder(root, list) {
		setMeta(s, el, "is-managed", "", ids)
		if s.Opts.Has("--monitor") && el.Tag == "primitive" {
			for _, op := range monitors(el) {
				op.RemoveAttr("enabled")
			}
		}
	}
	sort.SliceStable(named, func(i, j int) bool { return doc.ID(named[i]) < doc.ID(named[j]) })
	for _, el := range named {
		for _, p := range primitivesOf(el) {
			if off := monitors(p); len(off) > 0 && !slices.ContainsFunc(off, opEnabled) {
				items = append(items, report.Warnf("Resource '%s' has no enabled monitor operations. Re-run with '--monitor' to enable them.", doc.ID(p)))
			}
		}
	}
	if err := s.Check(items...); err != nil {
		return err
	}
	return s.Push(root)
}

func opEnabled(op *etree.Element) bool {
	return number.IsTrue(op.SelectAttrValue("enabled", "true"))
}

// Unmanage is `resource unmanage` since 0.10.
func Unmanage(s *session.Session, args []string) error {
	if err := s.Opts.Only("--monitor", "-f"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usagef("You must specify resource(s) to unmanage")
	}
	if err := s.TellKind(args, false, ""); err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	named, items := s.Expand(root, args)
	if err := s.Check(items...); err != nil {
		return err
	}
	var list []*etree.Element
	for _, el := range named {
		list = append(list, unmanagedSet(el)...)
	}
	unmanage(s, root, session.InOrder(root, list))
	return s.Push(root)
}
