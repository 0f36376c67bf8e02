package local

// Requests of votequorum. Those whose answer is a status only are answered with id 0.
const (
	VQGetInfo       = 0
	VQSetExpected   = 1
	VQSetVotes      = 2
	VQTrackStart    = 3
	VQTrackStop     = 4
	VQDevRegister   = 5
	VQDevUnregister = 6
	VQDevUpdate     = 7
	VQDevPoll       = 8
	VQDevMasterWins = 9
)

// Responses and events of votequorum.
const (
	VQStatusAnswer  = 0
	VQInfoAnswer    = 1
	VQQuorumEvent   = 3
	VQExpectedEvent = 4
	VQNodelistEvent = 5
)

// Flags of VoteInfo.
const (
	VQTwoNode          = 1
	VQQuorate          = 2
	VQWaitForAll       = 4
	VQLastManStanding  = 8
	VQAutoTieBreaker   = 16
	VQAllowDownscale   = 32
	VQDeviceRegistered = 64
	VQDeviceAlive      = 128
	VQDeviceCastVote   = 256
	VQDeviceMasterWins = 512
)

// States of nodes.
const (
	NodeMember  = 1
	NodeDead    = 2
	NodeLeaving = 3
)

// DeviceNode is the node id that stands for the quorum device in node lists.
const DeviceNode = 0

const (
	deviceNameSize = 255
	infoSize       = 320
)

// VoteInfo is what votequorum knows, as seen from one node.
type VoteInfo struct {
	Node, State, Votes, Expected, HighestExpected, Total, Quorum, Flags, DeviceVotes uint32

	DeviceName string
}

// InfoRequest asks for the VoteInfo of a node; 0 is this node.
func InfoRequest(node uint32) []byte { return numberRequest(VQGetInfo, node) }

// Marshal is the response's bytes.
func (v VoteInfo) Marshal(status Status) []byte {
	b := response(VQInfoAnswer, status, infoSize)
	for i, f := range []uint32{v.Node, v.State, v.Votes, v.Expected, v.HighestExpected, v.Total, v.Quorum, v.Flags, v.DeviceVotes} {
		b.put32(24+4*i, f)
	}
	b.putText(60, deviceNameSize-1, v.DeviceName)
	return b
}

// ParseVoteInfo reads a VoteInfo.
func ParseVoteInfo(m []byte) (VoteInfo, error) {
	b := block(m)
	if err := b.need(60+deviceNameSize, "vote info"); err != nil {
		return VoteInfo{}, err
	}
	return VoteInfo{
		b.u32(24), b.u32(28), b.u32(32), b.u32(36), b.u32(40), b.u32(44), b.u32(48), b.u32(52), b.u32(56),
		b.text(60, deviceNameSize),
	}, nil
}

// SetExpectedRequest asks to change the expected votes of the cluster.
func SetExpectedRequest(votes uint32) []byte { return numberRequest(VQSetExpected, votes) }

// SetVotesRequest asks to change the votes of a node.
func SetVotesRequest(node, votes uint32) []byte {
	b := request(VQSetVotes, 24)
	b.put32(16, votes)
	b.put32(20, node)
	return b
}

// ParseSetVotes reads a SetVotesRequest.
func ParseSetVotes(m []byte) (node, votes uint32, err error) {
	b := block(m)
	if err := b.need(24, "set votes"); err != nil {
		return 0, 0, err
	}
	return b.u32(20), b.u32(16), nil
}

// VoteTrack asks to be told of changes. Context comes back in each event.
type VoteTrack struct {
	Context uint64
	Flags   uint32
}

// Marshal is the request's bytes.
func (t VoteTrack) Marshal() []byte {
	b := request(VQTrackStart, 32)
	b.put64(16, t.Context)
	b.put32(24, t.Flags)
	return b
}

// ParseVoteTrack reads a VoteTrack.
func ParseVoteTrack(m []byte) (VoteTrack, error) {
	b := block(m)
	if err := b.need(28, "track request"); err != nil {
		return VoteTrack{}, err
	}
	return VoteTrack{b.u64(16), b.u32(24)}, nil
}

// NodeState is one entry of a VoteQuorum.
type NodeState struct{ Node, State uint32 }

// VoteQuorum tells that quorum or a node's state has changed.
type VoteQuorum struct {
	Quorate bool
	Context uint64
	Nodes   []NodeState
}

// Marshal is the event's bytes.
func (v VoteQuorum) Marshal() []byte {
	b := response(VQQuorumEvent, OK, 48+8*len(v.Nodes))
	if v.Quorate {
		b.put32(24, 1)
	}
	b.put64(32, v.Context)
	b.put32(40, uint32(len(v.Nodes)))
	for i, n := range v.Nodes {
		b.put32(48+8*i, n.Node)
		b.put32(52+8*i, n.State)
	}
	return b
}

// ParseVoteQuorum reads a VoteQuorum.
func ParseVoteQuorum(m []byte) (VoteQuorum, error) {
	b := block(m)
	if err := b.need(48, "quorum notification"); err != nil {
		return VoteQuorum{}, err
	}
	n := b.u32(40)
	if err := b.needList(48, n, 8, "quorum notification"); err != nil {
		return VoteQuorum{}, err
	}
	v := VoteQuorum{b.u32(24) != 0, b.u64(32), make([]NodeState, n)}
	for i := range v.Nodes {
		v.Nodes[i] = NodeState{b.u32(48 + 8*i), b.u32(52 + 8*i)}
	}
	return v, nil
}

