package constraint

import (
	"slices"
	"sort"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// set is a resource set as typed.
type set struct {
	ids     []string
	options argv.Pairs
}

var setOptions = map[string][]string{
	"sequential": {"true", "false"}, "require-all": {"true", "false"},
	"action": {"start", "promote", "demote", "stop"}, "role": {"Stopped", "Started", "Master", "Slave"},
}

func setOptionNames() []string { return []string{"action", "require-all", "role", "sequential"} }

// parseSets reads A B [k=v] [set C …] [setoptions k=v].
func parseSets(s *session.Session, args []string) ([]set, argv.Pairs, error) {
	parts := argv.SplitList(args, "setoptions")
	if len(parts) > 2 {
		return nil, nil, argv.Usagef("Keyword 'setoptions' may be mentioned at most once")
	}
	if len(parts[0]) == 0 {
		return nil, nil, argv.Usage()
	}
	var sets []set
	for _, words := range argv.SplitList(parts[0], "set") {
		var x set
		var pairs []string
		for _, w := range words {
			if strings.Contains(w, "=") {
				pairs = append(pairs, w)
			} else {
				x.ids = append(x.ids, w)
			}
		}
		var err error
		if x.options, err = s.KeyValues(pairs); err != nil {
			return nil, nil, err
		}
		sets = append(sets, x)
	}
	for _, x := range sets {
		if len(x.ids) == 0 {
			return nil, nil, argv.Usage()
		}
	}
	if len(parts) < 2 || len(parts[1]) == 0 {
		return sets, nil, nil
	}
	options, err := s.KeyValues(parts[1])
	return sets, options, err
}

// CreateSet09 is `constraint KIND set` of 0.9.
func CreateSet09(tag string) session.Verb {
	return func(s *session.Session, args []string) error {
		sets, options, err := parseSets(s, args)
		if err != nil {
			return err
		}
		root, err := s.CIB()
		if err != nil {
			return err
		}
		if options, err = setConstraintOptions09(s, root, tag, options, sets); err != nil {
			return err
		}
		for i := range sets {
			for _, o := range sets[i].options {
				allowed, ok := setOptions[o.Name]
				if !ok {
					return report.Items{s.Style.InvalidOptions([]string{o.Name}, setOptionNames(), "")}
				}
				if !slices.Contains(allowed, o.Value) {
					return report.Items{s.Style.InvalidOptionValue(o.Name, o.Value, allowed)}
				}
			}
			for j, id := range sets[i].ids {
				if sets[i].ids[j], err = setResource09(s, root, id); err != nil {
					return err
				}
			}
		}
		section := doc.Section(root, "constraints")
		el := doc.Append(section, tag)
		for _, o := range options {
			doc.Set(el, o.Name, o.Value)
		}
		for _, x := range sets {
			se := doc.Append(el, "resource_set")
			for _, o := range x.options {
				doc.Set(se, o.Name, o.Value)
			}
			doc.Set(se, "id", doc.UniqueID(root, doc.ID(el)+"_set"))
			for _, id := range x.ids {
				doc.Append(se, "resource_ref", "id", id)
			}
		}
		if err := refuseSameSets09(s, section, el); err != nil {
			return err
		}
		return s.Push(root)
	}
}

func setResource09(s *session.Session, root *etree.Element, id string) (string, error) {
	multi := []string{"clone", "master", "bundle"}
	tags := append(slices.Clone(multi), "primitive", "group")
	var el *etree.Element
	for _, t := range tags {
		for _, e := range doc.All(root, t) {
			if doc.ID(e) == id && el == nil {
				el = e
			}
		}
	}
	if el == nil {
		if found := doc.FindIDs(root, id); len(found) > 0 {
			return "", report.Items{report.Errorf("'%s' is not %s", id, doc.TypeList09(tags, true))}
		}
		return "", report.Items{report.Errorf("%s '%s' does not exist", doc.TypeList09(tags, false), id)}
	}
	if slices.Contains(multi, el.Tag) {
		return id, nil
	}
	parent := doc.Ancestor(el, multi...)
	if parent == nil {
		return id, nil
	}
	if s.Opts.Has("--autocorrect") {
		return doc.ID(parent), nil
	}
	mode := parent.Tag
	if mode == "master" {
		mode = "master/slave"
	}
	item := report.Forcible(s.Opts.Force(), "%s is a %s resource, you should use the %s id: %s when adding constraints", id, mode, parent.Tag, doc.ID(parent))
	if !s.Opts.Force() {
		return "", report.Items{item}
	}
	s.Out.Tell(item)
	return id, nil
}

func setID(prefix string, sets []set) string {
	part := ""
	n := 0
	for _, x := range sets {
		for _, id := range x.ids {
			if n++; n > 3 {
				break
			}
			r := []rune(id)
			if len(r) == 0 {
				continue
			}
			part += string(r[0]) + string(r[len(r)-1])
		}
	}
	return prefix + "_set_" + part
}

func setConstraintOptions09(s *session.Session, root *etree.Element, tag string, options argv.Pairs, sets []set) (argv.Pairs, error) {
	names := map[string][]string{
		"rsc_colocation": {"score", "score-attribute", "score-attribute-mangle"},
		"rsc_order":      {"symmetrical", "kind"},
		"rsc_ticket":     {"loss-policy", "ticket"},
	}[tag]
	allowed := append(slices.Clone(names), "id")
	var bad []string
	for _, o := range options {
		if !slices.Contains(allowed, o.Name) {
			bad = append(bad, o.Name)
		}
	}
	if len(bad) > 0 {
		return nil, report.Items{s.Style.InvalidOptions(bad, allowed, "")}
	}
	if id, ok := options.Get("id"); ok {
		if bad := doc.CheckID(id, "constraint id"); len(bad) > 0 {
			return nil, report.Items{report.Errorf("%s", bad[0])}
		}
		if doc.IDExists(root, id) {
			return nil, report.Items{s.Style.IDInUse(id)}
		}
	} else {
		options = append(options, argv.Pair{Name: "id", Value: doc.UniqueID(root, setID(strings.TrimPrefix(tag, "rsc_"), sets))})
	}
	var items report.Items
	switch tag {
	case "rsc_colocation":
		if v, ok := options.Get("score"); ok && !check.IsScore(v) {
			return nil, report.Items{report.Errorf("invalid score '%s', use integer or INFINITY or -INFINITY", v)}
		}
		n := 0
		for _, x := range names {
			if options.Has(x) {
				n++
			}
		}
		if n > 1 {
			return nil, report.Items{report.Errorf("you cannot specify multiple score options")}
		}
		if n == 0 {
			options = options.With("score", "INFINITY")
		}
	case "rsc_order":
		kinds := []string{"Optional", "Mandatory", "Serialize"}
		if v, ok := options.Get("kind"); ok {
			k := report.Capitalize(v)
			if !slices.Contains(kinds, k) {
				items = append(items, s.Style.InvalidOptionValue("kind", v, kinds))
			}
			options = options.With("kind", k)
		}
		if v, ok := options.Get("symmetrical"); ok {
			k := strings.ToLower(v)
			if k != "true" && k != "false" {
				items = append(items, s.Style.InvalidOptionValue("symmetrical", v, []string{"true", "false"}))
			}
			options = options.With("symmetrical", k)
		}
	case "rsc_ticket":
		options, items = lossPolicy(s, options)
		if strings.TrimSpace(options.Value("ticket")) == "" {
			items = append(items, s.Style.RequiredMissing([]string{"ticket"}, ""))
		}
	}
	if len(items) > 0 {
		return nil, items
	}
	return options, nil
}

var lossPolicies = []string{"fence", "stop", "freeze", "demote"}

func setKey(el *etree.Element) string {
	var key []string
	if el.Tag == "rsc_ticket" {
		key = append(key, doc.Attr(el, "ticket"))
	}
	for _, se := range doc.All(el, "resource_set") {
		key = append(key, "\x01")
		for _, r := range doc.All(se, "resource_ref") {
			key = append(key, doc.ID(r))
		}
	}
	return strings.Join(key, "\x00")
}

func refuseSameSets09(s *session.Session, section, el *etree.Element) error {
	return sameConstraints09(s, section, el, setKey, func(o *etree.Element) string {
		if len(doc.All(o, "resource_set")) > 0 || el.Tag != "rsc_ticket" {
			return withSets(o, true)
		}
		return plainTicket(o, true)
	})
}

func sameConstraints09(s *session.Session, section, el *etree.Element, key, show func(*etree.Element) string) error {
	var lines []string
	for _, o := range doc.All(section, el.Tag) {
		if o != el && key(o) == key(el) {
			lines = append(lines, "  "+show(o))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	head := "duplicate constraint already exists"
	item := report.Forcible(s.Opts.Force(), "%s\n%s", head, strings.Join(lines, "\n"))
	item.ForceAt = len(head)
	if !s.Opts.Force() {
		return report.Items{item}
	}
	s.Out.Tell(item)
	return nil
}

// TicketAdd09 is `constraint ticket add` of 0.9.
func TicketAdd09(s *session.Session, args []string) error {
	ticket, id, role, options, err := parseTicket(s, args)
	if err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	if id, err = setResource09(s, root, id); err != nil {
		return err
	}
	options, items := lossPolicy(s, options)
	if ticket == "" {
		items = append(items, s.Style.RequiredMissing([]string{"ticket"}, ""))
	}
	options = options.With("ticket", ticket).With("rsc", id)
	if role != "" {
		r := report.Capitalize(role)
		allowed := []string{"Stopped", "Started", "Master", "Slave"}
		if !slices.Contains(allowed, r) {
			items = append(items, s.Style.InvalidOptionValue("rsc-role", role, allowed))
		}
		options = options.With("rsc-role", r)
	}
	if len(items) > 0 {
		return items
	}
	allowed := []string{"loss-policy", "ticket", "rsc", "rsc-role", "id"}
	var bad []string
	for _, o := range options {
		if !slices.Contains(allowed, o.Name) {
			bad = append(bad, o.Name)
		}
	}
	if len(bad) > 0 {
		return report.Items{s.Style.InvalidOptions(bad, allowed, "")}
	}
	if v, ok := options.Get("id"); ok {
		if wrong := doc.CheckID(v, "constraint id"); len(wrong) > 0 {
			return report.Items{report.Errorf("%s", wrong[0])}
		}
		if doc.IDExists(root, v) {
			return report.Items{s.Style.IDInUse(v)}
		}
	} else {
		v := "ticket-" + ticket + "-" + id
		if r := options.Value("rsc-role"); r != "" {
			v += "-" + r
		}
		options = options.With("id", doc.UniqueID(root, v))
	}
	section := doc.Section(root, "constraints")
	el := doc.Append(section, "rsc_ticket")
	for _, o := range options {
		doc.Set(el, o.Name, o.Value)
	}
	key := func(e *etree.Element) string {
		return doc.Attr(e, "ticket") + "\x00" + doc.Attr(e, "rsc") + "\x00" + doc.Attr(e, "rsc-role")
	}
	if err := sameConstraints09(s, section, el, key, func(o *etree.Element) string { return plainTicket(o, true) }); err != nil {
		return err
	}
	return s.Push(root)
}

// parseTicket reads TICKET [ROLE] RESOURCE [k=v].
func parseTicket(s *session.Session, args []string) (ticket, id, role string, options argv.Pairs, err error) {
	at := slices.IndexFunc(args, func(a string) bool { return strings.Contains(a, "=") })
	if at < 0 {
		at = len(args)
	}
	info := args[:at]
	if len(info) == 0 {
		return "", "", "", nil, argv.Usagef("Ticket not specified")
	}
	switch rest := info[1:]; len(rest) {
	case 1:
		id = rest[0]
	case 2:
		role, id = rest[0], rest[1]
	default:
		return "", "", "", nil, argv.Usagef("invalid resource specification: '%s'", strings.Join(rest, " "))
	}
	if options, err = s.KeyValues(args[at:]); err != nil {
		return "", "", "", nil, err
	}
	if options.Has("rsc-role") {
		return "", "", "", nil, argv.Usagef("Resource role must not be specified among options, specify it before resource id")
	}
	return info[0], id, role, options, nil
}

// TicketRemove is `constraint ticket remove`.
func TicketRemove(s *session.Session, args []string) error {
	if err := s.Only("-f"); err != nil {
		return err
	}
	if len(args) != 2 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	found := false
	for _, t := range doc.All(doc.Section(root, "constraints"), "rsc_ticket") {
		if doc.Attr(t, "ticket") != args[0] {
			continue
		}
		if doc.Attr(t, "rsc") == args[1] {
			doc.Remove(t)
			found = true
			continue
		}
		for _, se := range doc.Children(t, "resource_set") {
			for _, r := range doc.Children(se, "resource_ref") {
				if doc.ID(r) == args[1] {
					doc.Remove(r)
					found = true
				}
			}
			if found && len(doc.Children(se)) == 0 {
				doc.Remove(se)
			}
		}
		if found && len(doc.Children(t)) == 0 && !doc.Has(t, "rsc") {
			doc.Remove(t)
		}
	}
	if err := s.Push(root); err != nil {
		return err
	}
	if !found {
		return report.Fatal("no matching ticket constraint found")
	}
	return nil
}

// Ref09 is `constraint ref` of 0.9.
func Ref09(s *session.Session, args []string) error {
	if len(args) == 0 {
		return argv.Usage()
	}
	for _, a := range args {
		s.Out.Print("Resource: " + a)
		root, err := s.CIB()
		if err != nil {
			return err
		}
		plain, sets := Containing(root, a)
		sort.Strings(sets)
		if len(plain)+len(sets) == 0 {
			s.Out.Print("  No Matches.")
		}
		for _, id := range append(plain, sets...) {
			s.Out.Print("  " + id)
		}
	}
	return nil
}

// Containing are the ids of constraints that name a resource, directly or in a set.
// A cloned resource that is in a clone counts by the clone.
func Containing(root *etree.Element, id string) (plain, sets []string) {
	for _, p := range doc.All(root, "primitive") {
		if doc.ID(p) == id {
			if doc.Is(p.Parent(), "master", "clone") {
				plain, sets = Containing(root, doc.ID(p.Parent()))
			}
			break
		}
	}
	section := doc.Section(root, "constraints")
	for _, tag := range []string{"rsc_colocation", "rsc_location", "rsc_order", "rsc_ticket"} {
		for _, c := range doc.All(section, tag) {
			for _, a := range []string{"rsc", "first", "then", "with-rsc"} {
				if doc.Has(c, a) && doc.Attr(c, a) == id {
					plain = append(plain, doc.ID(c))
					break
				}
			}
		}
	}
	for _, r := range doc.All(section, "resource_ref") {
		if doc.ID(r) == id {
			if c := doc.ID(r.Parent().Parent()); !slices.Contains(sets, c) {
				sets = append(sets, c)
			}
		}
	}
	return plain, sets
}

// RemoveContaining09 removes all constraints of a resource, and tells them if loud.
func RemoveContaining09(s *session.Session, root *etree.Element, id string, loud bool) {
	section := doc.Section(root, "constraints")
	plain, sets := Containing(root, id)
	if !s.Legacy() {
		slices.Sort(plain)
	}
	for _, c := range plain {
		if loud {
			s.Out.Info("Removing Constraint - " + c)
		}
		removeByID(section, c)
	}
	if len(sets) == 0 {
		return
	}
	for _, r := range doc.All(section, "resource_ref") {
		if doc.ID(r) != id {
			continue
		}
		se := r.Parent()
		c := se.Parent()
		doc.Remove(r)
		if loud {
			s.Out.Info("Removing " + id + " from set " + doc.ID(se))
		}
		if len(doc.All(se, "resource_ref")) == 0 {
			s.Out.Info("Removing set " + doc.ID(se))
			doc.Remove(se)
			if len(doc.All(c, "resource_set")) == 0 {
				doc.Remove(c)
				s.Out.Info("Removing constraint " + doc.ID(c))
			}
		}
	}
}

// MoveToClone09 makes constraints of a resource constraints of the clone around it.
func MoveToClone09(root *etree.Element, id string) {
	var el *etree.Element
	for _, e := range doc.All(doc.Section(root, "resources"), "primitive", "group") {
		if doc.ID(e) == id {
			el = e
			break
		}
	}
	if el == nil {
		return
	}
	parent := doc.Ancestor(el, "clone", "master")
	if parent == nil {
		return
	}
	for _, c := range doc.All(doc.Section(root, "constraints"), "rsc_location", "rsc_order", "rsc_colocation") {
		for _, a := range []string{"rsc", "first", "then", "with-rsc"} {
			if doc.Has(c, a) && doc.Attr(c, a) == id {
				doc.Set(c, a, doc.ID(parent))
			}
		}
	}
}
