package pcs_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// interrupted types a command again and again, each time in a town that prepare has made, and ends pcs at the first
// request, at the second and so on: once before the host has done what it was asked, once after. Then the command is
// typed once more; check looks at what has become of the hosts.
func interrupted(t *testing.T, prepare func(t *testing.T) *town, version, command, again string, check func(t *testing.T, w *town)) {
	whole := prepare(t)
	if out, code := whole.typed(version, command); code != 0 {
		t.Fatalf("pcs %s: exit code %d\n%s", command, code, out)
	}
	check(t, whole)
	whole.mu.Lock()
	calls := append([]string{}, whole.calls...)
	whole.mu.Unlock()
	if len(calls) < 3 {
		t.Fatalf("only %d requests: %v", len(calls), calls)
	}
	// Most of the time is waiting.
	var running sync.WaitGroup
	room := make(chan struct{}, 8)
	for _, late := range []bool{false, true} {
		for at := 1; at <= len(calls); at++ {
			running.Go(func() {
				room <- struct{}{}
				defer func() { <-room }()
				if why := endedAt(prepare(t), version, command, again, at, late, check); why != "" {
					t.Errorf("ended at request %d of %d (after it: %v): %s", at, len(calls), late, why)
				}
			})
		}
	}
	running.Wait()
}

// endedAt types a command in a town and ends it at a request, and then types it again. It tells what is wrong then, "" for nothing.
func endedAt(w *town, version, command, again string, at int, late bool, check func(t *testing.T, w *town)) string {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
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
	w.typed(version, command)
	w.idle()
	w.mu.Lock()
	w.on, w.after = nil, nil
	w.mu.Unlock()
	w.ctx = context.Background()
	out, code := w.typed(version, again)
	if code != 0 {
		// What was whole by then has nothing left to do.
		more, code := w.typed(version, command)
		if out += more; code != 0 && !done(w, check) {
			return fmt.Sprintf("then again: exit code %d\n%s", code, out)
		}
	}
	if !done(w, check) {
		return "then it is not as it is to be:\n" + out
	}
	return ""
}

// done tells whether everything is as it is to be.
func done(w *town, check func(t *testing.T, w *town)) bool {
	probe := &testing.T{}
	check(probe, w)
	return !probe.Failed()
}

// idle waits until no host answers a request any more, and none is on its way: a client that ended may have sent one that its
// host has not begun to read. A connection that stays and on which nothing comes is one that the client keeps at hand.
func (w *town) idle() {
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		w.mu.Lock()
		fresh, active := 0, 0
		for _, state := range w.conns {
			if state == http.StateActive {
				active++
			} else {
				fresh++
			}
		}
		w.mu.Unlock()
		if active == 0 && (fresh == 0 || time.Since(begin) > 2*time.Second) {
			return
		}
	}
}

// sameText checks that hosts have one corosync.conf.
func sameText(t *testing.T, hosts ...*house) {
	t.Helper()
	want := hosts[0].conf()
	if want == "" {
		t.Errorf("%s has no corosync.conf", hosts[0].name)
	}
	for _, h := range hosts {
		if h.conf() != want {
			t.Errorf("%s has another corosync.conf than %s:\n%s\n%s", h.name, hosts[0].name, h.conf(), want)
		}
	}
}

// sameConf checks that hosts have one corosync.conf and one key.
func sameConf(t *testing.T, hosts ...*house) {
	t.Helper()
	sameText(t, hosts...)
	for _, h := range hosts {
		if h.read(h.paths.CorosyncKey) == "" || h.read(h.paths.CorosyncKey) != hosts[0].read(hosts[0].paths.CorosyncKey) {
			t.Errorf("%s has another key than %s", h.name, hosts[0].name)
		}
	}
}

func TestSetupEndedAnywhereIsRepaired(t *testing.T) {
	const setup = "cluster setup c " + threeNodes
	interrupted(t, func(t *testing.T) *town { return newTown(t, 3) }, "0.11", setup, setup+" --force", func(t *testing.T, w *town) {
		sameConf(t, w.hosts...)
	})
}

func TestNodeAddEndedAnywhereIsRepaired(t *testing.T) {
	const add = "cluster node add node4 addr=10.0.0.4 --enable --force"
	interrupted(t, func(t *testing.T) *town {
		w := newTown(t, 4)
		w.must("cluster setup c " + threeNodes)
		return w
	}, "0.11", add, add, func(t *testing.T, w *town) {
		sameConf(t, w.hosts...)
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
	}, "0.11", destroy, destroy, func(t *testing.T, w *town) {
		for _, h := range w.hosts {
			if h.conf() != "" || h.enabled["corosync"] {
				t.Errorf("%s is still in a cluster", h.name)
			}
		}
	})
}

