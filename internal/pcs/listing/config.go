// Package listing shows resources as they are configured (as text, commands or JSON), how they
// depend on each other, and where they run, in all generations.
package listing

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
)

// Listing is resources to be shown: all of a CIB, or some.
type Listing struct {
	primitives, groups, clones, bundles []*etree.Element
	// asked are the ids that a user named; none means what is on top.
	asked map[string]bool
	// stonith: only fence devices, or all but those.
	stonith bool
}

// NewListing reads the resources of a CIB.
func NewListing(s *session.Session, root *etree.Element, stonith bool) *Listing {
	section := doc.Section(root, "resources")
	l := &Listing{stonith: stonith, asked: map[string]bool{}}
	for _, p := range doc.All(section, "primitive") {
		fence := doc.Attr(p, "class") == "stonith"
		if fence == stonith || !stonith && doc.Is(p.Parent(), "group", "clone", "master", "bundle") {
			l.primitives = append(l.primitives, p)
		}
	}
	bundles := doc.Children(section, "bundle")
	for _, b := range bundles {
		known := doc.Containers
		if s.Minor() >= 12 {
			known = ContainerTypes(s)
		}
		if c := doc.Container(b); c == nil || !slices.Contains(known, c.Tag) {
			s.Out.Warn(UnsupportedContainer(doc.ID(b), known, false))
		}
	}
	if stonith {
		return l
	}
	l.bundles = bundles
	l.groups = doc.All(section, "group")
	l.clones = append(doc.Children(section, "clone"), doc.Children(section, "master")...)
	return l
}

// UnsupportedContainer tells of a bundle whose container pcs does not know.
func UnsupportedContainer(id string, known []string, updating bool) string {
	text := "Bundle '" + id + "' uses unsupported container type"
	if updating {
		text += ", therefore it is not possible to set its container options"
	}
	return text + ". Supported container types are: " + report.QuoteSorted(known)
}

func (l *Listing) all() []*etree.Element {
	return slices.Concat(l.primitives, l.bundles, l.clones, l.groups)
}

func (l *Listing) label() string {
	if l.stonith {
		return "stonith device"
	}
	return "resource"
}

// only keeps the resources that are named and what is inside them.
func (l *Listing) only(s *session.Session, ids []string) (*Listing, error) {
	if len(ids) == 0 {
		return l, nil
	}
	find := func(id string) *etree.Element {
		for _, el := range l.all() {
			if doc.ID(el) == id {
				return el
			}
		}
		return nil
	}
	keep := map[string]bool{}
	out := &Listing{stonith: l.stonith, asked: map[string]bool{}}
	queue := slices.Clone(ids)
	done := map[string]bool{}
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		if done[id] {
			continue
		}
		done[id] = true
		el := find(id)
		if el == nil {
			s.Out.Warn("Unable to find " + l.label() + " '" + id + "'")
			continue
		}
		keep[id] = true
		for _, c := range doc.Members(el) {
			queue = append(queue, doc.ID(c))
		}
	}
	if len(keep) == 0 {
		return nil, argv.Usagef("No %s found", l.label())
	}
	for _, id := range ids {
		if keep[id] {
			out.asked[id] = true
		}
	}
	pick := func(list []*etree.Element) []*etree.Element {
		list = slices.DeleteFunc(slices.Clone(list), func(el *etree.Element) bool { return !keep[doc.ID(el)] })
		slices.SortStableFunc(list, func(a, b *etree.Element) int { return strings.Compare(doc.ID(a), doc.ID(b)) })
		return list
	}
	out.primitives, out.groups, out.clones, out.bundles = pick(l.primitives), pick(l.groups), pick(l.clones), pick(l.bundles)
	return out, nil
}

// text

func setText(el *etree.Element, tag, label string) []string {
	sets := setsOf(el, tag)
	if len(sets) == 0 || len(sets[0].Pairs) == 0 {
		return nil
	}
	return sets[0].Lines(label, false)
}

