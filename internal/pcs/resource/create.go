package resource

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// Create is `resource create`.
func Create(s *session.Session, args []string) error {
	if !s.Legacy() {
		allowed := []string{"--agent-validation", "--force", "--disabled", "--no-default-ops", "--wait", "-f", "--future"}
		if !s.Opts.Has("--future") {
			allowed = append(allowed, "--before", "--after", "--group")
		}
		if err := s.Opts.Only(allowed...); err != nil {
			return err
		}
	}
	if len(args) < 2 {
		return argv.Usage()
	}
	var p *primitive
	var w *wrap
	var err error
	switch {
	case s.Legacy():
		p, w, err = parseCreate09(s, args[2:])
	default:
		parse := parseCreate
		if s.Opts.Has("--future") {
			parse = parseCreateFuture
		}
		var wraps []*wrap
		if p, wraps, err = parse(s, args[2:]); err == nil {
			w, err = one(s, wraps)
		}
	}
	if err != nil {
		return err
	}
	p.id, p.agent = args[0], args[1]
	return create(s, p, w, false)
}

// CreateStonith is `stonith create`.
func CreateStonith(s *session.Session, args []string) error {
	if err := s.Only("--before", "--after", "--group", "--force", "--disabled", "--no-default-ops", "--agent-validation", "--wait", "-f"); err != nil {
		return err
	}
	w := &wrap{}
	if err := groupOptions(s, w); err != nil {
		return err
	}
	if len(args) < 2 {
		return argv.Usage()
	}
	p, err := parsePrimitive(s, args[2:])
	if err != nil {
		return err
	}
	if w.kind == "group" && s.Minor() >= 11 {
		s.Deprecated("Option to group stonith resource is deprecated and will be removed in a future release.")
	}
	p.id, p.agent = args[0], args[1]
	return create(s, p, w, true)
}

func metaDisabled(meta argv.Pairs) bool {
	return strings.EqualFold(meta.Value("target-role"), "stopped")
}

func positive(meta argv.Pairs, name string) bool {
	v, ok := meta.Get(name)
	if !ok {
		return true
	}
	v = strings.TrimLeft(v, "0")
	return v != "" && v[0] >= '1' && v[0] <= '9'
}

// create makes the resource and what it is put into.
func create(s *session.Session, p *primitive, w *wrap, fence bool) error {
	agent, err := FindAgent(s, p.agent, fence)
	if err != nil {
		return err
	}
	cloneMeta := w.meta
	if w.kind == "promotable" {
		cloneMeta = cloneMeta.With("promotable", "true")
	}
	if w.kind == "clone" || w.kind == "promotable" {
		if err := cloneFits(s, agent, cloneMeta); err != nil {
			return err
		}
	}
	if fence && agent.Unfencing() {
		p.meta = p.meta.With("provides", "unfencing")
	}
	plan, err := s.PlanWait()
	if err != nil {
		return err
	}
	var need [3]int
	if w.kind == "bundle" {
		need = bundleNeed(s)
	}
	for _, o := range p.operations {
		if o.Value("on-fail") == "demote" && !s.Legacy() && !fence {
			need = [3]int{3, 4, 0}
		}
	}
	root, err := s.CIBAtLeast(need)
	if err != nil {
		return err
	}
	resources, err := s.Resources(root)
	if err != nil {
		return err
	}
	ids := doc.NewIDs(root)
	if !fence {
		if err := specialCases(s, agent.Name, resources, p); err != nil {
			return err
		}
	}
	disabled := s.Opts.Has("--disabled")
	stopped := disabled || metaDisabled(p.meta)
	switch w.kind {
	case "clone", "promotable", "master":
		if w.id != "" {
			items := check.IDs(w.id, "")
			for _, id := range ids.Book(w.id) {
				items = append(items, s.Style.IDInUse(id))
			}
			if err := s.Check(items...); err != nil {
				return err
			}
		}
		el, err := appendPrimitive(s, resources, p, agent, ids, fence)
		if err != nil {
			return err
		}
		wrapper := appendClone(s, resources, el, w, cloneMeta, ids)
		if disabled {
			setMeta(s, wrapper, "target-role", "Stopped", ids)
		}
		stopped = stopped || metaDisabled(cloneMeta) || !positive(cloneMeta, "clone-max") || !positive(cloneMeta, "clone-node-max")
	case "group":
		if err := createInGroup(s, resources, p, w, agent, ids, disabled, fence); err != nil {
			return err
		}
	case "bundle":
		el, err := appendPrimitive(s, resources, p, agent, ids, fence)
		if err != nil {
			return err
		}
		if disabled {
			setMeta(s, el, "target-role", "Stopped", ids)
		}
		if err := intoBundle(s, resources, el, w.id); err != nil {
			return err
		}
	default:
		el, err := appendPrimitive(s, resources, p, agent, ids, fence)
		if err != nil {
			return err
		}
		if disabled {
			setMeta(s, el, "target-role", "Stopped", ids)
		}
	}
	if s.Out.Failed() {
		return report.ErrFailed
	}
	if err := s.Push(root); err != nil {
		return err
	}
	return s.WaitFor(plan, []string{p.id}, session.Expect(!stopped))
}

