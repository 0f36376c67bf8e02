// Package controller is the brain of a node: it elects the one node that decides
// for all (the DC), brings joining nodes up to date, has the scheduler plan, and
// carries the plan out.
//
// It is a state machine without I/O. Membership, messages of the group, changes
// of the CIB, results and time come in as calls; what it wants done goes out
// through Effects. Messages of the group come in the same order on every node.
package controller

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/transition"
)

// Type marks a message of this package (attribute t).
const Type = "crmd"

// FeatureSet is what controllers agree to, and what the DC writes into the CIB of a running cluster. Programs
// refuse to simulate, edit as a file or restart resources of a CIB whose feature set is above their own: this
// is the highest that Pacemaker 2.1.5's take (lib/cib/cib_utils.c, cib_perform_op). Nothing depends on a higher one:
// node_state tells of members by true and online, which is the form below 3.18.0, and digests are
// reckoned alike from 3.16.0 on (status.FeatureSet is what is understood).
const FeatureSet = "3.16.1"

// State is where a controller is.
type State string

// The states, in the words that tools show.
const (
	Starting         State = "S_STARTING"
	Pending          State = "S_PENDING"
	Election         State = "S_ELECTION"
	Integration      State = "S_INTEGRATION"
	FinalizeJoin     State = "S_FINALIZE_JOIN"
	PolicyEngine     State = "S_POLICY_ENGINE"
	TransitionEngine State = "S_TRANSITION_ENGINE"
	Idle             State = "S_IDLE"
	NotDC            State = "S_NOT_DC"
	Stopping         State = "S_STOPPING"
)

// FenceRequest asks for a node to be fenced.
type FenceRequest struct {
	Target, Action string
	Timeout, Delay time.Duration
}

// Effects is what a controller does to the world. None of its calls may call back
// into the controller before it returns.
type Effects interface {
	// Broadcast sends a message to all nodes of the group, this one too, in order.
	Broadcast(msg *etree.Element)
	// CIB is the present document; it is not to be changed.
	CIB() *etree.Element
	// Update orders a change of the CIB, as the DC or not; done (may be nil) hears of it. What this node orders as the DC comes
	// to nothing on nodes that follow another one by then.
	Update(req cib.Request, asDC bool, done func(error))
	// Leader is the DC whose changes this node makes as such; "" is any. Follow has it be the one whose offer was accepted, if there was
	// none, and tells who it is.
	Leader() string
	Follow(dc string) string
	// Sync makes all nodes that follow this DC take over one node's CIB.
	Sync(source string, done func(error))
	// ShareAttributes makes strangers have the same attributes as this node again, but for what they know of themselves, which all others take over.
	ShareAttributes(strangers []string)
	// Absent is a fingerprint of what this node knows of attributes of nodes that are not in the group: remote nodes, guests; "" where it knows none.
	Absent() string
	// Term is what this node's CIB is of; Raise announces a higher term to members, all of which have one
	// CIB, of one term unless adopt says otherwise; without members it tells that some know no terms.
	// Termless tells whether the DC knows none.
	Term() cib.Term
	Raise(members []string, above uint64, adopt bool)
	Termless(yes bool)
	// SetAttribute sets a transient attribute of a node; nil removes it.
	SetAttribute(node, name string, value *string)
	// CountFailure sets one that counts failures, for this failure, which counts once whoever orders it.
	CountFailure(node, name, value, failure string)
	// HasAttribute tells whether this node knows a transient attribute of itself.
	HasAttribute(name string) bool
	// RewriteAttributes has the CIB hold the transient attributes of a node that are known; "": of all, and not those that
	// are known to be gone.
	RewriteAttributes(node string)
	// ShareFencing has all nodes know the fencing that any of them knows of.
	ShareFencing()
	// ClearFailures forgets fail counts of a resource on a node.
	ClearFailures(resource, node string)
	// Plan has the scheduler plan from the present CIB; transition is the number that it gets. With sparing nobody is fenced for not having been seen, as
	// if startup-fencing were off.
	Plan(now time.Time, transition int, sparing bool) (Plan, error)
	// Fence has a node fenced; done hears how it went.
	Fence(req FenceRequest, done func(error))
	// Execute hands an order for this node to its executor: an element rsc_op.
	Execute(order *etree.Element)
	// Histories are elements node_state, each with an operation history (lrm): this node's, then those of the remote nodes
	// that it is connected to.
	Histories() []*etree.Element
	// NumberLost has what DCs wrote into these of steps that were lost ordered among the rest, before they are written again.
	NumberLost()
	// Configured are the nodes that corosync.conf lists.
	Configured() []Member
	// IsRemote tells whether a node is one of Pacemaker Remote: one without a controller.
	IsRemote(node string) bool
	// RemoteFenced tells that a remote node was fenced, or stopped with the guest that it is.
	RemoteFenced(node string)
	// RemoteHeld tells which node has connected to a remote node, at the same place in the order of messages everywhere.
	RemoteHeld(node, by string)
	// BecameDC tells that this node is DC now, or no longer.
	BecameDC(yes bool)
	// Exit asks the node to leave the cluster; it has nothing left to do in it.
	Exit(reason string)
	Logf(format string, args ...any)
}

