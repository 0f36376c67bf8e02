// Package attribute keeps the transient attributes of nodes: values that live as
// long as the cluster runs, such as fail counts, shared by all nodes and written
// to the status section of the CIB by one of them.
//
// It is a state machine without I/O. Updates are messages to the group, applied
// by every node in the group's order; the writer (the node that is DC) writes
// what changed.
package attribute

import (
	"maps"
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
	// Members are the names of the nodes in the group.
	Members() []string
	// Leader is the DC whose updates as such are made here; "": anybody's, see replica.Leader.
	Leader() string
	Logf(format string, args ...any)
}

// attr is an attribute with its values on all nodes.
type attr struct {
	set     string // the id of the element that holds it in the CIB, "" for the usual one
	kind    string // utilization, or "" for instance_attributes
	private bool   // never written
	dampen  time.Duration
	due     time.Time // when what changed is to be written; zero: nothing did
	values  map[string]*value
}

// value is an attribute's value on one node.
type value struct {
	text    string
	gone    bool     // there was one
	remote  bool     // the node is one of Pacemaker Remote
	dirty   bool     // to be written
	counted []string // what was counted last, see Update.Of
	news    bool     // it changed while this node wrote, which Wrote is to be told
}

// Manager holds the values of all nodes.
type Manager struct {
	node    string
	effects Effects
	writer  bool
	asDC    bool // what is ordered now is so by the DC
	attrs   map[string]*attr
	waiting map[string]*wait // by the id of the message
	from    string           // whose message is being applied
	count   int
	// knows are the members that have all values; taking is what this node takes over, by the
	// id of the order.
	knows  map[string]bool
	taking map[string]*taking
	// full are the nodes of which this one knows all values: itself, those that told here that they have none yet, and those of which another
	// one told that it knows all. That a member was told what this node knows says nothing of what it knew before, in another part.
	full map[string]bool
}

// wait is a caller that waits for its update to have arrived.
type wait struct {
	nodes map[string]bool // where it has not yet
	done  func()
}

// New makes the attribute manager of node.
func New(node string, e Effects) *Manager {
	return &Manager{node: node, effects: e, attrs: map[string]*attr{}, waiting: map[string]*wait{}, knows: map[string]bool{}, taking: map[string]*taking{}, full: map[string]bool{node: true}}
}

// Task is which part of an attribute an update sets.
type Task string

// The tasks of an update.
const (
	SetValue Task = "update"       // the value; of a new attribute everything else, too
	SetBoth  Task = "update-both"  // the value and how long its writing waits
	SetDelay Task = "update-delay" // how long its writing waits, of an attribute that there is
)

// Update is a new value for an attribute. Value nil removes it.
type Update struct {
	Task       Task // SetValue when ""
	Name, Host string
	Pattern    bool    // Name is an expression for the names of attributes that there are
	Value      *string // "value++" and "value+=n" count up
	Private    bool
	Remote     bool
	Set, Kind  string
	Dampen     time.Duration
	HasDampen  bool
	// Of is what a value counts, in a word without spaces: it is counted once, whoever orders it. "": it is counted whenever it is ordered.
	Of string
}

// ofAttr of an update is what it counts; countedAttr of a value that is shared, what was counted in it last.
const (
	ofAttr      = "hacluster-of"
	countedAttr = "hacluster-counted"
)

// countedMost is how many are remembered: of one operation on one node few fail within a join or two.
const countedMost = 8

// Reach is how far an update has come when a caller hears of it.
type Reach int

// How far it may be.
const (
	Here       Reach = iota // this node has the value
	Everywhere              // all nodes have it
)

// DCAttr of a message tells that its sender orders as the DC. One that stood still may have ordered, before others had another DC, that
// failures of a node are counted, or forgotten, that a node shuts down: that is of an earlier time when it comes.
const DCAttr = "hacluster-dc"

// AsDC has what is ordered meanwhile come to nothing where another node leads than this one.
func (m *Manager) AsDC(order func()) {
	m.asDC = true
	order()
	m.asDC = false
}

// broadcast sends a message that changes values.
func (m *Manager) broadcast(msg *etree.Element) {
	if m.asDC {
		msg.CreateAttr(DCAttr, "true")
	}
	m.effects.Broadcast(msg)
}

