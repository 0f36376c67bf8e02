package cluster

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// nodesOrAll are the nodes that a verb names by words or by --all; none means this host.
func nodesOrAll(s *session.Session, args []string) (nodes []string, remote bool, err error) {
	if s.Opts.Has("--all") {
		if len(args) > 0 {
			return nil, true, report.Fatal(nodesAndAll)
		}
		nodes, err = Nodes(s)
		return nodes, true, err
	}
	for _, a := range args {
		if !slices.Contains(nodes, a) {
			nodes = append(nodes, a)
		}
	}
	return nodes, len(nodes) > 0, nil
}

// waitLimit reads --wait as starting and setting up take it: a time of its own kind.
func waitLimit(s *session.Session) (limit time.Duration, given bool, err error) {
	v, given := s.Opts.Wait()
	if !given {
		return 0, false, nil
	}
	limit = 15 * time.Minute
	if v != nil {
		n, ok := session.Seconds(*v)
		if !ok {
			return 0, true, report.Fatalf("%s is not a valid number of seconds to wait", *v)
		}
		limit = time.Duration(n) * time.Second
	}
	return limit, true, nil
}

// Start is `cluster start`.
func Start(s *session.Session, args []string) error {
	if err := s.Only("--wait", "--request-timeout", "--all", "--corosync_conf"); err != nil {
		return err
	}
	limit, wait, err := waitLimit(s)
	if err != nil {
		return err
	}
	nodes, remote, err := nodesOrAll(s, args)
	if err != nil {
		return err
	}
	if remote {
		if err := startNodes(s, nodes); err != nil {
			return err
		}
	} else if err := startLocal(s); err != nil {
		return err
	}
	if wait {
		return WaitStarted(s, nodes, limit)
	}
	return nil
}

// startLimit is how long starting may take: a minute for every eight nodes.
func startLimit(nodes int) time.Duration {
	return time.Duration((nodes+7)/8) * client.DefaultTimeout
}

// oneByComponent tells whether the dialect starts corosync and Pacemaker with calls of their own.
func oneByComponent(s *session.Session) bool { return s.Legacy() && s.Since(9, 166) }

func startNodes(s *session.Session, nodes []string) error {
	limit := startLimit(len(nodes))
	if !oneByComponent(s) {
		lines, _ := s.ForNodes(nodes, func(n string) (int, string) {
			return s.Send(n, client.Request{Path: "remote/cluster_start", Timeout: limit})
		})
		if len(lines) > 0 {
			return report.Fatal("unable to start all nodes\n" + strings.Join(lines, "\n"))
		}
		return nil
	}
	type able struct {
		node      string
		supported bool
		failed    string
	}
	answers := make(chan able)
	for _, n := range nodes {
		go func() {
			code, text := s.Send(n, client.Request{Path: "remote/capabilities"})
			a := able{node: n}
			var caps struct {
				Codes []string `json:"pcsd_capabilities"`
			}
			switch {
			case code != 0:
				a.failed = n + ": " + strings.TrimSpace(text)
			case json.Unmarshal([]byte(text), &caps) == nil:
				a.supported = slices.Contains(caps.Codes, "node.start-stop-enable-disable.start-component")
			}
			answers <- a
		}()
	}
	found := map[string]able{}
	for range nodes {
		a := <-answers
		if a.failed != "" {
			s.Out.Info(a.failed)
		}
		found[a.node] = a
	}
	failed := false
	var byComponent, whole []string
	for _, n := range nodes {
		switch a := found[n]; {
		case a.failed != "":
			failed = true
			s.Out.Info(n + ": Not starting cluster - node is unreachable")
		case a.supported:
			byComponent = append(byComponent, n)
		default:
			whole = append(whole, n)
		}
	}
	if len(byComponent)+len(whole) == 0 {
		return report.Fatal("unable to start all nodes")
	}
	start := func(component string) func(string) (int, string) {
		return func(n string) (int, string) {
			return s.Send(n, client.Request{Path: "remote/cluster_start", Form: url.Values{"component": {component}}, Timeout: limit})
		}
	}
	// Rings form faster when not all nodes come at the same instant.
	starts := start("corosync")
	lines, lost := s.ForNodes(byComponent, func(n string) (int, string) {
		if !s.Sleep(time.Duration(slices.Index(byComponent, n)) * 250 * time.Millisecond) {
			return session.SendFailed, "interrupted"
		}
		return starts(n)
	})
	if len(lines) > 0 {
		failed = true
		s.Out.Error("unable to start all nodes\n" + strings.Join(lines, "\n"))
		if len(lost) == len(byComponent) {
			return report.ErrSilent
		}
	}
	var next []string
	for _, n := range byComponent {
		if lost[n] {
			s.Out.Info(n + ": Not starting cluster - node is unreachable")
		} else {
			next = append(next, n)
		}
	}
	lines, _ = s.ForNodes(append(next, whole...), start("pacemaker"))
	if len(lines) > 0 {
		return report.Fatal("unable to start all nodes\n" + strings.Join(lines, "\n"))
	}
	if failed {
		return report.Fatal("unable to start all nodes")
	}
	return nil
}

