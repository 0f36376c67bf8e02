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

// kinds are the kinds of resources by their elements.
var kinds = map[string]Kind{"primitive": Primitive, "group": Group, "clone": Clone, "master": Clone, "bundle": Bundle}

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
	kind, known := kinds[x.Tag]
	r := &Resource{Source: e, XML: x, Parent: parent, ID: id, Instance: instance, Kind: kind}
	r.readOps(c)
	if !known {
		c.configErr("Ignoring resource '%s' of unknown type '%s'", id, x.Tag)
		return nil
	}
	r.Class, r.Provider, r.Type = get(x, "class"), get(x, "provider"), get(x, "type")
	if instance >= 0 {
		r.ID = id + ":" + itoa(instance)
		r.Meta = append(r.Meta, Pair{"clone", itoa(instance)})
	}
	c.readMeta(r)
	c.applyMeta(r)
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
	} else if r.Guest {
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