// outdated tells that an order of a DC is not for those who follow another one.
func outdated(msg *etree.Element, leader string) bool {
	return msg.SelectAttrValue(DCAttr, "") == "true" && leader != "" && leader != msg.SelectAttrValue("src", "")
}

// Set orders updates; all nodes apply them when they are delivered.
func (m *Manager) Set(updates ...Update) { m.broadcast(m.message(updates)) }

// SetAndWait is Set whose done is called when the updates have come so far.
func (m *Manager) SetAndWait(reach Reach, done func(), updates ...Update) {
	m.count++
	id := m.node + "." + strconv.Itoa(m.count)
	w := &wait{nodes: map[string]bool{m.node: true}, done: done}
	msg := m.message(updates)
	msg.CreateAttr("attr_sync_id", id)
	if reach == Everywhere {
		msg.CreateAttr("attr_sync_point", "cluster")
		for _, n := range m.effects.Members() {
			w.nodes[n] = true
		}
	}
	m.waiting[id] = w
	m.effects.Broadcast(msg)
}

func (m *Manager) message(updates []Update) *etree.Element {
	msg := etree.NewElement("attrd_update")
	msg.CreateAttr("t", Type)
	msg.CreateAttr("task", "update")
	msg.CreateAttr("src", m.node)
	for _, u := range updates {
		op := msg.CreateElement("op")
		task := u.Task
		if task == "" {
			task = SetValue
		}
		op.CreateAttr("task", string(task))
		name := "attr_name"
		if u.Pattern {
			name = "attr_regex"
		}
		op.CreateAttr(name, u.Name)
		host := u.Host
		if host == "" {
			host = m.node
		}
		op.CreateAttr("attr_host", host)
		if u.Value != nil {
			op.CreateAttr("attr_value", *u.Value)
		}
		for _, a := range []struct {
			name, value string
			set         bool
		}{
			{"attr_is_private", "1", u.Private},
			{"attr_is_remote", "1", u.Remote},
			{ofAttr, u.Of, u.Of != ""},
			{"attr_set", u.Set, u.Set != ""},
			{"attr_set_type", u.Kind, u.Kind != ""},
			{"attr_dampening", strconv.FormatInt(u.Dampen.Milliseconds(), 10), u.HasDampen},
		} {
			if a.set {
				op.CreateAttr(a.name, a.value)
			}
		}
	}
	return msg
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
	m.broadcast(msg)
}

// order sends a message without content.
func (m *Manager) order(task string, attrs ...string) {
	msg := etree.NewElement("attrd_order")
	msg.CreateAttr("t", Type)
	msg.CreateAttr("task", task)
	msg.CreateAttr("src", m.node)
	for i := 0; i+1 < len(attrs); i += 2 {
		msg.CreateAttr(attrs[i], attrs[i+1])
	}
	m.broadcast(msg)
}

// Refresh orders all values to be written anew.
func (m *Manager) Refresh() { m.order("refresh") }

// Forget orders all values of a node to be forgotten.
func (m *Manager) Forget(host string) { m.order("peer-remove", "attr_host", host) }

func names[V any](of map[string]V) []string { return slices.Sorted(maps.Keys(of)) }

// Get gives a value, and whether there is one.
func (m *Manager) Get(host, name string) (string, bool) {
	if a := m.attrs[name]; a != nil {
		if v := a.values[host]; v != nil && !v.gone {
			return v.text, true
		}
	}
	return "", false
}

// Each calls f with every value that there is, in order.
func (m *Manager) Each(f func(name, host, value string)) {
	for _, n := range names(m.attrs) {
		for _, h := range names(m.attrs[n].values) {
			if v := m.attrs[n].values[h]; !v.gone {
				f(n, h, v.text)
			}
		}
	}
}

// Known tells whether there is, or was, an attribute of this name.
func (m *Manager) Known(name string) bool { return m.attrs[name] != nil }

// Names lists the attributes that there are, or were, in their order.
func (m *Manager) Names() []string { return names(m.attrs) }

