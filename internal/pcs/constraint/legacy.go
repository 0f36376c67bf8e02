// Package constraint is `pcs constraint`: where resources run, in which order, which together,
// and which of them need a ticket.
package constraint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

var (
	roles09 = []string{"Master", "Slave", "Started", "Stopped"}
	actions = []string{"start", "promote", "demote", "stop"}
)

// List09 is `constraint`, `constraint list` and `show` of 0.9.
func List09(s *session.Session, args []string) error {
	root, err := s.CIB()
	if err != nil {
		return err
	}
	lines, err := locationShow09(s, root, args)
	if err != nil {
		return err
	}
	s.Out.Print(lines...)
	for _, k := range []kind09{orders, colocations, tickets} {
		s.Out.Print(k.lines(root, s.Opts.Full())...)
	}
	return nil
}

// Lines09 are all constraints as `pcs config` of 0.9 shows them, with ids.
func Lines09(root *etree.Element, ids bool) []string {
	out := locationLines09(root, ids, false, nil)
	for _, k := range []kind09{orders, colocations, tickets} {
		out = append(out, k.lines(root, ids)...)
	}
	return out
}

// constraints is the section; 0.9 refuses to work without it.
func constraints(root *etree.Element) (*etree.Element, error) {
	if c := doc.Section(root, "constraints"); c != nil {
		return c, nil
	}
	return nil, report.Fatal("unable to process cib")
}

// resourceID09 checks a resource that a constraint is to name.
func resourceID09(s *session.Session, root *etree.Element, id string) (string, error) {
	resources := doc.Section(root, "resources")
	find := func(tags ...string) *etree.Element {
		for _, t := range tags {
			for _, e := range doc.All(resources, t) {
				if doc.ID(e) == id {
					return e
				}
			}
		}
		return nil
	}
	if find("clone", "master", "bundle") != nil {
		return id, nil
	}
	el := find("primitive", "group")
	if el == nil {
		return "", report.Fatalf("Resource '%s' does not exist", id)
	}
	parent := doc.Ancestor(el, "clone", "master")
	if parent == nil && el.Tag == "primitive" {
		parent = doc.Ancestor(el, "bundle")
	}
	if parent == nil {
		return id, nil
	}
	if s.Opts.Has("--autocorrect") {
		return doc.ID(parent), nil
	}
	if s.Opts.Force() {
		return id, nil
	}
	name := parent.Tag
	if name == "master" {
		return "", report.Fatalf("%s is a master/slave resource, you should use the master id: %s when adding constraints. Use --force to override.", id, doc.ID(parent))
	}
	return "", report.Fatalf("%s is a %s resource, you should use the %s id: %s when adding constraints. Use --force to override.", id, name, name, doc.ID(parent))
}

func newID09(root *etree.Element, id, description string) error {
	if bad := doc.CheckID(id, description); len(bad) > 0 {
		return report.Fatal(bad[0])
	}
	if doc.IDExists(root, id) {
		return report.Fatalf("id '%s' is already in use, please specify another one", id)
	}
	return nil
}

func scoreOrOption(word string) bool { return check.IsScore(word) || strings.Contains(word, "=") }

