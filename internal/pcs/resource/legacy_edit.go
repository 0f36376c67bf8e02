package resource

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/listing"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
)

// splitOptions09 sorts words behind op and meta.
func splitOptions09(args []string) (options []string, ops [][]string, meta []string) {
	mode := ""
	for _, a := range args {
		switch {
		case a == "op":
			mode = a
			ops = append(ops, nil)
		case a == "meta":
			mode = a
		case mode == "op":
			last := len(ops) - 1
			if !strings.Contains(a, "=") && len(ops[last]) > 0 {
				ops = append(ops, []string{a})
			} else {
				ops[last] = append(ops[last], a)
			}
		case mode == "meta":
			if strings.Contains(a, "=") {
				meta = append(meta, a)
			}
		default:
			options = append(options, a)
		}
	}
	return options, ops, meta
}

// tuples09 are the words with "=" as pairs, repeated names included.
func tuples09(args []string) argv.Pairs {
	var out argv.Pairs
	for _, a := range args {
		if n, v, ok := strings.Cut(a, "="); ok {
			out = append(out, argv.Pair{Name: n, Value: v})
		}
	}
	return out
}

// remoteName is the node name that a resource makes, "" for none.
func remoteName(el *etree.Element) string {
	if el.Tag != "primitive" {
		return ""
	}
	if strings.EqualFold(doc.Attr(el, "class"), "ocf") && strings.EqualFold(doc.Attr(el, "provider"), "pacemaker") && strings.EqualFold(doc.Attr(el, "type"), "remote") {
		return doc.ID(el)
	}
	v, _ := doc.DeepValue(el, "meta_attributes", "remote-node")
	return v
}

// guestChange09 refuses meta attributes that make or unmake a guest node.
func guestChange09(s *session.Session, root *etree.Element, meta argv.Pairs) error {
	node, ok := meta.Get("remote-node")
	if !ok {
		return nil
	}
	names, addrs, items, err := ExistingNodes(s, root)
	if err != nil {
		return err
	}
	what := "creating a guest node, use 'pcs cluster node add-guest'"
	if node == "" {
		what = "removing a guest node, use 'pcs cluster node remove-guest'"
	}
	items = append(items, report.Forcible(s.Opts.Force(), "this command is not sufficient for %s", what))
	items = append(items, guestConflicts(s, root, names, addrs, node, meta)...)
	return s.Check(items...)
}

// Update09 is `resource update` and `stonith update` of 0.9.
func Update09(s *session.Session, args []string) error { return update09(s, args, true) }

// UpdateGuest09 is Update09 that may make and unmake guest nodes.
func UpdateGuest09(s *session.Session, args []string) error { return update09(s, args, false) }

