package status

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/number"
)

// Input is what a reading depends on.
type Input struct {
	CIB *etree.Element // the element cib; it is read, never changed
	Now time.Time
	// NoConstraints leaves out node health and constraints: what is, without
	// what is wanted.
	NoConstraints bool
	// Simulation: see scheduler.Input.
	Simulation bool
	// Trace records where scores and actions come from; nil: nobody asks.
	Trace *Trace
}

// Read reads a CIB: options, nodes, resources, tags, status, and (unless told
// otherwise) health and constraints. It never fails: whatever is wrong with
// the configuration is in Messages.
func Read(in Input) *Cluster {
	c := &Cluster{CIB: in.CIB, Now: in.Now, Simulation: in.Simulation, Trace: in.Trace}
	if v := get(in.CIB, "crm_feature_set"); v != "" && CompareVersions(v, FeatureSet) > 0 {
		c.configErr("Can't process CIB with feature set '%s' greater than our own '%s'", v, FeatureSet)
		c.TooNew = true
		return c
	}
	c.Quorate = number.IsTrue(get(in.CIB, "have-quorum"))
	one := singles(in.CIB)
	c.opDefaults, c.rscDefaults = one.opDefaults, one.rscDefaults
	if one.expressions == 1 {
		c.warnOnce("Support for rules with node attribute expressions in op or op_defaults is deprecated and will be dropped in a future release")
	}
	c.readOptions(one.options)
	if !c.Quorate && !in.NoConstraints && c.Options.QuorumPolicy != QuorumIgnore {
		c.FindWrong(Warning, "Fencing and resource management disabled due to lack of quorum")
	}
	c.readNodes(one.nodes)
	c.resourceXML = sectionOf(in.CIB, "resources")
	c.readRemoteNodes()
	c.readResources()
	c.checkTopology(one.topology)
	c.readTags(one.tags)
	c.StatusXML = one.status
	c.readStatus(c.StatusXML)
	for _, r := range c.Resources {
		c.count(r)
	}
	if !in.NoConstraints {
		c.readHealth()
		c.readConstraints(sectionOf(in.CIB, "constraints"))
	}
	return c
}

// sectionOf returns a section of the configuration; nil where there is none, or more than one: nobody knows which is meant.
func sectionOf(cib *etree.Element, name string) (section *etree.Element) {
	for conf := range elements(cib, "configuration") {
		for e := range elements(conf, name) {
			if section != nil {
				return nil
			}
			section = e
		}
	}
	return section
}

// count sums up instances, disabled and blocked resources.
func (c *Cluster) count(r *Resource) {
	if r.Kind != Primitive {
		for _, k := range r.Children {
			c.count(k)
		}
		return
	}
	if r.Has(Removed) && r.Role <= RoleStopped {
		return
	}
	c.Instances++
	if r.Disabled() {
		c.Disabled++
	}
	if r.Has(Blocked) {
		c.Blocked++
	}
}

// Disabled tells whether the target role keeps a resource from running fully.
func (r *Resource) Disabled() bool {
	t, ok := r.Meta.Get("target-role")
	if !ok {
		return false
	}
	role, _ := ParseRole(t)
	return role == RoleStopped || (role == RoleUnpromoted && r.Top(false).Has(Promotable))
}

// node creation -------------------------------------------------------------

// newNode enters a node into the list, which is kept in name order.
func (c *Cluster) newNode(id, name, kind string, given bool, score int) *Node {
	if c.FindNode(name) != nil {
		c.configWarn("More than one node entry has name '%s'", name)
	}
	n := &Node{Index: len(c.ByIndex), ID: id, Name: name, Score: score, Configured: score, DiscoveryOK: true}
	switch {
	case !given || strings.EqualFold(kind, "member"):
		n.Attrs.Set("#kind", "cluster")
	case strings.EqualFold(kind, "remote"):
		n.IsRemote = true
		n.Attrs.Set("#kind", "remote")
		c.HaveRemote = true
	default:
		if name == "" {
			name = "without name"
		}
		c.configErr("Ignoring node %s with unrecognized type '%s'", name, kind)
		return nil
	}
	c.ByIndex = append(c.ByIndex, n)
	at := 0
	for at < len(c.Nodes) && CompareNames(n.Name, c.Nodes[at].Name) > 0 {
		at++
	}
	c.Nodes = append(c.Nodes, nil)
	copy(c.Nodes[at+1:], c.Nodes[at:])
	c.Nodes[at] = n
	for i, o := range c.Nodes {
		o.Order = i
	}
	return n
}

