// Package node is a whole cluster node: the state machines of engine put
// together (Core), and the shell that connects them to this machine (Node):
// Corosync's services, agents, the disk and local clients.
//
// Core has no I/O: messages, membership, results and time come in as calls, what
// it wants done goes out through World. Many cores on virtual time make a
// cluster in one process.
package node

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/schema"
	"hacluster/cib/xml"
	"hacluster/engine/alert"
	"hacluster/engine/attribute"
	"hacluster/engine/controller"
	"hacluster/engine/executor"
	"hacluster/engine/fencer"
	"hacluster/engine/replica"
)

// World is what a core needs done. None of its calls may call back into the core
// before it returns.
type World interface {
	// Send sends data to all nodes of the group, this one too, in one order.
	Send(data []byte)
	// Save keeps a CIB over a crash before it returns.
	Save(root *etree.Element) error
	// SaveTerm does so with what that CIB is of.
	SaveTerm(t cib.Term) error
	// Plan has the scheduler plan, and keeps what it planned from.
	Plan(root *etree.Element, now time.Time) (controller.Plan, error)
	// RunAgent runs a resource agent; done is called through the core's owner, later. kill ends it before its time; done is called
	// all the same.
	RunAgent(op executor.Op, done func(now time.Time, res executor.Result)) (kill func())
	// Traits are what is known of an operation's agent, without asking it.
	Traits(op executor.Op) executor.Traits
	// Later calls f through the core's owner, after what is under way.
	Later(f func(now time.Time))
	// RunFence runs a fence agent; plug tells params the name of the target's parameter.
	RunFence(agent, action string, params func(plug string) []fencer.Param, timeout time.Duration, done func(now time.Time, res fencer.AgentResult))
	// FenceTraits tells what a fence agent says of itself.
	FenceTraits(agent string, done func(now time.Time, t fencer.Traits))
	// RunAlert calls an alert agent; nobody waits for its end.
	RunAlert(r alert.Run)
	// Installed tells whether a fence agent is on this host.
	Installed(agent string) bool
	// CIBChanged, FencingChanged and FencingEnded tell what local clients may be waiting for.
	CIBChanged(ch replica.Change)
	FencingChanged()
	FencingEnded(r fencer.Record)
	// Exit ends this node's part in the cluster.
	Exit(reason string)
	// Panic ends this host at once, with all that runs on it.
	Panic(reason string)
	Logf(format string, args ...any)
}

// Core is one node without its machine.
type Core struct {
	Replica    *replica.Replica
	Attributes *attribute.Manager
	Controller *controller.Controller
	Executor   *executor.Executor
	Fencer     *fencer.Fencer
	alerts     *alert.Manager

	self    controller.Member
	world   World
	now     time.Time
	names   map[uint32]string
	called  map[uint32]string   // what nodes call themselves that are not among these
	members []controller.Member // of the group
	ring    []controller.Member
	quorate bool // as Corosync told last
	started bool
	inGroup bool
	fenced  bool              // others say that they fenced this node, as it runs now
	running map[string]bool   // fence devices that this node monitors
	kills   map[uint64]func() // of the executor's runs that are under way
	// questions are those to other nodes, by reference, asked how many there have been.
	questions map[string]question
	asked     int
	// forgotten are nodes that are gone for good, though they are configured still.
	forgotten map[string]bool
	watchdog  Watchdog
	// quorateSince is since when the ring has quorum, zero: it has none.
	quorateSince time.Time
	twoNode      bool
	pid          int
	connect      Remotes
	remotes      map[string]*remoteNode
	corrections  map[string][]executor.Entry // what the DC has changed in histories that this node keeps, by node, see corrections.go
	requests     int                         // changes of the CIB that this node's controller and executors have asked for and that are not made yet
}

// CoreConfig is what a core starts with.
type CoreConfig struct {
	Self   controller.Member
	Names  map[uint32]string // of all configured nodes
	CIB    *etree.Element
	Term   cib.Term // of that CIB
	UUID   string   // of this start
	PID    int      // of this process, which the fencer's records name; 0: none
	Random *rand.Rand
	Timing controller.Timing
	// ClusterName is what a DC writes as cluster-name where the CIB has none; may be "".
	ClusterName string
	// TwoNode tells that Corosync gives each of two nodes quorum without the other.
	TwoNode bool
	// Watchdog is the node's own.
	Watchdog Watchdog
	// StartState and ActionLimit are the node's own wishes, see controller.Identity.
	StartState, ActionLimit string
	// Remotes makes connections to remote nodes; nil where that cannot be done.
	Remotes Remotes
	// Schema is the newest schema that this node knows; "" is the newest there is.
	Schema string
	// Level and LeastLevel are those of this node's messages, see controller.Level; 0 is this release's.
	Level, LeastLevel int
}