func update09(s *session.Session, args []string, guardGuests bool) error {
	if len(args) == 0 || len(args) < 2 && s.Command[0] == "stonith" {
		return argv.Usage()
	}
	id, rest := args[0], args[1:]
	root, err := s.CIB()
	if err != nil {
		return err
	}
	options, ops, metaWords := splitOptions09(rest)
	plan, err := s.PlanWait09()
	if err != nil {
		return err
	}
	el := doc.ByID(root, id, "primitive")
	if el == nil {
		if c := doc.ByID(root, id, "clone"); c != nil && doc.Cloned(c) != nil {
			return updateWrapper09(s, root, c, doc.ID(doc.Cloned(c)), rest, plan)
		}
		if m := doc.ByID(root, id, "master"); m != nil {
			return updateWrapper09(s, root, m, id, rest, plan)
		}
		return report.Fatalf("Unable to find resource: %s", id)
	}
	params := tuples09(options)
	n := agents.Name{Standard: doc.Attr(el, "class"), Provider: doc.Attr(el, "provider"), Type: doc.Attr(el, "type")}
	if a, err := s.Agent(n); err != nil {
		item := s.AgentError(n, err)
		if s.Opts.Force() {
			item.Severity = report.Warning
		}
		if err := s.Check(item); err != nil {
			return err
		}
	} else {
		var unique argv.Pairs
		for _, p := range params {
			unique = unique.With(p.Name, p.Value)
		}
		items := append(validateParams09(s, a, unique, true), uniqueParams09(s, a, unique, doc.Section(root, "resources"), id)...)
		if err := s.Check(items...); err != nil {
			return err
		}
	}
	doc.UpdateSet09(el, "instance_attributes", params, doc.ID(el)+"-instance_attributes")
	before := remoteName(el)
	meta, err := argv.KeyValues09(metaWords)
	if err != nil {
		return err
	}
	if v, ok := meta.Get("remote-node"); guardGuests && !(ok && v == before && before != "" || !ok && before == "") {
		if err := guestChange09(s, root, meta); err != nil {
			return err
		}
	}
	doc.UpdateSet09(el, "meta_attributes", tuples09(metaWords), doc.ID(el)+"-meta_attributes")
	list := doc.Child(el, "operations")
	if list == nil {
		list = doc.Append(el, "operations")
	}
	for _, op := range ops {
		if len(op) == 0 {
			continue
		}
		if strings.Contains(op[0], "=") {
			return report.Fatalf("%s does not appear to be a valid operation action", op[0])
		}
		if len(op) < 2 {
			continue
		}
		role := tuples09(op[1:]).Value("role")
		var old, next *etree.Element
		for _, e := range doc.All(list, "op") {
			if old != nil {
				next = e
				break
			}
			if doc.Attr(e, "name") == op[0] && doc.Attr(e, "role") == role {
				old = e
			}
		}
		if old != nil {
			doc.Remove(old)
		}
		if err := addOperation09(s, root, id, op, false, next); err != nil {
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

// forgetNode removes a node from the cluster's caches; failing is no error.
func forgetNode(s *session.Session, name string) {
	if s.Live() && s.World.Cluster != nil {
		if err := s.World.Cluster.RemoveNode(s.Ctx, name); err != nil {
			s.Out.Warn(err.Error())
		}
	}
}

func updateWrapper09(s *session.Session, root, wrapper *etree.Element, id string, args []string, plan session.WaitPlan) error {
	var err error
	if wrapper.Tag == "clone" {
		_, err = cloneCreate09(s, root, append([]string{id}, args...), true)
	} else {
		_, err = masterCreate09(s, root, append([]string{id}, args...), true, "")
	}
	if err != nil {
		return err
	}
	if err := s.Push(root); err != nil {
		return err
	}
	return s.WaitFor09(plan, doc.ID(wrapper))
}

// OpAdd09 is `resource op add` of 0.9.
func OpAdd09(s *session.Session, args []string) error {
	if len(args) == 0 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	if err := addOperation09(s, root, args[0], args[1:], true, nil); err != nil {
		return err
	}
	return s.Push(root)
}

// addOperation09 adds an operation as 0.9 does, and 0.12, which has other roles: options and roles are checked, values are not.
func addOperation09(s *session.Session, root *etree.Element, id string, args []string, strict bool, before *etree.Element) error {
	if len(args) < 1 {
		return argv.Usage()
	}
	el := doc.ByID(root, id, "primitive")
	if el == nil {
		return report.Fatalf("Unable to find resource: %s", id)
	}
	name, props := args[0], tuples09(args[1:])
	if strings.Contains(name, "=") {
		return report.Fatalf("%s does not appear to be a valid operation action", name)
	}
	if !s.Opts.Force() {
		valid := []string{"id", "name", "interval", "description", "start-delay", "interval-origin", "timeout", "enabled", "record-pending", "role", "on-fail", CheckLevel}
		roles, shown := []string{"Stopped", "Started", "Slave", "Master"}, "Stopped, Started, Slave or Master"
		if s.Legacy() {
			valid = append(valid, "requires")
		} else {
			roles, shown = []string{"Promoted", "Started", "Stopped", "Unpromoted"}, "'Promoted', 'Started', 'Stopped' or 'Unpromoted'"
		}
		for i, p := range props {
			if !slices.Contains(valid, p.Name) {
				return report.Fatalf("%s is not a valid op option (use --force to override)", p.Name)
			}
			if p.Name == "role" && !slices.Contains(roles, p.Value) {
				return report.Fatalf("role must be: %s (use --force to override)", shown)
			}
			if p.Name == "role" && !s.Legacy() {
				props[i].Value = rule.RoleFor(root, p.Value)
			}
		}
	}
	interval := props.Value("interval")
	if interval == "" {
		interval = defaultInterval(name)
		props = append(props, argv.Pair{Name: "interval", Value: interval})
	}
	props = append(argv.Pairs{{Name: "name", Value: name}}, props.Sorted()...)
	opID := ""
	for _, p := range props {
		if p.Name == "id" {
			opID = p.Value
			if bad := doc.CheckID(p.Value, "operation id"); len(bad) > 0 {
				return report.Fatal(bad[0])
			}
			if doc.IDExists(root, p.Value) {
				return report.Fatalf("id '%s' is already in use, please specify another one", p.Value)
			}
		}
	}
	if opID == "" {
		opID = doc.UniqueID(root, fmt.Sprintf("%s-%s-interval-%s", id, name, interval))
	}
	op := doc.New("op", "id", opID)
	for _, p := range props {
		if p.Name != CheckLevel {
			doc.Set(op, p.Name, p.Value)
			continue
		}
		set := doc.Append(op, "instance_attributes", "id", doc.UniqueID(root, "params-"+opID))
		doc.Append(set, "nvpair", "name", p.Name, "value", p.Value, "id", doc.UniqueID(root, opID+"-"+p.Name+"-"+p.Value))
	}
	if !s.Legacy() {
		return placeOperation(s, el, op, strict, before)
	}
	list := doc.Child(el, "operations")
	if list == nil {
		list = doc.Append(el, "operations")
	} else {
		seconds := func(t string) string {
			if n, ok := session.Seconds(t); ok {
				return fmt.Sprint(n)
			}
			return t
		}
		var same, byName []string
		for _, o := range doc.All(list, "op") {
			if doc.Attr(o, "name") != name {
				continue
			}
			if seconds(doc.Attr(o, "interval")) == seconds(doc.Attr(op, "interval")) {
				same = append(same, listing.OperationText09(o))
			}
			role := func(e *etree.Element) string { return e.SelectAttrValue("role", "Started") }
			level := func(e *etree.Element) string { v, _ := doc.DeepValue(e, "instance_attributes", CheckLevel); return v }
			if name != "monitor" || role(o) == role(op) && level(o) == level(op) {
				byName = append(byName, listing.OperationText09(o))
			}
		}
		if len(same) > 0 {
			return report.Fatalf("operation %s with interval %ss already specified for %s:\n%s", name, seconds(doc.Attr(op, "interval")), id, strings.Join(same, "\n"))
		}
		if strict && !s.Opts.Force() && len(byName) > 0 {
			return report.Fatalf("operation %s already specified for %s, use --force to override:\n%s", name, id, strings.Join(byName, "\n"))
		}
	}
	doc.InsertBefore(list, op, before)
	return nil
}

// OpRemove09 is `resource op remove` of 0.9.
func OpRemove09(s *session.Session, args []string) error {
	if len(args) == 0 {
		return argv.Usage()
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	if len(args) == 1 {
		if op := doc.ByID(root, args[0], "op"); op != nil {
			doc.Remove(op)
			return s.Push(root)
		}
		return report.Fatalf("unable to find operation id: %s", args[0])
	}
	el := doc.ByID(root, args[0], "primitive")
	if el == nil {
		return report.Fatalf("Unable to find resource: %s", args[0])
	}
	name := args[1]
	want := map[string]string{"name": name}
	for _, p := range tuples09(args[2:]) {
		want[p.Name] = p.Value
	}
	found := false
	for _, op := range doc.All(el, "op") {
		have := map[string]string{}
		for _, a := range doc.Attrs(op, "id") {
			have[a.Name] = a.Value
		}
		if len(args) == 2 && doc.Attr(op, "name") == name {
			found = true
			doc.Remove(op)
		} else if equalMaps(have, want) {
			found = true
			doc.Remove(op)
			break
		}
	}
	if !found {
		return report.Fatalf("Unable to find operation matching: %s", strings.Join(args[1:], " "))
	}
	return s.Push(root)
}

func equalMaps(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if w, ok := b[k]; !ok || v != w {
			return false
		}
	}
	return true
}

// Meta09 is `resource meta` of 0.9.
func Meta09(s *session.Session, args []string) error {
	if len(args) < 2 {
		return argv.Usage()
	}
	pairs, err := argv.KeyValues09(args[1:])
	if err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	if err := guestChange09(s, root, pairs); err != nil {
		return err
	}
	el := doc.ByID(root, args[0], "primitive", "group", "clone", "master")
	if el == nil {
		return report.Fatalf("unable to find a resource/clone/master/group: %s", args[0])
	}
	plan, err := s.PlanWait09()
	if err != nil {
		return err
	}
	before := remoteName(el)
	doc.UpdateSet09(el, "meta_attributes", tuples09(args[1:]), doc.ID(el)+"-meta_attributes")
	if err := s.Push(root); err != nil {
		return err
	}
	if before != "" && before != remoteName(el) {
		forgetNode(s, before)
	}
	return s.WaitFor09(plan, args[0])
}

// Utilization09 is `resource utilization` of 0.9.
func Utilization09(s *session.Session, args []string) error {
	root, err := s.CIB()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		s.Out.Print("Resource Utilization:")
		list := doc.All(root, "primitive")
		slices.SortStableFunc(list, func(a, b *etree.Element) int { return strings.Compare(doc.ID(a), doc.ID(b)) })
		for _, p := range list {
			if t := utilizationText09(p, ""); t != "" {
				s.Out.Print(" " + doc.ID(p) + ": " + t)
			}
		}
		return nil
	}
	el := doc.ByID(root, args[0], "primitive")
	if el == nil {
		return report.Fatalf("Unable to find a resource: %s", args[0])
	}
	if len(args) == 1 {
		s.Out.Print("Resource Utilization:", " "+args[0]+": "+utilizationText09(el, ""))
		return nil
	}
	pairs, err := argv.KeyValues09(args[1:])
	if err != nil {
		return err
	}
	if err := SetUtilization09(el, pairs, ""); err != nil {
		return err
	}
	return s.Push(root)
}

// SetUtilization09 changes utilization of a resource or node; prefix begins a new set's id.
func SetUtilization09(el *etree.Element, pairs argv.Pairs, prefix string) error {
	for _, p := range pairs.Sorted() {
		if _, ok := argv.PythonInt(p.Value); p.Value != "" && !ok {
			return report.Fatalf("Value of utilization attribute must be integer: '%s=%s'", p.Name, p.Value)
		}
	}
	doc.UpdateSet09(el, "utilization", pairs.Sorted(), prefix+doc.ID(el)+"-utilization")
	return nil
}

func utilizationText09(el *etree.Element, name string) string {
	sets := doc.All(el, "utilization")
	if len(sets) == 0 {
		return ""
	}
	var out []string
	for _, p := range doc.SortedNames(doc.PairsOf(sets[0])) {
		if name == "" || p.Name == name {
			out = append(out, p.Name+"="+p.Value)
		}
	}
	return strings.Join(out, " ")
}

// UtilizationText09 is an element's utilization on one line.
func UtilizationText09(el *etree.Element, name string) string { return utilizationText09(el, name) }
