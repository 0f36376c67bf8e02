package resource

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/listing"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
)

// demoteSchema is the first schema that has on-fail=demote.
var demoteSchema = [3]int{3, 4, 0}

// tell shows items; an error among them ends the command without a closing line.
func tell(s *session.Session, items []report.Item) error {
	if report.HasErrors(items) {
		return report.Items(items)
	}
	s.Out.Tell(items...)
	return nil
}

func actionNames(a *agents.Agent) []string {
	names := []string{}
	for _, x := range a.Actions {
		names = append(names, x.Name)
	}
	return names
}

// Update is `resource update` since 0.10, UpdateStonith the same of fence devices.
func Update(s *session.Session, args []string) error {
	return update(s, args, false, "pcs stonith update")
}

// UpdateStonith is `stonith update`.
func UpdateStonith(s *session.Session, args []string) error {
	return update(s, args, true, "pcs resource update")
}

func update(s *session.Session, args []string, fence bool, use string) error {
	if len(args) == 0 {
		return argv.Usage()
	}
	if err := s.TellKind(args[:1], fence, use); err != nil {
		return err
	}
	if err := s.Opts.Only("-f", "--wait", "--force", "--agent-validation"); err != nil {
		return err
	}
	if len(args) < 2 {
		return argv.Usage()
	}
	id := args[0]
	options, ops, metaWords := splitOptions09(args[1:])
	plan, err := s.PlanWait09()
	if err != nil {
		return err
	}
	var need [3]int
	for _, op := range ops {
		if len(op) > 1 && slices.Contains(tuples09(op[1:]), argv.Pair{Name: "on-fail", Value: "demote"}) {
			need = demoteSchema
		}
	}
	root, err := s.OldCIBAtLeast(need)
	if err != nil {
		return err
	}
	el := doc.ByID(root, id, "primitive")
	if el == nil {
		return updateClone(s, root, id, options, ops, metaWords, plan)
	}
	names, err := updateInstance(s, root, el, tuples09(options))
	if err != nil {
		return err
	}
	before := remoteName(el)
	meta, err := argv.KeyValues(metaWords)
	if err != nil {
		return err
	}
	if v, ok := meta.Get("remote-node"); ok && v != before {
		if err := guestChange09(s, root, meta); err != nil {
			return err
		}
	}
	doc.UpdateSet09(el, "meta_attributes", tuples09(metaWords), doc.ID(el)+"-meta_attributes")
	if doc.Child(el, "operations") == nil {
		doc.Append(el, "operations") // whether there are operations to add or not
	}
	for _, op := range ops {
		if err := updateOperation(s, root, el, op, names); err != nil {
			return err
		}
	}
	if err := s.Push(root); err != nil {
		return err
	}
	if before != "" && before != remoteName(el) {
		forgetNode(s, before)
	}
	return s.WaitFor09(plan, id)
}

// updateInstance changes parameters of a primitive. It gives the operations that the agent has, nil
// when the agent cannot be read.
func updateInstance(s *session.Session, root, el *etree.Element, typed argv.Pairs) ([]string, error) {
	var params argv.Pairs
	for _, p := range typed {
		params = params.With(p.Name, p.Value)
	}
	var names []string
	a, err := s.Agent(agents.NameOf(el))
	if err != nil {
		if err := tell(s, []report.Item{s.AgentError(agents.NameOf(el), err).As(s.Opts.Force())}); err != nil {
			return nil, err
		}
	} else {
		names = actionNames(a)
		if err := tell(s, validateUpdate(s, a, params, root, el)); err != nil {
			return nil, err
		}
	}
	doc.UpdateSet09(el, "instance_attributes", typed, doc.ID(el)+"-instance_attributes")
	return names, nil
}

// validateUpdate checks parameters that are being changed. What is wrong with others that stand
// in the CIB already is not told.
func validateUpdate(s *session.Session, a *agents.Agent, params argv.Pairs, root, el *etree.Element) []report.Item {
	rules := check.Rules{Style: s.Style}
	sev := check.ByForce(s.Opts.Force())
	current := doc.FirstSet(el, "instance_attributes")
	var fresh, set argv.Pairs
	var after argv.Pairs
	for _, p := range current {
		after = after.With(p.Name, p.Value)
	}
	for _, p := range params {
		if !current.Has(p.Name) {
			fresh = append(fresh, p)
		}
		if p.Value == "" {
			after = after.Without(p.Name)
			continue
		}
		set = append(set, p)
		after = after.With(p.Name, p.Value)
	}
	items := rules.NamesIn(fresh, a.ParamNames(), kindOf(a), sev)
	items = append(items, deprecatedParams(a, set)...)
	items = append(items, requiredParams(rules, a, after, params.Names(), sev)...)
	items = append(items, stonithAction(s, a, params)...)
	items = append(items, uniqueParams(s, a, params, doc.Section(root, "resources"), doc.ID(el))...)
	if selfChecks(s, a, items) {
		items = append(items, selfCheckUpdate(s, a.Name, current, after)...)
	}
	return items
}

