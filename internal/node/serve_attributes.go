package node

import (
	"slices"
	"strconv"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/attribute"
	"hacluster/engine/status"
)

// attributes serves the attribute manager's protocol (service attrd).
func (r *request) attributes() {
	core := r.s.node.core
	switch task := r.get("task"); task {
	case "query":
		r.queryAttribute()
	case "update", "update-both", "update-delay":
		r.updateAttributes()
	case "clear-failure":
		r.ack(ackIndeterminate)
		if !r.mayWrite("fail-count-"+r.get("attr_resource"), r.get("attr_host")) {
			return
		}
		interval, _ := status.ParseInterval(r.get("attr_clear_interval"))
		core.Attributes.ClearFailures(r.get("attr_resource"), r.get("attr_clear_operation"), time.Duration(interval)*time.Millisecond, r.get("attr_host"))
	case "refresh":
		r.ack(ackIndeterminate)
		core.Attributes.Refresh()
	case "peer-remove":
		host := r.get("attr_host")
		if id := r.get("attr_host_id"); host == "" && id != "" {
			host = r.s.node.nameOf(id)
		}
		if host == "" {
			r.ack(ackInvalid)
			return
		}
		r.ack(ackIndeterminate)
		if r.mayWrite("", host) {
			core.Attributes.Forget(host)
		}
	default:
		r.ack(ackProtocol)
	}
}

// nameOf is the name of the node with that id, "" for one that was never known.
func (n *Node) nameOf(id string) string {
	number, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return ""
	}
	if name, ok := n.core.names[uint32(number)]; ok {
		return name
	}
	for _, m := range n.core.ring {
		if m.ID == uint32(number) {
			return m.Name
		}
	}
	return ""
}

// queryAttribute answers with an attribute's values: on one node, or on all that have one.
func (r *request) queryAttribute() {
	core := r.s.node.core
	el := etree.NewElement("build_query_reply")
	el.CreateAttr("t", "attrd")
	el.CreateAttr("subt", "query")
	el.CreateAttr("attr_version", "4")
	name, host := r.get("attr_name"), r.get("attr_host")
	if core.Attributes.Known(name) {
		el.CreateAttr("attr_name", name)
		hosts := core.Attributes.Hosts(name)
		switch host {
		case "":
		case "localhost":
			hosts = []string{core.Self().Name}
		default:
			hosts = []string{host}
		}
		// Pacemaker's attrd_updater prints the last one first.
		for _, h := range slices.Backward(hosts) {
			x := el.CreateElement("node")
			x.CreateAttr("attr_host", h)
			if v, ok := core.Attributes.Get(h, name); ok {
				x.CreateAttr("attr_value", v)
			}
		}
	}
	r.answer(el, 0)
}

// updateAttributes orders updates. A client that wants to wait is answered when the
// values have arrived.
func (r *request) updateAttributes() {
	core := r.s.node.core
	ops := r.frame.Body.SelectElements("op")
	if len(ops) == 0 {
		ops = []*etree.Element{r.frame.Body}
	}
	var all []attribute.Update
	for _, op := range ops {
		u, ok := attributeUpdate(op)
		if !ok {
			r.ack(ackInvalid)
			return
		}
		if u.Host == "localhost" {
			u.Host = core.Self().Name
		}
		if u.Task == attribute.SetDelay && !u.Pattern && !core.Attributes.Known(u.Name) {
			r.s.log.Warn("Processed update-delay request from client " + r.get("src") + ": Error (Attribute " + u.Name + " does not exist)")
		}
		u.Remote = u.Remote || core.IsRemote(u.Host)
		if r.mayWrite(u.Name, u.Host) {
			all = append(all, u)
		}
	}
	if len(all) == 0 {
		r.ack(ackIndeterminate)
		return
	}
	switch done := func() { r.ack(ackIndeterminate) }; ops[0].SelectAttrValue("attr_sync_point", r.get("attr_sync_point")) {
	case "local":
		core.Attributes.SetAndWait(attribute.Here, done, all...)
	case "cluster":
		core.Attributes.SetAndWait(attribute.Everywhere, done, all...)
	default:
		done()
		core.Attributes.Set(all...)
	}
}

// mayWrite tells whether the user may change an attribute of a node ("" is this one):
// whether a change of the status section that wrote it would be let through. As with
// Pacemaker a client is not told; the log is.
func (r *request) mayWrite(name, host string) bool {
	core := r.s.node.core
	if host == "" {
		host = core.Self().Name
	}
	node := host
	for _, m := range r.s.node.knownNodes() {
		if m.Name == host {
			node = strconv.FormatUint(uint64(m.ID), 10)
		}
	}
	data := etree.NewElement("node_state")
	data.CreateAttr("id", node)
	at := data
	for _, level := range [][2]string{{"transient_attributes", node}, {"instance_attributes", "status-" + node}, {"nvpair", xml.SanitizeID("status-" + node + "-" + name)}} {
		at = at.CreateElement(level[0])
		at.CreateAttr("id", level[1])
	}
	at.CreateAttr("name", name)
	at.CreateAttr("value", "\x00") // no value is this
	if !r.allowed(cib.Request{Op: cib.Modify, Section: "status", CanCreate: true, Data: data}) {
		r.s.log.Warn("a user may not write an attribute", "user", r.user.Name, "attribute", name, "node", host)
		return false
	}
	return true
}

// attributeUpdate reads one update; ok is false when it names no attribute, or when
// it lacks what its task needs.
func attributeUpdate(el *etree.Element) (u attribute.Update, ok bool) {
	get := func(name string) string { return el.SelectAttrValue(name, "") }
	u = attribute.Update{
		Task: attribute.Task(get("task")), Name: get("attr_name"), Host: get("attr_host"), Set: get("attr_set"),
		Private: get("attr_is_private") == "1", Remote: get("attr_is_remote") == "1",
	}
	if re := get("attr_regex"); re != "" {
		u.Name, u.Pattern = re, true
	}
	if kind := get("attr_set_type"); kind == "utilization" {
		u.Kind = kind
	}
	if v := el.SelectAttr("attr_value"); v != nil {
		u.Value = &v.Value
	}
	if d := get("attr_dampening"); d != "" {
		ms, valid := status.ParseTimeout(d)
		if valid && ms >= 0 { // else the value alone is taken
			u.Dampen, u.HasDampen = time.Duration(ms)*time.Millisecond, true
		}
	}
	if (u.Task == attribute.SetBoth || u.Task == attribute.SetDelay) && !u.HasDampen {
		return u, false
	}
	return u, u.Name != ""
}
