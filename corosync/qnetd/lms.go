package qnetd

import (
	"time"

	"hacluster/corosync/qnet"
)

// lms lets the last node that reaches the server go on. Where several
// partitions reach it, the one with the best score has the vote (see ffsplit), then
// the one with the most connected nodes, then the tie breaker's.
type lms struct {
	cluster *cluster
	last    map[*client]qnet.Vote // what was decided last; a new client has nothing
}

func (l *lms) config(*client, bool) (qnet.Vote, error) { return qnet.NoChange, nil }

func (l *lms) membership(now time.Time, c *client) (qnet.Vote, error) { return l.decide(now, c), nil }

func (l *lms) quorum(now time.Time, c *client) (qnet.Vote, error) { return l.decide(now, c), nil }

func (l *lms) asked(now time.Time, c *client) (qnet.Vote, error) { return l.decide(now, c), nil }

func (l *lms) tick(now time.Time, c *client) (qnet.Vote, error) { return l.decide(now, c), nil }

func (l *lms) replied(*client, uint32) {}

func (l *lms) heuristics(*client) (qnet.Vote, error) { return qnet.NoChange, nil }

func (l *lms) gone(c *client) { delete(l.last, c) }

// partition is the connected clients of one ring.
type partition struct {
	ring         qnet.Ring
	score, nodes int
}

func (l *lms) decide(now time.Time, c *client) qnet.Vote {
	if l.last == nil {
		l.last = map[*client]qnet.Vote{}
	}
	c.again = time.Time{}
	partitions := l.partitions()
	if !l.agreed(c) || len(partitions) == 0 {
		c.again = now.Add(c.heartbeat / 4)
		l.last[c] = qnet.WaitForReply
		return qnet.WaitForReply
	}
	if len(partitions) == 1 {
		l.last[c] = qnet.ACK // votequorum alone decides
		return qnet.ACK
	}
	// Quorum does not move from nodes that have it to one that has just come. Such a
	// refusal is not kept: the client stays new until it was judged.
	if l.last[c] == 0 {
		for _, other := range l.cluster.clients {
			if other.ring != c.ring && l.last[other] == qnet.ACK {
				return qnet.NACK
			}
		}
	}
	vote := qnet.NACK
	if l.winner(c, partitions) == c.ring {
		vote = qnet.ACK
	}
	l.last[c] = vote
	return vote
}

// agreed tells whether all that c sees, and all that see c, are on its ring.
func (l *lms) agreed(c *client) bool {
	for _, other := range l.cluster.clients {
		sees := contains(c.members, other.node) || contains(other.members, c.node)
		if other != c && sees && other.ring != c.ring {
			return false
		}
	}
	return true
}

func contains(nodes []qnet.Node, id uint32) bool {
	for _, n := range nodes {
		if n.ID == id {
			return true
		}
	}
	return false
}

func (l *lms) partitions() (list []partition) {
clients:
	for _, c := range l.cluster.clients {
		if c.ring.Seq == 0 {
			continue // it has no ring yet
		}
		worth := 1 + points(c.heuristics)
		for i := range list {
			if list[i].ring == c.ring {
				list[i].nodes++
				list[i].score += worth
				continue clients
			}
		}
		list = append(list, partition{c.ring, worth, 1})
	}
	return list
}

// winner is the ring of the best partition.
func (l *lms) winner(c *client, list []partition) qnet.Ring {
	if p, alone := highest(list, func(p partition) int { return p.score }); alone {
		return p.ring
	}
	if p, alone := highest(list, func(p partition) int { return p.nodes }); alone {
		return p.ring
	}
	var connected []qnet.Node
	for _, other := range l.cluster.clients {
		connected = append(connected, qnet.Node{ID: other.node})
	}
	tie := preferred(c.tie, connected)
	for _, other := range l.cluster.clients {
		if other.node == tie {
			return other.ring
		}
	}
	return qnet.Ring{} // the node that breaks ties is not there
}

// highest is the first partition of the highest value; alone tells that no other has it.
func highest(list []partition, value func(partition) int) (best partition, alone bool) {
	for _, p := range list {
		switch v := value(p); {
		case best.nodes == 0 || v > value(best):
			best, alone = p, true
		case v == value(best):
			alone = false
		}
	}
	return best, alone
}
