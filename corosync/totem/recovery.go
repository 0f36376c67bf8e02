package totem

import (
	"fmt"
	"strconv"
	"time"

	"hacluster/corosync/wire"
)

// enterRecovery begins to even out what the members have of their old rings' messages.
func (r *Ring) enterRecovery(now time.Time, c *wire.Commit) {
	r.discardTokens = false
	r.tokenSeq = ^uint32(0)
	r.recovery.reset()
	r.retransQueue = nil
	r.trans = nil
	everything := true
	for i, m := range c.Members {
		if c.Entries[i].Ring == r.oldRing && contains(r.memb, m) {
			r.trans = append(r.trans, m)
			everything = everything && c.Entries[i].Received
		}
	}
	r.log.Debug("RECOVERY", "ring", r.ring, "transitional", r.trans, "evenly received", everything)
	r.state = Recovery
	r.stats.RecoveryEntered++
	r.passCommit(now, c)
	if !everything {
		low := r.oldHigh
		for i, m := range c.Members {
			if contains(r.trans, m) && less(c.Entries[i].Aru, low) {
				low = c.Entries[i].Aru
			}
		}
		if less(low, r.regular.base) {
			low = r.regular.base // what is older everybody has had
		}
		for seq := low + 1; !less(r.oldHigh, seq); seq++ {
			if m := r.regular.get(seq); m != nil {
				r.retransQueue = append(r.retransQueue, m.packet)
			}
		}
		r.log.Debug("sending messages of the old ring again", "from", low+1, "to", r.oldHigh, "count", len(r.retransQueue))
	}
	r.aru, r.high, r.aruCount, r.lastAru = 0, 0, 0, 0
	r.seqUnchanged, r.installSeq, r.released = 0, 0, 0
	r.retransCount, r.rotationCounter, r.setRetrans = 0, 0, false
	r.lastSeq = 0
	r.progress = recoveryProgress{}
}

// restoreOldRing takes back what recovery has changed.
func (r *Ring) restoreOldRing() {
	r.aru, r.high = r.oldAru, r.oldHigh
	r.retransCount, r.rotationCounter = 0, 0
}

// sendFirstToken starts the token of a new ring.
func (r *Ring) sendFirstToken(now time.Time) {
	r.setRetrans = len(r.retransQueue) > 0
	r.stats.TokenTx++
	r.forward(now, &wire.Token{Aru: ^uint32(0), AruAddr: r.me, Ring: r.ring, Retrans: r.setRetrans}, true)
	r.tokenTimer = now.Add(r.cfg.Token)
	r.retransmitTimer = now.Add(r.cfg.TokenRetransmit)
}

// recoveryProgress is by what a recovery is seen to get on.
type recoveryProgress struct {
	seq, aru, ringAru uint32
	queue             int
	retrans           bool
	since             time.Time
}

// stuck tells that recovery does not get on, for much longer than a lost message takes to be sent again:
// the token says what is not so.
func (r *Ring) stuck(now time.Time, t *wire.Token) bool {
	p := recoveryProgress{t.Seq, r.aru, t.Aru, len(r.retransQueue), t.Retrans, r.progress.since}
	if p != r.progress || p.since.IsZero() {
		p.since = now
		r.progress = p
	}
	return now.Sub(r.progress.since) > 4*r.cfg.Token
}

// recoveryVisit counts the rotations of the token until nobody has anything to
// send again and everybody has received what was sent.
func (r *Ring) recoveryVisit(now time.Time, t *wire.Token) {
	switch {
	case len(r.retransQueue) > 0:
		if !t.Retrans {
			t.Retrans, r.setRetrans = true, true
		}
	case t.Retrans && r.setRetrans:
		t.Retrans, r.setRetrans = false, false
	}
	if t.Retrans {
		r.retransCount = 0
	} else {
		r.retransCount++
	}
	if r.retransCount == 2 {
		r.installSeq = t.Seq
	}
	if r.retransCount >= 3 && !less(t.Aru, r.installSeq) {
		r.rotationCounter++
	} else {
		r.rotationCounter = 0
	}
	if r.rotationCounter == 2 {
		r.rotationCounter, r.retransCount = 0, 0
		r.enterOperational(now)
	}
}

// enterOperational delivers what is left of the old ring, and the new configuration.
func (r *Ring) enterOperational(time.Time) {
	r.originatedToken = false
	r.oldSaved = false
	// What others had and this node did not goes to the old ring's messages.
	last := uint32(0) // of the recovery's messages
	var added []uint32
	for seq := uint32(1); ; seq++ {
		m := r.recovery.get(seq)
		if m == nil || !m.Encapsulated {
			break
		}
		last = seq
		p, err := wire.Parse(m.Payload)
		old, ok := p.(*wire.Mcast)
		if err != nil || !ok || old.Ring != r.oldRing {
			continue
		}
		if !r.regular.put(old, m.Payload) {
			continue
		}
		added = append(added, old.Seq)
		if less(r.oldHigh, old.Seq) {
			r.oldHigh = old.Seq
		}
	}
	r.log.Debug("recovered", "of", r.oldRing, "packets", added, "in messages up to", last, "all up to", r.aru, "high", r.high)
	r.deliverOld(false)
	left, joined := subtract(r.memb, r.trans), subtract(r.newMemb, r.trans)
	r.memb = clone(r.newMemb)
	r.out.Push(&Configuration{Transitional: true, Ring: r.ring, Members: clone(r.trans), Left: left})
	r.deliverOld(true)
	// Whole messages that were waiting for a sync which will not be: it begins anew.
	r.sync.clear()
	r.sync.alone, r.normal.alone = true, true
	r.waitingSync = true
	r.installed = r.ring
	r.out.Push(&Configuration{Ring: r.ring, Members: clone(r.newMemb), Joined: joined})

	r.regular, r.recovery = r.recovery, window{}
	r.lastAru = 0
	r.proc, r.failed = clone(r.newMemb), nil
	r.highDelivered = last
	r.regular.release(last)
	r.released = last
	r.retransQueue = nil
	r.oldRing = r.ring
	failed := subtract(left, r.leaving)
	r.leaving = nil
	r.log.Info(fmt.Sprintf("A new membership (%s) was formed. Members%s%s", r.ring, listed(" joined:", joined), listed(" left:", left)))
	if len(failed) > 0 {
		r.log.Info("Failed to receive the leave message." + listed(" failed:", failed))
	}
	r.state = Operational
	r.stats.OperationalEntered++
	r.stats.ContinuousGather = 0
}

// deliverOld delivers the old ring's messages up to the first gap, or with skip all that
// are left and whose sender comes along.
func (r *Ring) deliverOld(skip bool) {
	var missing, left []uint32
	for seq := r.highDelivered + 1; !less(r.oldHigh, seq); seq++ {
		m := r.regular.get(seq)
		switch {
		case m == nil && !skip:
			return
		case m == nil:
			missing = append(missing, seq)
		case skip && !contains(r.trans, m.From):
			left = append(left, seq)
		default:
			r.out.Push(&arrival{m.Mcast})
		}
		r.highDelivered = seq
	}
	if len(missing) > 0 {
		r.log.Info("packets of the old ring are lost: none of those who come along has them", "ring", r.oldRing, "packets", missing, "of who left, after them", left, "high", r.oldHigh)
	}
}

// listed is a word and the nodes that it is about, as Corosync's log has them; "" where there are none.
func listed(word string, nodes []uint32) string {
	if len(nodes) == 0 {
		return ""
	}
	for _, n := range nodes {
		word += " " + strconv.FormatUint(uint64(n), 10)
	}
	return word
}
