package controller

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/schema"
	"hacluster/engine/replica"
	"hacluster/engine/transition"
)

// alone is the world of a controller that is the only one of its cluster.
type alone struct {
	c        *Controller
	root     *etree.Element
	later    []func()
	sent     []*etree.Element
	plans    []*transition.Graph
	planned  int
	spared   bool // the last plan was asked for so
	executed []*etree.Element
	set      []string // attributes
	mute     bool     // what is set is never written
	updates  []cib.Request
	fenced   []FenceRequest
	// failFencing is how it fails; nil: it takes for ever.
	failFencing error
	fencingEnds func(error)
	asDC        []bool // whether they were ordered so
	leader      string // besides this node
	syncs       int
	strangers   []string // who is told of attributes
	listed      []Member // by corosync.conf
	remotes     []string // that this node is connected to
	told        []string
}

func (w *alone) then(f func()) { w.later = append(w.later, f) }

// settle carries out what is under way.
func (w *alone) settle() {
	for len(w.later) > 0 {
		f := w.later[0]
		w.later = w.later[1:]
		f()
	}
}

func (w *alone) Broadcast(msg *etree.Element) {
	w.sent = append(w.sent, msg)
	w.then(func() { w.c.Deliver(time.Unix(1000, 0), "n1", msg) })
}
func (w *alone) CIB() *etree.Element { return w.root }
func (w *alone) Update(req cib.Request, asDC bool, done func(error)) {
	w.updates, w.asDC = append(w.updates, req), append(w.asDC, asDC)
	if done != nil {
		w.then(func() { done(nil) })
	}
}
func (w *alone) Leader() string                     { return w.leader }
func (w *alone) Follow(dc string) string            { return dc }
func (w *alone) ShareAttributes(strangers []string) { w.strangers = strangers }
func (w *alone) Absent() string                     { return "" }
func (w *alone) Sync(_ string, done func(error)) {
	w.syncs++
	w.then(func() { done(nil) })
}
func (w *alone) Term() cib.Term                           { return cib.Term{} }
func (w *alone) Raise([]string, uint64, bool)             {}
func (w *alone) Termless(bool)                            {}
func (w *alone) HasAttribute(name string) bool            { return slices.Contains(w.set, name) }
func (w *alone) CountFailure(node, name, value, _ string) { w.SetAttribute(node, name, &value) }
func (w *alone) SetAttribute(node, name string, _ *string) {
	w.set = append(w.set, name)
	if w.mute || !strings.HasPrefix(name, "fail-count-") && !strings.HasPrefix(name, "last-failure-") {
		return
	}
	w.then(func() {
		state := etree.NewElement("node_state")
		state.CreateAttr("uname", node)
		state.CreateElement("transient_attributes").CreateElement("instance_attributes").CreateElement("nvpair").CreateAttr("name", name)
		w.c.CIBChanged(time.Unix(1000, 0), replica.Change{Op: cib.Modify, Section: "status", Data: state, Node: "n1", Client: ClientAttributes})
	})
}
func (w *alone) RewriteAttributes(string)     {}
func (w *alone) ShareFencing()                {}
func (w *alone) ClearFailures(string, string) {}
func (w *alone) Plan(_ time.Time, _ int, sparing bool) (Plan, error) {
	w.planned++
	w.spared = sparing
	if len(w.plans) == 0 {
		return Plan{Graph: &transition.Graph{}}, nil
	}
	g := w.plans[0]
	w.plans = w.plans[1:]
	return Plan{Graph: g}, nil
}

func (w *alone) Fence(r FenceRequest, done func(error)) {
	w.fencingEnds = done
	if w.fenced = append(w.fenced, r); w.failFencing != nil {
		w.then(func() { done(w.failFencing) })
	}
}
func (w *alone) Execute(order *etree.Element) { w.executed = append(w.executed, order) }
func (w *alone) Histories() []*etree.Element {
	var all []*etree.Element
	for _, name := range append([]string{"n1"}, w.remotes...) {
		state := etree.NewElement("node_state")
		state.CreateAttr("uname", name)
		state.CreateElement("lrm")
		all = append(all, state)
	}
	return all
}
func (w *alone) NumberLost()               {}
func (w *alone) BecameDC(bool)             {}
func (w *alone) Configured() []Member      { return w.listed }
func (w *alone) IsRemote(string) bool      { return false }
func (w *alone) RemoteFenced(string)       {}
func (w *alone) RemoteHeld(string, string) {}
func (w *alone) Exit(string)               {}
func (w *alone) Logf(format string, a ...any) {
	w.told = append(w.told, fmt.Sprintf(format, a...))
}

