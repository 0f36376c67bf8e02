package controller

import (
	"slices"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
)

// An acquittal counts for those who follow the DC that says so: what another DC waits for, it does not end.
func TestAcquittalCountsForFollowers(t *testing.T) {
	for _, x := range []struct {
		name, from string
		followers  []string // nil: of an earlier version, which says nothing of them
		accused    bool
	}{
		{"the DC that waits, for both", "n2", []string{"n2", "n3"}, false},
		{"for itself alone", "n2", []string{"n2"}, true},
		{"a rival, whom nobody else follows", "n4", []string{"n4"}, true},
		{"a rival, whom they follow by now", "n4", []string{"n4", "n2", "n3"}, false},
		{"of an earlier version", "n2", nil, false},
		{"a rival of an earlier version", "n4", nil, true},
	} {
		w := begin()
		all := []Member{{1, "n1"}, {2, "n2"}, {3, "n3"}, {4, "n4"}}
		w.c.Membership(w.c.now, all, true)
		w.c.Group(w.c.now, all)
		w.c.peer("n4").suspect = true
		for _, n := range []string{"n2", "n3"} {
			w.c.Deliver(w.c.now, n, w.c.message("suspect", "", "uname", "n1"))
		}
		m := w.c.message("acquit", "", "uname", "n1")
		if x.followers != nil {
			m = acquittal("n1", x.followers...)
		}
		w.c.Deliver(w.c.now, x.from, m)
		if w.c.accused() != x.accused {
			t.Errorf("%s: accused: %v", x.name, w.c.accusers)
		}
		// Who is free takes part: it waits for the DC's offer, or, where it waits for that one's fencing itself, votes.
		if want := map[bool]State{true: Pending, false: Election}[x.accused || x.from == "n2"]; w.c.State() != want {
			t.Errorf("%s: %s", x.name, w.c.Describe())
		}
	}
}

// A DC that is lost after it has acquitted this node, and before it has offered it to join, is not waited for.
func TestAcquittedAndAlone(t *testing.T) {
	w, both := together()
	w.c.Deliver(w.c.now, "n2", w.c.message("suspect", "", "uname", "n1"))
	w.c.Deliver(w.c.now, "n2", acquittal("n1", "n2"))
	w.c.Group(w.c.now, both[:1])
	w.settle()
	if w.c.IsDC() || w.c.accused() {
		t.Fatalf("%s, accused by %v", w.c.Describe(), w.c.accusers)
	}
	w.c.Tick(w.c.now.Add(DefaultTiming.FirstElection))
	if w.settle(); !w.c.IsDC() {
		t.Errorf("it waits for ever: %s", w.c.Describe())
	}
}

// acquittal is one by a DC with these followers.
func acquittal(of string, followers ...string) *etree.Element {
	dc := &Controller{self: Member{Name: followers[0]}, peers: map[string]*peer{}}
	for _, f := range followers {
		dc.peers[f] = &peer{Member: Member{Name: f}, process: true, phase: phaseConfirmed}
	}
	var e sender
	dc.effects = &e
	dc.sendAcquittal(of)
	return e.sent
}

// sender keeps what was sent last.
type sender struct {
	alone
	sent *etree.Element
}

func (s *sender) Broadcast(msg *etree.Element) { s.sent = msg }

// Who joins is of one mind with the DC about who is suspect, also of nodes that are not there.
func TestJoinersTakeOverSuspicions(t *testing.T) {
	for seed := uint64(1); seed <= 200; seed++ {
		g := newGroup(t, seed, 5)
		// Those who stay have lost n5, then n4 is started anew: it has not seen n5 go.
		g.run(t)
		g.pass(DefaultTiming.FirstElection)
		g.run(t)
		var all []Member
		for _, v := range g.all() {
			all = append(all, v.c.self)
		}
		there, stay := all[:4], all[:3]
		for _, v := range g.all()[:3] {
			v.c.Group(g.now, there)
			v.c.peer("n4").leaving = true
			v.c.Group(g.now, stay)
			v.c.Group(g.now, there)
			v.c.quorate = false // n5 is not acquitted
		}
		v := &voter{g: g, name: "n4", next: len(g.order)}
		v.root = g.nodes["n1"].root
		v.c = New(Identity{Member: all[3], UUID: "n4"}, DefaultTiming, v)
		g.nodes["n4"] = v
		g.names = g.names[:4]
		v.c.Membership(g.now, all, true)
		v.c.Group(g.now, there)
		v.c.Start(g.now)
		g.run(t)
		g.pass(DefaultTiming.FirstElection)
		g.run(t)
		g.agreed(t, "n1")
		if !v.c.peer("n5").suspect {
			t.Fatalf("seed %d: n4 does not know that n5 is to be fenced\n%s", seed, g.dump())
		}
		v.c.Group(g.now, all)
		if !slices.ContainsFunc(g.order, func(s sent) bool {
			return s.from == "n4" && s.msg.SelectAttrValue("crm_task", "") == "suspect" && s.msg.SelectAttrValue("uname", "") == "n5"
		}) {
			t.Fatalf("seed %d: n4 does not say that n5 is to be fenced\n%s", seed, g.dump())
		}
	}
}

