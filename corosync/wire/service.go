package wire

import (
	"fmt"
	"strings"
)

// Services, by their numbers.
const (
	ServiceCmap       = 0
	ServiceCfg        = 1
	ServiceCPG        = 2
	ServiceQuorum     = 3
	ServicePload      = 4
	ServiceVotequorum = 5
)

// Functions of services.
const (
	CmapMcast = 0

	CfgRingReenable   = 0
	CfgKillNode       = 1
	CfgShutdown       = 2
	CfgReload         = 3
	CfgCryptoReconfig = 4

	CPGProcJoin     = 0
	CPGProcLeave    = 1
	CPGJoinList     = 2
	CPGMcast        = 3
	CPGDownlistOld  = 4
	CPGDownlist     = 5
	CPGPartialMcast = 6

	VQNodeInfo       = 0
	VQReconfigure    = 1
	VQDevRegister    = 2
	VQDevReconfigure = 3
)

const (
	requestHeader  = 16
	responseHeader = 24
	groupNameSize  = 136
	maxGroupName   = 128
	keyNameSize    = 264
)

// message makes a service message of size bytes with its header.
func message(service, function, size int) []byte {
	b := make([]byte, size)
	putMessage(b, service, function, size)
	return b
}

func putMessage(b []byte, service, function, size int) {
	le.PutUint32(b, uint32(service<<16|function))
	le.PutUint32(b[8:], uint32(size))
}

// ServiceOf tells the service and the function that a message is for.
func ServiceOf(b []byte) (service, function int, err error) {
	if len(b) < requestHeader {
		return 0, 0, fmt.Errorf("service message of %d bytes", len(b))
	}
	id := le.Uint32(b)
	return int(id >> 16), int(id & 0xffff), nil
}

func need(b []byte, n int, what string) error {
	if len(b) < n {
		return fmt.Errorf("%s of %d bytes; at least %d belong to it", what, len(b), n)
	}
	return nil
}

func putGroupName(b []byte, name string) {
	n := min(len(name), maxGroupName)
	le.PutUint32(b, uint32(n))
	copy(b[8:], name[:n])
}

func groupName(b []byte) (string, error) {
	n := le.Uint32(b)
	if n > maxGroupName {
		return "", fmt.Errorf("group name of %d bytes", n)
	}
	return string(b[8 : 8+n]), nil
}

func text(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}

// Process tells that a process has joined (CPGProcJoin) or left (CPGProcLeave) a group.
type Process struct {
	Group  string
	PID    uint32
	Reason uint32 // as in local.Reason
}

// Marshal is the message's bytes.
func (p Process) Marshal(function int) []byte {
	b := message(ServiceCPG, function, 168)
	putGroupName(b[16:], p.Group)
	le.PutUint32(b[152:], p.PID)
	le.PutUint32(b[160:], p.Reason)
	return b
}

// ParseProcess reads a Process.
func ParseProcess(b []byte) (Process, error) {
	if err := need(b, 164, "cpg process message"); err != nil {
		return Process{}, err
	}
	g, err := groupName(b[16:])
	return Process{g, le.Uint32(b[152:]), le.Uint32(b[160:])}, err
}

// JoinEntry is one entry of a JoinList.
type JoinEntry struct {
	PID   uint32
	Group string
}

// JoinList is all processes of a node that are in groups.
type JoinList []JoinEntry

const joinEntrySize = 8 + groupNameSize

// Marshal is the message's bytes.
func (l JoinList) Marshal() []byte {
	b := message(ServiceCPG, CPGJoinList, responseHeader+joinEntrySize*len(l))
	for i, e := range l {
		at := b[responseHeader+joinEntrySize*i:]
		le.PutUint32(at, e.PID)
		putGroupName(at[8:], e.Group)
	}
	return b
}

// ParseJoinList reads a JoinList.
func ParseJoinList(b []byte) (JoinList, error) {
	if err := need(b, responseHeader, "cpg join list"); err != nil {
		return nil, err
	}
	var l JoinList
	for at := b[responseHeader:]; len(at) >= joinEntrySize; at = at[joinEntrySize:] {
		g, err := groupName(at[8:])
		if err != nil {
			return nil, err
		}
		l = append(l, JoinEntry{le.Uint32(at), g})
	}
	return l, nil
}

// GroupMessage is a message from a process to its group.
type GroupMessage struct {
	Group  string
	PID    uint32
	Node   uint32
	Source uint64 // a number of the sending node's own
	Data   []byte
}

// Marshal is the message's bytes.
func (m GroupMessage) Marshal() []byte { return append(m.Head(), m.Data...) }

