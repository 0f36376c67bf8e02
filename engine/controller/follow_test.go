package controller

import "testing"

// Of two DCs in one group, each of which waits for the other's fencing, the one keeps still whose rival most follow, whatever those say themselves.
func TestWhomMostFollow(t *testing.T) {
	type said struct{ from, task, whom string }
	accuses := said{"n2", "suspect", "n1"}
	for _, x := range []struct {
		name    string
		members int
		said    []said
		still   bool
	}{
		{"nobody else is there", 2, []said{accuses}, false},
		{"the third follows nobody", 3, []said{accuses}, false},
		{"the third follows the rival", 3, []said{accuses, {"n3", "join_confirm", "n2"}}, true},
		{"so it did before", 3, []said{{"n3", "join_confirm", "n2"}, accuses}, true},
		{"the third follows this one", 3, []said{accuses, {"n3", "join_confirm", "n1"}}, false},
		{"it votes since", 3, []said{{"n3", "join_confirm", "n2"}, {"n3", "vote", ""}, accuses}, false},
		{"the rival votes since", 3, []said{{"n3", "join_confirm", "n2"}, {"n2", "vote", ""}, accuses}, false},
		{"the rival asks to join", 3, []said{{"n3", "join_confirm", "n2"}, {"n2", "join_announce", ""}, accuses}, false},
		{"it waits for the rival's fencing", 3, []said{accuses, {"n3", "suspect", "n2"}, {"n3", "join_confirm", "n2"}}, false},
		{"one of two more", 4, []said{accuses, {"n3", "join_confirm", "n2"}}, false},
		{"one of two more, the other accuses", 4, []said{accuses, {"n4", "suspect", "n1"}, {"n3", "join_confirm", "n2"}}, true},
	} {
		w := begin()
		all := []Member{{1, "n1"}, {2, "n2"}, {3, "n3"}, {4, "n4"}}[:x.members]
		w.c.Membership(w.c.now, all, true)
		w.c.Group(w.c.now, all)
		for _, m := range all[1:] {
			if m.Name != "n3" { // who came later
				w.c.peer(m.Name).suspect = true
			}
		}
		for _, s := range x.said {
			if s.task == "suspect" {
				w.c.Deliver(w.c.now, s.from, w.c.message(s.task, "", "uname", s.whom))
				continue
			}
			w.c.Deliver(w.c.now, s.from, w.c.message(s.task, s.whom, w.c.levels.attrs()...))
		}
		if still := !w.c.IsDC(); still != x.still || w.c.accused() != x.still || w.c.MayFence("n2") == x.still || w.c.peer("n2").suspect == x.still {
			t.Errorf("%s: %s, accused: %v, may fence n2: %v, suspects it: %v", x.name, w.c.Describe(), w.c.accused(), w.c.MayFence("n2"), w.c.peer("n2").suspect)
		}
	}
}

// Whom a node followed that left, or who has left, counts no more.
func TestFollowersLeave(t *testing.T) {
	for _, gone := range []string{"n2", "n3"} {
		w := begin()
		all := []Member{{1, "n1"}, {2, "n2"}, {3, "n3"}}
		w.c.Membership(w.c.now, all, true)
		w.c.Group(w.c.now, all)
		w.c.Deliver(w.c.now, "n3", w.c.message("join_confirm", "n2"))
		if w.c.follows["n3"] != "n2" {
			t.Fatal(w.c.follows)
		}
		var stay []Member
		for _, m := range all {
			if m.Name != gone {
				stay = append(stay, m)
			}
		}
		w.c.Group(w.c.now, stay)
		if _, follows := w.c.follows["n3"]; follows {
			t.Errorf("%s left: %v", gone, w.c.follows)
		}
	}
}

// Who takes part under a DC, and accepts the offer of another, takes part again once that one has taken it in, and not before: where that one suspects it, it
// never does, and has another document.
func TestTakesPartOnceTakenIn(t *testing.T) {
	w := begin()
	all := []Member{{1, "n1"}, {2, "n2"}, {3, "n3"}}
	w.c.Membership(w.c.now, all, true)
	w.c.Group(w.c.now, all)
	w.settle()
	w.c.keepStill() // it is DC no more
	offer := func(dc, join string) {
		w.c.Deliver(w.c.now, dc, w.c.message("join_offer", "", "join_id", join, writesAttr, "true"))
	}
	takeIn := func(dc, join string) {
		w.c.Deliver(w.c.now, dc, w.c.message("join_ack_nack", "n1", "join_id", join, "join_ack_nack", "true"))
	}
	for _, x := range []struct {
		name  string
		do    func()
		dc    string
		state State
	}{
		{"an offer", func() { offer("n2", "1") }, "n2", Pending},
		{"it is taken in", func() { takeIn("n2", "1") }, "n2", NotDC},
		{"the next join of its DC", func() { offer("n2", "2") }, "n2", NotDC},
		{"the offer of another DC", func() { offer("n3", "1") }, "n3", Pending},
		{"its next join", func() { offer("n3", "2") }, "n3", Pending},
		{"the former DC takes it in", func() { takeIn("n2", "2") }, "n3", Pending},
		{"it is taken in by that one", func() { takeIn("n3", "2") }, "n3", NotDC},
	} {
		x.do()
		if w.c.DC() != x.dc || w.c.State() != x.state || w.c.Joined(x.dc) != (x.state == NotDC) {
			t.Errorf("%s: %s, joined: %v", x.name, w.c.Describe(), w.c.Joined(x.dc))
		}
	}
}