// Member is a node as membership knows it.
type Member struct {
	ID   uint32
	Name string
}

// A Plan is what the scheduler makes of a CIB.
type Plan struct {
	Graph   *transition.Graph
	Recheck time.Time // when time alone may change it; zero: never
	Input   string    // the file that keeps the CIB; "" where none does
	Trouble string    // "errors" or "warnings", when there were any
}

// Timing are the limits of what a controller waits for.
type Timing struct {
	FirstElection time.Duration // after the start, when no DC is heard of
	Gather        time.Duration // after the start, for nodes that nobody has seen, see gather.go
	Election      time.Duration
	Integration   time.Duration
	Finalization  time.Duration
	ClusterDelay  time.Duration // beyond an action's own timeout
	Recheck       time.Duration
	Escalation    time.Duration // of a shutdown that takes too long
}

// DefaultTiming is Pacemaker's, but for the first election, which does not wait
// for dc-deadtime: a DC that exists answers an announcement at once. It is Gather instead.
var DefaultTiming = Timing{
	FirstElection: time.Second, Gather: 20 * time.Second, Election: 2 * time.Minute, Integration: 3 * time.Minute,
	Finalization: 30 * time.Minute, ClusterDelay: time.Minute, Recheck: 15 * time.Minute, Escalation: 20 * time.Minute,
}

type phase int

const (
	phaseNone phase = iota
	phaseWelcomed
	phaseIntegrated
	phaseFinalized
	phaseConfirmed
)

type peer struct {
	Member
	ring    bool      // a member of the ring
	since   time.Time // when it came to the ring, while its controller is still to come; else zero
	process bool      // its controller is in the group
	phase   phase
	version cib.Version
	vouched bool
	term    cib.Term // of its CIB
	terms   bool     // it knows terms
	digest  string
	led     bool        // it makes the changes of this DC as such
	absent  *etree.Attr // what it knows of attributes of nodes that are not in the group; nil: it does not say
	leaving bool        // it was told to shut down, or is surely down
	parting bool        // it wants to leave in good order, as it said in this join
	taken   int         // see sinceAttr, as it said in the last join; 0: it was not taken in before
	// suspect: it was lost without a word while fencing is at hand. Should it come
	// back before it was fenced, it takes no part: nobody knows what it did meanwhile.
	suspect bool
	word    string // of the node on whose word alone it is suspect; "": it was lost to this one
	joins   int    // how often its controller came into the group
	doomed  int    // joins, when its fencing began, the last one or that which is told of
	cleared int    // joins, when a suspicion ended: of this coming nobody was right to hold one
	capacity
	told bool // it told its capacity
	// unlevelled: its votes tell no level, see noteRelease.
	unlevelled bool
	// fresh: its controller came since the last join was complete; the CIB may hold attributes of
	// an earlier one.
	fresh bool
	// schema is the newest that it knows, as it said in this join; "" when it has not yet.
	schema string
	// levels are what it told in this join; zero when it has not yet.
	levels levels
	// declared is the schema of its CIB; refused tells that it was told not to join.
	declared string
	refused  bool
}

