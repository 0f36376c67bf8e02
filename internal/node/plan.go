package node

import (
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/upgrade"
	"hacluster/engine/scheduler"
	"hacluster/engine/transition"
)

// Plan has the scheduler plan for a document of any schema. recheck is when time alone may change
// the plan; zero: never. What is not safe without quorum is left out, see withoutAssumed; logf tells
// of it. Promotions and shutdowns wait for probes, see afterProbes.
func Plan(root *etree.Element, now time.Time, logf func(format string, args ...any)) (graph *transition.Graph, recheck time.Time, err error) {
	current, err := upgrade.ForReading(root)
	if err != nil {
		return nil, time.Time{}, err
	}
	r, err := scheduler.Plan(scheduler.Input{CIB: current.Root, Now: now, NoScores: true})
	if err != nil {
		return nil, time.Time{}, err
	}
	withoutAssumed(current.Root, r, logf)
	afterProbes(r.Graph)
	return r.Graph, r.RecheckBy, nil
}
