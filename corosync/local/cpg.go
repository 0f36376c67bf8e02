package local

import (
	"fmt"

	"hacluster/corosync/ipc"
)

// Requests of cpg.
const (
	CPGJoin         = 0
	CPGLeave        = 1
	CPGMcast        = 2
	CPGMembership   = 3
	CPGLocal        = 4
	CPGIterInit     = 5
	CPGIterNext     = 6
	CPGIterFinalize = 7
	CPGFinalize     = 8
	CPGPartialMcast = 12
)

// Responses and events of cpg, where their ids differ from the request's.
const (
	CPGMembershipAnswer   = 3
	CPGConfchgEvent       = 4
	CPGDeliverEvent       = 5
	CPGLocalAnswer        = 7
	CPGIterInitAnswer     = 9
	CPGIterNextAnswer     = 10
	CPGIterFinalizeAnswer = 11
	CPGFinalizeAnswer     = 12
	CPGTotemConfchgEvent  = 13
	CPGPartialEvent       = 17
	CPGPartialAnswer      = 18
)

// Reason is why a member of a group came or went.
type Reason uint32

// The reasons.
const (
	Joined   Reason = 1
	Left     Reason = 2
	NodeDown Reason = 3
	NodeUp   Reason = 4
	ProcDown Reason = 5
)

func (r Reason) String() string {
	switch r {
	case Joined:
		return "join"
	case Left:
		return "leave"
	case NodeDown:
		return "nodedown"
	case NodeUp:
		return "nodeup"
	case ProcDown:
		return "procdown"
	}
	return fmt.Sprintf("reason %d", uint32(r))
}

// Member is a process in a group. Reason tells, in lists of who came or went, why.
type Member struct {
	Node, PID uint32
	Reason    Reason
}

// Join asks to join a group. With Flags 1 the client gets a TotemConfchg at once, too.
type Join struct {
	Group string
	PID   uint32
	Flags uint32
}

// Marshal is the request's bytes.
func (j Join) Marshal() []byte {
	b := request(CPGJoin, 168)
	b.putGroup(16, j.Group)
	b.put32(152, j.PID)
	b.put32(160, j.Flags)
	return b
}

// ParseJoin reads a Join.
func ParseJoin(m []byte) (Join, error) {
	b := block(m)
	if err := b.need(164, "join"); err != nil {
		return Join{}, err
	}
	g, err := b.group(16)
	return Join{g, b.u32(152), b.u32(160)}, err
}

// Leave asks to leave a group.
type Leave struct {
	Group string
	PID   uint32
}

// Marshal is the request's bytes.
func (l Leave) Marshal() []byte {
	b := request(CPGLeave, 160)
	b.putGroup(16, l.Group)
	b.put32(152, l.PID)
	return b
}

// ParseLeave reads a Leave.
func ParseLeave(m []byte) (Leave, error) {
	b := block(m)
	if err := b.need(156, "leave"); err != nil {
		return Leave{}, err
	}
	g, err := b.group(16)
	return Leave{g, b.u32(152)}, err
}

// McastRequest asks to send data to the client's group. There is no response.
func McastRequest(data []byte) []byte {
	b := make([]byte, McastHead+len(data))
	PutMcastHead(b, len(data))
	copy(b[McastHead:], data)
	return b
}

// McastHead is how long what stands before the data of a McastRequest is.
const McastHead = 40

// PutMcastHead puts what stands before so much data into a block that is all 0 or has had another such head.
func PutMcastHead(head []byte, data int) []byte {
	b := block(head)
	ipc.SetHeader(b, CPGMcast)
	b.put32(8, uint32(McastHead+data))
	b.put32(24, 2) // agreed order
	b.put32(32, uint32(data))
	return b
}

// ParseMcast reads the data of a McastRequest.
func ParseMcast(m []byte) ([]byte, error) {
	b := block(m)
	if err := b.need(40, "mcast"); err != nil {
		return nil, err
	}
	n := b.u32(32)
	if err := b.needList(40, n, 1, "mcast"); err != nil {
		return nil, err
	}
	return b[40 : 40+n], nil
}

// Partial is a piece of a message that is bigger than a request.
type Partial struct {
	Size uint32 // of the whole message
	Type uint32 // 1 first, 2 continued, 3 last
	Data []byte
}

// The types of pieces.
const (
	PartialFirst     = 1
	PartialContinued = 2
	PartialLast      = 3
)

// Marshal is the request's bytes.
func (p Partial) Marshal() []byte {
	b := request(CPGPartialMcast, 56+len(p.Data))
	b.put32(24, 2)
	b.put32(32, p.Size)
	b.put32(40, uint32(len(p.Data)))
	b.put32(48, p.Type)
	copy(b[56:], p.Data)
	return b
}

