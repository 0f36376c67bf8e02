// Package executor is a node's local resource manager: it runs the actions that
// the controller orders, one at a time a resource, repeats recurring ones, and
// keeps the history of what came of them.
//
// It is a state machine without I/O: agents are run by Effects, their results
// come back through Finished, time comes in as an argument.
package executor

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

// Param is a parameter of an operation, meta attributes (CRM_meta_…) among them.
type Param struct{ Name, Value string }

// Op is an ordered operation.
type Op struct {
	Resource              string // the instance's id
	Class, Provider, Type string
	Action                string
	Interval              time.Duration // 0: once
	Timeout               time.Duration
	StartDelay            time.Duration
	Params                []Param
	Key                   string // transition-key: ACTION:TRANSITION:EXPECTED_RC:UUID
	Node                  string // that it is recorded for
	FeatureSet            string // of the DC that ordered it
	Container             string
	By                    Asker
	// Clock is what the clock of the DC was ahead of this node's when the order came: results
	// are stamped with the DC's time, for the scheduler compares those of several nodes.
	Clock time.Duration
	// Lock is since when (seconds since 1970) the resource is locked to the node, which shut down, see Executor.lock; 0: it is not.
	Lock int64
}

// Param gives the value of a parameter, "" when it is not there.
func (o *Op) Param(name string) string {
	for _, p := range o.Params {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// Expected is the code that the order expects, from its key; 0 when it says none.
func (o *Op) Expected() int {
	f := strings.Split(o.Key, ":")
	if len(f) > 2 {
		if n, err := strconv.Atoi(f[2]); err == nil {
			return n
		}
	}
	return 0
}

// Connects tells whether an operation is one of the connection to a remote node.
func (o *Op) Connects() bool {
	return o.Class == "ocf" && o.Provider == "pacemaker" && o.Type == "remote"
}

// recordable tells that an operation's result belongs into the history.
func (o *Op) recordable() bool {
	return o.Action != "notify" && o.Action != "meta-data" && o.Action != "cancel" && o.Action != "delete"
}

// Result is how a run ended. Status and Code are those of op-status and rc-code.
type Result struct {
	Code, Status int
	Reason       string
	Output       string
	Duration     time.Duration
	Traits       Traits
}

// Traits are what an agent's meta-data says that matters for digests.
type Traits struct {
	Known       bool
	Parameters  []string // the names of all, in the meta-data's order
	Private     []string // parameters that are secret
	Unique      []string // parameters that need a restart where the agent has only the old reload
	Reloadable  []string // parameters that reload-agent takes over
	ReloadAgent bool
	Reload      bool
}

// The op-status values that the executor itself gives.
const (
	statusPending      = -1
	statusDone         = 0
	statusCancelled    = 1
	statusTimedOut     = 2
	statusError        = 4
	statusHard         = 5
	statusFatal        = 6
	statusNotInstalled = 7
	statusNotConnected = 8
	statusInvalid      = 9
)

const codeUnknown = 193

// Effects is what the executor does to the world.
type Effects interface {
	// Run starts an agent; Finished is called with the same run when it ended.
	Run(run uint64, op Op)
	// Kill ends the agent of a run that nobody wants the result of any more. Finished is called all the same, soon;
	// where it cannot be killed, when it ended.
	Kill(run uint64)
	// Traits are what is known of an operation's agent, without asking it.
	Traits(op Op) Traits
	// Record puts an entry of the history into the CIB: an lrm_resource with its lrm_rsc_op elements.
	Record(node string, resource *etree.Element)
	// Forget deletes entries from the CIB: a resource's whole history, or the entry with this id.
	Forget(node, resource, entry string)
	// Answer tells the controller that ordered op directly what came of it: for
	// what leaves no history (notify, cancel, delete).
	Answer(op Op, res Result)
	// Recorded tells what came of an operation, but for what is still under way: what was put into the history, and that a notification
	// was taken or a recurring operation cancelled.
	Recorded(op Op, res Result)
	Logf(format string, args ...any)
}

// Executor is the local resource manager of one node.
type Executor struct {
	effects   Effects
	runs      uint64
	calls     int
	resources map[string]*resource
	running   map[uint64]*resource // by run
	timers    timers               // of the jobs that wait for their time
	closing   bool
	watch     Watcher // nil: nobody
}

type resource struct {
	id                   string
	class, provider, typ string
	container            string
	queue                []*job
	running              *job
	recurring            []*job
	history              map[string]*etree.Element // by entry id
	node                 string
	registered           bool  // it is known to clients
	dropRecurring        bool  // what clients ordered to recur ends with their connection
	drop                 bool  // the history goes when nothing runs any more
	lock                 int64 // since when it is locked to the node; 0: it is not
	// stopParams are the parameters that the resource was started, reloaded or probed with. It is stopped with these, whatever the
	// configuration says by then: an address that was changed is taken away, not the new one. nil: it is not known yet.
	stopParams []Param
}

type job struct {
	op       Op
	run      uint64
	call     int
	queued   time.Time
	started  time.Time
	next     time.Time // recurring: when it is due again
	reported bool      // recurring: a result is in the history
	code     int
	status   int
	changed  time.Time
	gone     bool      // cancelled while it ran
	killed   bool      // its agent, for that, or because it is not wanted any more
	merged   bool      // the same was ordered again, and is told of instead
	pending  time.Time // recurring: since when its answers are that it is not known yet

	told                 bool // of the result that follows
	toldCode, toldStatus int
}

// New makes an executor that knows of nothing.
func New(e Effects) *Executor {
	return &Executor{effects: e, resources: map[string]*resource{}, running: map[uint64]*resource{}}
}

// Close makes further orders be refused: the node is going down.
func (e *Executor) Close() { e.closing = true }

func (e *Executor) resource(op *Op) *resource {
	r := e.resources[op.Resource]
	if r == nil {
		r = &resource{id: op.Resource, history: map[string]*etree.Element{}}
		e.resources[op.Resource] = r
	}
	if op.Class != "" {
		r.class, r.provider, r.typ = op.Class, op.Provider, op.Type
		if !r.registered {
			r.registered, r.drop = true, false
			if e.watch != nil {
				e.watch.Registered(r.id)
			}
		}
	}
	if op.Container != "" {
		r.container = op.Container
	}
	r.node = op.Node
	return r
}

// Invoke takes an order.
func (e *Executor) Invoke(now time.Time, op Op) {
	switch op.Action {
	case "cancel":
		e.cancel(op)
		return
	case "clear_failcount":
		e.drop(e.resource(&op), op.Resource+"_last_failure_0")
		return
	case "delete", "lrm_delete":
		// After what was ordered before it, and before what is ordered from now on.
		r := e.resource(&op)
		r.registered = false
		e.cancelAll(r)
		r.queue = append(r.queue, &job{op: op})
		e.settle(now, r)
		return
	}
	e.order(now, op, e.NextCall())
}

// order takes an operation that an agent is to do.
func (e *Executor) order(now time.Time, op Op, call int) {
	r := e.resource(&op)
	controller := op.By.ID == ""
	if controller {
		if op.Action == "start" || op.Action == "stop" {
			op.Interval = 0
		}
		if op.Timeout <= 0 {
			op.Timeout = op.Interval
		}
		if op.Action == "stop" && r.stopParams != nil {
			op.Params = slices.Concat(slices.DeleteFunc(slices.Clone(op.Params), func(p Param) bool { return !meta(p.Name) }), r.stopParams)
		}
	}
	if controller && endsRecurring(op) || op.Action == "stop" {
		e.cancelAll(r)
	}
	if controller && op.Connects() && op.Action == "stop" {
		e.giveUp(now, r)
	}
	if controller && e.closing && op.Action == "start" {
		e.effects.Answer(op, Result{Code: 1, Status: statusInvalid, Reason: "Not attempting start due to shutdown in progress"})
		return
	}
	j := &job{op: op, call: call, queued: now}
	if op.Interval > 0 {
		// The same recurring operation again takes the place of the old one.
		r.recurring = slices.DeleteFunc(r.recurring, func(o *job) bool {
			if o.op.Action == op.Action && o.op.Interval == op.Interval {
				o.merged = true
				e.end(r, o)
				return true
			}
			return false
		})
		r.queue = slices.DeleteFunc(r.queue, func(o *job) bool { return o.merged })
		e.killUnwanted(r)
		r.recurring = append(r.recurring, j)
	}
	if op.recordable() && controller && op.Param("CRM_meta_record_pending") != "false" {
		e.record(now, r, j, Result{Code: codeUnknown, Status: statusPending, Traits: e.effects.Traits(op)})
	}
	if op.StartDelay > 0 {
		e.timers.set(r, j, now.Add(op.StartDelay))
		if controller && op.Interval > 0 && op.StartDelay > longDelay {
			e.effects.Answer(op, Result{Code: op.Expected(), Status: statusDone})
		}
		if op.Interval == 0 {
			r.recurring = append(r.recurring, j) // waits among them until it is due
		}
		return
	}
	r.queue = append(r.queue, j)
	e.settle(now, r)
}

// longDelay is how long a plan waits for the first run of a recurring operation that is to begin later; what begins after that
// counts as done well until it was.
const longDelay = 5 * time.Minute

// endsRecurring tells that an operation changes a resource's state, so that what was checked so far is to be checked no more. The
// connection to a remote node is watched until it is taken over elsewhere.
func endsRecurring(op Op) bool {
	return op.Interval == 0 && op.Action != "monitor" && op.Action != "notify" && !(op.Connects() && op.Action == "migrate_to")
}

// giveUp ends the tries to connect to a remote node that are under way or wait, for the connection is to be stopped: several DCs may have
// ordered one each, and each may have a minute left, which is longer than a plan waits for the stop.
func (e *Executor) giveUp(now time.Time, r *resource) {
	tries := func(j *job) bool { return j.op.Action == "start" || j.op.Action == "migrate_from" }
	queue := r.queue
	r.queue = slices.DeleteFunc(slices.Clone(queue), tries)
	for _, j := range queue {
		if tries(j) {
			e.finish(now, r, j, Result{Code: 1, Status: statusCancelled})
		}
	}
	if j := r.running; j != nil && !j.killed && tries(j) {
		j.killed = true
		e.effects.Kill(j.run)
	}
}

// killUnwanted ends the agent that runs for a recurring operation that was cancelled, so that what waits need not wait for it.
func (e *Executor) killUnwanted(r *resource) {
	if j := r.running; j != nil && j.gone && !j.killed && j.op.Interval > 0 {
		j.killed = true
		e.effects.Kill(j.run)
	}
}

// end has an operation that is due now and then end. The plan that ordered it may not have heard of it yet,
// and will not by the history: it is told, so that it waits no longer.
func (e *Executor) end(r *resource, j *job) {
	if j.gone {
		return
	}
	j.gone = true
	switch {
	case j.op.Interval == 0: // it waited for its time
		e.answer(j.op, Result{Code: 1, Status: statusCancelled})
	case !j.reported:
		e.answer(j.op, Result{Code: j.op.Expected(), Status: statusCancelled})
	}
	if j.op.Interval > 0 && j.op.By.ID == "" {
		e.effects.Recorded(j.op, Result{Code: j.code, Status: statusCancelled})
	}
	if r.running != j && !j.merged {
		e.tell(r, j, Result{Code: j.code, Status: statusCancelled})
	}
}

// answer tells the controller what came of what it ordered.
func (e *Executor) answer(op Op, res Result) {
	if op.By.ID == "" {
		e.effects.Answer(op, res)
	}
}

// cancelAll ends the recurring operations of a resource. Their last results stay in the history, as those of what was done before;
// of one that has none yet nothing stays.
func (e *Executor) cancelAll(r *resource) {
	for _, j := range r.recurring {
		e.end(r, j)
		if j.op.Interval > 0 && !j.reported {
			e.drop(r, entryID(j.op, true))
		}
	}
	r.recurring = nil
	r.queue = slices.DeleteFunc(r.queue, func(j *job) bool { return j.op.Interval > 0 })
	e.killUnwanted(r)
}

// drop forgets one entry of a history.
func (e *Executor) drop(r *resource, entry string) {
	if _, ok := r.history[entry]; ok {
		delete(r.history, entry)
		e.effects.Forget(r.node, r.id, entry)
	}
}

// cancel ends one recurring operation, by the action and interval in the order's meta attributes.
func (e *Executor) cancel(op Op) {
	r := e.resource(&op)
	action := op.Param("CRM_meta_operation")
	ms, _ := strconv.ParseInt(op.Param("CRM_meta_interval"), 10, 64)
	interval := time.Duration(ms) * time.Millisecond
	fits := func(j *job) bool { return j.op.Action == action && j.op.Interval == interval }
	for _, j := range r.recurring {
		if fits(j) {
			e.end(r, j)
		}
	}
	r.recurring = slices.DeleteFunc(r.recurring, fits)
	r.queue = slices.DeleteFunc(r.queue, fits)
	e.killUnwanted(r)
	e.drop(r, entryID(Op{Resource: op.Resource, Action: action, Interval: interval}, true))
	e.effects.Answer(op, Result{Code: 0, Status: statusDone})
}

// settle starts what may run now.
func (e *Executor) settle(now time.Time, r *resource) {
	for r.running == nil && len(r.queue) > 0 {
		j := r.queue[0]
		r.queue = r.queue[1:]
		if j.forgets() {
			e.forget(r, j.op)
			continue
		}
		e.runs++
		j.run, j.started = e.runs, now
		r.running, e.running[j.run] = j, r
		e.effects.Run(j.run, j.op)
	}
	if r.drop && r.running == nil && e.resources[r.id] == r {
		e.effects.Forget(r.node, r.id, "")
		delete(e.resources, r.id)
	}
}

// forgets tells that a job has the resource's history forgotten.
func (j *job) forgets() bool {
	return j.op.By.ID == "" && (j.op.Action == "delete" || j.op.Action == "lrm_delete")
}

// forget forgets the history of a resource, but for what was ordered since, and the resource where nothing is left of it.
func (e *Executor) forget(r *resource, op Op) {
	since := map[string]bool{}
	for _, j := range slices.Concat(r.queue, r.recurring) {
		id := entryID(j.op, true)
		if x := r.history[id]; x != nil && x.SelectAttrValue("transition-key", "") == j.op.Key {
			since[id] = true
		}
	}
	r.stopParams = nil
	if len(since) == 0 {
		clear(r.history)
		e.effects.Forget(op.Node, r.id, "")
	}
	for _, id := range slices.Sorted(maps.Keys(r.history)) {
		if !since[id] {
			e.drop(r, id)
		}
	}
	if len(r.queue) == 0 && len(r.recurring) == 0 {
		delete(e.resources, r.id)
	}
	if e.watch != nil && !r.registered {
		e.watch.Unregistered(r.id)
	}
	e.effects.Answer(op, Result{Code: 0, Status: statusDone})
}

// Finished takes the result of a run.
func (e *Executor) Finished(now time.Time, run uint64, res Result) {
	r := e.running[run]
	if r == nil {
		return
	}
	delete(e.running, run)
	res.Reason, res.Output = reason(res.Reason), xml.Text(res.Output)
	j := r.running
	r.running = nil
	switch {
	case !j.gone || j.op.Interval == 0:
		e.finish(now, r, j, res)
	case !j.merged:
		e.tell(r, j, Result{Code: j.code, Status: statusCancelled, Duration: res.Duration})
	}
	e.settle(now, r)
}

// keepReason is how many bytes of a reason are kept: every node holds it.
const keepReason = 8 << 10

// reason is what an agent gave as its reason as it can be recorded.
func reason(s string) string {
	if len(s) > keepReason {
		s = strings.ToValidUTF8(s[:keepReason], "")
	}
	return xml.Text(s)
}

// finish takes the end of a run that counts.
func (e *Executor) finish(now time.Time, r *resource, j *job, res Result) {
	e.tell(r, j, e.keep(now, r, j, res))
}

// keep puts a result into the history, where it belongs there, and gives what it counts as.
func (e *Executor) keep(now time.Time, r *resource, j *job, res Result) Result {
	if !j.op.recordable() || r.drop {
		if j.op.Action == "notify" {
			res.Code, res.Status = 0, statusDone // it cannot fail
		}
		e.answer(j.op, res)
		if j.op.Action == "notify" && j.op.By.ID == "" {
			e.effects.Recorded(j.op, res)
		}
		return res
	}
	if res.Status == statusCancelled && j.op.Interval == 0 {
		// It was not done, and nobody is to think that it is under way still: what is to be done instead the next plan says.
		id := entryID(j.op, true)
		if x := r.history[id]; x != nil && x.SelectAttrValue("transition-key", "") == j.op.Key { // else it is of what was ordered since
			e.drop(r, id)
		}
		e.answer(j.op, res)
		return res
	}
	res = j.undecided(now, res)
	if res.Status == statusError && slices.Contains(stateCodes, res.Code) {
		res.Status = statusDone // whether this is an error the scheduler knows
	}
	if j.op.Interval == 0 && reads(j.op.Action) && !failed(j.op, res) {
		r.stopParams = slices.DeleteFunc(slices.Clone(j.op.Params), func(p Param) bool { return meta(p.Name) })
	}
	if j.op.Interval > 0 {
		e.timers.set(r, j, now.Add(j.op.Interval))
		if j.reported && j.code == res.Code && j.status == res.Status {
			return res
		}
		j.reported = true
	}
	j.code, j.status = res.Code, res.Status
	j.change(now)
	if !j.op.By.Alone {
		e.record(now, r, j, res)
	}
	return res
}

// stateCodes are the codes that tell of a state, and not that something could not be done.
var stateCodes = []int{7, 8, 190, 191}

// reads tells whether an operation that succeeds shows what a resource runs with.
func reads(action string) bool {
	return action == "start" || action == "reload" || action == "reload-agent" || action == "monitor"
}

// undecided is what an answer is that says that the state is not known yet: a
// recurring check is repeated for its timeout, one that is done once has waited
// that long already.
func (j *job) undecided(now time.Time, res Result) Result {
	switch {
	case res.Status != statusPending:
		j.pending = time.Time{}
		return res
	case j.op.Interval > 0 && j.pending.IsZero():
		j.pending = now
		return res
	case j.op.Interval > 0 && now.Sub(j.pending) < j.op.Timeout:
		return res
	}
	j.pending = time.Time{}
	res.Code, res.Status = 1, statusTimedOut
	res.Reason = "Investigate reason for timeout, and adjust configured operation timeout if necessary"
	return res
}

// change notes when a result changed. Times in the history are whole seconds, and which of
// two results of a recurring operation is the later one is told by them.
func (j *job) change(now time.Time) {
	if j.op.Interval > 0 && !j.changed.IsZero() && now.Unix() <= j.changed.Unix() {
		now = j.changed.Add(time.Second)
	}
	j.changed = now
}

func (e *Executor) ids() []string {
	out := make([]string, 0, len(e.resources))
	for id := range e.resources {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// Deadline is when Tick is due next; zero: not at all.
func (e *Executor) Deadline() time.Time {
	return e.timers.next()
}

// Tick queues the recurring operations that are due.
func (e *Executor) Tick(now time.Time) {
	due := map[string]*resource{}
	for _, r := range e.timers.due(now) {
		due[r.id] = r
	}
	for _, id := range slices.Sorted(maps.Keys(due)) {
		r := due[id]
		for _, j := range slices.Clone(r.recurring) {
			if !j.due(now) {
				continue
			}
			j.next = time.Time{}
			j.queued = now
			if j.op.Interval == 0 {
				r.recurring = slices.DeleteFunc(r.recurring, func(o *job) bool { return o == j })
			}
			r.queue = append(r.queue, j)
		}
		e.settle(now, r)
	}
}

// due tells that a job's time has come.
func (j *job) due(now time.Time) bool { return !j.next.IsZero() && !j.next.After(now) }

// Idle tells that nothing runs or waits to run.
func (e *Executor) Idle() bool {
	for _, r := range e.resources {
		if r.running != nil || len(r.queue) > 0 {
			return false
		}
	}
	return true
}

// State is the node's whole history: an element lrm, as it stands in the CIB. What is under way is in it in any case, also where
// pending operations are not to be recorded: it is for a DC that did not order it.
func (e *Executor) State(nodeID string) *etree.Element {
	lrm := etree.NewElement("lrm")
	lrm.CreateAttr("id", nodeID)
	all := lrm.CreateElement("lrm_resources")
	for _, id := range e.ids() {
		r := e.resources[id]
		entries := maps.Clone(r.history)
		for _, j := range r.underway() {
			entry := entryID(j.op, true)
			if old := entries[entry]; old == nil || old.SelectAttrValue("transition-key", "") != j.op.Key {
				entries[entry] = e.entry(j.queued, j, Result{Code: codeUnknown, Status: statusPending}, entry, true)
			}
		}
		if len(entries) == 0 {
			continue
		}
		el := r.element()
		if r.lock != 0 {
			el.CreateAttr(LockAttr, strconv.FormatInt(r.lock, 10))
		}
		for _, k := range slices.Sorted(maps.Keys(entries)) {
			el.AddChild(xml.Copy(entries[k]))
		}
		all.AddChild(el)
	}
	return lrm
}

// Underway are the operations that are done once, leave a history, and were ordered and are not done yet.
func (e *Executor) Underway() []Op {
	var out []Op
	for _, id := range e.ids() {
		for _, j := range e.resources[id].underway() {
			out = append(out, j.op)
		}
	}
	return out
}

// underway are the operations that are done once, and leave a history, and are not done yet, in their order.
func (r *resource) underway() []*job {
	var out []*job
	for _, j := range slices.Concat([]*job{r.running}, r.queue, r.recurring) {
		if j != nil && j.op.Interval == 0 && j.op.recordable() && j.op.By.ID == "" && !j.forgets() && !j.gone {
			out = append(out, j)
		}
	}
	return out
}

func (r *resource) element() *etree.Element {
	el := etree.NewElement("lrm_resource")
	el.CreateAttr("id", r.id)
	el.CreateAttr("class", r.class)
	if r.provider != "" {
		el.CreateAttr("provider", r.provider)
	}
	el.CreateAttr("type", r.typ)
	if r.container != "" {
		el.CreateAttr("container", r.container)
	}
	return el
}

// Fail makes up a failed monitor of a resource, as `crm_resource --fail` asks for.
func (e *Executor) Fail(now time.Time, op Op) {
	r := e.resource(&op)
	e.calls++
	op.Action = "asyncmon"
	e.record(now, r, &job{op: op, call: e.calls, queued: now, started: now, changed: now}, Result{Code: 1, Status: statusDone, Reason: "Simulated failure"})
}

// FailRecurring makes a resource's recurring monitors fail at once, and ends them: what they look at was seen to be gone. The one that saw it
// has failed already.
func (e *Executor) FailRecurring(now time.Time, resource, reason string) {
	r := e.resources[resource]
	if r == nil {
		return
	}
	fails := func(j *job) bool { return j.op.Interval > 0 && j.op.Action == "monitor" && !j.gone }
	for _, j := range r.recurring {
		if fails(j) {
			if !j.reported || !failed(j.op, Result{Code: j.code, Status: j.status}) {
				j.change(now)
				e.record(now, r, j, Result{Code: 1, Status: statusError, Reason: reason})
			}
			j.gone = true
		}
	}
	over := func(j *job) bool { return j.gone }
	r.recurring = slices.DeleteFunc(r.recurring, over)
	r.queue = slices.DeleteFunc(r.queue, over)
}

// Stopped records that a resource was stopped that was seen to be gone while nobody is to do anything
// about it; op tells of Resource, Node and FeatureSet.
func (e *Executor) Stopped(now time.Time, op Op) {
	r := e.resources[op.Resource]
	if r == nil {
		return
	}
	for _, j := range r.recurring {
		e.end(r, j)
	}
	over := func(j *job) bool { return j.gone }
	r.recurring = slices.DeleteFunc(r.recurring, over)
	r.queue = slices.DeleteFunc(r.queue, over)
	e.calls++
	op.Action, op.Class, op.Provider, op.Type = "stop", r.class, r.provider, r.typ
	op.Key = "-1:" + strconv.Itoa(e.calls) + ":0:" + nobody
	e.record(now, r, &job{op: op, call: e.calls, queued: now, started: now, changed: now}, Result{Status: statusDone})
}

// nobody is the one who ordered what no plan did.
const nobody = "xxxxxxxx-xrsc-opxx-xcrm-resourcexxxx"

// Abandon forgets all that is under way, and answers for it: nobody will hear how it
// ends. The history keeps that it began.
func (e *Executor) Abandon(reason string) {
	for _, id := range e.ids() {
		r := e.resources[id]
		waiting := r.queue
		if r.running != nil {
			waiting = append([]*job{r.running}, waiting...)
		}
		for _, j := range waiting {
			if !j.gone && (j.op.Interval == 0 || !j.reported) {
				e.effects.Answer(j.op, Result{Code: 1, Status: statusNotConnected, Reason: reason})
			}
		}
	}
	e.resources, e.running, e.timers = map[string]*resource{}, map[uint64]*resource{}, nil
}
