package cluster

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/booth"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/fleet"
	"hacluster/internal/pcs/netdevice"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/sbd"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

const anyHost = "Unable to perform operation on any available node/host, therefore it is not possible to continue"

// tieBreaker tells of the quorum option that SBD needs when the number of nodes changes: it can be set only while the
// cluster is stopped.
func tieBreaker(s *session.Session, root *corosyncconf.Section, change int, online []string) (needed bool) {
	if !s.NeedsTieBreaker(root, change) || corosyncconf.QuorumOptions(root).Value("auto_tie_breaker") == "1" {
		return false
	}
	if len(online) == 0 {
		return true
	}
	const why = "SBD fencing is enabled in the cluster. To keep it effective, auto_tie_breaker quorum option "
	if len(s.CorosyncRuns(online, func(i report.Item) report.Item { return i })) > 0 {
		text := why + "needs to be enabled. This can only be done when the cluster is stopped. To proceed, stop the cluster, enable auto_tie_breaker, and start the cluster. Then, repeat the requested action."
		if s.Version.AtLeast(session.FirstToNameStop) {
			text += " Use commands 'pcs cluster stop --all', 'pcs quorum update auto_tie_breaker=1', 'pcs cluster start --all'."
		}
		s.Out.Tell(report.Errorf("%s", text))
	} else {
		s.Out.Warn(why + "will be enabled.")
	}
	return true
}

// distribute gives hosts the changed corosync.conf and has corosync on reload read it. The hosts have answered before, so
// none is passed now.
func distribute(s *session.Session, root *corosyncconf.Section, hosts, reload []string, tieBreaker bool) error {
	if tieBreaker {
		corosyncconf.SetQuorum(root, argv.Pairs{{Name: "auto_tie_breaker", Value: "1"}})
	}
	if err := session.VerifyConf(root); err != nil {
		return err
	}
	if err := s.DistributeConf(hosts, root, func(i report.Item) report.Item { return i }); err != nil {
		return err
	}
	return s.ReloadConf(reload)
}

// addLive makes a host a node of the cluster.
func addLive(s *session.Session, root *corosyncconf.Section, n nodeWords) error {
	began := addOf(n.name)
	again := s.Began(began) && n.is(s, root)
	if again {
		s.Out.Info("Adding node '" + n.name + "' was begun before and did not come to its end, it is done again")
		corosyncconf.RemoveNodes(root, []string{n.name})
	}
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
	joining, err := sbd.Join(s, n.name, n.watchdog, n.devices)
	if err != nil {
		return err
	}
	others, items := outsiders(s)
	s.Out.Tell(items...)
	s.Out.Tell(rules(s).AddNodes(c.members, corosyncconf.Nodes(root), others)...)
	if joining != nil {
		s.Out.Tell(joining.Check()...)
	} else if options := n.sbdOptions(); len(options) > 0 {
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
	fleet.Candidates(s, fresh, false, again || s.Opts.Force())
	if joining != nil {
		joining.Ask(s, fresh)
	}
	if err := s.Out.Check(); err != nil {
		return err
	}
	if err := s.Begin(began); err != nil {
		return report.Fatalf("Unable to record the command: %s", err)
	}
	if err := fleet.Introduce(s, fresh, append(slices.Clone(names), n.name)); err != nil {
		return err
	}
	if net {
		if err := netdevice.Distribute(s, device.Options.Value("host"), corosyncconf.ClusterName(root), fresh, fleet.Way{}); err != nil {
			return err
		}
	}
	if err := fence(s, joining, fresh); err != nil {
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
	if err := begin(s, fresh, wait, limit); err != nil {
		return err
	}
	return s.Finish()
}

// addOf is how adding a node is recorded.
func addOf(node string) string { return "cluster node add " + node }

// is tells whether a node that corosync.conf has under this name is the one that the words describe; it may have none.
func (n nodeWords) is(s *session.Session, root *corosyncconf.Section) bool {
	addrs := n.addrs
	if h, ok := s.KnownHosts().ByName[n.name]; ok && addrs == nil {
		addrs = []string{h.Dest().Addr}
	}
	for _, x := range corosyncconf.Nodes(root) {
		if x.Name == n.name {
			return slices.EqualFunc(x.Addrs, addrs, func(a corosyncconf.Addr, b string) bool { return a.Addr == b })
		}
	}
	return true
}

// fence has SBD on new nodes as the cluster has it; joining is nil where it has none.
func fence(s *session.Session, joining *sbd.Joining, fresh []string) error {
	if joining == nil {
		return sbd.TurnOff(s, fresh)
	}
	return joining.SetUp(s, fresh)
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
	return SendCertificate(s, targets)
}

// SendCertificate gives hosts the certificate of this host's pcsd and its key.
func SendCertificate(s *session.Session, targets []string) error {
	pair := ReadCertificate(s)
	if err := s.Out.Check(); err != nil {
		return err
	}
	return fleet.Certificate(s, targets, pair[0], pair[1])
}

// ReadCertificate reads pcsd's certificate and its key, and tells of what cannot be read.
func ReadCertificate(s *session.Session) (pair [2][]byte) {
	for i, f := range []struct{ name, role string }{{"pcsd.crt", "pcsd SSL certificate"}, {"pcsd.key", "pcsd SSL key"}} {
		path := filepath.Join(s.Paths.PcsdDir, f.name)
		var err error
		if pair[i], err = os.ReadFile(path); err != nil {
			s.Out.Tell(report.Errorf("Unable to read %s '%s': %s: '%s'", f.role, path, session.Reason(err), path))
		}
	}
	return pair
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
		s.Out.Warn("Remaining cluster " + report.Plural(len(lost), "node", "nodes") + " " + report.QuoteSorted(lost) +
			" could not be reached, run 'pcs cluster sync' on any currently online node once the unreachable " + report.Plural(len(lost), "one", "ones") + " become available")
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
	for _, n := range nodes {
		if s.Began(addOf(n)) {
			if err := s.Finish(); err != nil {
				return report.Fatalf("Unable to record the command: %s", err)
			}
		}
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
			s.Out.Warn(n + ": Unable to get quorum status: " + q.Why)
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
