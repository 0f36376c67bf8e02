package resource

import (
	"context"

	"hacluster/engine/status"
	"hacluster/internal/tool"
)

// spot is a node where a resource is active.
type spot struct {
	node     *status.Node
	promoted bool
}

// spots are the places of a resource, the last found first; a clone's are those of
// all its instances, also if it is called by the name that they have in common.
func spots(r *status.Resource, name string) (list []spot) {
	of := []*status.Resource{r}
	top := r.Top(false)
	switch {
	case r.IsClone():
		of = r.Children
	case top.IsClone() && !r.Has(status.Unique) && r.HistoryID != "" && name == r.HistoryID && name != r.ID:
		of = top.Children
	}
	for _, k := range of {
		promoted := k.Has(status.Promotable) && status.RoleOf(k, true) == status.RolePromoted
		for _, n := range k.Active {
			list = append([]spot{{n, promoted}}, list...)
		}
	}
	return list
}

// locate tells where a resource runs.
func (c *call) locate(context.Context) error {
	list := spots(c.rsc, c.resource)
	nodes := c.out.Element("nodes", "resource", c.resource)
	if len(list) == 0 && !c.quiet && !c.out.XML() {
		c.out.Fault("resource %s is NOT running", c.resource)
	}
	for _, s := range list {
		e := tool.Add(nodes, "node")
		e.SetText(s.node.Name)
		role := ""
		if s.promoted {
			e.CreateAttr("state", "promoted")
			role = " Promoted"
		}
		if c.quiet {
			c.out.Print("%s\n", s.node.Name)
		} else {
			c.out.Print("resource %s is running on: %s%s\n", c.resource, s.node.Name, role)
		}
	}
	return nil
}