// One that did not hear that the DC has acquitted a node hears of it when it joins, and withdraws what it said.
func TestLateHearerWithdraws(t *testing.T) {
	for seed := uint64(1); seed <= 200; seed++ {
		g := newGroup(t, seed, 4)
		g.run(t)
		g.pass(DefaultTiming.FirstElection)
		g.run(t)
		for _, v := range g.all()[:2] { // n1 is DC
			v.c.peer("n4").cleared = v.c.peer("n4").joins
		}
		late := g.nodes["n3"].c
		late.peer("n4").suspect = true
		late.blame("n3", "n4")
		g.nodes["n4"].c.accusers["n3"] = true
		g.nodes["n1"].c.offer()
		g.run(t)
		g.agreed(t, "n1")
		if late.peer("n4").suspect || g.nodes["n4"].c.accused() {
			t.Fatalf("seed %d: n3 waits for the fencing of n4 for ever\n%s", seed, g.dump())
		}
	}
}

// One whose suspicion never ended is suspected on the DC's word, and on that of who joins, though it was there all the time; one that was acquitted as it came is not.
func TestWordOfOneThatIsThere(t *testing.T) {
	for _, x := range []struct {
		name, by string
		cleared  bool
	}{{"the DC's offer", "n1", false}, {"a request to join", "n3", false}, {"an offer after it was acquitted", "n1", true}} {
		g := newGroup(t, 1, 4)
		g.run(t)
		g.pass(DefaultTiming.FirstElection)
		g.run(t)
		g.agreed(t, "n1")
		hearer := map[string]string{"n1": "n3", "n3": "n1"}[x.by]
		p := g.nodes[hearer].c.peer("n4")
		if x.cleared {
			p.cleared = p.joins
		}
		g.nodes[x.by].c.peer("n4").suspect = true
		g.nodes["n1"].c.quorate = false // nobody is fenced, or acquitted
		g.nodes["n1"].c.offer()
		g.run(t)
		if p.suspect == x.cleared {
			t.Errorf("%s: suspect %v\n%s", x.name, p.suspect, g.dump())
		}
	}
}

// Parts that have one document, and know different attributes of remote nodes, have them shared when they meet; a DC that knows of none may have come a moment ago.
func TestAttributesOfAbsentNodesAreShared(t *testing.T) {
	for _, x := range []struct {
		dc, other string
		want      []string
	}{{"a", "b", []string{"n2"}}, {"a", "a", nil}, {"", "b", nil}} {
		g := newGroup(t, 1, 2)
		g.nodes["n1"].absent, g.nodes["n2"].absent = x.dc, x.other
		g.run(t)
		g.pass(DefaultTiming.FirstElection)
		g.run(t)
		g.agreed(t, "n1")
		g.nodes["n1"].shared = nil
		g.nodes["n1"].c.offer() // all follow it by now, and have its document
		g.run(t)
		if got := slices.Concat(g.nodes["n1"].shared...); !slices.Equal(got, x.want) {
			t.Errorf("the DC knows %q, the other %q: shared with %v, not %v", x.dc, x.other, got, x.want)
		}
	}
}

// A withdrawal ends the suspicion of those who hold it on the word of who withdraws.
func TestWithdrawalEndsHearsay(t *testing.T) {
	for _, x := range []struct {
		word    string
		suspect bool
	}{{"n2", false}, {"n3", true}, {"", true}} {
		w := begin()
		all := []Member{{1, "n1"}, {2, "n2"}, {3, "n3"}}
		w.c.Membership(w.c.now, all, true)
		w.c.Group(w.c.now, all)
		p := w.c.peer("n3")
		p.suspect, p.word = true, x.word
		w.c.Deliver(time.Unix(1000, 0), "n2", w.c.message("withdraw", "", "uname", "n3"))
		if p.suspect != x.suspect {
			t.Errorf("on the word of %q: suspect %v", x.word, p.suspect)
		}
	}
}

// Without quorum a remote node may be fenced where all nodes are here, so that no other part can be connected to it, or where the administrator has it so.
func TestRemoteNodeFencedWithoutQuorum(t *testing.T) {
	for _, c := range []struct {
		name, target string
		all, always  bool
		listed       []Member
		want         bool
	}{
		{"all nodes are here", "r", true, false, nil, true},
		{"another node is not here", "r", false, false, nil, false},
		{"another node is not here, which the CIB does not know yet", "r", true, false, []Member{{1, "n1"}, {2, "n2"}}, false},
		{"it is to be fenced all the same", "r", false, true, nil, true},
		{"a node", "n2", false, true, nil, false},
		{"what nobody knows", "x", true, false, nil, false},
	} {
		w := begin()
		w.listed = c.listed
		cib.Section(w.root, "resources").AddChild(element(t, `<primitive id="r" class="ocf" provider="pacemaker" type="remote"/>`))
		nodes := cib.Section(w.root, "nodes")
		nodes.AddChild(element(t, `<node id="r" uname="r" type="remote"/>`))
		if !c.all {
			nodes.AddChild(element(t, `<node id="2" uname="n2"/>`))
		}
		if c.always {
			w.configure(t, "fence-remote-without-quorum", "true")
		}
		w.c.Membership(time.Unix(1100, 0), []Member{{1, "n1"}}, false)
		w.settle()
		if got := w.c.MayFence(c.target); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
