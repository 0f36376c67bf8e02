package simulation

import (
	"cmp"
	"strings"
	"testing"
	"time"

	"hacluster/engine/controller"
)

// TestLevels upgrades a cluster node by node to a release of a higher level: a node with the lowest decides, the group works at that, and at the
// higher one when all have it. A node that cannot work with the others is refused, and changes nothing for them; in an election, too.
func TestLevels(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		c, err := New(seed, 3, true)
		if err != nil {
			t.Fatal(err)
		}
		c.Verbose = true
		first, next := release{level: 1}, release{level: 3, least: 2}
		for _, h := range c.Hosts {
			h.release = first
			h.Boot()
		}
		step := func(when string, h *Host, r release, up bool) {
			t.Helper()
			if h.StopCluster(); h.Up() {
				c.Run(10 * time.Second)
			}
			h.release = r
			h.StartCluster()
			c.Run(30 * time.Second)
			agreed, lowest := 0, map[int]bool{}
			for _, o := range c.Hosts {
				if own := cmp.Or(o.release.level, controller.Level); o.Up() && (agreed == 0 || own < agreed) {
					agreed = own
				}
			}
			dcs := 0
			for _, o := range c.Hosts {
				if !o.Up() {
					continue
				}
				lowest[o.pcmk.core.Controller.Agreed()] = true
				if o.pcmk.core.Controller.IsDC() {
					if dcs++; cmp.Or(o.release.level, controller.Level) != agreed {
						t.Errorf("seed %d, %s: %s is DC, of level %d\n%s", seed, when, o.Name, o.release.level, c.Dump())
					}
				}
			}
			if dcs != 1 || len(lowest) != 1 || !lowest[agreed] || h.Up() != up || c.Broken() != nil {
				t.Fatalf("seed %d, %s: %d DCs, agreed on %v, not %d; %s is up: %v; %v\n%s", seed, when, dcs, lowest, agreed, h.Name, h.Up(), c.Broken(), c.Dump())
			}
			if !up && !strings.HasPrefix(h.Exits[len(h.Exits)-1], controller.Refused) {
				t.Errorf("seed %d, %s: %s ended: %v", seed, when, h.Name, h.Exits)
			}
		}
		c.Run(30 * time.Second)
		step("one that cannot do with the first level", c.Hosts[0], next, false)
		for _, h := range c.Hosts {
			step("the second level", h, release{level: 2, least: 1}, true)
		}
		for _, h := range c.Hosts {
			step("the third level", h, next, true)
		}
		step("one of the first level comes back", c.Hosts[0], first, false)
		dc := 1
		if c.Hosts[2].pcmk.core.Controller.IsDC() {
			dc = 2
		}
		c.Hosts[dc].KillPacemaker() // an election, in which the one that is refused votes
		step("one of the first level comes while there is no DC", c.Hosts[0], first, false)
		step("it has the third", c.Hosts[0], next, true)
	}
}

// TestUpgrade upgrades clusters from a release that knows no terms node by node, while faults strike: nothing runs twice, nothing that was acknowledged is
// lost, and in the end they work as all others do.
func TestUpgrade(t *testing.T) {
	for seed := uint64(1); seed <= 12; seed++ {
		if out, err := Play(Upgrades(seed), false); err != nil || out.Broken != nil {
			t.Errorf("seed %d: %v, %v", seed, out.Broken, err)
		}
	}
}
