// Package cpg is Corosync's closed process groups: processes of all nodes join
// groups by name, send messages to them, and see joins, leaves, failures and
// messages in one order.
//
// Groups is one node's part. Local processes are clients, known by a number that
// the caller chooses. It does no I/O: messages to the ring and events for clients go
// to a Host.
package cpg

import (
	"fmt"
	"slices"

	"hacluster/corosync/local"
	"hacluster/corosync/slab"
	"hacluster/corosync/wire"
)

// Client is the number of a local client.
type Client uint64

// Host is what Groups needs around it.
type Host interface {
	// Send sends a message, in one part or two, to all members of the ring, this node too; false where there is no room now.
	// They are not changed afterwards.
	Send(message ...[]byte) bool
	// Event hands an event to a client; the data that goes on with it is nil where there is none.
	Event(c Client, event, data []byte)
}

type state int

const (
	unjoined state = iota
	joining
	joined
	leaving
)

type client struct {
	id       Client
	state    state
	group    string
	pid      uint32
	wantRing bool // wants totem configurations
	ringSent bool // has had the first
}

// process is a member of a group.
type process struct {
	node, pid uint32
	group     string
}

// Groups is this node's view of all groups. It is not safe for concurrent use.
type Groups struct {
	host      Host
	me        uint32
	clients   []*client  // in the order in which they came
	processes []*process // by node, then in the order in which they joined

	ring       wire.RingID
	members    []uint32
	oldMembers []uint32
	left       []uint32
	joinlists  []joinlist
	iterators  map[uint64]*iterator
	lastIter   uint64
	heads      slab.Slab // of messages and events
	sent, told head      // the last ones
	group      string    // of the last message
}

// head is what stands before the data of a message or an event. Those of one sender and one size are alike.
type head struct {
	group     string
	node, pid uint32
	source    uint64
	size      int // of the data
	bytes     []byte
}

// like tells whether the head is that of another message, too.
func (h *head) like(o head) bool {
	return h.bytes != nil && h.size == o.size && h.pid == o.pid && h.node == o.node && h.source == o.source && h.group == o.group
}

type joinlist struct {
	from uint32
	list wire.JoinList
}

type iterator struct {
	owner Client
	rest  []local.IterEntry
}

// New begins without groups.
func New(me uint32, host Host) *Groups {
	return &Groups{host: host, me: me, iterators: map[uint64]*iterator{}}
}

// Connect adds a client.
func (g *Groups) Connect(c Client) { g.clients = append(g.clients, &client{id: c}) }

// Disconnect removes a client. died tells that it did not say good-bye.
func (g *Groups) Disconnect(id Client, died bool) {
	c := g.client(id)
	if c == nil {
		return
	}
	g.clients = slices.DeleteFunc(g.clients, func(o *client) bool { return o == c })
	for h, it := range g.iterators {
		if it.owner == id {
			delete(g.iterators, h)
		}
	}
	if c.state != unjoined {
		reason := local.Left
		if died {
			reason = local.ProcDown
		}
		g.host.Send(wire.Process{Group: c.group, PID: c.pid, Reason: uint32(reason)}.Marshal(wire.CPGProcLeave))
	}
}

func (g *Groups) client(id Client) *client {
	for _, c := range g.clients {
		if c.id == id {
			return c
		}
	}
	return nil
}

// Join asks for membership; it is complete with the Confchg event that tells of it.
func (g *Groups) Join(id Client, j local.Join) local.Status {
	c := g.client(id)
	if c == nil {
		return local.BadHandle
	}
	for _, o := range g.clients {
		if o.state != unjoined && o.pid == j.PID && o.group == j.Group {
			return local.Exist
		}
	}
	if len(j.Group) > local.MaxGroupName {
		return local.NameTooLong
	}
	switch c.state {
	case joining, leaving:
		return local.Busy
	case joined:
		return local.Exist
	}
	if !g.host.Send(wire.Process{Group: j.Group, PID: j.PID, Reason: uint32(local.Joined)}.Marshal(wire.CPGProcJoin)) {
		return local.TryAgain
	}
	c.state, c.group, c.pid = joining, j.Group, j.PID
	c.wantRing, c.ringSent = j.Flags&1 != 0, false
	return local.OK
}

