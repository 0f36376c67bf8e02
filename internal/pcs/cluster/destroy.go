package cluster

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/fleet"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/resource"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// Destroy is `cluster destroy`: this host, or with --all every node.
func Destroy(s *session.Session, args []string) error {
	if !s.Legacy() {
		if err := s.Opts.Only(append(s.Answers(), "--all", "--request-timeout")...); err != nil {
			return err
		}
		if len(args) > 0 {
			return argv.Usage()
		}
		if s.Interactive() {
			s.Out.Warn("It is recommended to run 'pcs cluster stop' before destroying the cluster.")
			ok, err := s.Confirm("This would kill all cluster processes and then PERMANENTLY remove cluster state and configuration")
			if err != nil || !ok {
				return err
			}
		}
	}
	if !s.Opts.Has("--all") {
		return DestroyLocal(s)
	}
	root, err := s.CIB()
	if err != nil {
		s.Out.Warn("Unable to load CIB to get guest and remote nodes from it, those nodes will not be deconfigured.")
	}
	nodes, err := Nodes(s)
	if err != nil {
		return err
	}
	if root != nil {
		stripOutsiders(s, root)
	}
	return destroyNodes(s, nodes, false)
}

// stripOutsiders takes the remote and guest nodes out of the cluster; those that do not answer, or cannot, are told of.
func stripOutsiders(s *session.Session, root *etree.Element) {
	names, _ := resource.PacemakerNodes(root)
	targets, items := s.Targets(names, true, true)
	for i := range items {
		items[i].Severity = report.Warning
	}
	s.Out.Tell(items...)
	if len(targets) == 0 {
		return
	}
	all := fleet.Way{Skip: true, Fail: true, Pass: true}
	_ = fleet.Switch(s, targets, "pacemaker_remote", []string{"stop", "disable"}, called(all, stop09))
	_ = fleet.RemoveFiles(s, targets, map[string]string{remoteKey: keyKind}, called(all, files09))
}

func destroyNodes(s *session.Session, nodes []string, keepGoing bool) error {
	_, _ = s.ForNodes(nodes, s.RepeatIfTimeout(stopCall(s, "pacemaker")))
	var lines []string
	for _, part := range s.OwnLast(nodes) {
		failed, _ := s.ForNodes(part, func(n string) (int, string) {
			return s.Send(n, client.Request{Path: "remote/cluster_destroy"})
		})
		if err := s.Ctx.Err(); err != nil {
			return err
		}
		lines = append(lines, failed...)
	}
	if len(lines) == 0 {
		return nil
	}
	text := "unable to destroy cluster\n" + strings.Join(lines, "\n")
	if keepGoing {
		s.Out.Warn(text)
		return nil
	}
	return report.Fatal(text)
}

// DestroyLocal takes this host out of its cluster: nothing of it runs or is left but backups,
// tokens and certificates. Failures do not stop it.
func DestroyLocal(s *session.Session) error {
	services := s.World.Services
	s.Out.Info("Shutting down pacemaker/corosync services...")
	for _, u := range []string{"pacemaker", "corosync-qdevice", "corosync"} {
		if u != "corosync-qdevice" || services.IsActive(s.Ctx, u) {
			_ = services.Stop(s.Ctx, u)
		}
	}
	s.Out.Info("Killing any remaining services...")
	killAll(s)
	for _, u := range append([]string{"corosync", "pacemaker"}, corosyncUnits(s)[1:]...) {
		_ = services.Disable(s.Ctx, u)
	}
	if services.IsEnabled(s.Ctx, "sbd") {
		_ = services.Disable(s.Ctx, "sbd")
	}
	s.Out.Info("Removing all cluster configuration files...")
	RemoveFiles(s.Paths)
	return nil
}

// RemoveFiles removes what makes a host a node of a cluster.
func RemoveFiles(p session.Paths) {
	for _, f := range []string{p.CorosyncConf, p.CorosyncKey, p.PacemakerKey, filepath.Join(p.PcsdDir, "disaster-recovery"), p.Dialect} {
		_ = os.Remove(f)
	}
	state := []string{"cib-*", "cib.*", "cib.xml*", "core.*", "cts.*", "hostcache", "pe*.bz2"}
	root := filepath.Dir(p.CIBDir)
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // what cannot be read is left
		}
		for _, pattern := range state {
			if ok, _ := filepath.Match(pattern, d.Name()); ok {
				_ = os.Remove(path)
				break
			}
		}
		return nil
	})
}
