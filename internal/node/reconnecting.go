package node

import (
	"slices"

	"hacluster/engine/transition"
)

// afterReconnections has a connection to a remote node that is to end in two places do so without what is to be done over it, and
// takes that out of the plan, and all starts and promotions, with all that waits for them, but for what the new connection needs. Parts of
// a cluster that have met may both have been connected: then both tell what runs there, and one is wrong, and orders may go to the one
// that is not connected any more. When the node is connected again, it is looked anew, and planned. logf tells of it.
func afterReconnections(g *transition.Graph, logf func(format string, args ...any)) {
	ends := map[string]map[string]bool{}
	for _, s := range g.Synapses {
		if a := s.Action; a.Kind == transition.ResourceOp && a.Operation == "stop" && a.Resource.Connects() {
			if ends[a.Resource.ID] == nil {
				ends[a.Resource.ID] = map[string]bool{}
			}
			ends[a.Resource.ID][a.Node] = true
		}
	}
	byID := map[int]*transition.Synapse{}
	needed := map[int]bool{}
	for _, s := range g.Synapses {
		byID[s.Action.ID] = s
	}
	var need func(s *transition.Synapse)
	need = func(s *transition.Synapse) {
		if s == nil || needed[s.Action.ID] {
			return
		}
		needed[s.Action.ID] = true
		for _, in := range s.Inputs {
			need(byID[in.ID])
		}
	}
	begins := map[string]*transition.Synapse{}
	for _, s := range g.Synapses {
		if a := s.Action; a.Kind == transition.ResourceOp && a.Operation == "start" && a.Resource.Connects() && len(ends[a.Resource.ID]) > 1 {
			logf("scheduler: %s is connected to from two places: nothing else is started before it is from one", a.Resource.ID)
			begins[a.Resource.ID] = s
		}
	}
	if len(begins) == 0 {
		return
	}
	for _, s := range g.Synapses {
		if a := s.Action; a.Operation == "stop" && a.Resource.Connects() && begins[a.Resource.ID] != nil {
			s.Inputs = slices.DeleteFunc(s.Inputs, func(before *transition.Action) bool { return before.Node == a.Resource.ID })
		}
	}
	for _, s := range begins {
		need(s)
	}
	gone := map[int]bool{}
	for _, s := range g.Synapses {
		a := s.Action
		if a.Kind != transition.ResourceOp || a.Resource == nil || a.Resource.Connects() || a.Resource.Class == "stonith" || needed[a.ID] {
			continue
		}
		switch {
		case begins[a.Node] != nil:
			gone[a.ID] = true
		case a.Operation == "start", a.Operation == "promote", a.Operation == "migrate_to", a.Operation == "migrate_from":
			gone[a.ID] = true
		}
	}
	withoutSteps(g, gone)
}
