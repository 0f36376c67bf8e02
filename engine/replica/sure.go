package replica

import (
	"maps"
	"slices"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
)

// held is the answer to a client that waits until most of the group have its change.
type held struct {
	res   cib.Result
	until time.Time
	have  int             // members that have it, this one among them
	of    int             // members when it was delivered
	open  map[string]bool // members that may tell still
}

// sureLimit is how long such an answer waits at most for members that are there but do not tell.
const sureLimit = 10 * time.Second

// answer tells whoever waits on this node for a request, or the node where somebody does, what came of it.
func (r *Replica) answer(from string, msg *etree.Element, res cib.Result, err error) {
	call := msg.SelectAttrValue("cib_callid", "")
	sure := msg.SelectAttrValue(sureAttr, "") == "true" && err == nil && res.Keep
	if from != r.node {
		if sure {
			m := etree.NewElement("cib_command")
			for _, a := range [][2]string{{"t", Type}, {"cib_op", confirmOp}, {"cib_host", from}, {"cib_callid", call}, {"src", r.node}} {
				m.CreateAttr(a[0], a[1])
			}
			r.effects.Broadcast(m)
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
	h := &held{res: res, until: r.now.Add(sureLimit), have: 1, of: len(members), open: map[string]bool{}}
	for _, n := range members {
		if n != r.node {
			h.open[n] = true
		}
	}
	r.held[call] = h
	r.judge(call, h)
}

// confirmed takes note that a node has a change.
func (r *Replica) confirmed(from, call string) {
	h := r.held[call]
	if h == nil || !h.open[from] {
		return
	}
	delete(h.open, from)
	h.have++
	r.judge(call, h)
}

// judge answers when most have the change, or nobody is left to tell.
func (r *Replica) judge(call string, h *held) {
	if 2*h.have > h.of || len(h.open) == 0 {
		r.release(call, h)
	}
}

func (r *Replica) release(call string, h *held) {
	delete(r.held, call)
	if done := r.waiting[call]; done != nil {
		delete(r.waiting, call)
		done(h.res, nil)
	}
}

// superseded answers those whose change was made in a document that another node's takes the place
// of: it may not be in there.
func (r *Replica) superseded(by string) {
	for call, h := range sorted(r.held) {
		delete(r.held, call)
		if done := r.waiting[call]; done != nil {
			delete(r.waiting, call)
			done(h.res, &cib.Error{Code: cib.NotConnected, Detail: "the CIB of node " + by + " took the place of the one with this change"})
		}
	}
}

// Deadline is when Tick is due next; zero: not at all.
func (r *Replica) Deadline() time.Time {
	var next time.Time
	for _, h := range r.held {
		if next.IsZero() || h.until.Before(next) {
			next = h.until
		}
	}
	return next
}

// Tick answers those who have waited long enough.
func (r *Replica) Tick(now time.Time) {
	r.now = now
	for call, h := range sorted(r.held) {
		if !h.until.After(now) {
			r.effects.Logf("a change is answered though only %d of %d nodes told that they have it: %v do not", h.have, h.of, slices.Sorted(maps.Keys(h.open)))
			r.release(call, h)
		}
	}
}
