package resource

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/constraint"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// find looks for a resource by id and kind; 0.9 asks for one kind after the other.
func find(root *etree.Element, id string, tags ...string) *etree.Element {
	for _, t := range tags {
		for _, e := range doc.All(root, t) {
			if doc.ID(e) == id {
				return e
			}
		}
	}
	return nil
}

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

// childOf is the resource or group in a clone.
func childOf(clone *etree.Element) *etree.Element {
	for _, c := range doc.Children(clone, "group", "primitive") {
		return c
	}
	return nil
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
func Update09(s *session.Session, args []string) error {
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
	el := find(root, id, "primitive")
	if el == nil {
		if c := find(root, id, "clone"); c != nil && childOf(c) != nil {
			return updateWrapper09(s, root, c, doc.ID(childOf(c)), rest, plan)
		}
		if m := find(root, id, "master"); m != nil {
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
	if v, ok := meta.Get("remote-node"); !(ok && v == before && before != "" || !ok && before == "") {
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
	return wait09(s, plan, id)
}

// forgetNode removes a node from the cluster's caches; failing is no error.
func forgetNode(s *session.Session, name string) {
	if s.Live() && s.World.Cluster != nil {
		if err := s.World.Cluster.RemoveNode(s.Ctx, name); err != nil {
			s.Out.Warn(err.Error())
		}
	}
}

// wait09 waits and tells where the resource runs.
func wait09(s *session.Session, plan session.WaitPlan, id string) error {
	if !plan.Given {
		return nil
	}
	if s.World.Cluster == nil {
		return report.Fatal(live.ErrNotRunning.Error())
	}
	err := s.World.Cluster.Wait(s.Ctx, plan.Timeout)
	message := running09(s, id)
	if err == nil {
		s.Out.Print(message)
		return nil
	}
	var lines []string
	if errors.Is(err, live.ErrTimeout) {
		lines = append(lines, "waiting timeout")
	}
	return report.Fatal(strings.TrimSpace(strings.Join(append(lines, message), "\n")))
}

func running09(s *session.Session, id string) string {
	st, err := s.State()
	if err != nil {
		return fmt.Sprintf("Resource '%s' is not running on any node", id)
	}
	roles := st.RolesWithNodes(id, true)
	var parts []string
	for _, r := range []struct{ role, label string }{{"Started", "running"}, {"Promoted", "master"}, {"Unpromoted", "slave"}} {
		nodes := slices.Sorted(slices.Values(roles[r.role]))
		if len(nodes) > 0 {
			parts = append(parts, fmt.Sprintf("%s on node%s %s", r.label, report.Plural(len(nodes), "", "s"), strings.Join(nodes, ", ")))
		}
	}
	if len(parts) == 0 {
		return fmt.Sprintf("Resource '%s' is not running on any node", id)
	}
	return fmt.Sprintf("Resource '%s' is %s.", id, strings.Join(parts, "; "))
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
	return wait09(s, plan, doc.ID(wrapper))
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

func addOperation09(s *session.Session, root *etree.Element, id string, args []string, strict bool, before *etree.Element) error {
	if len(args) < 1 {
		return argv.Usage()
	}
	el := find(root, id, "primitive")
	if el == nil {
		return report.Fatalf("Unable to find resource: %s", id)
	}
	name, props := args[0], tuples09(args[1:])
	if strings.Contains(name, "=") {
		return report.Fatalf("%s does not appear to be a valid operation action", name)
	}
	if !s.Opts.Force() {
		valid := []string{"id", "name", "interval", "description", "start-delay", "interval-origin", "timeout", "enabled", "record-pending", "role", "requires", "on-fail", checkLevel}
		for _, p := range props {
			if !slices.Contains(valid, p.Name) {
				return report.Fatalf("%s is not a valid op option (use --force to override)", p.Name)
			}
			if p.Name == "role" && !slices.Contains([]string{"Stopped", "Started", "Slave", "Master"}, p.Value) {
				return fatal("role must be: Stopped, Started, Slave or Master (use --force to override)")
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
				return fatal(bad[0])
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
		if p.Name != checkLevel {
			doc.Set(op, p.Name, p.Value)
			continue
		}
		set := doc.Append(op, "instance_attributes", "id", doc.UniqueID(root, "params-"+opID))
		doc.Append(set, "nvpair", "name", p.Name, "value", p.Value, "id", doc.UniqueID(root, opID+"-"+p.Name+"-"+p.Value))
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
				same = append(same, operationText09(o))
			}
			role := func(e *etree.Element) string { return e.SelectAttrValue("role", "Started") }
			level := func(e *etree.Element) string { v, _ := doc.DeepValue(e, "instance_attributes", checkLevel); return v }
			if name != "monitor" || role(o) == role(op) && level(o) == level(op) {
				byName = append(byName, operationText09(o))
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
		if op := find(root, args[0], "op"); op != nil {
			doc.Remove(op)
			return s.Push(root)
		}
		return report.Fatalf("unable to find operation id: %s", args[0])
	}
	el := find(root, args[0], "primitive")
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
	el := find(root, args[0], "primitive", "group", "clone", "master")
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
	return wait09(s, plan, args[0])
}

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
	return wait09(s, plan, args[0])
}

func groupAdd09(s *session.Session, root *etree.Element, name string, ids []string) error {
	resources := doc.Section(root, "resources")
	if bad := doc.CheckID(name, "group name"); len(bad) > 0 {
		return fatal(bad[0])
	}
	group := find(resources, name, "group")
	if group == nil {
		for _, k := range []struct{ tag, what string }{{"primitive", "resource"}, {"clone", "clone resource"}, {"master", "master/slave resource"}} {
			if find(resources, name, k.tag) != nil {
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
		return fatal("you cannot specify both --before and --after")
	}
	for _, o := range []struct {
		name string
		at   **etree.Element
	}{{"--after", &after}, {"--before", &before}} {
		if s.Opts.Has(o.name) {
			if *o.at = find(group, s.Opts.Value(o.name), "primitive"); *o.at == nil {
				return report.Fatalf("there is no resource '%s' in the group '%s'", s.Opts.Value(o.name), name)
			}
		}
	}
	var move []*etree.Element
	for _, id := range ids {
		if find(group, id, "primitive") != nil && after == nil && before == nil {
			return fatal(id + " already exists in " + name)
		}
		if after != nil && doc.ID(after) == id {
			return fatal("cannot put resource after itself")
		}
		if before != nil && doc.ID(before) == id {
			return fatal("cannot put resource before itself")
		}
		el := find(resources, id, "primitive")
		if el == nil {
			return fatal("Unable to find resource: " + id)
		}
		switch el.Parent().Tag {
		case "master":
			return fatal("cannot group master/slave resources")
		case "clone":
			return fatal("cannot group clone resources")
		case "bundle":
			return fatal("cannot group bundle resources")
		}
		move = append(move, el)
	}
	if len(move) == 0 {
		return fatal("No resources to add.")
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
	group := find(config, name, "group")
	if group == nil {
		return report.Fatalf("Group '%s' does not exist", name)
	}
	members := doc.All(group, "primitive")
	if group.Parent().Tag == "master" && len(members) > 1 {
		return report.Fatalf("Groups that have more than one resource and are master/slave resources cannot be removed.  The group may be deleted with 'pcs resource delete %s'.", name)
	}
	var move []*etree.Element
	for _, id := range ids {
		el := find(group, id, "primitive")
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
			return fatal("Cannot remove more than one resource from cloned group")
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

// removeReferences09 removes constraints, fencing levels and permissions that name a resource.
func removeReferences09(s *session.Session, root *etree.Element, id string, loud bool) {
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
	return wait09(s, plan, id)
}

func cloneCreate09(s *session.Session, root *etree.Element, args []string, update bool) (string, error) {
	name := args[0]
	resources := doc.Section(root, "resources")
	el := find(resources, name, "primitive", "group")
	if el == nil {
		return "", report.Fatalf("unable to find group or resource: %s", name)
	}
	if el.Parent().Tag == "bundle" {
		return "", fatal("cannot clone bundle resource")
	}
	if !update {
		if el.Tag == "primitive" && doc.Ancestor(el, "clone") != nil {
			return "", report.Fatalf("%s is already a clone resource", name)
		}
		if el.Tag == "group" && doc.Ancestor(el, "clone") != nil {
			return "", fatal("cannot clone a group that has already been cloned")
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
		return "", fatal("op settings must be changed on base resource, not the clone")
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
	return wait09(s, plan, id)
}

func masterCreate09(s *session.Session, root *etree.Element, args []string, update bool, id string) (string, error) {
	var master *etree.Element
	name := args[0]
	args = args[1:]
	if update {
		if master = find(root, name, "master"); master == nil {
			return "", report.Fatalf("Unable to find multi-state resource with id %s", name)
		}
	} else {
		if id != "" && doc.IDExists(root, id) {
			return "", report.Fatalf("%s already exists in the cib", id)
		}
		el := find(doc.Section(root, "resources"), name, "primitive", "group")
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
			return "", fatal("cannot make a master/slave resource from a bundle resource")
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
			return "", fatal("op settings must be changed on base resource, not the master")
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
	el := find(resources, args[0], "primitive", "group")
	if el == nil {
		if c := find(resources, args[0], "clone", "master"); c != nil {
			el = childOf(c)
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
	child := childOf(clone)
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
	return wait09(s, plan, doc.ID(el))
}

// Utilization09 is `resource utilization` of 0.9.
func Utilization09(s *session.Session, args []string) error {
	root, err := s.CIB()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		s.Out.Print("Resource Utilization:")
		var lines []string
		for _, p := range doc.All(root, "primitive") {
			if t := utilizationText09(p, ""); t != "" {
				lines = append(lines, " "+doc.ID(p)+": "+t)
			}
		}
		slices.Sort(lines)
		s.Out.Print(lines...)
		return nil
	}
	el := find(root, args[0], "primitive")
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
