package simulation

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/corosync/local"
	"hacluster/engine/controller"
	"hacluster/engine/executor"
	"hacluster/engine/replica"
	"hacluster/ocf"
)

// The invariants.
const (
	// Twice: no resource is active twice without the engine having allowed it.
	Twice = "active twice"
	// Unconfirmed: with fencing on, nothing starts before its earlier host is confirmed stopped or fenced.
	Unconfirmed = "start before the earlier host was stopped or fenced"
	// Forgotten: no acknowledged change of the CIB is lost.
	Forgotten = "acknowledged CIB change lost"
	// Unequal: equal versions of the CIB mean equal bytes.
	Unequal = "equal versions, other bytes"
	// Usurped: a partition without quorum fences no node outside of it (no-quorum-policy=ignore aside).
	Usurped = "fencing of others without quorum"
	// Unrecorded: what is under way on the nodes that take part is in the CIB from which the DC plans.
	Unrecorded = "under way and not in the CIB"
	// Superseded: what a node ordered as the DC changes nothing where another one is DC by then.
	Superseded = "change by a node that is no longer DC"
	// Unsettled: when faults stop, the cluster settles in what the engine wants.
	Unsettled = "does not settle"
)

// Violation is an invariant that was broken.
type Violation struct {
	Invariant, Text string
	At              time.Duration // of virtual time
}

func (v *Violation) String() string {
	return fmt.Sprintf("after %v: %s: %s", v.At, v.Invariant, v.Text)
}

// checker knows what truly happened and holds the invariants against it.
type checker struct {
	// every is how often documents are compared, compared when that was; 0: after every event.
	every    time.Duration
	compared time.Time

	c      *Cluster
	broken *Violation
	// maybe[resource][host]: as far as anybody can know, the resource runs there, for no stop, no
	// probe and no fencing has told otherwise since it was started. promoted is the same of promotion.
	maybe, promoted map[string]map[uint32]bool
	// apart[a][b] is when host b was last outside of the group that host a is in; in is that group.
	apart map[[2]uint32]time.Time
	in    map[uint32][]uint32
	// lies are resources whose agents lied, falses are targets that a fence agent lied about: what
	// the engine was told of them is wrong, and so may be what it does. Such a target goes on with what it was about to do.
	lies   map[string]bool
	falses map[uint32]bool
	human  map[string]bool // targets of fencing that a person asked for
	purged map[uint32]bool // hosts that a person had forgotten, though they may be alive
	dirty  []*Host         // whose CIB changed in this event
	// upgraded: hosts begin with an earlier release. A DC of that does not say what it counts, so that another one counts the same, too.
	upgraded bool
	// failures counts what agents told of failures, by resource and host.
	failures map[string]int
	// refreshed are resources whose history a person had forgotten while something may be under way.
	refreshed map[string]bool
	// Of terms: what each host was seen to have, and whom each held with; marks are the values that users set. loose: majorities are not of all
	// nodes, for corosync.conf changes.
	seen    map[uint32]replica.View
	holders map[uint64]holder
	marks   func() []*mark
	quorum  func(h *Host) // is told when corosync told a host of quorum
	loose   bool
	// needlessly counts the fencings that nobody had reason for.
	needlessly int
	// hadFencing tells whether lost nodes are fenced, as the last daemon of a host had it that has ended.
	hadFencing map[uint32]bool
}

func newChecker(c *Cluster) *checker {
	return &checker{
		c: c, maybe: map[string]map[uint32]bool{}, promoted: map[string]map[uint32]bool{}, apart: map[[2]uint32]time.Time{},
		in: map[uint32][]uint32{}, lies: map[string]bool{}, falses: map[uint32]bool{}, human: map[string]bool{}, purged: map[uint32]bool{}, refreshed: map[string]bool{},
		failures: map[string]int{}, seen: map[uint32]replica.View{}, holders: map[uint64]holder{}, hadFencing: map[uint32]bool{},
	}
}

func (k *checker) fail(invariant, format string, args ...any) {
	if k.broken == nil && invariant != k.c.adapt.but {
		k.broken = &Violation{invariant, fmt.Sprintf(format, args...), k.c.Now.Sub(start)}
		k.c.logf("BROKEN: %s", k.broken)
	}
}

// fencingOn tells whether a host's CIB has lost nodes fenced.
func fencingOn(root *etree.Element) bool { return property(root, "stonith-enabled") != "false" }