// GroupMessageHead and GroupPartHead are how long what stands before the data is.
const (
	GroupMessageHead = 184
	GroupPartHead    = 200
)

// Head is what stands before the data.
func (m GroupMessage) Head() []byte { return m.PutHead(make([]byte, GroupMessageHead)) }

// PutHead is Head in a block that is all 0.
func (m GroupMessage) PutHead(b []byte) []byte {
	putMessage(b, ServiceCPG, CPGMcast, GroupMessageHead+len(m.Data))
	putGroupName(b[16:], m.Group)
	le.PutUint32(b[152:], uint32(len(m.Data)))
	le.PutUint32(b[160:], m.PID)
	le.PutUint32(b[168:], m.Node)
	le.PutUint64(b[176:], m.Source)
	return b
}

// ParseGroupMessage reads a GroupMessage; Data is part of b. Where its group is the one that is given, it has that text.
func ParseGroupMessage(b []byte, group string) (GroupMessage, error) {
	if err := need(b, 184, "cpg message"); err != nil {
		return GroupMessage{}, err
	}
	n := le.Uint32(b[152:])
	if uint64(len(b)) < 184+uint64(n) {
		return GroupMessage{}, fmt.Errorf("cpg message of %d bytes with data of %d", len(b), n)
	}
	g, err := group, error(nil)
	if size := len(group); size == 0 || size > maxGroupName || le.Uint32(b[16:]) != uint32(size) || string(b[24:24+size]) != group {
		g, err = groupName(b[16:])
	}
	return GroupMessage{g, le.Uint32(b[160:]), le.Uint32(b[168:]), le.Uint64(b[176:]), b[184 : 184+n]}, err
}

// GroupPart is a piece of a message that is too big for one.
type GroupPart struct {
	Group  string
	Size   uint32 // of the whole message
	PID    uint32
	Type   uint32 // 1 first, 2 continued, 3 last
	Node   uint32
	Source uint64
	Data   []byte
}

// Marshal is the message's bytes.
func (m GroupPart) Marshal() []byte { return append(m.Head(), m.Data...) }

// Head is what stands before the data.
func (m GroupPart) Head() []byte {
	b := make([]byte, GroupPartHead)
	putMessage(b, ServiceCPG, CPGPartialMcast, GroupPartHead+len(m.Data))
	putGroupName(b[16:], m.Group)
	le.PutUint32(b[152:], m.Size)
	le.PutUint32(b[160:], uint32(len(m.Data)))
	le.PutUint32(b[168:], m.PID)
	le.PutUint32(b[176:], m.Type)
	le.PutUint32(b[184:], m.Node)
	le.PutUint64(b[192:], m.Source)
	return b
}

// ParseGroupPart reads a GroupPart; Data is part of b.
func ParseGroupPart(b []byte) (GroupPart, error) {
	if err := need(b, 200, "cpg part"); err != nil {
		return GroupPart{}, err
	}
	n := le.Uint32(b[160:])
	if uint64(len(b)) < 200+uint64(n) {
		return GroupPart{}, fmt.Errorf("cpg part of %d bytes with data of %d", len(b), n)
	}
	g, err := groupName(b[16:])
	return GroupPart{g, le.Uint32(b[152:]), le.Uint32(b[168:]), le.Uint32(b[176:]), le.Uint32(b[184:]), le.Uint64(b[192:]), b[200 : 200+n]}, err
}

// Downlist tells which nodes have left. Receivers log it only.
type Downlist struct {
	OldMembers int
	Left       []uint32
}

// Marshal is the message's bytes.
func (d Downlist) Marshal() []byte {
	b := message(ServiceCPG, CPGDownlist, 32+4*MaxNodes)
	le.PutUint32(b[16:], uint32(d.OldMembers))
	left := d.Left[:min(len(d.Left), MaxNodes)]
	le.PutUint32(b[24:], uint32(len(left)))
	putNodes(b[32:], left)
	return b
}

// ParseDownlist reads a Downlist.
func ParseDownlist(b []byte) (Downlist, error) {
	if err := need(b, 32, "cpg downlist"); err != nil {
		return Downlist{}, err
	}
	n := le.Uint32(b[24:])
	if n > MaxNodes || len(b) < 32+4*int(n) {
		return Downlist{}, fmt.Errorf("cpg downlist of %d bytes with %d nodes", len(b), n)
	}
	return Downlist{int(le.Uint32(b[16:])), reader{b, le}.nodes(32, int(n))}, nil
}

