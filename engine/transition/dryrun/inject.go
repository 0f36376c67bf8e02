package dryrun

import (
	"strings"

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

// Inject makes changes to the CIB; c is the model of the CIB as it was.
func (s *Simulation) Inject(ch *Changes, c *status.Cluster) {
	if ch.Quorum != nil {
		set(s.CIB, "have-quorum", *ch.Quorum)
		s.bump(false)
	}
	if ch.Watchdog != nil {
		s.setOption("have-watchdog", *ch.Watchdog)
		s.bump(true)
	}
	for _, n := range ch.Up {
		s.say(Event{Kind: ModifyNode, Task: "Online", Node: n})
		setUp(s.nodeState(n, ""))
		s.bump(false)
	}
	for _, n := range ch.Down {
		s.say(Event{Kind: ModifyNode, Task: "Offline", Node: n})
		e := s.nodeState(n, "")
		setDown(e)
		s.bump(false)
		s.forget(e)
	}
	for _, n := range ch.Lost {
		s.say(Event{Kind: ModifyNode, Task: "Failing", Node: n})
		e := s.nodeState(n, "")
		setUp(e)
		set(e, "in_ccm", "false")
		s.bump(false)
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
			list := need(s.status(), "tickets")
			e := byAttr(list, "ticket_state", "id", id)
			if e == nil {
				e = list.CreateElement("ticket_state")
				set(e, "id", id)
			}
			set(e, t.name, t.value)
			s.bump(false)
		}
	}
	for _, op := range ch.Ops {
		s.injectOp(op, c)
	}
}

func (s *Simulation) setOption(name, value string) {
	conf := need(need(s.CIB, "configuration"), "crm_config")
	for _, b := range conf.ChildElements() {
		if p := byAttr(b, "nvpair", "name", name); p != nil {
			set(p, "value", value)
			return
		}
	}
	b := child(conf, "cluster_property_set")
	if b == nil {
		b = conf.CreateElement("cluster_property_set")
		set(b, "id", "cib-bootstrap-options")
	}
	p := b.CreateElement("nvpair")
	set(p, "id", get(b, "id")+"-"+name)
	set(p, "name", name)
	set(p, "value", value)
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
	name, task, ms, _ := transition.ParseKey(key)
	r := c.Find(name)
	if r == nil {
		s.fault("Invalid resource name: %s", name)
		return
	}
	n := s.nodeState(node, "")
	infinite := task == "stop" || task == "start" && c.Options.StartFailureFatal
	s.failCount(n, name, task, ms, rc, infinite)
	h := s.history(n, name, name, get(r.XML, "class"), get(r.XML, "type"), get(r.XML, "provider"))
	if h == nil {
		return
	}
	s.record(h, result{
		resource: get(h, "id"), task: task, ms: ms, rc: rc, node: node, reason: "Simulated action result",
	})
	s.bump(false)
}
