package ipc

import (
	"sync"
	"time"
)

// Backlog is how many events may wait for a client that does not read them, as a number, before it is looked at more
// closely. The property cluster-ipc-limit raises it.
const Backlog = 500

// backlogEvery is how long a client with too large a backlog has until it must have become smaller.
const backlogEvery = 1500 * time.Millisecond

// Patience ends when a client does not read what it is told. Its zero value is ready.
type Patience struct {
	mu    sync.Mutex
	timer *time.Timer // while the backlog is too large
	last  int
}

// Sent is called when an event was sent. queued tells how many wait; evict is called, once, when these were more than limit
// (at least Backlog) for some time and did not become fewer meanwhile.
func (p *Patience) Sent(queued func() int, limit func() int, evict func(backlog int)) {
	n := queued()
	if n <= Backlog {
		return
	}
	most := limit()
	p.mu.Lock()
	defer p.mu.Unlock()
	if n <= most || p.timer != nil {
		return
	}
	p.last = n
	p.timer = time.AfterFunc(backlogEvery, func() {
		n := queued()
		p.mu.Lock()
		defer p.mu.Unlock()
		switch {
		case n <= most:
			p.timer = nil
		case n < p.last:
			p.last = n
			p.timer.Reset(backlogEvery)
		default:
			go evict(n) // and the timer stays, as it is not to be judged again
		}
	})
}
