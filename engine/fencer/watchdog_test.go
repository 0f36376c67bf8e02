package fencer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// watched is a group of n1 and n3 that has lost n2; n2's watchdog strikes within ten seconds.
func watched(t *testing.T, conf string) (g *group, told *int) {
	g = newGroup(t, conf, "n1", "n3")
	g.answer = func(string, string, string) int { return 1 }
	told = new(int)
	for _, n := range g.names {
		g.nodes[n].f.Self.After = func(target string) time.Duration {
			if target == "n2" {
				return 10 * time.Second
			}
			return 0
		}
	}
	return g, told
}

func TestSelfFencing(t *testing.T) {
	const none = "<resources/><constraints/>"
	fence := func(g *group, target, action, client string) (done *bool, got *error) {
		done, got = new(bool), new(error)
		g.nodes["n1"].f.Fence(g.now, Request{Target: target, Action: action, Client: client, Timeout: time.Minute}, func(err error) { *done, *got = true, err })
		g.settle()
		return done, got
	}
	later := func(g *group, d time.Duration) {
		g.now = g.now.Add(d)
		g.nodes["n1"].f.Tick(g.now)
		g.settle()
	}
	t.Run("nobody else can do it", func(t *testing.T) {
		g, _ := watched(t, none)
		done, got := fence(g, "n2", "reboot", "test")
		if later(g, 9*time.Second); *done {
			t.Fatalf("it is told before the watchdog must have struck: %v", *got)
		}
		if d := g.nodes["n1"].f.Deadline(); !d.Equal(g.now.Add(time.Second)) {
			t.Errorf("deadline in %v", d.Sub(g.now))
		}
		if later(g, time.Second); !*done || *got != nil {
			t.Errorf("%v %v", *done, *got)
		}
		if !slices.Contains(g.log, "n3 hears of n2, false") {
			t.Errorf("the others: %v", g.log)
		}
	})
	t.Run("a target without a watchdog, and unfencing", func(t *testing.T) {
		g, _ := watched(t, none)
		for _, c := range [][2]string{{"n9", "off"}, {"n2", "on"}} {
			if done, got := fence(g, c[0], c[1], "test"); !*done || *got == nil || !strings.Contains((*got).Error(), noDevice) {
				t.Errorf("%v: %v %v", c, *done, *got)
			}
		}
	})
	t.Run("where all devices fail the watchdog has to do, but for a topology that does not name it", func(t *testing.T) {
		conf := fmt.Sprintf(pair, "") + "%s"
		for _, c := range []struct {
			target, topology string
			waits            bool
		}{
			{"n2", "", true},
			{"n3", "", false}, // which has none
			{"n2", `<fencing-topology><fencing-level id="l" index="1" target="n2" devices="A"/></fencing-topology>`, false},
			{"n2", `<fencing-topology><fencing-level id="l" index="1" target="n2" devices="A"/><fencing-level id="m" index="2" target="n2" devices="watchdog"/></fencing-topology>`, true},
		} {
			g, _ := watched(t, fmt.Sprintf(conf, c.topology))
			done, got := fence(g, c.target, "off", "test")
			if *done == c.waits || !strings.Contains(g.runs(), "fence_a off") {
				t.Errorf("%s %s: ended %v (%v) after %s", c.target, c.topology, *done, *got, g.runs())
			}
			for range 3 { // what is left of retries, and then the watchdog's time
				later(g, 5*time.Second)
			}
			if !*done || (*got == nil) != c.waits {
				t.Errorf("%s %s: %v %v", c.target, c.topology, *done, *got)
			}
		}
	})
	t.Run("who loses quorum meanwhile knows nothing of the other", func(t *testing.T) {
		g, _ := watched(t, none)
		done, got := fence(g, "n2", "off", ClientController)
		g.lost = map[string]bool{"n1": true}
		later(g, 10*time.Second)
		var e *Error
		if !*done || !errors.As(*got, &e) || e.Reason != noQuorum {
			t.Errorf("%v %v", *done, *got)
		}
	})
	t.Run("a target that came back is told, and counts as fenced only once it is gone", func(t *testing.T) {
		g, told := watched(t, none)
		done, got := fence(g, "n2", "off", "test")
		m := &member{g: g, name: "n2"}
		m.f = New("n2", nil, m)
		m.f.Self.Now = func() { *told++ }
		g.nodes["n2"], g.names = m, append(g.names, "n2")
		later(g, 10*time.Second)
		if *done || *told != 1 {
			t.Fatalf("ended %v (%v), told %d times", *done, *got, *told)
		}
		g.names = g.names[:2]
		g.nodes["n1"].f.Left(g.now, "n2")
		if later(g, 10*time.Second); !*done || *got != nil {
			t.Errorf("%v %v", *done, *got)
		}
	})
	t.Run("only who has had quorum all the while knows", func(t *testing.T) {
		for _, c := range []struct {
			name    string
			since   int // quorum is had since so many seconds after the beginning, -1: not at the end
			parted  int // the target was seen to leave the ring so many seconds after the beginning
			seconds int // when it is told, 0: that it failed
		}{{"all the while", 0, 0, 10}, {"again", 4, 0, 14}, {"no more", -1, 0, 0}, {"the target was back", 0, 9, 19}} {
			g, _ := watched(t, none)
			begin := g.now
			since := begin.Add(-time.Hour)
			f := g.nodes["n1"].f
			f.Self.Since = func() time.Time { return since }
			done, got := fence(g, "n2", "off", "test")
			switch {
			case c.since < 0:
				since = time.Time{}
			case c.since > 0:
				since = begin.Add(time.Duration(c.since) * time.Second)
			}
			for !*done && g.now.Sub(begin) < time.Minute {
				if later(g, time.Second); c.parted > 0 && g.now.Sub(begin) == time.Duration(c.parted)*time.Second {
					f.Parted(g.now, "n2")
				}
			}
			if !*done || (*got == nil) != (c.seconds > 0) || c.seconds > 0 && g.now.Sub(begin) != time.Duration(c.seconds)*time.Second {
				t.Errorf("%s: after %s: %v %v", c.name, g.now.Sub(begin), *done, *got)
			}
		}
		g, _ := watched(t, none)
		g.nodes["n1"].f.Self.Since = func() time.Time { return time.Time{} }
		if done, got := fence(g, "n2", "off", "test"); !*done || *got == nil {
			t.Errorf("without quorum from the beginning: %v %v", *done, *got)
		}
	})
}
