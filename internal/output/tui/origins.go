package tui

import (
	"fmt"

	"hacluster/engine/status"
)

// why are the pieces of the score that a resource has on a node, as the plan looked at it last.
func (v *view) why(id, node string) []status.Origin {
	p, err := v.planned()
	if err != nil {
		return nil
	}
	for i := len(p.Scores) - 1; i >= 0; i-- {
		l := p.Scores[i]
		if l.Resource == id && l.Node == node && l.Function != "promotion" && l.Function != "capacity" && l.Function != "utilization" {
			return v.trace.Origins(l.Why)
		}
	}
	return nil
}

// bannedBy names what keeps a resource from a node; "" if nothing does.
func (v *view) bannedBy(r *status.Resource, node string) string {
	list := v.why(r.ID, node)
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Score <= -1000000 {
			return v.originText(list[i])
		}
	}
	return ""
}

var originWords = map[status.OriginCode]string{
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
}

// goes says where the plan has a resource.
func (v *view) goes(id string) string {
	p, err := v.planned()
	if err != nil {
		return ""
	}
	r := p.Cluster.FindExact(id)
	switch {
	case r == nil || r.Kind != status.Primitive:
		return ""
	case r.Assigned == nil:
		return ", which has no node"
	}
	return ", which goes to " + r.Assigned.Name
}

// originText says where a piece of a score comes from.
func (v *view) originText(o status.Origin) string {
	switch o.Code {
	case status.OriginNodeState:
		return "the node is " + o.ID
	case status.OriginLocation:
		return "location constraint " + o.ID
	case status.OriginHealth:
		return "health of the node, by strategy " + o.ID
	case status.OriginColocation:
		if len(o.ID) > 0 && o.ID[0] == '#' {
			return "together with " + o.Resource + v.goes(o.Resource)
		}
		return fmt.Sprintf("colocation %s with %s%s", o.ID, o.Resource, v.goes(o.Resource))
	case status.OriginPromotion:
		return "promotion score " + o.ID
	case status.OriginFailure:
		return "failure " + o.ID
	case status.OriginTicket:
		return "ticket constraint " + o.ID
	case status.OriginDiscovery:
		return "resource-discovery " + o.ID
	case status.OriginContainer:
		return "tied to the container " + o.Resource
	}
	if w := originWords[o.Code]; w != "" {
		return w
	}
	return string(o.Code)
}
