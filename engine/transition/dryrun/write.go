package dryrun

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
	"hacluster/engine/status"
)

// set sets an attribute; a new one goes to the end.
func (s *Simulation) set(e *etree.Element, name, value string) {
	for i := range e.Attr {
		if e.Attr[i].Key == name && e.Attr[i].Space == "" {
			if e.Attr[i].Value != value {
				e.Attr[i].Value, s.dirty = value, true
			}
			return
		}
	}
	e.Attr = append(e.Attr, etree.Attr{Key: name, Value: value})
	s.dirty = true
}

func get(e *etree.Element, name string) string {
	for i := range e.Attr {
		if e.Attr[i].Key == name && e.Attr[i].Space == "" {
			return e.Attr[i].Value
		}
	}
	return ""
}

func child(e *etree.Element, tag string) *etree.Element {
	if e == nil {
		return nil
	}
	for _, t := range e.Child {
		if k, ok := t.(*etree.Element); ok && k.Tag == tag {
			return k
		}
	}
	return nil
}

func (s *Simulation) need(e *etree.Element, tag string) *etree.Element {
	if k := child(e, tag); k != nil {
		return k
	}
	return s.create(e, tag)
}

func (s *Simulation) create(e *etree.Element, tag string) *etree.Element {
	s.dirty = true
	return e.CreateElement(tag)
}

func byAttr(e *etree.Element, tag, name, value string) *etree.Element {
	if e == nil {
		return nil
	}
	for _, t := range e.Child {
		if k, ok := t.(*etree.Element); ok && k.Tag == tag && get(k, name) == value {
			return k
		}
	}
	return nil
}

func (s *Simulation) status() *etree.Element { return s.need(s.CIB, "status") }

// fail ends the simulation: what it is about cannot be found, or not be told apart.
func (s *Simulation) fail(format string, args ...any) {
	if s.Err == nil {
		s.Err = fmt.Errorf(format, args...)
	}
}

// states are the states of nodes with this attribute.
func (s *Simulation) states(name, value string) (list []*etree.Element) {
	for _, t := range s.status().Child {
		if k, ok := t.(*etree.Element); ok && k.Tag == "node_state" && get(k, name) == value {
			list = append(list, k)
		}
	}
	return list
}

// ErrDuplicate is that of a node with several states.
var ErrDuplicate = errors.New("several states are recorded for the same node")

// ErrUnknownNode is that of a name which is no node's.
var ErrUnknownNode = errors.New("no such node")

// nodeState finds or creates the state of a node; nil if there is none, or more than one,
// which ends the simulation.
func (s *Simulation) nodeState(name, uuid string) *etree.Element {
	nodes := child(child(s.CIB, "configuration"), "nodes")
	if s.NewNodes && nodes != nil && byAttr(nodes, "node", "uname", name) == nil {
		n := s.create(nodes, "node")
		s.set(n, "id", name)
		s.set(n, "uname", name)
		s.commit(true)
	}
	found := s.states("uname", name)
	if len(found) == 0 {
		if uuid == "" {
			known := false
			if uuid, known = s.nodeID(name); !known {
				s.fail("%s: %w", name, ErrUnknownNode)
				return nil
			}
		}
		found = s.states("id", uuid)
		if len(found) == 1 {
			s.set(found[0], "uname", name)
			s.commitState(found[0])
		}
	}
	switch len(found) {
	case 1:
		return found[0]
	case 0:
		n := s.create(s.status(), "node_state")
		s.set(n, "id", uuid)
		s.set(n, "uname", name)
		s.commit(false)
		return n
	}
	s.fail("%s: %w", name, ErrDuplicate)
	return nil
}

// nodeID is the id of a node by its name; remote nodes have their name as id.
func (s *Simulation) nodeID(name string) (id string, known bool) {
	conf := child(s.CIB, "configuration")
	if nodes := child(conf, "nodes"); nodes != nil {
		for _, t := range nodes.ChildElements() {
			if t.Tag == "node" && strings.EqualFold(get(t, "uname"), name) {
				if get(t, "type") == "remote" {
					return get(t, "uname"), true
				}
				return get(t, "id"), true
			}
		}
	}
	if resources := child(conf, "resources"); resources != nil && remote(resources, name) {
		return name, true
	}
	for _, n := range s.status().ChildElements() {
		if n.Tag == "node_state" && get(n, "remote_node") == "true" && strings.EqualFold(get(n, "id"), name) {
			return name, true
		}
	}
	return "", false
}

