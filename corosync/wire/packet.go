// Package wire is what Corosync 3 nodes send each other: the packets of the
// Totem ring protocol, the application messages packed into them, and the
// messages of the services, each as a Go value with its bytes.
//
// # Layers
//
// A datagram is one packet: Token, Mcast, MergeDetect, Join, Commit or
// HoldCancel. A Mcast carries a Packed, which holds several messages and pieces
// of messages; each whole message names a group ("a" for the services, "sync"
// for the sync engine) and carries one service message.
//
// # Byte order
//
// A packet begins with a magic number in its sender's byte order, which is the
// order of all its fields. Packets are written little endian, as all current
// machines do; both orders are read. Structures are packed without padding in
// packets; in service messages fields are aligned to 8 bytes, and what is
// between them is not defined.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	magic   = 0xC070
	version = 3

	headerSize = 13
	// McastHeader is the size of a Mcast without its payload.
	McastHeader = 45

	tokenSize       = 57
	rtrSize         = 16
	mergeDetectSize = 29
	joinSize        = 33
	commitSize      = 41
	commitEntry     = 24
	holdCancelSize  = 25

	// MaxRetransmits is how many retransmissions a token can ask for.
	MaxRetransmits = 30
	// MaxNodes is how many nodes a ring can have.
	MaxNodes = 384
)

// Kind is the type of a packet.
type Kind uint8

// The kinds.
const (
	KindToken       Kind = 0
	KindMcast       Kind = 1
	KindMergeDetect Kind = 2
	KindJoin        Kind = 3
	KindCommit      Kind = 4
	KindHoldCancel  Kind = 5
)

