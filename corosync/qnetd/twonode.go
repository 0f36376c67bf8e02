package qnetd

import (
	"time"

	"hacluster/corosync/qnet"
)

// twoNode is lms for clusters of two nodes: a node that sees the other has the
// vote; one that is alone at the server has it; else heuristics and the tie breaker decide.
type twoNode struct {
	cluster *cluster
	last    map[*client]qnet.Vote
}

func (t *twoNode) config(c *client, _ bool) (qnet.Vote, error) {
	if len(c.config) != 2 {
		return 0, qnet.UnsupportedAlgorithm
	}
	return qnet.NoChange, nil
}

func (t *twoNode) membership(_ time.Time, c *client) (qnet.Vote, error) {
	if t.last == nil {
		t.last = map[*client]qnet.Vote{}
	}
	var other *client
	for _, o := range t.cluster.clients {
		if o != c {
			other = o
		}
	}
	// Quorum does not move to a node that has just come; such a refusal is not kept.
	if other != nil && t.last[c] == 0 && other.ring != c.ring && t.last[other] == qnet.ACK {
		return qnet.NACK, nil
	}
	vote := qnet.NACK
	switch {
	case len(c.members) == 2 || other == nil:
		vote = qnet.ACK
	case points(c.heuristics) != points(other.heuristics):
		if points(c.heuristics) > points(other.heuristics) {
			vote = qnet.ACK
		}
	case preferred(c.tie, []qnet.Node{{ID: c.node}, {ID: other.node}}) == c.node:
		vote = qnet.ACK
	}
	t.last[c] = vote
	return vote, nil
}

func (t *twoNode) quorum(time.Time, *client) (qnet.Vote, error) { return qnet.NoChange, nil }

func (t *twoNode) asked(_ time.Time, c *client) (qnet.Vote, error) {
	if v := t.last[c]; v != 0 {
		return v, nil
	}
	return qnet.AskLater, nil
}

func (t *twoNode) replied(*client, uint32) {}

func (t *twoNode) heuristics(*client) (qnet.Vote, error) { return qnet.NoChange, nil }

func (t *twoNode) tick(time.Time, *client) (qnet.Vote, error) { return qnet.NoChange, nil }

func (t *twoNode) gone(c *client) { delete(t.last, c) }
