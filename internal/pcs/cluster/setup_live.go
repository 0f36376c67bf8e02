package cluster

import (
	"os"
	"path/filepath"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/diskcib"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/fleet"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// defaultWait is how long --wait without a number waits for nodes to start.
const defaultWait = 15 * time.Minute

// startWait is what --wait says about the start of nodes.
func startWait(s *session.Session) (wait bool, limit time.Duration) {
	value, given := s.Opts.Wait()
	if !given {
		return false, 0
	}
	if !s.Opts.Has("--start") {
		s.Out.Tell(report.Errorf("Cannot specify 'wait' without specifying 'start'"))
	}
	if value == nil {
		return true, defaultWait
	}
	n, ok := session.Seconds(*value)
	if !ok {
		s.Out.Tell(report.Errorf("'%s' is not a valid number of seconds to wait", *value))
	}
	return true, time.Duration(n) * time.Second
}

// begin enables and starts the cluster on hosts as the options say.
func begin(s *session.Session, targets []string, wait bool, limit time.Duration) error {
	if s.Opts.Has("--enable") {
		if err := fleet.Enable(s, targets); err != nil {
			return err
		}
	}
	if !s.Opts.Has("--start") {
		return nil
	}
	if err := fleet.Start(s, targets); err != nil || !wait {
		return err
	}
	return fleet.WaitStarted(s, targets, limit)
}

// setupLive sets the cluster up on its hosts.
func (c *newCluster) setupLive(s *session.Session) error {
	var names []string
	for _, n := range c.nodes {
		names = append(names, n.name)
	}
	targets, items := s.Targets(names, false, false)
	s.Out.Tell(items...)
	c.defaults(s, false)
	s.Out.Tell(c.check(s)...)
	wait, limit := startWait(s)
	fleet.Candidates(s, targets, true, s.Opts.Force())
	if err := s.Out.Check(); err != nil {
		return err
	}
	root, err := c.conf(!s.Opts.Has("--no-cluster-uuid"))
	if err != nil {
		return err
	}
	if err := fleet.Destroy(s, targets); err != nil {
		return err
	}
	if err := fleet.Introduce(s, targets, targets); err != nil {
		return err
	}
	if err := fleet.RemoveFiles(s, targets, map[string]string{"pcsd settings": "pcsd_settings"}, fleet.Way{}); err != nil {
		return err
	}
	if !s.Opts.Has("--no-keys-sync") {
		if err := newKeys(s, targets); err != nil {
			return err
		}
	}
	// The presence of corosync.conf makes a host a node: it comes last.
	if err := fleet.PutConf(s, targets, root.String()); err != nil {
		return err
	}
	s.Out.Info("Cluster has been successfully set up.")
	return begin(s, targets, wait, limit)
}

// newKeys gives the hosts of a new cluster its secrets.
func newKeys(s *session.Session, targets []string) error {
	files := map[string]fleet.File{}
	for name, kind := range map[string]string{"corosync authkey": "corosync_authkey", remoteKey: keyKind} {
		key, err := newKey()
		if err != nil {
			return err
		}
		files[name] = fleet.Binary(kind, key)
	}
	if err := fleet.PutFiles(s, targets, files, fleet.Way{}); err != nil {
		return err
	}
	if !certSyncWanted(s) {
		return nil
	}
	cert, key, err := client.MakeCert(targets[0], time.Now())
	if err != nil {
		return err
	}
	return fleet.Certificate(s, targets, cert, key)
}

// warnNamed tells what holds the cluster's name outside of its configuration.
func warnNamed(s *session.Session) {
	data, err := os.ReadFile(filepath.Join(s.Paths.CIBDir, "cib.xml"))
	if err != nil {
		return
	}
	root, err := doc.Parse(data)
	if err != nil {
		return
	}
	dlm, gfs2 := false, false
	for _, p := range doc.All(doc.Section(root, "resources"), "primitive") {
		dlm = dlm || isAgent(p, "pacemaker", "controld")
		for _, nv := range doc.All(p, "nvpair") {
			gfs2 = gfs2 || isAgent(p, "heartbeat", "Filesystem") && nv.Parent().Tag == "instance_attributes" && doc.Attr(nv, "name") == "fstype" && doc.Attr(nv, "value") == "gfs2"
		}
	}
	if dlm {
		s.Out.Warn("The DLM cluster name in the shared volume groups metadata must be updated to reflect the name of the cluster so that the volume groups can start")
	}
	if gfs2 {
		s.Out.Warn("The lock table name on each GFS2 filesystem must be updated to reflect the name of the cluster so that the filesystems can be mounted")
	}
}

func isAgent(p *etree.Element, provider, agent string) bool {
	return doc.Attr(p, "class") == "ocf" && doc.Attr(p, "provider") == provider && doc.Attr(p, "type") == agent
}

// renameLive gives the cluster another name on all its nodes, where it must not run.
func renameLive(s *session.Session, root *corosyncconf.Section, name string) error {
	targets, err := s.AllConfTargets(root)
	if err != nil {
		return err
	}
	if err := s.CheckStopped(targets); err != nil {
		return err
	}
	if err := fleet.RemoveClusterName(s, targets); err != nil {
		return err
	}
	corosyncconf.SetTotem(root, argv.Pairs{{Name: "cluster_name", Value: name}})
	return s.PushConf(root, session.ConfPush{Stopped: true})
}

// dropFromDisk makes the configuration on this host's disk forget nodes.
func dropFromDisk(s *session.Session, nodes []string) error {
	for _, n := range nodes {
		note, err := diskcib.Delete(s.Paths.CIBDir, "/cib/configuration/nodes/node[@uname="+xml.QuoteXPath(n)+"]")
		if note != "" {
			s.Out.Warn("The CIB on this host's disk is broken: " + note)
		}
		if err != nil {
			return report.Items{removeFailed(s, n, err)}
		}
	}
	return nil
}