// The same in the words of 0.9, which asks the hosts for other things and in another order.

// legacyHosts is a town of hosts that are called as 0.9 calls them, by their addresses.
func legacyHosts(t *testing.T) *town { return newTownOf(t, "10.0.0.1", "10.0.0.2", "10.0.0.3") }

// legacyTown is a town whose first n hosts are a cluster, made in the words of 0.9.
func legacyTown(t *testing.T, n int) *town {
	t.Helper()
	w := legacyHosts(t)
	words := "cluster setup --name c --enable"
	for _, h := range w.hosts[:n] {
		words += " " + h.name
	}
	if out, code := w.typed("0.9", words); code != 0 {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	return w
}

func TestSetupOf09EndedAnywhereIsRepaired(t *testing.T) {
	const setup = "cluster setup --name c 10.0.0.1 10.0.0.2 10.0.0.3 --enable"
	interrupted(t, legacyHosts, "0.9", setup, setup+" --force", func(t *testing.T, w *town) {
		sameText(t, w.hosts...)
		for _, h := range w.hosts {
			if !h.is(h.enabled, "corosync") {
				t.Errorf("%s is not enabled", h.name)
			}
		}
	})
}

func TestNodeAddOf09EndedAnywhereIsRepaired(t *testing.T) {
	const add = "cluster node add 10.0.0.3 --enable"
	interrupted(t, func(t *testing.T) *town { return legacyTown(t, 2) }, "0.9", add, add+" --force", func(t *testing.T, w *town) {
		sameText(t, w.hosts...)
		if n := strings.Count(w.hosts[2].conf(), "ring0_addr"); n != 3 {
			t.Errorf("%d nodes", n)
		}
	})
}

func TestNodeRemoveOf09EndedAnywhereIsRepaired(t *testing.T) {
	const remove = "cluster node remove 10.0.0.3"
	interrupted(t, func(t *testing.T) *town { return legacyTown(t, 3) }, "0.9", remove, remove+" --force", func(t *testing.T, w *town) {
		sameText(t, w.hosts[:2]...)
		if strings.Contains(w.hosts[0].conf(), "10.0.0.3") || w.hosts[2].conf() != "" {
			t.Errorf("10.0.0.3 is still in the cluster:\n%s\n%s", w.hosts[0].conf(), w.hosts[2].conf())
		}
	})
}

func TestDestroyOf09EndedAnywhereIsRepaired(t *testing.T) {
	const destroy = "cluster destroy --all"
	interrupted(t, func(t *testing.T) *town { return legacyTown(t, 3) }, "0.9", destroy, destroy, func(t *testing.T, w *town) {
		for _, h := range w.hosts {
			if h.conf() != "" || h.is(h.enabled, "corosync") {
				t.Errorf("%s is still in a cluster", h.name)
			}
		}
	})
}

func TestNodeRemoveEndedAnywhereIsRepaired(t *testing.T) {
	const remove = "cluster node remove node3"
	interrupted(t, func(t *testing.T) *town {
		w := newTown(t, 3)
		w.must("cluster setup c --enable " + threeNodes)
		return w
	}, "0.11", remove, remove+" --force", func(t *testing.T, w *town) {
		sameConf(t, w.hosts[:2]...)
		if gone := w.hosts[2]; strings.Contains(w.hosts[0].conf(), "node3") || gone.conf() != "" || gone.is(gone.enabled, "corosync") {
			t.Errorf("node3 is still in the cluster:\n%s\n%s", w.hosts[0].conf(), gone.conf())
		}
	})
}

func TestLinkAddEndedAnywhereIsRepaired(t *testing.T) {
	const add = "cluster link add node1=10.1.0.1 node2=10.1.0.2 node3=10.1.0.3 --force"
	interrupted(t, func(t *testing.T) *town {
		w := newTown(t, 3)
		w.must("cluster setup c " + threeNodes)
		return w
	}, "0.11", add, add, func(t *testing.T, w *town) {
		sameConf(t, w.hosts...)
		if n := strings.Count(w.hosts[0].conf(), "ring1_addr"); n != 3 || strings.Contains(w.hosts[0].conf(), "ring2_addr") {
			t.Errorf("%d nodes have the link once:\n%s", n, w.hosts[0].conf())
		}
	})
}