// ColocationAdd09 is `constraint colocation add` of 0.9.
func ColocationAdd09(s *session.Session, args []string) error {
	if len(args) < 2 {
		return argv.Usage()
	}
	role := func(word string) (string, error) {
		r := report.Capitalize(word)
		if !slices.Contains(roles09, r) {
			return "", report.Fatalf("invalid role value '%s', allowed values are: '%s'", word, strings.Join(roles09, "', '"))
		}
		return r, nil
	}
	pop := func() string { w := args[0]; args = args[1:]; return w }
	var role1, role2, r1, r2 string
	var err error
	if len(args) > 2 && !scoreOrOption(args[2]) {
		if args[2] == "with" {
			if role1, err = role(pop()); err != nil {
				return err
			}
		}
		r1 = pop()
		if args[0] == "with" {
			pop()
			if slices.Contains(args, "with") {
				return &argv.UsageError{
					Message: "Multiple 'with's cannot be specified.", Both: true,
					Hint: "Use the 'pcs constraint colocation set' command if you want to create a constraint for more than two resources.",
				}
			}
		}
		switch {
		case len(args) == 0:
			return argv.Usage()
		case len(args) == 1 || scoreOrOption(args[1]):
			r2 = pop()
		default:
			if role2, err = role(pop()); err != nil {
				return err
			}
			r2 = pop()
		}
	} else {
		r1, r2 = pop(), pop()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	if r1, err = resourceID09(s, root, r1); err != nil {
		return err
	}
	if r2, err = resourceID09(s, root, r2); err != nil {
		return err
	}
	score := "INFINITY"
	if len(args) > 0 && !strings.Contains(args[0], "=") {
		score = pop()
	}
	var pairs argv.Pairs
	hasID := false
	for _, a := range args {
		p, err := argv.SplitOption(a, false)
		if err != nil {
			return err
		}
		if p.Name == "id" {
			if err := newID09(root, p.Value, "constraint id"); err != nil {
				return err
			}
			hasID = true
		}
		pairs = append(pairs, p)
	}
	if !hasID {
		pairs = append(pairs, argv.Pair{Name: "id", Value: doc.UniqueID(root, fmt.Sprintf("colocation-%s-%s-%s", r1, r2, score))})
	}
	section, err := constraints(root)
	if err != nil {
		return err
	}
	el := newColocation(r1, role1, r2, role2, score, pairs)
	same := func(e *etree.Element) string {
		role := func(n string) string {
			if v := report.Capitalize(doc.Attr(e, n)); v != "" {
				return v
			}
			return "Started"
		}
		return strings.Join([]string{doc.Attr(e, "rsc"), doc.Attr(e, "with-rsc"), role("rsc-role"), role("with-rsc-role")}, "\x00")
	}
	if err := refuseDuplicates09(s, section, el, same, colocations.plain); err != nil {
		return err
	}
	section.AddChild(el)
	return s.Push(root)
}

func refuseDuplicates09(s *session.Session, section, el *etree.Element, same func(*etree.Element) string, plain func(*etree.Element, bool) string) error {
	if s.Opts.Force() {
		return nil
	}
	var lines []string
	for _, o := range doc.All(section, el.Tag) {
		if o != el && len(doc.All(o, "resource_set")) == 0 && same(o) == same(el) {
			lines = append(lines, "  "+plain(o, true))
		}
	}
	if len(lines) > 0 {
		return report.Fatal("duplicate constraint already exists, use --force to override\n" + strings.Join(lines, "\n"))
	}
	return nil
}

// currentCIB09 is the CIB, for the verbs that in 0.9 look only for its constraints, and say so when there is none.
func currentCIB09(s *session.Session) (*etree.Element, error) {
	root, err := s.CIB()
	if err != nil {
		return nil, report.Fatal("unable to process cib")
	}
	return root, nil
}

// ColocationRemove09 is `constraint colocation remove` of 0.9.
func ColocationRemove09(s *session.Session, args []string) error {
	if len(args) < 2 {
		return argv.Usage()
	}
	root, err := currentCIB09(s)
	if err != nil {
		return err
	}
	section, err := constraints(root)
	if err != nil {
		return err
	}
	found := false
	for _, e := range doc.All(section, "rsc_colocation") {
		a, b := doc.Attr(e, "rsc"), doc.Attr(e, "with-rsc")
		if a == args[0] && b == args[1] || a == args[1] && b == args[0] {
			doc.Remove(e)
			found = true
		}
	}
	if !found {
		s.Out.Print("No matching resources found in ordering list")
		return nil
	}
	return s.Push(root)
}

// OrderRemove09 is `constraint order remove` of 0.9.
func OrderRemove09(s *session.Session, args []string) error {
	if len(args) == 0 {
		return argv.Usage()
	}
	root, err := currentCIB09(s)
	if err != nil {
		return err
	}
	section, err := constraints(root)
	if err != nil {
		return err
	}
	found := false
	for _, r := range args {
		for _, e := range doc.All(section, "rsc_order") {
			if doc.Attr(e, "first") == r || doc.Attr(e, "then") == r {
				doc.Remove(e)
				found = true
			}
		}
		for _, ref := range doc.All(section, "resource_ref") {
			if doc.ID(ref) != r {
				continue
			}
			found = true
			set := ref.Parent()
			order := set.Parent()
			doc.Remove(ref)
			if len(doc.All(set, "resource_ref")) == 0 {
				doc.Remove(set)
				if len(doc.All(order, "resource_set")) == 0 {
					doc.Remove(order)
				}
			}
		}
	}
	if !found {
		return report.Fatal("No matching resources found in ordering list")
	}
	return s.Push(root)
}

// OrderAdd09 is `constraint order A then B` of 0.9.
func OrderAdd09(s *session.Session, args []string) error {
	r1, r2, words, err := orderWords(args)
	if err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	if r1, err = resourceID09(s, root, r1); err != nil {
		return err
	}
	if r2, err = resourceID09(s, root, r2); err != nil {
		return err
	}
	options, hasID, err := orderOptions(root, words, []string{"true", "false"})
	if err != nil {
		return err
	}
	var shown []string
	kind, suffix := "kind: Mandatory", "mandatory"
	decided := false
	for _, o := range options {
		if o.Name != "kind" && o.Name != "score" {
			shown = append(shown, o.Name+"="+o.Value)
		} else if !decided {
			kind, suffix, decided = o.Name+": "+o.Value, o.Value, true
		}
	}
	if !hasID {
		options = append(options, argv.Pair{Name: "id", Value: doc.UniqueID(root, "order-"+r1+"-"+r2+"-"+suffix)})
	}
	section, err := constraints(root)
	if err != nil {
		return err
	}
	el := doc.New("rsc_order", "first", r1, "then", r2)
	for _, o := range options {
		doc.Set(el, o.Name, o.Value)
	}
	section.AddChild(el)
	if err := refuseDuplicates09(s, section, el, orderedPair, orders.plain); err != nil {
		return err
	}
	text := "Adding " + r1 + " " + r2 + " (" + kind + ")"
	if len(shown) > 0 {
		text += " (Options: " + strings.Join(shown, " ") + ")"
	}
	s.Out.Print(text)
	return s.Push(root)
}

// Remove09 is `constraint remove` of 0.9: each id on its own, those that exist are removed.
func Remove09(s *session.Session, args []string) error {
	if len(args) == 0 {
		return argv.Usage()
	}
	bad := false
	for _, id := range args {
		root, err := currentCIB09(s)
		if err != nil {
			return err
		}
		section, err := constraints(root)
		if err != nil {
			return err
		}
		if !removeByID(section, id) {
			s.Out.Error("Unable to find constraint - '" + id + "'")
			bad = true
			continue
		}
		if err := s.Push(root); err != nil {
			return err
		}
	}
	if bad {
		return report.ErrSilent
	}
	return nil
}

// removeByID removes a constraint, or a rule and with the last one its constraint.
func removeByID(section *etree.Element, id string) bool {
	found := false
	for _, c := range doc.Children(section) {
		if doc.ID(c) == id {
			doc.Remove(c)
			found = true
		}
	}
	if found {
		return true
	}
	for _, r := range doc.All(section, "rule") {
		if doc.ID(r) == id {
			found = true
			parent := r.Parent()
			doc.Remove(r)
			if len(doc.All(parent, "rule")) == 0 {
				doc.Remove(parent)
			}
		}
	}
	return found
}
