package dryrun

import (
	"strings"

	"github.com/beevik/etree"

	"hacluster/engine/status"
	"hacluster/engine/transition"
)

// Changes are what is made to happen before a simulation.
type Changes struct {
	Quorum   *string
	Watchdog *string
	Up       []string
	Down     []string
	Lost     []string // nodes that fail
	Grant    []string // tickets
	Revoke   []string
	Standby  []string
	Activate []string
	Ops      []string // results: RESOURCE_TASK_INTERVAL@NODE=CODE
}

// Any tells whether something is asked for. Quorum alone does not count.
func (c *Changes) Any() bool {
	return c.Watchdog != nil || len(c.Up)+len(c.Down)+len(c.Lost)+len(c.Grant)+len(c.Revoke)+len(c.Standby)+len(c.Activate)+len(c.Ops) > 0
}

// Inject makes changes to the CIB; c is the model of the CIB as it was. An error is
// Simulation.Err: what is asked for cannot be.
func (s *Simulation) Inject(ch *Changes, c *status.Cluster) error {
	if ch.Quorum != nil {
		switch *ch.Quorum {
		case "0", "1", "true", "false":
			s.set(s.CIB, "have-quorum", *ch.Quorum)
			s.commit(false)
		default:
			s.fail("%q says neither that there is quorum (true, 1) nor that there is none (false, 0)", *ch.Quorum)
		}
	}
	if ch.Watchdog != nil && s.Err == nil {
		s.setOption("have-watchdog", *ch.Watchdog)
		s.commit(true)
	}
	for _, n := range ch.Up {
		s.change(n, "Online", s.setUp)
	}
	for _, n := range ch.Down {
		s.change(n, "Offline", func(e *etree.Element) {
			s.setDown(e)
			s.commitState(e)
			s.forget(e)
		})
	}
	for _, n := range ch.Lost {
		s.change(n, "Failing", s.setLost)
	}
	if s.Err != nil {
		return s.Err
	}
	for _, t := range []struct {
		list              []string
		verb, name, value string
	}{
		{ch.Grant, "Granting", "granted", "true"},
		{ch.Revoke, "Revoking", "granted", "false"},
		{ch.Standby, "Standby", "standby", "true"},
		{ch.Activate, "Activating", "standby", "false"},
	} {
		for _, id := range t.list {
			s.say(Event{Kind: ModifyTicket, Task: t.verb, Resource: id})
			list := s.need(s.status(), "tickets")
			e := byAttr(list, "ticket_state", "id", id)
			if e == nil {
				e = s.create(list, "ticket_state")
				s.set(e, "id", id)
			}
			s.set(e, t.name, t.value)
			s.commit(false)
		}
	}
	for _, op := range ch.Ops {
		if s.Err == nil {
			s.injectOp(op, c)
		}
	}
	return s.Err
}

// change makes something happen to a node.
func (s *Simulation) change(node, what string, do func(state *etree.Element)) {
	if s.Err != nil {
		return
	}
	s.say(Event{Kind: ModifyNode, Task: what, Node: node})
	if e := s.nodeState(node, ""); e != nil {
		do(e)
		s.commitState(e)
	}
}

func (s *Simulation) setOption(name, value string) {
	conf := s.need(s.need(s.CIB, "configuration"), "crm_config")
	var found []*etree.Element
	for _, b := range conf.ChildElements() {
		for _, p := range b.ChildElements() {
			if p.Tag == "nvpair" && get(p, "name") == name {
				found = append(found, p)
			}
		}
	}
	switch len(found) {
	case 1:
		s.set(found[0], "value", value)
		return
	case 0:
	default:
		s.fail("%s is set more than once", name)
		return
	}
	const first = "cib-bootstrap-options"
	b := byAttr(conf, "cluster_property_set", "id", first)
	if b == nil {
		b = s.create(conf, "cluster_property_set")
		s.set(b, "id", first)
	}
	p := s.create(b, "nvpair")
	s.set(p, "id", first+"-"+name)
	s.set(p, "name", name)
	s.set(p, "value", value)
}

func (s *Simulation) injectOp(spec string, c *status.Cluster) {
	s.say(Event{Kind: InjectSpec, Task: spec})
	fields := 0
	var node string
	var rc int
	key, rest, ok := strings.Cut(spec, "@")
	if key != "" {
		fields = 1
	}
	if ok && key != "" {
		var text string
		var more, good bool
		if node, text, more = strings.Cut(rest, "="); node != "" {
			fields = 2
			if rc, good = scanInt(text); more && good {
				fields = 3
			}
		}
	}
	if fields != 3 {
		s.fault("Invalid operation spec: %s.  Only found %d fields", spec, fields)
		return
	}
	name, task, ms, ok := transition.ParseKey(key)
	if !ok {
		name = "(null)"
	}
	r := c.Find(name)
	if r == nil {
		s.fault("Invalid resource name: %s", name)
		return
	}
	n := s.nodeState(node, "")
	if n == nil {
		return
	}
	infinite := task == "stop" || task == "start" && c.Options.StartFailureFatal
	s.failCount(n, name, task, ms, rc, infinite)
	h := s.history(n, name, name, get(r.XML, "class"), get(r.XML, "type"), get(r.XML, "provider"))
	if h == nil {
		s.fail("%s: not the result of a resource's operation", spec)
		return
	}
	s.record(h, result{
		resource: get(h, "id"), task: task, ms: ms, rc: rc, node: node, reason: "Simulated action result",
	})
	s.commitState(n)
}
