// Package qnet is the protocol that corosync-qdevice and corosync-qnetd speak over
// TCP 5403: messages of typed options, all big endian.
//
//	m := &qnet.Message{Type: qnet.Preinit}
//	m.SetSeq(1); m.SetCluster("lab")
//	conn.Write(m.Marshal())
//	m, err := qnet.Read(conn, qnet.DefaultSize)
//
// An option that a message does not carry is told apart from one that is zero: see
// Message.Has.
package qnet

import "strconv"

// Type is what a message is about.
type Type uint16

// The types of messages.
const (
	Preinit Type = iota
	PreinitReply
	StartTLS
	Init
	InitReply
	ServerError
	SetOption
	SetOptionReply
	EchoRequest
	EchoReply
	NodeList
	NodeListReply
	AskForVote
	AskForVoteReply
	VoteInfo
	VoteInfoReply
	HeuristicsChange
	HeuristicsChangeReply
	types // how many there are
)

var typeNames = [types]string{
	"preinit", "preinit reply", "starttls", "init", "init reply", "server error", "set option", "set option reply",
	"echo request", "echo reply", "node list", "node list reply", "ask for vote", "ask for vote reply",
	"vote info", "vote info reply", "heuristics change", "heuristics change reply",
}

func (t Type) String() string {
	if t < types {
		return typeNames[t]
	}
	return "message of type " + strconv.Itoa(int(t))
}

// Option is what one option of a message holds.
type Option uint16

// The options.
const (
	OptSeq Option = iota
	OptCluster
	OptTLS
	OptCertRequired
	OptMessages
	OptOptions
	OptCode
	OptMaxRequest
	OptMaxReply
	OptNode
	OptAlgorithms
	OptAlgorithm
	OptHeartbeat
	OptRing
	OptConfigVersion
	OptDataCenter
	OptNodeState
	OptNodeInfo
	OptListType
	OptVote
	OptQuorate
	OptTieBreaker
	OptHeuristics
	OptKeepActive
	options // how many there are
)

// TLS is whether a server speaks TLS.
type TLS uint8

// What a server says of TLS.
const (
	TLSUnsupported TLS = iota
	TLSSupported
	TLSRequired
)

// Algorithm is how a server decides who gets its vote.
type Algorithm uint16

// The algorithms.
const (
	Test Algorithm = iota
	FFSplit
	TwoNodeLMS
	LMS
)

func (a Algorithm) String() string {
	switch a {
	case Test:
		return "Test"
	case FFSplit:
		return "Fifty-Fifty split"
	case TwoNodeLMS:
		return "2 Node LMS"
	case LMS:
		return "LMS"
	}
	return "Unknown algorithm " + strconv.Itoa(int(a))
}

// Vote is what a server answers.
type Vote uint8

// The votes.
const (
	ACK          Vote = 1 // the node has the vote
	NACK         Vote = 2 // it has not
	AskLater     Vote = 3 // it shall ask again
	WaitForReply Vote = 4 // it will be told
	NoChange     Vote = 5 // as before
)

func (v Vote) String() string {
	switch v {
	case ACK:
		return "ACK"
	case NACK:
		return "NACK"
	case AskLater:
		return "Ask later"
	case WaitForReply:
		return "Wait for reply"
	case NoChange:
		return "No change"
	}
	return "Unknown vote value"
}

// ListType is what a list of nodes lists.
type ListType uint8

// The lists.
const (
	InitialConfig ListType = iota
	ChangedConfig
	Membership
	QuorumList
)

// NodeState is the state of a node in a QuorumList.
type NodeState uint8

// The states of nodes; 0 where none is told.
const (
	Member  NodeState = 1
	Dead    NodeState = 2
	Leaving NodeState = 3
)

// Heuristics is what a node's own checks came to.
type Heuristics uint8

// The outcomes of heuristics; 0 where there are none.
const (
	Pass Heuristics = 1
	Fail Heuristics = 2
)

func (h Heuristics) String() string {
	switch h {
	case Pass:
		return "Pass"
	case Fail:
		return "Fail"
	}
	return "Undefined"
}

// TieMode is which node decides between equal partitions.
type TieMode uint8

// The modes of a tie breaker.
const (
	Lowest  TieMode = 1
	Highest TieMode = 2
	ByNode  TieMode = 3
)

// TieBreaker decides between equal partitions. Node counts with ByNode only.
type TieBreaker struct {
	Mode TieMode
	Node uint32
}

func (t TieBreaker) String() string {
	switch t.Mode {
	case Lowest:
		return "Node with lowest node ID"
	case Highest:
		return "Node with highest node ID"
	}
	return "Node with node ID " + strconv.FormatUint(uint64(t.Node), 10)
}

// Ring is a ring's id.
type Ring struct {
	Node uint32
	Seq  uint64
}

func (r Ring) String() string {
	return strconv.FormatUint(uint64(r.Node), 16) + "." + strconv.FormatUint(r.Seq, 16)
}

// Node is one node of a list.
type Node struct {
	ID         uint32
	DataCenter uint32    // 0 where none is told
	State      NodeState // 0 where none is told
}

// Code is why a server refuses.
type Code uint16

// The codes of refusals.
const (
	NoError Code = iota
	UnsupportedNeededMessage
	UnsupportedNeededOption
	TLSIsRequired
	UnsupportedMessage
	MessageTooLong
	PreinitIsRequired
	OptionIsMissing
	UnexpectedMessage
	DecodingError
	InternalError
	InitIsRequired
	UnsupportedAlgorithm
	InvalidHeartbeat
	UnsupportedAlgorithmMessage
	TieBreakerDiffers
	AlgorithmDiffers
	DuplicateNode
	InvalidConfigList
	InvalidMembershipList
)

var codeTexts = []string{
	"No error", "Unsupported needed message", "Unsupported needed option", "TLS required", "Unsupported message",
	"Message too long", "Preinit required", "Doesn't contain required option", "Unexpected message", "Error decoding message",
	"Internal error", "Init required", "Unsupported decision algorithm", "Invalid heartbeat interval",
	"Unsupported decision algorithm message", "Tie-breaker differs from other nodes", "Algorithm differs from other nodes",
	"Duplicate node id", "Invalid config node list", "Invalid membership node list",
}

func (c Code) String() string {
	if int(c) < len(codeTexts) {
		return codeTexts[c]
	}
	return "Unknown error " + strconv.Itoa(int(c))
}

func (c Code) Error() string { return c.String() }