// everywhere tells that a resource may run on every node: a clone's.
func everywhere(resource string) bool {
	return strings.HasPrefix(resource, "C") || strings.HasPrefix(resource, "M")
}

func (k *checker) lied(resource string) { k.lies[resource] = true }

// group takes a change of the group as a host sees it.
func (k *checker) group(h *Host, e local.Confchg) {
	before := k.in[h.ID]
	var now []uint32
	for _, m := range e.Members {
		now = append(now, m.Node)
	}
	for _, o := range k.c.Hosts {
		left := slices.ContainsFunc(e.Left, func(m local.Member) bool { return m.Node == o.ID })
		if left || !slices.Contains(before, o.ID) || !slices.Contains(now, o.ID) {
			k.apart[[2]uint32{h.ID, o.ID}] = k.c.Now
		}
		if left && h.pcmk.running() && !fencingOn(h.pcmk.core.Replica.Root()) {
			// Without fencing a lost node counts as demoted, and the scheduler, as Pacemaker's, has
			// promotions wait for no probe of one that came back.
			for _, hosts := range k.promoted {
				delete(hosts, o.ID)
			}
		}
	}
	k.in[h.ID] = now
}

// left notes that the daemon of a host is gone.
func (k *checker) left(h *Host) {
	for _, o := range k.c.Hosts {
		k.apart[[2]uint32{h.ID, o.ID}] = k.c.Now
	}
	k.in[h.ID] = nil
}

func (k *checker) powerLost(h *Host) { k.left(h) }

// isApart tells whether two hosts were not in one group at some time since then.
func (k *checker) isApart(a, b uint32, since time.Time) bool {
	return !slices.Contains(k.in[a], b) || !k.apart[[2]uint32{a, b}].Before(since)
}

// wereApart tells whether one of two hosts saw the other outside of its group at some time since then.
func (k *checker) wereApart(a, b *Host, since time.Time) bool {
	return a != b && (k.isApart(a.ID, b.ID, since) || k.isApart(b.ID, a.ID, since))
}

// planned finds who ordered an operation, and when that was planned.
func (k *checker) planned(op executor.Op) (by *Host, at time.Time) {
	f := strings.SplitN(op.Key, ":", 4)
	if len(f) < 4 {
		return nil, time.Time{}
	}
	n, err := strconv.Atoi(f[1])
	for _, h := range k.c.Hosts {
		if p := h.pcmk; p.running() && p.uuid == f[3] && err == nil && n > 0 && n <= len(p.plans) {
			return h, p.plans[n-1]
		}
	}
	return nil, time.Time{}
}

// agentStarts holds that a resource may be started, or promoted, on a host.
func (k *checker) agentStarts(h *Host, p *process, op executor.Op) {
	var held map[string]map[uint32]bool
	word := ""
	switch {
	case op.Action == "start" && !everywhere(op.Resource):
		held, word = k.maybe, "started"
	case op.Action == "promote":
		held, word = k.promoted, "promoted"
	case op.Action == "migrate_from":
		note(k.maybe, op.Resource, h.ID)
		return
	default:
		return
	}
	if k.lies[op.Resource] || k.falses[h.ID] {
		note(held, op.Resource, h.ID)
		return
	}
	fencing := fencingOn(p.core.Replica.Root())
	by, at := k.planned(op)
	for _, o := range k.c.all() {
		if o == h || !held[op.Resource][o.ID] || k.falses[o.ID] {
			continue
		}
		if k.disowned(h, o) {
			k.falses[o.ID] = true
			continue
		}
		if fencing {
			k.fail(Unconfirmed, "%s is %s on %s, though %s was neither seen stopped nor fenced", op.Resource, word, h.Name, o.Name)
			return
		}
		if by == nil || k.wereApart(h, o, at) || k.wereApart(by, o, at) {
			continue // without fencing, a lost node counts as stopped
		}
		k.fail(Twice, "%s is %s on %s, though it runs on %s, which is in the group", op.Resource, word, h.Name, o.Name)
		return
	}
	note(held, op.Resource, h.ID)
}

