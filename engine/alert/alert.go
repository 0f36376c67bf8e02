// Package alert decides which alert agents are called for an event of the cluster,
// and with what. It runs nothing itself: see Manager.Runs.
//
// An alert agent is a program that an administrator configured; it is told through its
// environment (Pacemaker Explained, "Alerts"): CRM_alert_kind, CRM_alert_node and so on.
package alert

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/number"
	"hacluster/engine/status"
)

// Kind is what an event is about.
type Kind string

// The kinds of events.
const (
	Node      Kind = "node"
	Fencing   Kind = "fencing"
	Resource  Kind = "resource"
	Attribute Kind = "attribute"
)

// Var is a variable of an agent's environment; its name stands without CRM_alert_.
type Var struct{ Name, Value string }

// Event is something that agents may be told of.
type Event struct {
	Kind Kind
	Node string // that it is about
	Vars []Var
	// Attribute is the name that changed, for Kind Attribute.
	Attribute string
}

// NodeEvent tells that a node became a member, or was lost.
func NodeEvent(name, id string, member bool) Event {
	desc := "lost"
	if member {
		desc = "member"
	}
	return Event{Kind: Node, Node: name, Vars: []Var{{"nodeid", id}, {"desc", desc}}}
}

// FencingEvent tells how fencing ended. desc is the sentence for people, rc the
// legacy code, 0 for success.
func FencingEvent(target, desc string, rc int) Event {
	return Event{Kind: Fencing, Node: target, Vars: []Var{{"desc", desc}, {"task", "st_notify_fence"}, {"rc", strconv.Itoa(rc)}}}
}

// Operation is an operation of a resource that ended. Status and Code are those of
// op-status and rc-code.
type Operation struct {
	Node, Resource, Task   string
	Interval, Duration     time.Duration
	Code, Expected, Status int
}

// ResourceEvent tells what came of an operation. ok is false for a probe that found
// what was expected, which nobody is told of.
func ResourceEvent(o Operation) (e Event, ok bool) {
	if o.Task == "monitor" && o.Interval == 0 && o.Code == o.Expected {
		return Event{}, false
	}
	number := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	desc := status.ExecText(o.Status)
	if o.Status == done {
		desc = status.ResultText(o.Code)
	}
	return Event{Kind: Resource, Node: o.Node, Vars: []Var{
		{"rsc", o.Resource},
		{"task", o.Task},
		{"interval", number(o.Interval)},
		{"desc", desc},
		{"status", strconv.Itoa(o.Status)},
		{"target_rc", strconv.Itoa(o.Expected)},
		{"rc", strconv.Itoa(o.Code)},
		{"exec_time", number(o.Duration)},
	}}, true
}

// AttributeEvent tells of a node's attribute that was written. A value that is gone is "".
func AttributeEvent(node, id, name, value string) Event {
	return Event{Kind: Attribute, Node: node, Attribute: name, Vars: []Var{{"nodeid", id}, {"attribute_name", name}, {"attribute_value", value}}}
}

// Run is one call of an agent.
type Run struct {
	Alert, Recipient string // ids, for messages; Recipient is "" where there is none
	Path             string
	Env              []string // NAME=VALUE, without what is inherited
	Timeout          time.Duration
}

// Manager makes the calls of one node, and numbers them.
type Manager struct {
	sequence int
	version  string
}

// New makes a manager; version is told to agents as CRM_alert_version.
func New(version string) *Manager { return &Manager{version: version} }

// done is the op-status of an operation whose agent ended by itself.
const done = 0

const (
	defaultTimeout = 30 * time.Second
	defaultFormat  = "%H:%M:%S.%06N"
)

// Runs are the calls for an event, in the order of the configuration.
func (m *Manager) Runs(root *etree.Element, now time.Time, e Event) []Run {
	section := cib.Section(root, "alerts")
	if section == nil {
		return nil
	}
	var runs []Run
	for _, a := range section.SelectElements("alert") {
		if !selects(a, e) {
			continue
		}
		own := read(root, a, now)
		recipients := a.SelectElements("recipient")
		if len(recipients) == 0 && own.enabled {
			runs = append(runs, m.run(a, nil, own, now, e))
		}
		for _, r := range recipients {
			if s := own.with(read(root, r, now)); s.enabled {
				runs = append(runs, m.run(a, r, s, now, e))
			}
		}
	}
	return runs
}

