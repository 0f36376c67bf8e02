package cluster

import (
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/session"
)

// NodeAdd is `cluster node add`. A second address behind a comma and --watchdog and --device are 0.9's.
func NodeAdd(s *session.Session, args []string) error {
	if s.Legacy() {
		return nodeAdd09(s, args)
	}
	if err := s.Opts.Only(nodeAddOptions...); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	n, err := parseNode(args[0], args[1:], "device", "watchdog")
	if err != nil {
		return err
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	return addLive(s, root, n)
}

var nodeAddOptions = []string{"--wait", "--start", "--enable", "--force", "--skip-offline", "--no-watchdog-validation", "--request-timeout"}

// NodeRemove is `cluster node remove`.
func NodeRemove(s *session.Session, args []string) error {
	if s.Legacy() {
		return nodeRemove09(s, args)
	}
	if err := s.Opts.Only("--force", "--skip-offline", "--request-timeout"); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usage()
	}
	s.KnownHosts()
	root, err := s.Conf()
	if err != nil {
		return err
	}
	tieBreaker := ""
	if d := corosyncconf.ReadDevice(root); d != nil && d.Model == "net" {
		tieBreaker = d.Options.Value("tie_breaker")
	}
	items := append(named(root), rules(s).RemoveNodes(args, corosyncconf.Nodes(root), tieBreaker)...)
	if err := s.Check(items...); err != nil {
		return err
	}
	return removeLive(s, root, args)
}

// RemoveNodesFromCIB is what pcsd asks of pcs when nodes left the cluster: Pacemaker forgets them, and where it
// does not run, the CIB on disk does.
func RemoveNodesFromCIB(s *session.Session, args []string) error {
	if err := s.Opts.Only(); err != nil {
		return err
	}
	if len(args) == 0 {
		return argv.Usagef("No nodes specified")
	}
	if s.World.Services.IsActive(s.Ctx, "pacemaker") {
		return forget(s, args)
	}
	return dropFromDisk(s, args)
}