// remote tells whether a resource is the connection to a node, or carries it as a guest.
func remote(e *etree.Element, name string) bool {
	for _, k := range e.ChildElements() {
		switch {
		case k.Tag == "primitive" && get(k, "type") == "remote" && get(k, "provider") == "pacemaker" && strings.EqualFold(get(k, "id"), name),
			k.Tag == "nvpair" && get(k, "name") == "remote-node" && strings.EqualFold(get(k, "value"), name),
			remote(k, name):
			return true
		}
	}
	return false
}

func (s *Simulation) setUp(n *etree.Element) { s.setState(n, "true", "online", "member") }

func (s *Simulation) setDown(n *etree.Element) { s.setState(n, "false", "offline", "down") }

// setLost: the ring lost a node that was a member.
func (s *Simulation) setLost(n *etree.Element) { s.setState(n, "false", "online", "member") }

func (s *Simulation) setState(n *etree.Element, inRing, process, joined string) {
	s.set(n, "in_ccm", inRing)
	s.set(n, "crmd", process)
	s.set(n, "join", joined)
	s.set(n, "expected", joined)
	s.set(n, "crm-debug-origin", "crm_simulate")
}

// forget drops a node's history and transient attributes: of several, the first, as the CIB
// deletes what a path finds unless it is told to delete all.
func (s *Simulation) forget(n *etree.Element) {
	delete(s.known, n)
	delete(s.twice, n)
	for _, tag := range []string{"lrm", "transient_attributes"} {
		if k := child(n, tag); k != nil {
			n.RemoveChild(k)
			s.dirty = true
			s.commit(false)
		}
	}
}

// commit counts the CIB's version up if something changed, as each change of a real CIB would.
func (s *Simulation) commit(config bool) {
	if !s.dirty {
		return
	}
	up := func(name string) {
		n, _ := scanInt(get(s.CIB, name))
		s.set(s.CIB, name, strconv.Itoa(n+1))
	}
	if config {
		up("epoch")
		s.set(s.CIB, "num_updates", "0")
	} else {
		up("num_updates")
	}
	s.dirty = false
}

// history finds or creates the history of a resource on a node. If there are several, they are
// not used: a new one is begun, which is then merged into the first (commitState).
func (s *Simulation) history(n *etree.Element, name, configured, class, kind, provider string) *etree.Element {
	known := s.histories(n)
	for _, id := range []string{name, configured} {
		if found := known[id]; len(found) == 1 {
			return found[0]
		}
	}
	switch {
	case class == "" || kind == "":
		s.fault("Resource %s not found in the status section of %s (supply class and type to continue)", name, get(n, "id"))
		return nil
	case !strings.EqualFold(class, "ocf") && !strings.EqualFold(class, "stonith") && !strings.EqualFold(class, "service") &&
		!strings.EqualFold(class, "systemd") && !strings.EqualFold(class, "lsb"):
		s.fault("Invalid class for %s: %s", name, class)
		return nil
	case strings.EqualFold(class, "ocf") && provider == "":
		s.fault("Please specify the provider for resource %s", name)
		return nil
	}
	lrm := child(n, "lrm")
	if lrm == nil {
		lrm = s.create(n, "lrm")
		s.set(lrm, "id", get(n, "id"))
	}
	h := s.create(s.need(lrm, "lrm_resources"), "lrm_resource")
	s.set(h, "id", configured)
	if len(known[configured]) > 0 {
		s.fresh = h
	}
	known[configured] = append(known[configured], h)
	s.set(h, "class", class)
	if provider != "" {
		s.set(h, "provider", provider)
	}
	s.set(h, "type", kind)
	return h
}

// histories are the histories in a node's state by their ids, in document order.
func (s *Simulation) histories(n *etree.Element) map[string][]*etree.Element {
	if known, ok := s.known[n]; ok {
		return known
	}
	known := map[string][]*etree.Element{}
	var look func(e *etree.Element)
	look = func(e *etree.Element) {
		for _, t := range e.Child {
			k, ok := t.(*etree.Element)
			if !ok {
				continue
			}
			if k.Tag == "lrm_resource" {
				id := get(k, "id")
				known[id] = append(known[id], k)
			}
			if k.Tag != "lrm_rsc_op" {
				look(k)
			}
		}
	}
	look(n)
	if s.known == nil {
		s.known = map[*etree.Element]map[string][]*etree.Element{}
	}
	s.known[n] = known
	return known
}

// result is the result of an operation to be recorded.
type result struct {
	resource, task, node, reason string
	ms                           uint32
	rc, target                   int
	params                       status.Values // nil: unknown, no digest
}

