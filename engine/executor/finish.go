package executor

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"hacluster/cib/xml"
)

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
