// Package attribute keeps the transient attributes of nodes: values that live as
// long as the cluster runs, such as fail counts, shared by all nodes and written
// to the status section of the CIB by one of them.
//
// It is a state machine without I/O. Updates are messages to the group, applied
// by every node in the group's order; the writer (the node that is DC) writes
// what changed.
package attribute

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
)

// Type marks a message of this package (attribute t).
const Type = "attrd"

// Effects is what the attribute manager does to the world.
type Effects interface {
	Broadcast(msg *etree.Element)
	// Write asks for a change of the CIB's status section.
	Write(req cib.Request)
	// Wrote tells of each change that was written, "" for a value that is gone.
	Wrote(host, name, value string)
	// NodeID gives the id of a node by name, "" for one that is not known.
	NodeID(name string) string
	Logf(format string, args ...any)
}

type value struct {
	text    string
	private bool
	dampen  time.Duration
	due     time.Time // when it is to be written; zero: written
	news    bool      // set while this node wrote, and not told by Wrote yet
}

// Manager holds the values of all nodes.
type Manager struct {
	node    string
	effects Effects
	writer  bool
	values  map[string]map[string]*value // by node, by name
}

// New makes the attribute manager of node.
func New(node string, e Effects) *Manager {
	return &Manager{node: node, effects: e, values: map[string]map[string]*value{}}
}

// Update is a new value for an attribute. Value nil removes it.
type Update struct {
	Name, Host string
	Value      *string // "value++" and "value+=n" count up
	Private    bool
	Dampen     time.Duration
	HasDampen  bool
}

// Set orders updates; all nodes apply them when they are delivered.
func (m *Manager) Set(updates ...Update) {
	msg := etree.NewElement("attrd_update")
	msg.CreateAttr("t", Type)
	msg.CreateAttr("task", "update")
	msg.CreateAttr("src", m.node)
	for _, u := range updates {
		op := msg.CreateElement("op")
		op.CreateAttr("task", "update")
		op.CreateAttr("attr_name", u.Name)
		host := u.Host
		if host == "" {
			host = m.node
		}
		op.CreateAttr("attr_host", host)
		if u.Value != nil {
			op.CreateAttr("attr_value", *u.Value)
		}
		if u.Private {
			op.CreateAttr("attr_is_private", "1")
		}
		if u.HasDampen {
			op.CreateAttr("attr_dampening", strconv.FormatInt(u.Dampen.Milliseconds(), 10))
		}
	}
	m.effects.Broadcast(msg)
}

// ClearFailures orders fail counts to be forgotten: of a resource ("": all), an
// operation with its interval ("": all), on a host ("": all).
func (m *Manager) ClearFailures(resource, operation string, interval time.Duration, host string) {
	msg := etree.NewElement("attrd_clear")
	for _, a := range [][2]string{{"t", Type}, {"task", "clear-failure"}, {"src", m.node}, {"attr_resource", resource}, {"attr_clear_operation", operation}, {"attr_host", host}} {
		if a[1] != "" {
			msg.CreateAttr(a[0], a[1])
		}
	}
	if operation != "" {
		msg.CreateAttr("attr_clear_interval", strconv.FormatInt(interval.Milliseconds(), 10))
	}
	m.effects.Broadcast(msg)
}

// Share orders this node's view to be taken over by nodes that know less; the
// writer calls it when a node joined.
func (m *Manager) Share() {
	msg := etree.NewElement("attrd_sync")
	msg.CreateAttr("t", Type)
	msg.CreateAttr("task", "sync-response")
	msg.CreateAttr("src", m.node)
	for _, host := range m.hosts() {
		for _, name := range names(m.values[host]) {
			v := m.values[host][name]
			op := msg.CreateElement("op")
			op.CreateAttr("attr_name", name)
			op.CreateAttr("attr_host", host)
			op.CreateAttr("attr_value", v.text)
			if v.private {
				op.CreateAttr("attr_is_private", "1")
			}
		}
	}
	m.effects.Broadcast(msg)
}

func (m *Manager) hosts() []string {
	out := make([]string, 0, len(m.values))
	for h := range m.values {
		out = append(out, h)
	}
	slices.Sort(out)
	return out
}

