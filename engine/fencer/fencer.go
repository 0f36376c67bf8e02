// Package fencer makes sure that a node that may not act any more does not: it
// finds a fence device that can reach the node, has a node run its agent, goes on
// to the next device or level when that fails, and keeps the history.
//
// It is a state machine without I/O. Agents are run by Effects; messages go to
// the group and come back in one order on every node.
package fencer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// Type marks a message of this package (attribute t).
const Type = "stonith-ng"

// AgentResult is how a run of a fence agent ended; Code 0 is success.
type AgentResult struct {
	Code           int
	Reason, Output string
}

// Effects is what a fencer does to the world.
type Effects interface {
	Broadcast(msg *etree.Element)
	CIB() *etree.Element
	// Members are the names of the nodes whose fencers are in the group.
	Members() []string
	// Installed tells whether an agent is on this host.
	Installed(agent string) bool
	// Run starts an agent; done hears of its end. plug asks for the
	// name of the parameter that the agent takes the target in.
	Run(agent, action string, params func(plug string) []Param, timeout time.Duration, done func(AgentResult))
	// MayFence tells whether a node may be fenced on the cluster's behalf now: see
	// controller.MayFence. What a person asks for is not asked about.
	MayFence(target string) bool
	// Duel tells whether a node that is to be fenced may be alive and about to fence this
	// one: the two are the whole cluster, and each has quorum without the other.
	Duel(target string) bool
	// Began tells that a node is about to be fenced: what joins later is not meant.
	Began(target string)
	// Fenced tells that a node was fenced; ours when this node's controller asked for it. A
	// node that was started after its own fencing began does not hear of it.
	Fenced(target string, ours bool)
	// Completed is called on every node with each operation that ended, well or not.
	Completed(r Record)
	// Changed tells that the history changed.
	Changed()
	Logf(format string, args ...any)
}

// State is how far a fencing operation is.
type State int

// The states, in Pacemaker's numbers.
const (
	Querying  State = 0
	Executing State = 1
	Done      State = 2
	Duplicate State = 3
	Failed    State = 4
)

// Record is a fencing operation in the history.
type Record struct {
	ID, Target, Action, Origin, Delegate, Client string
	State                                        State
	Reason                                       string
	At                                           time.Time // completed, or begun where it is not
}

// operation is fencing that this node asked for.
type operation struct {
	Record
	timeout  time.Duration
	delay    time.Duration
	deadline time.Time
	done     []func(error)
	waiting  map[string]bool // members that have not answered the query
	offers   []offer
	levels   []Level
	level    int
	steps    []attempt // what is to be tried at this level, in order; all or one must succeed
	all      bool      // all steps of the level must succeed
	last     string    // the last failure
	running  *attempt
	alone    bool // nobody does anything: the target's watchdog is waited for
	// controller tells that this node's controller is among those who asked.
	controller bool
}

type offer struct {
	node, device string
	required     bool // the device must take part in switching a node on
}

type attempt struct{ node, device, action string }

// Fencer is the fencer of one node.
type Fencer struct {
	// Self is what nodes' watchdogs do; by default nothing.
	Self Self

	self    string
	effects Effects
	random  *rand.Rand
	now     time.Time
	count   int
	ops     []*operation
	history []*Record
	lists   map[string]cached // output of a device's list
	begun   map[string]bool   // operations that were seen to begin
	delayed []delayed         // runs of agents that wait for their delay to pass
	busy    map[string]int    // actions under way on this node's devices
	queued  map[string][]func()
	// ownDevices and ownLevels were registered here by a person.
	ownDevices []*Device
	ownLevels  []Level
}

// delayed is something to do later.
type delayed struct {
	at time.Time
	do func()
}

type cached struct {
	output string
	at     time.Time
}

const (
	listAge     = time.Minute
	keepHistory = 500
	trimHistory = 250
)

// New makes the fencer of a node; random decides random delays.
func New(self string, random *rand.Rand, e Effects) *Fencer {
	return &Fencer{self: self, effects: e, random: random, lists: map[string]cached{}, begun: map[string]bool{}, busy: map[string]int{}, queued: map[string][]func(){}}
}

