package replica

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
)

// held is the answer to a client that waits until most of the group have its change.
type held struct {
	res   cib.Result
	until time.Time
	of    int             // members when it was delivered
	open  map[string]bool // members that may tell still
	have  map[string]bool // members that have it, this one among them; true: in a term that holds
	terms []uint64        // that began to hold since: members that adopt one have the change in it
	here  map[string]bool // members that made it, or took it over, and have not left since
}

// takenOver takes note that others take over a node's document, and this one does not: they have the change where that node does.
func (h *held) takenOver(source, self string, members []string) {
	made := h.here[source]
	clear(h.here)
	if made {
		for _, n := range members {
			h.here[n] = true
		}
		return
	}
	h.have = map[string]bool{self: h.have[self]}
}

// told notes that a member has the change.
func (h *held) told(node string, term bool) {
	delete(h.open, node)
	h.have[node] = h.have[node] || term
}

// termed is how many members have the change in a term that holds.
func (h *held) termed() int {
	n := 0
	for _, term := range h.have {
		if term {
			n++
		}
	}
	return n
}

// owed is a confirmation that waits; at is when the change was delivered.
type owed struct {
	to, call string
	at       time.Time
}

// unowe forgets those to a node that left: when it is back it may ask for something else under the same number.
func (r *Replica) unowe(node string) {
	gone := func(o owed) bool { return o.to == node }
	r.owed, r.unwritten = slices.DeleteFunc(r.owed, gone), slices.DeleteFunc(r.unwritten, gone)
}

// sureLimit is how long such an answer waits at most for members that are there but do not tell. Pacemaker's clients wait for 30 s.
const sureLimit = 10 * time.Second

// answer tells whoever waits on this node for a request, or the node where somebody does, what came of it.
func (r *Replica) answer(from string, msg *etree.Element, res cib.Result, err error) {
	call := msg.SelectAttrValue("cib_callid", "")
	// That there was nothing to change is as sure as the document is, which another may take the place of.
	asked := msg.SelectAttrValue(sureAttr, "") == "true"
	sure := asked && err == nil && (res.Keep || !res.Changed)
	if from != r.node {
		switch o := (owed{from, call, r.now}); {
		case sure:
			r.acknowledge(o)
		case asked && cib.CodeOf(err) == cib.SaveFailed:
			r.unwritten = append(r.waited(), o)
		}
		return
	}
	done := r.waiting[call]
	if done == nil {
		return
	}
	if !sure {
		delete(r.waiting, call)
		done(res, err)
		return
	}
	members := r.effects.Members()
	h := &held{res: res, until: r.now.Add(sureLimit), of: len(members), open: map[string]bool{}, have: map[string]bool{}, here: map[string]bool{}}
	for _, n := range members {
		h.open[n], h.here[n] = true, true
	}
	h.told(r.node, r.inTerm())
	r.held[call] = h
	r.judge(call, h)
}

// acknowledge tells a node that this one has a change on disk, when it is clear whether in a term.
func (r *Replica) acknowledge(o owed) {
	if r.inTerm() || !r.mayHold() {
		r.confirm(o.to, o.call, r.inTerm())
		return
	}
	r.owed = append(r.owed, o)
}

// waited are the confirmations of what the disk did not take that somebody may wait for still.
func (r *Replica) waited() []owed {
	return slices.DeleteFunc(r.unwritten, func(o owed) bool { return r.now.Sub(o.at) >= sureLimit })
}

// nowWritten gives them, when the disk has what it did not take before.
func (r *Replica) nowWritten() {
	due := r.waited()
	r.unwritten = nil
	for _, o := range due {
		r.acknowledge(o)
	}
}

// confirm tells a node that this one has a change; in a term that holds, or not.
func (r *Replica) confirm(to, call string, term bool) {
	m := r.message(confirmOp, "cib_host", to, "cib_callid", call)
	if term {
		m.CreateAttr(termAttr, strconv.FormatUint(r.term.Number, 10))
	}
	r.effects.Broadcast(m)
}