// ParsePartial reads a Partial.
func ParsePartial(m []byte) (Partial, error) {
	b := block(m)
	if err := b.need(56, "partial mcast"); err != nil {
		return Partial{}, err
	}
	n := b.u32(40)
	if err := b.needList(56, n, 1, "partial mcast"); err != nil {
		return Partial{}, err
	}
	return Partial{b.u32(32), b.u32(48), b[56 : 56+n]}, nil
}

// Deliver is a message of a group.
type Deliver struct {
	Group     string
	Node, PID uint32
	Data      []byte
}

// Marshal is the event's bytes.
func (d Deliver) Marshal() []byte { return append(d.Head(), d.Data...) }

// DeliverHead is how long what stands before the data is.
const DeliverHead = 184

// Head is what stands before the data.
func (d Deliver) Head() []byte { return d.PutHead(make([]byte, DeliverHead)) }

// PutHead is Head in a block that is all 0.
func (d Deliver) PutHead(head []byte) []byte {
	b := block(head)
	ipc.SetHeader(b, CPGDeliverEvent)
	b.put32(8, uint32(DeliverHead+len(d.Data)))
	b.putGroup(24, d.Group)
	b.put32(160, uint32(len(d.Data)))
	b.put32(168, d.Node)
	b.put32(176, d.PID)
	return b
}

// ParseDeliver reads a Deliver. Where its group is the one that is given, it has that text.
func ParseDeliver(m []byte, group string) (Deliver, error) {
	b := block(m)
	if err := b.need(184, "deliver"); err != nil {
		return Deliver{}, err
	}
	n := b.u32(160)
	if err := b.needList(184, n, 1, "deliver"); err != nil {
		return Deliver{}, err
	}
	if size := len(group); size > 0 && size <= MaxGroupName && b.u32(24) == uint32(size) && string(b[32:32+size]) == group {
		return Deliver{group, b.u32(168), b.u32(176), b[184 : 184+n]}, nil
	}
	g, err := b.group(24)
	return Deliver{g, b.u32(168), b.u32(176), b[184 : 184+n]}, err
}

// PartialDeliver is a piece of a message of a group.
type PartialDeliver struct {
	Group     string
	Node, PID uint32
	Partial
}

// Marshal is the event's bytes.
func (d PartialDeliver) Marshal() []byte { return append(d.Head(), d.Data...) }

// Head is what stands before the data.
func (d PartialDeliver) Head() []byte {
	b := response(CPGPartialEvent, OK, 200)
	b.put32(8, uint32(200+len(d.Data)))
	b.putGroup(24, d.Group)
	b.put32(160, d.Size)
	b.put32(168, uint32(len(d.Data)))
	b.put32(176, d.Node)
	b.put32(184, d.PID)
	b.put32(192, d.Type)
	return b
}

// ParsePartialDeliver reads a PartialDeliver.
func ParsePartialDeliver(m []byte) (PartialDeliver, error) {
	b := block(m)
	if err := b.need(200, "partial deliver"); err != nil {
		return PartialDeliver{}, err
	}
	n := b.u32(168)
	if err := b.needList(200, n, 1, "partial deliver"); err != nil {
		return PartialDeliver{}, err
	}
	g, err := b.group(24)
	return PartialDeliver{g, b.u32(176), b.u32(184), Partial{b.u32(160), b.u32(192), b[200 : 200+n]}}, err
}

// Confchg tells of a change in a group: Members is who is in it now.
type Confchg struct {
	Group                 string
	Members, Left, Joined []Member
}

// Marshal is the event's bytes.
func (c Confchg) Marshal() []byte {
	b := response(CPGConfchgEvent, OK, 184+addressSize*(len(c.Members)+len(c.Left)+len(c.Joined)))
	b.putGroup(24, c.Group)
	b.put32(160, uint32(len(c.Members)))
	b.put32(168, uint32(len(c.Joined)))
	b.put32(176, uint32(len(c.Left)))
	off := b.putMembers(184, c.Members)
	off = b.putMembers(off, c.Left)
	b.putMembers(off, c.Joined)
	return b
}

// ParseConfchg reads a Confchg.
func ParseConfchg(m []byte) (Confchg, error) {
	b := block(m)
	if err := b.need(184, "confchg"); err != nil {
		return Confchg{}, err
	}
	members, joined, left := b.u32(160), b.u32(168), b.u32(176)
	if members > MaxNodes || joined > MaxNodes || left > MaxNodes {
		return Confchg{}, fmt.Errorf("confchg with lists of %d, %d and %d", members, joined, left)
	}
	if err := b.needList(184, members+joined+left, addressSize, "confchg"); err != nil {
		return Confchg{}, err
	}
	g, err := b.group(24)
	c := Confchg{Group: g}
	c.Members = b.members(184, members)
	c.Left = b.members(184+addressSize*int(members), left)
	c.Joined = b.members(184+addressSize*int(members+left), joined)
	return c, err
}

