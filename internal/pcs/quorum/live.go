package quorum

import (
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/fleet"
	"hacluster/internal/pcs/netdevice"
	"hacluster/internal/pcs/session"
)

// addLive has all nodes use a quorum device.
func addLive(s *session.Session, root *corosyncconf.Section, d corosyncconf.QuorumDevice, stop bool) error {
	targets, err := s.ConfTargets(root)
	if err != nil {
		return err
	}
	if d.Model == "net" {
		if err := netdevice.Distribute(s, d.Options.Value("host"), corosyncconf.ClusterName(root), targets, fleet.Way{Skip: true}); err != nil {
			return err
		}
	}
	if err := clients(s, targets, "enable", "Enabling", "enabled"); err != nil {
		return err
	}
	if err := s.PushConf(root, session.ConfPush{Stopped: stop}); err != nil {
		return err
	}
	return clients(s, targets, "start", "Starting", "started")
}

// clients has the quorum device's clients on all nodes do something.
func clients(s *session.Session, targets []string, verb, doing, done string) error {
	s.Out.Info(doing + " corosync-qdevice...")
	return s.Out.Check(s.DeviceClient(targets, verb, done)...)
}

// removeLive has all nodes use no quorum device any more.
func removeLive(s *session.Session, root *corosyncconf.Section, model string) error {
	targets, err := s.ConfTargets(root)
	if err != nil {
		return err
	}
	if err := clients(s, targets, "disable", "Disabling", "disabled"); err != nil {
		return err
	}
	if err := clients(s, targets, "stop", "Stopping", "stopped"); err != nil {
		return err
	}
	if model == "net" {
		if err := netdevice.Remove(s, targets, fleet.Way{Skip: true}); err != nil {
			return err
		}
	}
	return s.PushConf(root, session.ConfPush{})
}