// FindNode finds a node by its name, regardless of case.
func (c *Cluster) FindNode(name string) *Node {
	for _, n := range c.Nodes {
		if strings.EqualFold(n.Name, name) {
			return n
		}
	}
	return nil
}

// FindNodeBy finds a node by id, then by name.
func (c *Cluster) FindNodeBy(id, name string) *Node {
	if id != "" {
		for _, n := range c.Nodes {
			if strings.EqualFold(n.ID, id) {
				return n
			}
		}
	}
	if name != "" {
		return c.FindNode(name)
	}
	return nil
}

func (c *Cluster) readNodes(section *etree.Element) {
	for e := range elements(section, "node") {
		score := 0
		s, scored := attr(e, "score")
		ok := true
		if scored {
			score, ok = c.score(s)
		}
		id, hasID := attr(e, "id")
		if !hasID {
			c.configErr("Ignoring <node> entry in configuration without id")
			continue
		}
		name := get(e, "uname")
		if !ok {
			shown := name
			if shown == "" {
				shown = "without name"
			}
			c.configWarn("Using 0 as score for node %s because '%s' is not a valid score: Bad input value provided", shown, s)
		}
		kind, given := attr(e, "type")
		n := c.newNode(id, name, kind, given, score)
		if n == nil {
			return
		}
		c.startupFencing(n)
		c.nodeAttrs(e, n, false)
	}
}

// startupFencing marks a node that was never seen as unclean.
func (c *Cluster) startupFencing(n *Node) {
	if n.IsRemote && n.Conn == nil {
		return
	}
	n.Unclean = c.Options.StartupFencing
}

// nodeAttrs evaluates the attributes of a node element (or of the transient
// attributes of a node_state, which replace permanent ones).
func (c *Cluster) nodeAttrs(e *etree.Element, n *Node, overwrite bool) {
	n.Attrs.Set("#uname", n.Name)
	n.Attrs.Set("#id", n.ID)
	isDC := false
	if dc, ok := attr(c.CIB, "dc-uuid"); ok && (c.DC == nil || c.DC == n) && strings.EqualFold(n.ID, dc) {
		c.DC = n
		isDC = true
		n.IsDC = true
	}
	if isDC {
		n.Attrs.Set("#is_dc", "true")
	} else {
		n.Attrs.Set("#is_dc", "false")
	}
	cluster, named := c.Options.Values.Get("cluster-name")
	if named {
		n.Attrs.Set("#cluster-name", cluster)
	}
	in := c.input()
	if overwrite {
		var fresh Values
		c.blocks(e, "instance_attributes", "", &in, &fresh)
		for _, p := range fresh {
			n.Attrs.Set(p.Name, p.Value)
		}
	} else {
		c.blocks(e, "instance_attributes", "", &in, &n.Attrs)
	}
	c.blocks(e, "utilization", "", &in, &n.Utilization)
	if !n.Attrs.Has("#site-name") {
		if site, ok := n.Attrs.Get("site-name"); ok {
			n.Attrs.Set("#site-name", site)
		} else if named {
			n.Attrs.Set("#site-name", cluster)
		}
	}
}

// remote and guest nodes ----------------------------------------------------

func isRemoteXML(e *etree.Element) bool {
	return strings.EqualFold(get(e, "class"), "ocf") && get(e, "provider") == "pacemaker" && get(e, "type") == "remote"
}

// readRemoteNodes makes nodes of connection resources, and connections of
// resources that host a guest node.
func (c *Cluster) readRemoteNodes() {
	guest := func(e *etree.Element) {
		name, ok := c.guestConnection(e)
		if ok && c.FindNode(name) == nil {
			c.newNode(name, name, "remote", true, 0)
		}
	}
	for e := range elements(c.resourceXML, "") {
		switch {
		case isRemoteXML(e):
			if id := get(e, "id"); id != "" && c.FindNode(id) == nil {
				c.newNode(id, id, "remote", true, 0)
			}
		case e.Tag == "primitive":
			guest(e)
		case e.Tag == "group":
			for k := range elements(e, "") {
				guest(k)
			}
		}
	}
}

