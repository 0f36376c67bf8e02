package node

import (
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

// withoutAssumed takes the starts of resources out of a plan that only a failed probe takes for
// active while quorum is frozen, with all that waits for them.
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
		}
	}
	withoutSteps(r.Graph, gone)
}

// assumed tells that a probe of a resource failed on a node that is here, and that nothing else
// tells that it was active on one of those.
func assumed(root *etree.Element, c *status.Cluster, resource string) bool {
	base := func(id string) string {
		id, _, _ = strings.Cut(id, ":")
		return id
	}
	st := cib.Section(root, "status")
	if st == nil {
		return false
	}
	failed := false
	for _, state := range st.SelectElements("node_state") {
		if n := c.FindNode(state.SelectAttrValue("uname", "")); n == nil || !n.Online {
			continue
		}
		for _, h := range state.FindElements("lrm/lrm_resources/lrm_resource") {
			if base(h.SelectAttrValue("id", "")) != base(resource) {
				continue
			}
			for _, op := range h.SelectElements("lrm_rsc_op") {
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
		}
	}
	return failed
}
