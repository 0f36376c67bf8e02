package cluster

import (
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

func (c *newCluster) setupLive(*session.Session) error {
	return report.NotYet("pcs cluster setup of running hosts in the syntax of 0.10 and later")
}

func warnNamed(*session.Session) {}

func renameLive(s *session.Session, root *corosyncconf.Section, name string) error {
	return report.NotYet("pcs cluster rename of running hosts")
}

func addLive(*session.Session, *corosyncconf.Section, nodeWords) error {
	return report.NotYet("pcs cluster node add on running hosts")
}

func removeLive(*session.Session, *corosyncconf.Section, []string) error {
	return report.NotYet("pcs cluster node remove on running hosts")
}

func dropFromDisk(*session.Session, []string) error {
	return report.NotYet("pcs cluster remove_nodes_from_cib while Pacemaker does not run")
}