// setsOf are an element's sets of a kind; a master has promotable in its meta attributes.
func setsOf(el *etree.Element, tag string) []rule.Set {
	sets := rule.ReadSets(el, tag, nil)
	if el.Tag == "master" && tag == "meta_attributes" {
		promotable := rule.NVPair{Name: "promotable", Value: "true"}
		if len(sets) == 0 {
			return []rule.Set{{Pairs: []rule.NVPair{promotable}}}
		}
		sets[0].Pairs = append(sets[0].Pairs, promotable)
	}
	return sets
}

func description(el *etree.Element) []string {
	if d := doc.Attr(el, "description"); d != "" {
		return []string{"Description: " + d}
	}
	return nil
}

func opPairs(op *etree.Element) argv.Pairs {
	p := argv.Pairs{{Name: "interval", Value: doc.Attr(op, "interval")}}
	add := func(name string) bool {
		v := doc.Attr(op, name)
		if v != "" {
			p = append(p, argv.Pair{Name: name, Value: v})
		}
		return v != ""
	}
	boolean := func(name string) {
		if doc.Has(op, name) {
			p = append(p, argv.Pair{Name: name, Value: show.Bool01(number.IsTrue(doc.Attr(op, name)))})
		}
	}
	add("id")
	if !add("start-delay") {
		add("interval-origin")
	}
	add("timeout")
	boolean("enabled")
	boolean("record-pending")
	if r := doc.Attr(op, "role"); r != "" {
		p = append(p, argv.Pair{Name: "role", Value: rule.NewRole(r)})
	}
	add("on-fail")
	for _, set := range rule.ReadSets(op, "instance_attributes", nil) {
		for _, nv := range set.Pairs {
			if nv.Name == "OCF_CHECK_LEVEL" {
				if nv.Value != "" {
					p = append(p, argv.Pair{Name: nv.Name, Value: nv.Value})
				}
				return p
			}
		}
	}
	return p
}

func operationsOf(el *etree.Element) []*etree.Element {
	var out []*etree.Element
	for _, o := range doc.Children(el, "operations") {
		out = append(out, doc.Children(o, "op")...)
	}
	return out
}

func primitiveText(el *etree.Element) []string {
	name := "class=" + doc.Attr(el, "class")
	if p := doc.Attr(el, "provider"); p != "" {
		name += " provider=" + p
	}
	name += " type=" + doc.Attr(el, "type")
	lines := slices.Concat(description(el), setText(el, "instance_attributes", "Attributes"), setText(el, "meta_attributes", "Meta Attributes"), setText(el, "utilization", "Utilization"))
	if ops := operationsOf(el); len(ops) > 0 {
		lines = append(lines, "Operations:")
		for _, op := range ops {
			lines = append(lines, "  "+doc.Attr(op, "name")+": "+doc.ID(op))
			if p := opPairs(op).Without("id"); len(p) > 0 {
				lines = append(lines, "    "+strings.Join(show.NameValues(p), " "))
			}
		}
	}
	return append([]string{"Resource: " + doc.ID(el) + " (" + name + ")"}, show.Indent(lines)...)
}

func resourceText(el *etree.Element) []string {
	title := ""
	lines := description(el)
	switch el.Tag {
	case "primitive":
		return primitiveText(el)
	case "group":
		title = "Group"
	case "clone", "master":
		title = "Clone"
	case "bundle":
		title = "Bundle"
		lines = append(lines, bundleText(el)...)
	}
	if el.Tag != "bundle" {
		lines = append(lines, setText(el, "instance_attributes", "Attributes")...)
	}
	lines = append(lines, setText(el, "meta_attributes", "Meta Attributes")...)
	for _, m := range doc.Members(el) {
		lines = append(lines, resourceText(m)...)
	}
	return append([]string{title + ": " + doc.ID(el)}, show.Indent(lines)...)
}

func containerPairs(c *etree.Element) argv.Pairs {
	p := argv.Pairs{{Name: "image", Value: doc.Attr(c, "image")}}
	for _, n := range []string{"replicas", "replicas-per-host", "promoted-max", "run-command", "network", "options"} {
		v := doc.Attr(c, n)
		if n == "promoted-max" && v == "" {
			v = doc.Attr(c, "masters")
		}
		if v != "" {
			p = append(p, argv.Pair{Name: n, Value: v})
		}
	}
	return p
}

