package status

import (
	"math"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/iso8601"
	"hacluster/cib/number"
)

// readOps reads the configured operations of a resource.
func (r *Resource) readOps(c *Cluster) {
	ops := first(r.XML, "operations")
	if ops == nil {
		return
	}
	if cached, ok := c.ops[ops]; ok {
		r.Ops = cached
		return
	}
	if c.ops == nil {
		c.ops = map[*etree.Element][]Op{}
	}
	target := ops
	if _, ok := attr(ops, "id-ref"); ok {
		target = c.deref(ops)
	}
	var list []Op
	for e := range elements(target, "op") {
		enabled, ok := number.Bool(get(e, "enabled"))
		list = append(list, Op{
			XML: e, ID: get(e, "id"), Name: get(e, "name"), Role: get(e, "role"),
			Interval: interval(get(e, "interval")), Enabled: enabled || !ok,
		})
	}
	c.ops[ops] = list
	r.Ops = list
}

// ExactOp finds the configuration of an operation by name and interval.
func (r *Resource) ExactOp(name string, ms uint32, disabled bool) *Op {
	for i := range r.Ops {
		o := &r.Ops[i]
		if (o.Enabled || disabled) && o.Interval == ms && o.Name == name {
			return o
		}
	}
	return nil
}

// FindOp finds the configuration of an operation; migrations fall back to an
// operation called migrate.
func (r *Resource) FindOp(name string, ms uint32, disabled bool) *Op {
	o := r.ExactOp(name, ms, disabled)
	if o == nil && (name == "migrate_to" || name == "migrate_from") {
		o = r.ExactOp("migrate", 0, disabled)
	}
	return o
}

// ActionMeta evaluates the meta-attributes of an operation.
func (c *Cluster) ActionMeta(r *Resource, n *Node, name string, ms uint32, op *Op) Values {
	meta := make(Values, 0, 8)
	in := c.input()
	in.HasResource, in.Class, in.Provider, in.Type = true, r.Class, r.Provider, r.Type
	in.HasOp, in.Op, in.Interval = true, name, ms
	if op != nil {
		c.blocks(op.XML, "meta_attributes", "", &in, &meta)
		for _, a := range op.XML.Attr {
			meta.Set(a.Key, a.Value)
		}
	}
	probe := name == "monitor" && ms == 0
	if probe && !meta.Has("timeout") {
		if m := r.mostFrequentMonitor(); m != nil {
			if t, ok := attr(m.XML, "timeout"); ok {
				meta.Set("timeout", t)
			}
		}
	}
	c.blocks(c.opDefaults, "meta_attributes", "", &in, &meta)
	meta.Remove("id")
	if ms > 0 {
		meta.Set("interval", strconv.FormatUint(uint64(ms), 10))
	} else {
		meta.Remove("interval")
	}
	if strings.EqualFold(r.Class, "stonith") && (name == "start" || probe) {
		if t, ok := c.Params(r, n).Get("pcmk_monitor_timeout"); ok {
			meta.Set("timeout", t)
		}
	}
	t, ok := ParseTimeout(meta.Value("timeout"))
	if !ok || t <= 0 {
		t = 20000
	}
	meta.Set("timeout", strconv.FormatInt(min(t, math.MaxInt32), 10))
	c.checkOnFail(r, name, op, &meta)
	if s, ok := meta.Get("start-delay"); ok {
		d, ok := ParseTimeout(s)
		if !ok {
			d = 0
		}
		meta.Set("start-delay", strconv.FormatInt(min(max(d, 0), math.MaxInt32), 10))
	} else if s, ok := meta.Get("interval-origin"); ok && ms > 0 {
		origin, err := iso8601.Parse(s, c.Now)
		if err != nil {
			id := "(missing ID)"
			if op != nil {
				id = op.ID
			}
			c.configErr("Ignoring 'interval-origin' for operation '%s' because '%s' is not valid", id, s)
		} else {
			every := seconds(ms)
			since := (c.Now.Unix() - origin.Unix()) % every
			delay := -since
			if since > 0 {
				delay = every - since
			}
			meta.Set("start-delay", strconv.FormatInt(delay*1000, 10))
		}
	}
	return meta
}

