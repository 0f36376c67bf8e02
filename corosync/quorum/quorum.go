// Package quorum counts votes: it decides whether the nodes that see each other
// may act for the whole cluster. It is Corosync's votequorum.
//
// Votes is one node's part. It learns of the other nodes from the messages that
// each sends about itself (wire.NodeInfo) after every change of the ring, and
// does no I/O: what is to be sent and told goes to a Host, time is handed in.
//
// # The rules
//
// There is quorum when the votes of the members are more than half of the expected
// ones. Options bend this:
//
//   - two_node: each of two nodes has quorum alone (fencing decides).
//   - wait_for_all: after a start there is no quorum until all nodes were seen once.
//   - auto_tie_breaker: of two halves, the one with the lowest (or highest, or first listed) node has quorum.
//   - last_man_standing: some time after a loss, those who are left count as all.
//   - allow_downscale, expected_votes_tracking: nodes that leave in an orderly way are no longer expected; the highest number ever expected stays on disk.
//   - a quorum device: a vote from outside, and a way for it to choose the winner.
package quorum

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"hacluster/corosync/conf"
	"hacluster/corosync/local"
	"hacluster/corosync/wire"
)

// Host is what Votes needs around it.
type Host interface {
	// Send sends a message to all members, this node too.
	Send(message []byte)
	// QuorumChanged is called when quorum or the members have changed.
	QuorumChanged()
	// NodesChanged is called at a change of the ring, before quorum is counted.
	NodesChanged()
	// ExpectedChanged is called when the expected votes have changed.
	ExpectedChanged()
	// StoreTracking keeps the highest expected votes on disk.
	StoreTracking(votes uint32)
	// DeviceRegistered answers a Register that was under way.
	DeviceRegistered(local.Status)
}

type tieBreaker int

const (
	tieNone tieBreaker = iota
	tieLowest
	tieHighest
	tieList
)

// Node is what is known of a node's votes.
type Node struct {
	ID, State, Votes, Expected, Flags uint32
}

// Votes counts the votes. It is not safe for concurrent use.
type Votes struct {
	host Host
	log  *slog.Logger
	me   uint32
	cfg  conf.Quorum

	us     *Node
	device *Node   // with the most votes that a member has it configured with
	own    uint32  // the votes that this node has it configured with
	nodes  []*Node // sorted by id, with us

	quorate      bool
	quorum       uint32
	twoNode      bool
	waitForAll   bool
	waitStatus   bool
	waitKnown    bool // waitStatus was ever set
	lastMan      bool
	tie          tieBreaker
	initialTie   tieBreaker
	tieNodes     []uint32
	downscale    bool
	tracking     bool
	barrier      uint32
	trackBarrier uint32
	lowest       uint32 // of those that had quorum together last; 0: there was none since this node started
	highest      uint32

	members, previous []uint32
	primary           bool // the log says that there is quorum
	ring              wire.RingID
	syncing           bool
	infoSent          bool

	lastManTimer time.Time
	deviceTimer  time.Time
	deviceName   string
	deviceAllow  bool // a device can be used: nothing that was read last speaks against it
	deviceWins   bool
	registering  bool   // a client waits for the answer
	registerName string // what the device is called then
	waitForPoll  bool
	deviceCfg    conf.Device
}

// New begins to count for node me. tracked is what StoreTracking has kept, 0 where nothing.
// An error tells what in the configuration does not go together.
func New(c *conf.Config, me, tracked uint32, host Host, log *slog.Logger) (*Votes, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	v := &Votes{host: host, log: log, me: me, deviceAllow: true}
	v.us = &Node{ID: me, State: local.NodeMember, Votes: 1, Flags: wire.NodeFirst}
	v.device = &Node{State: local.NodeDead}
	v.nodes = []*Node{v.us}
	v.trackBarrier = tracked
	if err := v.configure(c, false); err != nil {
		return nil, err
	}
	v.recalculate(false, false)
	return v, nil
}

// Configure takes a changed configuration and tells the others.
func (v *Votes) Configure(c *conf.Config) error {
	votes, expected := v.us.Votes, v.us.Expected
	err := v.configure(c, true)
	v.sendInfo()
	if v.us.Votes != votes {
		v.host.Send(wire.Reconfigure{Node: v.me, Value: v.us.Votes, What: wire.ReconfigureVotes}.Marshal())
	}
	if v.us.Expected != expected {
		v.host.Send(wire.Reconfigure{Node: v.me, Value: v.us.Expected, What: wire.ReconfigureExpected}.Marshal())
	}
	return err
}