// disowned tells whether a host is lost to another one that knows nothing of it, because a person said that it is gone for good.
func (k *checker) disowned(h, lost *Host) bool {
	if !k.purged[lost.ID] || slices.Contains(k.in[h.ID], lost.ID) || !h.pcmk.running() {
		return false
	}
	root := h.pcmk.core.Replica.Root()
	for _, part := range []string{"nodes", "status"} {
		if c := cib.Section(root, part); c != nil && slices.ContainsFunc(c.ChildElements(), func(e *etree.Element) bool { return e.SelectAttrValue("uname", "") == lost.Name }) {
			return false
		}
	}
	return true
}

func note(m map[string]map[uint32]bool, resource string, host uint32) {
	if m[resource] == nil {
		m[resource] = map[uint32]bool{}
	}
	m[resource][host] = true
}

// agentEnded takes what an agent told.
func (k *checker) agentEnded(h *Host, op executor.Op, res executor.Result) {
	if op.Action == "stop" && res.Code == ocf.CodeOK || op.Action == "monitor" && res.Code == ocf.CodeNotRunning {
		delete(k.maybe[op.Resource], h.ID)
		delete(k.promoted[op.Resource], h.ID)
	}
	k.gone()
	if op.Action == "demote" && res.Code == ocf.CodeOK || op.Action == "monitor" && res.Code == ocf.CodeOK {
		delete(k.promoted[op.Resource], h.ID)
	}
}

// services holds that with fencing nothing truly runs twice.
func (k *checker) services() {
	all := k.c.all()
	for i, h := range all {
		for id, s := range h.services {
			if !s.active || everywhere(id) && !s.promoted || k.lies[id] || k.falses[h.ID] {
				continue
			}
			for _, o := range all[i+1:] {
				t := o.services[id]
				if t == nil || !t.active || everywhere(id) && !t.promoted || k.falses[o.ID] {
					continue
				}
				if k.fences(h, o) {
					k.fail(Twice, "%s runs on %s and %s", id, h.Name, o.Name)
				}
			}
		}
	}
}

// fences tells whether lost nodes are fenced, as the first of these hosts that knows, or knew, says, or any other. One that has just come, and is to take the
// CIB of the others over, knows nothing.
func (k *checker) fences(hosts ...*Host) bool {
	for _, h := range append(hosts, k.c.Hosts...) {
		if h.pcmk.running() {
			return fencingOn(h.pcmk.core.Replica.Root())
		}
		if on, known := k.hadFencing[h.ID]; known {
			return on
		}
	}
	return false
}

// ended takes note of what a daemon knew that ends.
func (k *checker) ended(p *process) {
	k.hadFencing[p.h.ID] = fencingOn(p.core.Replica.Root())
}

// fenced takes the success that a fence agent told.
func (k *checker) fenced(target *Host, lie bool) {
	if lie {
		k.falses[target.ID] = true
		for _, g := range k.c.Remotes { // and the guests that may run there
			if g.guest && k.maybe[g.resource()][target.ID] {
				k.falses[g.ID] = true
			}
		}
		return
	}
	for _, held := range []map[string]map[uint32]bool{k.maybe, k.promoted} {
		for _, hosts := range held {
			delete(hosts, target.ID)
		}
	}
	k.gone()
}

// fencing holds that a host may have another fenced.
func (k *checker) fencing(h *Host, action, target string) {
	if action != "reboot" && action != "off" {
		return
	}
	o := k.c.Host(target)
	if o != nil && !k.human[target] {
		k.needless(h, o)
	}
	if o == nil || k.human[target] || h.pcmk.quorate || slices.Contains(h.members(), o.ID) || property(h.pcmk.core.Replica.Root(), "no-quorum-policy") == "ignore" {
		return
	}
	if o.remote && !slices.ContainsFunc(k.c.nodes(), func(n *Host) bool { return !slices.Contains(h.members(), n.ID) }) {
		return // nobody else can be connected to it
	}
	k.fail(Usurped, "%s has %s fenced (%s)", h.Name, target, action)
}

