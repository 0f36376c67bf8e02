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
}

// WatchdogAgent is the agent of the device that stands for nodes' own watchdogs, and watchdogDevice is the only one that it may be. No node runs it to fence.
const (
	WatchdogAgent  = "fence_watchdog"
	watchdogDevice = "watchdog"
)

// await has an operation that no device can carry out wait for the target's
// watchdog. false: that is no way for this target.
func (f *Fencer) await(op *operation) bool {
	if op.Action == "on" || f.Self.After == nil {
		return false
	}
	t := f.Self.After(op.Target)
	if t <= 0 {
		return false
	}
	if f.forbidden(op) {
		op.last = noQuorum
		f.finish(op, Failed, op.last)
		return true
	}
	if !op.all {
		op.all, op.steps = true, nil // nothing is left to do after it
	}
	op.alone, op.Delegate = true, op.Target
	op.deadline = f.now.Add(t + max(0, op.delay))
	op.delay = min(op.delay, 0)
	f.effects.Logf("Waiting %v for %s to self-fence (%s) for client %s", op.deadline.Sub(f.now), op.Target, op.Action, op.Client)
	f.effects.Broadcast(f.message("st_self", op.Target, op))
	return true
}

// awaited is the end of that wait.
func (f *Fencer) awaited(op *operation) {
	switch {
	case f.forbidden(op):
		// Who lost quorum meanwhile is the one that ends itself.
		op.last = noQuorum
		f.finish(op, Failed, op.last)
	case f.present(op.Target):
		// It is there, so its watchdog was fed: it was back before that struck.
		// It is told once more, and the time runs anew.
		f.await(op)
	default:
		f.effects.Logf("Self-fencing (%s) by %s for %s assumed complete", op.Action, op.Target, op.Client)
		op.alone = false
		f.step(op)
	}
}

func (f *Fencer) present(node string) bool {
	return slices.Contains(f.effects.Members(), node)
}
