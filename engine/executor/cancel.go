package executor

import (
	"slices"
	"strconv"
	"time"
)

// endsRecurring tells that an operation changes a resource's state, so that what was checked so far is to be checked no more. The
// connection to a remote node is watched until it is taken over elsewhere.
func endsRecurring(op Op) bool {
	return op.Interval == 0 && op.Action != "monitor" && op.Action != "notify" && !(op.Connects() && op.Action == "migrate_to")
}

// tries tells whether an operation tries to connect to a remote node.
func (o *Op) tries() bool {
	return o.Connects() && (o.Action == "start" || o.Action == "migrate_from")
}

// giveUpWaiting has the tries to connect to a remote node that wait for another one not be made: who ordered a newer one, or the end of the
// connection, has no use for them. Several DCs may have ordered one each, and each may take a minute, which is longer than a plan waits for the last.
func (e *Executor) giveUpWaiting(now time.Time, r *resource) {
	queue := r.queue
	r.queue = slices.DeleteFunc(slices.Clone(queue), func(j *job) bool { return j.op.tries() })
	for _, j := range queue {
		if j.op.tries() {
			e.finish(now, r, j, Result{Code: 1, Status: statusCancelled})
		}
	}
}

// giveUp ends the tries to connect to a remote node, also the one under way, for the connection is to be stopped.
func (e *Executor) giveUp(now time.Time, r *resource) {
	e.giveUpWaiting(now, r)
	if j := r.running; j != nil && !j.killed && j.op.tries() {
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
