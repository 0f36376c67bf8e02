package controller

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hacluster/engine/transition"
)

// What a plan brings about may have the next one made at once: an agent that gives its resource another score each time that it starts has it moved
// to and fro without end. Pacemaker has nothing against that. Here a plan with the same steps as one before, which nothing but attributes and old
// results asked for, may come up some times at once; then it is not begun before a pause, which grows. Another plan is begun at once all the same,
// and so is any after something that has happened: a failure, a node that came or went, a change of the configuration.
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
	until time.Time // it is not begun before; zero: it may be
}

// brake knows the plans of late.
type brake struct {
	turns    map[[sha256.Size]byte]*turn // by their steps
	happened bool                        // something that the next plan is the answer to
	why      string                      // what asked for the next plan last
	until    time.Time                   // the plan that waits is made anew then; zero: none waits
}

// again asks for a new plan as abort does, for what may be the doing of the last one.
func (c *Controller) again(why string) { c.conclude(why, false) }

// abort ends the transition under way, if any, and asks for a new plan: something has happened.
func (c *Controller) abort(why string) {
	c.brake.happened = true
	c.conclude(why, false)
}

// turns tells whether a plan is to wait, as it has been made too often lately.
func (c *Controller) turns(g *transition.Graph) bool {
	happened := c.brake.happened
	c.brake.happened, c.brake.until = false, time.Time{}
	for key, t := range c.brake.turns {
		if c.now.Sub(t.last) >= turnsKept {
			delete(c.brake.turns, key)
		}
	}
	steps, resources := stepsOf(g)
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
		t.until = time.Time{}
		return false
	default:
		if t.times++; t.times <= turnsFree {
			return false
		}
		pause := longestPause
		if n := t.times - turnsFree - 1; n < 3 {
			pause = firstPause << n
		}
		t.until = c.now.Add(pause)
		c.effects.Logf("%v", errors.New(turnsText(c.transition, pause, t.times, c.brake.why, steps, resources)))
	}
	c.brake.until = t.until
	return true
}

// turnsText tells of a plan that waits.
func turnsText(id int, pause time.Duration, times int, why string, steps, resources []string) string {
	some := func(list []string) string {
		if len(list) <= 5 {
			return strings.Join(list, ", ")
		}
		return fmt.Sprintf("%s and %d more", strings.Join(list[:5], ", "), len(list)-5)
	}
	return fmt.Sprintf("Transition %d waits for %s: the cluster turns in a circle with %s. The same steps (%s) were planned %d times of late, and nothing has happened but: %s",
		id, pause, some(resources), some(steps), times, why)
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