// Request asks for a node to be fenced; done hears how it went.
type Request struct {
	Target, Action, Client string
	// Timeout is for the devices' work. Delay is waited for before; a negative one
	// leaves out the devices' own delays, too.
	Timeout, Delay time.Duration
	// Tolerance makes it needless where the same was done not longer ago.
	Tolerance time.Duration
	// Controller tells that this node's controller asks: it learns of the end by done.
	Controller bool
}

// Error is fencing that failed.
type Error struct {
	Code   int // Pacemaker's legacy code, positive
	Reason string
}

func (e *Error) Error() string { return e.Reason }

// The codes of failures.
const (
	NoDevice = 19  // ENODEV
	TimedOut = 62  // ETIME
	generic  = 201 // all others
)

// ClientController is the client that asks on the cluster's behalf; its process id may follow.
const ClientController = "pacemaker-controld"

// ClientName is how the fencer names a client in all that it tells: by program and process, so that two runs of
// one program are told apart. Without a process id (0) it is the program alone.
func ClientName(program string, pid int) string {
	if pid == 0 {
		return program
	}
	return program + "." + strconv.Itoa(pid)
}

// byCluster tells that the cluster asks for it, not a person.
func (r *Record) byCluster() bool {
	return r.Client == ClientController || strings.HasPrefix(r.Client, ClientController+".")
}

// noDevice and noAnswer are the reasons that have a code of their own.
const (
	noDevice = "No fence device"
	noAnswer = "no answer in time"
	noQuorum = "Quorum was lost"
)

// Fence has a node fenced.
func (f *Fencer) Fence(now time.Time, r Request, done func(error)) {
	f.now = now
	for _, past := range f.history {
		if r.Tolerance > 0 && past.State == Done && past.Target == r.Target && past.Action == r.Action && now.Sub(past.At) <= r.Tolerance {
			f.effects.Logf("Fencing (%s) of %s for %s is needless: it was done at %s", r.Action, r.Target, r.Client, past.At)
			done(nil)
			return
		}
	}
	for _, op := range f.ops {
		if op.Target == r.Target && op.Action == r.Action {
			op.done = append(op.done, done)
			op.controller = op.controller || r.Controller
			return
		}
		if op.Target == r.Target && op.Action == "off" && r.Action == "reboot" && r.Controller {
			// Somebody is having it switched off, which is why the cluster lost it: a reboot would switch it on again.
			op.controller = true
			op.done = append(op.done, func(err error) {
				if err != nil {
					f.Fence(f.now, r, done)
					return
				}
				done(nil)
			})
			return
		}
	}
	f.count++
	op := &operation{
		Record:  Record{ID: fmt.Sprintf("%s-%d-%d", f.self, now.UnixNano(), f.count), Target: r.Target, Action: r.Action, Origin: f.self, Client: r.Client, State: Querying, At: now},
		timeout: r.Timeout, delay: r.Delay, done: []func(error){done}, controller: r.Controller, waiting: map[string]bool{},
		deadline: now.Add(r.Timeout*12/10 + max(r.Delay, 0) + 5*time.Second),
		levels:   f.levels(r.Target),
	}
	f.ops = append(f.ops, op)
	for _, m := range f.effects.Members() {
		op.waiting[m] = true
	}
	f.remember(op.Record)
	m := f.message("st_query", "", op)
	m.CreateAttr("st_timeout", strconv.Itoa(int(op.timeout/time.Second)))
	f.effects.Broadcast(m)
}

func (f *Fencer) message(task, to string, op *operation) *etree.Element {
	m := etree.NewElement("stonith_command")
	for _, a := range [][2]string{
		{"t", Type},
		{"st_op", task},
		{"src", f.self},
		{"st_host_to", to},
		{"st_remote_op", op.ID},
		{"st_target", op.Target},
		{"st_device_action", op.Action},
		{"st_origin", op.Origin},
		{"st_clientname", op.Client},
	} {
		if a[1] != "" {
			m.CreateAttr(a[0], a[1])
		}
	}
	return m
}