// Controller is the controller of one node.
type Controller struct {
	// HaveWatchdog tells whether this node's watchdog is in use; nil: it is not.
	HaveWatchdog func() bool

	self    Member
	effects Effects
	timing  Timing
	uuid    string // of this controller's transitions
	cluster string // the cluster's name
	schema  string // the newest that this node knows
	levels  levels // of this node

	startState  string // what this node wants to begin as, until it has joined
	actionLimit string // this node's own

	now     time.Time
	own     capacity // of this node
	state   State
	dc      string
	quorate bool
	peers   map[string]*peer

	// election
	electionID int
	votes      map[string]bool
	voters     []string // who was in the group when we voted
	lostTo     string   // who this node gave way to last
	lostAt     time.Time
	electBy    time.Time // start an election then; zero: not
	electEnd   time.Time

	// join
	joinID  int
	joinEnd time.Time
	joined  bool // this node has been confirmed by the DC
	since   int  // see sinceAttr; 0: it was not since it was started
	writes  bool // the DC has the nodes write their histories themselves
	// vouched: this node's CIB is that of a partition that had quorum ever since the last join.
	vouched  bool
	settling bool // a CIB sync is under way
	adopt    bool // the CIBs of this join are of several terms
	// lossy: a node was lost without a word since a term was announced. It may have taken its own last messages for
	// delivered without those of others before them, so that its version says nothing within the old term.
	lossy  bool
	shared bool // all who take part have one CIB since the join
	listed bool // this node has had the configuration know those that corosync.conf lists, see list

	// transitions
	transition int
	run        *run
	past       *run // the one before, until the next begins
	planDue    bool
	updates    int // own changes of the CIB that are not applied yet
	recheckAt  time.Time
	rootAt     time.Time          // when this DC wrote last that it is it, though another one had
	planAt     time.Time          // of a plan that waits for transition-delay
	brake      brake              // for plans that come up again and again
	owed       []func(leads bool) // what is for this DC to do when it leads, see leading.go
	newest     time.Time          // no result that this DC orders is stamped as earlier, see stamp.go
	reclaimAt  time.Time          // when this DC has a join make it lead again, see leading.go
	claimed    time.Time          // when it did last
	fenceTries map[string]int
	uncounted  map[counted]failure   // by the attribute that tells that they are counted, see uncounted.go
	ignores    map[string]bool       // by node and operation key
	former     map[string]bool       // attributes of this node of an earlier time, see former.go
	counts     map[counted]time.Time // failures that are not counted in the CIB yet, and how long a plan waits for that
	toFence    map[string]int        // whom the last plan has fenced, and their joins by then; nil: there is none
	noting     map[string]noting     // what is to be in the CIB of nodes that were given their access
	cleared    map[cleared]time.Time // failures that are being forgotten, and how long a plan waits for that

	expects map[string]string // what the cluster wrote of nodes: member or down

	spared   map[string]bool // nodes that are not to be fenced by this one before it has joined, see overtaken
	accusers map[string]bool // nodes that wait for this node's fencing
	// blames tells whom each node of the group said that it waits for the fencing of.
	blames map[string]map[string]bool
	// follows tells which DC each node of the group was taken in by, as far as this one has heard.
	follows map[string]string

	started    time.Time
	gathered   bool // the cluster of this start waits for nobody any more
	gatherTold bool

	// shutdown
	shutdown   bool
	outgrown   string // why this node leaves by itself: the CIB is of a schema that it does not know
	escalateAt time.Time
	exited     bool
}

// Identity is what a controller tells of itself.
type Identity struct {
	Member
	UUID    string // names its transitions; every start of a node needs a new one
	Cluster string // the cluster's name, "" for none
	Schema  string // the newest schema that the node knows
	// Level is which messages between nodes this one understands, LeastLevel what others must; 0: this release's, see level.go.
	Level, LeastLevel int
	// StartState is what the node wants to begin as, see BeginAs; ActionLimit, where it is a number, is its own
	// node-action-limit, 0 for twice its cores.
	StartState, ActionLimit string
}

// New makes a controller.
func New(self Identity, t Timing, e Effects) *Controller {
	return &Controller{self: self.Member, uuid: self.UUID, cluster: self.Cluster, schema: self.Schema, levels: levels{cmp.Or(self.Level, Level), cmp.Or(self.LeastLevel, LeastLevel)}, startState: self.StartState, actionLimit: self.ActionLimit, timing: t, effects: e, state: Starting, peers: map[string]*peer{}, fenceTries: map[string]int{}, expects: map[string]string{}, accusers: map[string]bool{}, spared: map[string]bool{}, blames: map[string]map[string]bool{}, follows: map[string]string{}, uncounted: map[counted]failure{}, ignores: map[string]bool{}, former: map[string]bool{}}
}

