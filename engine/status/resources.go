package status

import (
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/number"
)

// readResources reads the resources section.
func (c *Cluster) readResources() {
	list := make([]*etree.Element, 0, 16)
	for e := range elements(c.resourceXML, "") {
		list = append(list, e)
	}
	list = append(list, c.Implicit...)
	for _, e := range list {
		id := get(e, "id")
		if id == "" {
			c.configErr("Ignoring <%s> resource without ID", e.Tag)
			continue
		}
		if e.Tag == "template" {
			if c.Template(id) == nil {
				c.Templates = append(c.Templates, &References{ID: id})
			}
			continue
		}
		r := c.newResource(e, nil, -1)
		if r == nil {
			c.configErr("Ignoring <%s> resource '%s' because configuration is invalid", e.Tag, id)
			continue
		}
		c.attach(r)
	}
	for _, r := range c.Resources {
		c.linkLauncher(r)
		c.linkNode(r)
	}
	MergeSort(c.Resources, func(a, b *Resource) int { return b.Priority - a.Priority })
	if c.Options.FencingEnabled && !c.Options.HaveFencing {
		c.configErr("Resource start-up disabled since no fencing resources have been defined. Either configure some or disable fencing with the fencing-enabled option. NOTE: Clusters with shared data need fencing to ensure data integrity.")
	}
}

func (c *Cluster) linkLauncher(r *Resource) {
	if len(r.Children) > 0 {
		for _, k := range r.Children {
			c.linkLauncher(k)
		}
		return
	}
	id, ok := r.Meta.Get("container")
	if !ok || id == r.ID {
		return
	}
	l := c.Find(id)
	if l == nil {
		c.configErr("Resource %s: Unknown container %s", r.ID, id)
		return
	}
	for x := l; x != nil; x = x.Launcher {
		if x == r { // each would contain the other
			c.configErr("Resource %s: Unknown container %s", r.ID, id)
			return
		}
	}
	r.Launcher = l
	l.Launched = append(l.Launched, r)
}

// linkNode ties a connection to its node.
func (c *Cluster) linkNode(r *Resource) {
	if !r.Has(RemoteConnection) {
		return
	}
	n := c.FindNode(r.ID)
	if n == nil {
		return
	}
	n.Conn = r
	if r.Launcher == nil {
		c.startupFencing(n)
	} else {
		n.Attrs.Set("#kind", "container")
	}
}

// expand returns an element with its template's content in it; the element
// itself without template, nil (after a message) if it cannot be had.
func (c *Cluster) expand(e *etree.Element) *etree.Element {
	ref, ok := attr(e, "template")
	if !ok {
		return e
	}
	id := get(e, "id")
	if ref == id {
		c.configErr("The resource object '%s' should not reference itself", id)
		return nil
	}
	if x := c.expanded[e]; x != nil {
		return x
	}
	var template *etree.Element
	for t := range elements(c.resourceXML, "template") {
		if get(t, "id") == ref {
			template = t
			break
		}
	}
	if template == nil {
		c.configErr("No template named '%s'", ref)
		return nil
	}
	// The new element shares the children of both: nothing below is changed.
	x := &etree.Element{Tag: e.Tag}
	for _, a := range template.Attr {
		if a.Key == "id" {
			a.Value = id
		}
		x.Attr = append(x.Attr, a)
	}
	ops, templateOps := first(e, "operations"), first(template, "operations")
	merge := ops != nil && templateOps != nil
	for t := range elements(template, "") {
		if merge && t == templateOps {
			continue
		}
		x.Child = append(x.Child, t)
	}
	for k := range elements(e, "") {
		if !merge || k != ops {
			x.Child = append(x.Child, k)
			continue
		}
		both := &etree.Element{Tag: ops.Tag, Attr: ops.Attr}
		own := map[string]bool{}
		for op := range elements(ops, "") {
			own[templateKey(op)] = true
			both.Child = append(both.Child, op)
		}
		for op := range elements(templateOps, "") {
			if !own[templateKey(op)] {
				both.Child = append(both.Child, op)
			}
		}
		x.Child = append(x.Child, both)
	}
	if c.expanded == nil {
		c.expanded = map[*etree.Element]*etree.Element{}
	}
	c.expanded[e] = x
	return x
}

