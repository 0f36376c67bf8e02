package constraint

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/remove"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
)

var allRoles = []string{"Master", "Promoted", "Slave", "Started", "Stopped", "Unpromoted"}

// schemaRole is a role in the name that a CIB's schema has.
func schemaRole(root *etree.Element, role string) string {
	if doc.NewRoles(root) {
		return rule.NewRole(role)
	}
	return rule.OldRole(rule.NewRole(role))
}

// ColocationAdd is `constraint colocation add`.
func ColocationAdd(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f", "--force"); err != nil {
		return err
	}
	if len(args) < 3 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	role := func(word string) (string, error) {
		r := capitalize(word)
		if !slices.Contains(allRoles, r) {
			return "", report.Fatalf("invalid role value '%s', allowed values are: %s", word, report.QuoteSorted(allRoles))
		}
		rule.WarnOldRole(s, word)
		return schemaRole(root, r), nil
	}
	pop := func() string { w := args[0]; args = args[1:]; return w }
	var role1, role2 string
	switch "with" {
	case args[2]:
		if role1, err = role(pop()); err != nil {
			return err
		}
	case args[1]:
	default:
		return argv.Usage()
	}
	r1 := pop()
	if pop() != "with" {
		return argv.Usage()
	}
	if slices.Contains(args, "with") {
		return &argv.UsageError{
			Message: "Multiple 'with's cannot be specified.", Both: true,
			Hint: "Use the 'pcs constraint colocation set' command if you want to create a constraint for more than two resources.",
		}
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	if len(args) > 1 && !scoreOrOption(args[1]) {
		if role2, err = role(pop()); err != nil {
			return err
		}
	}
	r2 := pop()
	score := "INFINITY"
	if len(args) > 0 && !strings.Contains(args[0], "=") {
		score = pop()
	}
	var pairs argv.Pairs
	for _, a := range args {
		p, err := argv.SplitOption(a, false)
		if err != nil {
			return err
		}
		pairs = append(pairs, p)
	}
	for _, id := range []string{r1, r2} {
		if err := checkResource(s, root, id); err != nil {
			return err
		}
	}
	hasID := false
	for _, p := range pairs {
		if p.Name == "id" {
			if err := newID09(root, p.Value, "constraint id"); err != nil {
				return err
			}
			hasID = true
		}
	}
	if !hasID {
		pairs = append(pairs, argv.Pair{Name: "id", Value: doc.UniqueID(root, fmt.Sprintf("colocation-%s-%s-%s", r1, r2, score))})
	}
	section, err := constraints(root)
	if err != nil {
		return err
	}
	if role1 != "" && role2 == "" {
		role2 = "Started"
	}
	if role2 != "" && role1 == "" {
		role1 = "Started"
	}
	el := doc.New("rsc_colocation", "rsc", r1, "with-rsc", r2, "score", score)
	doc.SetOrDrop(el, "rsc-role", role1)
	doc.SetOrDrop(el, "with-rsc-role", role2)
	for _, p := range pairs {
		doc.Set(el, p.Name, p.Value)
	}
	same := func(e *etree.Element) string {
		role := func(n string) string {
			if v := rule.NewRole(doc.Attr(e, n)); v != "" {
				return v
			}
			return "Started"
		}
		return strings.Join([]string{doc.Attr(e, "rsc"), doc.Attr(e, "with-rsc"), role("rsc-role"), role("with-rsc-role")}, "\x00")
	}
	if err := refuseDuplicates09(s, section, el, same, plainColocation11); err != nil {
		return err
	}
	section.AddChild(el)
	return s.Push(root)
}

// plainColocation11 is a colocation as a complaint about a duplicate shows it.
func plainColocation11(el *etree.Element, _ bool) string {
	parts := []string{doc.Attr(el, "rsc"), "with", doc.Attr(el, "with-rsc"), "(score:" + doc.Attr(el, "score") + ")"}
	for _, a := range doc.SortedAttrs(el, "rsc", "with-rsc", "id", "score") {
		parts = append(parts, "("+a.Name+":"+a.Value+")")
	}
	return strings.Join(append(parts, "(id:"+doc.ID(el)+")"), " ")
}

// ColocationRemove is `constraint colocation remove` and `delete`.
func ColocationRemove(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f"); err != nil {
		return err
	}
	if len(args) != 2 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	var ids []string
	for _, el := range Read(root, nil).plain[colocationKind] {
		a, b := doc.Attr(el, "rsc"), doc.Attr(el, "with-rsc")
		switch {
		case a == args[0] && b == args[1]:
			ids = append(ids, doc.ID(el))
		case a == args[1] && b == args[0]:
			s.Deprecated("Removing colocation constraint with interchanged source resource id and target resource id. This behavior is deprecated and will be removed.")
			ids = append(ids, doc.ID(el))
		}
	}
	if len(ids) == 0 {
		return argv.Usagef("Unable to find colocation constraint with source resource '%s' and target resource '%s'", args[0], args[1])
	}
	return remove.Elements(s, ids)
}

