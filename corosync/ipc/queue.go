package ipc

import (
	"slices"
	"sync"
	"time"
)

// queue holds messages for a writer.
type queue struct {
	mu    sync.Mutex
	later []message // to be written together
	list  [][]byte  // wait for room
	bytes int       // in list
	// untold is how many events the client can read and does not know of.
	untold int
	wake   chan struct{}
	// sent is how many were written since some had to wait, or since none does any more; retries how often there was no room.
	sent    uint32
	retries uint64
}

// put adds a message to those that are written together, and writes these where there are so many: at once where nobody else is
// writing and there is room, else it is left to the writer: a wake of another goroutine takes longer than all the rest. It tells the
// bytes that wait for room.
func (q *queue) put(m message, together int, try writer) (waiting int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.later = append(q.later, m); len(q.later) < together {
		return q.bytes, nil
	}
	return q.writeLater(try)
}

// write writes what put has added.
func (q *queue) write(try writer) (waiting int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.writeLater(try)
}

// writeLater is write; the caller holds the lock.
func (q *queue) writeLater(try writer) (waiting int, err error) {
	if len(q.later) == 0 {
		return q.bytes, nil
	}
	wrote := 0
	if len(q.list) == 0 {
		if wrote, err = try(q.later); err != nil {
			return 0, err
		}
		q.sent += uint32(wrote)
		if wrote < len(q.later) {
			q.sent = 0
			q.retries++
		}
	}
	for _, m := range q.later[wrote:] {
		b := m.head
		if len(m.body) > 0 {
			b = slices.Concat(m.head, m.body)
		}
		q.list = append(q.list, b)
		q.bytes += len(b)
		q.rouse()
	}
	clear(q.later)
	q.later = q.later[:0]
	return q.bytes, nil
}

// rouse wakes the writer.
func (q *queue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// written counts and takes the first message, which was written. The caller holds the lock.
func (q *queue) written() {
	q.pop()
	if q.sent++; len(q.list) == 0 {
		q.sent = 0
	}
}

func (q *queue) len() int { q.mu.Lock(); defer q.mu.Unlock(); return len(q.list) + len(q.later) }

// pop takes the first message. The caller holds the lock.
func (q *queue) pop() {
	q.bytes -= len(q.list[0])
	q.list[0] = nil
	q.list = q.list[1:]
}

// drain writes what waits as far as there is room, and tells whether something is left.
func (q *queue) drain(try writer, tell func(int) int) (more bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.list) > 0 {
		one := [1]message{{q.list[0], nil}}
		wrote, err := try(one[:])
		if err != nil {
			return false, err
		}
		if wrote == 0 {
			q.retries++
			break
		}
		q.written()
	}
	if q.untold > 0 && tell != nil {
		if q.untold -= tell(q.untold); q.untold > 0 {
			q.rouse()
		}
	}
	return len(q.list) > 0 || q.untold > 0, nil
}

// keepTrying writes what waits, until done is closed. The reader makes room without telling anybody, so room is looked
// for again and again, less often with time.
func (q *queue) keepTrying(done <-chan struct{}, try writer, tell func(int) int) error {
	for {
		select {
		case <-q.wake:
		case <-done:
			return nil
		}
		before := -1
		for pause := 50 * time.Microsecond; ; pause = min(2*pause, 20*time.Millisecond) {
			more, err := q.drain(try, tell)
			if err != nil {
				return err
			}
			if !more {
				break
			}
			now := q.len()
			if now < before { // it reads
				pause = 50 * time.Microsecond
			}
			before = now
			t := time.NewTimer(pause)
			select {
			case <-t.C:
			case <-done:
				t.Stop()
				return nil
			}
		}
	}
}

// keepSending writes what comes by a call that waits for room, until done is closed.
func (q *queue) keepSending(done <-chan struct{}, send func([]byte) error) error {
	for {
		select {
		case <-q.wake:
		case <-done:
			return nil
		}
		for {
			q.mu.Lock()
			if len(q.list) == 0 {
				q.mu.Unlock()
				break
			}
			b := q.list[0]
			q.written()
			q.mu.Unlock()
			if err := send(b); err != nil {
				return err
			}
			select {
			case <-done:
				return nil
			default:
			}
		}
	}
}
