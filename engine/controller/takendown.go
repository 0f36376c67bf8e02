package controller

import (
	"regexp"
	"slices"
	"strings"

	"hacluster/cib/xml"
	"hacluster/engine/replica"
)

// What a plan does may take a node down, as the stop of the connection to a remote node does. That the node's attributes and history go with it
// is no news then: it asks for no other plan. So a remote node that shuts down in good order is left alone by the cluster, as by Pacemaker's,
// until something else has it plan, and is not connected to again at once, which would fail on one node after the other.

// takenDown tells whether a node was taken down by what was begun of the plan under way, or of the last one where there is none.
func (c *Controller) takenDown(node string) bool {
	r := c.run
	if r == nil {
		r = c.past
	}
	if r == nil || node == "" {
		return false
	}
	for i, s := range r.graph.Synapses {
		if (r.steps[i] == stepFired || r.steps[i] == stepDone) && (slices.Contains(s.Action.Downed, node) || slices.Contains(s.Action.Downed, c.nodeID(node))) {
			return true
		}
	}
	return false
}

// remoteTakenDown tells whether a change says of a remote node that it is not there, which a plan took down.
func (c *Controller) remoteTakenDown(ch replica.Change) bool {
	s := ch.Data
	return s != nil && s.Tag == "node_state" && remoteState(s) && s.SelectAttrValue("in_ccm", "") == "false" && c.takenDown(s.SelectAttrValue("uname", ""))
}

var stateOfNode = regexp.MustCompile(`/node_state\[@(?:uname|id)=`)

// nodeIn is the node whose state an XPath is about, by its name or id; "" where it is about none or several.
func nodeIn(section string) string {
	at := stateOfNode.FindAllStringIndex(section, -1)
	if len(at) != 1 {
		return ""
	}
	node, rest, ok := xml.UnquoteXPath(section[at[0][1]:])
	if !ok || !strings.HasPrefix(rest, "]") {
		return ""
	}
	return node
}
