package ipc

import (
	"fmt"
	"sync"
)

// writer writes messages as long as there is room, and tells how many.
type writer func(list []message) (wrote int, err error)

// serverLink is one way in which a server's messages travel. next, respond and
// event block, each called from one goroutine; after interrupt they return
// ErrClosed or another error. release frees what they use: nobody may be in them.
// next yields the requests that are there, one at least; the list holds until it is called again.
// tryRespond, tryEvent and announce do not block, and are called by one at a time. The client does not learn of an event by
// tryEvent before announce has told it how many have come. canTry tells whether they are to be used, or respond and event.
type serverLink interface {
	start() error // the greeting is over; before the others
	next() ([][]byte, error)
	respond([]byte) error
	event([]byte) error
	canTry() bool
	tryRespond([]message) (wrote int, err error)
	tryEvent([]message) (wrote int, err error)
	announce(events int) (told int)
	flowControl(on bool)
	interrupt()
	release()
}

// Conn is a client's connection as its server sees it. Its methods may be called from any goroutine.
type Conn struct {
	server     *Server
	peer       Peer
	link       serverLink
	maxMessage int

	responses, events queue
	closeOnce         sync.Once
	done              chan struct{}
	err               error

	mu       sync.Mutex
	value    any
	released bool
}

// Peer is the process that connected.
func (c *Conn) Peer() Peer { return c.peer }

// MaxMessage is the size in bytes that the messages of the connection may have.
func (c *Conn) MaxMessage() int { return c.maxMessage }

// SetValue keeps something of the handler's with the connection; Value returns it.
func (c *Conn) SetValue(v any) { c.mu.Lock(); c.value = v; c.mu.Unlock() }

// Value is what SetValue kept.
func (c *Conn) Value() any { c.mu.Lock(); defer c.mu.Unlock(); return c.value }

// Done is closed when the connection is over.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Close ends the connection without waiting.
func (c *Conn) Close() { c.end(ErrClosed) }

// Respond queues the response to the request that was taken last.
func (c *Conn) Respond(b []byte) {
	if c.fits(b, nil) {
		c.queued(c.responses.put(message{b, nil}, 1, c.tryRespond))
	}
}

// Event queues an event. Events arrive in the order in which they are queued.
func (c *Conn) Event(b []byte) {
	c.EventLater(b, nil)
	c.Flush()
}

// EventLater is Event where more are to come: the client has them, and learns of them, by Flush, until when nothing of them may
// change. The event may be in two parts, of which the first tells the size of both.
func (c *Conn) EventLater(head, body []byte) {
	if c.fits(head, body) {
		c.queued(c.events.put(message{head, body}, manyEvents, c.tryEvent))
	}
}

// manyEvents is how many events are written together at most.
const manyEvents = 64

// Flush writes the events by EventLater, and what has waited for room where there is some now, and tells the client of them. It tells
// whether there is more: then it is to be called again soon; it is written in time without that, too.
func (c *Conn) Flush() (more bool) {
	select {
	case <-c.done:
		return false
	default:
	}
	c.queued(c.events.write(c.tryEvent))
	more, err := c.events.drain(c.tryEvent, c.tell)
	if err != nil {
		c.end(err)
		return false
	}
	return more
}

func (c *Conn) tryRespond(list []message) (wrote int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.released || !c.link.canTry() {
		return 0, nil
	}
	return c.link.tryRespond(list)
}

func (c *Conn) tryEvent(list []message) (wrote int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.released || !c.link.canTry() {
		return 0, nil
	}
	wrote, err = c.link.tryEvent(list)
	c.events.untold += wrote
	return wrote, err
}

// tell tells the client of events, as many as it can be told of now.
func (c *Conn) tell(events int) (told int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.released {
		return 0
	}
	return c.link.announce(events)
}

// Queued is the number of events that the client has not been handed yet.
func (c *Conn) Queued() int { return c.events.len() }

// Stats tells of what was sent to the client. Queued is how many events wait for room; Sent how many were written since
// that began or ended; Retries how often there was no room for an event or a response.
func (c *Conn) Stats() (s Stats) {
	c.events.mu.Lock()
	s.Queued, s.Sent, s.Retries = uint32(len(c.events.list)+len(c.events.later)), c.events.sent, c.events.retries
	c.events.mu.Unlock()
	c.responses.mu.Lock()
	s.Retries += c.responses.retries
	c.responses.mu.Unlock()
	return s
}

// Stats is what Conn.Stats tells.
type Stats struct {
	Queued, Sent uint32
	Retries      uint64
}

// ClearStats sets Sent and Retries to 0.
func (c *Conn) ClearStats() {
	for _, q := range []*queue{&c.events, &c.responses} {
		q.mu.Lock()
		q.sent, q.retries = 0, 0
		q.mu.Unlock()
	}
}

// FlowControl tells the client's library to say "try again" (on) or to send (off).
func (c *Conn) FlowControl(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.released {
		c.link.flowControl(on)
	}
}

// fits holds that a message is not too long.
func (c *Conn) fits(head, body []byte) bool {
	n := len(head) + len(body)
	if n > c.maxMessage {
		c.end(fmt.Errorf("message of %d bytes for process %d, which takes %d", n, c.peer.PID, c.maxMessage))
	}
	return n <= c.maxMessage
}

// queued ends the connection where too much waits, or writing has failed.
func (c *Conn) queued(waiting int, err error) {
	if err != nil {
		c.end(err)
	} else if waiting > c.server.cfg.MaxQueued {
		c.end(fmt.Errorf("process %d does not read: more than %d bytes wait", c.peer.PID, c.server.cfg.MaxQueued))
	}
}

func (c *Conn) end(err error) {
	c.closeOnce.Do(func() {
		c.err = err
		close(c.done)
		c.link.interrupt()
	})
}

// take hands requests to the handler until the connection is over.
func (c *Conn) take(h Handler) {
	many, ok := h.(ManyHandler)
	for {
		list, err := c.link.next()
		if err == nil {
			for i, b := range list {
				if err = checkMessage(b); err != nil {
					list = list[:i]
					break
				}
			}
		}
		if ok && len(list) > 0 {
			many.Messages(c, list)
		} else {
			for _, b := range list {
				h.Message(c, b)
			}
		}
		if err != nil {
			c.end(err)
			return
		}
	}
}

func (c *Conn) run() error {
	var writers sync.WaitGroup
	for _, w := range []struct {
		q    *queue
		send func([]byte) error
		try  writer
		tell func(int) int
	}{{&c.responses, c.link.respond, c.tryRespond, nil}, {&c.events, c.link.event, c.tryEvent, c.tell}} {
		writers.Go(func() {
			var err error
			if c.link.canTry() {
				err = w.q.keepTrying(c.done, w.try, w.tell)
			} else {
				err = w.q.keepSending(c.done, w.send)
			}
			if err != nil {
				c.end(err)
			}
		})
	}
	c.server.cfg.Handler.Connected(c)
	c.take(c.server.cfg.Handler)
	writers.Wait()
	c.link.interrupt() // returns only when an interrupt under way is through
	c.mu.Lock()
	c.released = true
	c.link.release()
	c.mu.Unlock()
	c.server.cfg.Handler.Closed(c)
	return c.err
}