// configure sets the options. Of those, a reload can change two_node and the votes only.
func (v *Votes) configure(c *conf.Config, reload bool) error {
	q := c.Quorum
	own, total := uint32(1), uint32(0)
	for _, n := range c.Nodes {
		total += uint32(n.Votes)
		if n.ID == v.me {
			own = uint32(n.Votes)
		}
	}
	if len(c.Nodes) == 0 && q.ExpectedVotes == 0 {
		return &conf.Error{File: c.File, Text: "a nodelist or quorum.expected_votes must be configured"}
	}
	device := q.Device != nil && q.Device.Model != ""
	if device {
		v.deviceAllow = true // what did not go with it at an earlier reload may be gone
	}
	var problem error
	refuse := func(text string) {
		problem = &conf.Error{File: c.File, Text: text}
		if reload {
			v.deviceAllow = false
		}
	}
	v.twoNode = q.TwoNode
	if v.twoNode && device {
		if reload && v.us.Flags&wire.NodeDeviceRegistered != 0 {
			v.twoNode = false
		} else {
			refuse("quorum.two_node cannot be used with a quorum device")
		}
	}
	if !reload {
		v.cfg = q
		v.downscale = q.AllowDownscale
		v.lastMan = q.LastManStanding
		v.tracking = q.ExpectedVotesTracking || q.AllowDownscale
		v.waitForAll = q.WaitForAll
		v.tie, v.tieNodes = parseTie(q)
		v.initialTie = v.tie
	} else {
		v.tie = v.initialTie
	}
	if !v.cfg.WaitForAllSet {
		v.waitForAll = v.twoNode
	}
	if v.twoNode && v.tie != tieNone {
		v.log.Warn("two_node is off: auto_tie_breaker is on")
		v.twoNode = false
	}
	if v.tie != tieNone && total%2 == 1 && !v.waitForAll {
		if v.lastMan {
			return &conf.Error{File: c.File, Text: "auto_tie_breaker and last_man_standing cannot be used together with an odd number of votes"}
		}
		v.log.Warn("auto_tie_breaker is off: the number of votes is odd and wait_for_all is off")
		v.tie = tieNone
	}
	if device && v.lastMan {
		refuse("a quorum device cannot be used with last_man_standing")
	}
	if device && v.tie != tieNone {
		refuse("a quorum device cannot be used with auto_tie_breaker")
	}
	if device && v.downscale {
		refuse("a quorum device cannot be used with allow_downscale")
	}
	deviceVotes := 0
	if device {
		var text string
		if deviceVotes, text = v.configureDevice(q, int(total), len(c.Nodes)); text != "" {
			refuse(text)
		}
		total += uint32(deviceVotes)
	}
	if problem != nil && !reload {
		return problem
	}
	expected := uint32(q.ExpectedVotes)
	if v.tracking && v.trackBarrier > 0 {
		expected = v.trackBarrier
	}
	v.us.Votes = uint32(q.Votes)
	if len(c.Nodes) > 0 {
		v.us.Votes, v.us.Expected = own, total
	}
	if expected > 0 {
		v.us.Expected = expected
	}
	v.own = uint32(deviceVotes)
	v.device.Votes = v.own
	v.barrier = v.us.Expected
	if v.waitForAll && !reload {
		v.setWait(true)
	} else if !v.waitForAll && !v.cfg.WaitForAllSet && v.waitStatus {
		v.setWait(false)
	}
	return problem
}

// configureDevice takes the settings of a quorum device beside nodes that have votes together, and tells how many it has, and why it cannot be used.
func (v *Votes) configureDevice(q conf.Quorum, votes, nodes int) (own int, problem string) {
	v.deviceCfg, v.deviceWins = *q.Device, q.Device.MasterWins
	own = q.Device.Votes
	switch {
	case own == -1 && q.ExpectedVotes > 0:
		problem = "quorum.device.votes must be given when quorum.expected_votes is"
	case own == -1 && votes != nodes:
		problem = "quorum.device.votes must be given when not all nodes have 1 vote"
	case own > 0 && q.ExpectedVotes > 0 && q.ExpectedVotes-own < 2:
		problem = "quorum.device.votes is too high or quorum.expected_votes too low"
	}
	if own == -1 {
		own = votes - 1
	}
	return max(own, 0), problem
}

func parseTie(q conf.Quorum) (tieBreaker, []uint32) {
	if !q.AutoTieBreaker {
		return tieNone, nil
	}
	switch q.AutoTieBreakerNode {
	case "", "lowest":
		return tieLowest, nil
	case "highest":
		return tieHighest, nil
	}
	var list []uint32
	for _, f := range strings.Fields(q.AutoTieBreakerNode) {
		n, err := strconv.ParseUint(f, 10, 32)
		if err != nil || n == 0 {
			break
		}
		list = append(list, uint32(n))
	}
	if len(list) == 0 {
		return tieNone, nil
	}
	return tieList, list
}