func networkPairs(n *etree.Element) argv.Pairs {
	var p argv.Pairs
	for _, name := range []string{"ip-range-start", "control-port", "host-interface", "host-netmask", "add-host"} {
		v := doc.Attr(n, name)
		if v == "" {
			continue
		}
		if name == "add-host" {
			v = "1" // any value counts as true
		}
		p = append(p, argv.Pair{Name: name, Value: v})
	}
	return p
}

func attrPairs(el *etree.Element, names ...string) argv.Pairs {
	var p argv.Pairs
	for _, n := range names {
		if v := doc.Attr(el, n); v != "" || n == "target-dir" {
			p = append(p, argv.Pair{Name: n, Value: v})
		}
	}
	return p
}

func portPairs(m *etree.Element) argv.Pairs { return attrPairs(m, "port", "internal-port", "range") }

func storagePairs(m *etree.Element) argv.Pairs {
	return attrPairs(m, "source-dir", "source-dir-root", "target-dir", "options")
}

func portMappings(b *etree.Element) []*etree.Element {
	return doc.Children(doc.Child(b, "network"), "port-mapping")
}

func storageMappings(b *etree.Element) []*etree.Element {
	return doc.Children(doc.Child(b, "storage"), "storage-mapping")
}

func bundleText(b *etree.Element) []string {
	var out []string
	if c := doc.Container(b); c != nil {
		out = append(out, report.Capitalize(c.Tag)+": "+strings.Join(show.NameValues(containerPairs(c)), " "))
	}
	if n := doc.Child(b, "network"); n != nil {
		if p := networkPairs(n); len(p) > 0 {
			out = append(out, "Network: "+strings.Join(show.NameValues(p), " "))
		}
	}
	if list := portMappings(b); len(list) > 0 {
		out = append(out, "Port Mapping:")
		for _, m := range list {
			words := show.NameValues(portPairs(m))
			if len(words) > 0 {
				words = append(words, "("+doc.ID(m)+")")
			}
			out = append(out, "  "+strings.Join(words, " "))
		}
	}
	if list := storageMappings(b); len(list) > 0 {
		out = append(out, "Storage Mapping:")
		for _, m := range list {
			out = append(out, "  "+strings.Join(append(show.NameValues(storagePairs(m)), "("+doc.ID(m)+")"), " "))
		}
	}
	return out
}

// Lines are the resources as text.
func (l *Listing) Lines() []string {
	var out []string
	for _, el := range slices.Concat(l.primitives, l.groups, l.clones, l.bundles) {
		wanted := !doc.Is(el.Parent(), "group", "clone", "master", "bundle") || l.stonith
		if len(l.asked) > 0 {
			wanted = l.asked[doc.ID(el)]
		}
		if wanted {
			out = append(out, resourceText(el)...)
		}
	}
	return out
}

// commands

func setCommand(el *etree.Element, tag, label string) []string {
	sets := setsOf(el, tag)
	if len(sets) == 0 || len(sets[0].Pairs) == 0 {
		return nil
	}
	text := show.ShellPairs(sets[0].NameValues())
	if label != "" {
		text = label + " " + text
	}
	return []string{text}
}

func primitiveCommands(el *etree.Element, bundle string) [][]string {
	id := doc.ID(el)
	fence := doc.Attr(el, "class") == "stonith"
	words := []string{"pcs", "resource", "create", "--no-default-ops", "--force", "--", id}
	if fence {
		words[1] = "stonith"
		words = append(words, doc.Attr(el, "type"))
	} else {
		words = append(words, fullName(el))
	}
	options := setCommand(el, "instance_attributes", "")
	if ops := operationsOf(el); len(ops) > 0 {
		options = append(options, "op")
		for _, op := range ops {
			options = append(options, "  "+doc.Attr(op, "name")+" "+show.ShellPairs(opPairs(op)))
		}
	}
	options = append(options, setCommand(el, "meta_attributes", "meta")...)
	if bundle != "" {
		options = append(options, "bundle "+bundle)
	}
	out := [][]string{append([]string{show.ShellWords(words)}, show.Indent(options)...)}
	if u := setCommand(el, "utilization", ""); u != nil {
		out = append(out, append([]string{show.ShellWords([]string{"pcs", "resource", "utilization", id})}, show.Indent(u)...))
	}
	return out
}

