package controller

import (
	"testing"
	"time"

	"hacluster/cib"
	"hacluster/engine/replica"
)

// A DC that does not lead, for the CIB of another was taken over, has a join make it lead; not again before a while.
func TestReclaim(t *testing.T) {
	w := begin()
	taken := func(at time.Time) State {
		w.leader = "n2"
		w.c.CIBChanged(at, replica.Change{Op: cib.Replace, Config: true, Synced: true, Data: w.root, Node: "n2", Client: "sync"})
		return w.c.State()
	}
	now := w.c.now
	if s := taken(now); s != Integration || w.c.Leads() {
		t.Fatalf("%s, leads: %v", s, w.c.Leads())
	}
	w.leader = "n1"
	w.settle()
	if s := w.c.State(); s != Idle || !w.c.Leads() {
		t.Fatalf("after the join: %s, leads: %v", s, w.c.Leads())
	}
	if s := taken(w.c.now.Add(reclaimEvery / 2)); s == Integration {
		t.Fatalf("at once again: %s", s)
	}
	w.settle()
	if due := w.c.Deadline(); !due.Equal(now.Add(reclaimEvery)) {
		t.Fatalf("again at %s, not at %s", due, now.Add(reclaimEvery))
	}
	w.c.Tick(now.Add(reclaimEvery))
	if s := w.c.State(); s != Integration {
		t.Errorf("after a while: %s", s)
	}
}

// Nodes that make the changes of another DC, though their documents are equal, are made to take one over.
func TestEqualDocumentsUnderAnotherLeader(t *testing.T) {
	for _, leader := range []string{"", "n1", "n3"} {
		w, _ := together()
		attrs := []string{"join_id", "2", "digest", w.c.peer("n1").digest, termAttr, cib.Term{}.String()}
		if leader != "" { // else one of an earlier version
			attrs = append(attrs, leaderAttr, leader)
		}
		w.c.Deliver(w.c.now, "n2", w.c.message("join_request", "n1", attrs...))
		w.settle()
		if want := map[bool]int{true: 1}[leader == "n3"]; w.syncs != want {
			t.Errorf("led by %q: %d takeovers", leader, w.syncs)
		}
	}
}

// What a DC has to write, and that failures are to be counted, waits in a join until it leads; who gives the role up leaves it.
func TestNothingIsOrderedBeforeTheDCLeads(t *testing.T) {
	for _, gives := range []bool{false, true} {
		w, _ := together()
		w.leader = "n3"
		w.c.offer()
		w.updates, w.asDC = nil, nil
		w.c.peer("n9").ID = 9
		w.c.fenced("n9")
		done := false
		w.c.AsDC(func(leads bool) { done = leads })
		if len(w.updates) > 0 || done {
			t.Fatalf("before it leads %d changes are ordered; %v", len(w.updates), done)
		}
		if gives {
			w.c.release("a test")
			w.c.AsDC(func(leads bool) { done = leads })
			if len(w.c.owed) > 0 || done || w.c.updates > 0 {
				t.Fatalf("who is DC no more orders as the DC, or waits: %d, %d", len(w.c.owed), w.c.updates)
			}
			continue
		}
		w.c.acknowledge()
		if len(w.updates) < 3 || !done {
			t.Fatalf("%d changes are ordered when it leads; %v", len(w.updates), done)
		}
		for i, as := range w.asDC {
			if !as {
				t.Errorf("%s is not ordered as the DC", w.updates[i].Section)
			}
		}
	}
}