// updateClone changes the meta attributes of a clone; a master becomes a promotable clone.
func updateClone(s *session.Session, root *etree.Element, id string, options []string, ops [][]string, meta []string, plan session.WaitPlan) error {
	clone := doc.ByID(root, id, "clone")
	if clone == nil {
		if clone = doc.ByID(root, id, "master"); clone != nil {
			toPromotable(clone)
		}
	}
	if clone == nil || doc.Cloned(clone) == nil {
		return report.Fatalf("Unable to find resource: %s", id)
	}
	words := append([]string{"meta"}, append(slices.Clone(options), meta...)...)
	for _, op := range ops {
		if len(op) > 0 {
			words = append(append(words, "op"), op...)
		}
	}
	if _, err := cloneCreate(s, root, append([]string{doc.ID(doc.Cloned(clone))}, words...), true, false); err != nil {
		return err
	}
	if err := s.Push(root); err != nil {
		return err
	}
	return s.WaitFor09(plan, doc.ID(clone))
}

// toPromotable makes a master a promotable clone.
func toPromotable(master *etree.Element) {
	master.Tag = "clone"
	for _, a := range master.Attr {
		if a.Key != "id" {
			master.RemoveAttr(a.FullKey())
		}
	}
	doc.UpdateSet09(master, "meta_attributes", argv.Pairs{{Name: "promotable", Value: "true"}}, doc.ID(master)+"-meta_attributes")
}

// updateOperation puts an operation in place of the one with its name and role.
func updateOperation(s *session.Session, root, el *etree.Element, words, names []string) error {
	if len(words) == 0 {
		return nil
	}
	if strings.Contains(words[0], "=") {
		return report.Fatalf("%s does not appear to be a valid operation action", words[0])
	}
	if len(words) < 2 {
		return nil
	}
	role := ""
	for _, p := range tuples09(words[1:]) {
		if p.Name == "role" {
			role = rule.RoleFor(root, p.Value)
			break
		}
	}
	var old, next *etree.Element
	for _, e := range doc.All(doc.Child(el, "operations"), "op") {
		if old != nil {
			next = e
			break
		}
		if doc.Attr(e, "name") == words[0] && rule.RoleFor(root, doc.Attr(e, "role")) == role {
			old = e
		}
	}
	if old != nil {
		doc.Remove(old)
	}
	if s.Minor() >= 12 {
		return addOperation09(s, root, doc.ID(el), words, false, next)
	}
	return addOperation(s, root, el, words, names, false, next)
}

// OpAdd is `resource op add` since 0.10, OpAddStonith the same of fence devices.
func OpAdd(s *session.Session, args []string) error {
	return opAdd(s, args, false, "pcs stonith op add")
}

// OpAddStonith is `stonith op add`.
func OpAddStonith(s *session.Session, args []string) error {
	return opAdd(s, args, true, "pcs resource op add")
}

func opAdd(s *session.Session, args []string, fence bool, use string) error {
	if len(args) == 0 {
		return argv.Usage()
	}
	if err := s.TellKind(args[:1], fence, use); err != nil {
		return err
	}
	if err := s.Opts.Only("-f", "--force"); err != nil {
		return err
	}
	var need [3]int
	if len(args) > 2 && slices.Contains(tuples09(args[2:]), argv.Pair{Name: "on-fail", Value: "demote"}) {
		need = demoteSchema
	}
	root, err := s.OldCIBAtLeast(need)
	if err != nil {
		return err
	}
	el := doc.ByID(root, args[0], "primitive")
	if el == nil {
		return report.Fatalf("Unable to find resource: %s", args[0])
	}
	if s.Minor() >= 12 {
		if err := addOperation09(s, root, args[0], args[1:], true, nil); err != nil {
			return err
		}
		return s.Push(root)
	}
	var names []string
	if a, err := s.Agent(agents.NameOf(el)); err == nil {
		names = actionNames(a)
	} else {
		item := s.AgentError(agents.NameOf(el), err)
		item.Severity = report.Warning
		s.Out.Tell(item)
	}
	if err := addOperation(s, root, el, args[1:], names, true, nil); err != nil {
		return err
	}
	return s.Push(root)
}