// NewCore makes a core.
func NewCore(cfg CoreConfig, w World) *Core {
	c := &Core{self: cfg.Self, world: w, names: cfg.Names, running: map[string]bool{}, kills: map[uint64]func(){}, questions: map[string]question{}, called: map[uint32]string{}, forgotten: map[string]bool{}, connect: cfg.Remotes, twoNode: cfg.TwoNode, pid: cfg.PID, remotes: map[string]*remoteNode{}, corrections: map[string][]executor.Entry{}}
	c.Replica = replica.New(cfg.Self.Name, startingCIB(cfg.CIB), cfg.Term, (*replicaEffects)(c))
	c.Attributes = attribute.New(cfg.Self.Name, (*attributeEffects)(c))
	c.Controller = controller.New(controller.Identity{
		Member: cfg.Self, UUID: cfg.UUID, Cluster: cfg.ClusterName, Schema: cmp.Or(cfg.Schema, schema.Latest), Level: cfg.Level, LeastLevel: cfg.LeastLevel,
		StartState: cfg.StartState, ActionLimit: cfg.ActionLimit,
	}, cfg.Timing, (*controllerEffects)(c))
	c.Executor = executor.New((*executorEffects)(c))
	c.alerts = alert.New(release(controller.Version))
	c.Fencer = fencer.New(cfg.Self.Name, cfg.Random, (*fencerEffects)(c))
	c.watch(cfg.Watchdog)
	c.checkWatchdog()
	return c
}

// release is the version without what tells its build.
func release(version string) string {
	v, _, _ := strings.Cut(version, "-")
	return v
}

// startingCIB is a document as a start finds it: without status, and without a DC.
func startingCIB(root *etree.Element) *etree.Element {
	root = xml.Copy(root)
	if s := root.SelectElement("status"); s != nil {
		for len(s.Child) > 0 {
			s.RemoveChildAt(0)
		}
	}
	root.RemoveAttr("dc-uuid")
	return root
}

// Name is a node's name; one that the configuration does not have is called as it calls itself, before it has said anything by its id.
func (c *Core) Name(id uint32) string {
	if n, ok := c.names[id]; ok {
		return n
	}
	if n, ok := c.called[id]; ok {
		return n
	}
	return "node" + strconv.FormatUint(uint64(id), 10)
}

// Configure takes over what corosync.conf says of the nodes after a reload: their names, and whether each of two has quorum without
// the other. A member whose name was not known, so that it was called by its id, leaves and comes by its name.
func (c *Core) Configure(now time.Time, names map[uint32]string, twoNode bool) {
	names = maps.Clone(names)
	names[c.self.ID] = c.self.Name
	ids := func(members []controller.Member, which func(m controller.Member) bool) []uint32 {
		var out []uint32
		for _, m := range members {
			if which(m) {
				out = append(out, m.ID)
			}
		}
		return out
	}
	renamed := func(m controller.Member) bool {
		name := cmp.Or(names[m.ID], c.called[m.ID])
		return name != "" && name != m.Name
	}
	all := func(controller.Member) bool { return true }
	members, ring, came := ids(c.members, all), ids(c.ring, all), ids(c.members, renamed)
	if len(came) > 0 {
		c.group(now, slices.DeleteFunc(slices.Clone(members), func(id uint32) bool { return slices.Contains(came, id) }), nil)
	}
	c.names, c.twoNode = names, twoNode
	if len(ring) > 0 {
		c.Ring(now, ring, c.quorate)
	}
	if len(came) > 0 {
		c.group(now, members, came)
	}
}

// Knows tells whether the configuration has all of these nodes, as far as this one has heard of it.
func (c *Core) Knows(ids []uint32) bool {
	return !slices.ContainsFunc(ids, func(id uint32) bool { return c.names[id] == "" })
}

func memberNames(members []controller.Member) []string {
	var out []string
	for _, m := range members {
		out = append(out, m.Name)
	}
	return out
}

