package qnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// DefaultSize is the greatest message, in bytes with its header, until both sides agree on another.
const DefaultSize = 32768

// Port is the TCP port where a server listens, unless told otherwise.
const Port = 5403

const header = 6

// Message is one message. Fields count where Has tells so; the Set functions set both.
type Message struct {
	Type Type

	Seq           uint32
	Cluster       string
	TLS           TLS
	CertRequired  bool
	Messages      []uint16 // the types of messages that the sender knows
	Options       []uint16 // the options that the sender knows
	Code          Code
	MaxRequest    uint32
	MaxReply      uint32
	Node          uint32
	Algorithms    []uint16
	Algorithm     Algorithm
	Heartbeat     uint32 // ms
	Ring          Ring
	ConfigVersion uint64
	ListType      ListType
	Nodes         []Node
	Vote          Vote
	Quorate       bool
	TieBreaker    TieBreaker
	Heuristics    Heuristics
	KeepActive    bool

	has uint32
}

// Has tells whether the message carries an option.
func (m *Message) Has(o Option) bool { return m.has&(1<<o) != 0 }

// With marks options as carried and gives the message back.
func (m *Message) With(list ...Option) *Message {
	for _, o := range list {
		m.has |= 1 << o
	}
	return m
}

// New makes a message that carries a sequence number.
func New(t Type, seq uint32) *Message {
	m := &Message{Type: t, Seq: seq}
	return m.With(OptSeq)
}

// Reply makes the answer to a message, with its sequence number where it has one.
func (m *Message) Reply(t Type) *Message {
	r := &Message{Type: t, Seq: m.Seq}
	if m.Has(OptSeq) {
		r.With(OptSeq)
	}
	return r
}

// KnownMessages and KnownOptions are what this implementation understands.
func KnownMessages() []uint16 { return upTo(uint16(types)) }

// KnownOptions lists the options that this implementation understands.
func KnownOptions() []uint16 { return upTo(uint16(options)) }

func upTo(n uint16) []uint16 {
	list := make([]uint16, n)
	for i := range list {
		list[i] = uint16(i)
	}
	return list
}

// usual is the order of options in messages; order has the types that differ.
var usual = []Option{
	OptSeq, OptCluster, OptTLS, OptCertRequired, OptMessages, OptOptions, OptNode, OptAlgorithm, OptHeartbeat, OptTieBreaker,
	OptListType, OptVote, OptRing, OptConfigVersion, OptQuorate, OptNodeInfo, OptHeuristics, OptKeepActive,
}

var order = map[Type][]Option{
	InitReply:             {OptCode, OptMessages, OptOptions, OptSeq, OptMaxRequest, OptMaxReply, OptAlgorithms},
	ServerError:           {OptSeq, OptCode},
	NodeListReply:         {OptSeq, OptListType, OptRing, OptVote},
	AskForVoteReply:       {OptSeq, OptRing, OptVote},
	HeuristicsChangeReply: {OptSeq, OptRing, OptHeuristics, OptVote},
}

var be = binary.BigEndian

// Marshal is the message's bytes. It panics on values that no message can hold.
func (m *Message) Marshal() []byte {
	b := make([]byte, header, 64)
	be.PutUint16(b, uint16(m.Type))
	list, ok := order[m.Type]
	if !ok {
		list = usual
	}
	for _, o := range list {
		if !m.Has(o) {
			continue
		}
		if o == OptNodeInfo {
			for _, n := range m.Nodes {
				b = put(b, o, n.marshal())
			}
			continue
		}
		b = put(b, o, m.value(o))
	}
	be.PutUint32(b[2:], uint32(len(b)-header))
	return b
}

func put(b []byte, o Option, v []byte) []byte {
	if len(v) > math.MaxUint16 {
		panic(fmt.Sprintf("qnet: option %d of %d bytes", o, len(v)))
	}
	b = be.AppendUint16(b, uint16(o))
	b = be.AppendUint16(b, uint16(len(v)))
	return append(b, v...)
}

func (n Node) marshal() []byte {
	b := put(nil, OptNode, be.AppendUint32(nil, n.ID))
	if n.DataCenter != 0 {
		b = put(b, OptDataCenter, be.AppendUint32(nil, n.DataCenter))
	}
	if n.State != 0 {
		b = put(b, OptNodeState, []byte{byte(n.State)})
	}
	return b
}