// mostFrequentMonitor is the enabled recurring monitor of the shortest
// interval.
func (r *Resource) mostFrequentMonitor() *Op {
	var best *Op
	for i := range r.Ops {
		o := &r.Ops[i]
		if o.Name != "monitor" || o.Interval == 0 || !o.Enabled {
			continue
		}
		if best == nil || o.Interval < best.Interval {
			best = o
		}
	}
	return best
}

func isPromotedRole(s string) bool {
	return strings.EqualFold(s, "promoted") || strings.EqualFold(s, "master")
}

// checkOnFail takes out values of on-fail that the operation cannot have.
func (c *Cluster) checkOnFail(r *Resource, name string, op *Op, meta *Values) {
	value, given := meta.Get("on-fail")
	low := strings.ToLower(value)
	if name == "stop" && (low == "standby" || low == "demote" || low == "stop") {
		c.configErr("Resetting 'on-fail' for %s stop action to default value because '%s' is not allowed for stop", r.ID, value)
		meta.Remove("on-fail")
		return
	}
	if name == "demote" && !given {
		for i := range r.Ops {
			o := &r.Ops[i]
			v, ok := attr(o.XML, "on-fail")
			if ok && o.Name == "monitor" && isPromotedRole(o.Role) && o.Interval > 0 && o.Enabled && !strings.EqualFold(v, "demote") {
				meta.Set("on-fail", v)
			}
		}
		return
	}
	if name == "lrm_delete" && low != "ignore" {
		meta.Set("on-fail", "ignore")
		return
	}
	if low == "demote" {
		opName, opRole, ms := "", "", uint32(0)
		if op != nil {
			opName, opRole, ms = op.Name, op.Role, op.Interval
		}
		if opName != "promote" && (ms == 0 || opName != "monitor" || !isPromotedRole(opRole)) {
			c.configErr("Resetting 'on-fail' for %s %s action to default value because 'demote' is not allowed for it", r.ID, opName)
			meta.Remove("on-fail")
		}
	}
}

// onFail is what the failure of an operation leads to.
func (c *Cluster) onFail(r *Resource, name string, ms uint32, meta Values) OnFail {
	value, given := meta.Get("on-fail")
	set := given
	var f OnFail
	switch strings.ToLower(value) {
	case "block":
		f = FailBlock
	case "fence":
		f = FailFence
		if !c.Options.FencingEnabled {
			c.configErr("Resetting 'on-fail' for %s of %s to 'stop' because 'fence' is not valid when fencing is disabled", name, r.ID)
			f = FailStop
		}
	case "standby":
		f = FailStandby
	case "ignore", "nothing":
		f = FailIgnore
	case "migrate":
		f = FailBan
	case "stop":
		f = FailStop
	case "restart":
		f = FailRestart
	case "restart-container":
		f = FailRestartContainer
		set = r.Launcher != nil
	case "demote":
		f = FailDemote
	default:
		set = false
		if given {
			c.configErr("Using default 'on-fail' for %s of %s because '%s' is not valid", name, r.ID, value)
		}
	}
	reset := false
	if r.Has(RemoteConnection) {
		if n := c.FindNode(r.ID); n != nil && n.IsPlainRemote() && !(name == "monitor" && ms == 0) && name != "start" {
			reset = true
			if !r.Has(Managed) {
				set = false
			}
		}
	}
	switch {
	case set:
	case r.Launcher != nil:
		f = FailRestartContainer
	case reset && r.Has(Managed):
		f = FailResetRemote
	case reset:
		f = FailStop
	case name == "stop" && c.Options.FencingEnabled:
		f = FailFence
	case name == "stop":
		f = FailBlock
	default:
		f = FailRestart
	}
	return f
}

// roleAfterFailure is the highest role that a failure leaves.
func roleAfterFailure(r *Resource, name string, f OnFail) Role {
	switch {
	case f == FailStop, f == FailResetRemote && r.ReconnectDelay != 0:
		return RoleStopped
	case name == "promote":
		return RoleUnpromoted
	}
	return RoleStarted
}
