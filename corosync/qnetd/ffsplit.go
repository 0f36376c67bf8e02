package qnetd

import (
	"slices"
	"time"

	"hacluster/corosync/qnet"
)

// ffsplit gives its one vote to one partition: to the one with more than half of the
// configured nodes; at exactly half to the one with the better score (connected
// nodes, and heuristics that passed less those that failed), then to the one with more
// connected nodes, then to the one that had the vote, then to the tie breaker's.
//
// Nobody gets the vote before all others have confirmed that they have it no more.
type ffsplit struct {
	cluster *cluster
	server  *Server
	active  []uint32 // the nodes of the partition that has the vote
	acking  bool     // the vote is being given; before that, taken from the others
	clients map[*client]*standing
}

// standing is what a client still has to confirm.
type standing struct {
	seq  uint32
	vote qnet.Vote // ACK or NACK; 0: nothing
}

func (f *ffsplit) standing(c *client) *standing {
	st := f.clients[c]
	if st == nil {
		st = &standing{}
		f.clients[c] = st
	}
	return st
}

func (f *ffsplit) config(c *client, initial bool) (qnet.Vote, error) {
	if initial || len(c.members) == 0 {
		return qnet.AskLater, nil // the membership comes next
	}
	return f.decide(), nil
}

func (f *ffsplit) membership(_ time.Time, c *client) (qnet.Vote, error) {
	if len(c.config) == 0 {
		return qnet.AskLater, nil // who is configured comes next
	}
	return f.decide(), nil
}

func (f *ffsplit) quorum(time.Time, *client) (qnet.Vote, error) { return qnet.NoChange, nil }

func (f *ffsplit) asked(time.Time, *client) (qnet.Vote, error) {
	return 0, qnet.UnsupportedAlgorithmMessage
}

func (f *ffsplit) heuristics(c *client) (qnet.Vote, error) {
	if len(c.config) == 0 || len(c.members) == 0 {
		return qnet.AskLater, nil
	}
	return f.decide(), nil
}

func (f *ffsplit) tick(time.Time, *client) (qnet.Vote, error) { return qnet.NoChange, nil }

func (f *ffsplit) gone(c *client) {
	delete(f.clients, c)
	f.decide()
}

// decide chooses a partition and begins to tell the clients.
func (f *ffsplit) decide() qnet.Vote {
	for _, st := range f.clients {
		st.vote = 0
	}
	f.acking = false
	if !f.stable() {
		return qnet.WaitForReply
	}
	best := f.best()
	f.active = nil
	if best != nil {
		f.active = ids(best.members)
	}
	for _, c := range f.cluster.clients {
		if len(c.config) == 0 || len(c.members) == 0 {
			continue // it has not told whom it sees, so it has no vote that could be taken, and waits for none
		}
		if slices.Contains(f.active, c.node) {
			f.standing(c).vote = qnet.ACK
		} else {
			f.standing(c).vote = qnet.NACK
		}
	}
	if f.tell(qnet.NACK) == 0 {
		f.acking = true
		f.tell(qnet.ACK)
	}
	return qnet.NoChange
}

func (f *ffsplit) tell(v qnet.Vote) (n int) {
	for _, c := range f.cluster.clients {
		if st := f.standing(c); st.vote == v {
			st.seq++
			n++
			f.server.voteInfo(c, st.seq, v)
		}
	}
	return n
}

func (f *ffsplit) replied(c *client, seq uint32) {
	st := f.standing(c)
	if seq != st.seq {
		return // of an earlier vote
	}
	if f.acking != (st.vote == qnet.ACK) {
		return // an ACK that was not sent yet is not confirmed
	}
	st.vote = 0
	if f.acking {
		return
	}
	for _, other := range f.cluster.clients {
		if f.standing(other).vote == qnet.NACK {
			return
		}
	}
	f.acking = true
	f.tell(qnet.ACK)
}

// stable tells whether all clients agree on who is configured, and those that
// see each other on the ring.
func (f *ffsplit) stable() bool {
	for _, a := range f.cluster.clients {
		for _, b := range f.cluster.clients {
			if !subset(a.config, b.config) {
				return false
			}
			if a != b && slices.Contains(ids(a.members), b.node) && (a.ring != b.ring || !subset(a.members, b.members)) {
				return false
			}
		}
	}
	return true
}

// best is a client of the partition that gets the vote; nil: none may have it.
func (f *ffsplit) best() *client {
	keep := true
	for _, c := range f.cluster.clients {
		keep = keep && c.keepActive
	}
	var best *client
	for _, c := range f.cluster.clients {
		switch twice := 2 * len(c.members); {
		case twice > len(c.config):
			return c // there is one majority only, where the vote may not leave it
		case twice == len(c.config) && (best == nil || f.better(c, best, keep)):
			best = c
		}
	}
	return best
}

func (f *ffsplit) better(a, b *client, keep bool) bool {
	as, an := f.score(a)
	bs, bn := f.score(b)
	switch {
	case as != bs:
		return as > bs
	case an != bn:
		return an > bn
	}
	if keep {
		ina, inb := slices.Contains(f.active, a.node), slices.Contains(f.active, b.node)
		if ina != inb {
			return ina
		}
	}
	return slices.Contains(ids(a.members), preferred(a.tie, a.config))
}

// score counts the connected clients in c's partition, with their heuristics.
func (f *ffsplit) score(c *client) (score, connected int) {
	members := ids(c.members)
	for _, other := range f.cluster.clients {
		if !slices.Contains(members, other.node) {
			continue
		}
		connected++
		score += 1 + points(other.heuristics)
	}
	return score, connected
}

// points is what a node's heuristics are worth.
func points(h qnet.Heuristics) int {
	switch h {
	case qnet.Pass:
		return 1
	case qnet.Fail:
		return -1
	}
	return 0
}

// preferred is the node that breaks ties.
func preferred(t qnet.TieBreaker, config []qnet.Node) uint32 {
	all := ids(config)
	switch {
	case t.Mode == qnet.ByNode:
		return t.Node
	case len(all) == 0:
		return 0
	case t.Mode == qnet.Highest:
		return slices.Max(all)
	}
	return slices.Min(all)
}

func ids(nodes []qnet.Node) []uint32 {
	out := make([]uint32, len(nodes))
	for i, n := range nodes {
		out[i] = n.ID
	}
	return out
}

func subset(a, b []qnet.Node) bool {
	in := ids(b)
	for _, n := range a {
		if !slices.Contains(in, n.ID) {
			return false
		}
	}
	return true
}