func (m *Message) value(o Option) []byte {
	switch o {
	case OptSeq:
		return be.AppendUint32(nil, m.Seq)
	case OptCluster:
		return []byte(m.Cluster)
	case OptTLS:
		return []byte{byte(m.TLS)}
	case OptCertRequired:
		return flag(m.CertRequired)
	case OptMessages:
		return words(m.Messages)
	case OptOptions:
		return words(m.Options)
	case OptCode:
		return be.AppendUint16(nil, uint16(m.Code))
	case OptMaxRequest:
		return be.AppendUint32(nil, m.MaxRequest)
	case OptMaxReply:
		return be.AppendUint32(nil, m.MaxReply)
	case OptNode:
		return be.AppendUint32(nil, m.Node)
	case OptAlgorithms:
		return words(m.Algorithms)
	case OptAlgorithm:
		return be.AppendUint16(nil, uint16(m.Algorithm))
	case OptHeartbeat:
		return be.AppendUint32(nil, m.Heartbeat)
	case OptRing:
		return be.AppendUint64(be.AppendUint32(nil, m.Ring.Node), m.Ring.Seq)
	case OptConfigVersion:
		return be.AppendUint64(nil, m.ConfigVersion)
	case OptListType:
		return []byte{byte(m.ListType)}
	case OptVote:
		return []byte{byte(m.Vote)}
	case OptQuorate:
		return flag(m.Quorate)
	case OptTieBreaker:
		return be.AppendUint32([]byte{byte(m.TieBreaker.Mode)}, m.TieBreaker.Node)
	case OptHeuristics:
		return []byte{byte(m.Heuristics)}
	case OptKeepActive:
		return flag(m.KeepActive)
	}
	panic(fmt.Sprintf("qnet: no option %d", o))
}

func flag(b bool) []byte {
	if b {
		return []byte{1}
	}
	return []byte{0}
}

func words(list []uint16) []byte {
	var b []byte
	for _, w := range list {
		b = be.AppendUint16(b, w)
	}
	return b
}

// TooLong is a message beyond the size that was agreed on. It was skipped.
type TooLong struct {
	Type Type
	Size uint32
}

func (e *TooLong) Error() string { return fmt.Sprintf("%s of %d bytes is too long", e.Type, e.Size) }

// Read reads one message of at most limit bytes. Of a longer one nothing is kept:
// the connection cannot go on. An error of the bytes inside is of type *Malformed;
// the next message can be read after it.
func Read(r io.Reader, limit int) (*Message, error) {
	var h [header]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, err
	}
	t, size := Type(be.Uint16(h[:])), be.Uint32(h[2:])
	if uint64(size)+header > uint64(limit) {
		return nil, &TooLong{t, size}
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r, b); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	m, err := Parse(t, b)
	if err != nil {
		return nil, &Malformed{m, err}
	}
	return m, nil
}

// Malformed is a message that cannot be understood. Message holds what could be
// read of it, its sequence number where it had one.
type Malformed struct {
	Message *Message
	Err     error
}

func (e *Malformed) Error() string { return e.Message.Type.String() + ": " + e.Err.Error() }
func (e *Malformed) Unwrap() error { return e.Err }

// Parse reads a message's options. Unknown options are skipped. The message is
// never nil: with an error it holds what came before.
func Parse(t Type, b []byte) (*Message, error) {
	m := &Message{Type: t}
	err := each(b, func(o Option, v []byte) error {
		if o >= options {
			return nil
		}
		if err := m.take(o, v); err != nil {
			return fmt.Errorf("option %d: %w", o, err)
		}
		m.With(o)
		return nil
	})
	return m, err
}

// each walks through options.
func each(b []byte, f func(o Option, v []byte) error) error {
	for len(b) > 0 {
		if len(b) < 4 {
			return fmt.Errorf("an option's head of %d bytes", len(b))
		}
		o, n := Option(be.Uint16(b)), int(be.Uint16(b[2:]))
		if n > len(b)-4 {
			return fmt.Errorf("option %d of %d bytes, where %d are left", o, n, len(b)-4)
		}
		if err := f(o, b[4:4+n]); err != nil {
			return err
		}
		b = b[4+n:]
	}
	return nil
}

