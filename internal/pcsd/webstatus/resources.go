package webstatus

import (
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/number"
	"hacluster/internal/pcs/doc"
)

// Message is an error or a warning about a resource or a node.
type Message struct {
	Message string   `json:"message"`
	Type    string   `json:"type,omitempty"`
	Nodes   []string `json:"node_list,omitempty"`
}

// Resource is a primitive, group or clone: Primitive, Members or Clone says more, by Kind.
type Resource struct {
	ID       any       `json:"id"`
	Errors   []Message `json:"error_list"`
	Warnings []Message `json:"warning_list"`
	Kind     string    `json:"class_type"` // "primitive", "group", "clone"
	// Status is "running", "partially running", "disabled", "failed", "blocked" or "unknown".
	Status   string `json:"status"`
	Meta     []Pair `json:"meta_attr"`
	Parent   any    `json:"parent_id"`
	Disabled bool   `json:"disabled"`

	*Primitive
	*Group
	*Clone

	up *Resource
}

// Primitive is what a primitive has beside what all resources have.
type Primitive struct {
	Agent       any         `json:"agentname"` // "ocf::heartbeat:Dummy"
	Provider    any         `json:"provider"`
	Type        any         `json:"type"`
	Fencing     bool        `json:"stonith"`
	Utilization []Pair      `json:"utilization"`
	Parameters  []Pair      `json:"instance_attr"`
	Class       any         `json:"class"`
	Instances   []Instance  `json:"crm_status"`
	Operations  []Operation `json:"operations"`
}

// Group is what a group has.
type Group struct {
	Members []*Resource `json:"members"`
}

// Clone is what a clone has.
type Clone struct {
	Promotable bool      `json:"promotable"`
	Member     *Resource `json:"member"`
}

// Instance is one copy of a resource as crm_mon tells it.
type Instance struct {
	ID             any     `json:"id"`
	Agent          any     `json:"resource_agent"`
	Managed        bool    `json:"managed"`
	Failed         bool    `json:"failed"`
	Role           any     `json:"role"` // "Master" and "Slave" are their names
	Active         bool    `json:"active"`
	Orphaned       bool    `json:"orphaned"`
	FailureIgnored bool    `json:"failure_ignored"`
	NodesRunningOn int64   `json:"nodes_running_on"`
	Pending        any     `json:"pending"`
	Node           *OnNode `json:"node"`
	Blocked        bool    `json:"blocked"`
	TargetRole     any     `json:"target_role"`
}

// OnNode is where an instance is.
type OnNode struct {
	Name   any  `json:"name"`
	ID     any  `json:"id"`
	Cached bool `json:"cached"`
}

// Operation is one entry of the history.
type Operation struct {
	CallID          int64 `json:"call_id"`
	DebugOrigin     any   `json:"crm_debug_origin"`
	FeatureSet      any   `json:"crm_feature_set"`
	ExecTime        int64 `json:"exec_time"`
	ExitReason      any   `json:"exit_reason"`
	ID              any   `json:"id"`
	Interval        int64 `json:"interval"`
	LastRCChange    int64 `json:"last_rc_change"`
	LastRun         int64 `json:"last_run"`
	OnNode          any   `json:"on_node"`
	Digest          any   `json:"op_digest"`
	Key             any   `json:"operation_key"`
	Operation       any   `json:"operation"`
	ForceRestart    any   `json:"op_force_restart"`
	RestartDigest   any   `json:"op_restart_digest"`
	Status          int64 `json:"op_status"`
	QueueTime       int64 `json:"queue_time"`
	RC              int64 `json:"rc_code"`
	TransitionKey   any   `json:"transition_key"`
	TransitionMagic any   `json:"transition_magic"`
}

// The words for a resource's status.
const (
	running   = "running"
	partially = "partially running"
	disabled  = "disabled"
	failed    = "failed"
	blocked   = "blocked"
)

// reader holds what is known of all resources, by their ids.
type reader struct {
	instances  map[string][]Instance
	operations map[string][]Operation
	local      *time.Location
}

// Resources lists the resources of a CIB: primitives, groups, clones. monitor is the root of crm_mon's XML, or nil; history tells whether
// operations are told, with failures in errors and warnings, at local times.
func Resources(cib, monitor *etree.Element, history bool, local *time.Location) []*Resource {
	r := &reader{instances: map[string][]Instance{}, operations: map[string][]Operation{}, local: local}
	r.readInstances(monitor)
	if history {
		r.readHistory(cib)
	}
	out := []*Resource{}
	if cib == nil {
		return out
	}
	section := doc.Section(cib, "resources")
	for _, p := range doc.Children(section, "primitive") {
		out = append(out, r.primitive(p, nil))
	}
	for _, g := range doc.Children(section, "group") {
		out = append(out, r.group(g, nil))
	}
	for _, tag := range []string{"clone", "master"} {
		for _, c := range doc.Children(section, tag) {
			out = append(out, r.clone(c))
		}
	}
	return out
}

