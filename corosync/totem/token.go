package totem

import (
	"time"

	"hacluster/corosync/wire"
)

// queueSize bounds the messages of a ring that are kept.
const queueSize = 16384

// receiveToken is a visit of the token.
func (r *Ring) receiveToken(now time.Time, t *wire.Token) {
	if r.discardTokens || r.state != Operational && r.state != Recovery || t.Ring != r.ring || !less(r.tokenSeq, t.TokenSeq) {
		return
	}
	if t.Seq-r.aru > queueSize {
		r.stats.RxDropped++ // no ring can be so far ahead
		return
	}
	if t.Seq == r.lastSeq {
		if r.mergeTimer.IsZero() {
			r.mergeTimer = now.Add(r.cfg.Merge)
		}
		r.seqUnchanged++
	} else {
		r.mergeTimer, r.holdTimer = time.Time{}, time.Time{}
		r.seqUnchanged = 0
	}
	r.lastSeq = t.Seq
	// On an idle ring the representative keeps the token; the others know that it does.
	rep := r.ring.Rep == r.me
	if rep {
		r.held = r.seqUnchanged > r.cfg.SeqnoUnchanged
	} else {
		r.held = r.seqUnchanged >= r.cfg.SeqnoUnchanged
	}
	if r.state == Operational {
		r.free(t.Aru)
	}
	lastAru := r.lastAru
	r.lastAru = t.Aru
	allowed := r.allowed(t)
	resent := r.retransmit(now, t, allowed)
	allowed -= resent
	if r.cfg.CancelHoldOnRetransmit && r.held && (len(t.Retransmit) > 0 || resent > 0) {
		r.held = false
	}
	if less(r.released+queueSize-uint32(allowed)-uint32(r.cfg.WindowSize), t.Seq) {
		allowed = 0
	}
	sent := r.sendQueued(now, t, allowed)
	t.FCC += uint32(sent+resent) - r.trc
	t.Backlog += r.cbl - r.pbl
	r.trc, r.pbl = uint32(sent+resent), r.cbl

	if less(r.aru, t.Aru) || t.AruAddr == r.me || t.AruAddr == 0 {
		t.Aru = r.aru
		t.AruAddr = r.me
		if t.Aru == t.Seq {
			t.AruAddr = 0
		}
	}
	if t.Aru == lastAru && t.AruAddr != 0 {
		r.aruCount++
	} else {
		r.aruCount = 0
	}
	if r.aruCount > r.cfg.FailRecv && t.AruAddr == r.me {
		r.log.Error("FAILED TO RECEIVE: this node does not get messages that others get", "rotations", r.aruCount)
		if r.state == Recovery {
			r.restoreOldRing()
		}
		r.failedToReceive = true
		r.aruCount = 0
		r.failed = union(r.failed, []uint32{r.me})
		r.enterGather(now, "failed to receive")
		return
	}
	r.tokenSeq = t.TokenSeq
	t.TokenSeq++
	if r.state == Recovery && r.stuck(now, t) {
		r.log.Warn("recovery does not get on: the membership is formed anew")
		r.restoreOldRing()
		r.enterGather(now, "stuck in recovery")
		return
	}
	if r.state == Recovery {
		r.recoveryVisit(now, t)
	}
	r.forward(now, t, !rep || !r.held)
	if r.state == Operational {
		r.deliverNew()
	}
	r.rotated(now)
	r.stats.Backlog, r.stats.TokenAt = t.Backlog, now
	r.tokenTimer = now.Add(r.cfg.Token)
	r.retransmitTimer = now.Add(r.cfg.TokenRetransmit)
	if rep && r.held {
		r.holdTimer = now.Add(r.cfg.Hold)
	}
}

// rotated takes the time between two visits of the token in a ring that stands into the average,
// in which some thirty visits count.
func (r *Ring) rotated(now time.Time) {
	last, mean := r.visitedAt, &r.stats.TokenRotation
	if r.visitedAt = now; r.state != Operational || last.IsZero() {
		return
	}
	if *mean == 0 {
		*mean = now.Sub(last)
	}
	*mean += (now.Sub(last) - *mean) / 32
}

// forward passes the token on, or only keeps it to be sent later.
func (r *Ring) forward(_ time.Time, t *wire.Token, send bool) {
	t.Node = r.me
	r.lastToken = t.Marshal()
	if send {
		r.out.Push(&Unicast{r.next(), r.lastToken})
	}
}

func (r *Ring) sendTokenAgain() {
	if r.lastToken != nil && len(r.newMemb) > 0 {
		r.out.Push(&Unicast{r.next(), r.lastToken})
	}
}

func (r *Ring) retransmitToken(now time.Time) {
	r.sendTokenAgain()
	r.retransmitTimer = now.Add(r.cfg.TokenRetransmit)
}

// holdCancelled: somebody wants to send on an idle ring.
func (r *Ring) holdCancelled(now time.Time) {
	r.seqUnchanged = 0
	if r.ring.Rep == r.me && r.state != Gather {
		r.retransmitToken(now)
	}
}

