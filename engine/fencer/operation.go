package fencer

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// operation is fencing that this node asked for.
type operation struct {
	Record
	timeout  time.Duration
	delay    time.Duration // before the first device is used; a negative one leaves out the devices' own, too
	begun    time.Time
	deadline time.Time     // of what is waited for: answers to the query, one device, the target's watchdog
	total    time.Duration // what all of it may take, from ends back; 0 before the first device
	ends     time.Time
	limits   []func(time.Duration)
	done     []func(error)
	waiting  map[string]bool // members that have not answered the query
	offers   []*offer
	levels   []Level
	level    int
	// steps are what is to be done at this level, all of it and in order. Without a level one device is enough, and at is the node whose devices are being tried.
	steps     []step
	all       bool
	remapped  bool // they are a reboot in two parts, off and on
	at        string
	satisfied map[string]bool // devices that switched the node on already
	last      string          // the last failure
	late      bool            // it was that time ran out
	code      int             // of the failure, where another operation's is taken over
	running   *attempt
	alone     bool      // nobody does anything: the target's watchdog is waited for
	parted    time.Time // since when it surely has nothing to do with this node
	withdrawn bool      // who runs the device was told not to, and nobody has asked again
	// controller tells that this node's controller is among those who asked.
	controller bool
	follows    string // another node's operation whose end is this one's, too
	relayed    string // another node's operation that this one is for
	// handed tells that another node does it, in an operation of its own; relayTo is who is asked to begin, asked are all who were.
	handed  bool
	relayTo string
	asked   []string
}

// offer is a device that a node can use.
type offer struct {
	node, device string
	required     bool // the device must take part in switching a node on
	verified     bool // the node's access to it was seen to work
	failed       bool // it failed at fencing last
	actions      map[string]terms
	tried        map[string]bool // by action
}

// terms are what an action of a device takes.
type terms struct {
	timeout    time.Duration // 0: what the request says
	delay      time.Duration // at most
	disallowed bool
	required   bool
	missing    bool // the agent does not have it
}

type step struct{ device, action string }

type attempt struct{ node, device, action string }

// slack is how much longer than a device may take its answer may.
const slack = 5 * time.Second

// takes is how long an offer's action may take, without what is waited for before the first.
func (op *operation) takes(o *offer, action string) time.Duration {
	t := o.actions[action]
	d := cmp.Or(t.timeout, op.timeout)
	if op.delay >= 0 {
		d += t.delay
	}
	return d
}

// can tells whether an offer may be taken for an action.
func (o *offer) can(action string) bool { return !o.actions[action].disallowed && !o.tried[action] }

// rank is how good an offer's node is: the target itself comes last.
func (o *offer) rank(target string) int {
	switch {
	case o.node == target:
		return 3
	case o.failed:
		return 2
	case !o.verified:
		return 1
	}
	return 0
}

// choose gives the offer by which a device carries out an action; nil: there is none. A node whose access to the device was seen to work comes
// first, then this node, then who answered first; and the target does not switch itself on again.
func (f *Fencer) choose(op *operation, device, action string) *offer {
	var best *offer
	for _, o := range op.offers {
		if o.device != device || !o.can(action) || o.node == op.Target && action == "on" && op.Action != "on" {
			continue
		}
		if best == nil || o.rank(op.Target) < best.rank(op.Target) || o.rank(op.Target) == best.rank(op.Target) && o.node == f.self && best.node != f.self {
			best = o
		}
	}
	return best
}

// any gives the next offer to try where one device is enough: all of one node's devices, then those of the next.
func (f *Fencer) any(op *operation) *offer {
	type node struct {
		rank, devices int
		first         *offer
	}
	nodes := map[string]*node{}
	var order []string
	for _, o := range op.offers {
		if !o.can(op.Action) {
			continue
		}
		n := nodes[o.node]
		if n == nil {
			n = &node{rank: o.rank(op.Target), first: o}
			nodes[o.node] = n
			order = append(order, o.node)
		}
		n.rank = min(n.rank, o.rank(op.Target))
		n.devices++
	}
	if len(order) == 0 {
		return nil
	}
	if n := nodes[op.at]; n != nil {
		return n.first
	}
	op.at = slices.MinFunc(order, func(a, b string) int {
		own := func(n string) int {
			if n == f.self {
				return 0
			}
			return 1
		}
		return cmp.Or(nodes[a].rank-nodes[b].rank, nodes[b].devices-nodes[a].devices, own(a)-own(b))
	})
	return nodes[op.at].first
}

