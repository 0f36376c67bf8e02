package controller

import (
	"strings"
	"testing"

	"hacluster/engine/transition"
)

// What an earlier DC asked for is overruled on who has joined another one, for a target that this takes for a member, or that is the DC.
func TestOverruled(t *testing.T) {
	const full = ` join="member" expected="member"`
	for _, c := range []struct {
		name           string
		dc, target     string
		askers         []string
		state          string // of the target
		joined, absent bool
		suspect        bool
		want           bool
	}{
		{"a member", "n2", "n9", []string{"n3"}, full, true, false, false, true},
		{"the DC", "n9", "n9", []string{"n3"}, "", true, false, false, true},
		{"the DC asks", "n2", "n9", []string{"n3", "n2"}, full, true, false, false, false},
		{"of itself", "n9", "n9", []string{"n3", "n9"}, full, true, false, false, false},
		{"no join yet", "n2", "n9", []string{"n3"}, full, false, false, false, false},
		{"no DC", "", "n9", []string{"n3"}, full, false, false, false, false},
		{"gone", "n2", "n9", []string{"n3"}, full, true, true, false, false},
		{"suspect", "n2", "n9", []string{"n3"}, full, true, false, true, false},
		{"kept out", "n2", "n9", []string{"n3"}, ` join="down" expected="member"`, true, false, false, false},
		{"leaving", "n2", "n9", []string{"n3"}, ` join="member" expected="down"`, true, false, false, false},
		{"unheard of", "n2", "n8", []string{"n3"}, full, true, false, false, false},
	} {
		w, _ := together()
		w.c.dc, w.c.joined = c.dc, c.joined
		p := w.c.peer("n9")
		p.process, p.suspect = !c.absent, c.suspect
		w.root = element(t, `<cib><configuration/><status><node_state id="9" uname="n9"`+c.state+`/></status></cib>`)
		if got := w.c.Overruled(c.target, c.askers); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	// The DC itself goes by its last plan.
	for _, c := range []struct {
		name   string
		state  State
		due    bool
		fences map[string]int
		phase  phase
		want   bool
	}{
		{"planned otherwise", Idle, false, map[string]int{"n8": 1}, phaseConfirmed, true},
		{"planned", TransitionEngine, false, map[string]int{"n9": 2}, phaseConfirmed, false},
		{"no plan yet", Idle, false, nil, phaseConfirmed, false},
		{"the next plan is due, and asks for itself", Idle, true, map[string]int{}, phaseConfirmed, true},
		{"no member yet", Idle, false, map[string]int{}, phaseIntegrated, false},
		{"not planned, and a join is to come first", Integration, false, map[string]int{}, phaseWelcomed, true},
		{"planned before it came, and a join is to come first", FinalizeJoin, false, map[string]int{"n9": 1}, phaseIntegrated, true},
		{"planned since it came, and a join is to come first", Integration, false, map[string]int{"n9": 2}, phaseWelcomed, false},
		{"never planned, and a join is to come first", Election, false, nil, phaseWelcomed, true},
	} {
		w, _ := together()
		w.c.dc, w.c.joined, w.c.state, w.c.planDue, w.c.toFence = "n1", true, c.state, c.due, c.fences
		p := w.c.peer("n9")
		p.process, p.phase, p.joins = true, c.phase, 2
		w.root = element(t, `<cib><configuration/><status><node_state id="9" uname="n9"`+full+`/></status></cib>`)
		if got := w.c.Overruled("n9", []string{"n1"}); got != c.want {
			t.Errorf("the DC, %s: %v", c.name, got)
		}
	}
}

// Who waits to be fenced has no say in the fencing of others that are here, neither in what it has asked for itself, nor to those who know of it.
func TestNoSayBeforeItsOwnFencing(t *testing.T) {
	for _, c := range []struct {
		name    string
		accuser string // of this node; "": none
		target  string
		askers  string
		suspect string // those that are
		absent  bool
		want    bool
	}{
		{"asked before it was accused", "n2", "n3", "n1", "", false, true},
		{"whom it suspects itself", "n2", "n3", "n1", "n3", false, true},
		{"who is not here", "n2", "n3", "n1", "n3", true, false},
		{"another asks, too", "n2", "n3", "n1 n2", "", false, false},
		{"of itself", "n2", "n1", "n1", "", false, false},
		{"nobody accuses it", "", "n3", "n1", "", false, false},
		{"asked by a suspect", "", "n3", "n4", "n4", false, true},
		{"asked by a suspect and another", "", "n3", "n4 n2", "n4", false, false},
		{"a suspect's own", "", "n4", "n2 n4", "n4", false, false},
	} {
		w := begin()
		all := []Member{{1, "n1"}, {2, "n2"}, {3, "n3"}, {4, "n4"}}
		w.c.Membership(w.c.now, all, true)
		w.c.Group(w.c.now, all)
		for _, n := range strings.Fields(c.suspect) {
			w.c.peer(n).suspect = true
		}
		w.c.peer(c.target).process = !c.absent
		w.c.dc, w.c.state = "", Pending
		if c.accuser != "" {
			w.c.Deliver(w.c.now, c.accuser, w.c.message("suspect", "", "uname", "n1"))
		}
		if got := w.c.Overruled(c.target, strings.Fields(c.askers)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// What has no say any more and so is not done is no failure of a device: it does not count among the tries after which no more are made.
func TestOverruledIsNoTry(t *testing.T) {
	for _, counts := range []bool{true, false} {
		w, _ := together()
		w.c.Deliver(w.c.now, "n2", request(w))
		w.settle()
		w.plans = []*transition.Graph{chain(&transition.Synapse{Action: &transition.Action{Kind: transition.ClusterEvent, Operation: "stonith", Node: "n9"}})}
		w.c.run, w.c.state = nil, Idle
		w.c.abort("a test")
		w.fencingEnds(fencingError{!counts})
		if n := w.c.fenceTries["n9"]; (n == 1) != counts {
			t.Errorf("counts: %v; tries: %d", counts, n)
		}
	}
}

// fencingError is how fencing fails: for nobody has a say in it, or otherwise.
type fencingError struct{ overruled bool }

func (e fencingError) Error() string   { return "a test" }
func (e fencingError) Overruled() bool { return e.overruled }