// templateKey is what makes an operation override one of its template.
func templateKey(op *etree.Element) string {
	role := get(op, "role")
	switch strings.ToLower(role) {
	case "", "started", "unpromoted", "slave":
		role = "Unknown"
	}
	return get(op, "name") + "-" + role
}

// newResource reads a resource with everything in it; nil if it is invalid.
// instance is the number in its clone, or -1.
func (c *Cluster) newResource(e *etree.Element, parent *Resource, instance int) *Resource {
	id, ok := attr(e, "id")
	if !ok {
		c.configErr("Ignoring <%s> configuration without id", e.Tag)
		return nil
	}
	x := c.expand(e)
	if x == nil {
		return nil
	}
	r := &Resource{Source: e, XML: x, Parent: parent, ID: id, Instance: instance}
	r.readOps(c)
	switch x.Tag {
	case "primitive":
		r.Kind = Primitive
	case "group":
		r.Kind = Group
	case "clone", "master":
		r.Kind = Clone
	case "bundle":
		r.Kind = Bundle
	default:
		c.configErr("Ignoring resource '%s' of unknown type '%s'", id, x.Tag)
		return nil
	}
	r.Class, r.Provider, r.Type = get(x, "class"), get(x, "provider"), get(x, "type")
	if instance >= 0 {
		r.ID = id + ":" + itoa(instance)
		r.Meta = append(r.Meta, Pair{"clone", itoa(instance)})
	}
	c.readMeta(r)
	if x.Tag == "master" {
		r.Meta.Set("promotable", "true")
	}
	r.Flags = Unassigned
	if !c.Options.Maintenance {
		r.Set(Managed)
	}
	r.Role = RoleStopped
	if s, ok := r.Meta.Get("priority"); ok {
		n, ok := c.score(s)
		if !ok {
			c.configWarn("Using default (0) for resource %s priority because '%s' is not a valid value: Bad input value provided", r.ID, s)
		}
		r.Priority = n
	}
	r.ConfiguredPriority = r.Priority
	if c.Trace != nil {
		r.PriorityWhy = c.Trace.Add(0, Origin{Code: OriginPriority, Score: r.Priority})
	}
	if s, ok := r.Meta.Get("critical"); !ok || number.IsTrue(s) {
		r.Set(Critical)
	}
	if number.IsTrue(r.Meta.Value("notify")) {
		r.Set(Notify)
	}
	guest, remote := false, false
	if isRemoteXML(x) {
		r.Set(RemoteConnection)
		guest = r.Meta.Has("container")
		remote = !guest
	}
	if s, ok := r.Meta.Get("allow-migrate"); number.IsTrue(s) || (!ok && remote) {
		r.Set(MigrationAllowed)
	}
	if s, ok := r.Meta.Get("is-managed"); ok {
		switch {
		case strings.EqualFold(s, "default"):
			c.explicitDefault("is-managed")
		case number.IsTrue(s):
			r.Set(Managed)
		default:
			r.Clear(Managed)
		}
	}
	if number.IsTrue(r.Meta.Value("maintenance")) || c.Options.Maintenance {
		r.Clear(Managed)
		r.Set(InMaintenance)
	}
	if r.Top(false).Kind == Clone {
		if s, ok := r.Meta.Get("globally-unique"); ok {
			if number.IsTrue(s) {
				r.Set(Unique)
			}
		} else if n, ok := r.Meta.Get("clone-node-max"); ok && minInt(n, 0) > 1 {
			r.Set(Unique)
		}
		if number.IsTrue(r.Meta.Value("promotable")) {
			r.Set(Promotable)
		}
	} else {
		r.Set(Unique)
	}
	multi, ok := r.Meta.Get("multiple-active")
	switch strings.ToLower(multi) {
	case "stop_only":
		r.Multiple = MultiStopOnly
	case "block":
		r.Multiple = MultiBlock
	case "stop_unexpected":
		r.Multiple = MultiStopUnexpected
	case "stop_start":
	default:
		if ok {
			c.configWarn("%s is not a valid value for multiple-active, using default of \"stop_start\"", multi)
		}
	}
	if s, ok := r.Meta.Get("resource-stickiness"); ok {
		if strings.EqualFold(s, "default") {
			c.explicitDefault("resource-stickiness")
		} else {
			n, ok := c.score(s)
			if !ok {
				c.configWarn("Using default (0) for resource %s resource-stickiness because '%s' is not a valid value: Bad input value provided", r.ID, s)
			}
			r.Stickiness = n
		}
	}
	r.FailureLimit = Infinity
	if s, ok := r.Meta.Get("migration-threshold"); ok {
		if strings.EqualFold(s, "default") {
			c.explicitDefault("migration-threshold")
		} else if n, ok := c.score(s); ok && n >= 0 {
			r.FailureLimit = n
		} else {
			why := "Bad input value provided"
			if ok {
				why = "OK"
			}
			c.configWarn("Using default (INFINITY) for resource %s meta-attribute migration-threshold because '%s' is not a valid value: %s", r.ID, s, why)
		}
	}
	if strings.EqualFold(r.Class, "stonith") {
		c.Options.HaveFencing = true
		r.Set(FenceDevice)
	}
	s, given := r.Meta.Get("requires")
	c.readRequires(r, s, given)
	r.FailureTimeout = interval(r.Meta.Value("failure-timeout"))
	if remote {
		params := c.Params(r, nil)
		if s, ok := params.Get("reconnect_interval"); ok {
			r.ReconnectDelay = interval(s)
			r.FailureTimeout = r.ReconnectDelay
		}
	}
	r.Guest = guest
	c.readTargetRole(r)
	r.Index = len(c.All)
	c.All = append(c.All, r)
	c.register(r, r.ID)
	valid := false
	switch r.Kind {
	case Primitive:
		valid = c.readPrimitive(r)
	case Group:
		valid = c.readGroup(r)
	case Clone:
		valid = c.readClone(r)
	case Bundle:
		valid = c.readBundle(r)
	}
	if !valid {
		return nil
	}
	if c.Options.Symmetric {
		for _, n := range c.Nodes {
			r.allowByDefault(n, c)
		}
	} else if guest {
		for _, n := range c.Nodes {
			c.ScoreNode(r, n, 0, Origin{Code: OriginContainer})
		}
	}
	in := c.input()
	c.blocks(r.XML, "utilization", "", &in, &r.Utilization)
	if x != e {
		addReference(&c.Templates, get(e, "template"), id)
	}
	return r
}