// proceed goes from asking to fencing once enough is known.
func (f *Fencer) proceed(op *operation) {
	if op.State != Querying || op.handed || op.follows != "" || len(op.waiting) > 0 && !f.enough(op) {
		return
	}
	op.State = Executing
	if len(op.levels) > 0 {
		if !f.nextLevel(op) {
			f.exhausted(op)
			return
		}
	} else if op.Action == "on" {
		op.steps = f.requiredSteps(op)
		op.all = len(op.steps) > 0
	}
	f.step(op)
}

// enough tells that fencing can begin though not all have answered: without a topology when another node than the target has seen its access to a
// device work, or all but the target have answered; with one when all its devices are to be had.
func (f *Fencer) enough(op *operation) bool {
	other := func(o *offer) bool { return o.node != op.Target && !o.actions[op.Action].disallowed }
	switch {
	case op.Action == "on":
		return false
	case len(op.levels) > 0:
		for _, l := range op.levels {
			for _, d := range l.Devices {
				if !slices.ContainsFunc(op.offers, func(o *offer) bool { return o.device == d && other(o) }) {
					return false
				}
			}
		}
		return true
	case slices.ContainsFunc(op.offers, func(o *offer) bool { return other(o) && o.verified }):
		return true
	}
	return len(op.waiting) == 1 && op.waiting[op.Target] && slices.ContainsFunc(op.offers, other)
}

// step does what is next.
func (f *Fencer) step(op *operation) {
	for {
		if why := f.forbidden(op); why != "" {
			op.last = why
			f.finish(op, Failed, op.last)
			return
		}
		switch {
		case !op.all:
			if o := f.any(op); o != nil && (!op.late || op.total == 0 || !f.now.Add(op.takes(o, op.Action)).After(op.ends.Add(-slack))) {
				f.use(op, o, op.Action)
				return
			}
			f.exhausted(op)
			return
		case len(op.steps) == 0:
			f.finish(op, Done, "")
			return
		}
		s := op.steps[0]
		op.steps = op.steps[1:]
		if o := f.choose(op, s.device, s.action); o != nil {
			f.use(op, o, s.action)
			return
		}
		switch {
		case s.action == "on" && op.Action == "reboot":
			f.effects.Logf("Ignoring %s 'on' failure (no capable peers) targeting %s after successful 'off'", s.device, op.Target)
			continue
		case s.device == watchdogDevice && f.await(op):
			return
		}
		op.last = fmt.Sprintf("device %s of level %d is not to be had", s.device, f.index(op))
		if op.steps = nil; !f.nextLevel(op) {
			f.exhausted(op)
			return
		}
	}
}

// index is the number of the level that is being tried.
func (f *Fencer) index(op *operation) int {
	if op.level > 0 && op.level <= len(op.levels) {
		return op.levels[op.level-1].Index
	}
	return 0
}

// exhausted ends an operation for which nothing is left to try.
func (f *Fencer) exhausted(op *operation) {
	switch {
	case op.last == "" && len(op.levels) == 0:
		op.last = noDevice
		if f.await(op) {
			return
		}
	case op.last == "":
		op.last = noDevice
	case len(op.levels) == 0 && f.now.Sub(op.begun) >= op.timeout*12/10:
		op.last = exhausted + " (" + op.last + ")"
		op.late = true
	case len(op.levels) == 0 && f.await(op):
		return // the devices failed, so the target's watchdog has to do
	}
	f.finish(op, Failed, op.last)
}