// Flags of NodeInfo.
const (
	NodeQuorate          = 1
	NodeLeaving          = 2
	NodeWaitForAll       = 4
	NodeFirst            = 8
	NodeDeviceRegistered = 16
	NodeDeviceAlive      = 32
	NodeDeviceCastVote   = 64
	NodeDeviceMasterWins = 128
)

// NodeInfo is what votequorum tells of a node, or with Node 0 of the quorum device.
type NodeInfo struct{ Node, Votes, Expected, Flags uint32 }

// Marshal is the message's bytes.
func (n NodeInfo) Marshal() []byte {
	b := message(ServiceVotequorum, VQNodeInfo, 32)
	putNodes(b[16:], []uint32{n.Node, n.Votes, n.Expected, n.Flags})
	return b
}

// ParseNodeInfo reads a NodeInfo.
func ParseNodeInfo(b []byte) (NodeInfo, error) {
	if err := need(b, 32, "votequorum node info"); err != nil {
		return NodeInfo{}, err
	}
	return NodeInfo{le.Uint32(b[16:]), le.Uint32(b[20:]), le.Uint32(b[24:]), le.Uint32(b[28:])}, nil
}

// What a Reconfigure changes.
const (
	ReconfigureExpected   = 1
	ReconfigureVotes      = 2
	ReconfigureCancelWait = 3
)

// Reconfigure changes votes on all nodes.
type Reconfigure struct {
	Node, Value uint32
	What        uint8
}

// Marshal is the message's bytes.
func (r Reconfigure) Marshal() []byte {
	b := message(ServiceVotequorum, VQReconfigure, 32)
	le.PutUint32(b[16:], r.Node)
	le.PutUint32(b[20:], r.Value)
	b[24] = r.What
	return b
}

// ParseReconfigure reads a Reconfigure.
func ParseReconfigure(b []byte) (Reconfigure, error) {
	if err := need(b, 25, "votequorum reconfiguration"); err != nil {
		return Reconfigure{}, err
	}
	return Reconfigure{le.Uint32(b[16:]), le.Uint32(b[20:]), b[24]}, nil
}

// DeviceRegister tells that a node has a quorum device.
type DeviceRegister struct {
	Register bool
	Name     string
}

const deviceNameSize = 255

// Marshal is the message's bytes.
func (d DeviceRegister) Marshal() []byte {
	b := message(ServiceVotequorum, VQDevRegister, 280)
	if d.Register {
		le.PutUint32(b[16:], 1)
	}
	copy(b[20:20+deviceNameSize-1], d.Name)
	return b
}

// ParseDeviceRegister reads a DeviceRegister.
func ParseDeviceRegister(b []byte) (DeviceRegister, error) {
	if err := need(b, 20+deviceNameSize, "votequorum device registration"); err != nil {
		return DeviceRegister{}, err
	}
	return DeviceRegister{le.Uint32(b[16:]) != 0, text(b[20 : 20+deviceNameSize])}, nil
}

// DeviceRename tells that the quorum device has another name.
type DeviceRename struct{ Old, New string }

// Marshal is the message's bytes.
func (d DeviceRename) Marshal() []byte {
	b := message(ServiceVotequorum, VQDevReconfigure, 528)
	copy(b[16:16+deviceNameSize-1], d.Old)
	copy(b[16+deviceNameSize:16+2*deviceNameSize-1], d.New)
	return b
}

// ParseDeviceRename reads a DeviceRename.
func ParseDeviceRename(b []byte) (DeviceRename, error) {
	if err := need(b, 16+2*deviceNameSize, "votequorum device name"); err != nil {
		return DeviceRename{}, err
	}
	return DeviceRename{text(b[16 : 16+deviceNameSize]), text(b[16+deviceNameSize : 16+2*deviceNameSize])}, nil
}

// KillNode ends the daemon of a node.
type KillNode struct {
	Node   uint32
	Reason string
}

// Marshal is the message's bytes.
func (k KillNode) Marshal() []byte {
	b := message(ServiceCfg, CfgKillNode, 24+keyNameSize)
	le.PutUint32(b[16:], k.Node)
	n := min(len(k.Reason), 255)
	le.PutUint16(b[24:], uint16(n))
	copy(b[32:], k.Reason[:n])
	return b
}

// ParseKillNode reads a KillNode.
func ParseKillNode(b []byte) (KillNode, error) {
	if err := need(b, 24+keyNameSize, "cfg kill"); err != nil {
		return KillNode{}, err
	}
	n := min(int(le.Uint16(b[24:])), 256)
	return KillNode{le.Uint32(b[16:]), text(b[32 : 32+n])}, nil
}

// Shutdown tells that the sender ends.
func Shutdown() []byte { return message(ServiceCfg, CfgShutdown, requestHeader) }