// keys are the operation keys of what was ordered so far.
func (w *alone) keys() []string {
	var out []string
	for _, o := range w.executed {
		out = append(out, o.SelectAttrValue("operation_key", ""))
	}
	return out
}

// answer tells the result of the order with that key, as an executor does directly, or,
// recorded, through the history.
func (w *alone) answer(t *testing.T, key string, code int, recorded bool) {
	t.Helper()
	i := slices.IndexFunc(w.executed, func(o *etree.Element) bool { return o.SelectAttrValue("operation_key", "") == key })
	if i < 0 {
		t.Fatalf("%s was not ordered", key)
	}
	magic := fmt.Sprintf("0:%d;%s", code, w.executed[i].SelectAttrValue("transition-key", ""))
	if !recorded {
		m := w.c.message("lrm_result", "", "transition-magic", magic)
		w.c.Deliver(time.Unix(1000, 0), "n1", m)
		w.settle()
		return
	}
	id := "r_last_0"
	if code != 0 {
		id = "r_last_failure_0"
	}
	s := etree.NewElement("node_state")
	s.CreateAttr("uname", "n1")
	op := s.CreateElement("lrm").CreateElement("lrm_resources").CreateElement("lrm_resource").CreateElement("lrm_rsc_op")
	for _, a := range [][2]string{{"id", id}, {"operation_key", key}, {"operation", w.executed[i].SelectAttrValue("operation", "")}, {"interval", "0"}, {"transition-magic", magic}} {
		op.CreateAttr(a[0], a[1])
	}
	w.c.CIBChanged(time.Unix(1000, 0), replica.Change{Client: ClientExecutor, Node: "n1", Op: cib.Modify, Section: "status", Data: s})
	w.settle()
}

// A node that shuts down refuses to start what is ordered: whoever decides has forgotten that it asked to. So it asks by that, and what is planned next waits,
// for it may say the same.
func TestStartRefusedInAShutdown(t *testing.T) {
	w := begin(chain(rscOp("start", "r_start_0", 0)))
	plans := w.c.transition
	refused := w.c.message("lrm_result", "", "transition-magic", "9:1;"+w.executed[0].SelectAttrValue("transition-key", ""))
	w.c.Deliver(w.c.now, "n1", refused)
	w.settle()
	if !slices.Contains(w.set, "shutdown") {
		t.Errorf("set are %v", w.set)
	}
	if w.c.transition != plans {
		t.Error("a plan is made at once")
	}
	if due := w.c.Deadline(); due.Sub(w.c.now) != refusedAgain {
		t.Errorf("due in %v", due.Sub(w.c.now))
	}
	w.c.Tick(w.c.now.Add(refusedAgain))
	w.settle()
	if w.c.transition != plans+1 {
		t.Errorf("plan %d, want %d", w.c.transition, plans+1)
	}
}

// begin brings a lone controller to where it carries out the first of the plans.
func begin(plans ...*transition.Graph) *alone {
	return beginOf(&alone{root: cib.New(), plans: plans})
}

func beginOf(w *alone) *alone {
	now := time.Unix(1000, 0)
	w.c = New(Identity{Member: Member{ID: 1, Name: "n1"}, UUID: "uuid", Schema: schema.Latest}, DefaultTiming, w)
	w.c.Membership(now, []Member{{1, "n1"}}, true)
	w.c.Group(now, []Member{{1, "n1"}})
	w.c.Start(now)
	w.settle()
	w.c.Tick(now.Add(2 * time.Second))
	w.settle()
	return w
}

// TestListedNodes: a node that comes has the configuration know those that corosync.conf lists, once, but for those whose name or id it has.
func TestListedNodes(t *testing.T) {
	root := cib.New()
	known := cib.Section(root, "nodes").CreateElement("node")
	known.CreateAttr("id", "7")
	known.CreateAttr("uname", "n2")
	w := beginOf(&alone{root: root, listed: []Member{{1, "n1"}, {2, "n2"}, {3, "n3"}, {7, "n7"}}})
	w.c.Group(w.c.now, []Member{{1, "n1"}, {3, "n3"}}) // another join
	w.settle()
	var got []string
	for i, u := range w.updates {
		if u.Section == "nodes" && !w.asDC[i] {
			for _, n := range u.Data.SelectElements("node") {
				got = append(got, n.SelectAttrValue("uname", ""))
			}
		}
	}
	if !slices.Equal(got, []string{"n1", "n3"}) {
		t.Errorf("added: %v", got)
	}
}