// use has an offer's node run its device.
func (f *Fencer) use(op *operation, o *offer, action string) {
	o.tried[action] = true
	op.withdrawn = false
	op.running = &attempt{o.node, o.device, action}
	op.Delegate = o.node
	if op.total == 0 {
		op.total = f.total(op, o)
		op.ends = f.now.Add(op.total + slack)
		f.effects.Logf("Total timeout set to %ds for peer's fencing targeting %s for %s", op.total/time.Second, op.Target, op.Client)
		for _, tell := range op.limits {
			tell(op.total)
		}
	}
	wait := op.takes(o, action) + max(op.delay, 0)
	op.deadline = f.now.Add(wait*12/10 + slack)
	m := f.message("st_fence", o.node, op)
	m.CreateAttr("st_device_action", action)
	m.CreateAttr("st_device_id", o.device)
	m.CreateAttr("st_timeout", strconv.FormatInt(op.timeout.Milliseconds(), 10))
	m.CreateAttr("st_delay", strconv.FormatInt(op.delay.Milliseconds(), 10))
	f.effects.Logf("Requesting that %s perform '%s' action targeting %s using %s for client %s (%ds)", o.node, action, op.Target, o.device, op.Client, wait*12/10/time.Second)
	op.delay = min(op.delay, 0)
	f.effects.Broadcast(m)
}

// total is what an operation may take in all that begins with an offer: with levels the sum over their devices, else over those of that node.
func (f *Fencer) total(op *operation, first *offer) time.Duration {
	var sum time.Duration
	switch {
	case len(op.levels) > 0:
		counted := map[string]bool{}
		for i := range op.levels {
			action := op.Action
			if op.levels[i].remaps(action) {
				action = "off"
			}
			for _, d := range op.levels[i].Devices {
				if o := f.choose(op, d, action); o != nil {
					sum += op.takes(o, action)
				} else if d == first.device {
					sum += op.takes(first, action)
				}
				counted[d] = true
			}
		}
		for _, o := range op.offers {
			if op.Action == "on" && o.required && !counted[o.device] {
				counted[o.device] = true
				sum += op.takes(o, "on")
			}
		}
	default:
		for _, o := range op.offers {
			if o.node == first.node && !o.actions[op.Action].disallowed {
				sum += op.takes(o, op.Action)
			}
		}
	}
	sum = cmp.Or(sum, op.timeout) + max(op.delay, 0)
	return (sum * 12 / 10).Truncate(time.Second)
}

// Advance tells the fencer the time before a result of Run is handed to it.
func (f *Fencer) Advance(now time.Time) { f.now = now }

// result takes how the running device's action ended.
func (f *Fencer) result(op *operation, ok, late bool, reason string) {
	a := *op.running
	op.running = nil
	if !ok && a.action == "on" && op.Action == "reboot" {
		// It is off: that it does not come back by itself harms nobody.
		f.effects.Logf("Ignoring %s 'on' failure (%s) targeting %s after successful 'off'", a.device, reason, op.Target)
		ok = true
	}
	if ok {
		if op.Action == "on" {
			op.satisfied[a.device] = true
		}
		if !op.all {
			op.steps = nil
		}
		if op.remapped && a.action == "off" && (len(op.steps) == 0 || op.steps[0].action == "on") {
			f.effects.Logf("Remapped 'off' targeting %s complete, remapping to 'on' for %s", op.Target, op.Client)
		}
		if op.all && len(op.steps) > 0 {
			f.step(op)
			return
		}
		f.finish(op, Done, "")
		return
	}
	if reason == overruled && (!f.effects.IsDC() || op.withdrawn || a.node == f.self) {
		// Who was to run the device knows the DC, and this node is not it, or has said so itself, whatever is under way now: no other device is to be tried.
		op.last = reason
		f.finish(op, Failed, op.last)
		return
	}
	op.last, op.late = fmt.Sprintf("device %s: %s", a.device, reason), late
	f.effects.Logf("Fencing (%s) of %s with device %s by %s failed: %s", op.Action, op.Target, a.device, a.node, reason)
	switch {
	case len(op.levels) > 0:
		if op.steps = nil; !f.nextLevel(op) {
			f.exhausted(op)
			return
		}
	case op.all:
		// What must be done cannot be.
		f.finish(op, Failed, op.last)
		return
	}
	f.step(op)
}

// finish tells all nodes how an operation ended.
func (f *Fencer) finish(op *operation, s State, reason string) {
	f.unmap(op)
	op.State = s
	m := f.message("st_notify", "", op)
	m.CreateAttr("st_state", strconv.Itoa(int(s)))
	m.CreateAttr("st_delegate", op.Delegate)
	m.CreateAttr("st_date", strconv.FormatInt(f.now.Unix(), 10))
	m.CreateAttr("st_date_nsec", strconv.Itoa(f.now.Nanosecond()))
	if s == Failed {
		m.CreateAttr("st_rc", strconv.Itoa(-codeOf(op, reason)))
	}
	if reason != "" {
		m.CreateAttr("st_reason", reason)
	}
	f.effects.Broadcast(m)
}

