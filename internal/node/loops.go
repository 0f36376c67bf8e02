package node

import (
	"slices"
	"strings"

	"hacluster/engine/transition"
)

// withoutLoops has stops, and demotions, of clones and groups, too, wait for no start or probe that waits for them. The scheduler, as Pacemaker's, makes
// such plans where a connection to a remote node is to be recovered or moved: probes are done before what is ordered
// after the probed resource is restarted, though they need the connection, which waits for that stop; or what was migrated away
// from one remote node is stopped when the connection to the other has moved, which waits for the stop. No step of the loop
// would ever be done. To stop early is safe.
func withoutLoops(g *transition.Graph, logf func(format string, args ...any)) {
	for _, loop := range loops(g) {
		for _, i := range loop {
			s := g.Synapses[i]
			if !ends(s.Action) {
				continue
			}
			left := slices.DeleteFunc(slices.Clone(s.Inputs), func(in *transition.Action) bool {
				return slices.ContainsFunc(loop, func(j int) bool { return g.Synapses[j].Action.ID == in.ID }) && spare(s.Action, in)
			})
			if len(left) < len(s.Inputs) {
				logf("scheduler: %s waits for nothing that waits for it", strings.TrimSuffix(s.Action.Key+" on "+s.Action.Node, " on "))
				s.Inputs = left
			}
		}
	}
}

// ends tells whether a step is a stop or a demotion, or one of those that hold the stops of a clone or group together.
func ends(a *transition.Action) bool {
	switch a.Operation {
	case "stop", "demote":
		return a.Kind == transition.ResourceOp || a.Kind == transition.Pseudo
	case "stopped", "demoted":
		return a.Kind == transition.Pseudo
	}
	return false
}

// spare tells whether the stop of a resource can do without what it is to come after: starts and probes of
// others, but for the connection to where it is done.
func spare(stop, before *transition.Action) bool {
	if stop.Kind == transition.ResourceOp && before.Resource != nil && (before.Resource.ID == stop.Resource.ID || before.Resource.ID == stop.Node) {
		return false
	}
	switch before.Operation {
	case "start", "running", "promote", "promoted":
		return true
	case "monitor":
		return before.Interval() == 0
	}
	return false
}

// migrations are the primitives whose live migration is among steps that wait for each other: while a resource that it depends
// on is to leave the node only after it, and to come up elsewhere before it, it cannot be in both places.
func migrations(g *transition.Graph) []string {
	var out []string
	for _, loop := range loops(g) {
		for _, i := range loop {
			if a := g.Synapses[i].Action; a.Kind == transition.ResourceOp && a.Operation == "migrate_to" && a.Resource != nil {
				id, _, _ := strings.Cut(a.Resource.ID, ":")
				out = append(out, id)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// reconnected has a connection to a remote node end without what was to be done over it and cannot be, for the node cannot be
// reached and is not fenced: stops, and migrations that were given up. Without a new connection nobody would ever stop what runs there.
func reconnected(g *transition.Graph) {
	in := map[int]bool{}
	for _, s := range g.Synapses {
		in[s.Action.ID] = true
	}
	for _, s := range g.Synapses {
		a := s.Action
		if a.Operation != "stop" || !a.Resource.Connects() {
			continue
		}
		s.Inputs = slices.DeleteFunc(s.Inputs, func(before *transition.Action) bool {
			return !in[before.ID] && before.Node == a.Resource.ID
		})
	}
}

// loops finds the sets of steps of a graph, by their places, that wait for each other (Tarjan's strongly connected components).
func loops(g *transition.Graph) [][]int {
	n := len(g.Synapses)
	place := make(map[int]int, n)
	for i, s := range g.Synapses {
		place[s.Action.ID] = i
	}
	var out [][]int
	var stack []int
	order, low, on := make([]int, n), make([]int, n), make([]bool, n) // order 0: not seen
	count := 0
	var visit func(i int)
	visit = func(i int) {
		count++
		order[i], low[i], on[i] = count, count, true
		stack = append(stack, i)
		for _, in := range g.Synapses[i].Inputs {
			j, ok := place[in.ID]
			switch {
			case !ok:
			case order[j] == 0:
				visit(j)
				low[i] = min(low[i], low[j])
			case on[j]:
				low[i] = min(low[i], order[j])
			}
		}
		if low[i] != order[i] {
			return
		}
		at := slices.Index(stack, i)
		loop := slices.Clone(stack[at:])
		stack = stack[:at]
		for _, j := range loop {
			on[j] = false
		}
		if len(loop) > 1 {
			out = append(out, loop)
		}
	}
	for i := range n {
		if order[i] == 0 {
			visit(i)
		}
	}
	return out
}
