package fencer

import (
	"slices"
	"time"
)

// Self is fencing of nodes by their own watchdogs: a node that is cut off, or
// that is told to, is not fed any more and ends by itself within a known time.
type Self struct {
	// After tells after how long a target surely has ended itself; 0: it does not do that.
	After func(target string) time.Duration
	// Now ends this node.
	Now func()
	// Since tells since when this node has quorum, zero: it has none. Only who has quorum knows that a target that is away has not. nil: it always had.
	Since func() time.Time
}

// surely is when a target has surely ended itself that was parted from this node at some time at the latest; false: nobody knows.
func (f *Fencer) surely(target string, parted time.Time) (at time.Time, ok bool) {
	t := f.Self.After(target)
	if t <= 0 {
		return at, false
	}
	if f.Self.Since != nil {
		since := f.Self.Since()
		if since.IsZero() {
			return at, false
		}
		if since.After(parted) {
			parted = since // before, the target may have had quorum
		}
	}
	return parted.Add(t), true
}

// WatchdogAgent is the agent of the device that stands for nodes' own watchdogs, and watchdogDevice is the only one that it may be. No node runs it to fence.
const (
	WatchdogAgent  = "fence_watchdog"
	watchdogDevice = "watchdog"
)

// await has an operation that no device can carry out, or that all devices without a topology failed at, wait for the target's
// watchdog. false: that is no way for this target.
func (f *Fencer) await(op *operation) bool {
	if op.Action == "on" || f.Self.After == nil {
		return false
	}
	at, ok := f.surely(op.Target, f.now)
	if !ok {
		return false
	}
	if why := f.forbidden(op); why != "" {
		op.last = why
		f.finish(op, Failed, op.last)
		return true
	}
	if !op.all {
		op.all, op.steps = true, nil // nothing is left to do after it
	}
	op.alone, op.Delegate = true, op.Target
	op.deadline = at.Add(max(0, op.delay))
	op.parted = f.now
	op.delay = min(op.delay, 0)
	f.effects.Logf("Waiting %v for %s to self-fence (%s) for client %s", op.deadline.Sub(f.now), op.Target, op.Action, op.Client)
	f.effects.Broadcast(f.message("st_self", op.Target, op))
	return true
}

// awaited is the end of that wait.
func (f *Fencer) awaited(op *operation) {
	why := f.forbidden(op)
	switch {
	case why != "":
		// Who lost quorum meanwhile is the one that ends itself.
		op.last = why
		f.finish(op, Failed, op.last)
	case f.present(op.Target):
		// It is there, so its watchdog was fed: it was back before that struck.
		// It is told once more, and the time runs anew.
		if !f.await(op) {
			op.last = noQuorum
			f.finish(op, Failed, op.last)
		}
	default:
		at, ok := f.surely(op.Target, op.parted)
		if !ok {
			op.last = noQuorum
			f.finish(op, Failed, op.last)
			return
		}
		if at.After(f.now) {
			op.deadline = at
			return
		}
		f.effects.Logf("Self-fencing (%s) by %s for %s assumed complete", op.Action, op.Target, op.Client)
		op.alone = false
		f.step(op)
	}
}

// Parted takes note that a node left the ring or the group: until then it may have had quorum, and its watchdog been fed.
func (f *Fencer) Parted(now time.Time, node string) {
	for _, op := range f.ops {
		if op.alone && op.Target == node {
			op.parted = now
		}
	}
}

func (f *Fencer) present(node string) bool {
	return slices.Contains(f.effects.Members(), node)
}
