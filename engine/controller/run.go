package controller

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
	"hacluster/engine/status"
	"hacluster/engine/transition"
)

// conclude ends the transition under way, if any, and asks for a new plan; detail says more of why. With probing the other probes go on for a while.
func (c *Controller) conclude(why, detail string, probing bool) {
	if !c.IsDC() || c.state == Election || c.state == Integration || c.state == FinalizeJoin {
		return
	}
	if c.run != nil && c.run.aborted == "" {
		c.effects.Logf("Transition %d aborted: %s", c.run.id, why)
	}
	if probing {
		c.run.found(why, c.now)
	} else {
		c.run.abort(why)
	}
	c.planDue, c.brake.why = true, why
	if detail != "" {
		c.brake.why += ": " + detail
	}
	if wait := c.limit("transition-delay", 0); wait > 0 {
		c.planAt = c.now.Add(wait)
	}
	if c.run == nil {
		c.enter(PolicyEngine)
	}
	c.advance()
}

// advance fires what may be fired, ends a transition that has nothing left to do,
// and plans when a plan is due.
func (c *Controller) advance() {
	if !c.IsDC() || c.exited || !c.settled() {
		return
	}
	for c.run != nil {
		if !c.fire() {
			break
		}
	}
	if r := c.run; r != nil {
		if r.fired > 0 || r.closing && c.updates > 0 {
			return
		}
		c.finish(r)
		if c.exited {
			return
		}
	}
	if !c.planDue || c.updates > 0 || c.holds() {
		if c.updates == 0 && c.run == nil && !c.planDue && c.brake.until.IsZero() {
			c.enter(Idle)
		}
		return
	}
	if c.planAt.After(c.now) {
		return
	}
	c.plan()
}

// fire starts the actions that may start; it tells whether more may be ready now.
func (c *Controller) fire() bool {
	r := c.run
	batch := c.batchLimit(r)
	full := func(place string) bool {
		if place == nowhere {
			return false
		}
		limit := c.room(place)
		return batch > 0 && r.under.all >= batch || limit > 0 && r.under.jobs[place] >= limit
	}
	again := false
	for i := r.next(-1, full); i >= 0; i = r.next(i, full) {
		if c.run != r {
			return false
		}
		a := r.graph.Synapses[i].Action
		if !r.ready(i, c.now) {
			continue
		}
		limit := 0
		if moves(a) {
			limit = c.moveLimit()
		}
		if a.Kind != transition.Pseudo && !c.fits(r.under, a, batch, limit) {
			continue
		}
		r.set(i, stepFired)
		if a.Kind == transition.Pseudo {
			c.sideEffects(a)
			r.set(i, stepDone)
			again = true
			continue
		}
		if c.start(i, a) {
			r.set(i, stepDone)
			again = true
		}
	}
	return again
}

// sideEffects does what a step that nothing is executed for brings about: guests that went
// down with their host, and whether remote nodes are in maintenance.
func (c *Controller) sideEffects(a *transition.Action) {
	if a.Operation == "stonith" {
		for _, n := range a.Downed {
			c.effects.RemoteFenced(n)
		}
	}
	for _, m := range a.Maintenance {
		if !c.effects.IsRemote(m.Node) {
			continue
		}
		s := etree.NewElement("node_state")
		for _, x := range [][2]string{{"id", m.Node}, {"uname", m.Node}, {"remote_node", "true"}, {"node_in_maintenance", map[bool]string{true: "1", false: "0"}[m.On]}} {
			s.CreateAttr(x[0], x[1])
		}
		c.update(cib.Request{Op: cib.Modify, Section: "status", CanCreate: true, Data: s}, nil)
	}
}

func (c *Controller) finish(r *run) {
	counts := map[step]int{}
	for _, s := range r.steps {
		counts[s]++
	}
	end := "Complete"
	if r.aborted != "" {
		end = "Stopped"
	}
	c.effects.Logf("Transition %d (Complete=%d, Pending=0, Fired=0, Skipped=0, Incomplete=%d, Source=%s): %s",
		r.id, counts[stepDone], counts[stepWaiting]+counts[stepFailed], r.input, end)
	c.run, c.past = nil, r
	if r.closing && r.aborted == "" {
		c.leave("shutdown is complete")
		return
	}
	if r.aborted == "" && !c.planDue {
		c.enter(Idle)
	}
}

