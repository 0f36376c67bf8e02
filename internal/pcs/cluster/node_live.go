package cluster

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/booth"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/fleet"
	"hacluster/internal/pcs/netdevice"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

const anyHost = "Unable to perform operation on any available node/host, therefore it is not possible to continue"

// tieBreaker tells of the quorum option that SBD needs when the number of nodes changes: it can be set only while the
// cluster is stopped.
func tieBreaker(s *session.Session, root *corosyncconf.Section, change int, online []string) (needed bool) {
	if !s.NeedsTieBreaker(root, change) {
		return false
	}
	if len(online) == 0 {
		return true
	}
	const why = "SBD fencing is enabled in the cluster. To keep it effective, auto_tie_breaker quorum option "
	if len(s.CorosyncRuns(online, func(i report.Item) report.Item { return i })) > 0 {
		s.Out.Tell(report.Errorf("%s", why+"needs to be enabled. This can only be done when the cluster is stopped. To proceed, stop the cluster, enable auto_tie_breaker, and start the cluster. Then, repeat the requested action."))
	} else {
		s.Out.Warn(why + "will be enabled.")
	}
	return true
}

// distribute gives hosts the changed corosync.conf and has corosync on reload read it.
func distribute(s *session.Session, root *corosyncconf.Section, hosts, reload []string, tieBreaker bool) error {
	if tieBreaker {
		corosyncconf.SetQuorum(root, argv.Pairs{{Name: "auto_tie_breaker", Value: "1"}})
	}
	if err := session.VerifyConf(root); err != nil {
		return err
	}
	if err := s.DistributeConf(hosts, root); err != nil {
		return err
	}
	return s.ReloadConf(reload)
}

// addLive makes a host a node of the cluster.
func addLive(s *session.Session, root *corosyncconf.Section, n nodeWords) error {
	skip := s.Opts.Has("--skip-offline")
	s.Out.Tell(named(root)...)
	names, _ := confNames(root)
	members, items := s.Targets(names, skip, true)
	s.Out.Tell(items...)
	device := corosyncconf.ReadDevice(root)
	net := device != nil && device.Model == "net"
	if host := ""; net {
		host = device.Options.Value("host")
		if _, ok := s.KnownHosts().ByName[host]; !ok {
			s.Out.Tell(session.UnknownHosts([]string{host}))
		}
	}
	fresh, items := s.Targets([]string{n.name}, false, false)
	s.Out.Tell(items...)
	c := &newCluster{nodes: []nodeWords{n}}
	c.defaults(s, false)
	others, items := outsiders(s)
	s.Out.Tell(items...)
	s.Out.Tell(rules(s).AddNodes(c.members, corosyncconf.Nodes(root), others)...)
	sbd := s.World.Services.IsEnabled(s.Ctx, "sbd")
	if options := n.sbdOptions(); len(options) > 0 && !sbd {
		s.Out.Tell(report.Errorf("Cluster is not configured to use SBD, cannot specify SBD option(s) %s for node '%s'", report.QuoteSorted(options), n.name))
	}
	wait, limit := startWait(s)
	var online []string
	if len(members) > 0 {
		if online = fleet.Online(s, members); len(online) == 0 {
			s.Out.Tell(report.Errorf(anyHost))
		}
	}
	breaker := tieBreaker(s, root, 1, online)
	fleet.Candidates(s, fresh, false)
	if err := s.Out.Check(); err != nil {
		return err
	}
	if sbd {
		return report.NotYet("pcs cluster node add to a cluster with SBD")
	}
	if err := fleet.Introduce(s, fresh, append(slices.Clone(names), n.name)); err != nil {
		return err
	}
	if net {
		if err := netdevice.Distribute(s, device.Options.Value("host"), corosyncconf.ClusterName(root), fresh, fleet.Way{}); err != nil {
			return err
		}
	}
	s.Out.Info("Disabling sbd...")
	if err := fleet.Simple(s, fresh, "remote/sbd_disable", nil, "sbd disabled"); err != nil {
		return err
	}
	if err := booth.SendAll(s, fresh); err != nil {
		return err
	}
	if err := sendFiles(s, fresh); err != nil {
		return err
	}
	// corosync has to know of the new node before that one starts.
	corosyncconf.AddNodes(root, c.members)
	if err := distribute(s, root, append(slices.Clone(online), fresh...), online, breaker); err != nil {
		return err
	}
	return begin(s, fresh, wait, limit)
}

func (n nodeWords) sbdOptions() []string {
	var out []string
	if n.devices != nil {
		out = append(out, "devices")
	}
	if n.watchdog != "" {
		out = append(out, "watchdog")
	}
	return out
}