func plainID(el *etree.Element) string {
	id, _, _ := strings.Cut(doc.ID(el), ":")
	return id
}

func (r *reader) readInstances(monitor *etree.Element) {
	if monitor == nil || monitor.Tag != "crm_mon" && monitor.Tag != "pacemaker-result" {
		return
	}
	for _, section := range doc.Children(monitor, "resources") {
		for _, el := range within(section, "resource") {
			id := plainID(el)
			r.instances[id] = append(r.instances[id], instance(el))
		}
	}
}

func instance(el *etree.Element) Instance {
	is := func(name string) bool { return doc.Attr(el, name) == "true" }
	i := Instance{
		ID: attr(el, "id"), Agent: attr(el, "resource_agent"), Managed: is("managed"), Failed: is("failed"), Role: role(attr(el, "role")),
		Active: is("active"), Orphaned: is("orphaned"), FailureIgnored: is("failure_ignored"), NodesRunningOn: integer(attr(el, "nodes_running_on")),
		Pending: attr(el, "pending"), Blocked: is("blocked"), TargetRole: role(attr(el, "target_role")),
	}
	if n := doc.Children(el, "node"); len(n) > 0 {
		i.Node = &OnNode{attr(n[0], "name"), attr(n[0], "id"), doc.Attr(n[0], "cached") == "true"}
	}
	return i
}

func role(name any) any {
	switch name {
	case "Promoted":
		return "Master"
	case "Unpromoted":
		return "Slave"
	}
	return name
}

func (r *reader) readHistory(cib *etree.Element) {
	if cib == nil {
		return
	}
	for _, status := range doc.Children(cib, "status") {
		for _, state := range doc.Children(status, "node_state") {
			for _, lrm := range doc.Children(state, "lrm") {
				for _, list := range doc.Children(lrm, "lrm_resources") {
					for _, rsc := range doc.Children(list, "lrm_resource") {
						id := plainID(rsc)
						for _, op := range doc.Children(rsc, "lrm_rsc_op") {
							r.operations[id] = append(r.operations[id], operation(op, state))
						}
					}
				}
			}
		}
	}
}

func operation(el, state *etree.Element) Operation {
	number := func(name string) int64 { return integer(attr(el, name)) }
	o := Operation{
		CallID: number("call-id"), DebugOrigin: attr(el, "crm-debug-origin"), FeatureSet: attr(el, "crm_feature_set"), ExecTime: number("exec-time"),
		ExitReason: attr(el, "exit-reason"), ID: attr(el, "id"), Interval: number("interval"), LastRCChange: number("last-rc-change"), LastRun: number("last-run"),
		OnNode: attr(el, "on_node"), Digest: attr(el, "op-digest"), Key: attr(el, "operation_key"), Operation: attr(el, "operation"),
		ForceRestart: attr(el, "op-force-restart"), RestartDigest: attr(el, "op-restart-digest"), Status: number("op-status"), QueueTime: number("queue-time"),
		RC: number("rc-code"), TransitionKey: attr(el, "transition-key"), TransitionMagic: attr(el, "transition-magic"),
	}
	if o.OnNode == nil {
		o.OnNode = attr(state, "uname")
	}
	return o
}

func base(el *etree.Element, kind string, up *Resource) *Resource {
	x := &Resource{ID: attr(el, "id"), Errors: []Message{}, Warnings: []Message{}, Kind: kind, Meta: unique(pairs(el, "meta_attributes")), up: up}
	if up != nil {
		x.Parent = up.ID
	}
	target, _ := find(x.Meta, "target-role")
	x.Disabled = up != nil && up.Disabled || strings.EqualFold(target, "stopped")
	return x
}

func (r *reader) primitive(el *etree.Element, up *Resource) *Resource {
	x := base(el, "primitive", up)
	p := &Primitive{
		Provider: attr(el, "provider"), Type: attr(el, "type"), Class: attr(el, "class"), Fencing: doc.Attr(el, "class") == "stonith",
		Utilization: unique(pairs(el, "utilization")), Parameters: unique(pairs(el, "instance_attributes")),
		Instances: append([]Instance{}, r.instances[doc.ID(el)]...), Operations: append([]Operation{}, r.operations[doc.ID(el)]...),
	}
	x.Primitive = p
	if p.Class != nil && p.Type != nil {
		provider := ""
		if p.Provider != nil {
			provider = "::" + text(p.Provider)
		}
		p.Agent = text(p.Class) + provider + ":" + text(p.Type)
	}
	if p.Fencing {
		x.Disabled = false
		x.Warnings = append(x.Warnings, dangers(p.Parameters)...)
	}
	x.judge()
	r.failures(x)
	return x
}