// confirmed takes note that a node has a change.
func (r *Replica) confirmed(from string, msg *etree.Element) {
	call := msg.SelectAttrValue("cib_callid", "")
	h := r.held[call]
	if h == nil || !h.open[from] {
		return
	}
	_, term := termOf(msg)
	h.told(from, term)
	r.judge(call, h)
}

// judge answers when most have the change, or nobody is left to tell.
func (r *Replica) judge(call string, h *held) {
	if r.rival() {
		return
	}
	if r.mayHold() {
		// Most of all nodes may have it in a term of theirs, which this node has no part in yet.
		if n := h.termed(); r.view.holds && n >= r.enough() || 2*n > r.effects.Nodes() {
			r.release(call, h)
		}
		return
	}
	if 2*len(h.have) > h.of || len(h.open) == 0 {
		r.release(call, h)
	}
}

// release answers that a change is made.
func (r *Replica) release(call string, h *held) { r.finish(call, h, nil) }

// finish answers; with an error: that a change, though it was applied, is not sure.
func (r *Replica) finish(call string, h *held, err error) {
	delete(r.held, call)
	if done := r.waiting[call]; done != nil {
		delete(r.waiting, call)
		done(h.res, err)
	}
}

// superseded answers those whose change was made in a document that another node's takes the place
// of: it may not be in there.
func (r *Replica) superseded(by string) {
	for call, h := range sorted(r.held) {
		r.finish(call, h, &cib.Error{Code: cib.NotConnected, Detail: "the CIB of node " + by + " took the place of the one with this change"})
	}
}

// alone tells that a change was made without most of the nodes, in a group that may have a term, and that has none with this
// node: nobody has taken it in, and what it changed before may give way to what the others have.
func (r *Replica) alone(h *held) bool {
	return r.mayHold() && !r.inTerm() && 2*len(h.have) <= r.effects.Nodes()
}

// Deadline is when Tick is due next; zero: not at all.
func (r *Replica) Deadline() time.Time {
	next := r.compareAt
	if next.IsZero() || !r.saveAgainAt.IsZero() && r.saveAgainAt.Before(next) {
		next = r.saveAgainAt
	}
	for _, h := range r.held {
		if next.IsZero() || h.until.Before(next) {
			next = h.until
		}
	}
	for _, a := range r.asking {
		if !a.until.IsZero() && (next.IsZero() || a.until.Before(next)) {
			next = a.until
		}
	}
	return next
}

// Tick answers those who have waited long enough, has the documents compared, and writes what the disk did not take before.
func (r *Replica) Tick(now time.Time) {
	r.now = now
	if !r.saveAgainAt.IsZero() && !r.saveAgainAt.After(now) {
		r.saveAgain()
	}
	if !r.compareAt.IsZero() && !r.compareAt.After(now) {
		r.compare()
	}
	r.unasked(now)
	for call, h := range sorted(r.held) {
		switch {
		case h.until.After(now):
		case r.disputed() || r.alone(h):
			r.finish(call, h, &cib.Error{Code: cib.NotConnected, Detail: "the change was made, but may not last: this node is not in agreement with most of the others"})
		case r.quorate:
			// Those who are silent may be killed with what they have not read, and have quorum without this node then.
			r.finish(call, h, &cib.Error{Code: cib.Timeout, Detail: fmt.Sprintf("the change was made, but may not last: %d of %d nodes told within %v that they have it (in term %d: %d); not %s", len(h.have), h.of, sureLimit, r.view.term, h.termed(), strings.Join(names(h.open), ", "))})
		default:
			r.effects.Logf("a change is answered though only %d of %d nodes told that they have it (in term %d: %d); not %v", len(h.have), h.of, r.view.term, h.termed(), names(h.open))
			r.release(call, h)
		}
	}
}
