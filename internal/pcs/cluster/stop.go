package cluster

import (
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/pattern"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// Quorum is what corosync-quorumtool -p -s says.
type Quorum struct {
	Quorate bool
	Needed  int
	Votes   []Vote
	// Why says why a text could not be read, where there is more to say.
	Why string
}

// Vote is a member's or the quorum device's weight.
type Vote struct {
	Name          string
	Votes         int
	Local, Device bool
}

var number = pattern.Late(`^\d+`)

// ParseQuorum reads the output of corosync-quorumtool -p -s; ok is false where it is not that, and Why says what is wrong.
func ParseQuorum(text string) (q Quorum, ok bool) {
	inList, haveQuorum, haveQuorate := false, false, false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if inList {
			if strings.HasPrefix(line, "-") || strings.HasPrefix(line, "Nodeid") {
				continue
			}
			f := strings.Fields(line)
			at := 3
			if f[0] == "0" {
				at = 2
			}
			if len(f) <= at {
				return q, false
			}
			n, err := strconv.Atoi(f[1])
			if err != nil {
				return q, false
			}
			q.Votes = append(q.Votes, Vote{Name: f[at], Votes: n, Device: f[0] == "0", Local: f[0] != "0" && len(f) > 4 && f[4] == "(local)"})
			continue
		}
		if line == "Membership information" {
			inList = true
			continue
		}
		name, value, found := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case !found:
		case strings.TrimSpace(name) == "Quorate":
			q.Quorate, haveQuorate = strings.EqualFold(value, "yes"), true
		case strings.TrimSpace(name) == "Quorum":
			n, err := strconv.Atoi(number().FindString(value))
			if err != nil {
				q.Why = "Unable to read number of votes needed for quorum"
				return q, false
			}
			q.Needed, haveQuorum = n, true
		}
	}
	var missing []string
	for _, part := range []struct {
		name string
		have bool
	}{{"node_list", slices.ContainsFunc(q.Votes, func(v Vote) bool { return !v.Device })}, {"quorate", haveQuorate}, {"quorum", haveQuorum}} {
		if !part.have {
			missing = append(missing, part.name)
		}
	}
	if len(missing) > 0 {
		q.Why = "Missing required section(s): " + report.Quote(missing)
	}
	return q, len(missing) == 0
}

// Lost tells whether quorum goes when the nodes that gone names stop.
func (q Quorum) Lost(gone func(Vote) bool) bool {
	if !q.Quorate {
		return false
	}
	left := 0
	for _, v := range q.Votes {
		if v.Device || !gone(v) {
			left += v.Votes
		}
	}
	return left < q.Needed
}

// Offline tells whether quorumtool's output says that corosync does not run.
func Offline(text string) bool {
	return strings.TrimSpace(text) == "Cannot initialize CMAP service"
}

// Stop is `cluster stop`.
func Stop(s *session.Session, args []string) error {
	if err := s.Only("--wait", "--request-timeout", "--pacemaker", "--corosync", "--all", "--force"); err != nil {
		return err
	}
	nodes, remote, err := nodesOrAll(s, args)
	if err != nil {
		return err
	}
	if remote {
		return stopNodes(s, nodes)
	}
	return stopLocal(s)
}

func stopNodes(s *session.Session, nodes []string) error {
	all, err := Nodes(s)
	if err != nil {
		return err
	}
	var unknown []string
	for _, n := range nodes {
		if !slices.Contains(all, n) {
			unknown = append(unknown, n)
		}
	}
	if len(unknown) > 0 {
		sort.Strings(unknown)
		return report.Fatal("nodes '" + strings.Join(unknown, "', '") + "' do not appear to exist in configuration")
	}
	stoppingAll := len(nodes) == len(all)
	if !s.Opts.Has("--force") && !stoppingAll {
		if err := quorumAllows(s, nodes); err != nil {
			return err
		}
	}
	failed := false
	lines, lost := s.ForNodes(nodes, s.RepeatIfTimeout(stopCall(s, "pacemaker")))
	if len(lines) > 0 {
		s.Out.Error("unable to stop all nodes\n" + strings.Join(lines, "\n"))
		if len(lost) == len(nodes) {
			return report.ErrSilent
		}
		failed = true
	}
	var reachable []string
	for _, n := range nodes {
		if lost[n] {
			s.Out.Info(n + ": Not stopping cluster - node is unreachable")
		} else {
			reachable = append(reachable, n)
		}
	}
	lines, _ = s.ForNodes(reachable, stopCall(s, "corosync"))
	if len(lines) > 0 {
		return report.Fatal("unable to stop all nodes\n" + strings.Join(lines, "\n"))
	}
	if failed {
		return report.Fatal("unable to stop all nodes")
	}
	return nil
}

