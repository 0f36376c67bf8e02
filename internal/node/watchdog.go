package node

import (
	"errors"
	"slices"
	"strings"
	"time"

	"hacluster/engine/fencer"
	"hacluster/engine/status"
)

// Watchdog is a node's watchdog as the cluster sees it: the daemon that feeds it.
// The zero value is none.
type Watchdog struct {
	// Running tells whether the daemon runs.
	Running func() bool
	// Timeout is after how long without food the watchdog strikes.
	Timeout time.Duration
	// Strike ends the feeding, and so the node.
	Strike func()
}

func (w Watchdog) running() bool { return w.Running != nil && w.Running() }

// ErrNoWatchdog is why Run ends when the cluster counts on this node's watchdog, and
// there is none, or not one that is fast enough: the others could take a node for dead that lives.
var ErrNoWatchdog = errors.New("stonith-watchdog-timeout is set, but this node's watchdog is not in use, or not within that time")

const noWatchdog = "no watchdog"

// watch connects the state machines to the node's watchdog.
func (c *Core) watch(w Watchdog) {
	c.watchdog = w
	c.Controller.HaveWatchdog = w.running
	c.Fencer.Self.After = c.selfFencing
	c.Fencer.Self.Since = func() time.Time { return c.quorateSince }
	if w.Strike != nil {
		c.Fencer.Self.Now = func() {
			if c.watchdogTimeout() > 0 && w.running() {
				w.Strike()
			}
		}
	}
}

// watchdogTimeout is the property: after how long a node has surely fenced itself. A
// negative one is twice the watchdog's own time.
func (c *Core) watchdogTimeout() time.Duration {
	v := c.Controller.Option("fencing-watchdog-timeout")
	ms, ok := status.ParseInterval(strings.TrimPrefix(v, "-"))
	switch {
	case !ok || ms == 0:
		return 0
	case strings.HasPrefix(v, "-"):
		return 2 * c.watchdog.Timeout
	}
	return time.Duration(ms) * time.Millisecond
}

// selfFencing tells after how long a target has surely ended itself.
func (c *Core) selfFencing(target string) time.Duration {
	t := c.watchdogTimeout()
	if t <= 0 || c.Controller.Option("have-watchdog") != "true" || c.IsRemote(target) {
		return 0
	}
	// Of two nodes that both keep quorum when they are parted, neither's watchdog would strike.
	if c.twoNode {
		return 0
	}
	// A device of this name says which nodes have a watchdog.
	for _, d := range fencer.Devices(c.Replica.Root(), c.self.Name, c.now) {
		if d.ID != "watchdog" {
			continue
		}
		for _, p := range d.Params {
			if p.Name == "pcmk_host_list" && !slices.Contains(strings.FieldsFunc(p.Value, func(r rune) bool { return strings.ContainsRune(" \t\n,;", r) }), target) {
				return 0
			}
		}
	}
	return t
}

// checkWatchdog ends this node's part where the others would count on a watchdog that does not strike in time.
func (c *Core) checkWatchdog() {
	if c.watchdogTimeout() == 0 && !strings.HasPrefix(c.Controller.Option("fencing-watchdog-timeout"), "-") {
		return
	}
	t := c.watchdogTimeout()
	switch {
	case !c.watchdog.running():
		c.world.Logf("controller: Shutting down: stonith-watchdog-timeout configured (%s) but SBD not active", c.Controller.Option("fencing-watchdog-timeout"))
	case t <= c.watchdog.Timeout:
		c.world.Logf("controller: Shutting down: stonith-watchdog-timeout (%v) too short (must be > %v)", t, c.watchdog.Timeout)
	default:
		return
	}
	c.world.Exit(noWatchdog)
}
