package simulation

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// While it writes to a slow disk a daemon does nothing else: whoever asked for a change is told when it is on the disk.
func TestToldOnceWritten(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		d := up(t, seed, 2, true)
		h := d.Hosts[0]
		h.disk.slow = 400 * time.Millisecond
		d.set(h)
		before := h.disk.cib
		d.Run(150 * time.Millisecond)
		if h.disk.cib == before || d.marks[0].acked {
			t.Fatalf("seed %d: written: %v, told %v\n%s", seed, h.disk.cib != before, d.marks[0].acked, d.Dump())
		}
		d.Run(time.Second)
		if !d.marks[0].acked {
			t.Fatalf("seed %d: nobody was told\n%s", seed, d.Dump())
		}
		h.disk.slow = 0
		d.Run(10 * time.Second)
		calm(t, d)
	}
}

// A write that the loss of power cuts short leaves what was there before it, or what it wrote; those that were to come after it leave nothing.
func TestWriteCutShort(t *testing.T) {
	left := map[uint64]int{}
	for seed := uint64(1); seed <= 20; seed++ {
		d := up(t, seed, 2, true)
		h := d.Hosts[0]
		h.disk.slow = time.Second
		was := h.disk.term.Promised
		for i := range uint64(3) {
			h.pcmk.writeSlowly(func(o *disk) { o.term.Promised = was + 1 + i })
		}
		d.Run(h.disk.writes[1].end.Sub(d.Now) - 10*time.Millisecond)
		h.PowerOff()
		left[h.disk.term.Promised-was]++
	}
	if len(left) != 2 || left[1] == 0 || left[2] == 0 {
		t.Errorf("what was written second was under way: there is %v", left)
	}
}

// Where corosync can write nothing it takes no part; when it can again, it does.
func TestNoSpaceForCorosync(t *testing.T) {
	d := up(t, 1, 3, true)
	h := one(t, d)
	if _, err := d.trouble(h, Step{Do: "full", Arg: "corosync", For: 20_000}); err != nil {
		t.Fatal(err)
	}
	h.KillCorosync()
	d.Run(15 * time.Second)
	one(t, d, h.Name)
	if h.Up() || d.Fences[h.Name] == 0 {
		t.Errorf("%s takes part (%v), and was fenced %d times\n%s", h.Name, h.Up(), d.Fences[h.Name], d.Dump())
	}
	d.Run(40 * time.Second)
	calm(t, d)
}

// Clocks that are set while the cluster runs change nothing: monitors run on their interval, nobody is fenced, and what is done later counts as later.
func TestClocksThatAreSet(t *testing.T) {
	for _, by := range []int{-86400, -3600, -2, 2, 3600, 86400} {
		s := &Scenario{Seed: 3, Nodes: 3, Fencing: true, Devices: "one", Resources: []string{"P1", "L2", "M3"}, Agent: 300, Length: 40_000}
		for i := 1; i <= s.Nodes; i++ {
			s.Steps = append(s.Steps,
				Step{At: 5000 * i, Do: "clock", Host: i, Arg: fmt.Sprint(by)},
				Step{At: 5000*i + 500, Do: "move", Host: i, Arg: fmt.Sprintf("L2 node%d", i)}, Step{At: 5000*i + 1000, Do: "fail", Host: i, Arg: "P1"})
		}
		out, err := Play(s, true)
		if err != nil {
			t.Fatal(err)
		}
		if out.Broken != nil || out.Fencings > 0 {
			t.Errorf("set by %d s: %v, %d fencings", by, out.Broken, out.Fencings)
		}
	}
}

// What is restored, taken out of the status or forgotten of nodes that are alive leaves services where they are.
func TestPeopleWithTheStatus(t *testing.T) {
	for _, s := range []Step{
		{Do: "restore", Arg: "configuration"},
		{Do: "restore", Arg: "whole"},
		{Do: "wreck", Arg: "all"},
		{Do: "wreck", Arg: "state node1"},
		{Do: "wreck", Arg: "lrm node1"},
		{Do: "wreck", Arg: "attributes node1"},
		{Do: "forget-node", Arg: "node1"},
	} {
		for _, fencing := range []bool{true, false} {
			d := up(t, 5, 3, fencing)
			d.old = d.Hosts[0].pcmk.core.Replica.Root().Copy()
			home := one(t, d)
			d.set(d.Hosts[1])
			d.Run(time.Second)
			if s.Do == "forget-node" || s.Arg != "all" && s.Do == "wreck" {
				s.Arg = s.Arg[:len(s.Arg)-1] + fmt.Sprint(home.ID) // where it runs
			}
			before := len(d.Log)
			if _, err := d.trouble(d.Hosts[2], s); err != nil {
				t.Fatal(err)
			}
			d.Run(20 * time.Second)
			if one(t, d) != home || len(d.Fences) > 0 {
				t.Errorf("%s %s (fencing %v): it runs on %v, not on %s; fenced %v", s.Do, s.Arg, fencing, d.Running("P1"), home.Name, d.Fences)
			}
			calm(t, d)
			gone := property(d.Hosts[0].pcmk.core.Replica.Root(), d.marks[0].name) == ""
			if want := s.Do == "restore"; gone != want || d.marks[0].forced != want {
				t.Errorf("%s %s: what was set before is gone: %v; that may be: %v", s.Do, s.Arg, gone, d.marks[0].forced)
			}
			if slices.ContainsFunc(d.Log[before:], func(l string) bool { return strings.Contains(l, "agent: start P1") }) {
				t.Errorf("%s %s: P1 was started", s.Do, s.Arg)
			}
		}
	}
}

// Whoever is deaf or mute is no member, and after that it is again.
func TestOneWayHosts(t *testing.T) {
	for _, way := range []string{"mute", "deaf"} {
		d := up(t, 2, 3, true)
		h := one(t, d)
		if _, err := d.trouble(h, Step{Do: way, For: 8000}); err != nil {
			t.Fatal(err)
		}
		d.Run(15 * time.Second)
		one(t, d, h.Name)
		if d.Fences[h.Name] != 1 || len(d.Fences) != 1 {
			t.Errorf("%s %s: fenced %v", h.Name, way, d.Fences)
		}
		d.Run(40 * time.Second)
		calm(t, d)
	}
}
