package resource

import (
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/constraint"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// Clone09 is `resource clone` of 0.9.
func Clone09(s *session.Session, args []string) error {
	if len(args) < 1 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	plan, err := s.PlanWait09()
	if err != nil {
		return err
	}
	id, err := cloneCreate09(s, root, args, false)
	if err != nil {
		return err
	}
	constraint.MoveToClone09(root, args[0])
	if err := s.Push(root); err != nil {
		return err
	}
	return s.WaitFor09(plan, id)
}

func cloneCreate09(s *session.Session, root *etree.Element, args []string, update bool) (string, error) {
	name := args[0]
	resources := doc.Section(root, "resources")
	el := doc.ByID(resources, name, "primitive", "group")
	if el == nil {
		return "", report.Fatalf("unable to find group or resource: %s", name)
	}
	if el.Parent().Tag == "bundle" {
		return "", report.Fatal("cannot clone bundle resource")
	}
	if !update {
		if el.Tag == "primitive" && doc.Ancestor(el, "clone") != nil {
			return "", report.Fatalf("%s is already a clone resource", name)
		}
		if el.Tag == "group" && doc.Ancestor(el, "clone") != nil {
			return "", report.Fatal("cannot clone a group that has already been cloned")
		}
	}
	if el.Tag == "primitive" && doc.Ancestor(el, "master") != nil {
		return "", report.Fatalf("%s is already a master/slave resource", name)
	}
	parent := el.Parent()
	if parent.Tag == "group" && len(doc.All(parent, "primitive")) <= 1 {
		doc.Remove(parent)
	}
	var clone *etree.Element
	if update {
		if clone = el.Parent(); clone.Tag != "clone" {
			return "", report.Fatalf("%s is not currently a clone", name)
		}
	} else {
		clone = doc.New("clone", "id", doc.UniqueID(root, name+"-clone"))
		doc.Remove(el)
		clone.AddChild(el)
		resources.AddChild(clone)
	}
	options, ops, meta := splitOptions09(args[1:])
	if len(ops) > 0 {
		return "", report.Fatal("op settings must be changed on base resource, not the clone")
	}
	final, err := argv.KeyValues09(append(options, meta...))
	if err != nil {
		return "", err
	}
	doc.UpdateSet09(clone, "meta_attributes", final.Sorted(), doc.ID(clone)+"-meta_attributes")
	return doc.ID(clone), nil
}

// Master09 is `resource master`.
func Master09(s *session.Session, args []string) error {
	plain := 0
	for _, a := range args {
		if !strings.Contains(a, "=") {
			plain++
		}
	}
	if plain < 1 {
		return argv.Usage()
	}
	id := ""
	if plain > 1 {
		id, args = args[0], args[1:]
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	plan, err := s.PlanWait09()
	if err != nil {
		return err
	}
	res := args[0]
	id, err = masterCreate09(s, root, args, false, id)
	if err != nil {
		return err
	}
	constraint.MoveToClone09(root, res)
	if err := s.Push(root); err != nil {
		return err
	}
	return s.WaitFor09(plan, id)
}

func masterCreate09(s *session.Session, root *etree.Element, args []string, update bool, id string) (string, error) {
	var master *etree.Element
	name := args[0]
	args = args[1:]
	if update {
		if master = doc.ByID(root, name, "master"); master == nil {
			return "", report.Fatalf("Unable to find multi-state resource with id %s", name)
		}
	} else {
		if id != "" && doc.IDExists(root, id) {
			return "", report.Fatalf("%s already exists in the cib", id)
		}
		el := doc.ByID(doc.Section(root, "resources"), name, "primitive", "group")
		if el != nil && el.Tag == "primitive" && doc.Ancestor(el, "clone") != nil {
			return "", report.Fatalf("%s is already a clone resource", name)
		}
		if el != nil && el.Tag == "primitive" && doc.Ancestor(el, "master") != nil {
			return "", report.Fatalf("%s is already a master/slave resource", name)
		}
		if el == nil {
			return "", report.Fatalf("Unable to find resource or group with id %s", name)
		}
		parent := el.Parent()
		if parent.Tag == "bundle" {
			return "", report.Fatal("cannot make a master/slave resource from a bundle resource")
		}
		if parent.Tag == "group" && len(doc.All(parent, "primitive")) <= 1 {
			doc.Remove(parent)
		}
		if id == "" {
			id = doc.UniqueID(root, name+"-master")
		}
		doc.Remove(el)
		master = doc.Append(doc.Section(root, "resources"), "master", "id", id)
		master.AddChild(el)
	}
	if len(args) > 0 {
		options, ops, meta := splitOptions09(args)
		if len(ops) > 0 {
			return "", report.Fatal("op settings must be changed on base resource, not the master")
		}
		final, err := argv.KeyValues09(append(options, meta...))
		if err != nil {
			return "", err
		}
		doc.UpdateSet09(master, "meta_attributes", final, doc.ID(master)+"-meta_attributes")
	}
	return doc.ID(master), nil
}

// Unclone09 is `resource unclone` of 0.9.
func Unclone09(s *session.Session, args []string) error {
	if len(args) != 1 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	resources := doc.Section(root, "resources")
	el := doc.ByID(resources, args[0], "primitive", "group")
	if el == nil {
		if c := doc.ByID(resources, args[0], "clone", "master"); c != nil {
			el = doc.Cloned(c)
		}
	}
	if el == nil {
		return report.Fatalf("could not find resource: %s", args[0])
	}
	clone := doc.Ancestor(el, "clone", "master")
	if clone == nil {
		return report.Fatalf("'%s' is not a clone resource", args[0])
	}
	plan, err := s.PlanWait09()
	if err != nil {
		return err
	}
	child := doc.Cloned(clone)
	if child.Tag == "group" && el.Tag != "group" && len(doc.All(child, "primitive")) > 1 {
		if err := groupRemove09(s, root, doc.ID(child), []string{doc.ID(el)}); err != nil {
			return err
		}
	} else {
		removeReferences09(s, root, doc.ID(clone), false)
		doc.Remove(el)
		clone.Parent().AddChild(el)
		doc.Remove(clone)
	}
	if err := s.Push(root); err != nil {
		return err
	}
	return s.WaitFor09(plan, doc.ID(el))
}