// close answers those who asked for an operation.
func (f *Fencer) close(op *operation, r Record) {
	f.ops = slices.DeleteFunc(f.ops, func(o *operation) bool { return o == op })
	var err error
	if r.State == Failed {
		err = &Error{cmp.Or(r.Code, codeOf(op, r.Reason)), r.Reason}
	}
	for _, d := range op.done {
		d(err)
	}
	if err == nil && r.Action != "on" {
		f.effects.Fenced(r.Target, op.controller)
	}
}

// codeOf is the code of a failure.
func codeOf(op *operation, reason string) int {
	switch {
	case reason == noDevice, op.total == 0 && reason == op.last && len(op.levels) > 0 && reason != noQuorum && reason != overruled && reason != noReply:
		return NoDevice // no device was used
	case op.code != 0:
		return op.code
	case op.late, reason == noReply, strings.HasPrefix(reason, noTime), strings.HasPrefix(reason, exhausted), strings.HasSuffix(reason, noAnswer):
		return TimedOut
	case strings.HasPrefix(reason, "device "):
		return noData
	}
	return generic
}

// Left takes note that a node left the group: what waited for it goes on.
func (f *Fencer) Left(now time.Time, node string) {
	f.now = now
	f.orphaned(node)
	f.Parted(now, node)
	for _, op := range slices.Clone(f.ops) {
		delete(op.waiting, node)
		op.offers = slices.DeleteFunc(op.offers, func(o *offer) bool { return o.node == node })
		if op.running != nil && op.running.node == node {
			f.lost(op, "node "+node+" left", false)
			continue
		}
		f.proceed(op)
	}
}

// lost is the end of an attempt of which nothing is known: another node may do the same with the device.
func (f *Fencer) lost(op *operation, reason string, late bool) {
	a := *op.running
	if op.all && f.choose(op, a.device, a.action) != nil {
		f.effects.Logf("Fencing (%s) of %s with device %s by %s failed: %s", op.Action, op.Target, a.device, a.node, reason)
		op.running = nil
		op.steps = append([]step{{a.device, a.action}}, op.steps...)
		f.step(op)
		return
	}
	f.result(op, false, late, reason)
}

// Deadline is when Tick is due next; zero: not at all.
func (f *Fencer) Deadline() time.Time {
	var next time.Time
	due := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, op := range f.ops {
		if op.State <= Executing || op.State == Duplicate {
			due(op.deadline)
			due(op.ends)
		}
	}
	for _, d := range f.delayed {
		due(d.at)
	}
	return next
}

// Tick gives up on what takes too long.
func (f *Fencer) Tick(now time.Time) {
	f.now = now
	waiting := f.delayed
	f.delayed = nil
	for _, d := range waiting {
		if d.at.After(now) {
			f.delayed = append(f.delayed, d)
			continue
		}
		d.do()
	}
	for _, op := range slices.Clone(f.ops) {
		if op.State != Duplicate && op.State > Executing {
			continue
		}
		over := !op.ends.IsZero() && !op.ends.After(now) && !op.alone
		switch {
		case over && op.running != nil && op.running.action == "on" && op.Action == "reboot":
			f.effects.Logf("Fencing (reboot) of %s: it is off, and no time is left to switch it on", op.Target)
			op.running, op.steps = nil, nil
			f.finish(op, Done, "")
		case over:
			op.last = noTime + because(op.last)
			op.running, op.late = nil, true
			f.finish(op, Failed, op.last)
		case op.deadline.After(now):
		case op.alone:
			f.awaited(op)
		case op.relayTo != "":
			if !f.relay(op) {
				f.restart(op)
			}
		case op.handed: // by whom this node was to be fenced, and yet it is here
			f.close(op, Record{ID: op.ID, Target: op.Target, Action: op.Action, State: Failed, Reason: noAnswer})
		case op.follows != "":
			op.last = noAnswer
			f.finish(op, Failed, op.last)
		case op.State == Querying && len(op.offers) > 0:
			op.waiting = map[string]bool{}
			f.proceed(op)
		case op.running != nil:
			f.lost(op, noAnswer, true)
		default:
			op.last = noReply
			f.finish(op, Failed, op.last)
		}
	}
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}