func (c *Core) toMembers(ids []uint32) []controller.Member {
	out := make([]controller.Member, 0, len(ids))
	for _, id := range ids {
		out = append(out, controller.Member{ID: id, Name: c.Name(id)})
	}
	slices.SortFunc(out, func(a, b controller.Member) int { return strings.Compare(a.Name, b.Name) })
	return slices.Compact(out)
}

// Ring takes the members of the ring and whether they have quorum.
func (c *Core) Ring(now time.Time, ids []uint32, quorate bool) {
	c.now = now
	before := c.ring
	c.quorate = quorate
	c.ring = c.toMembers(ids)
	if len(before) > 0 { // whom a node finds when it starts is no news
		c.alertNodes(before, c.ring)
	}
	for _, m := range before {
		if !slices.Contains(c.ring, m) {
			c.world.Logf("controller: Node %s state is now lost", m.Name)
			c.Fencer.Parted(now, m.Name)
		}
	}
	for _, m := range c.ring {
		if !slices.Contains(before, m) {
			c.world.Logf("controller: Node %s state is now member", m.Name)
		}
	}
	if !quorate {
		c.quorateSince = time.Time{}
	} else if c.quorateSince.IsZero() {
		c.quorateSince = now
	}
	c.Replica.Quorum(memberNames(c.ring), quorate)
	c.Controller.Membership(now, c.ring, quorate)
	c.start()
}

// alertNodes tells agents who came and who went.
func (c *Core) alertNodes(before, after []controller.Member) {
	tell := func(list, other []controller.Member, member bool) {
		for _, m := range list {
			if !slices.Contains(other, m) {
				c.alert(alert.NodeEvent(m.Name, strconv.FormatUint(uint64(m.ID), 10), member))
			}
		}
	}
	tell(before, after, false)
	tell(after, before, true)
}

// alert calls the agents that want to hear of an event.
func (c *Core) alert(e alert.Event) {
	for _, r := range c.alerts.Runs(c.Replica.Root(), c.now, e) {
		if !r.Runnable() {
			c.world.Logf("alerts: %s: path %q is not a path from the root", r.Alert, r.Path)
			continue
		}
		c.world.RunAlert(r)
	}
}

// GroupChange takes a change of the group of clusters' daemons: the nodes that are in it now, and
// those that came and that left with this change.
func (c *Core) GroupChange(now time.Time, members, joined, left []uint32) {
	// Daemons that were killed and started again may come back in one change.
	back := func(id uint32) bool { return slices.Contains(left, id) }
	if slices.ContainsFunc(members, back) {
		c.group(now, slices.DeleteFunc(slices.Clone(members), back), nil)
	}
	c.group(now, members, joined)
}

func (c *Core) group(now time.Time, ids, came []uint32) {
	c.now = now
	before := c.members
	c.members = c.toMembers(ids)
	has := func(list []controller.Member, name string) bool {
		return slices.ContainsFunc(list, func(m controller.Member) bool { return m.Name == name })
	}
	was := c.inGroup
	c.inGroup = has(c.members, c.self.Name)
	if was && !c.inGroup {
		c.Replica.Reset()
	}
	for _, m := range before {
		if !has(c.members, m.Name) {
			c.Replica.Left(m.Name)
			c.Fencer.Left(now, m.Name)
			c.Attributes.Left(m.Name)
			c.unanswered(func(q question) bool { return q.node == m.Name })
		}
	}
	joined := make([]string, 0, len(came))
	for _, id := range came {
		joined = append(joined, c.Name(id))
	}
	c.Attributes.Group((*fencerEffects)(c).Members(), joined)
	c.Controller.Group(now, c.members)
	c.Replica.Agree()
	c.start()
}

// start begins once both the group and the ring are known.
func (c *Core) start() {
	if c.started || !c.inGroup || len(c.ring) == 0 {
		return
	}
	c.started = true
	c.Controller.Start(c.now)
}

