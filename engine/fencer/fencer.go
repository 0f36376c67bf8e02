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
	Failed         bool // it came to no end of its own: Code is not the agent's
	TimedOut       bool // it took too long
}

// Effects is what a fencer does to the world.
type Effects interface {
	Broadcast(msg *etree.Element)
	CIB() *etree.Element
	// Members are the names of the nodes whose fencers are in the group.
	Members() []string
	// Installed tells whether an agent is on this host.
	Installed(agent string) bool
	// Traits asks for what an agent says of itself.
	Traits(agent string, done func(Traits))
	// Run starts an agent; done hears of its end. plug asks for the
	// name of the parameter that the agent takes the target in.
	Run(agent, action string, params func(plug string) []Param, timeout time.Duration, done func(AgentResult))
	// MayFence tells whether a node may be fenced on the cluster's behalf now: see
	// controller.MayFence. What a person asks for is not asked about.
	MayFence(target string) bool
	// Overruled tells that none of those who have the target fenced has a say in it any more: see controller.Overruled.
	Overruled(target string, askers []string) bool
	// IsDC tells whether this node is the DC.
	IsDC() bool
	// Duel tells whether a node that is to be fenced may be alive and about to fence this
	// one: the two are the whole cluster, and each has quorum without the other.
	Duel(target string) bool
	// Began tells that a node is about to be fenced, and gives how often it has come by then: what joins later is not meant.
	Began(target string) (joins int)
	// Meant tells, before Fenced and whoever waits hear of a success, which coming of the node that was for: of several fencings of one node each began
	// at another time.
	Meant(target string, joins int)
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
	Code                                         int       // of a failure, one of Pacemaker's legacy codes
	At                                           time.Time // completed, or begun where it is not
	heard                                        time.Time // when this node was told of its end; zero where it was not there
}

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
	pending []*pending         // operations of all nodes that were seen to begin, in their order
	lists   map[string]cached  // output of a device's list
	begun   map[string]int     // operations that were seen to begin, and how often their target had come by then
	working map[string][]*work // what waits or is under way here, by operation
	delayed []delayed          // runs of agents that wait for their delay to pass
	busy    map[string]int     // actions under way on this node's devices
	queued  map[string][]func()
	// What is known of devices on this node: access to them was seen to work, fencing with them failed last, they were started here, their agents cannot list.
	verified, failed, started, unlisted map[string]bool
	// ownDevices and ownLevels were registered here by a person.
	ownDevices []*Device
	ownLevels  []Level
	reading    reading
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
	return &Fencer{
		self: self, effects: e, random: random, lists: map[string]cached{}, begun: map[string]int{}, working: map[string][]*work{}, busy: map[string]int{},
		queued: map[string][]func(){}, verified: map[string]bool{}, failed: map[string]bool{}, started: map[string]bool{}, unlisted: map[string]bool{},
	}
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
	// Limit, if any, hears how long it may take in all, when that is known.
	Limit func(time.Duration)
}

// Error is fencing that failed.
type Error struct {
	Code   int // Pacemaker's legacy code, positive
	Reason string
}

// NoDevice tells that no device reached the target, so that none was used.
func (e *Error) NoDevice() bool { return e.Code == NoDevice }

// Overruled tells that none of those who asked for it has a say in it any more, so that no more was tried.
func (e *Error) Overruled() bool { return e.Reason == overruled }

// Status tells a result, a legacy code of either sign, in the two numbers that clients from 2.1.3 on read: what became of the action, and its exit code.
func Status(code int) (status, exit string) {
	switch max(code, -code) {
	case 0:
		return "0", "0"
	case 13:
		return "9", "4"
	case 22:
		return "9", "2"
	case NoDevice:
		return "10", "1"
	case TimedOut:
		return "2", "1"
	case 95:
		return "3", "3"
	}
	return "4", "1"
}

// Told is the reason as it is told beside the code: nothing where it says no more than that.
func (e *Error) Told() string {
	if e.Reason == noDevice {
		return ""
	}
	return e.Reason
}

func (e *Error) Error() string { return e.Reason }