// dangers are warnings about parameters of a fence device.
func dangers(parameters []Pair) []Message {
	var out []Message
	for _, a := range parameters {
		if a.Name == "action" {
			out = append(out, Message{Message: `This fence-device has the "action" option set, it is recommended to set "pcmk_off_action", "pcmk_reboot_action" instead`})
		}
		if a.Name == "method" && a.Value == "cycle" {
			out = append(out, Message{Message: `This fence-device has the "method" option set to "cycle" which is potentially dangerous, please consider using "onoff"`})
		}
	}
	return out
}

// failures tells what failed of a primitive: as errors where it made the primitive fail, else as warnings.
func (r *reader) failures(x *Resource) {
	var found []Message
	for _, o := range x.Operations {
		switch {
		case o.RC == 0, o.RC == 8, o.RC == 193, o.RC == 7 && o.Operation == "monitor":
			continue // well, promoted, under way, stopped
		}
		m := "Failed to " + text(o.Operation) + " " + text(x.ID) + " on " + time.Unix(o.LastRCChange, 0).In(r.local).Format(time.ANSIC)
		if o.OnNode != nil {
			m += " on node " + text(o.OnNode)
		}
		if o.ExitReason != nil {
			m += ": " + text(o.ExitReason)
		}
		found = append(found, Message{Message: m})
	}
	if len(found) > 0 && x.Status == blocked {
		x.Status = failed
	}
	if x.Status == failed {
		x.Errors = append(x.Errors, found...)
	} else {
		x.Warnings = append(x.Warnings, found...)
	}
}

func (r *reader) group(el *etree.Element, up *Resource) *Resource {
	x := base(el, "group", up)
	x.Group = &Group{Members: []*Resource{}}
	for _, m := range doc.Children(el, "primitive") {
		x.Members = append(x.Members, r.primitive(m, x))
	}
	x.judge()
	return x
}

func (r *reader) clone(el *etree.Element) *Resource {
	x := base(el, "clone", nil)
	promotable, _ := find(x.Meta, "promotable")
	x.Clone = &Clone{Promotable: el.Tag == "master" || number.IsTrue(promotable)}
	if m := doc.Children(el, "group", "primitive"); len(m) > 0 {
		if m[0].Tag == "group" {
			x.Member = r.group(m[0], x)
		} else {
			x.Member = r.primitive(m[0], x)
		}
	}
	x.judge()
	if x.Member != nil && x.Promotable && !x.promoted() && x.Status != disabled {
		x.Warnings = append(x.Warnings, Message{Message: "Resource is promotable but has not been promoted on any node.", Type: "no_master"})
	}
	return x
}

// promoted tells whether a clone is promoted somewhere.
func (x *Resource) promoted() bool {
	primitives := []*Resource{x.Member}
	if x.Member.Group != nil {
		primitives = x.Member.Members
	}
	return slices.ContainsFunc(primitives, func(p *Resource) bool {
		return slices.ContainsFunc(p.Instances, func(i Instance) bool { return i.Role == "Master" && i.Node != nil })
	})
}

// judge finds a resource's status from what is known of its instances, members or member.
func (x *Resource) judge() {
	switch x.Kind {
	case "primitive":
		active, broken := 0, len(x.Errors)
		for _, i := range x.Instances {
			if i.Active {
				active++
			} else if i.Failed {
				broken++
			}
		}
		switch {
		case active > 0:
			x.Status = running
		case broken > 0:
			x.Status = failed
		default:
			x.Status = blocked
		}
	case "group":
		x.Status = running
		for i, m := range x.Members {
			m.judge()
			if i > 0 && m.Status != running {
				x.Status = partially
			}
		}
		if len(x.Members) > 0 && x.Members[0].Status != running {
			x.Status = x.Members[0].Status
		}
	case "clone":
		x.Status = "unknown"
		if x.Member != nil {
			x.Member.judge()
			x.Status = x.Member.Status
			if x.Promotable && x.Member.Status == running && !x.promoted() {
				x.Status = partially
			}
		}
	}
	if x.Disabled {
		x.Status = disabled
	}
}