func (c *Cluster) explicitDefault(name string) {
	c.configWarn("Support for setting %s to the explicit value 'default' is deprecated and will be removed in a future release (just leave it unset)", name)
}

// readMeta evaluates the meta-attributes of a resource.
func (c *Cluster) readMeta(r *Resource) {
	for _, a := range r.XML.Attr {
		if a.Space == "" {
			r.Meta.Add(a.Key, a.Value)
		}
	}
	in := c.input()
	in.HasResource, in.Class, in.Provider, in.Type = true, r.Class, r.Provider, r.Type
	c.blocks(r.XML, "meta_attributes", "", &in, &r.Meta)
	if r.Parent != nil {
		var above Values
		for p := r.Parent; p != nil; p = p.Parent {
			c.blocks(p.XML, "meta_attributes", "", &in, &above)
		}
		for _, p := range above {
			r.Meta.Add(p.Name, p.Value)
		}
	}
	c.blocks(c.rscDefaults, "meta_attributes", "", &in, &r.Meta)
	if r.Parent != nil {
		for _, p := range r.Parent.Meta {
			r.Meta.Add(p.Name, p.Value)
		}
	}
}

func (c *Cluster) readRequires(r *Resource, value string, given bool) {
	o := &c.Options
	set := func(q Requires) {
		r.Requires = q
		switch q {
		case RequiresQuorum:
			r.Set(RequiresQuorumF)
		case RequiresFencing:
			r.Set(NeedsFencing)
		case RequiresUnfencing:
			r.Set(NeedsFencing | NeedsUnfencing)
		}
	}
	unfencing := func() {
		switch {
		case r.Has(FenceDevice):
			c.configWarn("Resetting \"requires\" for %s to \"quorum\" because fencing devices cannot require unfencing", r.ID)
			set(RequiresQuorum)
		case !o.FencingEnabled:
			c.configWarn("Resetting \"requires\" for %s to \"quorum\" because fencing is disabled", r.ID)
			set(RequiresQuorum)
		default:
			set(RequiresUnfencing)
		}
	}
	switch strings.ToLower(value) {
	case "nothing":
		return
	case "quorum":
		set(RequiresQuorum)
		return
	case "fencing":
		set(RequiresFencing)
		if !o.FencingEnabled {
			c.configWarn("%s requires fencing but fencing is disabled", r.ID)
		}
		return
	case "unfencing":
		unfencing()
		return
	}
	name, q := "quorum", RequiresQuorum
	switch {
	case r.Has(FenceDevice), r.Kind == Primitive && r.Has(RemoteConnection):
	case o.Unfencing:
		name, q = "unfencing", RequiresUnfencing
	case o.FencingEnabled:
		name, q = "fencing", RequiresFencing
	case o.QuorumPolicy == QuorumIgnore:
		name, q = "nothing", RequiresNothing
	}
	if given {
		c.configErr("Resetting 'requires' for %s to '%s' because '%s' is not valid", r.ID, name, value)
	}
	if q == RequiresUnfencing {
		unfencing()
		return
	}
	set(q)
}