// Deliver takes a message of the group.
func (f *Fencer) Deliver(now time.Time, from string, m *etree.Element) {
	f.now = now
	if to := m.SelectAttrValue("st_host_to", ""); to != "" && to != f.self {
		return
	}
	get := func(name string) string { return m.SelectAttrValue(name, "") }
	switch get("st_op") {
	case "st_query":
		f.answerQuery(from, m)
	case "st_offer":
		op := f.find(get("st_remote_op"))
		if op == nil || op.State != Querying || !op.waiting[from] {
			return
		}
		delete(op.waiting, from)
		for _, d := range m.SelectElements("st_device_id") {
			op.offers = append(op.offers, offer{from, d.SelectAttrValue("id", ""), d.SelectAttrValue("st_required", "") == "1"})
		}
		f.proceed(op)
	case "st_fence":
		f.execute(from, m)
	case "st_self":
		if get("st_target") == f.self && f.Self.Now != nil {
			f.effects.Logf("Node %s asks this node to fence itself", from)
			f.Self.Now()
		}
	case "st_result":
		op := f.find(get("st_remote_op"))
		if op == nil || op.running == nil || op.running.node != from || op.running.device != get("st_device_id") {
			return
		}
		f.result(op, get("st_rc") == "0", get("st_reason"))
	case "st_notify":
		r := Record{
			ID: get("st_remote_op"), Target: get("st_target"), Action: get("st_device_action"), Origin: get("st_origin"),
			Delegate: get("st_delegate"), Client: get("st_clientname"), Reason: get("st_reason"),
		}
		st, _ := strconv.Atoi(get("st_state"))
		r.State = State(st)
		t, _ := strconv.ParseInt(get("st_date"), 10, 64)
		r.At = time.Unix(t, 0)
		f.remember(r)
		op := f.find(r.ID)
		begun := f.begun[r.ID] || r.Delegate == byHand
		delete(f.begun, r.ID)
		if r.State == Done && r.Action != "on" && op == nil && (begun || r.Target != f.self) {
			f.effects.Fenced(r.Target, false)
		}
		if op != nil {
			f.close(op, r)
		}
		f.effects.Completed(r)
	case "st_fence_history":
		switch get("st_task") {
		case "cleanup":
			f.forget(get("st_target"))
		case "sync":
			f.takeHistory(from, m)
		}
	}
}

func (f *Fencer) find(id string) *operation {
	for _, op := range f.ops {
		if op.ID == id {
			return op
		}
	}
	return nil
}

// answerQuery tells the asking node which devices of this node can fence the target.
func (f *Fencer) answerQuery(from string, m *etree.Element) {
	target := m.SelectAttrValue("st_target", "")
	if m.SelectAttrValue("st_device_action", "") != "on" {
		f.begun[m.SelectAttrValue("st_remote_op", "")] = true
		f.effects.Began(target)
	}
	op := &operation{Record: Record{ID: m.SelectAttrValue("st_remote_op", ""), Target: target, Action: m.SelectAttrValue("st_device_action", ""), Origin: from}}
	offer := func(ids []string, required map[string]bool) {
		out := f.message("st_offer", from, op)
		for _, id := range ids {
			el := out.CreateElement("st_device_id")
			el.CreateAttr("id", id)
			if required[id] {
				el.CreateAttr("st_required", "1")
			}
		}
		f.effects.Broadcast(out)
	}
	f.capable(target, func(ids []string) {
		if op.Action == "on" {
			f.canSwitchOn(ids, target, offer)
			return
		}
		offer(ids, nil)
	})
}

// Query finds the devices that this node can use, to fence a target where that is not "";
// done hears of them in the configuration's order.
func (f *Fencer) Query(now time.Time, target string, done func(devices []*Device)) {
	f.now = now
	all := f.devices()
	if target == "" {
		done(slices.DeleteFunc(all, func(d *Device) bool { return !d.usable(f.self) }))
		return
	}
	f.capable(target, func(ids []string) {
		done(slices.DeleteFunc(all, func(d *Device) bool { return !slices.Contains(ids, d.ID) }))
	})
}