// Reload has every node read its configuration again.
func Reload() []byte { return message(ServiceCfg, CfgReload, 32) }

// CryptoReconfig is a phase of a change of keys: 1 activate, 2 clean up.
func CryptoReconfig(phase uint32) []byte {
	b := message(ServiceCfg, CfgCryptoReconfig, 24)
	le.PutUint32(b[16:], phase)
	return b
}

// ParseCryptoReconfig reads the phase of a CryptoReconfig.
func ParseCryptoReconfig(b []byte) (phase uint32, err error) {
	if len(b) < 20 {
		return 0, fmt.Errorf("crypto reconfiguration of %d bytes", len(b))
	}
	return le.Uint32(b[16:]), nil
}

// KeyTotemConfigVersion is the only key that a ConfigVersion carries.
const KeyTotemConfigVersion = "totem.config_version"

// ConfigVersion is the version of a node's configuration file, sent at each sync
// (reason 0) and when it has changed (reason 1).
type ConfigVersion struct {
	Reason  uint8
	Present bool
	Version uint64
}

const configItem = 48

// Marshal is the message's bytes.
func (c ConfigVersion) Marshal() []byte {
	size := configItem + 280
	if c.Present {
		size += 8
	}
	b := message(ServiceCmap, CmapMcast, size)
	b[16] = c.Reason
	b[24] = 1
	le.PutUint16(b[configItem:], uint16(len(KeyTotemConfigVersion)))
	copy(b[configItem+8:], KeyTotemConfigVersion)
	if c.Present {
		b[configItem+264] = 8
		le.PutUint64(b[configItem+272:], 8)
		le.PutUint64(b[configItem+280:], c.Version)
	}
	return b
}

// ParseConfigVersion reads a ConfigVersion; other keys are skipped.
func ParseConfigVersion(b []byte) (ConfigVersion, error) {
	if err := need(b, configItem, "cmap message"); err != nil {
		return ConfigVersion{}, err
	}
	c := ConfigVersion{Reason: b[16]}
	at := b[configItem:]
	for range int(b[24]) {
		if err := need(at, 280, "cmap item"); err != nil {
			return ConfigVersion{}, err
		}
		n := le.Uint64(at[272:])
		padded := (n + 7) &^ 7
		if n > 1<<20 || uint64(len(at)) < 280+n {
			return ConfigVersion{}, fmt.Errorf("cmap item of %d bytes with a value of %d", len(at), n)
		}
		name := min(int(le.Uint16(at)), 256)
		if string(at[8:8+name]) == KeyTotemConfigVersion && at[264] == 8 && n == 8 {
			c.Present, c.Version = true, le.Uint64(at[280:])
		}
		at = at[min(uint64(len(at)), 280+padded):]
	}
	return c, nil
}

// Sync messages, in the group "sync".
const (
	SyncBarrier      = 0
	SyncServiceBuild = 1

	maxServices = 128
)

// Sync is a message of the sync engine: a barrier, or with Services the list of services
// that its sender has.
type Sync struct {
	Ring     RingID
	Services []int // nil: a barrier
}

// Marshal is the message's bytes.
func (s Sync) Marshal() []byte {
	if s.Services == nil {
		b := message(0, SyncBarrier, 32)
		putRing(b[16:], s.Ring)
		return b
	}
	b := message(0, SyncServiceBuild, 552)
	putRing(b[16:], s.Ring)
	list := s.Services[:min(len(s.Services), maxServices)]
	le.PutUint32(b[32:], uint32(len(list)))
	for i, id := range list {
		le.PutUint32(b[40+4*i:], uint32(id))
	}
	return b
}

// ParseSync reads a Sync.
func ParseSync(b []byte) (Sync, error) {
	if err := need(b, 28, "sync message"); err != nil {
		return Sync{}, err
	}
	s := Sync{Ring: reader{b, le}.ring(16)}
	switch id := le.Uint32(b); id {
	case SyncBarrier:
		return s, nil
	case SyncServiceBuild:
	default:
		return Sync{}, fmt.Errorf("unknown sync message %d", id)
	}
	if err := need(b, 40, "sync message"); err != nil {
		return Sync{}, err
	}
	n := le.Uint32(b[32:])
	if n > maxServices || len(b) < 40+4*int(n) {
		return Sync{}, fmt.Errorf("sync message of %d bytes with %d services", len(b), n)
	}
	s.Services = make([]int, n)
	for i := range s.Services {
		s.Services[i] = int(int32(le.Uint32(b[40+4*i:])))
	}
	return s, nil
}
