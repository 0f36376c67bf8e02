package status

import "hacluster/cib/number"

// readClone reads a clone and makes its instances.
func (c *Cluster) readClone(r *Resource) bool {
	k := &CloneInfo{}
	r.Clone = k
	count := func(name, legacy string, absent int) int {
		s, ok := r.Meta.Get(name)
		if !ok && legacy != "" {
			if s, ok = r.Meta.Get(legacy); ok {
				c.warnOnceAs(legacy, "Support for the "+legacy+" meta-attribute (such as in "+r.ID+") is deprecated and will be removed in a future release. Use the "+name+" meta-attribute instead.")
			}
		}
		if !ok {
			return absent
		}
		return IntAtLeast(s, 0)
	}
	if r.Has(Promotable) {
		k.PromotedMax = count("promoted-max", "master-max", 1)
		k.PromotedPer = count("promoted-node-max", "master-node-max", 1)
	}
	k.NodeMax = count("clone-node-max", "", 1)
	k.Max = count("clone-max", "", max(1, len(c.Nodes)))
	k.Ordered = number.IsTrue(r.Meta.Value("ordered"))
	k.Interleave = number.IsTrue(r.Meta.Value("interleave"))
	if !r.Has(Unique) && k.NodeMax > 1 {
		c.configErr("Ignoring clone-node-max of %d for %s because anonymous clones support only one instance per node", k.NodeMax, r.ID)
		k.NodeMax = 1
	}
	for e := range elements(r.XML, "") {
		if e.Tag == "primitive" || e.Tag == "group" {
			k.ChildXML = e
			break
		}
	}
	if k.ChildXML == nil {
		c.configErr("%s has nothing to clone", r.ID)
		return false
	}
	r.Meta.Add("resource-stickiness", "1")
	if r.Has(Unique) {
		r.Meta.Set("globally-unique", "true")
	} else {
		r.Meta.Set("globally-unique", "false")
	}
	if k.Max <= 0 {
		return c.newInstance(r) != nil
	}
	places := max(len(c.Nodes), 1) // where an instance may run, on each so many
	if r.Has(Unique) {
		places = product(places, k.NodeMax)
	}
	limit := mostInstances
	if k.Ordered || r.Has(Notify) {
		limit = mostRelated
	}
	most := bound(c, "instances", r.ID, k.Max, places, &c.instanced, limit)
	for i := 0; i < min(most, k.Max); i++ { // an instance may lower k.Max
		if c.newInstance(r) == nil {
			return false
		}
	}
	return true
}

// The most instances of all clones, and replicas of all bundles, that are built over and above
// one for each node. (A replica is a node, too.) Those that are started one after the other, or
// told of each other, have to do with all others. A document that asks for millions is not to
// stop a cluster.
const (
	mostInstances = 10000
	mostRelated   = 2000
	mostReplicas  = 1000
)

// product is a × b, or a great number.
func product(a, b int) int {
	if b > 0 && a > 1<<30/b {
		return 1 << 30
	}
	return a * b
}

// bound limits the instances (or replicas) that are built: n are asked for, of which so many
// have places to run at. What never runs can be left out; history may add to what is built.
// used counts those of the whole cluster.
func bound(c *Cluster, what, id string, n, places int, used *int, most int) int {
	free := len(c.Nodes)
	left := free + most - *used
	switch {
	case n <= left:
	case places <= left:
		c.configWarn("Only %d of the %d %s of %s are looked at: there are places for no more", places, n, what, id)
		n = places
	default:
		few := max(left, 1)
		c.configErr("%s has %d %s, of which only %d are planned for: over and above one for each node, a cluster holds at most %d", id, n, what, few, most)
		n = few
	}
	*used += max(n-free, 0)
	return n
}

// newInstance makes the next instance of a clone; one beyond clone-max counts
// as removed.
func (c *Cluster) newInstance(clone *Resource) *Resource {
	k := clone.Clone
	removed := k.Total >= k.Max
	limit := itoa(k.Max)
	r := c.newResource(k.ChildXML, clone, k.Total)
	if r == nil {
		return nil
	}
	k.Total++
	clone.Children = append(clone.Children, r)
	if removed {
		r.SetAll(Removed)
	}
	r.Meta.Set("clone-max", limit)
	return r
}
