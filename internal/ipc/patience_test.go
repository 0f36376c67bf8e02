package ipc

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestPatience: who does not read is evicted, who reads slowly or catches up is not.
func TestPatience(t *testing.T) {
	for _, c := range []struct {
		name   string
		limit  int
		queued func(since time.Duration) int
		want   bool
	}{
		{"reads", 500, func(time.Duration) int { return 500 }, false},
		{"does not read", 500, func(time.Duration) int { return 501 }, true},
		{"falls behind", 500, func(s time.Duration) int { return 600 + int(s/time.Second) }, true},
		{"reads slowly", 500, func(s time.Duration) int { return 100000 - int(s/time.Millisecond) }, false},
		{"catches up", 500, func(s time.Duration) int { return max(0, 600-int(s/time.Millisecond)) }, false},
		{"has a higher limit", 1000, func(time.Duration) int { return 900 }, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			var evicted atomic.Int32
			var p Patience
			for range 20 {
				p.Sent(func() int { return c.queued(time.Since(begin)) }, func() int { return c.limit }, func(int) { evicted.Add(1) })
				time.Sleep(time.Second)
			}
			synctest.Wait()
			if n := evicted.Load(); n > 1 || (n == 1) != c.want {
				t.Errorf("%s: evicted %d times", c.name, n)
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.timer != nil {
				p.timer.Stop()
			}
		})
	}
}
