package local

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Requests of cfg.
const (
	CfgRingStatus      = 0
	CfgRingReenable    = 1
	CfgKillNode        = 2
	CfgTryShutdown     = 3
	CfgReplyToShutdown = 4
	CfgNodeAddrs       = 5
	CfgLocal           = 6
	CfgReload          = 7
	CfgReopenLogs      = 8
	CfgNodeStatus      = 9
	CfgTrackStart      = 10
	CfgTrackStop       = 11
)

// Responses and events of cfg.
const (
	CfgRingStatusAnswer    = 0
	CfgRingReenableAnswer  = 1
	CfgTrackStartAnswer    = 2
	CfgTrackStopAnswer     = 3
	CfgKillNodeAnswer      = 8
	CfgTryShutdownAnswer   = 9
	CfgTestShutdownEvent   = 10
	CfgNodeAddrsAnswer     = 11
	CfgLocalAnswer         = 12
	CfgReplyShutdownAnswer = 13
	CfgReloadAnswer        = 14
	CfgReopenLogsAnswer    = 15
	CfgNodeStatusAnswer    = 16
)

// How to shut down: ask those who track first, do not mind their answers, or do not ask.
const (
	ShutdownRequest    = 0
	ShutdownRegardless = 1
	ShutdownImmediate  = 2
)

const (
	maxInterfaces   = 16
	interfaceName   = 128
	interfaceStatus = 512
	maxLinks        = 8
	linkSize        = 520
	linkHost        = 256
	nodeStatusSize  = 4200
	nodeAddrSize    = 16
)

// RingStatus is the state of one link of this node.
type RingStatus struct{ Name, Status string }

// RingStatusAnswer tells the state of this node's links.
func RingStatusAnswer(status Status, links []RingStatus) []byte {
	b := response(CfgRingStatusAnswer, status, 32+maxInterfaces*(interfaceName+interfaceStatus))
	links = links[:min(len(links), maxInterfaces)]
	b.put32(24, uint32(len(links)))
	for i, l := range links {
		b.putText(32+i*interfaceName, interfaceName-1, l.Name)
		b.putText(32+maxInterfaces*interfaceName+i*interfaceStatus, interfaceStatus-1, l.Status)
	}
	return b
}

// ParseRingStatus reads a RingStatusAnswer.
func ParseRingStatus(m []byte) ([]RingStatus, error) {
	b := block(m)
	if err := b.need(32+maxInterfaces*(interfaceName+interfaceStatus), "ring status"); err != nil {
		return nil, err
	}
	n := b.u32(24)
	if n > maxInterfaces {
		return nil, fmt.Errorf("ring status of %d links", n)
	}
	links := make([]RingStatus, n)
	for i := range links {
		links[i] = RingStatus{b.text(32+i*interfaceName, interfaceName), b.text(32+maxInterfaces*interfaceName+i*interfaceStatus, interfaceStatus)}
	}
	return links, nil
}

// KillNode asks to end the daemon of a node.
type KillNode struct {
	Node   uint32
	Reason string
}

// Marshal is the request's bytes.
func (k KillNode) Marshal() []byte {
	b := request(CfgKillNode, 288)
	b.put32(16, k.Node)
	n := min(len(k.Reason), 255)
	order.PutUint16(b[24:], uint16(n))
	copy(b[26:], k.Reason[:n])
	return b
}

// ParseKillNode reads a KillNode.
func ParseKillNode(m []byte) (KillNode, error) {
	b := block(m)
	if err := b.need(26+256, "kill request"); err != nil {
		return KillNode{}, err
	}
	n := min(order.Uint16(b[24:]), 256)
	return KillNode{b.u32(16), b.text(26, int(n))}, nil
}

// ShutdownRequestOf asks for a shutdown in one of the ways ShutdownRequest, ….
func ShutdownRequestOf(how uint32) []byte { return numberRequest(CfgTryShutdown, how) }

// ReplyToShutdown answers a ShutdownEvent.
func ReplyToShutdown(yes bool) []byte {
	if yes {
		return numberRequest(CfgReplyToShutdown, 1)
	}
	return numberRequest(CfgReplyToShutdown, 0)
}

// ShutdownEvent asks those who track whether they agree to a shutdown.
func ShutdownEvent(how uint32) []byte {
	b := response(CfgTestShutdownEvent, OK, 32)
	b.put32(24, how)
	return b
}