// cloneFits checks that the agent can do what the clone asks for.
func cloneFits(s *session.Session, a *agents.Agent, meta argv.Pairs) error {
	if s.Legacy() {
		return nil
	}
	var items []report.Item
	text := func(attr string) string {
		return "Clone option '" + attr + "' is not compatible with '" + a.Name.String() + "' resource agent"
	}
	switch {
	case !a.Name.OCF():
		for _, attr := range []string{"globally-unique", "promotable"} {
			if number.IsTrue(meta.Value(attr)) {
				items = append(items, report.Errorf("%s", text(attr)))
			}
		}
	case a.Version == "1.1" && number.IsTrue(meta.Value("promotable")) && !a.Promotable():
		items = append(items, report.Forcible(s.Opts.Force(), "%s", text("promotable")))
	}
	return s.Check(items...)
}

// appendPrimitive makes the element of a new resource.
func appendPrimitive(s *session.Session, resources *etree.Element, p *primitive, a *agents.Agent, ids *doc.IDs, fence bool) (*etree.Element, error) {
	kind := "resource"
	if fence {
		kind = "stonith"
		if s.Legacy() {
			kind = "stonith"
		}
	}
	if doc.IDExists(resources, p.id) {
		return nil, report.Items{s.Style.IDInUse(p.id)}
	}
	if bad := check.IDs(p.id, kind+" name"); len(bad) > 0 {
		return nil, report.Items(bad[:1])
	}
	ops, err := prepareOperations(s, resources, p.operations, a, s.Opts.Force(), !s.Opts.Has("--no-default-ops"))
	if err != nil {
		return nil, err
	}
	if err := s.Check(validateInstance(s, a, p.instance, resources, p.hideServer)...); err != nil {
		return nil, err
	}
	el := doc.Append(resources, "primitive", "id", p.id, "class", a.Name.Standard, "type", a.Name.Type)
	if a.Name.Provider != "" {
		doc.Set(el, "provider", a.Name.Provider)
	}
	if len(p.instance) > 0 {
		doc.AppendSet(el, "instance_attributes", p.instance, ids, false)
	}
	if len(p.meta) > 0 {
		doc.AppendSet(el, "meta_attributes", p.meta, ids, false)
	}
	return el, appendOperations(s, el, ops, ids)
}

func setMeta(s *session.Session, el *etree.Element, name, value string, ids *doc.IDs) {
	doc.ArrangeFirstSet(el, "meta_attributes", argv.Pairs{{Name: name, Value: value}}, ids, "")
}

func appendClone(s *session.Session, resources, el *etree.Element, w *wrap, meta argv.Pairs, ids *doc.IDs) *etree.Element {
	tag := "clone"
	if w.kind == "master" {
		tag = "master"
	}
	id := w.id
	if id == "" {
		id = ids.Allocate(doc.ID(el) + "-" + tag)
	}
	doc.Remove(el)
	wrapper := doc.Append(resources, tag, "id", id)
	wrapper.AddChild(el)
	if len(meta) > 0 {
		doc.AppendSet(wrapper, "meta_attributes", meta, ids, false)
	}
	return wrapper
}

func createInGroup(s *session.Session, resources *etree.Element, p *primitive, w *wrap, a *agents.Agent, ids *doc.IDs, disabled, fence bool) error {
	adjacent, after := w.before, false
	if w.after != "" && adjacent == "" {
		adjacent, after = w.after, true
	}
	if s.Legacy() {
		el, err := appendPrimitive(s, resources, p, a, ids, fence)
		if err != nil {
			return err
		}
		if disabled {
			setMeta(s, el, "target-role", "Stopped", ids)
		}
		return placeInGroup09(s, resources, el, w.id, adjacent, after)
	}
	var next *etree.Element
	if adjacent != "" {
		found := doc.FindIDs(resources, adjacent)
		if len(found) == 0 {
			return s.Check(report.Errorf("'%s' does not exist", adjacent))
		}
		next = found[0]
	}
	var group *etree.Element
	if found := doc.FindIDs(resources, w.id); len(found) > 0 {
		group = found[0]
	} else {
		s.Out.Tell(check.IDs(w.id, "group name")...)
		group = doc.Append(resources, "group", "id", w.id)
	}
	el, err := appendPrimitive(s, resources, p, a, ids, fence)
	if err != nil {
		return err
	}
	if disabled {
		setMeta(s, el, "target-role", "Stopped", ids)
	}
	if err := s.Check(validateMoveToGroup(group, []*etree.Element{el}, next, s.Minor() < 12)...); err != nil {
		return err
	}
	moveToGroup(group, []*etree.Element{el}, next, after)
	return nil
}