// components are what --pacemaker and --corosync leave.
func components(s *session.Session) (pacemaker, corosync bool) {
	p, c := s.Opts.Has("--pacemaker"), s.Opts.Has("--corosync")
	return p || !c, c || !p
}

// corosyncUnits are corosync and, where a quorum device is set, its client.
func corosyncUnits(s *session.Session) []string {
	units := []string{"corosync"}
	if text, err := s.ConfText(); err == nil && corosyncconf.MentionsDevice(text) {
		units = append(units, "corosync-qdevice")
	}
	return units
}

func startLocal(s *session.Session) error {
	if !s.HasConf() {
		return report.Fatal("cluster is not currently configured on this node")
	}
	if !s.Legacy() {
		s.Out.Info("Starting Cluster...")
		for _, u := range append(corosyncUnits(s), "pacemaker") {
			if err := s.World.Services.Start(s.Ctx, u); err != nil {
				return serviceError(s, "start", u, err)
			}
		}
		return nil
	}
	pacemaker, corosync := components(s)
	if !oneByComponent(s) {
		s.Out.Info("Starting Cluster...")
	}
	steps := []struct {
		do    bool
		label string
		units []string
	}{{corosync, "corosync", corosyncUnits(s)}, {pacemaker, "pacemaker", []string{"pacemaker"}}}
	for _, st := range steps {
		if !st.do {
			continue
		}
		if oneByComponent(s) {
			s.Out.Info("Starting Cluster (" + st.label + ")...")
		}
		for _, u := range st.units {
			if err := s.World.Services.Start(s.Ctx, u); err != nil {
				return serviceError(s, "start", u, err)
			}
		}
	}
	return nil
}

// serviceError tells of a service that did not do as told.
func serviceError(s *session.Session, action, unit string, err error) error {
	text := session.ServiceReason(err)
	if s.Legacy() {
		s.Out.Info(text)
		return report.Fatalf("unable to %s %s", action, unit)
	}
	return report.Fatalf("Unable to %s %s: %s", action, unit, text)
}

// started tells whether a node's answer says that it takes part.
func started(answer string) (bool, bool) {
	var st struct {
		Online, Pending *bool
	}
	if json.Unmarshal([]byte(answer), &st) != nil {
		return false, false
	}
	return st.Online != nil && st.Pending != nil && *st.Online && !*st.Pending, true
}

const pollEvery = 2 * time.Second

// WaitStarted waits until nodes take part in the cluster; no nodes means this host.
func WaitStarted(s *session.Session, nodes []string, limit time.Duration) error {
	s.Out.Info("Waiting for node(s) to start...")
	polls := int(limit / pollEvery)
	if len(nodes) == 0 {
		for i := 0; s.Sleep(pollEvery); i++ {
			st, err := s.LocalNodeState()
			if err != nil {
				return report.Fatalf("Unable to get node status: %s", err)
			}
			if st != nil && st.Online && !st.Pending {
				s.Out.Info("Started")
				return nil
			}
			if i >= polls {
				return report.Fatal("Waiting timeout")
			}
		}
		return report.ErrSilent
	}
	lines, _ := s.ForNodes(nodes, func(n string) (int, string) {
		for i := 0; s.Sleep(pollEvery); i++ {
			code, text := s.Send(n, client.Request{Path: "remote/pacemaker_node_status"})
			switch code {
			case session.SendFailed, session.SendUnauthorized, session.SendDenied:
				return session.SendFailed, text
			case session.SendOK:
				done, ok := started(text)
				if !ok {
					return session.SendFailed, "Unable to get node status"
				}
				if done {
					return session.SendOK, "Started"
				}
			}
			if i >= polls {
				break
			}
		}
		return session.SendFailed, "Waiting timeout"
	})
	if len(lines) > 0 {
		return report.Fatal("unable to verify all nodes have started")
	}
	return nil
}
