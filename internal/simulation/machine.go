package simulation

import (
	"slices"
	"strings"
	"time"

	"hacluster/engine/attribute"
	"hacluster/engine/executor"
	"hacluster/engine/fencer"
	"hacluster/ocf"
)

// service is what an agent of a host has started, in truth.
type service struct {
	active, promoted bool
	daemon           int // which start of the daemon was the last that had an agent run for it
}

// The ways in which agents and fence agents fail.
const (
	Hang = "hang" // until the executor kills them
	Fail = "fail" // they do nothing and say so
	Lie  = "lie"  // they do nothing and say they did
	Slow = "slow" // fence agents: they take 30 to 60 s
)

// agentFault is how an action of a resource fails on a host.
type agentFault struct{ mode string }

// fenceFault is how fence agents fail that run on a host.
type fenceFault struct{ mode string }

func (h *Host) service(resource string) *service {
	s := h.services[resource]
	if s == nil {
		s = &service{}
		h.services[resource] = s
	}
	return s
}

// die ends a service behind its agent's back.
func (h *Host) die(resource string) {
	if s := h.services[resource]; s != nil {
		s.active, s.promoted = false, false
		h.guestEnds(resource)
	}
}

func (h *Host) bootAfter(d time.Duration) {
	boot := h.boots
	h.c.at(d, func() {
		if !h.On && h.boots == boot {
			h.Boot()
		}
	})
}

// lane is what goes on with one resource of a host, by its agents.
type lane struct {
	running []*turn
	waiting []func()
}

// turn is an agent that runs; changes tells that it changes the resource, daemon which start of the daemon wanted it.
type turn struct {
	changes bool
	daemon  int
}

// taken tells whether an agent has to wait. Of its own the executor of a process has one run at a time; what it starts waits for those of an
// earlier process that change something, as ocf.Host has it. The daemon of a remote host, whom several may be connected to one after
// the other, has one run at a time itself.
func (h *Host) taken(l *lane) bool {
	return slices.ContainsFunc(l.running, func(t *turn) bool { return t.changes || h.remote && t.daemon == h.starts })
}

// killed is what comes of an agent that is killed, or was before it began.
var killed = executor.Result{Code: ocf.CodeError, Status: int(ocf.Cancelled)}

// runAgent runs a resource agent when it is its turn. It belongs to the host, not to the process that wanted it.
func (h *Host) runAgent(p *process, op executor.Op, done func(executor.Result)) (kill func()) {
	l := h.lanes[op.Resource]
	if l == nil {
		l = &lane{}
		h.lanes[op.Resource] = l
	}
	end := func() {}
	begin := func() {
		t := &turn{changes: op.Action != "monitor", daemon: h.starts}
		l.running = append(l.running, t)
		end = h.agent(p, op, func(res executor.Result) {
			l.running = slices.DeleteFunc(l.running, func(o *turn) bool { return o == t })
			done(res)
			for len(l.waiting) > 0 && !h.taken(l) {
				next := l.waiting[0]
				l.waiting = l.waiting[1:]
				next()
			}
		})
	}
	if len(l.waiting) == 0 && !h.taken(l) {
		begin()
		return func() { end() }
	}
	unwanted := false
	end = func() {
		unwanted = true
		done(killed)
	}
	daemon := h.starts
	l.waiting = append(l.waiting, func() {
		if !unwanted && daemon == h.starts && (h.remote || p.alive) { // it waited in the daemon's memory
			begin()
		}
	})
	return func() { end() }
}

