package resource

import (
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// Delete09 is `resource delete` and `stonith delete` of 0.9: the resource is stopped first, then it
// and all that refers to it go.
func Delete09(s *session.Session, args []string) error {
	if len(args) != 1 {
		return argv.Usage()
	}
	return delete09(s, args[0], false)
}

// DeleteForNode09 deletes a resource whose node is being removed by another verb.
func DeleteForNode09(s *session.Session, id string) error { return delete09(s, id, true) }

func delete09(s *session.Session, id string, nodeGoes bool) error {
	root, err := s.CIB()
	if err != nil {
		return err
	}
	if c := doc.ByID(root, id, "clone", "master"); c != nil && doc.Cloned(c) != nil {
		id = doc.ID(doc.Cloned(c))
	}
	if b := doc.ByID(root, id, "bundle"); b != nil {
		return deleteBundle09(s, b)
	}
	if g := doc.ByID(root, id, "group"); g != nil {
		return deleteGroup09(s, root, g)
	}
	if doc.ByID(doc.Section(root, "resources"), id, "primitive") == nil {
		return report.Fatalf("Resource '%s' does not exist.", id)
	}
	if err := stopFirst09(s, id, "Attempting to stop: "+id+"... ", id); err != nil {
		return err
	}
	if root, err = s.CIB(); err != nil {
		return err
	}
	el := doc.ByID(doc.Section(root, "resources"), id, "primitive")
	removeReferences09(s, root, id, true)
	node := remoteName(el)
	if node != "" {
		for _, c := range doc.All(root, "rsc_location") {
			if doc.Attr(c, "node") == node {
				s.Out.Print("Removing Constraint - " + doc.ID(c))
				doc.Remove(c)
			}
		}
	}
	parent := el.Parent()
	if parent.Tag == "group" && len(doc.All(parent, "primitive")) <= 1 {
		what, gone := "and group", parent
		switch top := parent.Parent(); top.Tag {
		case "master":
			what, gone = "and group and M/S", top
		case "clone":
			what, gone = "and group and clone", top
		}
		if gone != parent {
			removeReferences09(s, root, doc.ID(parent), false)
		}
		removeReferences09(s, root, doc.ID(gone), true)
		s.Out.Print("Deleting Resource (" + what + ") - " + id)
		if err := s.Push(root); err != nil {
			return err
		}
		doc.Remove(gone)
	} else {
		gone := el
		if doc.Is(parent, "clone", "master") {
			gone = parent
		}
		s.Out.Print("Deleting Resource - " + id)
		if err := s.Push(root); err != nil {
			return err
		}
		doc.Remove(gone)
	}
	if err := s.Push(root); err != nil {
		return err
	}
	if node != "" && s.Live() {
		if !nodeGoes {
			s.Out.Warn("This command is not sufficient for removing remote and guest nodes. To complete the removal, remove pacemaker authkey and stop and disable pacemaker_remote on the node(s) manually.")
		}
		if err := s.Idle(session.WaitPlan{Given: true}); err != nil {
			return err
		}
		forgetNode(s, node)
	}
	return nil
}

// stopFirst09 stops a running resource before it is deleted.
func stopFirst09(s *session.Session, id, text, name string) error {
	if s.Opts.Force() || !s.Live() {
		return nil
	}
	st, err := s.State()
	if err != nil {
		return err
	}
	if len(st.RolesWithNodes(id, true)) == 0 {
		return nil
	}
	s.Out.Raw(text)
	if err := disableNow09(s, id); err != nil {
		return err
	}
	waitErr := s.World.Cluster.Wait(s.Ctx, 0)
	if st, err = s.State(); err != nil {
		return err
	}
	if len(st.RolesWithNodes(id, true)) > 0 {
		msg := "Unable to stop: " + name + " before deleting (re-run with --force to force deletion)"
		if waitErr != nil {
			msg += "\n\n" + waitErr.Error()
		}
		return report.Fatal(strings.TrimSpace(msg))
	}
	s.Out.Print("Stopped")
	return nil
}

// disableNow09 sets target-role=Stopped on a resource.
func disableNow09(s *session.Session, id string) error {
	return s.Edit(func(root *etree.Element) error {
		el := doc.ByID(doc.Section(root, "resources"), id, "primitive", "group", "clone", "master", "bundle")
		if el == nil {
			return report.Fatalf("Resource '%s' does not exist.", id)
		}
		setMeta(s, el, "target-role", "Stopped", doc.NewIDs(root))
		return nil
	})
}

func deleteBundle09(s *session.Session, b *etree.Element) error {
	id := doc.ID(b)
	inner := doc.Child(b, "primitive")
	if inner == nil {
		s.Out.Print("Deleting bundle '" + id + "'")
	} else {
		s.Out.Print("Deleting bundle '" + id + "' and its inner resource '" + doc.ID(inner) + "'")
	}
	if err := stopFirst09(s, id, "Stopping bundle '"+id+"'... ", id); err != nil {
		return err
	}
	if inner != nil {
		if err := delete09(s, doc.ID(inner), false); err != nil {
			return err
		}
	}
	return s.Edit(func(root *etree.Element) error {
		removeReferences09(s, root, id, true)
		if b := doc.ByID(root, id, "bundle"); b != nil {
			doc.Remove(b)
		}
		return nil
	})
}

func deleteGroup09(s *session.Session, root, g *etree.Element) error {
	id := doc.ID(g)
	s.Out.Print("Removing group: " + id + " (and all resources within group)")
	var members []string
	for _, p := range doc.All(g, "primitive") {
		members = append(members, doc.ID(p))
	}
	s.Out.Print("Stopping all resources in group: " + id + "...")
	if st, err := s.State(); err == nil {
		if managed, found := st.Managed(id); found && !managed {
			s.Out.Warn("'" + id + "' is unmanaged")
		}
	}
	if err := disableNow09(s, id); err != nil {
		return err
	}
	if !s.Opts.Force() && s.Live() {
		waitErr := s.World.Cluster.Wait(s.Ctx, 0)
		st, err := s.State()
		if err != nil {
			return err
		}
		for _, m := range members {
			if len(st.RolesWithNodes(m, true)) > 0 {
				msg := "Unable to stop group: " + id + " before deleting (re-run with --force to force deletion)"
				if waitErr != nil {
					msg += "\n\n" + waitErr.Error()
				}
				return report.Fatal(msg)
			}
		}
	}
	for _, m := range members {
		if err := delete09(s, m, false); err != nil {
			return err
		}
	}
	return nil
}