func fullName(el *etree.Element) string {
	parts := []string{doc.Attr(el, "class")}
	if p := doc.Attr(el, "provider"); p != "" {
		parts = append(parts, p)
	}
	return strings.Join(append(parts, doc.Attr(el, "type")), ":")
}

func bundleCommands(b *etree.Element) [][]string {
	c := doc.Container(b)
	options := []string{show.ShellWords([]string{"container", c.Tag}), "  " + show.ShellPairs(containerPairs(c))}
	if n := doc.Child(b, "network"); n != nil {
		if p := networkPairs(n); len(p) > 0 {
			options = append(options, "network "+show.ShellPairs(p))
		}
	}
	for _, m := range portMappings(b) {
		options = append(options, "port-map "+show.ShellPairs(portPairs(m)))
	}
	for _, m := range storageMappings(b) {
		options = append(options, "storage-map "+show.ShellPairs(storagePairs(m)))
	}
	options = append(options, setCommand(b, "meta_attributes", "meta")...)
	return [][]string{append([]string{show.ShellWords([]string{"pcs", "resource", "bundle", "create", doc.ID(b)})}, show.Indent(options)...)}
}

// Commands are the commands that make the resources.
func (l *Listing) Commands(s *session.Session) [][]string {
	var out [][]string
	made := map[string]bool{}
	for _, b := range l.bundles {
		if doc.Container(b) == nil {
			s.Out.Warn("Bundle resource '" + doc.ID(b) + "' uses unsupported container type, therefore pcs is unable to create it. The resource will be omitted.")
			continue
		}
		if s.Minor() >= 12 && warnOfFence(s, "Bundle resource", b, doc.Members(b), nil) {
			continue
		}
		out = append(out, bundleCommands(b)...)
		for _, m := range doc.Members(b) {
			out = append(out, primitiveCommands(m, doc.ID(b))...)
			made[doc.ID(m)] = true
		}
	}
	for _, p := range l.primitives {
		if s.Minor() >= 12 && doc.IsStonith(p) && (slices.Contains(l.groups, p.Parent()) || slices.Contains(l.clones, p.Parent()) || slices.Contains(l.bundles, p.Parent())) {
			continue // what it stands in says so
		}
		if !made[doc.ID(p)] {
			out = append(out, primitiveCommands(p, "")...)
		}
	}
	for _, g := range l.groups {
		var ids []string
		for _, m := range doc.Members(g) {
			if s.Minor() < 12 || !doc.IsStonith(m) {
				ids = append(ids, doc.ID(m))
			}
		}
		if s.Minor() >= 12 && warnOfFence(s, "Group", g, doc.Members(g), ids) {
			continue
		}
		out = append(out, []string{show.ShellWords([]string{"pcs", "resource", "group", "add", doc.ID(g)}), "  " + show.ShellWords(ids)})
		if m := setCommand(g, "meta_attributes", ""); m != nil {
			out = append(out, append([]string{show.ShellWords([]string{"pcs", "resource", "meta", doc.ID(g)})}, show.Indent(m)...))
		}
	}
	for _, c := range l.clones {
		member := ""
		if m := doc.Members(c); len(m) > 0 {
			member = doc.ID(m[0])
			if s.Minor() >= 12 {
				inner := m
				if m[0].Tag == "group" {
					inner = doc.Members(m[0])
				}
				if slices.ContainsFunc(inner, func(el *etree.Element) bool { return !doc.IsStonith(el) }) {
					inner = nil // what is left can be cloned
				}
				if warnOfFence(s, "Clone", c, inner, nil) {
					continue
				}
			}
		}
		out = append(out, append([]string{show.ShellWords([]string{"pcs", "resource", "clone", member, doc.ID(c)})}, show.Indent(setCommand(c, "meta_attributes", "meta"))...))
	}
	return out
}

