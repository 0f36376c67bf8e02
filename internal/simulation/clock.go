package simulation

import (
	"container/heap"
	"time"
)

// clock is virtual time: what happens when, in one order.
type clock struct {
	// Now is the virtual time.
	Now   time.Time
	queue queue
	count int
}

type event struct {
	at   time.Time
	n    int // events of one moment come in the order in which they were made
	what func()
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].n < q[j].n
	}
	return q[i].at.Before(q[j].at)
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	old := *q
	x := old[len(old)-1]
	old[len(old)-1] = event{}
	*q = old[:len(old)-1]
	return x
}

// at has something happen after a while.
func (c *clock) at(d time.Duration, what func()) {
	c.count++
	heap.Push(&c.queue, event{c.Now.Add(max(0, d)), c.count, what})
}

// step lets the next event happen, unless it is later than end; false: there was none.
func (c *clock) step(end time.Time) bool {
	if len(c.queue) == 0 || c.queue[0].at.After(end) {
		return false
	}
	e := heap.Pop(&c.queue).(event)
	c.Now = e.at
	e.what()
	return true
}

// alarm wakes at a moment that is moved often: an event that comes too early only asks again.
type alarm struct {
	clock *clock
	armed time.Time // the earliest event that is under way; zero: none
	ring  func()
}

// set has the alarm ring at t, the zero time: not at all (it may ring all the same).
func (a *alarm) set(t time.Time) {
	if t.IsZero() {
		return
	}
	if t.Before(a.clock.Now) {
		t = a.clock.Now
	}
	if !a.armed.IsZero() && !t.Before(a.armed) {
		return
	}
	a.armed = t
	a.clock.at(t.Sub(a.clock.Now), func() {
		if a.armed.Equal(t) {
			a.armed = time.Time{}
			a.ring()
		}
	})
}
