// Package operate has what is done with running resources and their histories: `resource cleanup`,
// `refresh`, `restart`, `failcount` and `debug-…`, in all generations.
package operate

import (
	"context"
	"errors"
	"strings"
	"time"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// refreshLimit is how many operations a refresh of everything may cause without --force.
const refreshLimit = 100

// history09 reads the words of cleanup and refresh in 0.9.
func history09(s *session.Session, args []string) (live.CleanupRequest, error) {
	if len(args) > 1 {
		return live.CleanupRequest{}, argv.Usage()
	}
	r := live.CleanupRequest{Node: s.Opts.Value("--node"), Force: s.Opts.Has("--strict")}
	if len(args) == 1 {
		r.Resource = args[0]
	}
	return r, nil
}

// history reads the words of cleanup and refresh from 0.10 on.
func history(s *session.Session, args []string, operations bool) (live.CleanupRequest, error) {
	r := live.CleanupRequest{Force: s.Opts.Has("--strict")}
	if len(args) > 0 && !strings.Contains(args[0], "=") {
		r.Resource, args = args[0], args[1:]
	}
	allowed := []string{"node"}
	if operations {
		allowed = append(allowed, "operation", "interval")
	}
	if err := argv.AllowedKeys(args, allowed...); err != nil {
		return r, err
	}
	p, err := argv.KeyValues(args)
	if err != nil {
		return r, err
	}
	r.Node, r.Operation, r.Interval = p.Value("node"), p.Value("operation"), p.Value("interval")
	return r, nil
}

// notConnected is what crm_resource says where no cluster runs.
func notConnected(s *session.Session) string {
	if s.Legacy() {
		return "Could not connect to the CIB: Transport endpoint is not connected\ncrm_resource: Error performing operation: Transport endpoint is not connected"
	}
	return "crm_resource: Could not connect to the CIB: Transport endpoint is not connected\nError performing operation: Not connected"
}

func historyError(s *session.Session, what, resource string, err error) error {
	if errors.Is(err, live.ErrNotRunning) {
		err = errors.New(notConnected(s))
	}
	of := " of resources"
	if resource != "" {
		of = " of resource: " + resource
	}
	return report.Items{report.Errorf("Unable to %s%s\n%s", what, of, err)}
}

// Cleanup is `resource cleanup` and `stonith cleanup`.
func Cleanup(s *session.Session, args []string) error {
	var r live.CleanupRequest
	var err error
	if s.Legacy() {
		r, err = history09(s, args)
	} else if err = s.Opts.Only("--strict"); err == nil {
		r, err = history(s, args, true)
	}
	if err != nil {
		return err
	}
	return forget(s, r)
}

// forget has failed operations forgotten, and says what was done.
func forget(s *session.Session, r live.CleanupRequest) error {
	return askHistory(s, "forget failed operations", "--cleanup", r, live.Cluster.Cleanup)
}

// askHistory asks the cluster; with a file, as 0.9 allows, crm_resource says what it would do.
func askHistory(s *session.Session, what, action string, r live.CleanupRequest, ask func(live.Cluster, context.Context, live.CleanupRequest) ([]string, error)) error {
	var lines []string
	var err error
	if _, onFile := s.File(); onFile {
		lines, err = historyOnFile(s, action, r)
	} else {
		var c live.Cluster
		if c, err = s.Cluster(); err == nil {
			lines, err = ask(c, s.Ctx, r)
		}
	}
	if err != nil {
		return historyError(s, what, r.Resource, err)
	}
	return tellLines(s, lines)
}

func historyOnFile(s *session.Session, action string, r live.CleanupRequest) ([]string, error) {
	words := []string{action}
	for _, o := range [][2]string{{"--resource", r.Resource}, {"--node", r.Node}, {"--operation", r.Operation}, {"--interval", r.Interval}} {
		if o[1] != "" {
			words = append(words, o[0], o[1])
		}
	}
	if r.Force {
		words = append(words, "--force")
	}
	res, err := s.Run("crm_resource", words...)
	if err != nil {
		return nil, err
	}
	if res.Code != 0 {
		return nil, errors.New(res.Complaint())
	}
	return []string{strings.TrimSpace(res.Stdout), strings.TrimSpace(res.Stderr)}, nil
}

func tellLines(s *session.Session, lines []string) error {
	if s.Minor() >= 11 {
		s.Out.Info(joined(lines))
	} else {
		s.Out.Print(joined(lines))
	}
	return nil
}

// Refresh is `resource refresh` and `stonith refresh`.
func Refresh(s *session.Session, args []string) error {
	var r live.CleanupRequest
	var err error
	if s.Legacy() {
		r, err = history09(s, args)
	} else {
		since, options := "", []string{"--force", "--strict"}
		switch {
		case !s.Opts.Full():
		case s.Minor() == 10:
			s.Deprecated("'--full' has been deprecated")
			options = append(options, "--full")
		default:
			since = "0.11"
		}
		if err = s.Opts.OnlySince(since, options...); err == nil {
			r, err = history(s, args, false)
		}
	}
	if err != nil {
		return err
	}
	r.Force = r.Force || s.Opts.Full()
	if !s.Opts.Force() && r.Node == "" && r.Resource == "" {
		st, err := s.State()
		if err != nil && !s.Legacy() {
			return err
		}
		if err == nil {
			count := len(st.Nodes()) * st.Primitives()
			if count > refreshLimit {
				return report.Items{report.Forcible(false, "Deleting history of all resources on all nodes will execute more than %d operations in the cluster, which may negatively impact the responsiveness of the cluster. Consider specifying resource and/or node", refreshLimit)}
			}
		}
	}
	return askHistory(s, "delete history", "--refresh", r, live.Cluster.Refresh)
}

// Restart09 is `resource restart` of 0.9.
func Restart09(s *session.Session, args []string) error {
	if len(args) < 1 {
		return report.Fatal("You must specify a resource to restart")
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	id := args[0]
	if el := doc.ByID(root, id, "primitive", "group"); el != nil {
		parent := doc.Ancestor(el, "clone", "master")
		if parent == nil && el.Tag == "primitive" {
			parent = doc.Ancestor(el, "bundle")
		}
		if parent != nil {
			s.Out.Warn("using " + doc.ID(parent) + "... (if a resource is a clone, master/slave or bundle you must use the clone, master/slave or bundle name)")
			id = doc.ID(parent)
		}
	}
	node := ""
	if len(args) > 1 {
		node = args[1]
		if doc.ByID(root, id, "clone", "master", "bundle") == nil {
			return report.Fatal("can only restart on a specific node for a clone, master/slave or bundle resource")
		}
	}
	var timeout time.Duration
	if v, given := s.Opts.Wait(); given {
		if v == nil {
			return report.Fatal("You must specify the number of seconds to wait")
		}
		n, ok := session.Seconds(*v)
		if !ok {
			return report.Fatal("'" + *v + "' is not a valid number of seconds to wait")
		}
		timeout = time.Duration(n) * time.Second
	}
	c, err := s.Cluster()
	if err != nil {
		return report.Fatal(err.Error())
	}
	if _, err := c.Restart(s.Ctx, id, node, timeout); err != nil {
		return report.Fatal(err.Error())
	}
	s.Out.Print(id + " successfully restarted")
	return nil
}

// Restart is `resource restart` since 0.10.
func Restart(s *session.Session, args []string) error {
	if err := s.Opts.Only("--wait"); err != nil {
		return err
	}
	if len(args) == 0 {
		return &argv.UsageError{Message: "You must specify a resource to restart", Both: true}
	}
	if len(args) > 2 {
		return argv.Usage()
	}
	if err := s.TellKind(args[:1], false, ""); err != nil {
		return err
	}
	root, err := s.CIB()
	if err != nil {
		return err
	}
	id, node := args[0], ""
	if len(args) > 1 {
		node = args[1]
	}
	if found := doc.FindIDs(root, id); len(found) > 0 {
		el := found[0]
		if !doc.Is(el, session.ResourceTags...) {
			return s.Check(report.Errorf("'%s' is not a resource", id))
		}
		if !doc.Is(el, "clone", "master", "bundle") {
			if parent := doc.Ancestor(el, "clone", "master", "bundle"); parent != nil {
				s.Out.Warn("Restarting '" + doc.ID(parent) + "' instead...\n(If a resource is a clone or bundle, you must use the clone or bundle instead)")
				el, id = parent, doc.ID(parent)
			}
		}
		if node != "" && !doc.Is(el, "clone", "master", "bundle") {
			s.Out.Tell(report.Errorf("Can only restart on a specific node for a clone or bundle, '%s' is %s", id, doc.TypeList([]string{el.Tag}, true)))
		}
	}
	var timeout time.Duration
	if v, _ := s.Opts.Wait(); v != nil {
		n, _ := session.Seconds(*v)
		timeout = time.Duration(n) * time.Second
		s.Out.Tell(check.Rules{Style: s.Style}.Check(argv.Pairs{{Name: "timeout", Value: *v}}, check.Time("timeout"))...)
	}
	if s.Out.Failed() {
		return report.ErrFailed
	}
	c, err := s.Cluster()
	if err == nil {
		_, err = c.Restart(s.Ctx, id, node, timeout)
	}
	if errors.Is(err, live.ErrNotRunning) {
		err = errors.New(notConnected(s))
	}
	if err != nil {
		return report.Items{report.Errorf("Unable to restart resource '%s':\n%s", id, err)}
	}
	s.Out.Info(args[0] + " successfully restarted")
	return nil
}

// forceActions are crm_resource's options for the debug verbs.
var forceActions = map[string]string{
	"debug-start": "--force-start", "debug-stop": "--force-stop", "debug-promote": "--force-promote",
	"debug-demote": "--force-demote", "debug-monitor": "--force-check",
}

// Debug runs an agent's action here, outside of the cluster's control: `resource debug-ACTION`.
func Debug(action string) session.Verb {
	return func(s *session.Session, args []string) error {
		if err := s.Only("--force", "--full"); err != nil {
			return err
		}
		if len(args) < 1 {
			return report.Fatal("You must specify a resource to " + action)
		}
		if len(args) != 1 {
			return argv.Usage()
		}
		if !s.Legacy() {
			if err := s.TellKind(args, false, ""); err != nil {
				return err
			}
		}
		root, err := s.CIB()
		if err != nil {
			return err
		}
		id := args[0]
		el := doc.ByID(root, id, "primitive", "group", "clone", "master", "bundle")
		kinds := "resource/clone/master/group/bundle"
		if !s.Legacy() {
			kinds = "resource/clone/group/bundle"
		}
		if el == nil {
			return report.Fatalf("unable to find a %s: %s", kinds, id)
		}
		switch el.Tag {
		case "bundle":
			if in := doc.Child(el, "primitive"); in != nil {
				return report.Fatalf("unable to %s a bundle, try the bundle's resource: %s", action, doc.ID(in))
			}
			return report.Fatalf("unable to %s a bundle", action)
		case "group":
			var members []string
			for _, p := range doc.Children(el, "primitive") {
				members = append(members, doc.ID(p))
			}
			return report.Fatalf("unable to %s a group, try one of the group's resource(s) (%s)", action, strings.Join(members, ","))
		case "clone", "master":
			name := el.Tag
			if !s.Legacy() {
				name = "clone"
			}
			return report.Fatalf("unable to %s a %s, try the %s's resource: %s", action, name, name, doc.ID(doc.Cloned(el)))
		}
		if s.Live() && s.World.Actions != nil {
			return runByHand(s, root, el, action)
		}
		words := []string{"-r", id, forceActions[action]}
		if s.Opts.Full() {
			words = append(words, "--verbose", "--verbose")
		}
		if s.Opts.Force() {
			words = append(words, "--force")
		}
		r, err := s.Run("crm_resource", words...)
		if err != nil {
			return err
		}
		s.Out.Raw(r.Output())
		if r.Code != 0 {
			return report.Exit(r.Code)
		}
		return nil
	}
}

func joined(lines []string) string { return strings.TrimSpace(strings.Join(lines, "\n")) }
