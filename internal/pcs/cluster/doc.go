// Package cluster carries out the verbs of `pcs cluster`: setting a cluster up and
// taking it down, starting and stopping it, its CIB and its corosync.conf as wholes.
package cluster

import (
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

const nodesAndAll = "Cannot specify both --all and a list of nodes."

// Nodes are the names of corosync.conf's nodes; none is an error from 0.10 on.
func Nodes(s *session.Session) ([]string, error) {
	if s.Legacy() {
		return s.Members09()
	}
	if _, err := s.Conf(); err != nil {
		return nil, err
	}
	nodes := s.ConfNodes()
	if len(nodes) == 0 {
		return nil, report.Items{report.Errorf("No nodes found in corosync.conf")}
	}
	return nodes, nil
}
