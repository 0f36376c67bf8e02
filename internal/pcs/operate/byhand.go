package operate

import (
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/status"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// codeNames are what the results of agents are called.
var codeNames = []string{"ok", "error", "invalid parameter", "unimplemented feature", "insufficient privileges", "not installed", "not configured", "not running", "promoted", "promoted (failed)"}

// byHandLimit is how long an action may take that is run by hand.
const byHandLimit = 10 * time.Minute

// runByHand runs an action of a primitive's agent on this host, past the cluster.
func runByHand(s *session.Session, root, primitive *etree.Element, verb string) error {
	action := strings.TrimPrefix(verb, "debug-")
	model := session.StateOf(root).Model()
	id := doc.ID(primitive)
	r := model.Find(id)
	if r == nil {
		return report.Fatalf("unable to find a resource: %s", id)
	}
	if !s.Opts.Force() && (action == "start" || action == "promote") {
		if clone := doc.Ancestor(primitive, "clone", "master"); clone != nil && action == "start" {
			s.Out.Raw("It is not safe to start " + id + " here: the cluster claims it is already active\nTry setting target-role=Stopped first or specifying the force option\n")
			return report.Exit(1)
		}
		if len(r.Active) > 0 && action == "start" {
			s.Out.Raw("It is not safe to start " + id + " here: the cluster claims it is already active\nTry setting target-role=Stopped first or specifying the force option\n")
			return report.Exit(1)
		}
	}
	a := live.AgentAction{Class: r.Class, Provider: r.Provider, Type: r.Type, Resource: id, Action: action, Timeout: byHandLimit}
	var node *status.Node
	if s.World.Cluster != nil {
		if name, err := s.World.Cluster.LocalNode(s.Ctx); err == nil {
			node = model.FindNode(name)
		}
	}
	for _, p := range model.Params(r, node) {
		a.Params = append(a.Params, [2]string{p.Name, p.Value})
	}
	a.Params = append(a.Params, [2]string{"CRM_meta_timeout", "20000"})
	slices.SortStableFunc(a.Params, func(x, y [2]string) int { return strings.Compare(x[0], y[0]) })
	res := s.World.Actions.RunAgent(s.Ctx, a)
	name := "unknown"
	if res.Code >= 0 && res.Code < len(codeNames) {
		name = codeNames[res.Code]
	}
	agent := r.Class + ":" + r.Type
	if r.Provider != "" {
		agent = r.Class + ":" + r.Provider + ":" + r.Type
	}
	if s.Legacy() {
		s.Out.Printf("Operation %s for %s (%s) returned: '%s' (%d)\n", action, id, agent, name, res.Code)
	} else {
		s.Out.Printf("Operation force-%s for %s (%s) returned %d (%s)\n", map[string]string{"monitor": "check"}[action]+strings.TrimPrefix(action, "monitor"), id, agent, res.Code, name)
	}
	for _, o := range []struct{ name, text string }{{"stdout", res.Stdout}, {"stderr", res.Stderr}} {
		for line := range strings.Lines(o.text) {
			s.Out.Raw(" >  " + o.name + ": " + strings.TrimRight(line, "\n") + "\n")
		}
	}
	if res.Code != 0 {
		return report.Exit(res.Code)
	}
	return nil
}