var sizes = map[Option]int{
	OptSeq: 4, OptTLS: 1, OptCertRequired: 1, OptCode: 2, OptMaxRequest: 4, OptMaxReply: 4, OptNode: 4, OptAlgorithm: 2, OptHeartbeat: 4,
	OptRing: 12, OptConfigVersion: 8, OptDataCenter: 4, OptNodeState: 1, OptListType: 1, OptVote: 1, OptQuorate: 1, OptTieBreaker: 5,
	OptHeuristics: 1, OptKeepActive: 1,
}

// limits are the least and greatest values of options of one byte.
var limits = map[Option][2]byte{
	OptTLS: {0, 2}, OptCertRequired: {0, 1}, OptNodeState: {1, 3}, OptListType: {0, 3}, OptVote: {1, 5}, OptQuorate: {0, 1}, OptHeuristics: {0, 2}, OptKeepActive: {0, 1},
}

func check(o Option, v []byte) error {
	if n, ok := sizes[o]; ok && len(v) != n {
		return fmt.Errorf("%d bytes, not %d", len(v), n)
	}
	if l, ok := limits[o]; ok && (v[0] < l[0] || v[0] > l[1]) {
		return fmt.Errorf("value %d", v[0])
	}
	return nil
}

func (m *Message) take(o Option, v []byte) (err error) {
	if err := check(o, v); err != nil {
		return err
	}
	switch o {
	case OptSeq:
		m.Seq = be.Uint32(v)
	case OptCluster:
		if len(v) == 0 {
			return errors.New("empty")
		}
		m.Cluster = string(v)
	case OptTLS:
		m.TLS = TLS(v[0])
	case OptCertRequired:
		m.CertRequired = v[0] != 0
	case OptMessages:
		m.Messages, err = list(v)
	case OptOptions:
		m.Options, err = list(v)
	case OptCode:
		m.Code = Code(be.Uint16(v))
	case OptMaxRequest:
		m.MaxRequest = be.Uint32(v)
	case OptMaxReply:
		m.MaxReply = be.Uint32(v)
	case OptNode:
		m.Node = be.Uint32(v)
	case OptAlgorithms:
		m.Algorithms, err = list(v)
	case OptAlgorithm:
		m.Algorithm = Algorithm(be.Uint16(v))
	case OptHeartbeat:
		m.Heartbeat = be.Uint32(v)
	case OptRing:
		m.Ring = Ring{be.Uint32(v), be.Uint64(v[4:])}
	case OptConfigVersion:
		m.ConfigVersion = be.Uint64(v)
	case OptNodeInfo:
		var n Node
		if n, err = parseNode(v); err == nil {
			m.Nodes = append(m.Nodes, n)
		}
	case OptListType:
		m.ListType = ListType(v[0])
	case OptVote:
		m.Vote = Vote(v[0])
	case OptQuorate:
		m.Quorate = v[0] != 0
	case OptTieBreaker:
		m.TieBreaker = TieBreaker{TieMode(v[0]), be.Uint32(v[1:])}
		if m.TieBreaker.Mode < Lowest || m.TieBreaker.Mode > ByNode {
			return fmt.Errorf("tie breaker %d", v[0])
		}
		if m.TieBreaker.Mode != ByNode {
			m.TieBreaker.Node = 0
		}
	case OptHeuristics:
		m.Heuristics = Heuristics(v[0])
	case OptKeepActive:
		m.KeepActive = v[0] != 0
	}
	return err
}

func list(v []byte) ([]uint16, error) {
	if len(v)%2 != 0 {
		return nil, fmt.Errorf("a list of %d bytes", len(v))
	}
	out := make([]uint16, 0, len(v)/2)
	for ; len(v) > 0; v = v[2:] {
		out = append(out, be.Uint16(v))
	}
	return out, nil
}

func parseNode(b []byte) (n Node, err error) {
	found := false
	err = each(b, func(o Option, v []byte) error {
		if err := check(o, v); err != nil {
			return fmt.Errorf("option %d of a node: %w", o, err)
		}
		switch o {
		case OptNode:
			n.ID, found = be.Uint32(v), true
		case OptDataCenter:
			n.DataCenter = be.Uint32(v)
		case OptNodeState:
			n.State = NodeState(v[0])
		}
		return nil
	})
	if err == nil && !found {
		err = errors.New("a node without id")
	}
	return n, err
}