// Start tells the others of this node.
func (v *Votes) Start() { v.host.Send(v.infoOf(v.us)) }

func (v *Votes) infoOf(n *Node) []byte {
	return wire.NodeInfo{Node: n.ID, Votes: n.Votes, Expected: n.Expected, Flags: n.Flags}.Marshal()
}

func (v *Votes) sendInfo() {
	v.host.Send(v.infoOf(v.us))
	v.host.Send(v.infoOf(v.device))
}

func (v *Votes) setWait(on bool) {
	v.waitStatus, v.waitKnown = on, true
	if on {
		v.us.Flags |= wire.NodeWaitForAll
	} else {
		v.us.Flags &^= wire.NodeWaitForAll
	}
}

func (v *Votes) find(id uint32) *Node {
	if id == local.DeviceNode {
		return v.device
	}
	for _, n := range v.nodes {
		if n.ID == id {
			return n
		}
	}
	return nil
}

// SyncInit begins with a new ring.
func (v *Votes) SyncInit(now time.Time, members []uint32, ring wire.RingID) {
	v.syncing, v.infoSent, v.waitForPoll = true, false, false
	if len(members) > 1 {
		v.us.Flags &^= wire.NodeFirst
	}
	joined, gone := slices.Clone(members), []uint32(nil)
	left := false
	for _, m := range v.members {
		joined = slices.DeleteFunc(joined, func(id uint32) bool { return id == m })
		if !slices.Contains(members, m) {
			left, gone = true, append(gone, m)
			if n := v.find(m); n != nil {
				n.State = local.NodeDead
			}
		}
	}
	if v.lastMan && (len(members) >= int(v.quorum) && left ||
		len(members) <= int(v.quorum) && v.tie != tieNone && v.hasMember(v.lowest)) {
		v.lastManTimer = now.Add(v.cfg.LastManStandingWindow)
	}
	v.tell("Sync members", members)
	if len(joined) > 0 {
		v.tell("Sync joined", joined)
	}
	if left {
		v.tell("Sync left", gone)
	}
	// Each member tells anew: who had an older corosync.conf may have gone, or have read it again.
	v.device.Votes = v.own
	v.previous, v.members, v.ring = v.members, slices.Clone(members), ring
	if v.us.Flags&wire.NodeDeviceRegistered != 0 && v.us.Flags&wire.NodeDeviceAlive != 0 {
		v.deviceTimer = now.Add(v.deviceCfg.SyncTimeout)
		v.waitForPoll = true
	}
}

// SyncProcess tells the members of this node. done is false while the sync is to wait for the quorum device.
func (v *Votes) SyncProcess() (done bool) {
	if !v.infoSent {
		v.sendInfo()
		if v.deviceName != "" {
			v.host.Send(wire.DeviceRegister{Register: true, Name: v.deviceName}.Marshal())
		}
		if v.registering && v.registerName != v.deviceName {
			// What was sent in the sync of an earlier ring is gone if that did not end.
			v.host.Send(wire.DeviceRegister{Register: true, Name: v.registerName}.Marshal())
		}
		v.host.NodesChanged()
		v.infoSent = true
	}
	return !v.waitForPoll || v.us.Flags&wire.NodeDeviceRegistered == 0
}

// SyncActivate counts: all members have told of themselves.
func (v *Votes) SyncActivate() {
	v.recalculate(false, false)
	v.syncing = false
	v.changed()
}

// Leave tells the others that this node goes in an orderly way; false where that does not matter.
func (v *Votes) Leave() bool {
	if v.downscale {
		v.us.Flags |= wire.NodeLeaving
		v.host.Send(v.infoOf(v.us))
	}
	return v.downscale
}

// Deadline is when Advance wants to be called; zero for never.
func (v *Votes) Deadline() time.Time {
	if v.lastManTimer.IsZero() || !v.deviceTimer.IsZero() && v.deviceTimer.Before(v.lastManTimer) {
		return v.deviceTimer
	}
	return v.lastManTimer
}

// Advance lets time take effect.
func (v *Votes) Advance(now time.Time) {
	if !v.lastManTimer.IsZero() && !now.Before(v.lastManTimer) {
		v.lastManTimer = time.Time{}
		if v.quorate {
			v.recalculate(true, true)
		}
	}
	if !v.deviceTimer.IsZero() && !now.Before(v.deviceTimer) {
		v.deviceTimer = time.Time{}
		if v.us.Flags&wire.NodeDeviceAlive != 0 {
			v.log.Warn("the quorum device does not answer", "name", v.deviceName)
			v.us.Flags &^= wire.NodeDeviceAlive | wire.NodeDeviceCastVote
			v.host.Send(v.infoOf(v.us))
		}
		v.waitForPoll = false
	}
}