// Check has a device of this node carry out an action that fences nobody: list, monitor
// or status. false: there is no such device.
func (f *Fencer) Check(now time.Time, device, action string, timeout time.Duration, done func(AgentResult)) bool {
	f.now = now
	for _, d := range f.devices() {
		if d.ID != device || !d.usable(f.self) {
			continue
		}
		real, _ := d.call(action, "", "")
		f.effects.Run(d.Agent, real, func(plug string) []Param {
			_, p := d.call(action, "", plug)
			return p
		}, d.timeout(action, timeout), done)
		return true
	}
	return false
}

// capable finds out which of this node's devices can fence a target.
func (f *Fencer) capable(target string, done func(ids []string)) {
	var capable []string
	open := 0
	send := func() {
		var ids []string
		for _, d := range f.devices() { // in the configuration's order
			if slices.Contains(capable, d.ID) {
				ids = append(ids, d.ID)
			}
		}
		done(ids)
	}
	asking := true
	for _, d := range f.devices() {
		if !d.usable(f.self) || !f.effects.Installed(d.Agent) {
			continue
		}
		switch d.check() {
		case "static-list":
			if d.static(target) {
				capable = append(capable, d.ID)
			}
		case "none":
			capable = append(capable, d.ID)
		default: // dynamic-list, status, or not said: the device is asked
			if c, ok := f.lists[d.ID]; ok && f.now.Sub(c.at) < listAge {
				if d.listed(c.output, target) {
					capable = append(capable, d.ID)
				}
				continue
			}
			open++
			action, _ := d.call("list", "", "")
			if d.check() == "status" {
				action, _ = d.call("status", target, "")
			}
			status := d.check() == "status"
			f.effects.Run(d.Agent, action, func(plug string) []Param {
				to := ""
				if status {
					to = target
				}
				_, p := d.call(action, to, plug)
				return p
			}, d.timeout("list", 20*time.Second), func(res AgentResult) {
				switch {
				case status:
					if res.Code == 0 || res.Code == 2 {
						capable = append(capable, d.ID)
					}
				case res.Code == 0:
					f.lists[d.ID] = cached{res.Output, f.now}
					if d.listed(res.Output, target) {
						capable = append(capable, d.ID)
					}
				case d.check() == "":
					// An agent without list is taken to reach every node.
					if strings.Contains(res.Reason+res.Output, "metadata") || res.Code == 3 {
						capable = append(capable, d.ID)
					}
				}
				open--
				if open == 0 && !asking {
					send()
				}
			})
		}
	}
	asking = false
	if open == 0 {
		send()
	}
}

// proceed goes from asking to fencing once enough is known.
func (f *Fencer) proceed(op *operation) {
	if op.State != Querying {
		return
	}
	if len(op.waiting) > 0 {
		// Without a topology the first device on another node than the target is enough.
		if len(op.levels) > 0 || op.Action == "on" || !slices.ContainsFunc(op.offers, func(o offer) bool { return o.node != op.Target && op.waiting[op.Target] }) {
			return
		}
		for w := range op.waiting {
			if w != op.Target {
				return
			}
		}
	}
	op.State = Executing
	f.nextLevel(op)
}

// step has the next device tried.
func (f *Fencer) step(op *operation) {
	if f.forbidden(op) {
		op.last = noQuorum
		f.fail(op)
		return
	}
	a := op.steps[0]
	op.steps = op.steps[1:]
	op.running = &a
	op.Delegate = a.node
	op.deadline = f.now.Add(op.timeout*12/10 + op.delay + time.Minute)
	m := f.message("st_fence", a.node, op)
	m.CreateAttr("st_device_action", a.action)
	m.CreateAttr("st_device_id", a.device)
	m.CreateAttr("st_timeout", strconv.FormatInt(op.timeout.Milliseconds(), 10))
	m.CreateAttr("st_delay", strconv.FormatInt(op.delay.Milliseconds(), 10))
	op.delay = min(op.delay, 0)
	f.effects.Logf("Fencing (%s) of %s: node %s uses device %s for %s", op.Action, op.Target, a.node, a.device, a.action)
	f.effects.Broadcast(m)
}

// Advance tells the fencer the time before a result of Run is handed to it.
func (f *Fencer) Advance(now time.Time) { f.now = now }

