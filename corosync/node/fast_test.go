package node

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"
)

// started is a cluster whose nodes see each other.
func started(t *testing.T, seed uint64, nodes int, timers string) *cluster {
	t.Helper()
	c := clusterOf(t, seed, nodes, timers, "")
	for _, id := range c.ids {
		c.hosts[id].start()
	}
	c.run(20 * time.Second)
	for _, id := range c.ids {
		if got := c.hosts[id].node.Members(); len(got) != nodes {
			t.Fatalf("node %d sees %v", id, got)
		}
	}
	return c
}

// TestFastDetection holds, with the default settings, that a lost node is out within a second,
// and that a pause of 400 ms at any moment throws nobody out, idle and under load.
func TestFastDetection(t *testing.T) {
	for _, nodes := range []int{2, 3, 8, 32} {
		t.Run(fmt.Sprint(nodes), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(max(1, 12/nodes)) {
				c := started(t, seed, nodes, "")
				for _, id := range c.ids {
					if !c.hosts[id].node.fast.on {
						t.Fatalf("node %d does not detect fast", id)
					}
				}
				m := c.hosts[1].join(1000 + uint32(seed))
				ring := c.hosts[1].node.ringID
				load := true
				var talk func()
				talk = func() {
					if load && c.hosts[1].node != nil {
						m.say()
						c.at(time.Millisecond, talk)
					}
				}
				for i := range 30 {
					if i == 15 {
						talk()
					}
					c.run(time.Duration(500+c.rng.IntN(700)) * time.Millisecond)
					c.hosts[c.ids[c.rng.IntN(nodes)]].pause(400 * time.Millisecond)
				}
				c.run(2 * time.Second)
				load = false
				for _, id := range c.ids {
					if h := c.hosts[id]; h.node == nil || h.node.ringID != ring {
						t.Fatalf("seed %d: after the pauses node %d is in ring %v, was in %v", seed, id, h.node.ringID, ring)
					}
				}
				c.run(time.Duration(c.rng.IntN(200)) * time.Millisecond)
				victim := c.ids[c.rng.IntN(nodes)]
				c.hosts[victim].kill()
				c.run(time.Second)
				for _, id := range c.ids {
					if h := c.hosts[id]; id != victim && slices.Contains(h.node.Members(), victim) {
						t.Errorf("seed %d: a second after its end node %d still has node %d", seed, id, victim)
					}
				}
			}
		})
	}
}

var fastHour = flag.Duration("fast-hour", 0, "how long TestFastHour lets each ring run, in virtual time, such as 1h; 0 skips it")

// TestFastHour holds that an hour of load, jitter, and pauses of up to 400 ms of one node or another, throws nobody out where
// losses are detected fast.
func TestFastHour(t *testing.T) {
	if *fastHour == 0 {
		t.Skip("only with -fast-hour")
	}
	for _, nodes := range []int{2, 8, 32} {
		t.Run(fmt.Sprint(nodes), func(t *testing.T) {
			c := started(t, 1, nodes, "")
			ring := c.hosts[1].node.ringID
			c.late = 10 * time.Millisecond
			var talkers []*member
			for _, id := range c.ids[:min(nodes, 4)] {
				talkers = append(talkers, c.hosts[id].join(1000+id))
			}
			end, loaded := c.now.Add(*fastHour), false
			var talk func()
			talk = func() {
				if loaded { // ten minutes of load, ten without
					for _, m := range talkers {
						m.say()
					}
				}
				c.at(20*time.Millisecond, talk)
			}
			talk()
			pauses, longest := 0, time.Duration(0)
			for begin := c.now; c.now.Before(end); pauses++ {
				loaded = c.now.Sub(begin)/(10*time.Minute)%2 == 0
				pause := time.Duration(c.rng.Int64N(int64(400*time.Millisecond))) + time.Millisecond
				longest = max(longest, pause)
				c.hosts[c.ids[c.rng.IntN(nodes)]].pause(pause)
				// One at a time: the token comes round before the next.
				c.run(pause + 150*time.Millisecond + time.Duration(c.rng.Int64N(int64(2*time.Second))))
				for _, m := range talkers {
					m.events = nil
				}
				for _, id := range c.ids {
					if now := c.hosts[id].node.ringID; now != ring {
						t.Fatalf("%v, after pause %d, of %v: node %d is in ring %v, was in %v", c.now.Sub(begin), pauses, pause, id, now, ring)
					}
				}
			}
			t.Logf("%v, %d pauses, the longest %v: nobody was thrown out", *fastHour, pauses, longest)
		})
	}
}

// TestFastDetectionYields holds that fast detection goes by the configuration, and that it
// ends where a node is among us that does not tell of it, without a change of the ring.
func TestFastDetectionYields(t *testing.T) {
	for _, timers := range []string{"token: 1000\n", "consensus: 4000\n", "fast_detection: no\n"} {
		c := started(t, 1, 2, timers)
		if c.hosts[1].node.fast.on {
			t.Errorf("%q: on", timers)
		}
	}
	c := clusterOf(t, 1, 3, "", "")
	c.hosts[1].start()
	c.hosts[2].start()
	c.run(20 * time.Second)
	if !c.hosts[1].node.fast.on || c.hosts[1].node.ringSettings().Token != fastToken {
		t.Fatal("two nodes of ours do not detect fast")
	}
	// The third is told not to list the service, as an original does not know it.
	saved := c.conf.Totem.FastDetection
	c.conf.Totem.FastDetection = false
	third := *c.conf
	c.conf.Totem.FastDetection = saved
	own := *c.conf
	c.hosts[1].node.conf, c.hosts[2].node.conf = &own, &own
	c.conf = &third
	c.hosts[3].start()
	c.run(10 * time.Second)
	ring := c.hosts[3].node.ringID
	for _, id := range c.ids {
		n := c.hosts[id].node
		if n.fast.on || len(n.Members()) != 3 || n.ringSettings().Token != 3650*time.Millisecond {
			t.Errorf("node %d: members %v, fast %v, token %v", id, n.Members(), n.fast.on, n.ringSettings().Token)
		}
	}
	c.run(30 * time.Second)
	if now := c.hosts[1].node.ringID; now != ring {
		t.Errorf("the ring changed from %v to %v", ring, now)
	}
	c.hosts[3].leave()
	c.run(10 * time.Second)
	if !c.hosts[1].node.fast.on {
		t.Error("among themselves again, they do not detect fast")
	}
}