// Hosts lists the nodes that have a value of this name.
func (m *Manager) Hosts(name string) []string {
	var out []string
	if a := m.attrs[name]; a != nil {
		for _, h := range names(a.values) {
			if !a.values[h].gone {
				out = append(out, h)
			}
		}
	}
	return out
}

// Left forgets all values of a node that left; the writer clears them in the CIB.
func (m *Manager) Left(host string) {
	m.drop(host)
	delete(m.knows, host)
	if host != m.node {
		delete(m.full, host)
	}
	for id, t := range m.taking {
		if t.from == host {
			delete(m.taking, id) // another one will share
			continue
		}
		t.left = append(t.left, host)
	}
	for _, id := range names(m.waiting) {
		m.arrived(id, host)
	}
}

func (m *Manager) drop(host string) {
	for _, a := range m.attrs {
		delete(a.values, host)
	}
	if m.writer {
		m.clearNode(host)
	}
}

// Deliver applies a message of the group.
func (m *Manager) Deliver(now time.Time, msg *etree.Element) {
	get := func(name string) string { return msg.SelectAttrValue(name, "") }
	if outdated(msg, m.effects.Leader()) {
		m.effects.Logf("what node %s ordered as the DC (%s) is not done, for the DC is %s", get("src"), get("task"), m.effects.Leader())
		return
	}
	m.from = get("src")
	msg = m.withoutLeft(msg)
	switch get("task") {
	case "update", "clear-failure", "peer-remove":
		for _, t := range m.taking {
			t.since = append(t.since, msg)
		}
	}
	switch get("task") {
	case "update":
		for _, op := range msg.ChildElements() {
			m.apply(now, op, m.writer)
		}
		if id := get("attr_sync_id"); id != "" {
			if get("attr_sync_point") == "cluster" && get("src") != m.node {
				m.order("confirm", "attr_sync_id", id)
			}
			m.arrived(id, m.node)
		}
	case "confirm":
		m.arrived(get("attr_sync_id"), get("src"))
	case freshTask:
		m.full[get("src")] = true
	case "sync":
		m.ordered(msg)
	case "sync-response":
		m.shared(now, msg)
	case "clear-failure":
		m.clear(now, msg, func(string) bool { return true })
	case "refresh":
		m.refresh(now)
	case "peer-remove":
		m.drop(get("attr_host"))
	}
	m.Tick(now)
}

// withoutLeft leaves values out of what the DC orders that are for nodes which have left since: they would be taken for theirs when they are back. That
// one asked to shut down, for instance.
func (m *Manager) withoutLeft(msg *etree.Element) *etree.Element {
	if msg.SelectAttrValue(DCAttr, "") != "true" || msg.SelectAttrValue("task", "") != "update" {
		return msg
	}
	left := func(op *etree.Element) bool {
		return op.SelectAttr("attr_value") != nil && op.SelectAttrValue("attr_is_remote", "") != "1" && !slices.Contains(m.effects.Members(), op.SelectAttrValue("attr_host", ""))
	}
	if !slices.ContainsFunc(msg.ChildElements(), left) {
		return msg
	}
	msg = msg.Copy()
	for _, op := range msg.ChildElements() {
		if left(op) {
			m.effects.Logf("%s of node %s, which has left, is not set for node %s", op.SelectAttrValue("attr_name", ""), op.SelectAttrValue("attr_host", ""), m.from)
			msg.RemoveChild(op)
		}
	}
	return msg
}

// arrived notes that a node has an update that somebody waits for.
func (m *Manager) arrived(id, node string) {
	w := m.waiting[id]
	if w == nil || !w.nodes[node] {
		return
	}
	if delete(w.nodes, node); len(w.nodes) == 0 {
		delete(m.waiting, id)
		w.done()
	}
}

// apply applies one update to all attributes that it means; news tells that a change of a value is one
// that this node writes.
func (m *Manager) apply(now time.Time, op *etree.Element, news bool) {
	task := Task(op.SelectAttrValue("task", string(SetValue)))
	pattern := op.SelectAttr("attr_regex")
	if pattern == nil {
		m.update(now, op, op.SelectAttrValue("attr_name", ""), task, news)
		return
	}
	re, err := regexp.CompilePOSIX(pattern.Value)
	if err != nil {
		m.effects.Logf("'%s' is no pattern for attributes: %v", pattern.Value, err)
		return
	}
	for _, name := range names(m.attrs) {
		if re.MatchString(name) {
			m.update(now, op, name, task, news)
		}
	}
}

