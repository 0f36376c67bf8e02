package controller

import (
	"container/heap"
	"slices"
	"time"

	"hacluster/engine/transition"
)

// step is where an action of the graph under way is.
type step int8

const (
	stepWaiting step = iota
	stepFired
	stepDone
	stepFailed
)

// run is a transition under way. With thousands of steps, each result costs what it has to do with: who waits for it, and
// where there is room now.
type run struct {
	id      int
	graph   *transition.Graph
	steps   []step      // by set
	byID    map[int]int // synapse of an action
	aborted string      // why it is to end early; "" it is not
	input   string
	closing bool // the last step is that this node leaves
	// looks is until when probes go on though the transition is to end early, for a probe has found something; zero: they do not.
	looks time.Time

	at    []string         // where a step keeps a node busy, or nowhere
	users [][]int          // who waits for a step
	left  []int            // how many a step waits for still
	open  map[string][]int // the steps that wait for nothing, in order, by where they keep a node busy
	fired int              // how many steps are under way
	under *load            // those of them that keep a node busy
	late_ []time.Time      // when a fired action counts as lost; zero: never
	due   lateness
}

// nowhere is the place of steps that keep no node busy.
const nowhere = ""

func newRun(id int, g *transition.Graph, input string) *run {
	n := len(g.Synapses)
	r := &run{
		id: id, graph: g, input: input, steps: make([]step, n), late_: make([]time.Time, n), byID: make(map[int]int, n),
		at: make([]string, n), users: make([][]int, n), left: make([]int, n), open: map[string][]int{}, under: &load{jobs: map[string]int{}, moves: map[string]int{}},
	}
	for i, s := range g.Synapses {
		r.byID[s.Action.ID] = i
		if at, _ := places(s.Action); len(at) > 0 {
			r.at[i] = at[0]
		}
	}
	for i, s := range g.Synapses {
		r.left[i] = len(s.Inputs) // what is not in the graph, for it cannot be done, is never done
		for _, in := range s.Inputs {
			if j, ok := r.byID[in.ID]; ok {
				r.users[j] = append(r.users[j], i)
			}
		}
		r.offer(i)
	}
	return r
}

// offer puts a step among the open ones, or takes it out, as it is.
func (r *run) offer(i int) {
	at := r.at[i]
	list := r.open[at]
	k, there := slices.BinarySearch(list, i)
	switch is := r.left[i] == 0 && r.steps[i] == stepWaiting; {
	case is && !there:
		r.open[at] = slices.Insert(list, k, i)
	case there && !is:
		r.open[at] = slices.Delete(list, k, k+1)
	}
}

// set notes where a step is now.
func (r *run) set(i int, to step) {
	from := r.steps[i]
	if from == to {
		return
	}
	a := r.graph.Synapses[i].Action
	more := 0
	switch {
	case a.Kind == transition.Pseudo:
	case to == stepFired:
		more = 1
	case from == stepFired:
		more = -1
	}
	r.fired += more
	if !connects(a) {
		r.under.add(a, more)
	}
	r.steps[i] = to
	r.offer(i)
	for _, u := range r.users[i] {
		s := r.graph.Synapses[u]
		switch before, after := satisfies(from, s), satisfies(to, s); {
		case before == after:
			continue
		case after:
			r.left[u]--
		default:
			r.left[u]++
		}
		r.offer(u)
	}
}

// satisfies tells whether a synapse has what it waits for.
func satisfies(is step, s *transition.Synapse) bool {
	return is == stepDone || is == stepFailed && unstoppable(s)
}

// unstoppable tells whether a synapse goes on when what it waits for failed, or when the
// transition is to end early: what tells a clone's instances that something was done to others
// of them, and the steps without effect on the way to it.
func unstoppable(s *transition.Synapse) bool {
	return s.Priority >= infinity && (s.Action.Operation == "notify" || s.Action.Kind == transition.Pseudo && s.Action.Operation != "stonith")
}

const infinity = 1000000

// next is the first open step after another where there is room; -1: there is none.
func (r *run) next(after int, full func(place string) bool) int {
	next := -1
	for at, list := range r.open {
		k, _ := slices.BinarySearch(list, after+1)
		if k < len(list) && (next < 0 || list[k] < next) && !full(at) {
			next = list[k]
		}
	}
	return next
}

// ready tells whether an open step may be fired.
func (r *run) ready(i int, now time.Time) bool {
	s := r.graph.Synapses[i]
	return r.left[i] == 0 && r.steps[i] == stepWaiting && (r.aborted == "" || unstoppable(s) || s.Action.Kind == transition.Pseudo || now.Before(r.looks) && probes(s.Action))
}

// probes tells whether an action only looks whether a resource runs.
func probes(a *transition.Action) bool {
	return a.Kind == transition.ResourceOp && a.Operation == "monitor" && a.Interval() == 0
}

func (r *run) abort(why string) {
	if r == nil {
		return
	}
	r.looks = time.Time{}
	if r.aborted == "" {
		r.aborted = why
	}
}

// lookOn is how long the other probes of a plan go on when one has found something.
const lookOn = 10 * time.Second

// found ends the transition as abort does when a probe has found what was not expected; but the next plan would have all other probes, too,
// so they go on for a while. With each that finds a service running another plan had to be made otherwise, while a whole cluster is looked at
// anew.
func (r *run) found(why string, now time.Time) {
	if r.aborted == "" {
		r.aborted, r.looks = why, now.Add(lookOn)
	}
}

// expire has a fired step count as lost at some time; zero: never.
func (r *run) expire(i int, at time.Time) {
	if r.late_[i] = at; !at.IsZero() {
		heap.Push(&r.due, late{at, i})
	}
}

func (r *run) holds(l late) bool { return r.steps[l.i] == stepFired && r.late_[l.i].Equal(l.at) }

// deadline is when the first fired step counts as lost; zero: none does.
func (r *run) deadline() time.Time {
	for r != nil && len(r.due) > 0 {
		if r.holds(r.due[0]) {
			return r.due[0].at
		}
		heap.Pop(&r.due)
	}
	return time.Time{}
}

// overdue takes out the steps that count as lost, in order.
func (r *run) overdue(now time.Time) []int {
	var out []int
	for len(r.due) > 0 && !r.due[0].at.After(now) {
		if l := heap.Pop(&r.due).(late); r.holds(l) {
			out = append(out, l.i)
		}
	}
	slices.Sort(out)
	return out
}

// lateness has the times of fired steps, the earliest first; some no longer hold.
type lateness []late

type late struct {
	at time.Time
	i  int
}

func (l lateness) Len() int           { return len(l) }
func (l lateness) Less(i, j int) bool { return l[i].at.Before(l[j].at) }
func (l lateness) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l *lateness) Push(x any)        { *l = append(*l, x.(late)) }
func (l *lateness) Pop() any {
	old := *l
	last := old[len(old)-1]
	*l = old[:len(old)-1]
	return last
}