func names(vs map[string]*value) []string {
	out := make([]string, 0, len(vs))
	for n := range vs {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// Get gives a value, and whether there is one.
func (m *Manager) Get(host, name string) (string, bool) {
	if v := m.values[host][name]; v != nil {
		return v.text, true
	}
	return "", false
}

// Hosts lists the nodes that have a value of this name.
func (m *Manager) Hosts(name string) []string {
	var out []string
	for _, h := range m.hosts() {
		if m.values[h][name] != nil {
			out = append(out, h)
		}
	}
	return out
}

// SetWriter tells whether this node writes to the CIB; a new writer writes all it knows.
func (m *Manager) SetWriter(now time.Time, yes bool) {
	if yes && !m.writer {
		m.writer = true
		for _, h := range m.hosts() {
			for _, n := range names(m.values[h]) {
				m.values[h][n].due = now
			}
		}
		m.Tick(now)
	}
	m.writer = yes
}

// Left forgets all values of a node that left; the writer clears them in the CIB.
func (m *Manager) Left(host string) {
	delete(m.values, host)
	if m.writer {
		m.effects.Write(cib.Request{Op: cib.Delete, XPath: true, Section: fmt.Sprintf("//node_state[@uname='%s']/transient_attributes", host)})
	}
}

// Deliver applies a message of the group.
func (m *Manager) Deliver(now time.Time, msg *etree.Element) {
	switch task := msg.SelectAttrValue("task", ""); task {
	case "update":
		for _, op := range msg.ChildElements() {
			m.update(now, op, false)
		}
	case "sync-response":
		for _, op := range msg.ChildElements() {
			if op.SelectAttrValue("attr_host", "") != m.node { // a node knows its own best
				m.update(now, op, true)
			}
		}
	case "clear-failure":
		m.clear(now, msg)
	}
	m.Tick(now)
}

func (m *Manager) update(now time.Time, op *etree.Element, quiet bool) {
	host, name := op.SelectAttrValue("attr_host", ""), op.SelectAttrValue("attr_name", "")
	if host == "" || name == "" {
		return
	}
	if m.values[host] == nil {
		m.values[host] = map[string]*value{}
	}
	old := m.values[host][name]
	a := op.SelectAttr("attr_value")
	if a == nil {
		if old == nil {
			return
		}
		delete(m.values[host], name)
		if m.writer && !old.private {
			m.remove(host, name)
		}
		return
	}
	v := &value{private: op.SelectAttrValue("attr_is_private", "") == "1", news: m.writer && !quiet}
	v.text = count(old, a.Value)
	if old != nil {
		v.dampen = old.dampen
		if old.text == v.text {
			if quiet || old.due.IsZero() {
				return
			}
		}
	}
	if d := op.SelectAttr("attr_dampening"); d != nil {
		if ms, err := strconv.ParseInt(d.Value, 10, 64); err == nil {
			v.dampen = time.Duration(ms) * time.Millisecond
		}
	}
	v.due = now.Add(v.dampen)
	m.values[host][name] = v
}

// count works "value++" and "value+=n" out.
func count(old *value, text string) string {
	by := 0
	switch {
	case text == "value++":
		by = 1
	case strings.HasPrefix(text, "value+="):
		n, ok := cib.Score(text[len("value+="):])
		if !ok {
			n = 1
		}
		by = n
	default:
		return text
	}
	n := 0
	if old != nil {
		n, _ = cib.Score(old.text)
	}
	n = max(-cib.Infinity, min(cib.Infinity, n+by))
	if n == cib.Infinity {
		return "INFINITY"
	}
	return strconv.Itoa(n)
}

func (m *Manager) clear(_ time.Time, msg *etree.Element) {
	pattern := "^(fail-count|last-failure)-"
	if r := msg.SelectAttrValue("attr_resource", ""); r != "" {
		pattern += regexp.QuoteMeta(r)
		if o := msg.SelectAttrValue("attr_clear_operation", ""); o != "" {
			pattern += "(#" + regexp.QuoteMeta(o) + "_" + regexp.QuoteMeta(msg.SelectAttrValue("attr_clear_interval", "0")) + ")?$"
		} else {
			pattern += "(#.+_[0-9]+)?$"
		}
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return
	}
	only := msg.SelectAttrValue("attr_host", "")
	for _, h := range m.hosts() {
		if only != "" && h != only {
			continue
		}
		for _, n := range names(m.values[h]) {
			if re.MatchString(n) {
				delete(m.values[h], n)
				if m.writer {
					m.remove(h, n)
				}
			}
		}
	}
}

// Deadline is when Tick is due next; zero: not at all.
func (m *Manager) Deadline() time.Time {
	var next time.Time
	if !m.writer {
		return next
	}
	for _, vs := range m.values {
		for _, v := range vs {
			if !v.due.IsZero() && !v.private && (next.IsZero() || v.due.Before(next)) {
				next = v.due
			}
		}
	}
	return next
}

// Tick writes what is due.
func (m *Manager) Tick(now time.Time) {
	if !m.writer {
		return
	}
	for _, h := range m.hosts() {
		id := m.effects.NodeID(h)
		if id == "" {
			continue
		}
		var set *etree.Element
		var state *etree.Element
		for _, n := range names(m.values[h]) {
			v := m.values[h][n]
			if v.private || v.due.IsZero() || v.due.After(now) {
				continue
			}
			v.due = time.Time{}
			if set == nil {
				state = etree.NewElement("node_state")
				state.CreateAttr("id", id)
				state.CreateAttr("uname", h)
				ta := state.CreateElement("transient_attributes")
				ta.CreateAttr("id", id)
				set = ta.CreateElement("instance_attributes")
				set.CreateAttr("id", "status-"+id)
			}
			nv := set.CreateElement("nvpair")
			nv.CreateAttr("id", pairID(id, n))
			nv.CreateAttr("name", n)
			nv.CreateAttr("value", v.text)
			if v.news {
				v.news = false
				m.effects.Wrote(h, n, v.text)
			}
		}
		if state != nil {
			m.effects.Write(cib.Request{Op: cib.Modify, Section: "status", CanCreate: true, Data: state})
		}
	}
}

func (m *Manager) remove(host, name string) {
	id := m.effects.NodeID(host)
	if id == "" {
		return
	}
	m.effects.Write(cib.Request{Op: cib.Delete, XPath: true, Section: fmt.Sprintf("//node_state[@id='%s']/transient_attributes//nvpair[@id='%s']", id, pairID(id, name))})
	m.effects.Wrote(host, name, "")
}

// pairID is the id of an attribute's nvpair; what an XML id may not hold is a dot.
func pairID(node, name string) string {
	return "status-" + node + "-" + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.', r > 127:
			return r
		}
		return '.'
	}, name)
}
