package simulation

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Overdue: when faults have stopped, and fencing works, services are back within a stated time.
const Overdue = "services that are not back"

// recoveryLimit is that time: a cluster has nothing to wait for then but agents and fence agents that were under way, which hang until their time is over
// (20 s, and a minute), hosts that boot, what users do until half a minute later, and a look around each minute.
const recoveryLimit = 4 * time.Minute

// firstBounded is the first seed of scenarios in which that is held.
const firstBounded = 7_100_000

// recovery follows since when each primitive has been running.
type recovery struct{ since map[string]time.Time }

// look sees what runs now.
func (r *recovery) look(d *drive) {
	for _, x := range d.s.Resources {
		for _, p := range primitives(x) {
			switch on := len(d.Running(p)) > 0; {
			case !on:
				delete(r.since, p)
			case r.since[p].IsZero():
				r.since[p] = d.Now
			}
		}
	}
}

// took is how long after begin all that runs in the end ran.
func (r *recovery) took(begin time.Time) time.Duration {
	last := begin
	for _, t := range r.since {
		last = later(last, t)
	}
	return last.Sub(begin)
}

// recovered holds that they were back in time.
func (d *drive) recovered(took time.Duration) {
	if d.s.Seed >= firstBounded && took > recoveryLimit {
		d.check.fail(Overdue, "the last of the services was back after %v", took)
	}
}

// spread tells how durations are spread.
func spread(all []time.Duration) string {
	if len(all) == 0 {
		return "none"
	}
	slices.Sort(all)
	var parts []string
	for _, share := range []float64{0.5, 0.9, 0.99, 0.999} {
		parts = append(parts, fmt.Sprintf("%.4g%% within %v", 100*share, all[min(len(all)-1, int(share*float64(len(all))))]))
	}
	return strings.Join(append(parts, fmt.Sprintf("all within %v", all[len(all)-1])), ", ")
}