// CfgTrackRequest asks to be asked before a shutdown.
func CfgTrackRequest() []byte { return request(CfgTrackStart, 24) }

// NodeAddrsRequest asks for the addresses of a node.
func NodeAddrsRequest(node uint32) []byte { return numberRequest(CfgNodeAddrs, node) }

// NodeAddrsAnswer tells the addresses of a node, all of one family.
func NodeAddrsAnswer(status Status, addrs []netip.Addr) []byte {
	b := response(CfgNodeAddrsAnswer, status, 32+nodeAddrSize*len(addrs))
	family := uint32(2)
	for i, a := range addrs {
		if a.Is4() {
			v := a.As4()
			copy(b[32+i*nodeAddrSize:], v[:])
		} else {
			family = 10
			v := a.As16()
			copy(b[32+i*nodeAddrSize:], v[:])
		}
	}
	b.put32(24, family)
	b.put32(28, uint32(len(addrs)))
	return b
}

// ParseNodeAddrs reads a NodeAddrsAnswer.
func ParseNodeAddrs(m []byte) ([]netip.Addr, error) {
	b := block(m)
	if err := b.need(32, "node addresses"); err != nil {
		return nil, err
	}
	n := b.u32(28)
	if err := b.needList(32, n, nodeAddrSize, "node addresses"); err != nil {
		return nil, err
	}
	list := make([]netip.Addr, n)
	for i := range list {
		raw := [16]byte(b[32+i*nodeAddrSize:])
		if b.u32(24) == 2 {
			list[i] = netip.AddrFrom4([4]byte(raw[:4]))
		} else {
			list[i] = netip.AddrFrom16(raw)
		}
	}
	return list, nil
}

// Link is the state of one link to a node.
type Link struct {
	Enabled, Connected, DynConnected bool
	MTU                              uint32
	Source, Destination              string
}

// NodeStatus is what the transport knows of a node. Links has 8 entries.
type NodeStatus struct {
	Node                         uint32
	Reachable, Remote, External  bool
	OnwireMin, OnwireMax, Onwire uint8
	Links                        [maxLinks]Link
}

// NodeStatusRequest asks for the NodeStatus of a node.
func NodeStatusRequest(node uint32) []byte {
	b := request(CfgNodeStatus, 32)
	b.put32(16, node)
	b.put32(24, 1)
	return b
}

// ParseNodeStatusRequest reads a NodeStatusRequest.
func ParseNodeStatusRequest(m []byte) (node, version uint32, err error) {
	b := block(m)
	if err := b.need(28, "node status request"); err != nil {
		return 0, 0, err
	}
	return b.u32(16), b.u32(24), nil
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// Marshal is the response's bytes.
func (s NodeStatus) Marshal(status Status) []byte {
	b := response(CfgNodeStatusAnswer, status, nodeStatusSize)
	b.put32(24, 1)
	b.put32(28, s.Node)
	copy(b[32:], []byte{flag(s.Reachable), flag(s.Remote), flag(s.External), s.OnwireMin, s.OnwireMax, s.Onwire})
	for i, l := range s.Links {
		off := 40 + i*linkSize
		copy(b[off:], []byte{flag(l.Enabled), flag(l.Connected), flag(l.DynConnected)})
		binary.NativeEndian.PutUint32(b[off+4:], l.MTU)
		b.putText(off+8, linkHost-1, l.Source)
		b.putText(off+8+linkHost, linkHost-1, l.Destination)
	}
	return b
}

// ParseNodeStatus reads a NodeStatus.
func ParseNodeStatus(m []byte) (NodeStatus, error) {
	b := block(m)
	if err := b.need(nodeStatusSize, "node status"); err != nil {
		return NodeStatus{}, err
	}
	s := NodeStatus{
		Node: b.u32(28), Reachable: b[32] != 0, Remote: b[33] != 0, External: b[34] != 0,
		OnwireMin: b[35], OnwireMax: b[36], Onwire: b[37],
	}
	for i := range s.Links {
		off := 40 + i*linkSize
		s.Links[i] = Link{
			b[off] != 0, b[off+1] != 0, b[off+2] != 0, b.u32(off + 4),
			b.text(off+8, linkHost), b.text(off+8+linkHost, linkHost),
		}
	}
	return s, nil
}
