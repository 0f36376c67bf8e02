// Package remove takes constraints, rules and resources out of a CIB, together with all that
// would point to nothing afterwards.
package remove

import (
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

var (
	constraintTags = []string{"rsc_colocation", "rsc_location", "rsc_order", "rsc_ticket"}
	resourceTags   = []string{"bundle", "clone", "group", "master", "primitive"}
)

// Plan is what has to go when some elements go.
type Plan struct {
	asked map[string]bool
	// ids are the elements that go, references the elements that only lose a mention of one that goes.
	ids        map[string]bool
	references map[string]map[string]bool
	missing    []string
	unfit      []string
	tags       map[string]string
	// Resources are the resources that go, by their ids.
	Resources []*etree.Element
}

// byID finds an element of the configuration by its id.
func byID(root *etree.Element, id string) *etree.Element {
	if found := doc.FindIDs(root, id); len(found) > 0 {
		return found[0]
	}
	return nil
}

func isRule(el *etree.Element) bool { return el.Tag == "rule" && doc.Is(el.Parent(), "rsc_location") }

func supported(el *etree.Element) bool {
	return doc.Is(el, constraintTags...) || doc.Is(el, resourceTags...) || isRule(el)
}

// NewPlan works out what goes with ids.
func NewPlan(root *etree.Element, ids []string) *Plan {
	p := &Plan{asked: map[string]bool{}, ids: map[string]bool{}, references: map[string]map[string]bool{}, tags: map[string]string{}}
	work := root.Copy()
	var queue []*etree.Element
	for _, id := range ids {
		p.asked[id] = true
		el := byID(work, id)
		switch {
		case el == nil:
			p.missing = append(p.missing, id)
		case !supported(el):
			p.unfit = append(p.unfit, id)
		default:
			queue = append(queue, el)
		}
	}
	p.follow(work, queue)
	note := func(id string) {
		if el := byID(root, id); el != nil {
			p.tags[id] = el.Tag
		}
	}
	for id := range p.ids {
		note(id)
	}
	for id, in := range p.references {
		note(id)
		for other := range in {
			note(other)
		}
	}
	for _, id := range p.unfit {
		note(id)
	}
	for _, id := range slices.Sorted(maps.Keys(p.ids)) {
		if el := byID(root, id); doc.Is(el, resourceTags...) {
			p.Resources = append(p.Resources, el)
		}
	}
	return p
}

func (p *Plan) refer(id, in string) {
	if p.references[id] == nil {
		p.references[id] = map[string]bool{}
	}
	p.references[id][in] = true
}

func (p *Plan) follow(work *etree.Element, queue []*etree.Element) {
	for len(queue) > 0 {
		el := queue[0]
		queue = queue[1:]
		id := doc.ID(el)
		if !doc.Is(el, "obj_ref", "resource_ref", "role") {
			if p.ids[id] {
				continue
			}
			p.ids[id] = true
			queue = append(queue, pointing(work, id)...)
			queue = append(queue, doc.Members(el)...)
			queue = append(queue, remoteLocations(work, el)...)
			for _, level := range doc.Children(doc.Section(work, "fencing-topology"), "fencing-level") {
				devices := strings.Split(doc.Attr(level, "devices"), ",")
				if !slices.Contains(devices, id) {
					continue
				}
				p.refer(id, doc.ID(level))
				dropDevice(level, id)
				if doc.Attr(level, "devices") == "" {
					queue = append(queue, level)
				}
			}
		}
		parent := el.Parent()
		if parent == nil {
			continue
		}
		if emptyWithout(parent) {
			queue = append(queue, parent)
		}
		parent.RemoveChild(el)
		if doc.Has(parent, "id") {
			p.refer(id, doc.ID(parent))
		}
	}
	for id, in := range p.references {
		for other := range in {
			if p.ids[other] {
				delete(in, other)
			}
		}
		if len(in) == 0 {
			delete(p.references, id)
		}
	}
}

func dropDevice(level *etree.Element, id string) {
	devices := slices.DeleteFunc(strings.Split(doc.Attr(level, "devices"), ","), func(d string) bool { return d == id })
	doc.Set(level, "devices", strings.Join(devices, ","))
}

// pointing are the elements that mention an id, in the order of the document.
func pointing(root *etree.Element, id string) []*etree.Element {
	var out []*etree.Element
	for _, section := range doc.Children(doc.Configuration(root)) {
		switch section.Tag {
		case "constraints":
			for _, c := range doc.Children(section) {
				hasSets := len(doc.All(c, "resource_set")) > 0
				is := func(names ...string) bool {
					return !hasSets && slices.ContainsFunc(names, func(n string) bool { return doc.Attr(c, n) == id })
				}
				switch c.Tag {
				case "rsc_colocation":
					if is("rsc", "with-rsc") {
						out = append(out, c)
					}
				case "rsc_location", "rsc_ticket":
					if is("rsc") {
						out = append(out, c)
					}
				case "rsc_order":
					if is("first", "then") {
						out = append(out, c)
					}
				}
				for _, set := range doc.Children(c, "resource_set") {
					for _, r := range doc.Children(set, "resource_ref") {
						if doc.ID(r) == id {
							out = append(out, r)
						}
					}
				}
			}
		case "acls":
			for _, a := range doc.Children(section) {
				for _, x := range doc.Children(a) {
					if a.Tag == "acl_role" && x.Tag == "acl_permission" && doc.Attr(x, "reference") == id || x.Tag == "role" && doc.ID(x) == id {
						out = append(out, x)
					}
				}
			}
		case "tags":
			for _, t := range doc.Children(section, "tag") {
				for _, r := range doc.Children(t, "obj_ref") {
					if doc.ID(r) == id {
						out = append(out, r)
					}
				}
			}
		}
	}
	return out
}

// RemoteName is the node that a resource connects to: "" for a resource that is no remote node.
func RemoteName(el *etree.Element) string {
	if doc.Attr(el, "class") == "ocf" && doc.Attr(el, "provider") == "pacemaker" && doc.Attr(el, "type") == "remote" {
		return doc.ID(el)
	}
	return ""
}

// GuestName is the guest node that a resource is.
func GuestName(el *etree.Element) string {
	if el.Tag != "primitive" {
		return ""
	}
	v, _ := doc.Value(el, "meta_attributes", "remote-node")
	return v
}

func remoteLocations(root, el *etree.Element) []*etree.Element {
	if !doc.Is(el, resourceTags...) {
		return nil
	}
	name := GuestName(el)
	if name == "" {
		name = RemoteName(el)
	}
	if name == "" {
		return nil
	}
	var out []*etree.Element
	for _, c := range doc.Children(doc.Section(root, "constraints"), "rsc_location") {
		if doc.Attr(c, "node") == name {
			out = append(out, c)
		}
	}
	return out
}

// emptyWithout tells whether nothing of use is left in an element when one child goes.
func emptyWithout(parent *etree.Element) bool {
	last := func(tag string) bool { return len(doc.Children(parent, tag)) == 1 }
	switch parent.Tag {
	case "clone", "master":
		return true
	case "group":
		return last("primitive")
	case "tag":
		return last("obj_ref")
	case "resource_set":
		return last("resource_ref")
	}
	if doc.Is(parent, constraintTags...) && doc.Child(parent, "resource_set") != nil {
		return last("resource_set")
	}
	return parent.Tag == "rsc_location" && last("rule")
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	if strings.HasSuffix(word, "s") {
		return word + "es"
	}
	return word + "s"
}

// byKind lists ids by what they are, a line each kind.
func (p *Plan) byKind(ids []string, indent string) []string {
	kinds := map[string][]string{}
	for _, id := range ids {
		tag := p.tags[id]
		if tag == "" {
			tag = "element"
		}
		kinds[tag] = append(kinds[tag], id)
	}
	var lines []string
	for tag, list := range kinds {
		lines = append(lines, indent+report.Capitalize(plural(len(list), doc.TypeName(tag)))+": "+report.QuoteSorted(list))
	}
	sort.Strings(lines)
	return lines
}

// Problems are the ids that cannot go.
func (p *Plan) Problems() []report.Item {
	var items []report.Item
	for _, id := range slices.Sorted(slices.Values(p.missing)) {
		items = append(items, report.Errorf("'%s' does not exist", id))
	}
	for _, id := range slices.Sorted(slices.Values(p.unfit)) {
		items = append(items, report.Errorf("'%s' is not a constraint/location rule/resource", id))
	}
	return items
}

// Tell says what else goes.
func (p *Plan) Tell() []report.Item {
	var items []report.Item
	var also []string
	for id := range p.ids {
		if !p.asked[id] {
			also = append(also, id)
		}
	}
	if len(also) > 0 {
		items = append(items, report.Infof("Removing dependant %s:\n%s", plural(len(also), "element"), strings.Join(p.byKind(also, "  "), "\n")))
	}
	if len(p.references) > 0 {
		text := "Removing references:"
		for _, id := range slices.Sorted(maps.Keys(p.references)) {
			tag := p.tags[id]
			if tag == "" {
				tag = "element"
			}
			text += "\n  " + report.Capitalize(doc.TypeName(tag)) + " '" + id + "' from:\n" + strings.Join(p.byKind(slices.Collect(maps.Keys(p.references[id])), "    "), "\n")
		}
		items = append(items, report.Infof("%s", text))
	}
	return items
}

// Apply takes all of it out.
func (p *Plan) Apply(root *etree.Element) {
	for id := range p.ids {
		if el := byID(root, id); el != nil && el.Parent() != nil {
			el.Parent().RemoveChild(el)
		}
	}
	for id, in := range p.references {
		for other := range in {
			el := byID(root, other)
			if el == nil {
				continue
			}
			switch p.tags[other] {
			case "fencing-level":
				dropDevice(el, id)
			case "resource_set", "tag":
				for _, r := range doc.Children(el, "resource_ref", "obj_ref") {
					if doc.ID(r) == id {
						el.RemoveChild(r)
					}
				}
			}
		}
	}
}

// Elements removes elements by ids, stopping resources first in a running cluster.
func Elements(s *session.Session, ids []string) error {
	root, err := s.CIB()
	if err != nil {
		return err
	}
	p := NewPlan(root, ids)
	var items []report.Item
	var remote, guests, devices []string
	for _, el := range p.Resources {
		if n := RemoteName(el); n != "" {
			remote = append(remote, n)
		}
		if n := GuestName(el); n != "" {
			guests = append(guests, n)
		}
		if doc.IsStonith(el) {
			devices = append(devices, doc.ID(el))
		}
	}
	if len(remote) > 0 {
		items = append(items, report.Deprecatedf("this command is not sufficient for removing a remote node, use 'pcs cluster node remove-remote'"))
	}
	if len(guests) > 0 {
		items = append(items, report.Deprecatedf("this command is not sufficient for removing a guest node, use 'pcs cluster node remove-guest'"))
	}
	items = append(items, p.Problems()...)
	for _, n := range remote {
		items = append(items, report.Warnf("This command is not sufficient for removing remote node: '%s'. To complete the removal, remove pacemaker authkey and stop and disable pacemaker_remote on the node manually.", n))
	}
	for _, n := range guests {
		items = append(items, report.Warnf("This command is not sufficient for removing guest node: '%s'. To complete the removal, remove pacemaker authkey and stop and disable pacemaker_remote on the node manually.", n))
	}
	left, err := FencingLeft(s, root, devices)
	if err != nil {
		return err
	}
	items = append(items, left...)
	if err := s.Check(items...); err != nil {
		return err
	}
	s.Out.Tell(p.Tell()...)
	if root, err = stop(s, root, p); err != nil {
		return err
	}
	p.Apply(root)
	if err := s.Push(root); err != nil {
		return err
	}
	if s.Live() && s.World.Cluster != nil {
		for _, n := range append(remote, guests...) {
			if err := s.World.Cluster.RemoveNode(s.Ctx, n); err != nil {
				return s.Check(report.Errorf("Unable to remove node '%s' from pacemaker: %s", n, err))
			}
		}
	}
	return nil
}

// With removes resources and what depends on them. Before they go, but after they are stopped, it does something else.
func With(s *session.Session, root *etree.Element, ids []string, before func() error) error {
	p := NewPlan(root, ids)
	s.Out.Tell(p.Tell()...)
	root, err := stop(s, root, p)
	if err != nil {
		return err
	}
	if err := before(); err != nil {
		return err
	}
	p.Apply(root)
	return s.Push(root)
}

// stop stops resources that run before they go.
func stop(s *session.Session, root *etree.Element, p *Plan) (*etree.Element, error) {
	if len(p.Resources) == 0 || !s.Live() {
		return root, nil
	}
	if s.Opts.Has("--no-stop") || s.Opts.Force() && !s.Opts.Has("--future") {
		if s.Since(12, 2) && !s.Opts.Has("--no-stop") {
			s.Out.Deprecated("Using '--force' to skip resource stopping is deprecated and will be removed in a future release. Specify '--future' to switch to the future behavior and use '--no-stop' to skip resource stopping.")
		}
		s.Out.Tell(report.Warnf("Resources are not going to be stopped before deletion, this may result in orphaned resources being present in the cluster"))
		return root, nil
	}
	var ids []string
	for _, el := range p.Resources {
		ids = append(ids, doc.ID(el))
	}
	s.Out.Tell(report.Infof("Stopping %s %s before deleting", plural(len(ids), "resource"), report.QuoteSorted(ids)))
	st := session.StateOf(root)
	for _, id := range ids {
		if managed, found := st.Managed(id); found && !managed {
			s.Out.Tell(report.Warnf("'%s' is unmanaged", id))
		}
	}
	all := doc.NewIDs(root)
	for _, el := range p.Resources {
		doc.ArrangeFirstSet(el, "meta_attributes", argv.Pairs{{Name: "target-role", Value: "Stopped"}}, all, "")
	}
	if err := s.Push(root); err != nil {
		return nil, err
	}
	if s.World.Cluster != nil {
		if err := s.Idle(session.WaitPlan{Given: true}); err != nil {
			return nil, err
		}
	}
	root, err := s.CIB()
	if err != nil {
		return nil, err
	}
	st = session.StateOf(root)
	var running []string
	for _, id := range ids {
		if len(st.RolesWithNodes(id, false)) > 0 {
			running = append(running, id)
		}
	}
	if len(running) > 0 {
		return nil, s.Check(report.Forcible(false, "Cannot stop %s %s before deleting", plural(len(running), "resource"), report.QuoteSorted(running)))
	}
	return root, nil
}
