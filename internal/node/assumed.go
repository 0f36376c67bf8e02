package node

import (
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/engine/transition"
	"hacluster/ocf"
)

// Without quorum, no-quorum-policy=freeze lets recover what is active in the partition. To the
// scheduler, as to Pacemaker's, a resource is active where a probe of it failed. That is right for
// stopping it; but a probe that failed does not tell that it was active here, and not on one of the
// nodes that cannot be seen nor fenced. So it is stopped, and not started before there is quorum.
// Nor is what was migrating live to a node that is lost, and may have come up there: to the scheduler it has failed here.

// withoutAssumed takes the starts of resources out of a plan that only a failed probe takes for
// active while quorum is frozen, or that were migrating to a node that is lost, with all that waits for them.
func withoutAssumed(root *etree.Element, r *scheduler.Result, logf func(format string, args ...any)) {
	c := r.Cluster
	if c.Quorate || c.Options.QuorumPolicy != status.QuorumFreeze {
		return
	}
	gone := map[int]bool{}
	for _, s := range r.Graph.Synapses {
		a := s.Action
		if a.Kind != transition.ResourceOp || a.Operation != "start" || a.Resource == nil {
			continue
		}
		if of := c.Find(a.Resource.ID); of == nil || of.Requires == status.RequiresNothing {
			continue
		}
		if assumed(root, c, a.Resource.ID) {
			logf("scheduler: %s is not started on %s before there is quorum: only a probe that failed speaks for its having run here", a.Resource.ID, a.Node)
			gone[a.ID] = true
		} else if target := departed(root, c, a.Resource.ID); target != "" {
			logf("scheduler: %s is not started on %s before there is quorum: it was migrating to %s, and may be there", a.Resource.ID, a.Node, target)
			gone[a.ID] = true
		}
	}
	withoutSteps(r.Graph, gone)
}

// departed gives the node to which a resource was migrating live from one that is here, and which is lost and may have started it; "": there is none.
// What a node did with the resource after the first half of the migration tells that it was here again.
func departed(root *etree.Element, c *status.Cluster, resource string) string {
	call := func(op *etree.Element) int {
		n, _ := strconv.Atoi(op.SelectAttrValue("call-id", ""))
		return n
	}
	for _, ops := range historiesHere(root, c, resource) {
		for _, op := range ops {
			target := op.SelectAttrValue("migrate_target", "")
			n := c.FindNode(target)
			if op.SelectAttrValue("operation", "") != "migrate_to" || n == nil || n.Online || !n.Unclean && !n.ExpectedUp {
				continue
			}
			back := func(o *etree.Element) bool {
				task := o.SelectAttrValue("operation", "")
				return (task == "start" || task == "migrate_from") && call(o) > call(op)
			}
			if !slices.ContainsFunc(ops, back) {
				return target
			}
		}
	}
	return ""
}

// historiesHere are what the nodes that are here did with a resource, or with an instance of the same: the entries of each history.
func historiesHere(root *etree.Element, c *status.Cluster, resource string) [][]*etree.Element {
	base := func(id string) string {
		id, _, _ = strings.Cut(id, ":")
		return id
	}
	st := cib.Section(root, "status")
	if st == nil {
		return nil
	}
	var out [][]*etree.Element
	for _, state := range st.SelectElements("node_state") {
		if n := c.FindNode(state.SelectAttrValue("uname", "")); n == nil || !n.Online {
			continue
		}
		for _, h := range state.FindElements("lrm/lrm_resources/lrm_resource") {
			if base(h.SelectAttrValue("id", "")) == base(resource) {
				out = append(out, h.SelectElements("lrm_rsc_op"))
			}
		}
	}
	return out
}

// assumed tells that a probe of a resource failed on a node that is here, and that nothing else
// tells that it was active on one of those.
func assumed(root *etree.Element, c *status.Cluster, resource string) bool {
	failed := false
	for _, op := range slices.Concat(historiesHere(root, c, resource)...) {
		switch task := op.SelectAttrValue("operation", ""); {
		case task == "stop":
		case task != "monitor" || op.SelectAttrValue("interval", "0") != "0":
			return false // it was begun here
		default:
			code, err := strconv.Atoi(op.SelectAttrValue("rc-code", ""))
			if err != nil || op.SelectAttrValue("op-status", "") == "-1" {
				continue // it is under way
			}
			switch code {
			case ocf.CodeNotRunning:
			case ocf.CodeOK, ocf.CodeRunningPromoted, ocf.CodeFailedPromoted, ocf.CodeDegraded, ocf.CodeDegradedPromo:
				return false // it was found
			default:
				failed = true
			}
		}
	}
	return failed
}