// update applies one update to one attribute; news tells that a change of its value is one
// that this node writes.
func (m *Manager) update(now time.Time, op *etree.Element, name string, task Task, news bool) {
	get := func(name string) string { return op.SelectAttrValue(name, "") }
	host := get("attr_host")
	if host == "" || name == "" {
		return
	}
	a := m.attrs[name]
	text := op.SelectAttr("attr_value")
	if a == nil {
		if task == SetDelay || text == nil {
			return
		}
		a = &attr{set: get("attr_set"), kind: get("attr_set_type"), private: get("attr_is_private") == "1", values: map[string]*value{}}
		a.dampen, _ = dampening(op)
		m.attrs[name] = a
	}
	if d, ok := dampening(op); ok && task != SetValue && d != a.dampen {
		a.dampen = d
		m.effects.Logf("Update attribute %s delay to %dms (%d)", name, d.Milliseconds(), d/time.Second)
		for _, v := range a.values {
			v.dirty = true
		}
		a.due = now.Add(d)
	}
	if task == SetDelay {
		return
	}
	v := a.values[host]
	if v == nil {
		if text == nil {
			return
		}
		v = &value{gone: true}
		a.values[host] = v
	}
	v.remote = v.remote || get("attr_is_remote") == "1"
	if counted := get(countedAttr); counted != "" {
		v.counted = strings.Fields(counted)
	}
	if of := get(ofAttr); of != "" {
		if slices.Contains(v.counted, of) {
			m.effects.Logf("%s[%s] has counted that already: it is not counted for node %s, too", name, host, m.from)
			return
		}
		v.counted = append(v.counted[max(0, len(v.counted)+1-countedMost):], of)
	}
	if text == nil {
		if !v.gone {
			m.setting(a, name, host, v.text, unset)
			v.gone, v.text = true, ""
			a.changed(now, v, news)
		}
		return
	}
	if next := count(v, text.Value); v.gone || next != v.text {
		if old := v.text; v.gone {
			m.setting(a, name, host, unset, next)
		} else {
			m.setting(a, name, host, old, next)
		}
		v.gone, v.text = false, next
		a.changed(now, v, news)
	}
}

// unset is what the log says for no value.
const unset = "(unset)"

// setting has a change in the log.
func (m *Manager) setting(a *attr, name, host, old, value string) {
	kind, wait := a.kind, "no"
	if kind == "" {
		kind = "instance_attributes"
	}
	if a.dampen > 0 {
		wait = a.dampen.String()
	}
	m.effects.Logf("Setting %s[%s] in %s: %s -> %s | from %s with %s write delay", name, host, kind, old, value, m.from, wait)
}

// changed has the attribute written when no value changed for a while.
func (a *attr) changed(now time.Time, v *value, news bool) {
	v.dirty, v.news = true, news
	a.due = now.Add(a.dampen)
}

// dampening is how long writing waits, as a message tells it.
func dampening(op *etree.Element) (time.Duration, bool) {
	d := op.SelectAttr("attr_dampening")
	if d == nil {
		return 0, false
	}
	ms, err := strconv.ParseInt(d.Value, 10, 64)
	return time.Duration(max(0, ms)) * time.Millisecond, err == nil
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
	n, _ := cib.Score(old.text)
	return strconv.Itoa(max(-cib.Infinity, min(cib.Infinity, n+by))) // a number, even where a score would be INFINITY
}

// clear forgets fail counts, of hosts that are meant.
func (m *Manager) clear(now time.Time, msg *etree.Element, meant func(host string) bool) {
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
	for _, n := range names(m.attrs) {
		if !re.MatchString(n) {
			continue
		}
		a := m.attrs[n]
		for h, v := range a.values {
			if (only == "" || h == only) && meant(h) && !v.gone {
				v.gone, v.text = true, ""
				a.changed(now, v, m.writer)
			}
		}
	}
}
