// Package origin says where scores and actions come from: the words for what a plan's trace
// records, for all screens that explain a plan.
package origin

import (
	"hacluster/engine/status"
)

var words = map[status.OriginCode]string{
	status.OriginDefault:     "every node is allowed",
	status.OriginNodeScore:   "score of the node",
	status.OriginStickiness:  "resource-stickiness: it is there",
	status.OriginPriority:    "priority",
	status.OriginThreshold:   "failed there as often as migration-threshold allows",
	status.OriginTargetRole:  "target-role: it is not to run",
	status.OriginUnmanaged:   "not managed: it stays where it is",
	status.OriginLock:        "locked to the node that shuts down",
	status.OriginMultiple:    "active in too many places",
	status.OriginRemoved:     "removed from the configuration",
	status.OriginUtilization: "the node has no room for it (utilization)",
	status.OriginCloneRoom:   "no further instance of the clone may be there",
	status.OriginCloneMax:    "as many instances as clone-max are placed",
	status.OriginKind:        "not on a Pacemaker Remote node",
	status.OriginNoNode:      "the instance has no node",

	status.OriginPlacement: "its node or its role changes",
	status.OriginProbe:     "its state there is not known",
	status.OriginShutdown:  "the node shuts down",
	status.OriginQuorum:    "no-quorum-policy: the partition has no quorum",
	status.OriginMigration: "a live migration is under way or broken off",
	status.OriginRequested: "somebody asked for it",
	status.OriginNotify:    "the clone wants notifications",
	status.OriginUnfencing: "the node is to be unfenced first",
}

// Text says where a piece of a score, or what becomes of an action, comes from. Of another
// resource it tells what goes says, such as ", which goes to node1"; nil is nothing.
func Text(o status.Origin, goes func(resource string) string) string {
	if goes == nil {
		goes = func(string) string { return "" }
	}
	switch o.Code {
	case status.OriginNodeState:
		return "the node is " + o.ID
	case status.OriginLocation:
		return "location constraint " + o.ID
	case status.OriginHealth:
		return "health of the node, by strategy " + o.ID
	case status.OriginColocation:
		if len(o.ID) > 0 && o.ID[0] == '#' {
			return "together with " + o.Resource + goes(o.Resource)
		}
		return "colocation " + o.ID + " with " + o.Resource + goes(o.Resource)
	case status.OriginPromotion:
		return "promotion score " + o.ID
	case status.OriginFailure:
		return "failure " + o.ID
	case status.OriginTicket:
		return "ticket constraint " + o.ID
	case status.OriginDiscovery:
		return "resource-discovery " + o.ID
	case status.OriginContainer:
		if o.Resource == "" {
			return "tied to its container"
		}
		return "tied to the container " + o.Resource
	case status.OriginOrdering:
		switch {
		case o.Action == "":
			return "it is ordered"
		case o.ID == "":
			return "order with " + o.Action
		}
		return "order " + o.ID + " with " + o.Action
	case status.OriginDefinition:
		if o.ID == "" {
			return "its definition changed"
		}
		return "its definition changed since " + o.ID
	case status.OriginMonitor:
		if o.ID == "" {
			return "a recurring operation is not configured like that any more"
		}
		return "recurring operation " + o.ID
	}
	if w := words[o.Code]; w != "" {
		return w
	}
	return string(o.Code)
}

// Goes says for Text where a plan has resources.
func Goes(c *status.Cluster) func(resource string) string {
	return func(id string) string {
		r := c.FindExact(id)
		switch {
		case r == nil || r.Kind != status.Primitive:
			return ""
		case r.Assigned == nil:
			return ", which has no node"
		}
		return ", which goes to " + r.Assigned.Name
	}
}
