package pcs_test

import (
	"context"
	"strings"
	"testing"
	"time"
)

// interrupted types a command again and again, each time in a town that prepare has made, and ends pcs at the first
// request, at the second and so on: once before the host has done what it was asked, once after. Then the command is
// typed once more; check looks at what has become of the hosts.
func interrupted(t *testing.T, prepare func(t *testing.T) *town, command, again string, check func(t *testing.T, w *town)) {
	whole := prepare(t)
	whole.must(command)
	check(t, whole)
	whole.mu.Lock()
	calls := append([]string{}, whole.calls...)
	whole.mu.Unlock()
	if len(calls) < 3 {
		t.Fatalf("only %d requests: %v", len(calls), calls)
	}
	for _, late := range []bool{false, true} {
		for at := 1; at <= len(calls); at++ {
			w := prepare(t)
			ctx, cancel := context.WithCancel(context.Background())
			w.ctx = ctx
			w.mu.Lock()
			w.on = func(n int, _ string) bool {
				if n >= at && !late {
					cancel()
				}
				return n < at || n == at && late
			}
			w.after = func(n int, _ string) {
				if n >= at {
					cancel()
				}
			}
			w.mu.Unlock()
			w.pcs(command)
			w.idle()
			w.mu.Lock()
			w.on, w.after = nil, nil
			w.mu.Unlock()
			w.ctx = context.Background()
			if out, code := w.pcs(again); code != 0 {
				// What was whole by then has nothing left to do.
				if out2, code2 := w.pcs(command); code2 != 0 && !done(w, check) {
					t.Fatalf("ended at request %d of %d (after it: %v), then again: exit code %d\n%s\n%s", at, len(calls), late, code, out, out2)
				}
			}
			check(t, w)
			cancel()
			if t.Failed() {
				t.Fatalf("ended at request %d of %d (after it: %v): %v", at, len(calls), late, calls)
			}
		}
	}
}

// done tells whether everything is as it is to be.
func done(w *town, check func(t *testing.T, w *town)) bool {
	probe := &testing.T{}
	check(probe, w)
	return !probe.Failed()
}

// idle waits until no host answers a request any more.
func (w *town) idle() {
	for {
		w.mu.Lock()
		busy := w.busy
		w.mu.Unlock()
		if busy == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func sameConf(t *testing.T, w *town, hosts ...*house) {
	want := hosts[0].conf()
	if want == "" {
		t.Errorf("%s has no corosync.conf", hosts[0].name)
	}
	for _, h := range hosts {
		if h.conf() != want {
			t.Errorf("%s has another corosync.conf than %s:\n%s", h.name, hosts[0].name, h.conf())
		}
		if h.read(h.paths.CorosyncKey) == "" || h.read(h.paths.CorosyncKey) != hosts[0].read(hosts[0].paths.CorosyncKey) {
			t.Errorf("%s has another key than %s", h.name, hosts[0].name)
		}
	}
}

func TestSetupEndedAnywhereIsRepaired(t *testing.T) {
	const setup = "cluster setup c " + threeNodes
	interrupted(t, func(t *testing.T) *town { return newTown(t, 3) }, setup, setup+" --force", func(t *testing.T, w *town) {
		sameConf(t, w, w.hosts...)
	})
}

func TestNodeAddEndedAnywhereIsRepaired(t *testing.T) {
	const add = "cluster node add node4 addr=10.0.0.4 --enable --force"
	interrupted(t, func(t *testing.T) *town {
		w := newTown(t, 4)
		w.must("cluster setup c " + threeNodes)
		return w
	}, add, add, func(t *testing.T, w *town) {
		sameConf(t, w, w.hosts...)
		if n := strings.Count(w.hosts[3].conf(), "ring0_addr"); n != 4 {
			t.Errorf("%d nodes", n)
		}
	})
}

func TestDestroyEndedAnywhereIsRepaired(t *testing.T) {
	const destroy = "cluster destroy --all --force"
	interrupted(t, func(t *testing.T) *town {
		w := newTown(t, 3)
		w.must("cluster setup c --enable " + threeNodes)
		return w
	}, destroy, destroy, func(t *testing.T, w *town) {
		for _, h := range w.hosts {
			if h.conf() != "" || h.enabled["corosync"] {
				t.Errorf("%s is still in a cluster", h.name)
			}
		}
	})
}