// plan has the scheduler plan and begins to carry it out.
func (c *Controller) plan() {
	c.enter(PolicyEngine)
	c.formerSigns()
	if c.disregard() || c.forgetMigrations() {
		return // it is due when the CIB has that
	}
	c.planDue, c.planAt, c.toFence = false, time.Time{}, nil
	p, err := c.effects.Plan(c.now, c.transition+1, c.parting())
	c.recheckAt = time.Time{}
	if every := c.limit("cluster-recheck-interval", c.timing.Recheck); every > 0 {
		c.recheckAt = c.now.Add(every)
	}
	if p.Recheck.After(c.now) && (c.recheckAt.IsZero() || p.Recheck.Before(c.recheckAt)) {
		c.recheckAt = p.Recheck.Add(time.Second)
	}
	if err != nil {
		c.effects.Logf("The scheduler could not plan: %v", err)
		c.enter(Idle)
		return
	}
	c.plansToFence(p.Graph)
	c.transition++
	if c.acquit(p.Graph) {
		return
	}
	if c.turns(p.Graph) {
		return
	}
	c.run, c.past = newRun(c.transition, p.Graph, p.Input), nil
	c.enter(TransitionEngine)
	for c.run != nil && c.fire() {
		continue
	}
	if r := c.run; r != nil && r.fired == 0 && !(r.closing && c.updates > 0) {
		c.finish(r)
		if !c.exited && c.planDue && c.updates == 0 && !c.holds() {
			c.plan()
		}
	}
}

// key is the transition-key of an action: results come back with it.
func (c *Controller) key(a *transition.Action) string {
	rc, _ := a.Attr("CRM_meta_op_target_rc")
	if rc == "" {
		rc = "0"
	}
	return fmt.Sprintf("%d:%d:%s:%s", a.ID, c.run.id, rc, c.uuid)
}

// start begins one action; it tells whether the action is done already.
func (c *Controller) start(i int, a *transition.Action) bool {
	r := c.run
	delay := c.limit("cluster-delay", c.timing.ClusterDelay)
	r.expire(i, c.now.Add(time.Duration(a.Timeout())*time.Millisecond+delay))
	if a.Kind == transition.ResourceOp {
		to := a.Node
		if a.Router != "" {
			to = a.Router
		}
		if why := c.unready(to); why != "" {
			// The plan was made with what is known of that node (what it ran may be blocked, or unmanaged): another made now would
			// say the same.
			c.effects.Logf("Transition %d: %s cannot be done, node %s %s", r.id, a.Key, to, why)
			r.set(i, stepFailed)
			if again := c.now.Add(absentAgain); c.recheckAt.IsZero() || again.Before(c.recheckAt) {
				c.recheckAt = again
			}
			return false
		}
		if to != c.self.Name {
			c.effects.Logf("Asking %s to execute %s on %s", to, a.Key, a.Node)
		}
		m := c.message("lrm_invoke", to)
		m.CreateElement("crm_xml").AddChild(c.order(a))
		c.effects.Broadcast(m)
		return false
	}
	switch a.Operation {
	case "stonith":
		c.fence(i, a)
		return false
	case "do_shutdown":
		return c.shutNode(i, a)
	case "clear_failcount":
		if a.Resource != nil {
			c.effects.ClearFailures(instanceBase(a.Resource), a.Node)
			// The failure itself goes, too: else it would be counted again.
			to := a.Node
			if a.Router != "" {
				to = a.Router
			}
			m := c.message("lrm_invoke", to)
			m.CreateElement("crm_xml").AddChild(c.order(a))
			c.effects.Broadcast(m)
		}
		return true
	case "lrm_delete":
		if a.Resource != nil {
			c.update(cib.Request{Op: cib.Delete, XPath: true, Section: fmt.Sprintf("/cib/status/node_state[@uname=%s]/lrm/lrm_resources/lrm_resource[@id=%s]", xml.QuoteXPath(a.Node), xml.QuoteXPath(a.Resource.ID))}, nil)
		}
		return true
	}
	c.effects.Logf("Transition %d: action %s is not supported yet", r.id, a.Operation)
	r.set(i, stepFailed)
	r.abort("Unsupported action")
	return false
}

