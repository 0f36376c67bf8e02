package executor

import (
	"container/heap"
	"time"
)

// timers are jobs by the time at which they are due. A job that was cancelled, or was given another time, leaves
// its entry behind, which is dropped when it comes first.
type timers []timer

type timer struct {
	at time.Time
	r  *resource
	j  *job
}

func (t *timers) set(r *resource, j *job, at time.Time) {
	j.next = at
	heap.Push(t, timer{at, r, j})
}

// holds tells that an entry is still what the job waits for.
func (t timer) holds() bool { return !t.j.gone && t.j.next.Equal(t.at) }

// next is the earliest time; zero: there is none.
func (t *timers) next() time.Time {
	for len(*t) > 0 {
		if first := (*t)[0]; first.holds() {
			return first.at
		}
		heap.Pop(t)
	}
	return time.Time{}
}

// due takes out what is due, and tells whose it is.
func (t *timers) due(now time.Time) []*resource {
	var out []*resource
	for len(*t) > 0 && !(*t)[0].at.After(now) {
		if first := heap.Pop(t).(timer); first.holds() {
			out = append(out, first.r)
		}
	}
	return out
}

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].at.Before(t[j].at) }
func (t timers) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *timers) Push(x any)        { *t = append(*t, x.(timer)) }
func (t *timers) Pop() any {
	old := *t
	last := old[len(old)-1]
	old[len(old)-1] = timer{}
	*t = old[:len(old)-1]
	return last
}
