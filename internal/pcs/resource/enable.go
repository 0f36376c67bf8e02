package resource

import (
	"slices"
	"sort"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// findAll finds resources by id; extend adds those that belong to each.
func findAll(s *session.Session, resources *etree.Element, ids []string, extend func(*etree.Element) []*etree.Element) ([]*etree.Element, []report.Item) {
	var out []*etree.Element
	var items []report.Item
	for _, id := range ids {
		el, bad := s.Find(resources, id, session.PlaceableTags)
		if el == nil {
			items = append(items, bad...)
			continue
		}
		out = append(out, extend(el)...)
	}
	return out, items
}

func itself(el *etree.Element) []*etree.Element { return []*etree.Element{el} }

// withEnabled are the resources whose target-role keeps one from running: it and what is around it, or in it.
func withEnabled(el *etree.Element) []*etree.Element {
	switch {
	case el.Tag == "bundle":
		if in := doc.Child(el, "primitive"); in != nil {
			return []*etree.Element{el, in}
		}
		return []*etree.Element{el}
	case doc.Is(el, "clone", "master"):
		return []*etree.Element{el, doc.Cloned(el)}
	}
	if p := el.Parent(); doc.Is(p, "clone", "master", "bundle") {
		return []*etree.Element{el, p}
	}
	return []*etree.Element{el}
}

// setRole changes target-role of resources and tells those that the cluster does not manage.
func setRole(s *session.Session, root *etree.Element, list []*etree.Element, value string) []report.Item {
	st, err := s.State()
	ids := doc.NewIDs(root)
	var items []report.Item
	for _, el := range list {
		managed, found := configManaged(el), true
		if err == nil {
			managed, found = st.Managed(doc.ID(el))
		}
		switch {
		case !found:
			items = append(items, s.NotFound(doc.Section(root, "resources"), doc.ID(el), nil, session.PlaceableTags))
			if items[len(items)-1].Code != "ID_NOT_FOUND" {
				items[len(items)-1] = report.Errorf("%s '%s' does not exist", typeList(s, session.PlaceableTags), doc.ID(el))
			}
			continue
		case !managed:
			items = append(items, report.Warnf("'%s' is unmanaged", doc.ID(el)))
		}
		setMeta(s, el, "target-role", value, ids)
	}
	return items
}

func typeList(s *session.Session, tags []string) string {
	if s.Legacy() {
		return doc.TypeList09(tags, false)
	}
	return doc.TypeList(tags, false)
}

// configManaged tells from the configuration alone whether the cluster may act on a resource.
func configManaged(el *etree.Element) bool {
	for e := el; e != nil && e.Tag != "resources"; e = e.Parent() {
		if v, ok := doc.Value(e, "meta_attributes", "is-managed"); ok {
			return !number.IsFalse(v)
		}
	}
	for _, nv := range doc.All(doc.Section(el, "rsc_defaults"), "nvpair") {
		if doc.Attr(nv, "name") == "is-managed" && number.IsFalse(doc.Attr(nv, "value")) {
			return false
		}
	}
	return true
}

// Enable09 is `resource enable` and `stonith enable` of 0.9.
func Enable09(s *session.Session, args []string) error {
	if len(args) < 1 {
		return report.Fatal("You must specify resource(s) to enable")
	}
	return role09(s, args, "", withEnabled, true)
}

func role09(s *session.Session, args []string, value string, extend func(*etree.Element) []*etree.Element, running bool) error {
	plan, err := s.PlanWait()
	if err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	resources, err := s.Resources(root)
	if err != nil {
		return err
	}
	list, items := findAll(s, resources, args, extend)
	if len(items) > 0 {
		return report.Items(items)
	}
	if err := s.Check(setRole(s, root, list, value)...); err != nil {
		return err
	}
	if err := s.Push(root); err != nil {
		return err
	}
	return s.WaitFor(plan, args, session.Expect(running))
}

// Disable09 is `resource disable` and `stonith disable` of 0.9.
func Disable09(s *session.Session, args []string) error {
	if len(args) == 0 {
		return argv.Usagef("You must specify resource(s) to disable")
	}
	if s.Opts.Has("--simulate") || s.Opts.Has("--safe") || s.Opts.Has("--no-strict") {
		return disableSafe(s, args)
	}
	return role09(s, args, "Stopped", itself, false)
}

// SafeDisable09 is `resource safe-disable` of 0.9.
func SafeDisable09(s *session.Session, args []string) error {
	if s.Opts.Has("--safe") {
		return argv.Usagef("Option '--safe' is not supported in this command")
	}
	if s.Opts.Force() {
		s.Out.Warn("option '--force' is specified therefore checks for disabling resource safely will be skipped")
		return Disable09(s, args)
	}
	if len(args) == 0 {
		return argv.Usagef("You must specify resource(s) to disable")
	}
	return disableSafe(s, args)
}

// disableSafe disables only what has no side effects, or shows what would happen.
func disableSafe(s *session.Session, args []string) error {
	if !s.Live() {
		return s.Check(report.Errorf("This command does not support '-f'"))
	}
	strict := !s.Opts.Has("--no-strict")
	if s.Opts.Has("--simulate") {
		return disableSimulate(s, args, strict)
	}
	return disableSafely(s, args, strict)
}

// managedSet are the resources that manage changes: one, what is around it and what is in it.
func managedSet(el *etree.Element) []*etree.Element {
	out := []*etree.Element{el}
	for p := el.Parent(); p != nil && doc.Is(p, "clone", "master", "bundle", "group"); p = p.Parent() {
		out = append(out, p)
	}
	for _, c := range doc.Children(el, "group", "primitive") {
		out = append(out, c)
		out = append(out, doc.Children(c, "primitive")...)
	}
	return out
}

// unmanagedSet are the resources that unmanage changes: the primitives.
func unmanagedSet(el *etree.Element) []*etree.Element {
	if el.Tag == "bundle" {
		out := []*etree.Element{el}
		if in := doc.Child(el, "primitive"); in != nil {
			out = append(out, in)
		}
		return out
	}
	if doc.Is(el, "clone", "master") {
		el = doc.Cloned(el)
	}
	switch {
	case el == nil:
		return nil
	case el.Tag == "group":
		return doc.Children(el, "primitive")
	case el.Tag == "primitive":
		return []*etree.Element{el}
	}
	return nil
}

// primitivesOf are the primitives of a resource.
func primitivesOf(el *etree.Element) []*etree.Element {
	switch {
	case el.Tag == "primitive":
		return []*etree.Element{el}
	case el.Tag == "bundle", el.Tag == "group":
		return doc.Children(el, "primitive")
	}
	return doc.All(el, "primitive")
}

func monitors(p *etree.Element) []*etree.Element {
	var out []*etree.Element
	for _, list := range doc.Children(p, "operations") {
		for _, op := range doc.Children(list, "op") {
			if doc.Attr(op, "name") == "monitor" {
				out = append(out, op)
			}
		}
	}
	return out
}

func unique(list []*etree.Element) []*etree.Element {
	var out []*etree.Element
	for _, e := range list {
		if !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out
}

// Manage09 is `resource manage` of 0.9.
func Manage09(s *session.Session, args []string) error {
	if len(args) < 1 {
		return report.Fatal("You must specify resource(s) to manage")
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	list, items := findAll(s, doc.Section(root, "resources"), args, managedSet)
	if len(items) > 0 {
		return report.Items(items)
	}
	if err := s.Check(manage(s, root, list)...); err != nil {
		return err
	}
	return s.Push(root)
}

func manage(s *session.Session, root *etree.Element, list []*etree.Element) []report.Item {
	ids := doc.NewIDs(root)
	var primitives []*etree.Element
	for _, el := range list {
		setMeta(s, el, "is-managed", "", ids)
		primitives = append(primitives, primitivesOf(el)...)
	}
	primitives = unique(primitives)
	sort.SliceStable(primitives, func(i, j int) bool { return doc.ID(primitives[i]) < doc.ID(primitives[j]) })
	var items []report.Item
	for _, p := range primitives {
		ops := monitors(p)
		enabled := false
		for _, op := range ops {
			if s.Opts.Has("--monitor") {
				op.RemoveAttr("enabled")
			}
			enabled = enabled || number.IsTrue(op.SelectAttrValue("enabled", "true"))
		}
		if len(ops) > 0 && !enabled && !s.Opts.Has("--monitor") {
			items = append(items, report.Warnf("Resource '%s' has no enabled monitor operations. Re-run with '--monitor' to enable them.", doc.ID(p)))
		}
	}
	return items
}

// Unmanage09 is `resource unmanage` of 0.9.
func Unmanage09(s *session.Session, args []string) error {
	if len(args) < 1 {
		return report.Fatal("You must specify resource(s) to unmanage")
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	list, items := findAll(s, doc.Section(root, "resources"), args, unmanagedSet)
	if len(items) > 0 {
		return report.Items(items)
	}
	unmanage(s, root, list)
	return s.Push(root)
}

func unmanage(s *session.Session, root *etree.Element, list []*etree.Element) {
	ids := doc.NewIDs(root)
	for _, el := range list {
		setMeta(s, el, "is-managed", "false", ids)
		if s.Opts.Has("--monitor") {
			for _, p := range primitivesOf(el) {
				for _, op := range monitors(p) {
					doc.Set(op, "enabled", "false")
				}
			}
		}
	}
}
