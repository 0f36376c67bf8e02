package move

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/preview"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
)

// relocatePrefix begins the ids of the constraints that relocate makes and removes again.
const relocatePrefix = "pcs-relocate-"

// location is where an instance of a resource would go if it did not stick to its node.
type location struct {
	resource, instance string
	// constraint is the id that a constraint would name: of the clone or bundle around it.
	constraint     string
	start, promote string
}

func (l location) text(s *session.Session) string {
	node, role := l.start, ""
	if node == "" {
		node, role = l.promote, " role=Promoted"
		if s.Legacy() {
			role = " role=Master"
		}
	}
	return "Creating location constraint: " + l.constraint + " prefers " + node + "=INFINITY" + role
}

// unstuck is the CIB with stickiness 0 for some resources and what is in them, for all without ids.
func unstuck(s *session.Session, root *etree.Element, ids []string) (*etree.Element, []string, error) {
	root = root.Copy()
	var found, touched []string
	for _, el := range doc.All(root, "master", "clone", "group", "primitive") {
		if len(ids) > 0 && !slices.Contains(ids, doc.ID(el)) {
			continue
		}
		found = append(found, doc.ID(el))
		for _, e := range append([]*etree.Element{el}, doc.All(el, "group", "primitive")...) {
			touched = append(touched, doc.ID(e))
			doc.UpdateSet09(e, "meta_attributes", argv.Pairs{{Name: "resource-stickiness", Value: "0"}}, doc.ID(e)+"-meta_attributes")
		}
	}
	kinds := "resource/clone/group"
	if s.Legacy() {
		kinds = "resource/clone/master/group"
	}
	missing := false
	for i, id := range ids {
		if !slices.Contains(found, id) && !slices.Contains(ids[:i], id) {
			missing = true
			s.Out.Error("unable to find a " + kinds + ": " + id)
		}
	}
	if missing {
		return nil, nil, report.ErrSilent
	}
	return root, touched, nil
}

// relocations previews where resources would go.
func relocations(s *session.Session, root *etree.Element, ids []string) ([]location, error) {
	free, touched, err := unstuck(s, root, ids)
	if err != nil {
		return nil, err
	}
	r, err := preview.Run(free)
	if err != nil {
		return nil, err
	}
	var all []*location
	for _, o := range r.Operations {
		if !slices.Contains([]string{"start", "promote", "migrate_from"}, o.Task) {
			continue
		}
		i := slices.IndexFunc(all, func(l *location) bool { return l.instance == o.Long })
		if i < 0 {
			id, _, _ := strings.Cut(o.Resource, ":")
			el := doc.ByID(doc.Section(root, "resources"), id, session.ResourceTags...)
			if el == nil {
				continue
			}
			if around := doc.Ancestor(el, "clone", "master", "bundle"); around != nil {
				id = doc.ID(around)
			}
			i = len(all)
			all = append(all, &location{resource: o.Resource, instance: o.Long, constraint: id})
		}
		if o.Task == "promote" {
			all[i].promote = o.Node
		} else {
			all[i].start = o.Node
		}
	}
	var out []location
	for _, l := range all {
		if len(ids) == 0 || slices.Contains(touched, l.resource) || slices.Contains(touched, l.constraint) {
			out = append(out, *l)
		}
	}
	return out, nil
}

// RelocateShow is `resource relocate show`: where resources would run if they did not stick.
func RelocateShow(s *session.Session, args []string) error {
	if err := s.Only(); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	free, _, err := unstuck(s, root, nil)
	if err != nil {
		return err
	}
	r, err := preview.Run(free)
	if err != nil {
		return err
	}
	// The status now, and what would be done, are parts of the page that blank lines end.
	part := ""
	for line := range strings.Lines(r.Text) {
		line = strings.TrimRight(line, "\n")
		switch word := strings.TrimSpace(line); {
		case strings.EqualFold(word, "Current cluster status:"):
			part = "status"
		case word == "Transition Summary:":
			part = "summary"
			s.Out.Print("")
		case word == "" && part == "status":
			part = "resources"
		case word == "":
			part = ""
		}
		if part != "" {
			s.Out.Print(line)
		}
	}
	return nil
}

// RelocateDryRun is `resource relocate dry-run`.
func RelocateDryRun(s *session.Session, args []string) error {
	if err := s.Only("-f"); err != nil {
		return err
	}
	return relocate(s, args, true)
}

// RelocateRun is `resource relocate run`.
func RelocateRun(s *session.Session, args []string) error {
	if err := s.Only(); err != nil {
		return err
	}
	if !s.Live() {
		return report.Fatal("This command cannot be used with -f")
	}
	return relocate(s, args, false)
}

// relocate moves resources to where they would be best placed, by constraints that go again.
func relocate(s *session.Session, ids []string, dry bool) error {
	if len(ids) > 0 && !s.Legacy() {
		if err := s.TellKind(ids, false, ""); err != nil {
			return err
		}
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	list, err := relocations(s, root, ids)
	if err != nil || len(list) == 0 {
		return err
	}
	constraints := doc.EnsureSection(root, "constraints")
	for _, l := range list {
		s.Out.Info(l.text(s))
		el := doc.Append(constraints, "rsc_location", "id", doc.UniqueID(root, relocatePrefix+l.constraint), "rsc", l.constraint, "score", "INFINITY")
		if l.promote != "" {
			doc.Set(el, "node", l.promote)
			doc.Set(el, "role", rule.RoleFor(root, "Promoted"))
		} else {
			doc.Set(el, "node", l.start)
		}
	}
	if !dry {
		if err := s.Push(root); err != nil {
			return err
		}
	}
	s.Out.Info("\nWaiting for resources to move...\n")
	failed := false
	if !dry {
		if err := s.World.Cluster.Wait(s.Ctx, 0); err != nil {
			failed = true
			s.Out.Error(err.Error())
		}
		if root, err = s.CIB(); err != nil {
			return err
		}
	}
	relocateClear(s, root)
	if !dry {
		if err := s.Push(root); err != nil {
			return err
		}
	}
	if failed {
		return report.ErrSilent
	}
	return nil
}

// RelocateClear is `resource relocate clear`.
func RelocateClear(s *session.Session, args []string) error {
	if err := s.Only("-f"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	relocateClear(s, root)
	return s.Push(root)
}

func relocateClear(s *session.Session, root *etree.Element) {
	for _, c := range doc.All(doc.Section(root, "constraints"), "rsc_location") {
		if strings.HasPrefix(doc.ID(c), relocatePrefix) {
			s.Out.Info("Removing constraint " + doc.ID(c))
			doc.Remove(c)
		}
	}
}