// absentAgain is when a plan is made again after one that could not be carried out because a node is not there, if nothing changes
// before.
const absentAgain = 10 * time.Second

// instanceBase is the resource whose failures are counted for an instance.
func instanceBase(r *transition.Resource) string {
	id, _, _ := strings.Cut(r.ID, ":")
	return id
}

// TimeAttr of an order is the DC's time in milliseconds since 1970, see stamp.
const TimeAttr = "hacluster-time"

// order is an action as an executor gets it.
func (c *Controller) order(a *transition.Action) *etree.Element {
	op := etree.NewElement("rsc_op")
	set := func(el *etree.Element, name, value string) {
		if value != "" {
			el.CreateAttr(name, value)
		}
	}
	set(op, "id", strconv.Itoa(a.ID))
	set(op, TimeAttr, strconv.FormatInt(c.stamp().UnixMilli(), 10))
	set(op, "operation", a.Operation)
	set(op, "operation_key", a.Key)
	set(op, "on_node", a.Node)
	set(op, "on_node_uuid", a.NodeID)
	set(op, "router_node", a.Router)
	set(op, "transition-key", c.key(a))
	set(op, lockAttr, a.ShutdownLock)
	if r := a.Resource; r != nil {
		el := op.CreateElement(r.Tag)
		set(el, "id", r.ID)
		set(el, "long-id", r.LongID)
		set(el, "class", r.Class)
		set(el, "provider", r.Provider)
		set(el, "type", r.Type)
	}
	at := op.CreateElement("attributes")
	for _, p := range a.Attrs {
		at.CreateAttr(p.Name, p.Value)
	}
	return op
}

// shutNode carries the last step of a node's shutdown out.
func (c *Controller) shutNode(i int, a *transition.Action) bool {
	p := c.peer(a.Node)
	p.leaving = true
	if a.Node == c.self.Name {
		c.run.closing = true
		c.writeState(p, "shutdown")
		return true
	}
	c.run.expire(i, c.now.Add(c.limit("shutdown-escalation", c.timing.Escalation)))
	c.writeState(p, "shutdown")
	c.effects.Broadcast(c.message("do_shutdown", a.Node))
	return false
}

func (c *Controller) fence(i int, a *transition.Action) {
	action, _ := a.Attr("CRM_meta_stonith_action")
	if action == "" {
		action = c.option("fencing-action", "reboot")
	}
	target := a.Node
	timeout := 60 * time.Second
	if ms, ok := status.ParseInterval(c.option("fencing-timeout", "60s")); ok && ms > 0 {
		timeout = time.Duration(ms) * time.Millisecond
	}
	var delay time.Duration
	if s, _ := a.Attr("CRM_meta_priority_fencing_delay"); s != "" {
		if ms, ok := status.ParseInterval(s); ok && ms > 0 {
			delay = time.Duration(ms) * time.Millisecond
		}
	}
	c.run.expire(i, time.Time{})
	r := c.run
	c.effects.Logf("Requesting fencing (%s) targeting node %s", action, target)
	c.effects.Fence(FenceRequest{Target: target, Action: action, Timeout: timeout, Delay: delay}, func(err error) {
		if !c.IsDC() {
			// Whoever is DC now hears of it as well, and writes it down: by the time that what this node wrote came, the target might be back.
			if err == nil && action != "on" {
				c.Fenced(c.now, target, false)
			}
			return
		}
		if err != nil {
			if !overrules(err) {
				c.fenceTries[target]++
			}
			c.effects.Logf("Fencing of %s failed: %v", target, err)
			if c.run == r {
				r.set(i, stepFailed)
			}
			// Failures in a row count until the target was fenced. From fencing-max-attempts on none has a new plan made at once, but
			// whatever else has one made asks for fencing again, once: so it is with Pacemaker (controld_fencing.c). Two things differ:
			// a change of the configuration begins to count anew, and where no device reaches the target, which Pacemaker tries once,
			// there are as many tries, a second apart, for a device that did not answer may a moment later.
			if most, ok := cib.Score(c.option("fencing-max-attempts", "10")); ok && c.fenceTries[target] >= most {
				c.effects.Logf("Fencing of %s failed %d times: not tried again before something changes or the next recheck", target, c.fenceTries[target])
				c.run.abort("Too many fencing failures")
				c.advance()
				return
			}
			if e := (interface{ NoDevice() bool })(nil); errors.As(err, &e) && e.NoDevice() {
				c.planAt = c.now.Add(deviceAgain)
			}
			c.abort("Stonith failed")
			return
		}
		delete(c.fenceTries, target)
		if action == "on" {
			c.unfenced(a)
		} else {
			c.fenced(target)
		}
		if c.run == r {
			r.set(i, stepDone)
		}
		c.advance()
	})
}