// needless counts a fencing that nobody had reason for: the target follows a DC, as most of its group do, among them the host that runs the agent, and the
// last plan of that DC does not ask for it. Whose daemon stands still shows nobody whom it follows.
func (k *checker) needless(h, target *Host) {
	if !target.pcmk.running() {
		return
	}
	name := target.pcmk.core.Controller.DC()
	dc := k.c.Host(name)
	group := k.in[target.ID]
	if dc == nil || !dc.pcmk.running() || !dc.pcmk.core.Controller.IsDC() || !dc.pcmk.quorate || !slices.Contains(group, h.ID) || !slices.Contains(k.in[h.ID], target.ID) {
		return
	}
	follow := 0
	for _, o := range k.c.Hosts {
		if p := o.pcmk; slices.Contains(group, o.ID) && p.running() && !p.stopped() && p.core.Controller.Joined(name) {
			follow++
		}
	}
	if 2*follow <= len(group) || !target.pcmk.core.Controller.Joined(name) {
		return
	}
	if dc.pcmk.fences[target.Name] {
		return
	}
	k.needlessly++
	k.c.logf("NEEDLESS: %s has %s fenced, which follows %s as %d of %d do, for %v", h.Name, target.Name, name, follow, len(group), h.pcmk.core.Fencer.Askers(target.Name))
}

// A DC that makes so many plans in so short a time goes in circles.
const (
	circlePlans = 500
	circleTime  = 20 * time.Second
)

// planning holds that a DC does not plan over and over.
func (k *checker) planning(p *process) {
	if n := len(p.plans); n >= circlePlans && k.every == 0 && p.plans[n-1].Sub(p.plans[n-circlePlans]) < circleTime {
		k.fail(Unsettled, "%s made %d plans within %v: something goes in circles", p.h.Name, circlePlans, circleTime)
	}
}

// underway holds that a DC that plans knows where something is coming up on the nodes that take part. Of a remote node two may tell, who were
// connected to it one after the other: then plans begin with connecting anew.
func (k *checker) underway(p *process, root *etree.Element) {
	dc := p.h
	if !dc.joined() {
		return
	}
	for _, o := range k.c.Hosts {
		if !o.joined() || o.pcmk.core.Controller.DC() != dc.Name || o != dc && (!slices.Contains(k.in[dc.ID], o.ID) || !slices.Contains(k.in[o.ID], dc.ID)) {
			continue
		}
		for _, op := range o.pcmk.core.Executor.Underway() {
			if rises(op.Action) && !k.refreshed[op.Resource] && !told(root, op) {
				k.fail(Unrecorded, "%s plans, though it does not know of %s of %s on %s (%s)", dc.Name, op.Action, op.Resource, op.Node, op.Key)
				return
			}
		}
	}
}

// rises tells whether a resource comes up by an action.
func rises(action string) bool {
	return action == "start" || action == "migrate_from" || action == "promote"
}

// told tells whether a CIB has it that a resource may come up where an operation is under way: that something is under way, or that it is
// up already. What is done after something else, for it is one at a time, may not be there yet.
func told(root *etree.Element, op executor.Op) bool {
	for _, state := range cib.Section(root, "status").SelectElements("node_state") {
		if state.SelectAttrValue("uname", "") != op.Node {
			continue
		}
		for _, r := range state.FindElements("lrm/lrm_resources/lrm_resource") {
			if r.SelectAttrValue("id", "") == op.Resource && slices.ContainsFunc(r.SelectElements("lrm_rsc_op"), func(x *etree.Element) bool {
				return x.SelectAttrValue("op-status", "") == "-1" || rises(x.SelectAttrValue("operation", ""))
			}) {
				return true
			}
		}
	}
	return false
}

// delivered holds, once a message has been taken, that one which a node sent as the DC has changed nothing where another is DC, and has not had
// its CIB taken over by that one: not the CIB, nor who leads, nor attributes.
func (k *checker) delivered(p *process, from uint32, data []byte) (taken func()) {
	dc, sender := p.core.Controller.DC(), k.c.names[from]
	if o := k.c.Host(sender); o != nil && o.release.termless || p.h.release.termless || p.core.Replica.View().Termless {
		return func() {} // it does not say that it orders as the DC, or understand that
	}
	if dc == "" || dc == sender || !p.h.joined() || !p.core.Controller.Joined(dc) || p.core.Replica.Leader() != dc || !k.asDC(sender, data) {
		return func() {}
	}
	known := func() string {
		s := "led by " + p.core.Replica.Leader() + ", " + cib.VersionOf(p.core.Replica.Root()).String()
		p.core.Attributes.Each(func(name, host, value string) { s += fmt.Sprintf(", %s=%q of %s", name, value, host) })
		return s
	}
	was := known()
	return func() {
		if is := known(); is != was {
			k.fail(Superseded, "%s has %s, and had %s before a message of %s, though its DC is %s: %s", p.h.Name, is, was, sender, dc, data)
		}
	}
}