func stopCall(s *session.Session, component string) func(string) (int, string) {
	limit := time.Duration(0)
	if component == "pacemaker" {
		limit = 2 * time.Minute
	}
	return func(n string) (int, string) {
		return s.Send(n, client.Request{Path: "remote/cluster_stop", Form: url.Values{"component": {component}, "force": {"1"}}, Timeout: limit})
	}
}

// quorumAllows asks the nodes that are to stop whether the rest keeps quorum.
func quorumAllows(s *session.Session, nodes []string) error {
	var problems []string
	for _, n := range nodes {
		code, text := s.Send(n, client.Request{Path: "remote/get_quorum_info"})
		if code != 0 {
			problems = append(problems, n+": "+text)
			continue
		}
		q, ok := ParseQuorum(text)
		switch {
		case !ok && Offline(text):
		case !ok && s.Legacy():
			problems = append(problems, "Unable to get quorum status")
		case !ok:
			problems = append(problems, n+": Unable to get quorum status")
		case !q.Quorate:
		case q.Lost(func(v Vote) bool { return slices.Contains(nodes, v.Name) }):
			return report.Fatal("Stopping the node(s) will cause a loss of the quorum, use --force to override")
		default:
			return nil
		}
	}
	if len(problems) > 0 {
		return report.Fatal("Unable to determine whether stopping the nodes will cause a loss of the quorum, use --force to override\n" + strings.Join(problems, "\n"))
	}
	return nil
}

func stopLocal(s *session.Session) error {
	if !s.Opts.Has("--force") {
		r, err := s.Run("corosync-quorumtool", "-p", "-s")
		out := r.Output()
		if err != nil {
			out = err.Error()
		}
		q, ok := ParseQuorum(out)
		switch {
		case ok && q.Lost(func(v Vote) bool { return v.Local }):
			return report.Fatal("Stopping the node will cause a loss of the quorum, use --force to override")
		case !ok && !Offline(out):
			return report.Fatal("Unable to determine whether stopping the node will cause a loss of the quorum, use --force to override")
		}
	}
	pacemaker, corosync := components(s)
	if pacemaker {
		s.Out.Info("Stopping Cluster (pacemaker)...")
		if err := s.World.Services.Stop(s.Ctx, "pacemaker"); err != nil {
			return serviceError(s, "stop", "pacemaker", err)
		}
	}
	if corosync {
		s.Out.Info("Stopping Cluster (corosync)...")
		units := corosyncUnits(s)
		slices.Reverse(units)
		for _, u := range units {
			if err := s.World.Services.Stop(s.Ctx, u); err != nil {
				return serviceError(s, "stop", u, err)
			}
		}
	}
	return nil
}

// Enable is `cluster enable`, Disable `cluster disable`.
func Enable(s *session.Session, args []string) error { return enable(s, args, true) }

// Disable is `cluster disable`.
func Disable(s *session.Session, args []string) error { return enable(s, args, false) }

func enable(s *session.Session, args []string, on bool) error {
	if err := s.Only("--all", "--request-timeout"); err != nil {
		return err
	}
	nodes, remote, err := nodesOrAll(s, args)
	if err != nil {
		return err
	}
	word, f := "enable", s.World.Services.Enable
	if !on {
		word, f = "disable", s.World.Services.Disable
	}
	if remote {
		var problems []string
		for _, n := range nodes {
			resp := s.Call(n, client.Request{Path: "remote/cluster_" + word, Timeout: s.RequestTimeout(0)})
			if resp.Code != 0 {
				s.Out.Info(n + ": " + strings.TrimSpace(resp.Body))
			}
			if code, text := s.OldAnswer(resp); code != 0 {
				problems = append(problems, text)
			}
		}
		if len(problems) > 0 {
			return report.Fatal("unable to " + word + " all nodes\n" + strings.Join(problems, "\n"))
		}
		return nil
	}
	var items report.Items
	for _, u := range append([]string{"corosync", "pacemaker"}, corosyncUnits(s)[1:]...) {
		if err := f(s.Ctx, u); err != nil {
			items = append(items, report.Errorf("Unable to %s %s: %s", word, u, session.ServiceReason(err)))
		}
	}
	if len(items) > 0 {
		return items
	}
	return nil
}

// Kill is `cluster kill`.
func Kill(s *session.Session, args []string) error {
	if len(args) > 0 && !s.Legacy() {
		return argv.Usage()
	}
	if err := s.Only(); err != nil {
		return err
	}
	killAll(s)
	return nil
}

// killAll ends every process of a cluster at once; those that do not run are no failure.
func killAll(s *session.Session) {
	_ = s.World.Services.Kill(s.Ctx, []string{
		"pacemaker-attrd", "pacemaker-based", "pacemaker-controld", "pacemaker-execd", "pacemaker-fenced", "pacemaker-remoted",
		"pacemaker-schedulerd", "pacemakerd", "dlm_controld", "gfs_controld", "corosync-qdevice", "corosync",
	})
}
