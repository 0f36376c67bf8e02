package status

// readClone reads a clone and makes its instances.
func (c *Cluster) readClone(r *Resource) bool {
	k := &CloneInfo{}
	r.Clone = k
	number := func(name, legacy string, absent int) int {
		s, ok := r.Meta.Get(name)
		if !ok && legacy != "" {
			if s, ok = r.Meta.Get(legacy); ok {
				c.warnOnceAs(legacy, "Support for the "+legacy+" meta-attribute (such as in "+r.ID+") is deprecated and will be removed in a future release. Use the "+name+" meta-attribute instead.")
			}
		}
		if !ok {
			return absent
		}
		return minInt(s, 0)
	}
	if r.Has(Promotable) {
		k.PromotedMax = number("promoted-max", "master-max", 1)
		k.PromotedPer = number("promoted-node-max", "master-node-max", 1)
	}
	k.NodeMax = number("clone-node-max", "", 1)
	k.Max = number("clone-max", "", max(1, len(c.Nodes)))
	k.Ordered = IsTrue(r.Meta.Value("ordered"))
	k.Interleave = IsTrue(r.Meta.Value("interleave"))
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
	most := c.bound(r.ID, k.Max, mostInstances)
	for i := 0; i < min(most, k.Max); i++ { // an instance may lower k.Max
		if c.newInstance(r) == nil {
			return false
		}
	}
	return true
}

// The most instances of one clone (or replicas of one bundle) that are built
// beforehand, and the most of all together. More can be asked for, but hardly
// ever placed; a document that asks for millions is not to stop a cluster.
const (
	mostInstances    = 1024
	mostReplicas     = 128
	mostAllInstances = 50000
)

// bound limits the number of instances of a clone that are built beforehand.
// History may add to them.
func (c *Cluster) bound(id string, n, most int) int {
	limit := max(most, 2*c.configured)
	if c.prebuilt+min(n, limit) > mostAllInstances {
		limit = max(c.configured, 1)
	}
	if n > limit {
		c.configWarn("Using %d instead of %d instances of %s because that is more than a cluster can hold", limit, n, id)
		n = limit
	}
	c.prebuilt += n
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