// State is where the controller is.
func (c *Controller) State() State { return c.state }

// DC is the name of the node that decides; "" when none is known.
func (c *Controller) DC() string { return c.dc }

// IsDC tells whether this node decides.
func (c *Controller) IsDC() bool { return c.dc == c.self.Name && c.dc != "" }

// Joined tells whether a node, as DC, has taken this one in, since this one came or last had another DC. One of an earlier
// version tells its nodes so only after it has announced a term to them.
func (c *Controller) Joined(dc string) bool { return c.dc == dc && (c.joined || !c.writes) }

// Start begins: the node's controller is in the group and its membership is known.
func (c *Controller) Start(now time.Time) {
	c.now, c.started = now, now
	c.enter(Pending)
	c.announce()
	c.electBy = now.Add(c.timing.FirstElection)
	if wait := c.limit("dc-deadtime", 0); wait > 0 {
		c.electBy = now.Add(wait)
	}
}

func (c *Controller) enter(s State) {
	if c.state == s {
		return
	}
	c.effects.Logf("State transition %s -> %s", c.state, s)
	c.state = s
}

func (c *Controller) peer(name string) *peer {
	p := c.peers[name]
	if p == nil {
		p = &peer{Member: Member{Name: name}}
		c.peers[name] = p
	}
	return p
}

