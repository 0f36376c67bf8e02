package node

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/engine/transition"
)

// A live migration has two halves, and the scheduler, as Pacemaker's, knows by the first of them, which is in the history of the source, that
// the resource may come up on the target. When the source was fenced, or came back with a new history, while the second half is
// under way, only the target's history tells of that, and to the scheduler the resource runs nowhere. So nothing starts it
// elsewhere before that half has ended, which has a new plan made, or its node was fenced.

// afterMigrations takes the starts of resources out of a plan that are coming up on another node, with all that waits for
// them; where that node is to be fenced, they wait for it. logf tells of it.
func afterMigrations(root *etree.Element, r *scheduler.Result, logf func(format string, args ...any)) {
	halves := incoming(root)
	if len(halves) == 0 {
		return
	}
	find := func(operation, resource, node string) *transition.Action {
		for _, s := range r.Graph.Synapses {
			if a := s.Action; a.Operation == operation && a.Node == node && (resource == "" || a.Resource != nil && a.Resource.ID == resource) {
				return a
			}
		}
		return nil
	}
	gone := map[int]bool{}
	for _, s := range r.Graph.Synapses {
		a := s.Action
		if a.Kind != transition.ResourceOp || a.Operation != "start" || a.Resource == nil {
			continue
		}
		for _, node := range halves[a.Resource.ID] {
			n := r.Cluster.FindNode(node)
			if node == a.Node || n == nil || find("stop", a.Resource.ID, node) != nil {
				continue
			}
			if fencing := find("stonith", "", node); fencing != nil {
				if !slices.Contains(s.Inputs, fencing) {
					s.Inputs = append(s.Inputs, fencing)
				}
			} else if n.Online {
				logf("scheduler: %s is not started on %s before its migration to %s has ended", a.Resource.ID, a.Node, node)
				gone[a.ID] = true
			}
		}
	}
	withoutSteps(r.Graph, gone)
}

// secondHalves are the primitives of which a plan has the second half of a live migration alone, and no history tells that the first was
// done. The scheduler, as Pacemaker's, makes such plans where the connection to the target, a remote node, ends: what is to be done there comes
// before that, so it needs the second half, which does not count as part of a migration any more and does not need the first one. It would
// run beside the source, or fail, and have the target fenced, with each plan anew.
func secondHalves(r *scheduler.Result) []string {
	inGraph := map[int]bool{}
	for _, s := range r.Graph.Synapses {
		inGraph[s.Action.ID] = true
	}
	first := map[*status.Resource]bool{}
	for _, a := range r.Actions {
		if a.Task == "migrate_to" && inGraph[a.ID] {
			first[a.Resource] = true
		}
	}
	var out []string
	for _, a := range r.Actions {
		if a.Task == "migrate_from" && inGraph[a.ID] && a.Resource.PartialTarget == nil && !first[a.Resource] {
			id, _, _ := strings.Cut(a.Resource.ID, ":")
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// incoming are the nodes on which a live migration is under way to them, as their histories say, by the primitive.
func incoming(root *etree.Element) map[string][]string {
	st := cib.Section(root, "status")
	if st == nil {
		return nil
	}
	out := map[string][]string{}
	for _, state := range st.SelectElements("node_state") {
		for _, h := range state.FindElements("lrm/lrm_resources/lrm_resource") {
			for _, op := range h.SelectElements("lrm_rsc_op") {
				if op.SelectAttrValue("operation", "") == "migrate_from" && op.SelectAttrValue("op-status", "") == "-1" {
					id := h.SelectAttrValue("id", "")
					out[id] = append(out[id], state.SelectAttrValue("uname", ""))
				}
			}
		}
	}
	return out
}

// withoutSteps takes steps out of a graph, by their actions' numbers, with all that waits for them.
func withoutSteps(g *transition.Graph, gone map[int]bool) {
	for n := 0; n != len(gone); {
		n = len(gone)
		for _, s := range g.Synapses {
			if slices.ContainsFunc(s.Inputs, func(in *transition.Action) bool { return gone[in.ID] }) {
				gone[s.Action.ID] = true
			}
		}
	}
	g.Synapses = slices.DeleteFunc(g.Synapses, func(s *transition.Synapse) bool { return gone[s.Action.ID] })
}