// Leave asks to leave the group.
func (g *Groups) Leave(id Client, l local.Leave) local.Status {
	c := g.client(id)
	if c == nil {
		return local.BadHandle
	}
	switch c.state {
	case unjoined:
		return local.NotExist
	case joining, leaving:
		return local.Busy
	}
	if !g.host.Send(wire.Process{Group: l.Group, PID: l.PID, Reason: uint32(local.Left)}.Marshal(wire.CPGProcLeave)) {
		return local.TryAgain
	}
	c.state = leaving
	return local.OK
}

// Mcast sends a message to the client's group.
func (g *Groups) Mcast(id Client, data []byte) local.Status {
	c, s := g.sender(id)
	if s != local.OK {
		return s
	}
	h := head{group: c.group, node: g.me, pid: c.pid, source: uint64(id), size: len(data)}
	if !g.sent.like(h) {
		m := wire.GroupMessage{Group: c.group, PID: c.pid, Node: g.me, Source: uint64(id), Data: data}
		h.bytes = m.PutHead(g.heads.Take(wire.GroupMessageHead))
		g.sent = h
	}
	if !g.host.Send(g.sent.bytes, data) {
		return local.TryAgain
	}
	return local.OK
}

// Partial sends a piece of a message to the client's group.
func (g *Groups) Partial(id Client, p local.Partial) local.Status {
	c, s := g.sender(id)
	if s != local.OK {
		return s
	}
	m := wire.GroupPart{Group: c.group, Size: p.Size, PID: c.pid, Type: p.Type, Node: g.me, Source: uint64(id), Data: p.Data}
	if !g.host.Send(m.Head(), p.Data) {
		return local.TryAgain
	}
	return local.OK
}

func (g *Groups) sender(id Client) (*client, local.Status) {
	c := g.client(id)
	if c == nil {
		return nil, local.BadHandle
	}
	if c.state == unjoined || c.state == leaving {
		return nil, local.NotExist
	}
	return c, local.OK
}

// Members lists the members of a group.
func (g *Groups) Members(group string) []local.Member {
	var list []local.Member
	for _, p := range g.processes {
		if p.group == group {
			list = append(list, local.Member{Node: p.node, PID: p.pid})
		}
	}
	return list
}

// Iterate begins an iteration over groups and their members; the handle is for Next and EndIterate.
func (g *Groups) Iterate(owner Client, i local.IterInit) (uint64, local.Status) {
	it := &iterator{owner: owner}
	names := map[string]bool{}
	for _, p := range g.processes {
		switch i.Type {
		case local.IterNames:
			if !names[p.group] {
				names[p.group] = true
				it.rest = append(it.rest, local.IterEntry{Group: p.group})
			}
		case local.IterOneGroup:
			if p.group == i.Group {
				it.rest = append(it.rest, local.IterEntry{Group: p.group, Node: p.node, PID: p.pid})
			}
		case local.IterAll:
			it.rest = append(it.rest, local.IterEntry{Group: p.group, Node: p.node, PID: p.pid})
		default:
			return 0, local.Invalid
		}
	}
	slices.SortStableFunc(it.rest, func(a, b local.IterEntry) int {
		if a.Group != b.Group {
			if a.Group < b.Group {
				return -1
			}
			return 1
		}
		return 0
	})
	g.lastIter++
	g.iterators[g.lastIter] = it
	return g.lastIter, local.OK
}

// Next is the next step of an iteration; NoSections at its end.
func (g *Groups) Next(owner Client, handle uint64) (local.IterEntry, local.Status) {
	it := g.iterators[handle]
	if it == nil || it.owner != owner {
		return local.IterEntry{}, local.BadHandle
	}
	if len(it.rest) == 0 {
		return local.IterEntry{}, local.NoSections
	}
	e := it.rest[0]
	it.rest = it.rest[1:]
	return e, local.OK
}