// intoBundle puts a new resource into a bundle.
func intoBundle(s *session.Session, resources, el *etree.Element, id string) error {
	bundle, items := s.Find(resources, id, []string{"bundle"})
	if bundle == nil {
		return report.Items(items)
	}
	network := doc.Child(bundle, "network")
	if network == nil || doc.Attr(network, "control-port") == "" && doc.Attr(network, "ip-range-start") == "" {
		item := report.Forcible(s.Opts.Force(), "Resource '%s' will not be accessible by the cluster inside bundle '%s', at least one of bundle options 'control-port' or 'ip-range-start' has to be specified", doc.ID(el), id)
		if err := s.Check(item); err != nil {
			return err
		}
	}
	if s.Out.Failed() {
		return report.ErrFailed
	}
	if inner := doc.Child(bundle, "primitive"); inner != nil {
		return report.Items{report.Errorf("bundle '%s' already contains resource '%s', a bundle may contain at most one resource", id, doc.ID(inner))}
	}
	doc.Remove(el)
	bundle.AddChild(el)
	return nil
}

// pacemakerNode is a remote or guest node that the CIB makes.
type pacemakerNode struct{ name, addr string }

// pacemakerNodes lists the remote nodes, then the guest nodes.
func pacemakerNodes(root *etree.Element) []pacemakerNode {
	var out, guests []pacemakerNode
	for _, p := range doc.All(doc.Section(root, "resources"), "primitive") {
		if doc.Attr(p, "class") == "ocf" && doc.Attr(p, "provider") == "pacemaker" && doc.Attr(p, "type") == "remote" {
			n := pacemakerNode{doc.ID(p), doc.ID(p)}
			if v, ok := doc.Value(p, "instance_attributes", "server"); ok {
				n.addr = v
			}
			out = append(out, n)
		}
		if name, ok := doc.Value(p, "meta_attributes", "remote-node"); ok && name != "" {
			n := pacemakerNode{name, name}
			if v, ok := doc.Value(p, "meta_attributes", "remote-addr"); ok {
				n.addr = v
			}
			guests = append(guests, n)
		}
	}
	return append(out, guests...)
}

// ExistingNodes are names and addresses of all nodes of corosync.conf, where that is at hand,
// and of the CIB.
func ExistingNodes(s *session.Session, root *etree.Element) (names, addrs []string, items []report.Item, err error) {
	if !s.ConfLive() && s.Live() {
		return nil, nil, nil, report.Items{report.Errorf("This command does not support '--corosync_conf'")}
	}
	var corosync []corosyncconf.Node
	if s.Live() || !s.ConfLive() {
		conf, err := s.Conf()
		if err != nil {
			return nil, nil, nil, err
		}
		corosync = corosyncconf.Nodes(conf)
	}
	missing := false
	for _, n := range corosync {
		switch {
		case n.Name != "":
			names = append(names, n.Name)
		case s.Legacy():
			names = append(names, n.Label())
		default:
			missing = true
		}
	}
	if missing {
		items = append(items, session.NamesMissing())
	}
	for _, n := range pacemakerNodes(root) {
		names = append(names, n.name)
		addrs = append(addrs, n.addr)
	}
	for _, n := range corosync {
		for _, a := range n.Addrs {
			addrs = append(addrs, a.Addr)
		}
	}
	return names, addrs, items, nil
}

// specialCases refuses resources that are remote or guest nodes: verbs of `cluster node` make those.
func specialCases(s *session.Session, n agents.Name, resources *etree.Element, p *primitive) error {
	remote := n == agents.Name{Standard: "ocf", Provider: "pacemaker", Type: "remote"}
	guest, isGuest := p.meta.Get("remote-node")
	if !remote && !isGuest {
		return nil
	}
	names, addrs, items, err := ExistingNodes(s, doc.Root(resources))
	if err != nil {
		return err
	}
	if remote {
		items = append(items, report.Forcible(s.Opts.Force(), "this command is not sufficient for creating a remote connection, use 'pcs cluster node add-remote'"))
		host := p.id
		if v, ok := p.instance.Get("server"); ok {
			host = v
		}
		if slices.Contains(addrs, host) || s.Legacy() && slices.Contains(names, host) {
			items = append(items, addrInUse(s, host))
		}
	}
	if isGuest {
		items = append(items, report.Forcible(s.Opts.Force(), "this command is not sufficient for creating a guest node, use 'pcs cluster node add-guest'"))
		items = append(items, guestConflicts(s, resources, names, addrs, guest, p.meta)...)
	}
	return s.Check(items...)
}

func addrInUse(s *session.Session, addr string) report.Item {
	if s.Legacy() {
		return s.Style.IDInUse(addr)
	}
	return report.Errorf("Node address '%s' is already used by existing nodes; please, use other address", addr)
}

// guestConflicts tells names and addresses of a guest node that are taken.
func guestConflicts(s *session.Session, tree *etree.Element, names, addrs []string, node string, options argv.Pairs) []report.Item {
	var items []report.Item
	addr, hasAddr := options.Get("remote-addr")
	if doc.IDExists(tree, node) || slices.Contains(names, node) || !hasAddr && slices.Contains(addrs, node) {
		item := report.Errorf("Cannot set name of the guest node to '%s' because that ID already exists in the cluster configuration.", node)
		if s.Legacy() {
			item = s.Style.IDInUse(node)
		}
		items = append(items, item)
	}
	if hasAddr && slices.Contains(addrs, addr) {
		items = append(items, addrInUse(s, addr))
	}
	return items
}