// agent runs a resource agent. One that is killed ends at once; only one that changes nothing is.
func (h *Host) agent(p *process, op executor.Op, done func(executor.Result)) (kill func()) {
	c := h.c
	s := h.service(op.Resource)
	s.daemon = h.starts
	took := c.between(c.speed.agent)
	mode := ""
	if f := h.faults[op.Resource+" "+op.Action]; f != nil {
		mode = f.mode
	}
	c.ran(h, op)
	if kind := agentMoment(op, false); kind != "" {
		c.moment(kind, h)
	}
	c.check.agentStarts(h, p, op)
	if !h.On || c.check.broken != nil {
		return func() {}
	}
	res := executor.Result{}
	effect := true
	switch mode {
	case Hang:
		took = op.Timeout
		if took == 0 {
			took = 20 * time.Second
		}
		effect = c.random.IntN(2) == 0
		res.Code, res.Status = ocf.CodeError, int(ocf.TimedOut)
	case Fail:
		res.Code, effect = ocf.CodeError, false
	case Lie:
		effect = false
		c.check.lied(op.Resource)
	}
	if mode != "" {
		c.faulty = later(c.faulty, c.Now.Add(took))
	}
	res.Duration = took
	if effect && op.Action != "monitor" {
		h.later(time.Duration(c.random.Int64N(int64(took)+1)), func() { h.effect(s, op) })
	}
	over := false
	h.later(took, func() {
		if over {
			return
		}
		over = true
		if op.Action == "monitor" && res.Code == 0 {
			res.Code = s.code()
			if mode == Lie && s.active {
				res.Code = ocf.CodeNotRunning
			} else if mode == Lie {
				res.Code = ocf.CodeOK
			}
		}
		c.logf("%s: agent: %s %s (interval %v) = %d", h.Name, op.Action, op.Resource, op.Interval, res.Code)
		c.check.agentEnded(h, op, res)
		c.check.failedAgent(h, op, res)
		if kind := agentMoment(op, true); kind != "" {
			c.moment(kind, h)
		}
		if res.Code == ocf.CodeOK && p.running() && strings.HasPrefix(op.Resource, "M") && (op.Action == "start" || op.Action == "monitor") {
			// A promotable agent tells how good a place this is, as ocf:pacemaker:Stateful does.
			score := "5"
			p.call(func(time.Time) {
				p.core.Attributes.Set(attribute.Update{Name: "master-" + op.Resource, Host: h.Name, Value: &score, Remote: h.remote})
			})
		}
		done(res)
	})
	return func() {
		if over || op.Action != "monitor" {
			return
		}
		over = true
		c.logf("%s: agent: %s %s (interval %v) is killed", h.Name, op.Action, op.Resource, op.Interval)
		c.check.agentEnded(h, op, killed)
		done(killed)
	}
}

// code is what a monitor that tells the truth says.
func (s *service) code() int {
	switch {
	case s.promoted:
		return ocf.CodeRunningPromoted
	case s.active:
		return ocf.CodeOK
	}
	return ocf.CodeNotRunning
}

// effect is what an action does to the service.
func (h *Host) effect(s *service, op executor.Op) {
	switch op.Action {
	case "start":
		s.active = true
		h.guestStarts(op.Resource)
	case "stop":
		s.active, s.promoted = false, false
		h.guestEnds(op.Resource)
	case "promote":
		s.promoted = s.active
	case "demote":
		s.promoted = false
	case "migrate_from":
		for _, o := range h.c.all() {
			if o.Name == op.Param("CRM_meta_migrate_source") && o.service(op.Resource).active {
				o.service(op.Resource).active = false
				s.active = true
			}
		}
	}
	h.c.check.services()
}

// runFence runs a fence agent on this host; plug is its target, "" where the action has none.
func (h *Host) runFence(action, plug string, timeout time.Duration, done func(fencer.AgentResult)) {
	c := h.c
	took := c.between(c.speed.fence)
	res := fencer.AgentResult{}
	mode := h.fence.mode
	switch mode {
	case Fail:
		res = fencer.AgentResult{Code: 1, Reason: "the device does not answer"}
	case Slow:
		took = c.between(time.Minute)
	}
	if timeout > 0 && took > timeout {
		took = timeout
		res = fencer.AgentResult{Code: 1, Reason: "the agent did not complete in time"}
	}
	if action == "list" && res.Code == 0 {
		for _, o := range c.all() {
			if !o.guest {
				res.Output += o.Name + ",\n"
			}
		}
	}
	target := c.Host(plug)
	fences := target != nil && (action == "reboot" || action == "off")
	if fences {
		c.moment(MomentFencing, h)
	}
	if mode != "" || action != "monitor" { // somebody may be about to be fenced, or will be when the device has time
		c.faulty = later(c.faulty, c.Now.Add(took+time.Second))
	}
	if fences && mode != Fail && mode != Lie {
		// An agent that is killed for being slow may have done its work all the same.
		h.later(took*9/10, func() {
			c.logf("%s: fence agent: power of %s off", h.Name, plug)
			c.Fences[plug]++
			target.PowerOff()
			c.moment(MomentFenced, h)
			if action == "reboot" {
				target.bootAfter(c.between(c.speed.boot))
			}
		})
	}
	h.later(took, func() {
		c.logf("%s: fence agent: %s %s = %d", h.Name, action, plug, res.Code)
		if fences && res.Code == 0 {
			c.check.fenced(target, mode == Lie)
		}
		if fences {
			c.moment(MomentAgentEnd, h)
		}
		done(res)
	})
}
