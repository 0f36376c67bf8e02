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
		f.effects.Broadcast(f.message(withdrawTask, op.running.node, op))
	}
}

// withdrawTask tells who is to run a device for an operation not to begin.
const withdrawTask = "st_withdraw"

// unlessOverruled is done for a request that is merged with what the cluster asked for: who is not the cluster still wants it where that is overruled.
func (f *Fencer) unlessOverruled(op *operation, r Request, done func(error)) func(error) {
	own := Record{Client: r.Client}
	if !op.byCluster() || own.byCluster() {
		return done
	}
	return func(err error) {
		if e := (*Error)(nil); errors.As(err, &e) && e.Reason == overruled {
			f.Fence(f.now, r, done)
			return
		}
		done(err)
	}
}