func (k Kind) String() string {
	names := [...]string{"orf_token", "mcast", "memb_merge_detect", "memb_join", "memb_commit_token", "token_hold_cancel"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("type %d", uint8(k))
}

// RingID names a ring: its representative's node id, and a number that grows.
type RingID struct {
	Rep uint32
	Seq uint64
}

// String is the form of Corosync 3's tools: both numbers in hexadecimal.
func (r RingID) String() string { return fmt.Sprintf("%x.%x", r.Rep, r.Seq) }

// Packet is one of *Token, *Mcast, *MergeDetect, *Join, *Commit and *HoldCancel.
type Packet interface {
	Kind() Kind
	// Marshal is the packet's bytes.
	Marshal() []byte
}

// Token is the token of a ring in operation or recovery.
type Token struct {
	Node       uint32 // the last sender
	Seq        uint32 // highest number of a mcast on the ring
	TokenSeq   uint32 // grows with each hop
	Aru        uint32 // everybody has received up to here
	AruAddr    uint32 // the node that holds Aru down, or 0
	Ring       RingID
	Backlog    uint32
	FCC        uint32 // mcasts in the last rotation
	Retrans    bool   // in recovery: somebody still has messages of the old ring
	Retransmit []Retransmit
}

// Retransmit asks for a mcast again.
type Retransmit struct {
	Ring RingID
	Seq  uint32
}

// Mcast is an ordered message.
type Mcast struct {
	Node         uint32 // originator
	From         uint32 // originator, again
	Seq          uint32
	ThisSeq      int32
	Ring         RingID
	Encapsulated bool // the payload is a whole Mcast of an old ring
	Payload      []byte
	// Swapped tells that the payload's fields are in the other byte order.
	Swapped bool
}

// MergeDetect tells other rings of this one.
type MergeDetect struct {
	Node, From uint32
	Ring       RingID
}

// Join tells with whom a node wants to form a ring.
type Join struct {
	Node         uint32 // 0: a leave
	From         uint32
	RingSeq      uint64
	Proc, Failed []uint32
}

// Commit forms a new ring.
type Commit struct {
	Node     uint32
	TokenSeq uint32
	Ring     RingID
	Retrans  uint32
	Index    int // how many members have filled their entry
	Members  []uint32
	Entries  []CommitEntry
}

// CommitEntry is what a member tells of its old ring.
type CommitEntry struct {
	Ring          RingID
	Aru           uint32
	HighDelivered uint32
	Received      bool // it has all messages up to the highest that it knows of
}

// HoldCancel asks the holder of the token to pass it on.
type HoldCancel struct {
	Node uint32
	Ring RingID
}

// Kind is KindToken.
func (*Token) Kind() Kind { return KindToken }

// Kind is KindMcast.
func (*Mcast) Kind() Kind { return KindMcast }

// Kind is KindMergeDetect.
func (*MergeDetect) Kind() Kind { return KindMergeDetect }

// Kind is KindJoin.
func (*Join) Kind() Kind { return KindJoin }

// Kind is KindCommit.
func (*Commit) Kind() Kind { return KindCommit }

// Kind is KindHoldCancel.
func (*HoldCancel) Kind() Kind { return KindHoldCancel }

var le = binary.LittleEndian

func header(size int, k Kind, encapsulated uint8, node uint32) []byte {
	b := make([]byte, size)
	putHeader(b, k, encapsulated, node)
	return b
}

func putHeader(b []byte, k Kind, encapsulated uint8, node uint32) {
	le.PutUint16(b, magic)
	b[2], b[3], b[4] = version, byte(k), encapsulated
	le.PutUint32(b[5:], node)
}

func putRing(b []byte, r RingID) {
	le.PutUint32(b, r.Rep)
	le.PutUint64(b[4:], r.Seq)
}

// Marshal is the packet's bytes.
func (t *Token) Marshal() []byte {
	b := header(tokenSize+rtrSize*len(t.Retransmit), KindToken, 0, t.Node)
	le.PutUint32(b[13:], t.Seq)
	le.PutUint32(b[17:], t.TokenSeq)
	le.PutUint32(b[21:], t.Aru)
	le.PutUint32(b[25:], t.AruAddr)
	putRing(b[29:], t.Ring)
	le.PutUint32(b[41:], t.Backlog)
	le.PutUint32(b[45:], t.FCC)
	if t.Retrans {
		le.PutUint32(b[49:], 1)
	}
	le.PutUint32(b[53:], uint32(len(t.Retransmit)))
	for i, r := range t.Retransmit {
		putRing(b[tokenSize+rtrSize*i:], r.Ring)
		le.PutUint32(b[tokenSize+rtrSize*i+12:], r.Seq)
	}
	return b
}

// Marshal is the packet's bytes.
func (m *Mcast) Marshal() []byte {
	encapsulated := uint8(2)
	if m.Encapsulated {
		encapsulated = 1
	}
	b := make([]byte, McastHeader+len(m.Payload))
	m.putHeader(b, encapsulated)
	copy(b[McastHeader:], m.Payload)
	return b
}

// Head writes the header of an ordinary Mcast into a packet that has room for it before its payload, which becomes the Mcast's.
func (m *Mcast) Head(packet []byte) {
	m.putHeader(packet, 2)
	m.Payload = packet[McastHeader:]
}

func (m *Mcast) putHeader(b []byte, encapsulated uint8) {
	putHeader(b, KindMcast, encapsulated, m.Node)
	le.PutUint32(b[13:], m.From)
	le.PutUint32(b[17:], m.Seq)
	le.PutUint32(b[21:], uint32(m.ThisSeq))
	putRing(b[25:], m.Ring)
}

// Marshal is the packet's bytes.
func (m *MergeDetect) Marshal() []byte {
	b := header(mergeDetectSize, KindMergeDetect, 0, m.Node)
	le.PutUint32(b[13:], m.From)
	putRing(b[17:], m.Ring)
	return b
}

// Marshal is the packet's bytes.
func (j *Join) Marshal() []byte {
	b := header(joinSize+4*(len(j.Proc)+len(j.Failed)), KindJoin, 0, j.Node)
	le.PutUint32(b[13:], j.From)
	le.PutUint32(b[17:], uint32(len(j.Proc)))
	le.PutUint32(b[21:], uint32(len(j.Failed)))
	le.PutUint64(b[25:], j.RingSeq)
	putNodes(b[joinSize:], j.Proc)
	putNodes(b[joinSize+4*len(j.Proc):], j.Failed)
	return b
}

// Marshal is the packet's bytes. Members and Entries must be of one length.
func (c *Commit) Marshal() []byte {
	n := len(c.Members)
	b := header(commitSize+4*n+commitEntry*n, KindCommit, 0, c.Node)
	le.PutUint32(b[13:], c.TokenSeq)
	putRing(b[17:], c.Ring)
	le.PutUint32(b[29:], c.Retrans)
	le.PutUint32(b[33:], uint32(c.Index))
	le.PutUint32(b[37:], uint32(n))
	putNodes(b[commitSize:], c.Members)
	for i, e := range c.Entries {
		at := b[commitSize+4*n+commitEntry*i:]
		putRing(at, e.Ring)
		le.PutUint32(at[12:], e.Aru)
		le.PutUint32(at[16:], e.HighDelivered)
		if e.Received {
			le.PutUint32(at[20:], 1)
		}
	}
	return b
}

// Marshal is the packet's bytes.
func (h *HoldCancel) Marshal() []byte {
	b := header(holdCancelSize, KindHoldCancel, 0, h.Node)
	putRing(b[13:], h.Ring)
	return b
}

// Addressed is a packet marked as meant for one node. Only kronosnet needs the mark.
func Addressed(packet []byte, node uint32) []byte {
	b := append([]byte(nil), packet...)
	if len(b) >= headerSize {
		le.PutUint32(b[9:], node)
	}
	return b
}

func putNodes(b []byte, list []uint32) {
	for i, n := range list {
		le.PutUint32(b[4*i:], n)
	}
}

// ErrForeign tells that a datagram is of something other than Corosync 3.
var ErrForeign = errors.New("not a packet of Corosync 3")

// reader reads fields in the sender's byte order.
type reader struct {
	b     []byte
	order binary.ByteOrder
}

func (r reader) u32(off int) uint32 { return r.order.Uint32(r.b[off:]) }
func (r reader) ring(off int) RingID {
	return RingID{r.order.Uint32(r.b[off:]), r.order.Uint64(r.b[off+4:])}
}

func (r reader) nodes(off, count int) []uint32 {
	list := make([]uint32, count)
	for i := range list {
		list[i] = r.u32(off + 4*i)
	}
	return list
}

// open reads the magic number, and tells the packet's kind.
func open(b []byte) (reader, Kind, error) {
	if len(b) < headerSize {
		return reader{}, 0, fmt.Errorf("%w: %d bytes", ErrForeign, len(b))
	}
	r := reader{b, le}
	switch m := le.Uint16(b); m {
	case magic:
	case magic>>8 | magic&0xff<<8:
		r.order = binary.BigEndian
	case 0xFEFE, 0xFFFF:
		return r, 0, fmt.Errorf("%w: probably Corosync 2", ErrForeign)
	default:
		return r, 0, fmt.Errorf("%w: magic number %#04x", ErrForeign, m)
	}
	if b[2] != version {
		return r, 0, fmt.Errorf("%w: version %d", ErrForeign, b[2])
	}
	return r, Kind(b[3]), nil
}

// least is the size of the smallest packet of each kind.
var least = [...]int{
	KindToken: tokenSize, KindMcast: McastHeader, KindMergeDetect: mergeDetectSize,
	KindJoin: joinSize, KindCommit: commitSize, KindHoldCancel: holdCancelSize,
}

// Parse reads a packet. The payload of a Mcast is part of b.
func Parse(b []byte) (Packet, error) {
	r, kind, err := open(b)
	if err != nil {
		return nil, err
	}
	if int(kind) >= len(least) {
		return nil, fmt.Errorf("unknown packet of %v", kind)
	}
	if size := least[kind]; len(b) < size {
		return nil, fmt.Errorf("%v of %d bytes; at least %d belong to it", kind, len(b), size)
	}
	node := r.u32(5)
	switch kind {
	case KindToken:
		return r.token(node)
	case KindMcast:
		return &Mcast{
			Node: node, From: r.u32(13), Seq: r.u32(17), ThisSeq: int32(r.u32(21)), Ring: r.ring(25),
			Encapsulated: b[4] == 1, Payload: b[McastHeader:], Swapped: r.order != le,
		}, nil
	case KindMergeDetect:
		return &MergeDetect{Node: node, From: r.u32(13), Ring: r.ring(17)}, nil
	case KindJoin:
		return r.join(node)
	case KindCommit:
		return r.commit(node)
	}
	return &HoldCancel{Node: node, Ring: r.ring(13)}, nil
}

func (r reader) token(node uint32) (Packet, error) {
	n := r.u32(53)
	if n > MaxRetransmits || len(r.b) < tokenSize+rtrSize*int(n) {
		return nil, fmt.Errorf("orf_token of %d bytes with %d retransmissions", len(r.b), n)
	}
	t := &Token{
		Node: node, Seq: r.u32(13), TokenSeq: r.u32(17), Aru: r.u32(21), AruAddr: r.u32(25), Ring: r.ring(29),
		Backlog: r.u32(41), FCC: r.u32(45), Retrans: r.u32(49) != 0,
	}
	for i := range int(n) {
		off := tokenSize + rtrSize*i
		t.Retransmit = append(t.Retransmit, Retransmit{r.ring(off), r.u32(off + 12)})
	}
	return t, nil
}

func (r reader) join(node uint32) (Packet, error) {
	p, f := r.u32(17), r.u32(21)
	if p > MaxNodes || f > MaxNodes || len(r.b) < joinSize+4*int(p+f) {
		return nil, fmt.Errorf("memb_join of %d bytes with lists of %d and %d", len(r.b), p, f)
	}
	return &Join{
		Node: node, From: r.u32(13), RingSeq: r.order.Uint64(r.b[25:]),
		Proc: r.nodes(joinSize, int(p)), Failed: r.nodes(joinSize+4*int(p), int(f)),
	}, nil
}

func (r reader) commit(node uint32) (Packet, error) {
	n, index := r.u32(37), r.u32(33)
	if n == 0 || n > MaxNodes || index > n || len(r.b) < commitSize+(4+commitEntry)*int(n) {
		return nil, fmt.Errorf("memb_commit_token of %d bytes with %d members, %d filled", len(r.b), n, index)
	}
	c := &Commit{
		Node: node, TokenSeq: r.u32(13), Ring: r.ring(17), Retrans: r.u32(29), Index: int(index),
		Members: r.nodes(commitSize, int(n)), Entries: make([]CommitEntry, n),
	}
	for i := range c.Entries {
		off := commitSize + 4*int(n) + commitEntry*i
		c.Entries[i] = CommitEntry{r.ring(off), r.u32(off + 12), r.u32(off + 16), r.u32(off+20) != 0}
	}
	return c, nil
}