// chain is a graph of actions that follow each other.
func chain(actions ...*transition.Synapse) *transition.Graph {
	g := &transition.Graph{}
	for i, s := range actions {
		s.ID, s.Action.ID = i, i+1
		if i > 0 {
			s.Inputs = []*transition.Action{actions[i-1].Action}
		}
		g.Synapses = append(g.Synapses, s)
	}
	return g
}

func rscOp(operation, key string, priority int, attrs ...transition.Attr) *transition.Synapse {
	return &transition.Synapse{Priority: priority, Action: &transition.Action{
		Kind: transition.ResourceOp, Operation: operation, Key: key, Node: "n1", Attrs: attrs,
		Resource: &transition.Resource{Tag: "primitive", ID: "r", Class: "ocf", Provider: "pacemaker", Type: "Stateful"},
	}}
}

func pseudo(operation, key string, priority int) *transition.Synapse {
	return &transition.Synapse{Priority: priority, Action: &transition.Action{Kind: transition.Pseudo, Operation: operation, Key: key}}
}

// together brings a lone controller to where a second node, n2, has come; both are the members of the group.
func together() (w *alone, both []Member) {
	w = begin()
	now := time.Unix(1000, 0)
	both = []Member{{1, "n1"}, {2, "n2"}}
	w.c.Membership(now, both, true)
	w.c.Group(now, both)
	w.settle()
	return w, both
}

// request is a node's answer to the DC's offer: it has the DC's document.
func request(w *alone) *etree.Element {
	return w.c.message("join_request", "n1", "join_id", strconv.Itoa(w.c.joinID), "digest", w.c.peer("n1").digest, termAttr, cib.Term{}.String())
}

// A node that came and was lost before its join was complete is not written down as not there: the
// scheduler would take it for cleanly down, while its services may run.
func TestLostBeforeItsJoinIsUnseen(t *testing.T) {
	w, both := together()
	w.updates = nil // that it was in the ring is taken back, see below
	w.c.Group(w.c.now, both[:1])
	w.settle()
	w.c.Membership(w.c.now, both[:1], true)
	w.settle()
	if w.c.State() != Idle {
		t.Fatalf("the join did not end: %s", w.c.Describe())
	}
	for _, u := range w.updates {
		if u.Data != nil && u.Data.Tag == "node_state" && u.Data.SelectAttrValue("uname", "") == "n2" {
			t.Errorf("it is written down, in_ccm=%s", u.Data.SelectAttrValue("in_ccm", ""))
		}
	}
}

// A node of the ring whose controller does not run yet is written down: nobody is to fence a host that is about to come.
func TestPendingIsWrittenDown(t *testing.T) {
	w := begin()
	w.updates = nil
	w.c.Membership(w.c.now, []Member{{1, "n1"}, {2, "n2"}}, true)
	written := false
	for _, u := range w.updates {
		if u.Data != nil && u.Data.Tag == "node_state" && u.Data.SelectAttrValue("uname", "") == "n2" {
			written = u.Data.SelectAttrValue("in_ccm", "") == "true" && u.Data.SelectAttrValue("crmd", "") == "offline"
		}
	}
	if !written {
		t.Error("the CIB does not say that it is pending")
	}
}

// What the CIB tells of a node leaves it when that is lost before a join with it was complete, where nothing was expected of it: offline,
// it would be clean by that. What was expected of it stays.
func TestLostBeforeItsJoinLeavesTheCIB(t *testing.T) {
	for _, expected := range []string{"", "member"} {
		w, both := together()
		state := w.root.SelectElement("status").CreateElement("node_state")
		for _, a := range [][2]string{{"id", "2"}, {"uname", "n2"}, {"in_ccm", "true"}, {"crmd", "offline"}, {"join", "down"}, {"expected", expected}} {
			if a[1] != "" {
				state.CreateAttr(a[0], a[1])
			}
		}
		w.updates = nil
		w.c.Group(w.c.now, both[:1])
		w.settle()
		removed, offline := false, false
		for _, u := range w.updates {
			removed = removed || u.Op == cib.Delete && u.Section == "/cib/status/node_state[@id='2']"
			offline = offline || u.Data != nil && u.Data.SelectAttrValue("uname", "") == "n2" && u.Data.SelectAttrValue("expected", "") == expected
		}
		if removed != (expected == "") || offline != (expected != "") {
			t.Errorf("expected %q: removed %v, written %v", expected, removed, offline)
		}
	}
}

