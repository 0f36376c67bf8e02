package controller

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"hacluster/cib"
	"hacluster/engine/replica"
	"hacluster/engine/transition"
)

// A DC that does not lead, for the CIB of another was taken over, has a join make it lead; not again before a while.
func TestReclaim(t *testing.T) {
	w := begin()
	taken := func(at time.Time) State {
		w.leader = "n2"
		w.c.CIBChanged(at, replica.Change{Op: cib.Replace, Config: true, Synced: true, Was: w.root, Data: w.root, Node: "n2", Client: "sync"})
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

// Who takes no part, for others have to fence it, is told of attributes where it takes over a document, for it makes the changes of this DC from then on.
func TestSuspectsAreStrangers(t *testing.T) {
	for _, digest := range []string{"", "another"} {
		w, both := together()
		all := append(both, Member{3, "n3"})
		w.c.Membership(w.c.now, all, true)
		w.c.Group(w.c.now, all)
		w.settle()
		w.c.peer("n3").suspect = true
		w.c.offer()
		w.settle()
		if digest == "" {
			digest = w.c.peer("n1").digest
		}
		w.syncs, w.strangers = 0, nil
		w.c.Deliver(w.c.now, "n2", w.c.message("join_request", "n1", "join_id", strconv.Itoa(w.c.joinID), "digest", digest, termAttr, cib.Term{}.String()))
		w.settle()
		want := map[bool][]string{true: {"n2", "n3"}}[digest == "another"]
		if (w.syncs == 1) != (want != nil) || !slices.Equal(w.strangers, want) {
			t.Errorf("with digest %q of n2: %d takeovers, told: %v, not %v", digest, w.syncs, w.strangers, want)
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

// Who asked for a fencing, and is not DC any more when it has succeeded, writes nothing of it: the DC does.
func TestFencedForAnEarlierDC(t *testing.T) {
	for _, still := range []bool{true, false} {
		w, _ := together()
		w.c.Deliver(w.c.now, "n2", request(w))
		w.settle()
		w.c.peer("n9").ID = 9
		w.c.peer("n9").suspect = true
		w.plans = []*transition.Graph{chain(&transition.Synapse{Action: &transition.Action{Kind: transition.ClusterEvent, Operation: "stonith", Node: "n9"}})}
		w.c.run, w.c.state = nil, Idle
		w.c.abort("a test")
		if len(w.fenced) != 1 {
			t.Fatalf("fenced: %v; %s", w.fenced, w.c.Describe())
		}
		if !still {
			w.c.release("a test")
		}
		w.updates = nil
		w.fencingEnds(nil)
		if written := len(w.updates) > 0; written != still || w.c.peer("n9").suspect || !w.c.peer("n9").leaving {
			t.Errorf("still DC: %v; %d changes, suspect: %v", still, len(w.updates), w.c.peer("n9").suspect)
		}
	}
}

// Whoever has come again since its fencing began is not taken for fenced, though another fencing of it has begun since.
func TestFencedBeforeItCameAgain(t *testing.T) {
	for _, again := range []bool{true, false} {
		w, both := together()
		first := w.c.FencingBegan("n2")
		if again {
			w.c.Group(w.c.now, both[:1])
			w.c.Group(w.c.now, both)
			w.c.FencingBegan("n2")
		}
		w.settle()
		w.updates = nil
		w.c.FencingMeant("n2", first)
		w.c.Fenced(w.c.now, "n2", false)
		if p := w.c.peer("n2"); p.leaving == again || p.suspect {
			t.Errorf("again: %v; it is taken for gone: %v; suspect: %v", again, p.leaving, p.suspect)
		}
	}
}

// A node that suspects the DC of the others, and hears that their CIB is of a later term, has stood still: it suspects nobody any more, and has nobody
// fenced until it has joined.
func TestOvertaken(t *testing.T) {
	for _, x := range []struct {
		later bool
		word  string // on which it suspects that DC; "": it has lost it itself
		gives bool
	}{{true, "", true}, {false, "", false}, {true, "n3", false}} {
		w, _ := together()
		w.c.peer("n2").suspect, w.c.peer("n2").word = true, x.word
		term := cib.Term{}
		if x.later {
			term.Number = 2
		}
		w.c.Deliver(w.c.now, "n2", w.c.message("join_offer", "", "join_id", "7", termAttr, term.String()))
		if p := w.c.peer("n2"); p.suspect == x.gives || w.c.IsDC() == x.gives || w.c.MayFence("n2") == x.gives {
			t.Errorf("%+v: suspect: %v, DC: %v, may be fenced: %v", x, p.suspect, w.c.IsDC(), w.c.MayFence("n2"))
		}
	}
}

// Who follows a DC that wants to join others has none any more, and votes.
func TestDCGivesUp(t *testing.T) {
	for _, from := range []string{"n2", "n3"} {
		w, _ := together()
		w.c.release("a test")
		w.c.dc, w.c.state = "n2", NotDC
		w.c.Deliver(w.c.now, from, w.c.message("join_announce", ""))
		if votes := w.c.state == Election; votes != (from == "n2") {
			t.Errorf("%s asks to join: state %s", from, w.c.state)
		}
	}
}