func (b block) putMembers(off int, list []Member) int {
	for _, m := range list {
		b.put32(off, m.Node)
		b.put32(off+8, m.PID)
		b.put32(off+16, uint32(m.Reason))
		off += addressSize
	}
	return off
}

func (b block) members(off int, count uint32) []Member {
	list := make([]Member, count)
	for i := range list {
		list[i] = Member{b.u32(off), b.u32(off + 8), Reason(b.u32(off + 16))}
		off += addressSize
	}
	return list
}

// TotemConfchg tells of a new ring.
type TotemConfchg struct {
	Ring    RingID
	Members []uint32
}

// Marshal is the event's bytes.
func (t TotemConfchg) Marshal() []byte {
	b := response(CPGTotemConfchgEvent, OK, 48+4*len(t.Members))
	b.put32(24, t.Ring.Rep)
	b.put64(32, t.Ring.Seq)
	b.put32(40, uint32(len(t.Members)))
	b.putNodes(44, t.Members)
	return b
}

// ParseTotemConfchg reads a TotemConfchg.
func ParseTotemConfchg(m []byte) (TotemConfchg, error) {
	b := block(m)
	if err := b.need(44, "totem confchg"); err != nil {
		return TotemConfchg{}, err
	}
	n := b.u32(40)
	if err := b.needList(44, n, 4, "totem confchg"); err != nil {
		return TotemConfchg{}, err
	}
	return TotemConfchg{RingID{Rep: b.u32(24), Seq: b.u64(32)}, b.nodes(44, n)}, nil
}

// MembershipRequest asks who is in a group.
func MembershipRequest(group string) []byte {
	b := request(CPGMembership, 152)
	b.putGroup(16, group)
	return b
}

// ParseMembershipRequest reads the group of a MembershipRequest.
func ParseMembershipRequest(m []byte) (string, error) {
	b := block(m)
	if err := b.need(152, "membership request"); err != nil {
		return "", err
	}
	return b.group(16)
}

// MembershipAnswer tells who is in a group.
func MembershipAnswer(status Status, members []Member) []byte {
	b := response(CPGMembershipAnswer, status, 32+addressSize*MaxNodes)
	members = members[:min(len(members), MaxNodes)]
	b.put32(24, uint32(len(members)))
	b.putMembers(32, members)
	return b
}

// ParseMembershipAnswer reads the members of a MembershipAnswer.
func ParseMembershipAnswer(m []byte) ([]Member, error) {
	b := block(m)
	if err := b.need(32, "membership"); err != nil {
		return nil, err
	}
	n := b.u32(24)
	if err := b.needList(32, n, addressSize, "membership"); err != nil {
		return nil, err
	}
	return b.members(32, n), nil
}

// Kinds of iteration over groups and their members.
const (
	IterNames    = 1 // each group once
	IterOneGroup = 2 // the members of one group
	IterAll      = 3 // the members of all groups
)

// IterInit begins an iteration.
type IterInit struct {
	Group string
	Type  uint32
}

// Marshal is the request's bytes.
func (i IterInit) Marshal() []byte {
	b := request(CPGIterInit, 160)
	b.putGroup(16, i.Group)
	b.put32(152, i.Type)
	return b
}

// ParseIterInit reads an IterInit.
func ParseIterInit(m []byte) (IterInit, error) {
	b := block(m)
	if err := b.need(156, "iteration request"); err != nil {
		return IterInit{}, err
	}
	i := IterInit{Type: b.u32(152)}
	if i.Type != IterOneGroup {
		return i, nil // the original's library leaves whatever there is in the group's place
	}
	g, err := b.group(16)
	i.Group = g
	return i, err
}

// IterEntry is one step of an iteration.
type IterEntry struct {
	Group     string
	Node, PID uint32
}

// Marshal is the response's bytes.
func (e IterEntry) Marshal() []byte {
	b := response(CPGIterNextAnswer, OK, 168)
	b.putGroup(24, e.Group)
	b.put32(160, e.Node)
	b.put32(164, e.PID)
	return b
}

// ParseIterEntry reads an IterEntry.
func ParseIterEntry(m []byte) (IterEntry, error) {
	b := block(m)
	if err := b.need(168, "iteration entry"); err != nil {
		return IterEntry{}, err
	}
	g, err := b.group(24)
	return IterEntry{g, b.u32(160), b.u32(164)}, err
}