// A join goes on without a node that does not answer in time, to its end; when that answers after all, it is offered another.
func TestJoinWithoutAnAnswer(t *testing.T) {
	w, _ := together()
	if w.c.State() != Integration {
		t.Fatalf("it does not wait for the answer: %s", w.c.Describe())
	}
	w.c.Tick(w.c.now.Add(DefaultTiming.Integration))
	w.settle()
	if w.c.State() != Idle {
		t.Fatalf("the join did not end: %s", w.c.Describe())
	}
	w.c.Deliver(w.c.now, "n2", w.c.message("join_request", "n1", "join_id", "2"))
	if w.c.State() != Integration {
		t.Errorf("it is left out: %s", w.c.Describe())
	}
}

// Of a member that was removed no join writes anything; a remote node may have its name.
func TestRemovedMemberStaysAway(t *testing.T) {
	w, both := together()
	w.c.peer("n2").leaving = true
	w.c.Group(w.c.now, both[:1])
	w.c.Membership(w.c.now, both[:1], true)
	w.settle()
	w.root.FindElement("configuration").RemoveChild(w.root.FindElement("configuration/nodes"))
	n := w.root.FindElement("configuration").CreateElement("nodes").CreateElement("node")
	n.CreateAttr("id", "n2")
	n.CreateAttr("uname", "n2")
	n.CreateAttr("type", "remote")
	state := w.root.SelectElement("status").CreateElement("node_state")
	for _, a := range [][2]string{{"id", "n2"}, {"uname", "n2"}, {"remote_node", "true"}, {"in_ccm", "true"}} {
		state.CreateAttr(a[0], a[1])
	}
	w.updates = nil
	w.c.offer()
	w.settle()
	if w.c.State() != Idle {
		t.Fatalf("the join did not end: %s", w.c.Describe())
	}
	for _, u := range w.updates {
		if u.Data != nil && u.Data.Tag == "node_state" && u.Data.SelectAttrValue("id", "") == "2" || u.Op == cib.Delete && strings.Contains(u.Section, "n2") {
			t.Errorf("%s %s %v", u.Op, u.Section, u.Data)
		}
	}
}

// That a node which is to be fenced asked to shut down counts for no plan: offline, it would be clean by that.
func TestSuspectAskedToShutDown(t *testing.T) {
	w := begin()
	status := w.root.SelectElement("status")
	for _, n := range []string{"n2", "n3"} {
		state := status.CreateElement("node_state")
		state.CreateAttr("uname", n)
		nv := state.CreateElement("transient_attributes").CreateElement("instance_attributes").CreateElement("nvpair")
		nv.CreateAttr("name", "shutdown")
	}
	w.c.peer("n2").suspect = true
	planned := w.planned
	w.updates = nil
	w.c.abort("test")
	if len(w.updates) != 1 || !strings.Contains(w.updates[0].Section, "n2") || w.planned > planned {
		t.Fatalf("%d plans, then %d; changes of the CIB: %+v", planned, w.planned, w.updates)
	}
	status.RemoveChild(status.SelectElement("node_state"))
	if w.settle(); w.planned != planned+1 || !slices.Contains(w.set, "shutdown") {
		t.Errorf("%d plans, then %d; attributes %v", planned, w.planned, w.set)
	}
}

// A clone's instances are told before and after something is done to one of them.
func notified() *transition.Graph {
	return chain(
		rscOp("notify", "r_pre_notify_start_0", 0), pseudo("notified", "c_confirmed-pre_notify_start_0", 0),
		rscOp("start", "r_start_0", 0), pseudo("running", "c_running_0", infinity), pseudo("notify", "c_post_notify_running_0", infinity),
		rscOp("notify", "r_post_notify_start_0", infinity), rscOp("monitor", "r_monitor_10000", 0))
}

func TestNotificationsAreAwaited(t *testing.T) {
	w := begin(notified())
	if got := w.keys(); !slices.Equal(got, []string{"r_pre_notify_start_0"}) {
		t.Fatalf("ordered at once: %v", got)
	}
	w.answer(t, "r_pre_notify_start_0", 0, false)
	w.answer(t, "r_start_0", 0, true)
	if got := w.keys(); !slices.Equal(got, []string{"r_pre_notify_start_0", "r_start_0", "r_post_notify_start_0"}) {
		t.Fatalf("ordered before the last notification was answered: %v", got)
	}
	w.answer(t, "r_post_notify_start_0", 0, false)
	if got := w.keys(); got[len(got)-1] != "r_monitor_10000" || w.planned != 1 {
		t.Errorf("in the end %v after %d plans", got, w.planned)
	}
}

