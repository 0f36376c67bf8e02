package controller

import (
	"slices"
	"testing"

	"hacluster/cib"
	"hacluster/engine/replica"
	"hacluster/engine/transition"
)

// TestDeletedMemberIsExpected: a DC writes down as expected whom the status has nothing of, where that was a member by what the cluster wrote, or others have lost it; so that
// the scheduler has it fenced, whether it is here again or not.
func TestDeletedMemberIsExpected(t *testing.T) {
	const unknown = "-" // the DC says nothing of what is expected
	for _, x := range []struct {
		name    string
		wrote   []string // what the DC wrote of n2, before a person deleted that
		by      string   // who says that it has lost n2; "": nobody
		taken   string   // the status of a document that is taken over after that
		removed bool     // from the configuration
		back    bool
		want    string // what is expected
	}{
		{name: "a member that is back", wrote: []string{"member"}, by: "n1", back: true, want: "member"},
		{name: "a member that is not", wrote: []string{"member"}, want: "member"},
		{name: "one that was a member, and has left in good order", wrote: []string{"member", "down"}, back: true, want: unknown},
		{name: "one that nobody knows as a member, lost by this node", by: "n1", back: true, want: unknown},
		{name: "one that another node has lost", by: "n3", back: true, want: "member"},
		{name: "one that another node has lost, which is not back", by: "n3", want: "member"},
		{name: "a member, after a document that has nothing of it", wrote: []string{"member"}, taken: `<status/>`, back: true, want: "member"},
		{name: "a member that is down by a document that is taken over", wrote: []string{"member"}, taken: `<status><node_state id="2" uname="n2" expected="down"/></status>`, back: true, want: "down"},
		{name: "one that was down, after a document that has nothing of it", wrote: []string{"down"}, taken: `<status/>`, back: true, want: unknown},
		{name: "a member that was removed", wrote: []string{"member"}, removed: true, want: unknown},
		{name: "one that another node has lost, which was removed, and is back", by: "n3", removed: true, back: true, want: unknown},
		{name: "a member that was removed, and is back", wrote: []string{"member"}, removed: true, back: true, want: unknown},
	} {
		w, both := together()
		nodes := cib.Section(w.root, "nodes")
		nodes.AddChild(element(t, `<node id="2" uname="n2"/>`))
		for _, e := range x.wrote {
			w.c.CIBChanged(w.c.now, replica.Change{Client: ClientController, Node: "n1", Op: cib.Modify, Section: "status", Data: element(t, `<node_state id="2" uname="n2" expected="`+e+`"/>`)})
		}
		w.c.Membership(w.c.now, both[:1], true)
		w.c.Group(w.c.now, both[:1])
		w.settle()
		p := w.c.peer("n2")
		if p.suspect = x.by != ""; x.by != "n1" {
			p.word = x.by
		}
		if x.taken != "" {
			w.root.RemoveChild(w.root.SelectElement("status"))
			w.root.AddChild(element(t, x.taken))
			w.c.CIBChanged(w.c.now, replica.Change{Synced: true, Data: w.root, Was: cib.New()})
		}
		if x.removed {
			w.apply(t, "crm_node", cib.Request{Op: cib.Delete, Section: "nodes", Data: element(t, `<node uname="n2"/>`)})
			cib.Section(w.root, "nodes").AddChild(element(t, `<node id="2" uname="n2"/>`)) // and added again
		}
		if x.back {
			p.process, p.joins = true, p.joins+1
		}
		w.settle()
		w.updates = nil
		w.c.complete()
		if got := expectation(w, unknown); got != x.want {
			t.Errorf("%s: %s is expected, not %s", x.name, got, x.want)
		}
	}
}

// expectation is what w's controller wrote last that is expected of n2.
func expectation(w *alone, unknown string) string {
	said := unknown
	for _, u := range w.updates {
		if u.Data != nil && u.Data.Tag == "node_state" && u.Data.SelectAttrValue("uname", "") == "n2" {
			said = u.Data.SelectAttrValue("expected", unknown)
		}
	}
	return said
}

// TestPlanThatAcquits: a plan that takes who waits for its fencing for cleanly down is not carried out where that node is here: a join comes first. Where it has left
// before it hears that, or was fenced, there is another plan.
func TestPlanThatAcquits(t *testing.T) {
	for _, x := range []struct {
		name                  string
		quorate, asked, clear bool
		carriedOut            bool
		state                 State
	}{
		{"it needs no fencing", true, false, false, false, Integration},
		{"it is to be fenced", true, true, false, true, TransitionEngine},
		{"without quorum", false, false, false, true, TransitionEngine},
		{"it is suspect no more when it hears that", true, false, true, true, TransitionEngine},
	} {
		steps := []*transition.Synapse{rscOp("start", "r_start_0", 0)}
		if x.asked {
			steps = append(steps, &transition.Synapse{Action: &transition.Action{Kind: transition.ClusterEvent, Operation: "stonith", Node: "n2"}})
		}
		graph := func() *transition.Graph { return &transition.Graph{Synapses: slices.Clone(steps)} }
		w := begin()
		w.plans = []*transition.Graph{graph(), graph()}
		p := w.c.peer("n2")
		p.ID, p.process, p.suspect, p.joins = 2, true, true, 1
		w.c.quorate = x.quorate
		w.c.abort("test")
		if x.clear {
			p.suspect, p.process = false, false
		}
		w.settle()
		if got := len(w.keys()) > 0; got != x.carriedOut || w.c.State() != x.state {
			t.Errorf("%s: carried out %v; %s", x.name, got, w.c.Describe())
		}
	}
}

// TestRemovedBeforeItCame: what a document said of a node that this one has never seen is forgotten when that node is removed, and only then.
func TestRemovedBeforeItCame(t *testing.T) {
	for _, removed := range []bool{false, true} {
		w := begin()
		w.root.AddChild(element(t, `<status><node_state id="9" uname="n9" expected="member"/></status>`))
		w.root.RemoveChild(w.root.SelectElement("status"))
		cib.Section(w.root, "nodes").AddChild(element(t, `<node id="9" uname="n9"/>`))
		w.c.CIBChanged(w.c.now, replica.Change{Synced: true, Data: w.root, Was: cib.New()})
		w.root.RemoveChild(w.root.SelectElement("status"))
		w.root.AddChild(element(t, `<status/>`))
		what := cib.Request{Op: cib.Modify, Section: "crm_config", CanCreate: true, Data: element(t, `<cluster_property_set id="x"/>`)}
		if removed {
			what = cib.Request{Op: cib.Delete, Section: "nodes", Data: element(t, `<node uname="n9"/>`)}
		}
		w.apply(t, "crm_node", what)
		if got, want := w.c.expected("n9"), map[bool]string{false: "member", true: ""}[removed]; got != want {
			t.Errorf("removed %v: %q is expected, not %q", removed, got, want)
		}
		w.settle()
		if w.updates = nil; removed {
			continue
		}
		w.c.complete()
		if !slices.ContainsFunc(w.updates, func(u cib.Request) bool {
			return u.Data != nil && u.Data.SelectAttrValue("uname", "") == "n9" && u.Data.SelectAttrValue("expected", "") == "member"
		}) {
			t.Error("a member that this node has never seen, and of which the status has nothing, is not written down")
		}
	}
}
