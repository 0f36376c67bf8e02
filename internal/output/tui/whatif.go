package tui

import (
	"fmt"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/upgrade"
	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/engine/transition/dryrun"
)

// planFor is the plan for a document as the cluster would make it.
func (v *view) planFor(root *etree.Element) (*scheduler.Result, error) {
	if up, err := upgrade.ForScheduler(root); err == nil {
		root = up.Root
	}
	return scheduler.Plan(scheduler.Input{CIB: root, Now: v.At, NoScores: true})
}

// rounds is how many transitions a simulation follows at most.
const rounds = 5

// settle carries plans out on paper until there is nothing left to do; first is the
// summary of the first one.
func (v *view) settle(root *etree.Element) (end *status.Cluster, first []string, err error) {
	sim := &dryrun.Simulation{CIB: root, Now: v.At}
	for i := range rounds {
		p, err := v.planFor(sim.CIB)
		if err != nil {
			return nil, nil, err
		}
		if i == 0 {
			first = planLines(p)
		}
		if len(p.Graph.Synapses) == 0 {
			break
		}
		sim.Known = func(id string) bool { return p.Cluster.Find(id) != nil }
		sim.Execute(p.Graph)
	}
	return status.Read(status.Input{CIB: sim.CIB, Now: v.At}), first, nil
}

// ifDies draws what would become of the cluster if a node died: before and after.
func (v *view) ifDies(node string) []Line {
	s := &sheet{}
	s.title("If %s died now", node)
	n := v.c.FindNode(node)
	if n == nil {
		s.add(Warn, "  It is not there.")
		return s.lines
	}
	if !n.Online {
		s.add(Warn, "  It is not online; nothing would change.")
		return s.lines
	}
	q := v.votes()
	left := q.Total - 1
	changes := &dryrun.Changes{}
	fenced := v.c.Options.FencingEnabled && v.c.Options.HaveFencing
	if n.IsRemote {
		left = q.Total
	}
	quorum := "1"
	if left < q.Quorum {
		quorum = "0"
	}
	if v.c.Quorate {
		changes.Quorum = &quorum
	}
	switch {
	case fenced:
		changes.Lost = []string{node}
	default:
		changes.Down = []string{node}
	}
	if quorum == "1" {
		s.add(Good, "  The rest keeps quorum: %d of %d votes, %d needed.", left, q.Expected, q.Quorum)
	} else {
		s.add(Bad, "  The rest loses quorum: %d of %d votes, %d needed. no-quorum-policy is %s.", left, q.Expected, q.Quorum, v.c.Options.QuorumPolicy)
	}
	if !fenced {
		s.add(Bad, "  There is no fencing: what ran there might run there still, and elsewhere, too.")
	}
	root := v.Root.Copy()
	if err := (&dryrun.Simulation{CIB: root, Now: v.At}).Inject(changes, v.c); err != nil {
		s.add(Bad, "  It could not be worked out: %v", err)
		return s.lines
	}
	after, first, err := v.settle(root)
	if err != nil {
		s.add(Bad, "  It could not be worked out: %v", err)
		return s.lines
	}
	s.title("The cluster would")
	for _, l := range first {
		s.add(Plain, "  %s", strings.Join(strings.Fields(l), " "))
	}
	if len(first) == 0 {
		s.add(Faint, "  do nothing")
	}
	v.compare(s, after)
	return s.lines
}

// compare draws where everything is now, and where it would be.
func (v *view) compare(s *sheet, after *status.Cluster) {
	s.title("%-26s %-22s %s", "  Resource", "now", "then")
	for _, r := range v.c.All {
		if r.Kind != status.Primitive || r.Instance > 0 && len(r.Active) == 0 {
			continue
		}
		was, will := place(r), "gone"
		if o := after.FindExact(r.ID); o != nil {
			will = place(o)
		}
		mark, style := " ", Plain
		switch {
		case will == was:
		case strings.HasPrefix(will, "Stopped"), strings.HasPrefix(will, "unknown"), will == "gone":
			mark, style = "!", Bad
		default:
			mark, style = "*", Warn
		}
		s.add(style, "%s %-24s %-22s %s", mark, r.ID, was, will)
		s.about(Subject{Kind: Resource, ID: r.ID})
	}
}

func place(r *status.Resource) string {
	role := r.ShownRole()
	if len(r.Active) == 0 {
		return role.String()
	}
	if n := r.Active[0]; n.Unclean && !n.Online {
		return "unknown (" + n.Name + ")"
	}
	return fmt.Sprintf("%s %s", role, names(r.Active))
}