// A notification that fails ends the transition; what it was to announce is not done, and
// no failure is counted.
func TestNotificationFails(t *testing.T) {
	w := begin(notified())
	w.answer(t, "r_pre_notify_start_0", 1, false)
	if got := w.keys(); len(got) != 1 || w.planned != 2 {
		t.Errorf("ordered %v after %d plans", got, w.planned)
	}
	if slices.ContainsFunc(w.set, func(n string) bool { return n != "#feature-set" }) {
		t.Errorf("attributes were set: %v", w.set)
	}
}

func TestNotificationFailureIgnored(t *testing.T) {
	g := notified()
	g.Synapses[0].Action.Attrs = []transition.Attr{{Name: "CRM_meta_on_fail", Value: "ignore"}}
	w := begin(g)
	w.answer(t, "r_pre_notify_start_0", 1, false)
	if got := w.keys(); len(got) != 2 || w.planned != 1 {
		t.Errorf("ordered %v after %d plans", got, w.planned)
	}
}

// What was begun is told of to its end, though it failed, before the next plan is made.
func TestFailureIsAnnounced(t *testing.T) {
	w := begin(notified())
	w.answer(t, "r_pre_notify_start_0", 0, false)
	w.answer(t, "r_start_0", 1, true)
	if got := w.keys(); got[len(got)-1] != "r_post_notify_start_0" || w.planned != 1 {
		t.Fatalf("ordered %v after %d plans", got, w.planned)
	}
	w.answer(t, "r_post_notify_start_0", 0, false)
	if got := w.keys(); len(got) != 3 || w.planned != 2 {
		t.Errorf("in the end %v after %d plans", got, w.planned)
	}
	if !slices.Contains(w.set, "fail-count-r#start_0") {
		t.Errorf("no failure was counted: %v", w.set)
	}
}

// An action whose end nobody tells of is recorded as one that took too long; the next plan
// comes after that.
func TestActionIsLost(t *testing.T) {
	w := begin(chain(rscOp("start", "r_start_0", 0, transition.Attr{Name: "CRM_meta_timeout", Value: "20000"}), rscOp("monitor", "r_monitor_10000", 0)))
	due := w.c.Deadline()
	if want := time.Unix(1000, 0).Add(80 * time.Second); !due.Equal(want) {
		t.Fatalf("it counts as lost at %s, not %s", due, want)
	}
	w.updates = nil
	w.c.Tick(due)
	if len(w.updates) != 1 || w.planned != 1 {
		t.Fatalf("%d changes of the CIB, %d plans before they were applied", len(w.updates), w.planned)
	}
	entry := w.updates[0].Data.FindElement("lrm/lrm_resources/lrm_resource/lrm_rsc_op[@id='r_last_failure_0']")
	if entry == nil || entry.SelectAttrValue("op-status", "") != "2" || entry.SelectAttrValue("exit-reason", "") != "Local executor did not return result in time" {
		t.Errorf("recorded: %v", entry)
	}
	if w.settle(); w.planned != 2 || !slices.Contains(w.set, "fail-count-r#start_0") {
		t.Errorf("%d plans, attributes %v", w.planned, w.set)
	}
}

// Whoever replaces the CIB does not decide of what feature set it is, who is DC, and whether there is quorum.
func TestReplacedRootIsPutRight(t *testing.T) {
	w := begin()
	for _, c := range []struct {
		op   cib.Op
		root map[string]string
		want int
	}{
		{cib.Replace, map[string]string{"crm_feature_set": "3.20.5", "have-quorum": "1", "dc-uuid": "1"}, 1},
		{cib.Replace, map[string]string{"crm_feature_set": FeatureSet, "have-quorum": "0", "dc-uuid": "2"}, 1},
		{cib.Replace, map[string]string{"crm_feature_set": FeatureSet, "have-quorum": "1", "dc-uuid": "1"}, 0},
	} {
		w.updates = nil
		for k, v := range c.root {
			w.root.CreateAttr(k, v)
		}
		w.c.CIBChanged(time.Unix(1001, 0), replica.Change{Op: c.op, Config: true, Data: w.root, Node: "n1", Client: "cibadmin"})
		var got []cib.Request
		for _, u := range w.updates {
			if u.Section == "cib" {
				got = append(got, u)
			}
		}
		if len(got) != c.want {
			t.Errorf("%v: %d changes of the root, want %d", c.root, len(got), c.want)
			continue
		}
		for _, u := range got {
			for _, a := range []string{"crm_feature_set=" + FeatureSet, "have-quorum=1", "dc-uuid=1"} {
				k, v, _ := strings.Cut(a, "=")
				if u.Data.SelectAttrValue(k, "") != v {
					t.Errorf("%v: the DC writes %s=%q", c.root, k, u.Data.SelectAttrValue(k, ""))
				}
			}
		}
		w.settle()
	}
}