// EndIterate ends an iteration.
func (g *Groups) EndIterate(owner Client, handle uint64) local.Status {
	if it := g.iterators[handle]; it == nil || it.owner != owner {
		return local.BadHandle
	}
	delete(g.iterators, handle)
	return local.OK
}

// Deliver takes a message of a node.
func (g *Groups) Deliver(from uint32, function int, b []byte) error {
	switch function {
	case wire.CPGProcJoin:
		m, err := wire.ParseProcess(b)
		if err != nil {
			return err
		}
		g.join(from, []wire.JoinEntry{{PID: m.PID, Group: m.Group}}, local.Joined)
	case wire.CPGProcLeave:
		m, err := wire.ParseProcess(b)
		if err != nil {
			return err
		}
		g.leave([]*process{{from, m.PID, m.Group}}, local.Reason(m.Reason))
	case wire.CPGJoinList:
		l, err := wire.ParseJoinList(b)
		if err != nil {
			return err
		}
		g.joinlists = append(g.joinlists, joinlist{from, l})
	case wire.CPGMcast:
		m, err := wire.ParseGroupMessage(b, g.group)
		if err != nil {
			return err
		}
		g.group = m.Group
		return g.message(from, m.Group, m.Data, func() []byte {
			h := head{group: m.Group, node: from, pid: m.PID, size: len(m.Data)}
			if !g.told.like(h) {
				h.bytes = local.Deliver{Group: m.Group, Node: from, PID: m.PID, Data: m.Data}.PutHead(g.heads.Take(local.DeliverHead))
				g.told = h
			}
			return g.told.bytes
		})
	case wire.CPGPartialMcast:
		m, err := wire.ParseGroupPart(b)
		if err != nil {
			return err
		}
		return g.message(from, m.Group, m.Data, func() []byte {
			return local.PartialDeliver{
				Group: m.Group, Node: from, PID: m.PID,
				Partial: local.Partial{Size: m.Size, Type: m.Type, Data: m.Data},
			}.Head()
		})
	case wire.CPGDownlist, wire.CPGDownlistOld:
		// Each node knows by itself who has left.
	default:
		return fmt.Errorf("cpg message %d", function)
	}
	return nil
}

// message hands a message to the local members of its group. Messages of a node
// that has nobody in the group are dropped.
func (g *Groups) message(from uint32, group string, data []byte, event func() []byte) error {
	known := slices.ContainsFunc(g.processes, func(p *process) bool { return p.node == from && p.group == group })
	var e []byte
	for _, c := range g.clients {
		if c.group != group || c.state != joined && c.state != leaving {
			continue
		}
		if !known {
			return fmt.Errorf("a message to group %q is not delivered: no process of node %d is in it", group, from)
		}
		if e == nil {
			e = event()
		}
		g.host.Event(c.id, e, data)
	}
	return nil
}

func (g *Groups) find(node, pid uint32, group string) *process {
	for _, p := range g.processes {
		if p.node == node && p.pid == pid && p.group == group {
			return p
		}
	}
	return nil
}

// join adds processes of one group and one node.
func (g *Groups) join(node uint32, list []wire.JoinEntry, reason local.Reason) {
	var came []local.Member
	for _, e := range list {
		if g.find(node, e.PID, e.Group) != nil {
			continue
		}
		at := len(g.processes)
		for i, p := range g.processes {
			if p.node > node {
				at = i
				break
			}
		}
		g.processes = slices.Insert(g.processes, at, &process{node, e.PID, e.Group})
		came = append(came, local.Member{Node: node, PID: e.PID, Reason: reason})
	}
	if len(came) > 0 {
		g.tell(list[0].Group, came, nil)
	}
}

