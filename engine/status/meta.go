package status

import (
	"strings"

	"hacluster/cib/number"
)

// applyMeta sets what a resource's meta-attributes say of it.
func (c *Cluster) applyMeta(r *Resource) {
	if r.XML.Tag == "master" {
		r.Meta.Set("promotable", "true")
	}
	r.Flags = Unassigned
	if !c.Options.Maintenance {
		r.Set(Managed)
	}
	r.Role = RoleStopped
	c.readPriority(r)
	if s, ok := r.Meta.Get("critical"); !ok || number.IsTrue(s) {
		r.Set(Critical)
	}
	if number.IsTrue(r.Meta.Value("notify")) {
		r.Set(Notify)
	}
	remote := false
	if isRemoteXML(r.XML) {
		r.Set(RemoteConnection)
		r.Guest = r.Meta.Has("container")
		remote = !r.Guest
	}
	if s, ok := r.Meta.Get("allow-migrate"); number.IsTrue(s) || (!ok && remote) {
		r.Set(MigrationAllowed)
	}
	c.readManaged(r)
	r.readUnique()
	c.readMultiple(r)
	c.readStickiness(r)
	c.readThreshold(r)
	if strings.EqualFold(r.Class, "stonith") {
		c.Options.HaveFencing = true
		r.Set(FenceDevice)
	}
	c.readRequires(r)
	r.FailureTimeout = interval(r.Meta.Value("failure-timeout"))
	if remote {
		params := c.Params(r, nil)
		if s, ok := params.Get("reconnect_interval"); ok {
			r.ReconnectDelay = interval(s)
			r.FailureTimeout = r.ReconnectDelay
		}
	}
	c.readTargetRole(r)
}

func (c *Cluster) readPriority(r *Resource) {
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
}

func (c *Cluster) readManaged(r *Resource) {
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
}

// readUnique tells whether each instance is one of its own, and whether it may be promoted: what is no clone is unique.
func (r *Resource) readUnique() {
	if r.Top(false).Kind != Clone {
		r.Set(Unique)
		return
	}
	if s, ok := r.Meta.Get("globally-unique"); ok {
		if number.IsTrue(s) {
			r.Set(Unique)
		}
	} else if n, ok := r.Meta.Get("clone-node-max"); ok && IntAtLeast(n, 0) > 1 {
		r.Set(Unique)
	}
	if number.IsTrue(r.Meta.Value("promotable")) {
		r.Set(Promotable)
	}
}

func (c *Cluster) readMultiple(r *Resource) {
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
}

func (c *Cluster) readStickiness(r *Resource) {
	s, ok := r.Meta.Get("resource-stickiness")
	switch {
	case !ok:
	case strings.EqualFold(s, "default"):
		c.explicitDefault("resource-stickiness")
	default:
		n, ok := c.score(s)
		if !ok {
			c.configWarn("Using default (0) for resource %s resource-stickiness because '%s' is not a valid value: Bad input value provided", r.ID, s)
		}
		r.Stickiness = n
	}
}

func (c *Cluster) readThreshold(r *Resource) {
	r.FailureLimit = Infinity
	s, ok := r.Meta.Get("migration-threshold")
	switch {
	case !ok:
	case strings.EqualFold(s, "default"):
		c.explicitDefault("migration-threshold")
	default:
		n, ok := c.score(s)
		if ok && n >= 0 {
			r.FailureLimit = n
			return
		}
		why := "Bad input value provided"
		if ok {
			why = "OK"
		}
		c.configWarn("Using default (INFINITY) for resource %s meta-attribute migration-threshold because '%s' is not a valid value: %s", r.ID, s, why)
	}
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

func (c *Cluster) readRequires(r *Resource) {
	value, given := r.Meta.Get("requires")
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