// addOperation adds an operation: a name and its options. names are the operations that the agent has, nil
// when that is not known; strict refuses a second one that only differs in its interval.
func addOperation(s *session.Session, root, el *etree.Element, words, names []string, strict bool, before *etree.Element) error {
	if len(words) == 0 {
		return argv.Usage()
	}
	name := words[0]
	if strings.Contains(name, "=") {
		return report.Fatalf("%s does not appear to be a valid operation action", name)
	}
	var typed argv.Pairs
	for _, p := range tuples09(words[1:]) {
		typed = typed.With(p.Name, p.Value)
	}
	if typed.Has("name") {
		s.Deprecated("Specifying an operation name with 'name=<value>' syntax is deprecated and might be removed in a future release. Use the operation name as the first argument instead.")
	} else {
		typed = typed.With("name", name)
	}
	if err := tell(s, validateOperations(s, []argv.Pairs{typed}, names, s.Opts.Force())); err != nil {
		return err
	}
	props := normalizeOperation(s, typed).Sorted()
	if r, ok := props.Get("role"); ok {
		props = props.With("role", rule.RoleFor(root, r))
	}
	interval := props.Value("interval")
	if interval == "" {
		interval = defaultInterval(name)
		props = append(props, argv.Pair{Name: "interval", Value: interval})
	}
	id, given := props.Get("id")
	switch {
	case !given:
		id = doc.UniqueID(root, fmt.Sprintf("%s-%s-interval-%s", doc.ID(el), name, interval))
	case doc.IDExists(root, id):
		return report.Fatalf("id '%s' is already in use, please specify another one", id)
	}
	op := doc.New("op", "id", id)
	for _, p := range props {
		if p.Name != CheckLevel {
			doc.Set(op, p.Name, p.Value)
			continue
		}
		set := doc.Append(op, "instance_attributes", "id", doc.UniqueID(root, "params-"+id))
		doc.Append(set, "nvpair", "name", p.Name, "value", p.Value, "id", doc.UniqueID(root, id+"-"+p.Name+"-"+p.Value))
	}
	return placeOperation(s, el, op, strict, before)
}

// placeOperation puts an operation among those of a primitive, unless it has one like that.
func placeOperation(s *session.Session, el, op *etree.Element, strict bool, before *etree.Element) error {
	list := doc.Child(el, "operations")
	if list == nil {
		list = doc.Append(el, "operations")
	}
	seconds := func(t string) string {
		if n, ok := session.Seconds(t); ok {
			return fmt.Sprint(n)
		}
		return t
	}
	role := func(e *etree.Element) string { return rule.PrimaryRole(e.SelectAttrValue("role", "Started")) }
	level := func(e *etree.Element) string {
		v, _ := doc.DeepValue(e, "instance_attributes", CheckLevel)
		return v
	}
	name, interval := doc.Attr(op, "name"), seconds(doc.Attr(op, "interval"))
	var same, byName []string
	for _, o := range doc.All(list, "op") {
		if doc.Attr(o, "name") != name {
			continue
		}
		if seconds(doc.Attr(o, "interval")) == interval {
			same = append(same, listing.OperationText09(o))
		}
		if name != "monitor" || role(o) == role(op) && level(o) == level(op) {
			byName = append(byName, listing.OperationText09(o))
		}
	}
	if len(same) > 0 {
		return report.Fatalf("operation %s with interval %ss already specified for %s:\n%s", name, interval, doc.ID(el), strings.Join(same, "\n"))
	}
	if strict && !s.Opts.Force() && len(byName) > 0 {
		return report.Fatalf("operation %s already specified for %s, use --force to override:\n%s", name, doc.ID(el), strings.Join(byName, "\n"))
	}
	doc.InsertBefore(list, op, before)
	return nil
}

// OpRemove is `resource op remove` since 0.10, OpRemoveStonith the same of fence devices.
func OpRemove(s *session.Session, args []string) error {
	return opRemove(s, args, false, "pcs stonith op delete")
}

// OpRemoveStonith is `stonith op remove`.
func OpRemoveStonith(s *session.Session, args []string) error {
	return opRemove(s, args, true, "pcs resource op delete")
}

func opRemove(s *session.Session, args []string, fence bool, use string) error {
	if err := s.Opts.Only("-f"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	if err := s.TellKind(args[:1], fence, use); err != nil {
		return err
	}
	return OpRemove09(s, args)
}
