package totem

import (
	"time"

	"hacluster/corosync/wire"
)

// createCommit makes the commit token of a new ring, of which this node is the representative.
func (r *Ring) createCommit() *wire.Commit {
	members := subtract(r.proc, r.failed)
	return &wire.Commit{
		Node: r.me, Ring: wire.RingID{Rep: r.me, Seq: r.highestSeq + 4},
		Members: members, Entries: make([]wire.CommitEntry, len(members)),
	}
}

// receiveCommit takes a commit token.
func (r *Ring) receiveCommit(now time.Time, c *wire.Commit) {
	if !increasing(c.Members) || !contains(c.Members, r.me) {
		r.stats.RxDropped++
		return
	}
	switch r.state {
	case Gather:
		if equal(c.Members, subtract(r.proc, r.failed)) && c.Ring.Seq > r.ring.Seq &&
			c.Index < len(c.Members) && c.Members[c.Index] == r.me {
			r.enterCommit(now, c)
		}
	case Commit:
		// Once round: everybody has filled its entry.
		if c.Ring == r.ring && c.Index == len(c.Members) && equal(c.Members, r.newMemb) {
			r.enterRecovery(now, c)
		}
	case Recovery:
		// Twice round: the representative turns it into the ring's token.
		if r.me == r.ring.Rep && c.Ring == r.ring && !r.originatedToken {
			r.originatedToken = true
			r.sendFirstToken(now)
		}
	}
}

// enterCommit fills this node's entry in the commit token and passes it on.
func (r *Ring) enterCommit(now time.Time, c *wire.Commit) {
	if !r.oldSaved {
		r.oldSaved = true
		r.oldRing, r.oldAru, r.oldHigh = r.ring, r.aru, r.high
	}
	r.newMemb = clone(c.Members)
	e := &c.Entries[c.Index]
	*e = wire.CommitEntry{Ring: r.oldRing, Aru: r.oldAru, HighDelivered: r.highDelivered, Received: r.oldAru == r.oldHigh}
	// Who has less than the best of the same old ring has not received everything.
	best := e.Aru
	for i := range c.Entries[:c.Index+1] {
		if o := &c.Entries[i]; o.Ring == e.Ring && less(best, o.Aru) {
			best = o.Aru
		}
	}
	for i := range c.Entries[:c.Index+1] {
		if o := &c.Entries[i]; o.Ring == e.Ring && less(o.Aru, best) {
			o.Received = false
		}
	}
	c.Index++
	r.joinTimer, r.sendJoinTimer, r.consensusTimer = time.Time{}, time.Time{}, time.Time{}
	r.ownJoin = nil
	r.ring = c.Ring
	r.highestSeq = c.Ring.Seq
	r.out.Push(&StoreSeq{r.ring.Seq})
	r.log.Debug("COMMIT", "ring", r.ring, "members", r.newMemb)
	r.state = Commit
	r.stats.CommitEntered++
	r.stats.ContinuousGather = 0
	r.trc, r.pbl, r.cbl = 0, 0, 0
	r.passCommit(now, c)
}

// passCommit sends the commit token to the next member.
func (r *Ring) passCommit(now time.Time, c *wire.Commit) {
	c.TokenSeq++
	c.Node = r.me
	r.commit = c
	r.lastToken = c.Marshal()
	r.stats.CommitTx++
	r.out.Push(&Unicast{r.next(), r.lastToken})
	r.tokenTimer = now.Add(r.cfg.Token)
	r.retransmitTimer = now.Add(r.cfg.TokenRetransmit)
}

// next is the member that gets the token from this one.
func (r *Ring) next() uint32 {
	for _, m := range r.newMemb {
		if m > r.me {
			return m
		}
	}
	return r.newMemb[0]
}
