package constraint

import (
	"slices"
	"sort"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
)

// roles are those that the dialect knows.
func roles(s *session.Session) []string {
	if s.Minor() >= 12 {
		return []string{"Promoted", "Started", "Stopped", "Unpromoted"}
	}
	return allRoles
}

var allRoles = []string{"Master", "Promoted", "Slave", "Started", "Stopped", "Unpromoted"}

// setResource checks a resource of a set or of a ticket.
func setResource(s *session.Session, root *etree.Element, id string) []report.Item {
	found := doc.FindIDs(root, id)
	if len(found) == 0 {
		return []report.Item{report.Errorf("'%s' does not exist", id)}
	}
	el := found[0]
	tags := []string{"bundle", "clone", "group", "master", "primitive"}
	if !slices.Contains(tags, el.Tag) {
		return []report.Item{report.Errorf("'%s' is not %s", id, doc.TypeList(tags, true))}
	}
	if doc.Is(el, "bundle", "clone", "master") {
		return nil
	}
	parent := doc.Ancestor(el, "bundle", "clone", "master")
	if parent == nil {
		return nil
	}
	name := doc.TypeName(parent.Tag)
	return []report.Item{report.Forcible(s.Opts.Force(), "%s is a %s resource, you should use the %s id: %s when adding constraints", id, name, name, doc.ID(parent))}
}

// CreateSet is `constraint KIND set`.
func CreateSet(tag string) session.Verb {
	var k *kind
	for _, x := range kinds {
		if x.tag == tag {
			k = x
		}
	}
	return func(s *session.Session, args []string) error {
		if err := s.Opts.Only("-f", "--force"); err != nil {
			return err
		}
		sets, options, err := parseSets(s, args)
		if err != nil {
			return err
		}
		root, err := s.CIB()
		if err != nil {
			return err
		}
		if options, err = k.setOptions(s, root, options, sets); err != nil {
			return err
		}
		for i := range sets {
			if err := s.Check(checkSetOptions(s, sets[i].options)...); err != nil {
				return err
			}
			for _, id := range sets[i].ids {
				if err := s.Check(setResource(s, root, id)...); err != nil {
					return err
				}
			}
		}
		if tag == "rsc_order" {
			var groups []*etree.Element
			seen := map[string]bool{}
			for _, x := range sets {
				for _, id := range x.ids {
					if g := groupOf(root, id); g != nil && !seen[id] {
						if slices.Contains(groups, g) {
							return report.Items{report.Errorf("Cannot create an order constraint for resources in the same group")}
						}
						groups = append(groups, g)
					}
					seen[id] = true
				}
			}
		}
		section := doc.EnsureSection(root, "constraints")
		el := doc.Append(section, tag)
		for _, o := range options {
			doc.Set(el, o.Name, o.Value)
		}
		for _, x := range sets {
			se := doc.Append(el, "resource_set")
			for _, o := range x.options {
				v := o.Value
				if o.Name == "role" {
					v = rule.RoleFor(root, rule.NewRole(v))
				}
				doc.Set(se, o.Name, v)
			}
			doc.Set(se, "id", doc.UniqueID(root, doc.ID(el)+"_set"))
			for _, id := range x.ids {
				doc.Append(se, "resource_ref", "id", id)
			}
		}
		same := func(o *etree.Element) bool {
			return (tag != "rsc_ticket" || doc.Attr(o, "ticket") == doc.Attr(el, "ticket")) && sameRefs(o, el)
		}
		if err := refuseDuplicates(s, root, k, el, same); err != nil {
			return err
		}
		return s.Push(root)
	}
}

// sameRefs tells whether two constraints have equal sets of resources, options left aside.
func sameRefs(a, b *etree.Element) bool {
	x, y := doc.All(a, "resource_set"), doc.All(b, "resource_set")
	return slices.EqualFunc(x, y, func(p, q *etree.Element) bool { return slices.Equal(refs(p), refs(q)) })
}

// refuseDuplicates shows constraints that are the same, and refuses the new one unless forced.
func refuseDuplicates(s *session.Session, root *etree.Element, k *kind, el *etree.Element, same func(*etree.Element) bool) error {
	var dup []*etree.Element
	for _, o := range doc.All(doc.Section(root, "constraints"), el.Tag) {
		if o != el && same(o) {
			dup = append(dup, o)
		}
	}
	if len(dup) == 0 {
		return nil
	}
	s.Out.Info("Duplicate constraints:")
	for _, withSets := range []bool{false, true} {
		for _, o := range dup {
			if (doc.Child(o, "resource_set") != nil) != withSets {
				continue
			}
			lines := k.plainLines
			if withSets {
				lines = func(el *etree.Element, eval rule.Eval, ids bool) []string {
					return k.setLines(el, eval, ids, s.Minor() >= 12)
				}
			}
			for _, l := range lines(o, nil, true) {
				if l != "" {
					l = "  " + l
				}
				s.Out.Info(l)
			}
		}
	}
	constraint, exist := "constraint", "exists"
	if len(dup) > 1 {
		constraint, exist = "constraints", "exist"
	}
	return s.Check(report.Forcible(s.Opts.Force(), "Duplicate %s already %s", constraint, exist))
}

