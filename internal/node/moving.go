package node

import (
	"slices"

	"hacluster/engine/transition"
)

// beforeMoves has a connection to a remote node move live only when what is to be done over it on the node that has it has ended. The scheduler, as Pacemaker's,
// orders no demotion before that: whoever the connection moves away from tells nothing of that remote node any more, so the demotion counted as
// lost, two minutes later, and as failed. What waits for the move itself does not hold it up.
func beforeMoves(g *transition.Graph) {
	byID := map[int]*transition.Synapse{}
	for _, s := range g.Synapses {
		byID[s.Action.ID] = s
	}
	for _, move := range g.Synapses {
		m := move.Action
		if m.Kind != transition.ResourceOp || m.Operation != "migrate_to" || !m.Resource.Connects() {
			continue
		}
		for _, s := range g.Synapses {
			a := s.Action
			if a.Kind == transition.ResourceOp && a.Node == m.Resource.ID && a.Router == m.Node && !slices.Contains(move.Inputs, a) && !waits(byID, s, m.ID, map[int]bool{}) {
				move.Inputs = append(move.Inputs, a)
			}
		}
		slices.SortFunc(move.Inputs, func(x, y *transition.Action) int { return x.ID - y.ID })
	}
}