// guestConnection makes the implicit connection of a guest node that e hosts,
// and returns the node's name, if it hosts one.
func (c *Cluster) guestConnection(e *etree.Element) (name string, hosts bool) {
	var addr, port, migrate, managed string
	timeout := "60s"
	var hasMigrate, hasManaged, hasAddr, hasPort bool
	for b := range elements(e, "meta_attributes") {
		for p := range elements(b, "") {
			v := get(p, "value")
			switch get(p, "name") {
			case "remote-node":
				name, hosts = v, true
			case "remote-addr":
				addr, hasAddr = v, true
			case "remote-port":
				port, hasPort = v, true
			case "remote-connect-timeout":
				timeout = v
			case "remote-allow-migrate":
				migrate, hasMigrate = v, true
			case "is-managed":
				managed, hasManaged = v, true
			}
		}
	}
	if !hosts {
		return "", false
	}
	conn := connectionXML(name, get(e, "id"))
	meta := conn.SelectElement("meta_attributes")
	if hasMigrate {
		addPair(meta, "allow-migrate", migrate)
	}
	if hasManaged {
		addPair(meta, "is-managed", managed)
	}
	if hasAddr || hasPort {
		params := conn.CreateElement("instance_attributes")
		params.CreateAttr("id", name+"-instance_attributes")
		if hasAddr {
			addPair(params, "addr", addr)
		}
		if hasPort {
			addPair(params, "port", port)
		}
	}
	ops := conn.CreateElement("operations")
	addOp(ops, name, "monitor", "30s", "30s")
	addOp(ops, name, "start", "0", timeout)
	c.Implicit = append(c.Implicit, conn)
	return name, true
}

// connectionXML is the beginning of an implicit remote connection.
func connectionXML(id, container string) *etree.Element {
	e := etree.NewElement("primitive")
	e.CreateAttr("id", id)
	e.CreateAttr("class", "ocf")
	e.CreateAttr("provider", "pacemaker")
	e.CreateAttr("type", "remote")
	meta := e.CreateElement("meta_attributes")
	meta.CreateAttr("id", id+"-meta_attributes")
	addPair(meta, "internal_rsc", "true")
	addPair(meta, "container", container)
	return e
}

func addPair(block *etree.Element, name, value string) {
	p := block.CreateElement("nvpair")
	p.CreateAttr("id", get(block, "id")+"-"+name)
	p.CreateAttr("name", name)
	p.CreateAttr("value", value)
}

func addOp(ops *etree.Element, prefix, name, interval, timeout string) {
	op := ops.CreateElement("op")
	op.CreateAttr("id", prefix+"-"+name+"-"+interval)
	op.CreateAttr("interval", interval)
	op.CreateAttr("name", name)
	if timeout != "" {
		op.CreateAttr("timeout", timeout)
	}
}

// fencing topology and tags ---------------------------------------------------

func (c *Cluster) checkTopology(section *etree.Element) {
	for l := range elements(section, "fencing-level") {
		id := get(l, "id")
		if id == "" {
			c.configErr("Ignoring fencing level without ID")
			continue
		}
		index, ok := ParseInt(get(l, "index"))
		switch {
		case !ok, index != int64(int32(index)):
			c.configErr("Ignoring fencing level %s with invalid index", id)
		case index < 1 || index > 9:
			c.configErr("Ignoring fencing level %s with out-of-range index %d", id, index)
		}
	}
}

func (c *Cluster) readTags(section *etree.Element) {
	for t := range elements(section, "tag") {
		id, ok := attr(t, "id")
		if !ok {
			c.configErr("Ignoring <tag> without id")
			continue
		}
		for r := range elements(t, "obj_ref") {
			ref, ok := attr(r, "id")
			if !ok {
				c.configErr("Ignoring <obj_ref> for tag '%s' without id", id)
				continue
			}
			addReference(&c.Tags, id, ref)
		}
	}
}

func findReference(list []*References, id string) *References {
	for _, r := range list {
		if r.ID == id {
			return r
		}
	}
	return nil
}

func addReference(list *[]*References, id, ref string) {
	r := findReference(*list, id)
	if r == nil {
		r = &References{ID: id}
		*list = append(*list, r)
	}
	for _, have := range r.Refs {
		if have == ref {
			return
		}
	}
	r.Refs = append(r.Refs, ref)
}

// Template returns a template by id, or nil.
func (c *Cluster) Template(id string) *References { return findReference(c.Templates, id) }

// Tag returns a tag by id, or nil.
func (c *Cluster) Tag(id string) *References { return findReference(c.Tags, id) }

// SortByName sorts nodes by name, regardless of case; those of one name keep their order.
func SortByName(nodes []*Node) {
	slices.SortStableFunc(nodes, func(a, b *Node) int { return CompareNames(a.Name, b.Name) })
}

func itoa(n int) string { return strconv.Itoa(n) }