// warnOfFence tells of fence devices among the members of el, which pcs does not put there since 0.12. kept are the members that
// are left; omitted tells that el is left out, which it is when none are.
func warnOfFence(s *session.Session, kind string, el *etree.Element, members []*etree.Element, kept []string) (omitted bool) {
	var fence []string
	for _, m := range members {
		if doc.IsStonith(m) {
			fence = append(fence, doc.ID(m))
		}
	}
	if len(fence) == 0 {
		return false
	}
	resources := report.Plural(len(fence), "resource", "resources")
	what := strings.ToLower(kind)
	if len(kept) > 0 {
		what = "stonith " + resources
	}
	s.Out.Warn(kind + " '" + doc.ID(el) + "' contains stonith " + resources + ": " + report.QuoteSorted(fence) + ", which is unsupported. The " + what + " will be omitted.")
	return len(kept) == 0
}

// data

func sets(el *etree.Element, tag string) []any { return rule.SetsJSON(setsOf(el, tag)) }

func opJSON(op *etree.Element) show.Object {
	role := any(nil)
	if doc.Has(op, "role") {
		role = rule.NewRole(doc.Attr(op, "role"))
	}
	return show.Object{
		{Name: "id", Value: doc.ID(op)},
		{Name: "name", Value: doc.Attr(op, "name")},
		{Name: "interval", Value: doc.Attr(op, "interval")},
		{Name: "description", Value: show.Attr(op, "description")},
		{Name: "start_delay", Value: show.Attr(op, "start-delay")},
		{Name: "interval_origin", Value: show.Attr(op, "interval-origin")},
		{Name: "timeout", Value: show.Attr(op, "timeout")},
		{Name: "enabled", Value: show.AttrBool(op, "enabled")},
		{Name: "record_pending", Value: show.AttrBool(op, "record-pending")},
		{Name: "role", Value: role},
		{Name: "on_fail", Value: show.Attr(op, "on-fail")},
		{Name: "meta_attributes", Value: sets(op, "meta_attributes")},
		{Name: "instance_attributes", Value: sets(op, "instance_attributes")},
	}
}

// JSON is the resources as data.
func (l *Listing) JSON() show.Object {
	primitives, clones, groups, bundles := []any{}, []any{}, []any{}, []any{}
	both := func(el *etree.Element) show.Object {
		return show.Object{{Name: "meta_attributes", Value: sets(el, "meta_attributes")}, {Name: "instance_attributes", Value: sets(el, "instance_attributes")}}
	}
	head := func(el *etree.Element) show.Object {
		return show.Object{{Name: "id", Value: doc.ID(el)}, {Name: "description", Value: show.Attr(el, "description")}}
	}
	for _, p := range l.primitives {
		ops := []any{}
		for _, op := range operationsOf(p) {
			ops = append(ops, opJSON(op))
		}
		o := show.Object{
			{Name: "id", Value: doc.ID(p)},
			{Name: "agent_name", Value: show.Object{{Name: "standard", Value: doc.Attr(p, "class")}, {Name: "provider", Value: show.Attr(p, "provider")}, {Name: "type", Value: doc.Attr(p, "type")}}},
			{Name: "description", Value: show.Attr(p, "description")},
			{Name: "operations", Value: ops},
		}
		primitives = append(primitives, append(append(o, both(p)...), show.Field{Name: "utilization", Value: sets(p, "utilization")}))
	}
	for _, c := range l.clones {
		member := any(nil)
		if m := doc.Members(c); len(m) > 0 {
			member = doc.ID(m[0])
		}
		clones = append(clones, append(append(head(c), show.Field{Name: "member_id", Value: member}), both(c)...))
	}
	for _, g := range l.groups {
		ids := []any{}
		for _, m := range doc.Members(g) {
			ids = append(ids, doc.ID(m))
		}
		groups = append(groups, append(append(head(g), show.Field{Name: "member_ids", Value: ids}), both(g)...))
	}
	for _, b := range l.bundles {
		bundles = append(bundles, append(append(head(b), bundleJSON(b)...), both(b)...))
	}
	return show.Object{{Name: "primitives", Value: primitives}, {Name: "clones", Value: clones}, {Name: "groups", Value: groups}, {Name: "bundles", Value: bundles}}
}