// The codes of failures.
const (
	NoDevice = 19  // ENODEV
	noData   = 61  // ENODATA: a device's agent failed
	TimedOut = 62  // ETIME
	generic  = 201 // all others

	rcTimedOut = "-62" // of one device's action
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

// The reasons of failures that have a code of their own, and one that has not.
const (
	noDevice  = "No fence device"
	noAnswer  = "no answer in time"
	noReply   = "No capable peers replied to device query within timeout"
	noTime    = "Fencing did not complete within a total timeout based on the configured timeout and retries for any devices attempted"
	exhausted = "All nodes failed, or are unable, to fence target"
	noQuorum  = "Quorum was lost"
	unawaited = "Nobody waits for it any more"
	overruled = "The target is a member by now, and the DC does not ask for its fencing"
)

// Fence has a node fenced.
func (f *Fencer) Fence(now time.Time, r Request, done func(error)) {
	f.now = now
	if past := f.tolerated(r); past != nil {
		f.effects.Logf("Target %s was fenced (%s) less than %s ago by %s on behalf of %s", r.Target, r.Action, r.Tolerance, past.Delegate, past.Origin)
		done(nil)
		return
	}
	for _, op := range f.ops {
		if op.Target == r.Target && op.Action == r.Action {
			f.effects.Logf("Merging fencing action '%s' targeting %s originating from client %s with identical request from %s@%s", r.Action, r.Target, r.Client, op.Client, op.Origin)
			op.done = append(op.done, f.unlessOverruled(op, r, done))
			op.controller = op.controller || r.Controller
			op.withdrawn = op.withdrawn && !r.Controller
			if r.Limit != nil {
				op.limits = append(op.limits, r.Limit)
				if op.total > 0 {
					r.Limit(op.total)
				}
			}
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
	op := f.operation(r)
	op.done = append(op.done, done)
	if f.relay(op) {
		return
	}
	f.query(op)
}

// operation makes one for a request.
func (f *Fencer) operation(r Request) *operation {
	f.count++
	op := &operation{
		Record:  Record{ID: fmt.Sprintf("%s-%d-%d", f.self, f.now.UnixNano(), f.count), Target: r.Target, Action: r.Action, Origin: f.self, Client: r.Client, State: Querying, At: f.now},
		timeout: r.Timeout, delay: r.Delay, controller: r.Controller, satisfied: map[string]bool{},
	}
	if r.Limit != nil {
		op.limits = append(op.limits, r.Limit)
	}
	f.ops = append(f.ops, op)
	return op
}

// tolerated gives fencing that makes a request needless, nil for none. What lies in the future, by another clock, makes nothing so.
func (f *Fencer) tolerated(r Request) *Record {
	for _, past := range f.history {
		if past.State != Done || past.Target != r.Target || past.Action != r.Action {
			continue
		}
		at := past.At
		if !past.heard.IsZero() {
			at = past.heard
		}
		if ago := f.now.Sub(at); r.Tolerance > 0 && ago >= 0 && ago <= r.Tolerance {
			return past
		}
	}
	return nil
}

// query asks all nodes what they can do.
func (f *Fencer) query(op *operation) {
	op.State, op.begun, op.offers, op.waiting, op.follows = Querying, f.now, nil, map[string]bool{}, ""
	op.deadline = f.now.Add(op.timeout*12/10 + max(op.delay, 0) + 5*time.Second)
	op.levels = f.levels(op.Target)
	for _, m := range f.effects.Members() {
		op.waiting[m] = true
	}
	f.remember(op.Record)
	f.effects.Logf("Requesting peer fencing (%s) targeting %s for %s", op.Action, op.Target, op.Client)
	m := f.message("st_query", "", op)
	m.CreateAttr("st_timeout", strconv.Itoa(int(op.timeout/time.Second)))
	if op.relayed != "" {
		m.CreateAttr("st_remote_op_relay", op.relayed)
	}
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
		f.began(from, m)
		f.answerQuery(from, m)
	case "st_offer":
		op := f.find(get("st_remote_op"))
		if op == nil || op.State > Executing || !op.waiting[from] {
			return
		}
		delete(op.waiting, from)
		for _, d := range m.SelectElements("st_device_id") {
			op.offers = append(op.offers, parseOffer(from, d, op.Action))
		}
		f.proceed(op)
	case "st_relay":
		f.relayed(from, m)
	case "st_fence":
		f.execute(from, m)
	case withdrawTask:
		f.withdrawn(get("st_remote_op"))
	case "st_self":
		if get("st_target") == f.self && f.Self.Now != nil {
			f.effects.Logf("Node %s asks this node to fence itself", from)
			f.Self.Now()
		}
	case "st_result":
		op := f.find(get("st_remote_op"))
		if op == nil || op.running == nil || op.running.node != from || op.running.device != get("st_device_id") || op.running.action != get("st_device_action") {
			return
		}
		f.result(op, get("st_rc") == "0", get("st_rc") == rcTimedOut, get("st_reason"))
	case "st_notify":
		r := Record{
			ID: get("st_remote_op"), Target: get("st_target"), Action: get("st_device_action"), Origin: get("st_origin"),
			Delegate: get("st_delegate"), Client: get("st_clientname"), Reason: get("st_reason"), heard: now,
		}
		st, _ := strconv.Atoi(get("st_state"))
		r.State = State(st)
		rc, _ := strconv.Atoi(get("st_rc"))
		r.Code = max(rc, -rc)
		t, _ := strconv.ParseInt(get("st_date"), 10, 64)
		ns, _ := strconv.ParseInt(get("st_date_nsec"), 10, 64)
		r.At = time.Unix(t, ns)
		f.ended(r)
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

// byHand is the delegate of fencing that a person vouches for.
const byHand = "a human"

// Confirm records that a node is down because a person says so.
func (f *Fencer) Confirm(now time.Time, target, client string) {
	f.now = now
	f.count++
	op := &operation{Record: Record{ID: fmt.Sprintf("%s-%d-%d", f.self, now.UnixNano(), f.count), Target: target, Action: "off", Origin: f.self, Delegate: byHand, Client: client}}
	f.finish(op, Done, "")
}