// leave removes processes of one group.
func (g *Groups) leave(list []*process, reason local.Reason) {
	var went []local.Member
	for _, l := range list {
		went = append(went, local.Member{Node: l.node, PID: l.pid, Reason: reason})
	}
	gone := func(p *process) bool {
		return slices.ContainsFunc(list, func(l *process) bool { return *l == *p })
	}
	g.processes = slices.DeleteFunc(g.processes, gone)
	g.tell(list[0].group, nil, went)
}

// tell tells the local members of a group of a change.
func (g *Groups) tell(group string, came, went []local.Member) {
	e := local.Confchg{Group: group, Members: g.Members(group), Left: went, Joined: came}.Marshal()
	mine := func(list []local.Member, c *client) bool {
		return slices.ContainsFunc(list, func(m local.Member) bool { return m.Node == g.me && m.PID == c.pid })
	}
	for _, c := range g.clients {
		if c.state == unjoined || c.group != group {
			continue
		}
		if c.state == joining && mine(came, c) {
			c.state = joined
		}
		if c.state == joined || c.state == leaving {
			g.host.Event(c.id, e, nil)
		}
		if mine(went, c) && c.state == leaving {
			c.state, c.group, c.pid = unjoined, "", 0
		}
	}
	for _, c := range g.clients {
		if c.wantRing && !c.ringSent && c.state == joined {
			c.ringSent = true
			g.host.Event(c.id, g.ringEvent(), nil)
		}
	}
}

func (g *Groups) ringEvent() []byte {
	return local.TotemConfchg{Ring: g.ring, Members: g.members}.Marshal()
}

// SyncInit begins with a new ring.
func (g *Groups) SyncInit(trans, members []uint32, ring wire.RingID) {
	// Who left is kept until an activation tells of it: a sync can be cut short by the next.
	g.oldMembers = g.members
	for _, m := range g.oldMembers {
		if !slices.Contains(trans, m) && !slices.Contains(g.left, m) {
			g.left = append(g.left, m)
		}
	}
	g.members, g.ring = slices.Clone(members), ring
	g.joinlists = nil
}

// SyncProcess tells the members of this node's processes.
func (g *Groups) SyncProcess() {
	g.host.Send(wire.Downlist{OldMembers: len(g.oldMembers), Left: g.left}.Marshal())
	var list wire.JoinList
	for _, p := range g.processes {
		if p.node == g.me {
			list = append(list, wire.JoinEntry{PID: p.pid, Group: p.group})
		}
	}
	if len(list) > 0 {
		g.host.Send(list.Marshal())
	}
}

// SyncActivate takes what the members have told.
func (g *Groups) SyncActivate() {
	g.removed(func(p *process) bool { return slices.Contains(g.left, p.node) }, local.NodeDown)
	g.left = nil
	for _, l := range g.joinlists {
		for _, group := range groupsOf(l.list) {
			var list []wire.JoinEntry
			for _, e := range l.list {
				if e.Group == group {
					list = append(list, e)
				}
			}
			g.join(l.from, list, local.NodeUp)
		}
	}
	g.removed(func(p *process) bool {
		for _, l := range g.joinlists {
			if l.from == p.node && slices.Contains(l.list, wire.JoinEntry{PID: p.pid, Group: p.group}) {
				return false
			}
		}
		return true
	}, local.ProcDown)
	for _, c := range g.clients {
		if c.wantRing && c.ringSent {
			g.host.Event(c.id, g.ringEvent(), nil)
		}
	}
	g.joinlists = nil
}

func groupsOf(list wire.JoinList) []string {
	var names []string
	for _, e := range list {
		if !slices.Contains(names, e.Group) {
			names = append(names, e.Group)
		}
	}
	return names
}

// removed removes processes, a group at a time.
func (g *Groups) removed(which func(*process) bool, reason local.Reason) {
	var names []string
	gone := map[string][]*process{}
	for _, p := range g.processes {
		if which(p) {
			if gone[p.group] == nil {
				names = append(names, p.group)
			}
			gone[p.group] = append(gone[p.group], p)
		}
	}
	for _, n := range names {
		g.leave(gone[n], reason)
	}
}
