package resource

import (
	"errors"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/constraint"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// Clone is `resource clone` since 0.10.
func Clone(s *session.Session, args []string) error { return cloneVerb(s, args, false) }

// Promotable is `resource promotable`.
func Promotable(s *session.Session, args []string) error { return cloneVerb(s, args, true) }

func cloneVerb(s *session.Session, args []string, promotable bool) error {
	if err := s.Opts.Only("-f", "--force", "--wait"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	if err := s.TellKind(args[:1], false, ""); err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	plan, err := s.PlanWait09()
	if err != nil {
		return err
	}
	id, err := cloneCreate(s, root, args, false, promotable)
	if err != nil {
		return err
	}
	constraint.MoveToClone09(root, args[0])
	if err := s.Push(root); err != nil {
		return err
	}
	return s.WaitFor09(plan, id)
}

// cloneCreate puts a resource or group into a clone, or changes the clone that it is in; no
// --force helps a change.
func cloneCreate(s *session.Session, root *etree.Element, args []string, update, promotable bool) (string, error) {
	name := args[0]
	resources := doc.Section(root, "resources")
	el := doc.ByID(resources, name, "primitive", "group")
	if el == nil {
		return "", report.Fatalf("unable to find group or resource: %s", name)
	}
	parent := el.Parent()
	switch around := doc.Ancestor(el, "clone", "master"); {
	case parent.Tag == "bundle":
		return "", report.Fatal("cannot clone bundle resource")
	case update && parent.Tag != "clone":
		return "", report.Fatalf("%s is not currently a clone", name)
	case !update && around != nil && el.Tag == "primitive":
		return "", report.Fatalf("%s is already a clone resource", name)
	case !update && around != nil:
		return "", report.Fatal("cannot clone a group that has already been cloned")
	}
	forced := s.Opts.Force() && !update
	if doc.IsStonith(el) {
		item := report.Forcible(forced, "No need to clone stonith resource '%s', any node can use a stonith resource (unless specifically banned) regardless of whether the stonith resource is running on that node or not", name)
		if err := tell(s, []report.Item{item}); err != nil {
			return "", err
		}
	}
	id, meta, err := parseClone(s, args[1:], promotable)
	if err != nil {
		return "", err
	}
	if err := tell(s, cloneConflicts(s, el, meta, forced)); err != nil {
		return "", err
	}
	clone := parent
	if !update {
		switch {
		case id == "":
			id = doc.UniqueID(root, name+"-clone")
		case len(check.IDs(id, "")) > 0:
			return "", argv.Usagef("invalid id '%s'", id)
		case doc.IDExists(root, id):
			return "", argv.Usagef("id '%s' already exists", id)
		}
		if parent.Tag == "group" && len(doc.All(parent, "primitive")) <= 1 {
			doc.Remove(parent)
		}
		clone = doc.New("clone", "id", id)
		doc.Remove(el)
		clone.AddChild(el)
		resources.AddChild(clone)
	}
	doc.UpdateSet09(clone, "meta_attributes", meta.Sorted(), doc.ID(clone)+"-meta_attributes")
	return doc.ID(clone), nil
}

// parseClone reads [CLONE-ID] [options] [meta options].
func parseClone(s *session.Session, args []string, promotable bool) (id string, meta argv.Pairs, err error) {
	keywords := []string{"op", "meta"}
	if len(args) > 0 && !slices.Contains(keywords, args[0]) && !strings.Contains(args[0], "=") {
		id, args = args[0], args[1:]
	}
	g, err := argv.GroupByKeywords(args, keywords, "options")
	if err != nil {
		return "", nil, err
	}
	if g.Has("op") {
		return "", nil, argv.Usagef("op settings must be changed on base resource, not the clone")
	}
	if g.Has("options") && s.Minor() >= 11 {
		s.Deprecated("configuring meta attributes without specifying the 'meta' keyword is deprecated and will be removed in a future release")
	}
	meta, err = argv.KeyValues(append(slices.Clone(g.Flat("options")), g.Flat("meta")...))
	if err != nil || !promotable {
		return id, meta, err
	}
	if meta.Has("promotable") {
		return "", nil, argv.Usagef("you cannot specify both promotable option and promotable keyword")
	}
	return id, meta.With("promotable", "true"), nil
}

// incompatible tells that a clone's option does not fit an agent.
func incompatible(attr string, primitive, group *etree.Element) report.Item {
	text := "Clone option '" + attr + "' is not compatible with '" + agents.NameOf(primitive).String() + "' resource agent of resource '" + doc.ID(primitive) + "'"
	if group != nil {
		text += " in group '" + doc.ID(group) + "'"
	}
	return report.Errorf("%s", text)
}

// cloneConflicts checks that the agents of what is cloned can do what the clone's options say.
func cloneConflicts(s *session.Session, el *etree.Element, meta argv.Pairs, forced bool) []report.Item {
	var group *etree.Element
	list := []*etree.Element{el}
	if el.Tag == "group" {
		group, list = el, doc.Children(el, "primitive")
	}
	var items []report.Item
	for _, p := range list {
		n := agents.NameOf(p)
		if !n.OCF() {
			for _, attr := range []string{"globally-unique", "promotable"} {
				if number.IsTrue(meta.Value(attr)) {
					items = append(items, incompatible(attr, p, group))
					break
				}
			}
			continue
		}
		a, err := s.Agent(n)
		switch {
		case err != nil:
			items = append(items, s.AgentError(n, err).As(forced))
		case a.Version == "1.1" && number.IsTrue(meta.Value("promotable")) && !a.Promotable():
			items = append(items, incompatible("promotable", p, group).As(forced))
		}
	}
	return items
}

// Unclone is `resource unclone` since 0.10.
func Unclone(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f", "--wait"); err != nil {
		return err
	}
	return Unclone09(s, args)
}

// GroupRemove is `resource group remove` and `resource ungroup` since 0.10.
func GroupRemove(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f", "--wait"); err != nil {
		return err
	}
	return GroupRemove09(s, args)
}

