package node

import (
	"slices"

	"hacluster/engine/scheduler"
	"hacluster/engine/transition"
)

// afterGuests has the fencing of a guest wait for the probes of the resource that it is, a virtual machine. What ran on a guest is started elsewhere
// when that counts as fenced, which it does when the machine is stopped. Where a node came back with a new history it is not known whether the machine
// runs there, and to the scheduler, as to Pacemaker's, it is stopped. A probe that finds it ends the plan. One on a remote node that is connected to after that fencing is not waited
// for.
func afterGuests(r *scheduler.Result) {
	byID := map[int]*transition.Synapse{}
	probes := map[string][]*transition.Synapse{} // by the resource
	for _, s := range r.Graph.Synapses {
		byID[s.Action.ID] = s
		if a := s.Action; a.Kind == transition.ResourceOp && a.Operation == "monitor" && a.Interval() == 0 && a.Resource != nil {
			probes[a.Resource.ID] = append(probes[a.Resource.ID], s)
		}
	}
	for _, s := range r.Graph.Synapses {
		n := r.Cluster.FindNode(s.Action.Node)
		if s.Action.Operation != "stonith" || !n.IsGuest() {
			continue
		}
		for _, probe := range probes[n.Conn.Launcher.ID] {
			if !slices.Contains(s.Inputs, probe.Action) && !waits(byID, probe, s.Action.ID, map[int]bool{}) {
				s.Inputs = append(s.Inputs, probe.Action)
			}
		}
	}
}
