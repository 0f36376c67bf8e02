package totem

import (
	"time"

	"hacluster/corosync/wire"
)

// enterGather begins to agree on a new membership.
func (r *Ring) enterGather(now time.Time, why string) {
	r.discardTokens = true
	r.originatedToken = false
	r.proc = union(r.proc, []uint32{r.me})
	r.log.Debug("GATHER", "because", why, "from", r.state, "proc", r.proc, "failed", r.failed)
	r.state = Gather
	r.stats.GatherEntered++
	r.sendJoin(now)
	r.joinTimer = now.Add(r.cfg.Join)
	r.consensusTimer = now.Add(r.cfg.Consensus)
	r.tokenTimer, r.retransmitTimer, r.mergeTimer = time.Time{}, time.Time{}, time.Time{}
	r.visitedAt = time.Time{}
	r.holdTimer = time.Time{}
	r.held = false
	r.consensus = []uint32{r.me}
}

func (r *Ring) sendJoin(now time.Time) {
	if r.cfg.SendJoin > 0 {
		if r.sendJoinTimer.IsZero() {
			r.sendJoinTimer = now.Add(time.Duration(r.cfg.Rand.Int64N(int64(r.cfg.SendJoin))))
		}
		return
	}
	r.sendJoinNow(now)
}

func (r *Ring) sendJoinNow(now time.Time) {
	r.stats.JoinTx++
	j := &wire.Join{Node: r.me, From: r.me, RingSeq: r.ring.Seq, Proc: clone(r.proc), Failed: clone(r.failed)}
	r.toAll(now, j)
	r.ownJoin = j
}

// foreign is what to do about a sign of life of a node in another ring.
func (r *Ring) foreign(now time.Time, from uint32, why string) {
	if from == 0 || !fits(r.proc, []uint32{from}) {
		return
	}
	switch r.state {
	case Operational:
		r.proc = union(r.proc, []uint32{from})
		r.enterGather(now, "foreign "+why)
	case Gather:
		if !contains(r.proc, from) {
			r.proc = union(r.proc, []uint32{from})
			r.enterGather(now, "foreign "+why)
		}
	default:
		r.stats.RxDropped++
	}
}

// receiveJoin takes a join, of this node too.
func (r *Ring) receiveJoin(now time.Time, j *wire.Join) {
	if j.From == 0 || !fits(r.proc, j.Proc) || !fits(r.failed, j.Failed) {
		r.stats.RxDropped++
		return
	}
	r.highestSeq = max(r.highestSeq, j.RingSeq)
	proc, failed := sorted(j.Proc), sorted(j.Failed)
	switch r.state {
	case Operational:
		// Who counts this node as failed does not want it; a member that speaks of
		// an older ring speaks of the past.
		if contains(failed, r.me) || contains(r.memb, j.From) && j.RingSeq < r.ring.Seq {
			return
		}
		r.joinStep(now, j, proc, failed)
	case Gather:
		r.joinStep(now, j, proc, failed)
	case Commit:
		if contains(r.newMemb, j.From) && j.RingSeq >= r.ring.Seq {
			r.forgive(j, failed)
			r.joinStep(now, j, proc, failed)
			r.enterGather(now, "join during commit")
		}
	case Recovery:
		if contains(r.newMemb, j.From) && j.RingSeq >= r.ring.Seq {
			r.forgive(j, failed)
			r.joinStep(now, j, proc, failed)
			r.restoreOldRing()
			r.enterGather(now, "join during recovery")
		}
	}
}

// forgive takes back that nodes have failed where a member of the ring that is being formed does not say
// so any more: it has the ring and gathers anew, because it hears one of them. Who insisted on its last gathering's
// failed nodes would be counted as failed by them in turn, again and again where the others
// hear of them just before this node has the ring, too.
func (r *Ring) forgive(j *wire.Join, failed []uint32) {
	if j.Node != 0 && !contains(failed, r.me) {
		r.failed = subtract(r.failed, subtract(r.failed, failed))
	}
}

// joinStep compares what a node sees with what this one sees.
func (r *Ring) joinStep(now time.Time, j *wire.Join, proc, failed []uint32) {
	leave := j.Node == 0
	if leave && len(j.Failed) > 0 {
		r.leaving = union(r.leaving, j.Failed[len(j.Failed)-1:])
	}
	switch {
	case equal(proc, r.proc) && equal(failed, r.failed):
		if !leave {
			r.consensus = union(r.consensus, []uint32{j.From})
		}
		if r.failedToReceive && r.agreed() {
			// The others have let this node go: it forms a ring of its own.
			r.failedToReceive = false
			r.proc, r.failed = []uint32{r.me}, nil
			r.enterCommit(now, r.createCommit())
			return
		}
		if r.agreed() && subtract(r.proc, r.failed)[0] == r.me && r.state == Gather {
			r.enterCommit(now, r.createCommit())
			return
		}
	case subset(proc, r.proc) && subset(failed, r.failed):
	case contains(r.failed, j.From):
	default:
		p, f := r.proc, r.failed
		r.proc = union(r.proc, proc)
		switch {
		case contains(failed, r.me):
			r.failed = union(r.failed, []uint32{j.From})
		case contains(r.memb, j.From):
			r.failed = union(r.failed, failed)
		}
		// A join that tells nothing new is not answered at once: two nodes that each
		// count somebody as failed whom the other does not would answer each other for ever.
		if r.state != Gather || !equal(p, r.proc) || !equal(f, r.failed) {
			r.enterGather(now, "join")
		}
		return
	}
	if r.state == Operational {
		r.enterGather(now, "join in operation")
	}
}

// agreed tells whether all that are to be in the new ring see the same.
func (r *Ring) agreed() bool {
	live := subtract(r.proc, r.failed)
	if len(live) == 0 {
		return r.failedToReceive
	}
	return subset(live, r.consensus)
}

// consensusExpired counts as failed who has not agreed in time.
func (r *Ring) consensusExpired(now time.Time) {
	r.stats.ConsensusTimeouts++
	if r.agreed() {
		// The representative has not sent its commit token.
		r.consensus = []uint32{r.me}
		r.tokenTimer = now.Add(r.cfg.Token)
		return
	}
	r.failed = union(r.failed, subtract(r.proc, r.consensus))
	r.enterGather(now, "consensus timeout")
}

// tokenLost is the end of the wait for a token.
func (r *Ring) tokenLost(now time.Time) {
	switch r.state {
	case Operational:
		r.log.Info("a processor failed, forming new configuration: token timed out", "token", r.cfg.Token, "consensus", r.cfg.Consensus)
		r.stats.OperationalTokenLost++
		r.enterGather(now, "token lost in operation")
	case Gather:
		r.stats.GatherTokenLost++
		r.consensusExpired(now)
		r.enterGather(now, "no commit token")
		r.stats.ContinuousGather++
	case Commit:
		r.stats.CommitTokenLost++
		r.enterGather(now, "token lost in commit")
	case Recovery:
		r.stats.RecoveryTokenLost++
		r.restoreOldRing()
		r.enterGather(now, "token lost in recovery")
	}
}