// GroupAdd is `resource group add` since 0.10.
func GroupAdd(s *session.Session, args []string) error {
	if err := s.Opts.Only("--wait", "-f", "--after", "--before"); err != nil {
		return err
	}
	if len(args) < 2 {
		return argv.Usage()
	}
	id, members := args[0], args[1:]
	if s.Opts.Has("--after") && s.Opts.Has("--before") {
		return argv.Usagef("you cannot specify both --before and --after")
	}
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
	after := s.Opts.Has("--after")
	adjacent := s.Opts.Value("--before")
	if after {
		adjacent = s.Opts.Value("--after")
	}
	byID := func(id string) *etree.Element {
		if found := doc.FindIDs(root, id); len(found) > 0 {
			return found[0]
		}
		return nil
	}
	var next *etree.Element
	if adjacent != "" {
		if next = byID(adjacent); next == nil {
			return s.Check(report.Errorf("'%s' does not exist", adjacent))
		}
	}
	group := byID(id)
	if group == nil {
		s.Out.Tell(check.IDs(id, "group name")...)
		group = doc.Append(resources, "group", "id", id)
	}
	var list []*etree.Element
	for _, m := range members {
		if el := byID(m); el != nil {
			list = append(list, el)
		} else {
			s.Out.Tell(report.Errorf("'%s' does not exist", m))
		}
	}
	if s.Minor() == 11 && slices.ContainsFunc(list, doc.IsStonith) {
		s.Out.Tell(s.Mismatch("stonith resource", ""))
	}
	if err := s.Check(validateMoveToGroup(group, list, next, s.Minor() < 12)...); err != nil {
		return err
	}
	emptied := emptiedBy(list)
	moveToGroup(group, list, next, after)
	if err := s.Push(root); err != nil {
		if len(emptied) > 0 && errors.Is(err, session.ErrNotTaken) {
			return s.Check(emptied...)
		}
		return err
	}
	return s.WaitFor(plan, []string{id}, nil)
}

// emptiedBy tells of groups that have no other members than those that are moved away. That such a group goes is no
// error, unless the configuration speaks of it elsewhere and is refused for that.
func emptiedBy(moved []*etree.Element) []report.Item {
	var items []report.Item
	var seen []*etree.Element
	for _, el := range moved {
		group := el.Parent()
		if group == nil || group.Tag != "group" || slices.Contains(seen, group) {
			continue
		}
		seen = append(seen, group)
		var ids []string
		members := doc.Children(group, session.ResourceTags...)
		for _, m := range members {
			ids = append(ids, doc.ID(m))
		}
		if !slices.ContainsFunc(members, func(m *etree.Element) bool { return !slices.Contains(moved, m) }) {
			items = append(items, report.Errorf("Unable to move %s %s as it would leave group '%s' empty. Please, use the 'pcs resource ungroup %s' command first.",
				report.Plural(len(ids), "resource", "resources"), report.QuoteSorted(ids), doc.ID(group), doc.ID(group)))
		}
	}
	return items
}
