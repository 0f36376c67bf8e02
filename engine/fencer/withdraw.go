package fencer

import (
	"errors"
	"slices"
	"time"
)

// A device may be busy or slow, and whom the cluster wanted to have fenced may be back, and a member, before its turn comes. Then the one that
// asked withdraws that: the node that is to run the device does not know what the DC's plan asks for.

// Review withdraws what this node has asked for in the cluster's name, and has no say in any more (see Effects.Overruled). An agent that runs
// runs on.
func (f *Fencer) Review(now time.Time) {
	f.now = now
	for _, op := range slices.Clone(f.ops) {
		if op.State > Executing || op.follows != "" || op.handed || op.alone || op.withdrawn || f.forbidden(op) != overruled {
			continue
		}
		f.effects.Logf("Fencing (%s) of %s is withdrawn: %s", op.Action, op.Target, overruled)
		if op.running == nil {
			op.last = overruled
			f.finish(op, Failed, op.last)
			continue
		}
		op.withdrawn = true
		f.effects.Broadcast(f.message(withdrawTask, "", op))
	}
}

// withdrawTask tells all that an operation is withdrawn: who is to run a device for it does not begin, and for those that others have of the same target its
// origin does not speak any more.
const withdrawTask = "st_withdraw"

// withdrawn takes note that an operation is.
func (f *Fencer) withdrawn(id string) {
	f.void(id, overruled)
	for _, p := range f.pending {
		if p.ID == id {
			p.withdrawn = true
		}
	}
}

// unlessOverruled is done for a request that is merged with what the cluster asked for: who is not the cluster still wants it where that is overruled.
func (f *Fencer) unlessOverruled(op *operation, r Request, done func(error)) func(error) {
	own := Record{Client: r.Client}
	if !op.byCluster() || own.byCluster() {
		return done
	}
	return func(err error) {
		if e := (*Error)(nil); errors.As(err, &e) && e.Overruled() {
			f.Fence(f.now, r, done)
			return
		}
		done(err)
	}
}
