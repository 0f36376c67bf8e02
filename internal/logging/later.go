package logging

import (
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// later is lines that a goroutine of its own writes.
type later struct {
	lines chan Line
	over  chan struct{} // closed when all are written

	mu     sync.Mutex
	lost   int // lines that the queue had no room for
	closed bool
}

// Later has a goroutine of its own write the lines that follow, in their order: who tells something does not wait for a disk, or for a system's
// log that does not keep up. Of lines beyond so many that wait only the number is told. finish ends that: it returns
// when all is written, or after a limit.
func (h *Log) Later(room int) (finish func(limit time.Duration)) {
	q := &later{lines: make(chan Line, room), over: make(chan struct{})}
	h.state.mu.Lock()
	h.state.later = q
	h.state.mu.Unlock()
	go func() {
		defer close(q.over)
		for l := range q.lines {
			h.state.write(l)
			if n := q.takeLost(); n > 0 {
				h.state.write(Line{Time: time.Now(), Level: slog.LevelWarn, Daemon: l.Daemon, Source: l.Source, Text: fmt.Sprintf("%d lines were not logged: the log does not keep up", n)})
			}
		}
	}()
	return func(limit time.Duration) {
		h.state.mu.Lock()
		h.state.later = nil
		h.state.mu.Unlock()
		q.close()
		t := time.NewTimer(limit)
		defer t.Stop()
		select {
		case <-q.over:
		case <-t.C:
		}
	}
}

// put adds a line; false where the queue is closed.
func (q *later) put(l Line) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	select {
	case q.lines <- l:
	default:
		q.lost++
	}
	return true
}

func (q *later) takeLost() (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, q.lost = q.lost, 0
	return n
}

func (q *later) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		close(q.lines)
	}
}

// write hands a line to the present targets.
func (s *state) write(l Line) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	targets := s.targets
	s.mu.Unlock()
	for _, t := range targets {
		if t.Enabled(l.Level, l.Daemon) {
			t.Write(l)
		}
	}
}
