package sbd

import "time"

// Watch decides whether a node may live: while it does, the watchdog is fed. It is
// a state machine without I/O. Its witnesses are the disks, and the cluster on this
// node where that is asked; what they saw comes in with its time.
type Watch struct {
	// Disks is how many there are, Cluster whether the cluster is a witness.
	Disks   int
	Cluster bool
	// ClusterFirst: while the cluster was there once, it must be well, too.
	ClusterFirst bool
	// Fresh is how old a witness's word may be, Limit how long the node may live without.
	Fresh, Limit time.Duration
	// Warn is how long it may without being told of; 0 is never.
	Warn time.Duration

	warned   bool
	disks    []time.Time
	cluster  time.Time
	fed      time.Time
	appeared bool
	armed    bool
}

// Verdict is what is to be done now.
type Verdict struct {
	Feed bool // the watchdog
	Arm  bool // it: once, the first time that all is well
	// Die: the node has been without witnesses for too long and ends itself.
	Die bool
	// Abort: that was so before the watch had begun: the start has failed, no more.
	Abort bool
	// Late: the watchdog has not been fed for so long that it is to be told; once for each such time.
	Late bool
}

// Begin starts the watch.
func (w *Watch) Begin(now time.Time) {
	w.disks, w.fed = make([]time.Time, w.Disks), now
}

// Disk tells that a disk was read, and nothing was found there against the node.
func (w *Watch) Disk(i int, now time.Time) { w.disks[i] = now }

// Alive tells that the cluster on this node is well.
func (w *Watch) Alive(now time.Time) { w.cluster = now }

// Unwell tells that it surely is not.
func (w *Watch) Unwell() { w.cluster = time.Time{} }

// Left tells that the cluster was stopped here in good order.
func (w *Watch) Left() { w.cluster, w.appeared = time.Time{}, false }

func (w *Watch) fresh(t, now time.Time) bool { return !t.IsZero() && now.Sub(t) < w.Fresh }

// majority: of more than two disks most must be there, else one.
func (w *Watch) majority(now time.Time) bool {
	n := 0
	for _, t := range w.disks {
		if w.fresh(t, now) {
			n++
		}
	}
	if w.Disks > 2 {
		return n > w.Disks/2
	}
	return n > 0
}

// Tick is to be called about once each loop.
func (w *Watch) Tick(now time.Time) Verdict {
	var v Verdict
	disks, cluster := w.majority(now), w.Cluster && w.fresh(w.cluster, now)
	begin := false // the watch may begin
	switch {
	case w.Disks == 0 && cluster:
		v.Feed, begin, w.appeared = true, true, true
	case w.Disks == 0:
		v.Feed = !w.appeared // until the cluster comes up
	case !w.ClusterFirst || !w.Cluster:
		v.Feed, begin = disks || cluster, disks
	case disks && cluster:
		v.Feed, begin, w.appeared = true, true, true
	case disks:
		v.Feed, begin = !w.appeared, true
	}
	if v.Feed {
		w.fed, w.warned = now, false
	}
	if begin && !w.armed {
		w.armed, v.Arm = true, true
	}
	if now.Sub(w.fed) > w.Limit {
		v.Die, v.Abort = w.armed, !w.armed
	}
	if w.armed && w.Warn > 0 && now.Sub(w.fed) > w.Warn && !w.warned {
		v.Late, w.warned = true, true
	}
	return v
}