// A failure is planned from once, when it is counted, and not never when nobody writes that down.
func TestPlanWaitsForTheCount(t *testing.T) {
	for _, mute := range []bool{false, true} {
		w := begin(chain(rscOp("start", "r_start_0", 0)))
		w.mute = mute
		w.answer(t, "r_start_0", 1, true)
		if want := map[bool]int{false: 2, true: 1}[mute]; w.planned != want {
			t.Errorf("mute %v: %d plans, want %d", mute, w.planned, want)
		}
		if mute && w.c.Deadline().After(time.Unix(1000, 0).Add(countHolds)) {
			t.Errorf("it would wait until %s", w.c.Deadline())
		}
		w.c.Tick(time.Unix(1000, 0).Add(countHolds))
		w.settle()
		if w.planned != 2 {
			t.Errorf("mute %v: %d plans in the end", mute, w.planned)
		}
	}
}

// Whoever replaces the configuration by an older one, of before the nodes came, does not make the cluster forget them.
func TestReplacedConfigurationKnowsTheNodes(t *testing.T) {
	w := begin()
	for _, section := range []string{"configuration", ""} {
		w.updates = nil
		for _, tag := range []string{"crm_config", "nodes"} {
			el := cib.Section(w.root, tag)
			el.Child = nil
		}
		w.c.CIBChanged(time.Unix(1001, 0), replica.Change{Op: cib.Replace, Section: section, Config: true, Data: w.root, Node: "n1", Client: "cibadmin"})
		var got []string
		for _, u := range w.updates {
			got = append(got, u.Section)
		}
		for _, want := range []string{"crm_config", "nodes"} {
			if !slices.Contains(got, want) {
				t.Errorf("%q: the DC writes %v, not %s", section, got, want)
			}
		}
		w.settle()
	}
}

// A plan may order something over a node that is not there, where what it ran is not to be touched: what can be done is done, and
// the plan is not made again at once, for it would be the same.
func TestStepOfAnAbsentNode(t *testing.T) {
	plan := func() *transition.Graph {
		far, here := rscOp("monitor", "r_monitor_0", 0), rscOp("start", "r_start_0", 0)
		far.Action.Router = "n9"
		far.ID, far.Action.ID, here.ID, here.Action.ID = 0, 1, 1, 2
		return &transition.Graph{Synapses: []*transition.Synapse{far, here}}
	}
	w := begin(plan(), plan())
	if got := w.keys(); !slices.Equal(got, []string{"r_start_0"}) || w.planned != 1 {
		t.Fatalf("ordered %v, planned %d times", got, w.planned)
	}
	w.answer(t, "r_start_0", 0, true)
	if w.planned != 1 || w.c.State() != Idle {
		t.Fatalf("planned %d times, %s", w.planned, w.c.State())
	}
	w.c.Tick(time.Unix(1000, 0).Add(2*time.Second + absentAgain))
	w.settle()
	if w.planned != 2 {
		t.Errorf("planned %d times in the end", w.planned)
	}
}

// TestAwaited: of those whom the configuration has, nodes with a controller that nobody has told of are awaited, whatever schema it is of.
func TestAwaited(t *testing.T) {
	w := begin()
	w.root = element(t, `<cib><configuration><nodes><node id="1" uname="n1"/><node id="2" uname="n2" type="normal"/><node id="3" uname="n3" type="member"/>
<node id="r" uname="r" type="remote"/><node id="p" uname="p" type="ping"/></nodes></configuration><status><node_state id="1" uname="n1"/></status></cib>`)
	if got := w.c.awaited(); !slices.Equal(got, []string{"n2", "n3"}) {
		t.Errorf("awaited: %v", got)
	}
}
