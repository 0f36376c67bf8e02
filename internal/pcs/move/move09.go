package move

import (
	"errors"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// Move09 is `resource move`, `ban` and `clear` of 0.9.
func Move09(what string) session.Verb {
	return func(s *session.Session, args []string) error {
		clearing, banning := what == "clear", what == "ban"
		if len(args) == 0 {
			return report.Fatal("must specify a resource to " + what)
		}
		id, rest := args[0], args[1:]
		if clearing && len(rest) > 1 || len(rest) > 2 {
			return argv.Usage()
		}
		node, lifetime := "", ""
		for _, a := range rest {
			v, ok := strings.CutPrefix(a, "lifetime=")
			switch {
			case ok && lifetime != "":
				return argv.Usage()
			case ok:
				lifetime, _, _ = strings.Cut(v, "=")
				if lifetime != "" && lifetime[0] >= '0' && lifetime[0] <= '9' {
					lifetime = "P" + lifetime
				}
			case node == "":
				node = a
			default:
				return argv.Usage()
			}
		}
		expired := s.Opts.Has("--expired")
		if clearing && lifetime != "" || expired && !clearing {
			return argv.Usage()
		}
		root, err := s.CIB()
		if err != nil {
			return err
		}
		el := doc.ByID(root, id, "primitive", "group", "master", "clone", "bundle")
		if el == nil {
			return report.Fatalf("%s is not a valid resource", id)
		}
		master := s.Opts.Has("--master")
		around := doc.Ancestor(el, "clone", "master")
		if !clearing && !banning {
			if el.Tag == "clone" || el.Tag == "bundle" || around != nil && around.Tag == "clone" {
				return report.Fatal("cannot move cloned resources")
			}
			if !master && around != nil && around.Tag == "master" {
				return report.Fatalf("to move Master/Slave resources you must use --master and the master id (%s)", doc.ID(around))
			}
		}
		if master && el.Tag != "master" {
			if around != nil && around.Tag == "master" {
				return report.Fatalf("when specifying --master you must use the master id (%s)", doc.ID(around))
			}
			return report.Fatal("when specifying --master you must use the master id")
		}
		plan, err := s.PlanWait09()
		if err != nil {
			return err
		}
		before := map[string][]string{}
		if plan.Given {
			if st, err := s.State(); err == nil {
				before = st.RolesWithNodes(id, true)
			}
		}
		p := placement{what: what, id: id, node: node, promoted: master, lifetime: lifetime, expired: expired}
		bans, err := p.apply(s, root)
		if errors.Is(err, errNowhere) {
			if isPromotable(el) {
				return report.Fatalf("error moving/banning/clearing resource\ncrm_resource: Resource '%[1]s' not moved: active in 0 locations (promoted in 0).\n"+
					"To prevent '%[1]s' from running on a specific location, specify a node."+
					"To prevent '%[1]s' from being promoted at a specific location, specify a node and the --promoted option.\n", id)
			}
			return report.Fatal("You must specify a node when moving/banning a stopped resource")
		}
		if err != nil {
			// what the tool says ends a line, and so does the error
			return report.Fatal("error moving/banning/clearing resource\n" + err.Error() + "\n")
		}
		if err := s.Push(root); err != nil {
			return err
		}
		action := "running"
		if master {
			action = "being promoted"
		}
		for _, b := range bans {
			s.Out.Warn("Creating location constraint " + b.constraint + " with a score of -INFINITY for resource " + id + " on node " + b.node + ".")
			s.Out.Print("This will prevent " + id + " from " + action + " on " + b.node + " until the constraint is removed. This will be the case even if " + b.node + " is the last node in the cluster.")
		}
		if !plan.Given {
			return nil
		}
		return waitMoved09(s, plan, id, what, node, before)
	}
}

func waitMoved09(s *session.Session, plan session.WaitPlan, id, what, node string, before map[string][]string) error {
	waitErr := s.World.Cluster.Wait(s.Ctx, plan.Timeout)
	st, err := s.State()
	if err != nil {
		return err
	}
	after := st.RolesWithNodes(id, true)
	flat := func(m map[string][]string) map[string]bool {
		out := map[string]bool{}
		for role, nodes := range m {
			if role == "Unpromoted" {
				continue
			}
			for _, n := range nodes {
				out[n] = true
			}
		}
		return out
	}
	was, is := flat(before), flat(after)
	failed := waitErr != nil
	switch what {
	case "ban":
		banned := was
		if node != "" {
			banned = map[string]bool{node: true}
		}
		for n := range banned {
			failed = failed || is[n]
		}
		failed = failed || len(was) > 0 && len(is) == 0
	case "move":
		failed = failed || len(was) > 0 && (len(is) == 0 || node != "" && !is[node])
	}
	message := s.Running09(id)
	if !failed {
		s.Out.Print(message)
		return nil
	}
	var lines []string
	if errors.Is(waitErr, live.ErrTimeout) {
		lines = append(lines, "waiting timeout")
	}
	lines = append(lines, message)
	if waitErr != nil {
		lines = append(lines, "\n"+waitErr.Error())
	}
	return report.Fatal(strings.TrimSpace(strings.Join(lines, "\n")))
}
