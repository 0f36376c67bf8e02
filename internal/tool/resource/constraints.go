package resource

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hacluster/engine/status"
	"hacluster/internal/tool"
)

// web shows the constraints of a resource and of those that it is drawn to, or
// that are drawn to it.
type web struct {
	*call
	seen map[*status.Resource]bool
}

// line is a line of text at a depth of lists.
func (w *web) line(depth int, format string, args ...any) {
	bullet := ""
	if depth > 0 {
		bullet = strings.Repeat("  ", depth) + "* "
	}
	w.out.Print("%s%s\n", bullet, fmt.Sprintf(format, args...))
}

// showConstraints shows locations and colocations, of the resource at the top unless forced.
func (c *call) showConstraints(context.Context) error {
	r := c.rsc
	if !c.force {
		r = r.Top(false)
	}
	w := &web{call: c}
	all := c.out.Element("constraints")
	add := func(tag string, attrs ...string) { tool.Add(all, tag, attrs...) }
	w.locations(r, 0, add)
	w.seen = map[*status.Resource]bool{}
	w.colocations(r, 0, true, add)
	w.seen = map[*status.Resource]bool{}
	w.colocations(r, 0, false, add)
	return nil
}

// adder adds an element to what XML shows.
type adder func(tag string, attrs ...string)

// locations shows a resource's location constraints, the newest first.
func (w *web) locations(r *status.Resource, depth int, add adder) {
	begun := false
	for _, l := range slices.Backward(r.Locations) {
		if l.ID == w.cluster.Options.HealthStrategy {
			continue // what the health of nodes forbids is no constraint of the configuration
		}
		for _, n := range l.Nodes {
			if !begun {
				begun = true
				w.line(depth, "Locations:")
			}
			score := status.ScoreText(n.Score)
			w.line(depth+1, "Node %s (score=%s, id=%s, rsc=%s)", n.Node.Name, score, l.ID, r.ID)
			add("rsc_location", "node", n.Node.Name, "rsc", r.ID, "id", l.ID, "score", score)
		}
	}
}

// colocations shows what is placed with a resource (dependents), or what it is placed with.
func (w *web) colocations(r *status.Resource, depth int, dependents bool, add adder) {
	if w.seen[r] {
		return
	}
	w.seen[r] = true
	list, heading, role := r.ThisWith, "Resources "+r.ID+" is colocated with:", "with"
	if dependents {
		list, heading, role = r.WithThis, "Resources colocated with "+r.ID+":", "needs"
	}
	for i, k := range list {
		if i == 0 {
			w.line(depth, "%s", heading)
		}
		other := k.Primary
		if dependents {
			other = k.Dependent
		}
		known := func(r status.Role) string {
			if r == status.RoleUnknown {
				return ""
			}
			return r.String()
		}
		score := status.ScoreText(k.Score)
		add("rsc_colocation", "id", k.ID, "rsc", k.Dependent.ID, "with-rsc", k.Primary.ID, "score", score, "node-attribute", k.Attr,
			"rsc-role?", known(k.DependentRole), "with-rsc-role?", known(k.PrimaryRole))
		if w.seen[other] {
			w.line(depth+1, "%s (id=%s - loop)", other.ID, k.ID)
			continue
		}
		needs := ""
		if k.PrimaryRole > status.RoleStarted {
			needs = fmt.Sprintf("%s role=%s, ", role, k.PrimaryRole)
		}
		w.line(depth+1, "%s (score=%s, %sid=%s)", other.ID, score, needs, k.ID)
		w.locations(other, depth+2, add)
		if w.recursive {
			w.colocations(other, depth+2, dependents, add)
		}
	}
}
