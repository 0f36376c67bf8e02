package qnetd

import (
	"cmp"
	"slices"
	"time"

	"hacluster/corosync/qnet"
)

// Cluster is the state of one cluster, for people.
type Cluster struct {
	Name      string
	Algorithm qnet.Algorithm
	Tie       qnet.TieBreaker
	Nodes     []Node // by node id
}

// Node is one connected node of a cluster.
type Node struct {
	ID         uint32
	Addr       string
	TLS        bool
	CertOK     bool // its certificate was checked
	Heartbeat  time.Duration
	Since      time.Time
	Config     []uint32
	Version    uint64
	HasVersion bool
	Ring       qnet.Ring
	Members    []uint32
	Heuristics qnet.Heuristics // those that came with its ring
	Regular    qnet.Heuristics // those that changed later by themselves
	KeepActive bool
	Vote       qnet.Vote // the last that it was told; 0: none
	RealVote   qnet.Vote // the last that was ACK or NACK
}

// Clusters is the state of all clusters, by name.
func (s *Server) Clusters() []Cluster {
	var list []Cluster
	for _, cl := range s.clusters {
		c := Cluster{Name: cl.name, Algorithm: cl.clients[0].algorithm, Tie: cl.clients[0].tie}
		for _, n := range cl.clients {
			c.Nodes = append(c.Nodes, Node{
				ID: n.node, Addr: n.addr, TLS: n.secured, CertOK: n.checked, Heartbeat: n.heartbeat, Since: n.since,
				Config: ids(n.config), Version: n.version, HasVersion: n.hasVersion, Ring: n.ring, Members: ids(n.members),
				Heuristics: n.heuristics, Regular: n.regular, KeepActive: n.keepActive, Vote: n.sent, RealVote: n.sentReal,
			})
		}
		slices.SortFunc(c.Nodes, func(a, b Node) int { return cmp.Compare(a.ID, b.ID) })
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b Cluster) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// Connections counts all connections, also those that are members of no cluster yet.
func (s *Server) Connections() int { return len(s.clients) }
