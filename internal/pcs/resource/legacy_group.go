package resource

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/constraint"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// GroupAdd09 is `resource group add` of 0.9.
func GroupAdd09(s *session.Session, args []string) error {
	if len(args) < 2 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	if err := groupAdd09(s, root, args[0], args[1:]); err != nil {
		return err
	}
	plan, err := s.PlanWait09()
	if err != nil {
		return err
	}
	if err := s.Push(root); err != nil {
		return err
	}
	return s.WaitFor09(plan, args[0])
}

func groupAdd09(s *session.Session, root *etree.Element, name string, ids []string) error {
	resources := doc.Section(root, "resources")
	if bad := doc.CheckID(name, "group name"); len(bad) > 0 {
		return report.Fatal(bad[0])
	}
	group := doc.ByID(resources, name, "group")
	if group == nil {
		for _, k := range []struct{ tag, what string }{{"primitive", "resource"}, {"clone", "clone resource"}, {"master", "master/slave resource"}} {
			if doc.ByID(resources, name, k.tag) != nil {
				return report.Fatalf("'%s' is already a %s", name, k.what)
			}
		}
		if doc.IDExists(root, name) {
			return report.Fatalf("Group '%s' does not exists and cannot be created since the id '%s' already exists in the cib", name, name)
		}
		group = doc.Append(resources, "group", "id", name)
	}
	var after, before *etree.Element
	if s.Opts.Has("--after") && s.Opts.Has("--before") {
		return report.Fatal("you cannot specify both --before and --after")
	}
	for _, o := range []struct {
		name string
		at   **etree.Element
	}{{"--after", &after}, {"--before", &before}} {
		if s.Opts.Has(o.name) {
			if *o.at = doc.ByID(group, s.Opts.Value(o.name), "primitive"); *o.at == nil {
				return report.Fatalf("there is no resource '%s' in the group '%s'", s.Opts.Value(o.name), name)
			}
		}
	}
	var move []*etree.Element
	for _, id := range ids {
		if doc.ByID(group, id, "primitive") != nil && after == nil && before == nil {
			return report.Fatal(id + " already exists in " + name)
		}
		if after != nil && doc.ID(after) == id {
			return report.Fatal("cannot put resource after itself")
		}
		if before != nil && doc.ID(before) == id {
			return report.Fatal("cannot put resource before itself")
		}
		el := doc.ByID(resources, id, "primitive")
		if el == nil {
			return report.Fatal("Unable to find resource: " + id)
		}
		switch el.Parent().Tag {
		case "master":
			return report.Fatal("cannot group master/slave resources")
		case "clone":
			return report.Fatal("cannot group clone resources")
		case "bundle":
			return report.Fatal("cannot group bundle resources")
		}
		move = append(move, el)
	}
	if len(move) == 0 {
		return report.Fatal("No resources to add.")
	}
	for _, el := range move {
		old := el.Parent()
		doc.Remove(el)
		switch {
		case after != nil:
			doc.InsertAfter(el, after)
			after = el
		case before != nil:
			doc.InsertBefore(group, el, before)
		default:
			group.AddChild(el)
		}
		if old != group {
			dropEmptyGroup(old)
		}
	}
	return nil
}

// GroupRemove09 is `resource group remove` of 0.9.
func GroupRemove09(s *session.Session, args []string) error {
	if len(args) < 1 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	if err := groupRemove09(s, root, args[0], args[1:]); err != nil {
		return err
	}
	plan, err := s.PlanWait09()
	if err != nil {
		return err
	}
	if err := s.Push(root); err != nil {
		return err
	}
	return s.Idle(plan)
}

func groupRemove09(s *session.Session, root *etree.Element, name string, ids []string) error {
	config := doc.Configuration(root)
	group := doc.ByID(config, name, "group")
	if group == nil {
		return report.Fatalf("Group '%s' does not exist", name)
	}
	members := doc.All(group, "primitive")
	if s.Legacy() && group.Parent().Tag == "master" && len(members) > 1 {
		return report.Fatalf("Groups that have more than one resource and are master/slave resources cannot be removed.  The group may be deleted with 'pcs resource delete %s'.", name)
	}
	var move []*etree.Element
	for _, id := range ids {
		el := doc.ByID(group, id, "primitive")
		if el == nil {
			return report.Fatalf("Resource '%s' does not exist in group '%s'", id, name)
		}
		move = append(move, el)
	}
	if len(ids) == 0 {
		move = members
	}
	target := group.Parent()
	if doc.Is(target, "clone", "master") && len(members) > 1 {
		if len(ids) == 0 || len(move) == len(members) {
			if !s.Legacy() {
				return report.Fatal("Cannot remove all resources from a cloned group")
			}
			return report.Fatal("Cannot remove more than one resource from cloned group")
		}
		target = doc.Child(config, "resources")
	}
	for _, el := range move {
		doc.Remove(el)
		target.AddChild(el)
	}
	if len(doc.All(group, "primitive")) == 0 {
		doc.Remove(group)
		removeReferences09(s, root, name, true)
	}
	return nil
}

// removeReferences09 removes constraints, fencing levels and permissions that name a resource; since 0.10 it leaves tags, too.
func removeReferences09(s *session.Session, root *etree.Element, id string, loud bool) {
	if !s.Legacy() {
		for _, ref := range doc.All(root, "obj_ref") {
			if doc.ID(ref) != id {
				continue
			}
			tag := ref.Parent()
			doc.Remove(ref)
			if len(doc.Children(tag, "obj_ref")) == 0 {
				removeReferences09(s, root, doc.ID(tag), loud)
				doc.Remove(tag)
			}
		}
	}
	constraint.RemoveContaining09(s, root, id, loud)
	if topology := doc.Section(root, "fencing-topology"); topology != nil {
		for _, level := range doc.All(topology, "fencing-level") {
			devices := strings.Split(doc.Attr(level, "devices"), ",")
			if !slices.Contains(devices, id) {
				continue
			}
			devices = slices.DeleteFunc(devices, func(d string) bool { return d == id })
			if len(devices) == 0 {
				doc.Remove(level)
			} else {
				doc.Set(level, "devices", strings.Join(devices, ","))
			}
		}
		if len(doc.All(topology, "fencing-level")) == 0 {
			doc.Remove(topology)
		}
	}
	for _, p := range doc.All(root, "acl_permission") {
		if doc.Attr(p, "reference") == id {
			doc.Remove(p)
		}
	}
}
