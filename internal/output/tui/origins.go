package tui

import (
	"hacluster/engine/status"
	"hacluster/internal/output/origin"
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

// originText says where a piece of a score comes from.
func (v *view) originText(o status.Origin) string {
	p, err := v.planned()
	if err != nil {
		return origin.Text(o, nil)
	}
	return origin.Text(o, origin.Goes(p.Cluster))
}