// sendFiles gives a new node the secrets and settings of the cluster that lie on this host.
func sendFiles(s *session.Session, targets []string) error {
	files := map[string]fleet.File{}
	for _, f := range []struct {
		name, kind, path, role string
		text                   bool
	}{
		{"corosync authkey", "corosync_authkey", s.Paths.CorosyncKey, "Corosync authkey", false},
		{remoteKey, keyKind, s.Paths.PacemakerKey, "Pacemaker authkey", false},
		{"disaster-recovery config", "pcs_disaster_recovery_conf", filepath.Join(s.Paths.PcsdDir, "disaster-recovery"), "disaster-recovery configuration", false},
		{"pcs_settings.conf", "pcs_settings_conf", filepath.Join(s.Paths.PcsdDir, "pcs_settings.conf"), "pcs configuration", true},
	} {
		data, err := os.ReadFile(f.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			s.Out.Tell(report.Errorf("Unable to read %s '%s': %s: '%s'", f.role, f.path, session.Reason(err), f.path).As(s.Opts.Force()))
		case f.text:
			files[f.name] = fleet.File{Type: f.kind, Data: string(data), Rewrite: true}
		default:
			files[f.name] = fleet.Binary(f.kind, data)
		}
	}
	if err := s.Out.Check(); err != nil {
		return err
	}
	if len(files) > 0 {
		if err := fleet.PutFiles(s, targets, files, fleet.Way{}); err != nil {
			return err
		}
	}
	if !certSyncWanted(s) {
		return nil
	}
	var pair [2][]byte
	for i, f := range []struct{ name, role string }{{"pcsd.crt", "pcsd SSL certificate"}, {"pcsd.key", "pcsd SSL key"}} {
		path := filepath.Join(s.Paths.PcsdDir, f.name)
		var err error
		if pair[i], err = os.ReadFile(path); err != nil {
			s.Out.Tell(report.Errorf("Unable to read %s '%s': %s: '%s'", f.role, path, session.Reason(err), path))
		}
	}
	if err := s.Out.Check(); err != nil {
		return err
	}
	return fleet.Certificate(s, targets, pair[0], pair[1])
}

// removeLive takes nodes out of the cluster.
func removeLive(s *session.Session, root *corosyncconf.Section, nodes []string) error {
	skip := s.Opts.Has("--skip-offline")
	names, _ := confNames(root)
	known, items := s.Targets(names, skip, true)
	s.Out.Tell(items...)
	online := fleet.Online(s, known)
	staying := fleet.Without(online, nodes)
	if len(staying) == 0 {
		return s.Check(report.Errorf("Unable to connect to any remaining cluster node"))
	}
	if lost := fleet.Without(fleet.Without(names, nodes), staying); skip && len(lost) > 0 {
		s.Out.Warn("Remaining cluster " + report.Plural(len(lost), "node", "nodes") + " " + report.QuoteSorted(lost) + " could not be reached")
	}
	leaving := slices.DeleteFunc(slices.Clone(known), func(n string) bool { return !slices.Contains(nodes, n) })
	breaker := tieBreaker(s, root, -len(nodes), staying)
	if !breaker {
		s.Out.Tell(keepsQuorum(s, leaving, nodes)...)
	}
	if err := s.Out.Check(); err != nil {
		return err
	}
	unknown := fleet.Without(nodes, known)
	if len(unknown) > 0 {
		s.Out.Tell(fleet.Unreached(unknown))
	}
	if len(leaving) > 0 {
		fleet.DestroyReachable(s, leaving)
	}
	corosyncconf.RemoveNodes(root, nodes)
	if err := distribute(s, root, staying, staying, breaker); err != nil {
		return err
	}
	return fleet.Forget(s, staying, nodes)
}

// keepsQuorum asks nodes that leave whether the others keep quorum: those that stay might not be part of it.
func keepsQuorum(s *session.Session, leaving, nodes []string) []report.Item {
	failed := len(leaving) == 0
	for _, n := range leaving {
		r := s.Remote().Call(s.Ctx, n, client.Request{Path: "remote/get_quorum_info", Timeout: s.RequestTimeout(0)})
		if i, bad := s.ResponseItem(r); bad {
			i.Severity = report.Warning
			s.Out.Tell(i)
			failed = true
			continue
		}
		q, ok := ParseQuorum(r.Body)
		switch {
		case !ok && Offline(r.Body):
		case !ok:
			failed = true
			s.Out.Tell(report.Warnf("%s: Unable to get quorum status: %s", n, strings.TrimSpace(r.Body)))
		case !q.Quorate:
		case q.Lost(func(v Vote) bool { return slices.Contains(nodes, v.Name) }):
			return []report.Item{report.Errorf("This action will cause a loss of the quorum").As(s.Opts.Force())}
		default:
			return nil
		}
	}
	if failed {
		return []report.Item{report.Errorf("Unable to determine whether this action will cause a loss of the quorum").As(s.Opts.Force())}
	}
	return nil
}