func (c *Cluster) readTargetRole(r *Resource) {
	if role, ok := c.targetRole(r); ok {
		r.NextRole = role
	}
}

// targetRole is the role that target-role limits a resource to, if any.
func (c *Cluster) targetRole(r *Resource) (Role, bool) {
	s, given := r.Meta.Get("target-role")
	r.TargetRole = s
	if !given || strings.EqualFold(s, "started") {
		return 0, false
	}
	if strings.EqualFold(s, "default") {
		c.explicitDefault("target-role")
		return 0, false
	}
	role, _ := c.role(s)
	switch {
	case role == RoleUnknown:
		c.configErr("Ignoring 'target-role' for %s because '%s' is not valid", r.ID, s)
		return 0, false
	case role > RoleStarted && !r.Top(false).Has(Promotable):
		c.configErr("Ignoring 'target-role' for %s because '%s' only makes sense for promotable clones", r.ID, s)
		return 0, false
	case role == RolePromoted:
		return 0, false
	}
	return role, true
}

// standards ---------------------------------------------------------------------

func uniqueStandard(class string) bool {
	return strings.EqualFold(class, "ocf") || strings.EqualFold(class, "stonith")
}

func promotableStandard(class string) bool { return strings.EqualFold(class, "ocf") }

// readPrimitive checks that a primitive may be cloned as it is.
func (c *Cluster) readPrimitive(r *Resource) bool {
	top := r.Top(false)
	if !uniqueStandard(r.Class) && r.Has(Unique) && top.IsClone() {
		c.configWarn("Ignoring globally-unique for %s because %s resources such as %s can be used only as anonymous clones", top.ID, r.Class, r.ID)
		top.Clone.NodeMax = 1
		top.Clone.Max = min(top.Clone.Max, len(c.Nodes))
		clearUnique(top)
		clearUnique(r)
	}
	if !promotableStandard(r.Class) && top.Has(Promotable) {
		c.configErr("Resource %s is of type %s and therefore cannot be used as a promotable clone resource", r.ID, r.Class)
		return false
	}
	return true
}

func clearUnique(r *Resource) {
	r.Clear(Unique)
	r.Meta.Set("globally-unique", "false")
	for _, k := range r.Children {
		clearUnique(k)
	}
}

// readGroup reads the members of a group.
func (c *Cluster) readGroup(r *Resource) bool {
	flag := func(name string) bool {
		s, ok := r.Meta.Get(name)
		v, valid := number.Bool(s)
		if !ok || !valid || v {
			return true
		}
		c.warnOnce("Support for the '" + name + "' group meta-attribute is deprecated and will be removed in a future release (use a resource set instead)")
		return false
	}
	r.GroupOrdered = flag("ordered")
	r.GroupColoc = flag("collocated")
	for e := range elements(r.XML, "primitive") {
		if k := c.newResource(e, r, r.Instance); k != nil {
			r.Children = append(r.Children, k)
		}
	}
	if len(r.Children) == 0 {
		c.configErr("Group %s has no members", r.ID)
		return false
	}
	return true
}