// names lists the peers in order.
func (c *Controller) names() []string {
	out := make([]string, 0, len(c.peers))
	for n := range c.peers {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// active are the nodes whose controllers are in the group and may take part.
func (c *Controller) active() []*peer {
	var out []*peer
	for _, n := range c.names() {
		if p := c.peers[n]; p.process && !p.suspect {
			out = append(out, p)
		}
	}
	return out
}

// Membership takes the ring's members and whether they have quorum.
func (c *Controller) Membership(now time.Time, members []Member, quorate bool) {
	c.now = now
	lost := map[string]bool{}
	for _, n := range c.names() {
		if p := c.peers[n]; p.ring && !slices.ContainsFunc(members, func(m Member) bool { return m.Name == n }) {
			p.ring, p.since = false, time.Time{}
			lost[n] = true
		}
	}
	for _, m := range members {
		p := c.peer(m.Name)
		if !p.ring && !p.process {
			p.since = now
		}
		p.ID, p.ring = m.ID, true
	}
	changed := c.quorate != quorate
	c.quorate = quorate
	if !quorate {
		c.vouched = false
		// It is this node that was lost to the others.
		for _, n := range c.names() {
			c.trust(c.peers[n])
		}
	}
	if changed {
		word := "lost"
		if quorate {
			word = "acquired"
		}
		c.effects.Logf("Quorum %s", word)
	}
	if !c.IsDC() || c.state == Election {
		return
	}
	c.raise()
	for _, n := range c.names() {
		if lost[n] {
			c.writeKnown(c.peers[n], "membership")
		}
	}
	c.writePending()
	if changed {
		c.writeRoot()
	}
	if changed || len(lost) > 0 {
		c.abort("Quorum or membership change")
	}
}

// Group takes the nodes whose controllers are in the group now.
func (c *Controller) Group(now time.Time, members []Member) {
	c.now = now
	var left, joined []*peer
	var back []string // that are to be fenced
	for _, m := range members {
		p := c.peer(m.Name)
		p.ID = m.ID
		if !p.process {
			p.process, p.phase, p.leaving, p.refused, p.fresh, p.schema, p.since = true, phaseNone, false, false, true, "", time.Time{}
			p.levels, p.unlevelled = levels{}, false
			if p.suspect {
				c.effects.Logf("Node %s is back, but takes no part before it was fenced", p.Name)
				back = append(back, p.Name)
			}
			p.joins++
			joined = append(joined, p)
		}
	}
	for _, n := range c.names() {
		if p := c.peers[n]; p.process && !slices.ContainsFunc(members, func(m Member) bool { return m.Name == n }) {
			c.lossy = c.lossy || !p.leaving && !c.expectedDown(n)
			p.process, p.phase = false, phaseNone
			p.word = ""
			p.suspect = !p.leaving && !c.expectedDown(n) && c.quorate && p.Name != c.self.Name && c.state != Starting && c.fencingAtHand()
			left = append(left, p)
			c.unblame(p.Name)
			c.unfollow(p.Name)
			delete(c.blames, p.Name)
		}
	}
	if c.state == Starting || c.exited {
		return
	}
	for _, name := range back {
		c.accuse(name) // before anything that it asks for is answered, so that it hears of it first
	}
	for _, p := range left {
		c.effects.Logf("Node %s left the group of controllers", p.Name)
		c.accuserLeft(p.Name)
		c.counterLeft(p.Name)
		if p.Name == c.dc && p.Name != c.self.Name {
			c.dc, c.joined = "", false
			c.effects.Logf("Our peer on the DC (%s) is dead", p.Name)
			c.startElection("the DC left")
		} else if p.Name == c.lostTo && c.dc == "" && c.state == Pending {
			c.startElection("the node that came first left")
		}
	}
	if c.state == Election {
		c.countVotes()
	}
	if !c.IsDC() || c.state == Election {
		return
	}
	for _, p := range left {
		c.writeKnown(p, "peer left")
		c.peerLost(p)
	}
	if len(left) > 0 {
		c.raise()
		c.abort("Node failure")
		c.joinProgress()
	}
	if len(joined) > 0 || slices.ContainsFunc(left, func(p *peer) bool { return p.refused }) {
		c.offer()
	}
}

// Deliver takes a message of the group.
func (c *Controller) Deliver(now time.Time, from string, msg *etree.Element) {
	c.now = now
	if c.state == Starting || c.exited {
		return
	}
	c.noteSchema(from, msg)
	c.noteLevel(from, msg)
	c.noteRefusal(msg)
	c.noteFollower(from, msg)
	if to := msg.SelectAttrValue("crm_host_to", ""); to != "" && to != c.self.Name {
		return
	}
	switch task := msg.SelectAttrValue("crm_task", ""); task {
	case "vote":
		c.onVote(from, msg)
	case "no-vote":
		c.onNoVote(from, msg)
	case "suspect":
		c.onSuspicion(from, msg.SelectAttrValue("uname", ""))
	case "withdraw":
		c.onWithdrawal(from, msg.SelectAttrValue("uname", ""))
	case "join_announce":
		switch p := c.peer(from); {
		case p.suspect:
			c.accuse(from)
		case c.IsDC() && c.state != Election:
			p.phase = phaseNone
			c.offer()
		case c.dc == from && !c.IsDC():
			c.dc, c.joined = "", false
			c.startElection("the DC has given that role up")
		}
	case "join_offer":
		c.onOffer(from, msg)
	case "join_request":
		c.onRequest(from, msg)
	case "join_ack_nack":
		c.onAck(from, msg)
	case "join_confirm":
		c.onConfirm(from, msg)
	case "lrm_invoke":
		switch op := msg.FindElement("crm_xml/rsc_op"); {
		case op == nil:
		case c.obeys(from, op):
			c.noteOrder(op)
			c.effects.Execute(op)
		default:
			c.refuseOrder(from, op)
		}
	case refusedTask:
		c.onRefused(from, msg)
	case "lrm_result":
		if c.IsDC() {
			c.onAnswer(from, msg)
		}
	case "throttle":
		c.onThrottle(from, msg)
	case "acquit":
		c.onAcquit(from, msg)
	case "remote_state":
		if msg.SelectAttrValue("in_ccm", "") != "true" {
			return
		}
		c.effects.RemoteHeld(msg.SelectAttrValue("id", ""), from)
		if c.IsDC() {
			c.effects.Logf("Remote node %s is there, connected to %s", msg.SelectAttrValue("id", ""), from)
			c.abort("Pacemaker Remote node integrated")
		}
	case "req_shutdown":
		c.onShutdownRequest(from)
	case "do_shutdown":
		if from == c.dc {
			c.leave("told to by the DC")
		}
	}
}

// message makes a message of this controller to one node, or to all ("").
func (c *Controller) message(task, to string, attrs ...string) *etree.Element {
	m := etree.NewElement("message")
	m.CreateAttr("t", Type)
	m.CreateAttr("crm_task", task)
	m.CreateAttr("src", c.self.Name)
	if to != "" {
		m.CreateAttr("crm_host_to", to)
	}
	m.CreateAttr("crm_feature_set", FeatureSet)
	for i := 0; i+1 < len(attrs); i += 2 {
		m.CreateAttr(attrs[i], attrs[i+1])
	}
	return m
}

func (c *Controller) announce() { c.effects.Broadcast(c.message("join_announce", "")) }

// Deadline is when Tick is due next; zero: not at all.
func (c *Controller) Deadline() time.Time {
	var next time.Time
	for _, t := range []time.Time{c.electBy, c.electEnd, c.joinEnd, c.recheckAt, c.planAt, c.brake.until, c.brake.sign.until, c.escalateAt, c.reclaimAt, c.countedBy(), c.holdsEnd(), c.run.deadline()} {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return next
}

// Tick does what is due.
func (c *Controller) Tick(now time.Time) {
	c.now = now
	due := func(t *time.Time) bool {
		if t.IsZero() || t.After(now) {
			return false
		}
		*t = time.Time{}
		return true
	}
	if due(&c.electBy) && c.dc == "" && c.state == Pending {
		c.startElection("no DC answered")
	}
	if due(&c.electEnd) && c.state == Election {
		c.effects.Logf("Election %d: not all votes came in time", c.electionID)
		c.win()
	}
	if due(&c.joinEnd) {
		switch c.state {
		case Integration:
			c.effects.Logf("Join %d: continuing without the nodes that did not answer", c.joinID)
			c.finalize()
		case FinalizeJoin:
			c.startElection("nodes did not confirm the join in time")
		}
	}
	due(&c.planAt) // what is due is planned below
	if due(&c.brake.until) && c.IsDC() {
		c.planDue = true
	}
	if due(&c.brake.sign.until) {
		c.unsignal()
	}
	if due(&c.recheckAt) && c.IsDC() {
		c.abort("Cluster recheck")
	}
	if due(&c.reclaimAt) {
		c.reclaim()
	}
	if due(&c.escalateAt) {
		c.leave("the shutdown took too long")
	}
	c.dropCounted()
	c.holds() // those that took too long are waited for no more, also while a plan is carried out
	c.run.late(c)
	c.advance()
}

// Shutdown asks to leave the cluster in good order: resources are stopped or moved first.
func (c *Controller) Shutdown(now time.Time) {
	c.now = now
	if c.shutdown {
		return
	}
	c.shutdown = true
	c.escalateAt = now.Add(c.limit("shutdown-escalation", c.timing.Escalation))
	if c.state == Starting || len(c.active()) == 0 {
		c.leave("nothing was started yet")
		return
	}
	c.askForShutdown()
}

func (c *Controller) askForShutdown() {
	if c.shutdown && c.dc != "" {
		c.effects.Broadcast(c.message("req_shutdown", ""))
	}
}

func (c *Controller) onShutdownRequest(from string) {
	if !c.IsDC() || c.peer(from).suspect {
		return // it asks again with the next join: who shuts down in good order needs no fencing
	}
	// It is expected down once it was told to go, see shutNode: until then services run there.
	c.effects.Logf("Node %s asks to shut down", from)
	c.gathered = c.gathered || !c.quorate // who has no quorum fences nobody, and what the node runs is not to wait for others
	t := strconv.FormatInt(c.now.Unix(), 10)
	c.effects.SetAttribute(from, "shutdown", &t)
}

// leave ends this node's part in the cluster.
func (c *Controller) leave(reason string) {
	if c.exited {
		return
	}
	c.exited = true
	if c.outgrown != "" {
		reason = Refused + c.outgrown
	}
	c.enter(Stopping)
	c.effects.Exit(reason)
}

// RemoteState tells all nodes that a remote node is there, or is not any more; what the CIB
// is to say of it was ordered before.
func (c *Controller) RemoteState(node string, up bool) {
	c.effects.Broadcast(c.message("remote_state", "", "id", node, "in_ccm", strconv.FormatBool(up)))
}

// settled tells that a join is complete.
func (c *Controller) settled() bool {
	return c.state == PolicyEngine || c.state == TransitionEngine || c.state == Idle
}

// Describe is one line about the controller, for logs and tests.
func (c *Controller) Describe() string {
	return fmt.Sprintf("%s %s dc=%s quorate=%v", c.self.Name, c.state, c.dc, c.quorate)
}