// attrsOfResult is how many attributes record gives most results.
const attrsOfResult = 17

const fakeTransition = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"

// record writes a result into a resource's history.
func (s *Simulation) record(h *etree.Element, r result) {
	call := 0
	for _, e := range h.ChildElements() {
		if n, err := strconv.Atoi(get(e, "call-id")); err == nil && n > call {
			call = n
		}
	}
	call++
	task := r.task
	if task == "reload" || task == "reload-agent" {
		task = "start"
	}
	key := status.OpKey(r.resource, task, r.ms)
	ids := []string{status.OpKey(r.resource, "last", 0)}
	reason, migration := "", r.task == "migrate_to" || r.task == "migrate_from"
	switch {
	case task == "notify":
		t, _ := r.params.Get("CRM_meta_notify_type")
		o, _ := r.params.Get("CRM_meta_notify_operation")
		ids[0] = status.OpKey(r.resource, t+"_notify_"+o, 0)
		r.rc = 0
	case migration:
		ids[0] = key
	case r.rc != r.target:
		last := ids[0]
		ids[0] = status.OpKey(r.resource, "last_failure", 0)
		if r.ms == 0 {
			ids = append(ids, last)
		}
		reason = r.reason
	case r.ms > 0:
		ids[0] = key
	}
	now := strconv.FormatInt(s.Now.Unix(), 10)
	transitionKey := strconv.Itoa(call) + ":-1:" + strconv.Itoa(r.target) + ":" + fakeTransition
	for _, id := range ids {
		e := byAttr(h, "lrm_rsc_op", "id", id)
		if e == nil {
			e = s.create(h, "lrm_rsc_op")
			e.Attr = make([]etree.Attr, 0, attrsOfResult)
		}
		s.set(e, "id", id)
		s.set(e, "operation_key", key)
		s.set(e, "operation", task)
		s.set(e, "crm-debug-origin", "crm_simulate")
		s.set(e, "crm_feature_set", status.FeatureSet)
		s.set(e, "transition-key", transitionKey)
		s.set(e, "transition-magic", "0:"+strconv.Itoa(r.rc)+";"+transitionKey)
		s.set(e, "exit-reason", reason)
		s.set(e, "on_node", r.node)
		s.set(e, "call-id", strconv.Itoa(call))
		s.set(e, "rc-code", strconv.Itoa(r.rc))
		s.set(e, "op-status", "0")
		s.set(e, "interval", strconv.FormatUint(uint64(r.ms), 10))
		s.set(e, "last-rc-change", now)
		s.set(e, "exec-time", "0")
		s.set(e, "queue-time", "0")
		if migration {
			for _, name := range []string{"migrate_source", "migrate_target"} {
				if v, ok := r.params.Get("CRM_meta_" + name); ok {
					s.set(e, name, v)
				}
			}
		}
		if r.params != nil {
			s.set(e, "op-digest", status.OperationDigest(r.params))
		}
	}
}

// failCount counts a failure of an operation.
func (s *Simulation) failCount(n *etree.Element, resource, task string, ms uint32, rc int, infinite bool) {
	if rc == 0 || (rc == 7 && ms == 0) {
		return
	}
	op := resource + "#" + task + "_" + strconv.FormatUint(uint64(ms), 10)
	value := "INFINITY"
	if !infinite {
		old := 0
		if t := child(n, "transient_attributes"); t != nil {
			for _, b := range t.ChildElements() {
				if p := byAttr(b, "nvpair", "name", "fail-count-"+op); p != nil {
					old, _ = scanInt(get(p, "value"))
					break
				}
			}
		}
		value = strconv.Itoa(old + 1)
	}
	s.setTransient(n, "fail-count-"+op, value)
	s.setTransient(n, "last-failure-"+op, strconv.FormatInt(s.Now.Unix(), 10))
}

func (s *Simulation) setTransient(n *etree.Element, name, value string) {
	id := get(n, "id")
	s.say(Event{Kind: InjectAttr, Task: name, Resource: value, Node: id})
	t := child(n, "transient_attributes")
	if t == nil {
		t = s.create(n, "transient_attributes")
		s.set(t, "id", id)
	}
	b := child(t, "instance_attributes")
	if b == nil {
		b = s.create(t, "instance_attributes")
		s.set(b, "id", id)
	}
	pair := xml.SanitizeID(get(b, "id") + "-" + name)
	p := byAttr(b, "nvpair", "id", pair)
	if p == nil {
		p = s.create(b, "nvpair")
		s.set(p, "id", pair)
	}
	s.set(p, "name", name)
	s.set(p, "value", value)
}
