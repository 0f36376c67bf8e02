package controller

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/transition"
)

// What a plan brings about may have the next one made at once: an agent that gives its resource another score each time that it starts has it moved
// to and fro without end, and one whose start or first monitor fails has it recovered without end, as long as no migration-threshold is reached.
// Pacemaker has nothing against that, and does it as fast as agents and scheduler allow. Here a plan with the same steps as one before, which
// nothing but attributes, old results and failures of its own steps asked for, may come up some times at once; then it is not begun before a pause,
// which grows. Another plan is begun at once all the same, and so is any after something else that has happened: a failure of what ran, a node that
// came or went, a cleanup, a change of the configuration.
//
// After attributes the pause begins when the plan is made, for until then the services run. After a failure they do not: there it begins when the same
// plan began last, so that a start that takes longer than the pause to fail is tried again at once.
const (
	// turnsFree is how often a plan may be made within turnsKept before it has to wait.
	turnsFree = 5
	// turnsKept is how long a plan is known that was not made again.
	turnsKept = time.Minute
	// firstPause is how long it waits first; each time twice as long, up to longestPause.
	firstPause   = time.Second
	longestPause = 8 * time.Second
)

// turn is what is known of a plan that was made.
type turn struct {
	times int       // that it was made, and nothing had happened
	last  time.Time // when it was made last
	begun time.Time // when it was begun last
	until time.Time // it is not begun before; zero: it may be
}

// brake knows the plans of late.
type brake struct {
	turns    map[[sha256.Size]byte]*turn // by their steps
	happened bool                        // something that the next plan is the answer to
	failed   bool                        // a step of the last plan
	why      string                      // what asked for the next plan last
	until    time.Time                   // the plan that waits is made anew then; zero: none waits
	sign     sign
}

// again asks for a new plan as abort does, for what may be the doing of the last one; detail says more of it.
func (c *Controller) again(why, detail string) { c.conclude(why, detail, false) }

// abort ends the transition under way, if any, and asks for a new plan: something has happened.
func (c *Controller) abort(why string) {
	c.brake.happened = true
	c.conclude(why, "", false)
}

// stepFails asks for a new plan after a failure of a step of this one; with probing the other probes go on for a while.
func (c *Controller) stepFails(node, key string, probing bool) {
	c.brake.failed = true
	c.conclude("Event failed", key+" on "+node, probing)
}

// turns tells whether a plan is to wait, as it has been made too often lately.
func (c *Controller) turns(g *transition.Graph) bool {
	happened, failed := c.brake.happened, c.brake.failed
	c.brake.happened, c.brake.failed, c.brake.until = false, false, time.Time{}
	for key, t := range c.brake.turns {
		if c.now.Sub(t.last) >= turnsKept {
			delete(c.brake.turns, key)
		}
	}
	steps, resources := stepsOf(g)
	if happened {
		c.signal(round{})
	}
	if happened || len(steps) == 0 {
		return false
	}
	key := sha256.Sum256([]byte(strings.Join(steps, "\n")))
	t := c.brake.turns[key]
	if t == nil {
		t = &turn{}
		if c.brake.turns == nil {
			c.brake.turns = map[[sha256.Size]byte]*turn{}
		}
		c.brake.turns[key] = t
	}
	t.last = c.now
	switch {
	case t.until.After(c.now): // it waits already
	case !t.until.IsZero():
		t.until, t.begun = time.Time{}, c.now
		return false
	default:
		t.times++
		pause := t.pause(c.now, failed)
		if pause <= 0 {
			t.begun = c.now
			return false
		}
		t.until = c.now.Add(pause)
		r := round{resources: resources, steps: steps, why: c.brake.why}
		c.effects.Logf("%v", errors.New(r.text(c.transition, pause, t.times)))
		c.signal(r)
	}
	c.brake.until = t.until
	return true
}

// pause is how long a plan has to wait that is made now.
func (t *turn) pause(now time.Time, failed bool) time.Duration {
	n := t.times - turnsFree - 1
	switch {
	case n < 0:
		return 0
	case failed:
		return min(firstPause<<min(n, 3), longestPause) - now.Sub(t.begun)
	}
	return min(firstPause<<min(n, 3), longestPause)
}

// round is what is to be told of a plan that waits.
type round struct {
	resources, steps []string
	why              string // what asked for it
}

// text tells of it in the log.
func (r round) text(id int, pause time.Duration, times int) string {
	return fmt.Sprintf("Transition %d waits for %s: the cluster turns in a circle with %s. The same steps (%s) were planned %d times of late, and nothing has happened but: %s",
		id, pause, some(r.resources), some(r.steps), times, r.why)
}

// some is a list as a sentence has it.
func some(list []string) string {
	if len(list) <= 5 {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:5], ", "), len(list)-5)
}

// stepsOf are the steps of a plan, and the resources that they are for; none where it is for more than resources, so that it must not wait: it fences a
// node, or lets one go.
func stepsOf(g *transition.Graph) (steps, resources []string) {
	for _, s := range g.Synapses {
		switch a := s.Action; {
		case a.Kind == transition.Pseudo && a.Operation == "stonith", a.Kind != transition.Pseudo && a.Kind != transition.ResourceOp && a.Resource == nil:
			return nil, nil
		case a.Kind != transition.Pseudo:
			steps = append(steps, a.Key+" on "+a.Node)
			if a.Resource != nil {
				resources = append(resources, a.Resource.ID)
			}
		}
	}
	slices.Sort(steps)
	slices.Sort(resources)
	return steps, slices.Compact(resources)
}

// attributesNamed are the names of the attributes that a change writes.
func attributesNamed(attributes *etree.Element) string {
	var names []string
	for _, nv := range attributes.FindElements(".//nvpair") {
		names = append(names, nv.SelectAttrValue("name", ""))
	}
	slices.Sort(names)
	return some(slices.Compact(names))
}
