// Package preview tells what a cluster would do with another CIB: the scheduler plans, and the plan
// is carried out on paper.
package preview

import (
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/engine/transition"
	"hacluster/engine/transition/dryrun"
	"hacluster/internal/output/simulate"
	"hacluster/internal/pcs/report"
)

// Operation is a step of the plan.
type Operation struct {
	ID       int
	Resource string // as configured, without an instance's number
	Long     string // the instance
	Task     string // start, stop, promote, demote, migrate_to or migrate_from
	Node     string
}

// Result is what would happen.
type Result struct {
	// Text is the page that crm_simulate prints.
	Text       string
	Operations []Operation
	// After is the CIB when all is done.
	After *etree.Element
}

var tasks = []string{"start", "stop", "promote", "demote", "migrate_from", "migrate_to"}

// Run plans and executes on a copy of root.
func Run(root *etree.Element) (*Result, error) {
	var b strings.Builder
	out := &simulate.Text{W: &b}
	cib := root.Copy()
	now := time.Now()
	read := func() *status.Cluster {
		return status.Read(status.Input{CIB: cib, Now: now, NoConstraints: true, Simulation: true})
	}
	c := read()
	out.Warnings(c)
	out.Status("Current cluster status", c, true)
	plan, err := scheduler.Plan(scheduler.Input{CIB: cib, Now: now, Simulation: true, NoScores: true})
	if err != nil {
		return nil, report.Items{report.Errorf("Unable to simulate changes in CIB: %s", err)}
	}
	r := &Result{After: cib, Operations: operations(plan.Graph)}
	out.Summary(plan.Summary)
	sim := &dryrun.Simulation{CIB: cib, Now: now, Say: out.Event, Known: func(id string) bool { return plan.Cluster.Find(id) != nil }}
	out.Begin("Executing Cluster Transition")
	if sim.Execute(plan.Graph) != transition.Complete {
		return nil, report.Items{report.Errorf("Unable to simulate changes in CIB: An invalid transition was produced")}
	}
	out.End()
	out.Status("Revised Cluster Status", read(), false)
	r.Text = strings.TrimSpace(b.String())
	return r, nil
}

func operations(g *transition.Graph) []Operation {
	var out []Operation
	for _, s := range g.Synapses {
		a := s.Action
		if a.Kind != transition.ResourceOp || a.Resource == nil || !slices.Contains(tasks, a.Operation) {
			continue
		}
		o := Operation{ID: a.ID, Resource: a.Resource.ID, Long: a.Resource.LongID, Task: a.Operation, Node: a.Node}
		if o.Long == "" {
			o.Long = o.Resource
		}
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b Operation) int { return a.ID - b.ID })
	return out
}

// Touched are the resources that anything would happen to.
func (r *Result) Touched() []string {
	var out []string
	for _, o := range r.Operations {
		out = append(out, o.Resource)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// LeftDown are the resources that would be stopped or demoted, and not started or promoted elsewhere.
func (r *Result) LeftDown() []string {
	count := map[[2]string]int{}
	for _, o := range r.Operations {
		switch o.Task {
		case "stop", "demote":
			count[[2]string{o.Resource, map[string]string{"stop": "run", "demote": "lead"}[o.Task]}]++
		case "start", "promote":
			count[[2]string{o.Resource, map[string]string{"start": "run", "promote": "lead"}[o.Task]}]--
		}
	}
	var out []string
	for k, n := range count {
		if n > 0 {
			out = append(out, k[0])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