// OrderRemove is `constraint order remove` and `delete`.
func OrderRemove(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f"); err != nil {
		return err
	}
	return OrderRemove09(s, args)
}

// OrderAdd is `constraint order [ACTION] A then [ACTION] B [OPTION]...`.
func OrderAdd(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f", "--force"); err != nil {
		return err
	}
	if len(args) < 3 {
		return argv.Usage()
	}
	pop := func() string { w := args[0]; args = args[1:]; return w }
	first, then := "start", "start"
	if slices.Contains(actions, args[0]) {
		first = pop()
	}
	r1 := pop()
	if len(args) == 0 || pop() != "then" || len(args) == 0 {
		return argv.Usage()
	}
	if slices.Contains(actions, args[0]) {
		then = pop()
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	r2 := pop()
	if slices.Contains(args, "then") {
		return &argv.UsageError{
			Message: "Multiple 'then's cannot be specified.", Both: true,
			Hint: "Use the 'pcs constraint order set' command if you want to create a constraint for more than two resources.",
		}
	}
	words := append(slices.Clone(args), "first-action="+first, "then-action="+then)
	root, err := s.CIB()
	if err != nil {
		return err
	}
	for _, id := range []string{r1, r2} {
		if err := checkResource(s, root, id); err != nil {
			return err
		}
	}
	if g := groupOf(root, r1); g != nil && g == groupOf(root, r2) {
		return report.Fatal("Cannot create an order constraint for resources in the same group")
	}
	var options argv.Pairs
	symmetrical, hasID := "", false
	for _, w := range words {
		switch w {
		case "symmetrical":
			symmetrical = "true"
			continue
		case "nonsymmetrical":
			symmetrical = "false"
			continue
		}
		p, err := argv.SplitOption(w, false)
		if err != nil {
			return err
		}
		switch p.Name {
		case "id":
			if err := newID09(root, p.Value, "constraint id"); err != nil {
				return err
			}
			hasID = true
			options = append(options, p)
		case "symmetrical":
			if !check.IsBoolean(p.Value) {
				return report.Fatalf("invalid symmetrical value '%s', allowed values are: %s", p.Value, strings.Join(booleanValues, ", "))
			}
			symmetrical = strings.ToLower(p.Value)
		default:
			options = append(options, p)
		}
	}
	if symmetrical != "" {
		options = append(options, argv.Pair{Name: "symmetrical", Value: symmetrical})
	}
	kindText, suffix := "kind: Mandatory", "mandatory"
	var shown []string
	found := false
	for _, o := range options {
		if o.Name == "kind" || o.Name == "score" {
			if !found {
				kindText, suffix, found = o.Name+": "+o.Value, o.Value, true
				if o.Name == "score" {
					s.Deprecated("option 'score' is deprecated and might be removed in a future release, therefore it should not be used")
				}
			}
			continue
		}
		shown = append(shown, o.Name+"="+o.Value)
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
	same := func(e *etree.Element) string {
		action := func(n string) string {
			if v := strings.ToLower(doc.Attr(e, n)); v != "" {
				return v
			}
			return "start"
		}
		return strings.Join([]string{doc.Attr(e, "first"), doc.Attr(e, "then"), action("first-action"), action("then-action")}, "\x00")
	}
	if err := refuseDuplicates09(s, section, el, same, plainOrder11); err != nil {
		return err
	}
	section.AddChild(el)
	text := "Adding " + r1 + " " + r2 + " (" + kindText + ")"
	if len(shown) > 0 {
		text += " (Options: " + strings.Join(shown, " ") + ")"
	}
	s.Out.Info(text)
	return s.Push(root)
}

var booleanValues = []string{"true", "on", "yes", "y", "1", "false", "off", "no", "n", "0"}

func groupOf(root *etree.Element, id string) *etree.Element {
	for _, p := range doc.All(doc.Section(root, "resources"), "primitive") {
		if doc.ID(p) == id {
			return doc.Ancestor(p, "group")
		}
	}
	return nil
}

func plainOrder11(el *etree.Element, _ bool) string {
	var parts []string
	for _, w := range []string{doc.Attr(el, "first-action"), doc.Attr(el, "first"), "then", doc.Attr(el, "then-action"), doc.Attr(el, "then")} {
		if w != "" {
			parts = append(parts, w)
		}
	}
	switch kind, score := doc.Attr(el, "kind"), doc.Attr(el, "score"); {
	case kind != "":
		parts = append(parts, "(kind:"+kind+")")
	case score == "":
		parts = append(parts, "(kind:Mandatory)")
	default:
		parts = append(parts, "(score:"+score+")")
	}
	if doc.Has(el, "symmetrical") && !check.IsTrue(doc.Attr(el, "symmetrical")) {
		parts = append(parts, "(non-symmetrical)")
	}
	var more []string
	for _, a := range doc.Attrs(el, "first", "then", "first-action", "then-action", "id", "score", "kind", "symmetrical") {
		more = append(more, a.Name+"="+a.Value)
	}
	if len(more) > 0 {
		parts = append(parts, "(Options: "+strings.Join(more, " ")+")")
	}
	return strings.Join(append(parts, "(id:"+doc.ID(el)+")"), " ")
}

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
					v = schemaRole(root, v)
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
				lines = k.setLines
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
		if v, ok := options.Get(n); ok && !check.IsBoolean(v) {
			items = append(items, s.Style.InvalidOptionValueText(n, v, "a pacemaker boolean value: "+report.QuoteSorted(booleanValues)))
		}
	}
	boolean("require-all")
	if v, ok := options.Get("role"); ok && !slices.Contains(allRoles, v) {
		items = append(items, s.Style.InvalidOptionValue("role", v, allRoles))
	}
	boolean("sequential")
	if v, ok := options.Get("role"); ok {
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
			if !slices.Contains(allowed, capitalize(v)) {
				items = append(items, s.Style.InvalidOptionValue("kind", v, allowed))
			}
			options = options.With("kind", capitalize(v))
		}
		if v, ok := options.Get("symmetrical"); ok {
			if !check.IsBoolean(v) {
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

func lossPolicy(s *session.Session, options argv.Pairs) (argv.Pairs, report.Items) {
	v, ok := options.Get("loss-policy")
	if !ok {
		return options, nil
	}
	var items report.Items
	if !slices.Contains(lossPolicies, v) {
		items = append(items, s.Style.InvalidOptionValue("loss-policy", v, lossPolicies))
	}
	return options.With("loss-policy", strings.ToLower(v)), items
}

func ticketName(name string) []report.Item {
	for _, r := range name {
		if r != '-' && (r > 127 || !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')) {
			return []report.Item{report.Errorf("booth ticket name '%s' is not valid, use up to 63 alphanumeric characters or dash", name)}
		}
	}
	if name == "" || len(name) > 63 {
		return []report.Item{report.Errorf("booth ticket name '%s' is not valid, use up to 63 alphanumeric characters or dash", name)}
	}
	return nil
}

// TicketAdd is `constraint ticket add`.
func TicketAdd(s *session.Session, args []string) error {
	if err := s.Opts.Only("--force", "-f"); err != nil {
		return err
	}
	ticket, id, role, options, err := parseTicket(s, args)
	if err != nil {
		return err
	}
	if options.Has("rsc-role") {
		return argv.Usagef("Resource role must not be specified among options, specify it before resource id")
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	if err := s.Check(setResource(s, root, id)...); err != nil {
		return err
	}
	var items []report.Item
	options, bad := lossPolicy(s, options)
	items = append(items, bad...)
	if ticket == "" {
		items = append(items, s.Style.RequiredMissing([]string{"ticket"}, ""))
	} else {
		items = append(items, ticketName(ticket)...)
	}
	if role != "" {
		if r := capitalize(role); !slices.Contains(allRoles, r) {
			items = append(items, s.Style.InvalidOptionValue("role", role, allRoles))
		} else if newer := rule.NewRole(r); newer != r {
			items = append(items, report.Deprecatedf("Value '%s' of option role is deprecated and might be removed in a future release, therefore it should not be used, use '%s' value instead", role, newer))
		}
	}
	var unknown []string
	for _, o := range options {
		if o.Name != "id" && o.Name != "loss-policy" {
			unknown = append(unknown, o.Name)
		}
	}
	if len(unknown) > 0 {
		items = append(items, s.Style.InvalidOptions(unknown, []string{"id", "loss-policy"}, ""))
	}
	if err := s.Check(items...); err != nil {
		return err
	}
	if role != "" {
		role = schemaRole(root, capitalize(role))
	}
	cid, given := options.Get("id")
	if given {
		if items := check.IDs(cid, "constraint id"); len(items) > 0 {
			return report.Items(items[:1])
		}
		if doc.IDExists(root, cid) {
			return report.Items{s.Style.IDInUse(cid)}
		}
	} else {
		cid = "ticket-" + ticket + "-" + id
		if role != "" {
			cid += "-" + role
		}
		cid = doc.UniqueID(root, cid)
	}
	el := doc.Append(doc.EnsureSection(root, "constraints"), "rsc_ticket")
	for _, o := range options.Without("id") {
		doc.Set(el, o.Name, o.Value)
	}
	doc.SetOrDrop(el, "rsc-role", role)
	doc.Set(el, "ticket", ticket)
	doc.Set(el, "rsc", id)
	doc.Set(el, "id", cid)
	key := func(e *etree.Element) string {
		return rule.NewRole(doc.Attr(e, "rsc-role")) + "\x00" + doc.Attr(e, "ticket") + "\x00" + doc.Attr(e, "rsc")
	}
	if err := refuseDuplicates(s, root, ticketKind, el, func(o *etree.Element) bool { return key(o) == key(el) }); err != nil {
		return err
	}
	return s.Push(root)
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
