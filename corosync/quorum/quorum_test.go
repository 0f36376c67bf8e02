package quorum

import (
	"testing"

	"hacluster/corosync/conf"
	"hacluster/corosync/local"
	"hacluster/corosync/wire"
)

// idle is a host that keeps what it is to send.
type idle struct{ sent [][]byte }

func (h *idle) Send(m []byte)               { h.sent = append(h.sent, m) }
func (*idle) QuorumChanged()                {}
func (*idle) NodesChanged()                 {}
func (*idle) ExpectedChanged()              {}
func (*idle) StoreTracking(uint32)          {}
func (*idle) DeviceRegistered(local.Status) {}

// What a node said of its quorum device on an earlier ring comes to itself when the device has taken its vote away on this one: it does not
// count, and the node says again what is so.
func TestVoteForAnEarlierRing(t *testing.T) {
	const alone = 4
	h := &idle{}
	c := &conf.Config{}
	for id := uint32(1); id <= 5; id++ {
		c.Nodes = append(c.Nodes, conf.Node{ID: id, Votes: 1})
	}
	v, err := New(c, alone, 0, h, nil)
	if err != nil {
		t.Fatal(err)
	}
	v.us.Expected, v.device.Votes = 9, 4
	v.us.Flags = wire.NodeDeviceRegistered | wire.NodeDeviceAlive
	info := wire.NodeInfo{Node: alone, Votes: 1, Expected: 9, Flags: v.us.Flags}
	v.nodeInfo(alone, info)
	if v.Quorate() || len(h.sent) > 0 {
		t.Fatalf("without the vote: quorum %v, %d messages", v.Quorate(), len(h.sent))
	}
	info.Flags |= wire.NodeDeviceCastVote
	if v.nodeInfo(alone, info); v.Quorate() || len(h.sent) != 1 {
		t.Errorf("an earlier vote: quorum %v, %d messages", v.Quorate(), len(h.sent))
	}
	v.us.Flags |= wire.NodeDeviceCastVote
	if v.nodeInfo(alone, info); !v.Quorate() || len(h.sent) != 1 {
		t.Errorf("a vote: quorum %v, %d messages", v.Quorate(), len(h.sent))
	}
}