func checkSetOptions(s *session.Session, options argv.Pairs) []report.Item {
	var items []report.Item
	var bad []string
	for _, o := range options {
		if !slices.Contains(setOptionNames(), o.Name) {
			bad = append(bad, o.Name)
		}
	}
	if len(bad) > 0 {
		items = append(items, s.Style.InvalidOptions(bad, setOptionNames(), "set"))
	}
	if v, ok := options.Get("action"); ok && !slices.Contains(actions, v) {
		items = append(items, s.Style.InvalidOptionValue("action", v, actions))
	}
	boolean := func(n string) {
		if v, ok := options.Get(n); ok && !number.IsBool(v) {
			items = append(items, s.Style.InvalidOptionValueText(n, v, "a pacemaker boolean value: "+report.QuoteSorted(booleanValues)))
		}
	}
	boolean("require-all")
	if v, ok := options.Get("role"); ok && !slices.Contains(roles(s), v) {
		items = append(items, s.Style.InvalidOptionValue("role", v, roles(s)))
	}
	boolean("sequential")
	if v, ok := options.Get("role"); ok && s.Minor() < 12 {
		if newer := rule.NewRole(v); newer != v && slices.Contains(allRoles, v) {
			items = append(items, report.Deprecatedf("Value '%s' of option role is deprecated and might be removed in a future release, therefore it should not be used, use '%s' value instead", v, newer))
		}
	}
	return items
}

// setOptions checks what follows setoptions, and completes it.
func (k *kind) setOptions(s *session.Session, root *etree.Element, options argv.Pairs, sets []set) (argv.Pairs, error) {
	names := map[*kind][]string{colocationKind: {"id", "score"}, orderKind: {"id", "kind", "symmetrical"}, ticketKind: {"id", "loss-policy", "ticket"}}[k]
	var bad []string
	for _, o := range options {
		if !slices.Contains(names, o.Name) {
			bad = append(bad, o.Name)
		}
	}
	if len(bad) > 0 {
		sort.Strings(bad)
		return nil, report.Items{s.Style.InvalidOptions(bad, names, "")}
	}
	if id, ok := options.Get("id"); ok {
		if items := check.IDs(id, "constraint id"); len(items) > 0 {
			return nil, report.Items(items[:1])
		}
		if doc.IDExists(root, id) {
			return nil, report.Items{s.Style.IDInUse(id)}
		}
	} else {
		options = append(options, argv.Pair{Name: "id", Value: doc.UniqueID(root, setID(k.word, sets))})
	}
	var items report.Items
	switch k {
	case colocationKind:
		if v, ok := options.Get("score"); !ok {
			options = append(options, argv.Pair{Name: "score", Value: "INFINITY"})
		} else if !check.IsScore(v) {
			items = append(items, report.Errorf("invalid score '%s', use integer or INFINITY or -INFINITY", v))
		}
	case orderKind:
		if v, ok := options.Get("kind"); ok {
			allowed := []string{"Optional", "Mandatory", "Serialize"}
			if !slices.Contains(allowed, report.Capitalize(v)) {
				items = append(items, s.Style.InvalidOptionValue("kind", v, allowed))
			}
			options = options.With("kind", report.Capitalize(v))
		}
		if v, ok := options.Get("symmetrical"); ok {
			if !number.IsBool(v) {
				items = append(items, s.Style.InvalidOptionValue("symmetrical", v, booleanValues))
			}
			options = options.With("symmetrical", strings.ToLower(v))
		}
	case ticketKind:
		options, items = lossPolicy(s, options)
		if v := options.Value("ticket"); strings.TrimSpace(v) == "" {
			items = append(items, s.Style.RequiredMissing([]string{"ticket"}, ""))
		} else {
			items = append(items, ticketName(v)...)
		}
	}
	if len(items) > 0 {
		return nil, items
	}
	return options, nil
}

// Ref is `constraint ref`.
func Ref(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(args)))
	for _, id := range sorted {
		names := []string{id}
		for _, p := range doc.All(doc.Section(root, "resources"), "primitive") {
			if doc.ID(p) == id && doc.Is(p.Parent(), "clone", "master") {
				names = append(names, doc.ID(p.Parent()))
			}
		}
		var found []string
		for _, el := range doc.Children(doc.Section(root, "constraints"), allTags...) {
			hit := false
			if doc.Child(el, "resource_set") != nil {
				for _, set := range doc.Children(el, "resource_set") {
					hit = hit || slices.ContainsFunc(refs(set), func(r string) bool { return slices.Contains(names, r) })
				}
			} else {
				for _, a := range []string{"rsc", "with-rsc", "first", "then"} {
					hit = hit || doc.Has(el, a) && slices.Contains(names, doc.Attr(el, a))
				}
			}
			if hit {
				found = append(found, doc.ID(el))
			}
		}
		s.Out.Print("Resource: " + id)
		if len(found) == 0 {
			s.Out.Print("  No Matches")
		}
		for _, f := range slices.Compact(slices.Sorted(slices.Values(found))) {
			s.Out.Print("  " + f)
		}
	}
	return nil
}