// Deliver takes a message of a node.
func (v *Votes) Deliver(from uint32, function int, b []byte) error {
	switch function {
	case wire.VQNodeInfo:
		m, err := wire.ParseNodeInfo(b)
		if err != nil {
			return err
		}
		v.nodeInfo(from, m)
	case wire.VQReconfigure:
		m, err := wire.ParseReconfigure(b)
		if err != nil {
			return err
		}
		v.reconfigure(m)
	case wire.VQDevRegister:
		m, err := wire.ParseDeviceRegister(b)
		if err != nil {
			return err
		}
		v.deviceMessage(from, m)
	case wire.VQDevReconfigure:
		m, err := wire.ParseDeviceRename(b)
		if err != nil {
			return err
		}
		if v.deviceName == m.Old {
			v.deviceName = m.New
		}
	default:
		return fmt.Errorf("votequorum message %d", function)
	}
	return nil
}

func (v *Votes) nodeInfo(from uint32, m wire.NodeInfo) {
	n := v.find(m.Node)
	isNew := n == nil
	if isNew {
		if len(v.nodes) >= wire.MaxNodes {
			return
		}
		n = &Node{ID: m.Node, State: local.NodeDead}
		v.nodes = append(v.nodes, n)
		slices.SortFunc(v.nodes, func(a, b *Node) int { return int(int64(a.ID) - int64(b.ID)) })
	}
	if n == v.device {
		old := n.Votes
		if s := v.find(from); !v.quorate && s != nil && s.Flags&wire.NodeQuorate != 0 {
			n.Votes = m.Votes
		} else {
			n.Votes = max(n.Votes, m.Votes)
		}
		if old != n.Votes {
			v.recalculate(false, false)
		}
		return
	}
	old := *n
	lower, byNodes := false, false
	n.Flags, n.Votes, n.State = m.Flags, m.Votes, local.NodeMember
	if n == v.us && from == v.me {
		// What was sent on an earlier ring may come after what is said in the sync of this one, and a vote for that ring is none for this; nor is
		// a device registered still that was taken away since.
		const device = wire.NodeDeviceRegistered | wire.NodeDeviceAlive | wire.NodeDeviceCastVote | wire.NodeDeviceMasterWins
		n.Flags = n.Flags&^device | old.Flags&device
		if (n.Flags^m.Flags)&device != 0 {
			v.host.Send(v.infoOf(n))
		}
	}
	if n.Flags&wire.NodeLeaving != 0 {
		n.State = local.NodeLeaving
		lower, byNodes = true, true
	}
	if !v.quorate && n.Flags&wire.NodeQuorate != 0 {
		// A partition with quorum knows better how many there are.
		lower = true
		v.us.Expected = m.Expected
	}
	if n.Flags&wire.NodeQuorate != 0 || v.tracking {
		n.Expected = m.Expected
	} else {
		n.Expected = v.us.Expected
	}
	if v.lastMan && n.Votes > 1 {
		v.log.Error("last_man_standing is off: it works only where all nodes have 1 vote")
		v.lastMan = false
		v.lastManTimer = time.Time{}
	}
	if isNew || n == v.us || n.Flags&wire.NodeFirst != 0 || old != *n {
		v.recalculate(lower, byNodes)
	}
	if v.waitForAll && n.Flags&wire.NodeWaitForAll == 0 && n.Flags&wire.NodeQuorate != 0 {
		v.setWait(false)
	}
}

func (v *Votes) reconfigure(m wire.Reconfigure) {
	switch m.What {
	case wire.ReconfigureExpected:
		v.expectAll(m.Value)
		v.host.ExpectedChanged()
		v.barrier = m.Value
		if v.tracking {
			v.us.Expected = max(v.us.Expected, v.trackBarrier)
		}
		v.recalculate(true, false)
	case wire.ReconfigureVotes:
		if n := v.find(m.Node); n != nil {
			n.Votes = m.Value
			v.recalculate(true, false)
		}
	case wire.ReconfigureCancelWait:
		v.log.Info("wait_for_all is cancelled", "by", m.Node)
		v.setWait(false)
		v.recalculate(false, false)
	}
}

func (v *Votes) expectAll(votes uint32) {
	if votes == 0 {
		return
	}
	for _, n := range v.nodes {
		if n.State == local.NodeMember {
			n.Expected = votes
		}
	}
}