// Message takes a message of the group.
func (c *Core) Message(now time.Time, from uint32, data []byte) {
	c.now = now
	doc, err := xml.Parse(data)
	if err != nil {
		c.world.Logf("a message of node %s is not XML: %v", c.Name(from), err)
		return
	}
	msg := doc.Root
	if src := msg.SelectAttrValue("src", ""); src != "" && c.names[from] == "" && src != c.called[from] && src != c.self.Name {
		// This node's corosync.conf does not have it (yet).
		c.called[from] = src
		c.Configure(now, c.names, c.twoNode)
	}
	name := c.Name(from)
	switch t := msg.SelectAttrValue("t", ""); t {
	case replica.Type:
		c.Replica.Deliver(now, name, msg)
		c.Fencer.Review(now)
	case attribute.Type:
		c.Attributes.Deliver(now, msg)
	case controller.Type:
		if !c.questioned(name, msg) && !c.forgets(msg) {
			c.Controller.Deliver(now, name, msg)
			c.Replica.Agree()
			c.Fencer.Review(now)
		}
	case fencer.Type:
		c.Fencer.Deliver(now, name, msg)
	default:
		c.world.Logf("a message of node %s is of unknown type %q", name, t)
	}
}

// Deadline is when Tick is due next; zero: not at all.
func (c *Core) Deadline() time.Time {
	var next time.Time
	due := []time.Time{c.Replica.Deadline(), c.Controller.Deadline(), c.Executor.Deadline(), c.Fencer.Deadline(), c.Attributes.Deadline(), c.questionsDue()}
	for _, r := range c.remotes {
		due = append(due, r.deadline())
	}
	for _, t := range due {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return next
}

// Tick does what is due.
func (c *Core) Tick(now time.Time) {
	c.now = now
	c.unanswered(func(q question) bool { return !q.until.After(now) })
	c.Replica.Tick(now)
	c.Attributes.Tick(now)
	c.Executor.Tick(now)
	for _, name := range c.remoteNames() {
		c.remotes[name].tick(now)
	}
	c.Fencer.Tick(now)
	c.Controller.Tick(now)
}

// Sample takes a measurement of this machine, see controller.SampleInterval.
func (c *Core) Sample(now time.Time, s controller.Sample) {
	c.now = now
	c.Controller.Sample(now, s)
}

// Shutdown asks to leave the cluster in good order.
func (c *Core) Shutdown(now time.Time) {
	c.now = now
	c.Executor.Close()
	c.Controller.Shutdown(now)
}

// Change orders a change of the CIB on behalf of a client, which is answered when the change is sure.
func (c *Core) Change(now time.Time, client replica.Client, req cib.Request, done func(cib.Result, error)) {
	c.now, req.Now, client.Sure = now, now, true
	c.Replica.Request(client, req, now.Format(time.ANSIC), done)
}

// Invoke hands an order, an element rsc_op, to the executor of a node, where that is in the
// group; for a remote node to the one that is connected to it, by telling all.
func (c *Core) Invoke(node string, order *etree.Element) {
	to := node
	switch {
	case c.IsRemote(node):
		to = ""
	case !slices.ContainsFunc(c.members, func(m controller.Member) bool { return m.Name == node }):
		return
	}
	m := etree.NewElement("message")
	for _, a := range [][2]string{{"t", controller.Type}, {"crm_task", "lrm_invoke"}, {"src", c.self.Name}, {"crm_host_to", to}} {
		if a[1] != "" {
			m.CreateAttr(a[0], a[1])
		}
	}
	m.CreateElement("crm_xml").AddChild(order)
	c.send(m)
}

// Now is the time of the last event.
func (c *Core) Now() time.Time { return c.now }

// Members are the nodes in the group.
func (c *Core) Members() []controller.Member { return c.members }

// RingMembers are the nodes in the ring.
func (c *Core) RingMembers() []controller.Member { return c.ring }

// Self is this node.
func (c *Core) Self() controller.Member { return c.self }

func (c *Core) send(msg *etree.Element) { c.world.Send(xml.Compact(msg)) }

// configured are the nodes of corosync.conf that nobody had the cluster forget, by id.
func (c *Core) configured() []controller.Member {
	var out []controller.Member
	for id, name := range c.names {
		if !c.forgotten[name] {
			out = append(out, controller.Member{ID: id, Name: name})
		}
	}
	slices.SortFunc(out, func(a, b controller.Member) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// nodeID is a node's id as the CIB writes it.
func (c *Core) nodeID(name string) string {
	for id, n := range c.names {
		if n == name {
			return strconv.FormatUint(uint64(id), 10)
		}
	}
	for _, m := range append(slices.Clone(c.members), c.ring...) {
		if m.Name == name {
			return strconv.FormatUint(uint64(m.ID), 10)
		}
	}
	if c.IsRemote(name) {
		return name
	}
	return ""
}