// asDC tells whether a message is one that only a DC sends: as it says, or because it has all take over a CIB, or writes of another
// node of the cluster.
func (k *checker) asDC(sender string, data []byte) bool {
	if bytes.Contains(data, []byte(replica.DCAttr+`="true"`)) || bytes.Contains(data, []byte(`cib_op="cib_sync"`)) {
		return true
	}
	if !bytes.Contains(data, []byte(`cib_clientname="`+controller.ClientController)) && !bytes.Contains(data, []byte(`cib_clientname="`+controller.ClientAttributes)) {
		return false
	}
	if bytes.Contains(data, []byte(`cib_section="nodes"`)) && bytes.Contains(data, []byte(`cib_op="cib_modify"`)) {
		return false // whom corosync.conf lists each node writes down when it comes
	}
	for _, name := range k.c.names {
		if name != sender && (bytes.Contains(data, []byte(`uname="`+name+`"`)) || bytes.Contains(data, []byte(`@uname='`+name+`'`)) || bytes.Contains(data, []byte(`@uname=&apos;`+name+`&apos;`))) {
			return true
		}
	}
	return false
}

// changed notes that a host's CIB is another.
func (k *checker) changed(h *Host) {
	if !slices.Contains(k.dirty, h) {
		k.dirty = append(k.dirty, h)
	}
}

// event holds what must be true after every event.
func (k *checker) event() {
	if len(k.dirty) == 0 || k.every > 0 && k.c.Now.Sub(k.compared) < k.every {
		return
	}
	k.compared = k.c.Now
	dirty := k.dirty
	k.dirty = k.dirty[:0]
	for _, h := range dirty {
		if !h.joined() {
			continue
		}
		root := h.pcmk.core.Replica.Root()
		for _, o := range k.c.Hosts {
			dc := k.c.Host(h.pcmk.core.Controller.DC())
			if o == h || !o.joined() || o.pcmk.core.Controller.DC() != h.pcmk.core.Controller.DC() || dc == nil || !dc.joined() {
				continue
			}
			if !slices.Contains(k.in[h.ID], o.ID) || !slices.Contains(k.in[o.ID], h.ID) || !slices.Contains(h.members(), o.ID) || !slices.Contains(o.members(), h.ID) {
				continue // one does not know yet that the other was lost
			}
			other := o.pcmk.core.Replica.Root()
			if cib.VersionOf(root) != cib.VersionOf(other) {
				continue
			}
			if !same(root, other) {
				k.fail(Unequal, "%s and %s both have %s: %s", h.Name, o.Name, cib.VersionOf(root), difference(root, other))
				return
			}
			break // that one was compared with the others
		}
	}
}

// joined tells that a host's node takes part under a DC, with no takeover of a CIB under way.
func (h *Host) joined() bool {
	if !h.pcmk.running() {
		return false
	}
	switch h.pcmk.core.Controller.State() {
	case controller.NotDC, controller.Idle, controller.PolicyEngine, controller.TransitionEngine:
		return true
	}
	return false
}

// same tells whether two documents have the same bytes.
func same(a, b *etree.Element) bool {
	if a.Tag != b.Tag || len(a.Attr) != len(b.Attr) || len(a.Child) != len(b.Child) {
		return false
	}
	for i := range a.Attr {
		if a.Attr[i].Key != b.Attr[i].Key || a.Attr[i].Value != b.Attr[i].Value {
			return false
		}
	}
	for i := range a.Child {
		x, ok := a.Child[i].(*etree.Element)
		y, ok2 := b.Child[i].(*etree.Element)
		if ok != ok2 || ok && !same(x, y) {
			return false
		}
	}
	return true
}

// difference tells where two documents differ first.
func difference(a, b *etree.Element) string {
	for i := range a.Child {
		if i >= len(b.Child) {
			break
		}
		x, ok := a.Child[i].(*etree.Element)
		y, ok2 := b.Child[i].(*etree.Element)
		if ok && ok2 && !same(x, y) {
			return difference(x, y)
		}
	}
	show := func(e *etree.Element) string {
		s := e.Tag
		for _, a := range e.Attr {
			s += fmt.Sprintf(" %s=%q", a.Key, a.Value)
		}
		for _, c := range e.ChildElements() {
			s += " <" + c.Tag + " " + c.SelectAttrValue("id", "") + ">"
		}
		return s
	}
	return show(a) + " / " + show(b)
}