// overrules tells that nobody tried to fence, for whoever asked has no say in it any more.
func overrules(err error) bool {
	e := (interface{ Overruled() bool })(nil)
	return errors.As(err, &e) && e.Overruled()
}

// deviceAgain is how long a plan waits after no device has reached whom the last one has fenced.
const deviceAgain = time.Second

// Fenced takes note that a node was fenced, on whoever's behalf.
func (c *Controller) Fenced(now time.Time, target string, ours bool) {
	c.now = now
	if ours {
		return
	}
	if !c.IsDC() {
		if c.effects.IsRemote(target) {
			return
		}
		// Should this node be DC next, the target needs no fencing any more.
		p := c.peer(target)
		c.clear(p)
		p.leaving = p.leaving || !p.process || p.joins <= p.doomed
		return
	}
	c.fenced(target)
	c.abort("External Fencing Operation")
}

// FencingBegan takes note that a node is about to be fenced, and gives how often it has come by then.
func (c *Controller) FencingBegan(target string) (joins int) {
	if c.effects.IsRemote(target) {
		return 0
	}
	p := c.peer(target)
	p.doomed = p.joins
	return p.joins
}

// FencingMeant tells which coming of a node was fenced, of the fencing that is told of next: another one may have begun since.
func (c *Controller) FencingMeant(target string, joins int) {
	if !c.effects.IsRemote(target) {
		c.peer(target).doomed = joins
	}
}

// fenced records that a node is surely down. One that has come back since its
// fencing began is another one: its state is what its join says.
func (c *Controller) fenced(target string) {
	if c.effects.IsRemote(target) {
		c.effects.RemoteFenced(target)
		return
	}
	id := c.nodeID(target)
	p := c.peer(target)
	c.clear(p)
	if p.process && p.joins > p.doomed {
		if c.IsDC() && c.state != Election {
			c.offer()
		}
		return
	}
	if id == "" {
		return
	}
	p.leaving = true
	for _, what := range []string{"lrm", "transient_attributes"} {
		c.update(cib.Request{Op: cib.Delete, XPath: true, Section: fmt.Sprintf("/cib/status/node_state[@uname=%s]/%s", xml.QuoteXPath(target), what)}, nil)
	}
	s := etree.NewElement("node_state")
	for _, a := range [][2]string{{"id", id}, {"uname", target}, {"in_ccm", "false"}, {"crmd", "offline"}, {"join", "down"}, {"expected", "down"}, {originAttr, "fenced"}} {
		s.CreateAttr(a[0], a[1])
	}
	c.update(cib.Request{Op: cib.Modify, Section: "status", CanCreate: true, Data: s}, nil)
}

// peerLost settles the actions that were under way on a node that left.
func (c *Controller) peerLost(p *peer) {
	r := c.run
	if r == nil {
		return
	}
	for i, s := range r.graph.Synapses {
		if r.steps[i] != stepFired || s.Action.Kind == transition.Pseudo {
			continue
		}
		a := s.Action
		switch {
		case a.Operation == "do_shutdown" && a.Node == p.Name:
			r.set(i, stepDone)
		case a.Kind == transition.ResourceOp && (a.Node == p.Name && a.Router == "" || a.Router == p.Name):
			r.set(i, stepFailed)
		}
	}
}