func (f *Fencer) result(op *operation, ok bool, reason string) {
	device, action := op.running.device, op.running.action
	op.running = nil
	if !ok && action == "on" && op.Action == "reboot" {
		// It is off: that it does not come back by itself harms nobody.
		f.effects.Logf("Device %s could not switch %s on again: %s", device, op.Target, reason)
		ok = true
	}
	switch {
	case ok && op.all && len(op.steps) > 0:
		f.step(op)
	case ok:
		f.finish(op, Done, "")
	default:
		op.last = fmt.Sprintf("device %s: %s", device, reason)
		f.effects.Logf("Fencing (%s) of %s with device %s failed: %s", op.Action, op.Target, device, reason)
		if !op.all && len(op.steps) > 0 {
			f.step(op)
			return
		}
		f.nextLevel(op)
	}
}

func (f *Fencer) fail(op *operation) { f.finish(op, Failed, op.last) }

// finish tells all nodes how an operation ended.
func (f *Fencer) finish(op *operation, s State, reason string) {
	op.State = s
	m := f.message("st_notify", "", op)
	m.CreateAttr("st_state", strconv.Itoa(int(s)))
	m.CreateAttr("st_delegate", op.Delegate)
	m.CreateAttr("st_date", strconv.FormatInt(f.now.Unix(), 10))
	if reason != "" {
		m.CreateAttr("st_reason", reason)
	}
	f.effects.Broadcast(m)
}

// close answers those who asked for an operation.
func (f *Fencer) close(op *operation, r Record) {
	f.ops = slices.DeleteFunc(f.ops, func(o *operation) bool { return o == op })
	var err error
	word := "successful"
	if r.State == Failed {
		code := generic
		switch {
		case r.Reason == noDevice:
			code = NoDevice
		case strings.HasSuffix(r.Reason, noAnswer):
			code = TimedOut
		}
		err = &Error{code, r.Reason}
		word = "failed: " + r.Reason
	}
	f.effects.Logf("Fencing (%s) of %s by %s for %s@%s %s", r.Action, r.Target, r.Delegate, r.Client, r.Origin, word)
	for _, d := range op.done {
		d(err)
	}
	if err == nil && r.Action != "on" {
		f.effects.Fenced(r.Target, op.controller)
	}
}

// byHand is the delegate of fencing that a person vouches for.
const byHand = "a human"

// Confirm records that a node is down because a person says so.
func (f *Fencer) Confirm(now time.Time, target, client string) {
	f.now = now
	f.count++
	op := &operation{Record: Record{ID: fmt.Sprintf("%s-%d-%d", f.self, now.UnixNano(), f.count), Target: target, Action: "off", Origin: f.self, Delegate: byHand, Client: client}}
	f.finish(op, Done, "")
}

// Left takes note that a node left the group: what waited for it goes on.
func (f *Fencer) Left(now time.Time, node string) {
	f.now = now
	for _, op := range slices.Clone(f.ops) {
		delete(op.waiting, node)
		op.offers = slices.DeleteFunc(op.offers, func(o offer) bool { return o.node == node })
		if op.running != nil && op.running.node == node {
			f.result(op, false, "node "+node+" left")
			continue
		}
		op.steps = slices.DeleteFunc(op.steps, func(a attempt) bool { return a.node == node })
		f.proceed(op)
	}
}

// Deadline is when Tick is due next; zero: not at all.
func (f *Fencer) Deadline() time.Time {
	var next time.Time
	for _, op := range f.ops {
		if op.State <= Executing && (next.IsZero() || op.deadline.Before(next)) {
			next = op.deadline
		}
	}
	for _, d := range f.delayed {
		if next.IsZero() || d.at.Before(next) {
			next = d.at
		}
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
		if op.State > Executing || op.deadline.After(now) {
			continue
		}
		switch {
		case op.alone:
			f.awaited(op)
		case op.State == Querying && len(op.offers) > 0:
			op.waiting = map[string]bool{}
			f.proceed(op)
		case op.running != nil:
			f.result(op, false, noAnswer)
		default:
			op.last = noAnswer
			f.fail(op)
		}
	}
}
