package node

import (
	"slices"
	"strings"

	"hacluster/engine/transition"
)

// afterProbes has promotions wait for the probes of the same clone on other nodes, and a node's leaving for all
// probes there. The scheduler, as Pacemaker's, lets them begin while it is being looked what runs on a node whose
// history was refreshed, or that came back. A probe that finds something ends the plan, and the next one
// demotes or stops that first.
func afterProbes(g *transition.Graph) {
	clone := func(a *transition.Action) string {
		if a.Resource == nil {
			return ""
		}
		id, _, _ := strings.Cut(a.Resource.ID, ":")
		return id
	}
	byID := map[int]*transition.Synapse{}
	var probes []*transition.Synapse
	for _, s := range g.Synapses {
		byID[s.Action.ID] = s
		if a := s.Action; a.Kind == transition.ResourceOp && a.Operation == "monitor" && a.Interval() == 0 {
			probes = append(probes, s)
		}
	}
	if len(probes) == 0 {
		return
	}
	for _, s := range g.Synapses {
		var concerns func(probe *transition.Action) bool
		switch a := s.Action; {
		case a.Kind == transition.ResourceOp && a.Operation == "promote":
			concerns = func(p *transition.Action) bool { return clone(p) == clone(a) && p.Node != a.Node }
		case a.Operation == "do_shutdown":
			concerns = func(p *transition.Action) bool { return p.Node == a.Node }
		default:
			continue
		}
		for _, p := range probes {
			if !concerns(p.Action) || slices.Contains(s.Inputs, p.Action) || waits(byID, p, s.Action.ID, map[int]bool{}) {
				continue
			}
			s.Inputs = append(s.Inputs, p.Action)
		}
	}
}

// waits tells whether a step waits for an action, over others or not.
func waits(byID map[int]*transition.Synapse, s *transition.Synapse, action int, seen map[int]bool) bool {
	if seen[s.Action.ID] {
		return false
	}
	seen[s.Action.ID] = true
	return slices.ContainsFunc(s.Inputs, func(in *transition.Action) bool {
		next := byID[in.ID]
		return in.ID == action || next != nil && waits(byID, next, action, seen)
	})
}