func bundleJSON(b *etree.Element) show.Object {
	var member, kind, options, network any
	if m := doc.Members(b); len(m) > 0 {
		member = doc.ID(m[0])
	}
	if c := doc.Container(b); c != nil {
		kind = c.Tag
		promoted := show.AttrInt(c, "promoted-max")
		if promoted == nil {
			promoted = show.AttrInt(c, "masters")
		}
		options = show.Object{
			{Name: "image", Value: doc.Attr(c, "image")},
			{Name: "replicas", Value: show.AttrInt(c, "replicas")},
			{Name: "replicas_per_host", Value: show.AttrInt(c, "replicas-per-host")},
			{Name: "promoted_max", Value: promoted},
			{Name: "run_command", Value: show.Attr(c, "run-command")},
			{Name: "network", Value: show.Attr(c, "network")},
			{Name: "options", Value: show.Attr(c, "options")},
		}
	}
	if n := doc.Child(b, "network"); n != nil {
		var host any
		if doc.Has(n, "add-host") {
			host = doc.Attr(n, "add-host") != ""
		}
		network = show.Object{
			{Name: "ip_range_start", Value: show.Attr(n, "ip-range-start")},
			{Name: "control_port", Value: show.AttrInt(n, "control-port")},
			{Name: "host_interface", Value: show.Attr(n, "host-interface")},
			{Name: "host_netmask", Value: show.AttrInt(n, "host-netmask")},
			{Name: "add_host", Value: host},
		}
	}
	ports, storage := []any{}, []any{}
	for _, m := range portMappings(b) {
		ports = append(ports, show.Object{{Name: "id", Value: doc.ID(m)}, {Name: "port", Value: show.AttrInt(m, "port")}, {Name: "internal_port", Value: show.AttrInt(m, "internal-port")}, {Name: "range", Value: show.Attr(m, "range")}})
	}
	for _, m := range storageMappings(b) {
		storage = append(storage, show.Object{
			{Name: "id", Value: doc.ID(m)},
			{Name: "source_dir", Value: show.Attr(m, "source-dir")},
			{Name: "source_dir_root", Value: show.Attr(m, "source-dir-root")},
			{Name: "target_dir", Value: doc.Attr(m, "target-dir")},
			{Name: "options", Value: show.Attr(m, "options")},
		})
	}
	return show.Object{
		{Name: "member_id", Value: member},
		{Name: "container_type", Value: kind},
		{Name: "container_options", Value: options},
		{Name: "network", Value: network},
		{Name: "port_mappings", Value: ports},
		{Name: "storage_mappings", Value: storage},
	}
}

// ConfigText is what `resource config` and `stonith config` show, without a newline at the end.
func ConfigText(s *session.Session, args []string, stonith bool) (text, format string, err error) {
	if _, err := s.Opts.OutputFormat(); err != nil && stonith && s.Minor() < 12 {
		return "", "", err // before it is looked which options there are
	}
	known := []string{"-f", "--output-format"}
	if s.Minor() >= 12 {
		known = append(known, "--show-secrets")
	}
	if err := s.Opts.Only(known...); err != nil {
		return "", "", err
	}
	if format, err = s.Opts.OutputFormat(); err == nil {
		err = secretsAsText(s, format)
	}
	if err != nil && s.Opts.Has("--show-secrets") {
		return "", "", err
	}
	root, err := s.CIB()
	if err != nil {
		return "", "", err
	}
	RevealSecrets(s, root)
	l, err := NewListing(s, root, stonith).only(s, args)
	if err != nil {
		return "", "", err
	}
	if format, err = s.Opts.OutputFormat(); err != nil {
		return "", "", err
	}
	switch format {
	case "json":
		return show.JSON(l.JSON(), 0), format, nil
	case "cmd":
		var cmds []string
		for _, c := range l.Commands(s) {
			cmds = append(cmds, show.CommandLines(c))
		}
		return show.CommandList(cmds), format, nil
	}
	return strings.Join(l.Lines(), "\n"), format, nil
}

// Config is `resource config`.
func Config(s *session.Session, args []string) error {
	text, _, err := ConfigText(s, args, false)
	if err == nil && text != "" {
		s.Out.Print(text)
	}
	return err
}

// ContainerTypes are the containers that the dialect can set up.
func ContainerTypes(s *session.Session) []string {
	if s.Legacy() {
		return []string{"docker"}
	}
	if s.Minor() >= 12 {
		return doc.Containers[:2] // Pacemaker 3 has no rkt
	}
	return doc.Containers
}
