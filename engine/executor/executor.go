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
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

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
	adopted              map[string]*etree.Element // of these, what another executor did
	lost                 map[string]string         // of these, the numbers of the calls that a DC wrote without one
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
	switch {
	case !controller:
	case op.tries():
		e.giveUpWaiting(now, r)
	case op.Connects() && op.Action == "stop":
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

// answer tells the controller what came of what it ordered.
func (e *Executor) answer(op Op, res Result) {
	if op.By.ID == "" {
		e.effects.Answer(op, res)
	}
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
		last := map[string]*job{} // under way, by the entry that it is to have: what comes later takes the place of what was before
		for _, j := range r.underway() {
			last[entryID(j.op, true)] = j
		}
		for entry, j := range last {
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
