package quorum

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

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

// TestMembersAreLogged: the log has who is together, who came and who went, and whether they have quorum, as Corosync's has.
func TestMembersAreLogged(t *testing.T) {
	var told bytes.Buffer
	c := &conf.Config{}
	for id := uint32(1); id <= 3; id++ {
		c.Nodes = append(c.Nodes, conf.Node{ID: id, Votes: 1})
	}
	v, err := New(c, 1, 0, &idle{}, slog.New(slog.NewTextHandler(&told, nil)))
	if err != nil {
		t.Fatal(err)
	}
	together := func(members ...uint32) {
		v.SyncInit(time.Unix(1000, 0), members, wire.RingID{Rep: 1})
		for _, m := range members {
			v.nodeInfo(m, wire.NodeInfo{Node: m, Votes: 1, Expected: 3})
		}
		v.SyncActivate()
	}
	together(1)
	together(1, 3)
	together(1, 2)
	v.tell("Members", []uint32{1000000001, 1000000002, 1000000003, 1000000004, 1000000005, 1000000006})
	var got []string
	for l := range strings.Lines(told.String()) {
		_, text, _ := strings.Cut(strings.TrimSpace(l), "msg=")
		got = append(got, strings.ReplaceAll(strings.Trim(text, `"`), `\\`, `\`))
	}
	want := []string{
		"Sync members[1]: 1", "Sync joined[1]: 1", "Members[1]: 1",
		"Sync members[2]: 1 3", "Sync joined[1]: 3", "This node is within the primary component and will provide service.", "Members[2]: 1 3",
		"Sync members[2]: 1 2", "Sync joined[1]: 2", "Sync left[1]: 3", "Members[2]: 1 2",
		`Members[6]: 1000000001 1000000002 1000000003 1000000004 1000000005\`, "Members[6]: 1000000006",
	}
	if !slices.Equal(got, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A node that takes its device away hears what it said before of it: that does not make the device registered again, for good.
func TestUnregisteredStaysSo(t *testing.T) {
	h := &idle{}
	c := &conf.Config{Nodes: []conf.Node{{ID: 1, Votes: 1}, {ID: 2, Votes: 1}}, Quorum: conf.Quorum{Device: &conf.Device{Model: "net", Votes: 1, Timeout: time.Second}}}
	v, err := New(c, 1, 0, h, nil)
	if err != nil {
		t.Fatal(err)
	}
	deliver := func() { // all that was sent comes, in its order
		for len(h.sent) > 0 {
			m := h.sent[0]
			h.sent = h.sent[1:]
			_, function, err := wire.ServiceOf(m)
			if err == nil {
				err = v.Deliver(1, function, m)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 2 { // and it can be used again
		if s, answered := v.Register("Qdevice"); answered {
			t.Fatalf("registered at once: %v", s)
		}
		deliver()
		if s := v.Poll(time.Unix(1000, 0), local.DevicePoll{Name: "Qdevice", Cast: true}); s != local.OK {
			t.Fatalf("the vote: %v", s)
		}
		if s := v.Unregister("Qdevice"); s != local.OK {
			t.Fatalf("taken away: %v", s)
		}
		if deliver(); v.us.Flags&wire.NodeDeviceRegistered != 0 || v.deviceName != "" {
			t.Fatalf("it is there again: flags %#x, name %q", v.us.Flags, v.deviceName)
		}
	}
}

// What a node says of a device that registers while members are told of may be lost, when another ring comes before that is over: it says so again, and the
// device hears that it is registered.
func TestRegisteredInALostSync(t *testing.T) {
	h := &told{}
	c := &conf.Config{Nodes: []conf.Node{{ID: 1, Votes: 1}, {ID: 2, Votes: 1}}, Quorum: conf.Quorum{Device: &conf.Device{Model: "net", Votes: 1, Timeout: time.Second}}}
	v, err := New(c, 1, 0, h, nil)
	if err != nil {
		t.Fatal(err)
	}
	v.Register("Qdevice")
	h.sent = nil
	v.SyncInit(time.Unix(1000, 0), []uint32{1}, local.RingID{Rep: 1, Seq: 8})
	v.SyncProcess()
	for _, m := range h.sent {
		_, function, err := wire.ServiceOf(m)
		if err == nil {
			err = v.Deliver(1, function, m)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if v.us.Flags&wire.NodeDeviceRegistered == 0 || !slices.Equal(h.registered, []local.Status{local.OK}) {
		t.Errorf("flags %#x, the device was told %v", v.us.Flags, h.registered)
	}
}

// told is an idle host that keeps what it tells a device.
type told struct {
	idle
	registered []local.Status
}

func (h *told) DeviceRegistered(s local.Status) { h.registered = append(h.registered, s) }

// Of two halves the one with the lowest, or highest, of those has quorum that had it together before. Who has just started, and was with nobody, has none: else both
// halves would.
func TestTieAtTheStart(t *testing.T) {
	for _, which := range []string{"lowest", "highest"} {
		for me := uint32(1); me <= 2; me++ {
			c := &conf.Config{Nodes: []conf.Node{{ID: 1, Votes: 1}, {ID: 2, Votes: 1}}, Quorum: conf.Quorum{AutoTieBreaker: true, AutoTieBreakerNode: which}}
			v, err := New(c, me, 0, &idle{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			alone := func(seq uint64) bool {
				v.SyncInit(time.Unix(1000, 0), []uint32{me}, wire.RingID{Rep: me, Seq: seq})
				v.SyncProcess()
				v.SyncActivate()
				return v.Quorate()
			}
			if alone(4) {
				t.Errorf("%s: node %d has quorum, and has just started", which, me)
			}
			other := 3 - me
			v.SyncInit(time.Unix(1000, 0), []uint32{1, 2}, wire.RingID{Rep: 1, Seq: 8})
			v.SyncProcess()
			v.nodeInfo(other, wire.NodeInfo{Node: other, Votes: 1, Expected: 2})
			if v.SyncActivate(); !v.Quorate() {
				t.Fatalf("%s: both have no quorum", which)
			}
			if got, want := alone(12), (me == 1) == (which == "lowest"); got != want {
				t.Errorf("%s: node %d lost the other one: quorum %v", which, me, got)
			}
		}
	}
}

// A device that was refused at a reload, beside two_node, can be used after one that has that no more.
func TestDeviceAllowedAgain(t *testing.T) {
	c := &conf.Config{Nodes: []conf.Node{{ID: 1, Votes: 1}, {ID: 2, Votes: 1}}, Quorum: conf.Quorum{TwoNode: true}}
	v, err := New(c, 1, 0, &idle{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Quorum.Device = &conf.Device{Model: "net", Votes: 1}
	if err := v.Configure(c); err == nil {
		t.Error("beside two_node: it is taken")
	}
	if s, _ := v.Register("Qdevice"); s != local.Access {
		t.Errorf("beside two_node: %v", s)
	}
	c.Quorum.TwoNode = false
	if err := v.Configure(c); err != nil {
		t.Error(err)
	}
	if s, answered := v.Register("Qdevice"); answered {
		t.Errorf("alone: %v", s)
	}
}

// Who was told of more votes of the device, by a member that has read no corosync.conf without one yet, tells that to nobody else: when that member has gone
// there are no such votes any more.
func TestVotesOfADeviceThatIsGone(t *testing.T) {
	h := &idle{}
	c := &conf.Config{}
	for id := uint32(1); id <= 3; id++ {
		c.Nodes = append(c.Nodes, conf.Node{ID: id, Votes: 1})
	}
	v, err := New(c, 1, 0, h, nil)
	if err != nil {
		t.Fatal(err)
	}
	told := func() (votes uint32) { // of the device, in a sync
		h.sent = nil
		v.SyncProcess()
		for _, m := range h.sent {
			if n, err := wire.ParseNodeInfo(m); err == nil && n.Node == local.DeviceNode {
				votes = max(votes, n.Votes)
			}
		}
		return votes
	}
	v.SyncInit(time.Unix(1000, 0), []uint32{1, 2, 3}, wire.RingID{Rep: 1, Seq: 1})
	if n := told(); n != 0 {
		t.Errorf("before it heard of it, it tells of %d votes", n)
	}
	v.nodeInfo(3, wire.NodeInfo{Node: local.DeviceNode, Votes: 2})
	v.SyncActivate()
	if v.device.Votes != 2 {
		t.Errorf("with a member that has it: %d votes", v.device.Votes)
	}
	v.SyncInit(time.Unix(1001, 0), []uint32{1, 2}, wire.RingID{Rep: 1, Seq: 2})
	if n := told(); n != 0 {
		t.Errorf("it tells others of %d votes", n)
	}
	v.SyncActivate()
	if v.device.Votes != 0 {
		t.Errorf("without that member: %d votes", v.device.Votes)
	}
}