// VoteNodelist tells of a new ring.
type VoteNodelist struct {
	Context uint64
	Ring    RingID
	Nodes   []uint32
}

// Marshal is the event's bytes.
func (v VoteNodelist) Marshal() []byte {
	b := response(VQNodelistEvent, OK, 56+4*len(v.Nodes))
	b.put64(24, v.Context)
	b.put32(32, v.Ring.Rep)
	b.put64(40, v.Ring.Seq)
	b.put32(48, uint32(len(v.Nodes)))
	b.putNodes(56, v.Nodes)
	return b
}

// ParseVoteNodelist reads a VoteNodelist.
func ParseVoteNodelist(m []byte) (VoteNodelist, error) {
	b := block(m)
	if err := b.need(56, "nodelist"); err != nil {
		return VoteNodelist{}, err
	}
	n := b.u32(48)
	if err := b.needList(56, n, 4, "nodelist"); err != nil {
		return VoteNodelist{}, err
	}
	return VoteNodelist{b.u64(24), RingID{Rep: b.u32(32), Seq: b.u64(40)}, b.nodes(56, n)}, nil
}

// VoteExpected tells that the expected votes have changed.
type VoteExpected struct {
	Context  uint64
	Expected uint32
}

// Marshal is the event's bytes.
func (v VoteExpected) Marshal() []byte {
	b := response(VQExpectedEvent, OK, 40)
	b.put64(24, v.Context)
	b.put32(32, v.Expected)
	return b
}

// ParseVoteExpected reads a VoteExpected.
func ParseVoteExpected(m []byte) (VoteExpected, error) {
	b := block(m)
	if err := b.need(36, "expected votes"); err != nil {
		return VoteExpected{}, err
	}
	return VoteExpected{b.u64(24), b.u32(32)}, nil
}

// DeviceRequest is a request that holds a device's name: VQDevRegister, VQDevUnregister.
func DeviceRequest(id int32, name string) []byte {
	b := request(id, 272)
	b.putText(16, deviceNameSize-1, name)
	return b
}

// ParseDevice reads the name of a DeviceRequest.
func ParseDevice(m []byte) (string, error) {
	b := block(m)
	if err := b.need(16+deviceNameSize, "device request"); err != nil {
		return "", err
	}
	return b.text(16, deviceNameSize), nil
}

// DevicePoll is a sign of life of the quorum device, with its vote for a ring.
type DevicePoll struct {
	Name string
	Cast bool
	Ring RingID
}

// Marshal is the request's bytes.
func (p DevicePoll) Marshal() []byte {
	b := request(VQDevPoll, 296)
	b.putText(16, deviceNameSize-1, p.Name)
	if p.Cast {
		b.put32(272, 1)
	}
	b.put32(280, p.Ring.Rep)
	b.put64(288, p.Ring.Seq)
	return b
}

// ParseDevicePoll reads a DevicePoll.
func ParseDevicePoll(m []byte) (DevicePoll, error) {
	b := block(m)
	if err := b.need(296, "device poll"); err != nil {
		return DevicePoll{}, err
	}
	return DevicePoll{b.text(16, deviceNameSize), b.u32(272) != 0, RingID{Rep: b.u32(280), Seq: b.u64(288)}}, nil
}

// DeviceUpdate renames the quorum device.
type DeviceUpdate struct{ Old, New string }

// Marshal is the request's bytes.
func (u DeviceUpdate) Marshal() []byte {
	b := request(VQDevUpdate, 528)
	b.putText(16, deviceNameSize-1, u.Old)
	b.putText(16+deviceNameSize, deviceNameSize-1, u.New)
	return b
}

// ParseDeviceUpdate reads a DeviceUpdate.
func ParseDeviceUpdate(m []byte) (DeviceUpdate, error) {
	b := block(m)
	if err := b.need(16+2*deviceNameSize, "device update"); err != nil {
		return DeviceUpdate{}, err
	}
	return DeviceUpdate{b.text(16, deviceNameSize), b.text(16+deviceNameSize, deviceNameSize)}, nil
}

// DeviceMasterWins says whether the partition that the device votes for wins always.
type DeviceMasterWins struct {
	Name  string
	Allow bool
}

// Marshal is the request's bytes.
func (d DeviceMasterWins) Marshal() []byte {
	b := request(VQDevMasterWins, 280)
	b.putText(16, deviceNameSize-1, d.Name)
	if d.Allow {
		b.put32(272, 1)
	}
	return b
}

// ParseDeviceMasterWins reads a DeviceMasterWins.
func ParseDeviceMasterWins(m []byte) (DeviceMasterWins, error) {
	b := block(m)
	if err := b.need(276, "device request"); err != nil {
		return DeviceMasterWins{}, err
	}
	return DeviceMasterWins{b.text(16, deviceNameSize), b.u32(272) != 0}, nil
}