// selects tells whether an alert wants to hear of an event: without a select, of all but
// attributes.
func selects(a *etree.Element, e Event) bool {
	s := a.SelectElement("select")
	if s == nil || len(s.ChildElements()) == 0 {
		return e.Kind != Attribute
	}
	switch e.Kind {
	case Node:
		return s.SelectElement("select_nodes") != nil
	case Fencing:
		return s.SelectElement("select_fencing") != nil
	case Resource:
		return s.SelectElement("select_resources") != nil
	}
	list := s.SelectElement("select_attributes")
	if list == nil {
		return false
	}
	names := list.SelectElements("attribute")
	return len(names) == 0 || slices.ContainsFunc(names, func(n *etree.Element) bool { return n.SelectAttrValue("name", "") == e.Attribute })
}

// settings are an alert's or a recipient's; zero values were not given.
type settings struct {
	enabled bool
	timeout time.Duration
	format  string
	params  status.Values
}

// read reads meta and instance attributes of an element.
func read(root, e *etree.Element, now time.Time) settings {
	s := settings{enabled: true, params: status.Block(root, e, "instance_attributes", now)}
	meta := status.Block(root, e, "meta_attributes", now)
	if v, ok := meta.Get("enabled"); ok {
		s.enabled = number.IsTrue(v)
	}
	if ms, ok := status.ParseTimeout(meta.Value("timeout")); ok && ms > 0 {
		s.timeout = time.Duration(ms) * time.Millisecond
	}
	s.format = meta.Value("timestamp-format")
	return s
}

// with gives a recipient's settings over its alert's.
func (s settings) with(r settings) settings {
	out := settings{enabled: s.enabled && r.enabled, timeout: s.timeout, format: s.format}
	if r.timeout > 0 {
		out.timeout = r.timeout
	}
	if r.format != "" {
		out.format = r.format
	}
	out.params = append(out.params, r.params...)
	for _, p := range s.params {
		out.params.Add(p.Name, p.Value)
	}
	return out
}

func (m *Manager) run(a, recipient *etree.Element, s settings, now time.Time, e Event) Run {
	r := Run{Alert: a.SelectAttrValue("id", ""), Path: a.SelectAttrValue("path", ""), Timeout: defaultTimeout}
	if s.timeout > 0 {
		r.Timeout = s.timeout
	}
	m.sequence++
	format := defaultFormat
	if s.format != "" {
		format = s.format
	}
	vars := []Var{
		{"kind", string(e.Kind)},
		{"version", m.version},
		{"node", e.Node},
		{"node_sequence", strconv.Itoa(m.sequence)},
		{"timestamp", Timestamp(now, format)},
		{"timestamp_epoch", strconv.FormatInt(now.Unix(), 10)},
		{"timestamp_usec", strconv.Itoa(now.Nanosecond() / 1000)},
	}
	to := ""
	if recipient != nil {
		r.Recipient, to = recipient.SelectAttrValue("id", ""), recipient.SelectAttrValue("value", "")
	}
	vars = append(vars, Var{"recipient", to})
	for _, v := range append(vars, e.Vars...) {
		r.set("CRM_alert_"+v.Name, v.Value)
		r.set("CRM_notify_"+v.Name, v.Value) // the name before 1.1.15, which agents still read
	}
	for _, p := range s.params {
		r.set(p.Name, p.Value)
	}
	return r
}

// set adds a variable; what no environment can hold is left out.
func (r *Run) set(name, value string) {
	if name == "" || strings.ContainsAny(name, "=\x00") {
		return
	}
	r.Env = append(r.Env, name+"="+strings.ReplaceAll(value, "\x00", ""))
}

// Runnable tells whether a call names a program: a path from the root.
func (r *Run) Runnable() bool { return filepath.IsAbs(r.Path) }
