package executor

import (
	"errors"
	"slices"
	"time"

	"github.com/beevik/etree"
)

// The executor has clients beside the cluster's controller: programs that speak its own protocol (package internal/lrmd).
// They make resources known, order operations and hear how those end; the queues and the history are the same.

// Asker is who ordered an operation; its zero value is the controller.
type Asker struct {
	ID string
	// Alone: nobody else is told how the operation ends, so that it leaves no history either.
	Alone bool
	// Always: a recurring operation's result is told also when it is what it was before.
	Always bool
}

// Watcher hears what becomes of all resources and operations, whoever ordered them.
type Watcher interface {
	// Registered and Unregistered: the executor knows a resource from now on, or not any more.
	Registered(resource string)
	Unregistered(resource string)
	Ended(e Ended)
}

// Ended is how a run of an operation ended. One that was cancelled has the code of its last result.
type Ended struct {
	Op   Op
	Call int // the number of the order
	Result
	Queued, Started time.Time // zero: it never ran
	Changed         time.Time // since when the result is what it is
	// Same: the asker was told the same the last time.
	Same bool
	// Deleted: the executor does not know the resource any more.
	Deleted bool
}

// Errors of what clients ask for.
var (
	ErrNoResource  = errors.New("the executor knows no such resource")
	ErrNoOperation = errors.New("no such operation is waiting")
)

// Watch has w told of all that happens from now on.
func (e *Executor) Watch(w Watcher) { e.watch = w }

// NextCall takes the next of the numbers that orders have.
func (e *Executor) NextCall() int {
	e.calls++
	return e.calls
}

// Register makes a resource of a node known. Where it is known with another agent, what waits for that one is cancelled.
// With drop, what recurs ends with the connection of the client that ordered it (see Left).
func (e *Executor) Register(op Op, drop bool) {
	if r := e.resources[op.Resource]; r != nil && r.registered && (r.class != op.Class || r.provider != op.Provider || r.typ != op.Type) {
		e.cancelWaiting(r)
	}
	if e.resources[op.Resource] == nil {
		e.resources[op.Resource] = &resource{id: op.Resource, history: map[string]*etree.Element{}}
	}
	e.resources[op.Resource].registered = true // who asked tells of it
	r := e.resource(&op)
	r.provider, r.drop, r.dropRecurring = op.Provider, false, drop
}

// cancelWaiting cancels all that is to run for a resource now or later.
func (e *Executor) cancelWaiting(r *resource) {
	e.cancelAll(r)
	for _, j := range r.queue {
		if !j.forgets() {
			e.end(r, j)
		}
	}
	r.queue = slices.DeleteFunc(r.queue, func(j *job) bool { return !j.forgets() })
}

// Unregister has a resource forgotten, with all that is to run for it. running tells that something runs still, whose end
// will be told.
func (e *Executor) Unregister(now time.Time, resource string) (running bool) {
	r := e.resources[resource]
	if r == nil || !r.registered {
		return false
	}
	r.registered = false
	// Whoever keeps the history hears that the resource is gone by what is cancelled, or ends, only.
	r.drop = r.running != nil || len(r.queue)+len(r.recurring) > 0
	e.cancelWaiting(r)
	running = r.running != nil
	e.settle(now, r)
	return running
}

// Known gives the agent of a resource that is registered.
func (e *Executor) Known(resource string) (class, provider, typ string, ok bool) {
	r := e.resources[resource]
	if r == nil || !r.registered {
		return "", "", "", false
	}
	return r.class, r.provider, r.typ, true
}

// Order takes an operation of a client for a resource that is registered. call is a number of NextCall.
func (e *Executor) Order(now time.Time, call int, op Op) error {
	r := e.resources[op.Resource]
	if r == nil || !r.registered {
		return ErrNoResource
	}
	op.Class, op.Provider, op.Type = r.class, r.provider, r.typ
	e.order(now, op, call)
	return nil
}

// Cancel ends a recurring operation of a registered resource, or one that has not begun.
func (e *Executor) Cancel(now time.Time, resource, action string, interval time.Duration) error {
	r := e.resources[resource]
	if r == nil || !r.registered {
		return ErrNoResource
	}
	fits := func(j *job) bool {
		return j.op.Action == action && j.op.Interval == interval && !j.gone && !j.forgets()
	}
	for _, list := range [][]*job{r.queue, r.recurring} {
		i := slices.IndexFunc(list, fits)
		if i < 0 {
			continue
		}
		j := list[i]
		same := func(o *job) bool { return o == j }
		r.queue = slices.DeleteFunc(r.queue, same)
		r.recurring = slices.DeleteFunc(r.recurring, same)
		e.end(r, j)
		e.killUnwanted(r)
		if h := r.history[entryID(j.op, true)]; interval > 0 || h != nil && h.SelectAttrValue("transition-key", "") == j.op.Key {
			e.drop(r, entryID(j.op, true))
		}
		e.settle(now, r)
		return nil
	}
	return ErrNoOperation
}

// Recurring gives the recurring operations of the registered resources, or of one of them, by the resource's id.
func (e *Executor) Recurring(resource string) map[string][]Op {
	out := map[string][]Op{}
	for id, r := range e.resources {
		if !r.registered || resource != "" && id != resource {
			continue
		}
		out[id] = []Op{}
		for _, j := range r.recurring {
			if j.op.Interval > 0 && !j.gone {
				out[id] = append(out[id], j.op)
			}
		}
	}
	return out
}

// Left ends what a client ordered to recur, of the resources for which that was agreed on; "" stands for all clients.
func (e *Executor) Left(now time.Time, client string) {
	for _, id := range e.ids() {
		r := e.resources[id]
		if !r.dropRecurring {
			continue
		}
		for _, j := range slices.Clone(r.recurring) {
			if j.op.Interval > 0 && j.op.By.ID != "" && (client == "" || j.op.By.ID == client) {
				_ = e.Cancel(now, id, j.op.Action, j.op.Interval)
			}
		}
	}
}

// tell has the watcher hear how a run ended.
func (e *Executor) tell(r *resource, j *job, res Result) {
	same := j.told && j.toldCode == res.Code && j.toldStatus == res.Status
	j.told, j.toldCode, j.toldStatus = true, res.Code, res.Status
	if e.watch == nil {
		return
	}
	changed := j.started
	if !j.changed.IsZero() {
		changed = j.changed
	}
	e.watch.Ended(Ended{
		Op: j.op, Call: j.call, Result: res, Queued: j.queued, Started: j.started, Changed: changed, Same: same,
		Deleted: !r.registered,
	})
}