// allowed is how many messages this visit may send: not more than fit the window,
// and of a backlog this node's share.
func (r *Ring) allowed(t *wire.Token) int {
	n := min(r.cfg.MaxMessages, max(0, r.cfg.WindowSize-int(t.FCC)))
	r.cbl = r.backlog()
	if total := t.Backlog + r.cbl - r.pbl; total > 0 {
		if share := uint32(r.cfg.WindowSize) * r.pbl / total; share > 0 {
			n = min(n, int(share))
		}
	}
	return n
}

// backlog is how many packets wait to be sent.
func (r *Ring) backlog() uint32 {
	switch {
	case r.state == Recovery:
		return uint32(len(r.retransQueue))
	case r.waitingSync:
		return r.sync.packets()
	}
	return r.normal.packets()
}

// current is the messages of the ring in use.
func (r *Ring) current() *window {
	if r.state == Recovery {
		return &r.recovery
	}
	return &r.regular
}

// retransmit sends what others miss and this node has, and asks for what this node misses.
func (r *Ring) retransmit(now time.Time, t *wire.Token, allowed int) int {
	w := r.current()
	sent := 0
	kept := t.Retransmit[:0]
	for _, x := range t.Retransmit {
		if m := w.get(x.Seq); sent < allowed && x.Ring == r.ring && m != nil {
			r.toMembers(now, m.packet)
			r.stats.McastRetx++
			sent++
			continue
		}
		kept = append(kept, x)
	}
	t.Retransmit = kept
	for seq := r.aru + 1; len(t.Retransmit) < wire.MaxRetransmits && !less(t.Seq, seq) && w.inRange(seq); seq++ {
		if w.get(seq) != nil || w.missed(seq) < r.cfg.MissCount || asked(t.Retransmit, seq) {
			continue
		}
		t.Retransmit = append(t.Retransmit, wire.Retransmit{Ring: r.ring, Seq: seq})
	}
	return sent
}

func asked(list []wire.Retransmit, seq uint32) bool {
	for _, x := range list {
		if x.Seq == seq {
			return true
		}
	}
	return false
}

// sendQueued sends waiting messages, at most allowed packets.
func (r *Ring) sendQueued(now time.Time, t *wire.Token, allowed int) int {
	w := r.current()
	sent := 0
	for ; sent < allowed; sent++ {
		m := &wire.Mcast{Node: r.me, From: r.me, Ring: r.ring, Seq: t.Seq + 1, ThisSeq: r.thisSeq}
		var packet []byte
		switch {
		case r.state == Recovery:
			if len(r.retransQueue) > 0 {
				m.Encapsulated, m.Payload = true, r.retransQueue[0]
				r.retransQueue = r.retransQueue[1:]
				packet = m.Marshal()
				m.Payload = packet[wire.McastHeader:]
			}
		case r.waitingSync:
			packet = r.sync.pack(wire.McastHeader)
		default:
			packet = r.normal.pack(wire.McastHeader)
		}
		if packet == nil {
			break
		}
		if !m.Encapsulated {
			m.Head(packet)
		}
		t.Seq++
		r.thisSeq++
		w.put(m, packet)
		r.high = t.Seq
		r.stats.McastTx++
		r.toMembers(now, packet)
	}
	r.updateAru()
	return sent
}

// updateAru moves aru up to the first gap.
func (r *Ring) updateAru() {
	w := r.current()
	for less(r.aru, r.high) && w.get(r.aru+1) != nil {
		r.aru++
	}
}

// free forgets messages that everybody has had for a rotation and that are delivered.
func (r *Ring) free(aru uint32) {
	to := lower(lower(aru, r.lastAru), r.highDelivered)
	if less(r.released, to) {
		r.regular.release(to)
		r.released = to
	}
}

// receiveMcast takes a message of another node, and the packet that it came in.
func (r *Ring) receiveMcast(now time.Time, m *wire.Mcast, packet []byte) {
	if m.From == r.me {
		return // what this node has sent it has
	}
	if m.Ring != r.ring {
		r.foreign(now, m.From, "message")
		return
	}
	var w *window
	switch r.state {
	case Operational, Gather:
		w = &r.regular
		if r.state == Gather && r.oldSaved {
			return // of a ring that was not completed
		}
	case Recovery:
		w = &r.recovery
	default:
		r.stats.RxDropped++
		return
	}
	if m.Swapped {
		packet = nil
	}
	if !w.put(m, packet) {
		return
	}
	if less(r.high, m.Seq) {
		r.high = m.Seq
	}
	r.updateAru()
	if r.state == Operational {
		r.deliverNew()
	}
}

// deliverNew delivers the ring's messages up to the first gap.
func (r *Ring) deliverNew() {
	for less(r.highDelivered, r.high) {
		m := r.regular.get(r.highDelivered + 1)
		if m == nil {
			return
		}
		r.highDelivered++
		r.out.Push(&arrival{m.Mcast})
	}
}
