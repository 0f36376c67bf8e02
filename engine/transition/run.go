package transition

import (
	"strconv"
	"strings"
)

// Outcome says how the execution of an action went.
type Outcome int8

// The outcomes of an action.
const (
	Done   Outcome = iota
	Failed         // it was executed, with another result than expected
	Broken         // it could not be executed at all
)

// End says how a transition ended.
type End int8

// The ends of a transition.
const (
	Complete   End = iota
	Terminated     // actions are left that wait for each other
)

// infinity is the priority of actions that go on after a failure.
const infinity = 1000000

// Run executes a graph at once: do is called for one action after the other,
// in the order that a cluster would start them in if each took no time.
func (g *Graph) Run(do func(*Action) Outcome) End {
	n := len(g.Synapses)
	const (
		waiting = iota
		fired
	)
	state := make([]uint8, n)
	missing := make([]int, n)
	users := make(map[int][]int, n) // by id of an action: the synapses that wait for it
	for i, s := range g.Synapses {
		missing[i] = len(s.Inputs)
		for _, in := range s.Inputs {
			users[in.ID] = append(users[in.ID], i)
		}
	}
	abort, left := 0, n
	for {
		count := 0
		for i, s := range g.Synapses {
			if state[i] != waiting || missing[i] > 0 || (s.Action.Kind != Pseudo && s.Priority < abort) {
				continue
			}
			state[i] = fired
			left--
			outcome := do(s.Action)
			if outcome != Done {
				abort = infinity
			}
			if outcome == Broken {
				continue
			}
			count++
			for _, u := range users[s.Action.ID] {
				if outcome == Done || g.Synapses[u].Priority == infinity {
					missing[u]--
				}
			}
		}
		if count == 0 {
			break
		}
	}
	if left > 0 && abort <= 0 {
		return Terminated
	}
	return Complete
}

// ParseKey takes the key of an operation apart: RESOURCE_TASK_INTERVAL. Names
// of resources and tasks may hold underscores themselves.
func ParseKey(key string) (resource, task string, ms uint32, ok bool) {
	if len(key) < 5 {
		return "", "", 0, false
	}
	last := strings.LastIndexByte(key[:len(key)-1], '_')
	if last <= 2 {
		return "", "", 0, false
	}
	n, err := strconv.ParseUint(key[last+1:], 10, 32)
	if err != nil {
		return "", "", 0, false
	}
	before := func(end int, names ...string) int {
		for _, name := range names {
			if at := end - len(name) - 1; at > 0 && key[at] == '_' && key[at+1:end] == name {
				return at
			}
		}
		return 0
	}
	at := before(last, "migrate_from", "migrate_to")
	if at == 0 {
		at = strings.LastIndexByte(key[:last-1], '_')
		if at <= 0 {
			return "", "", 0, false
		}
	}
	if b := before(at, "pre_notify", "post_notify", "confirmed-pre_notify", "confirmed-post_notify"); b != 0 {
		at = b
	}
	return key[:at], key[at+1 : last], uint32(n), true
}
