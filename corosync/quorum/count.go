package quorum

import (
	"fmt"
	"slices"
	"strconv"

	"hacluster/corosync/local"
	"hacluster/corosync/wire"
)

// count is the quorum that is needed, and the votes that are there. expected, where it is
// not 0, stands for the highest expected votes of the members.
func (v *Votes) count(lower bool, expected uint32) (needed, total uint32) {
	if v.downscale && lower && expected > 0 {
		expected = max(v.barrier, expected)
	}
	var highest, nodes uint32
	for _, n := range v.nodes {
		if n.State == local.NodeMember {
			highest = max(highest, n.Expected)
			total += n.Votes
			nodes++
		}
	}
	if v.us.Flags&wire.NodeDeviceCastVote != 0 {
		total += v.device.Votes
		nodes++
	}
	if expected > 0 {
		highest = expected
	}
	needed = max((highest+2)/2, (total+2)/2)
	if !lower {
		needed = max(v.quorum, needed)
	}
	if v.twoNode && nodes <= 2 {
		needed = 1
	}
	return needed, total
}

// recalculate counts anew. lower lets the quorum sink; byNodes expects those only who are there.
func (v *Votes) recalculate(lower, byNodes bool) {
	var total, members uint32
	for _, n := range v.nodes {
		if n.State == local.NodeMember {
			members++
			total += n.Votes
		}
	}
	if v.device.Votes > 0 {
		total += v.device.Votes
		members++
	}
	if !byNodes {
		members = 0
	}
	if total > v.us.Expected {
		v.us.Expected = total
		v.host.ExpectedChanged()
	}
	if v.tracking && v.us.Expected > v.trackBarrier {
		v.trackBarrier = v.us.Expected
		v.host.StoreTracking(v.trackBarrier)
	}
	v.quorum, total = v.count(lower, members)
	v.expectAll(members)
	v.decide(total)
}

// decide tells whether the members with total votes have quorum.
func (v *Votes) decide(total uint32) {
	if v.waitForAll && v.waitStatus {
		if total != v.us.Expected {
			v.log.Debug("waiting for all cluster members", "votes", total, "expected", v.us.Expected)
			return
		}
		v.setWait(false)
	}
	quorate := total >= v.quorum
	if quorate {
		v.lowest, v.highest = v.me, v.me
		for _, n := range v.nodes {
			if n.State == local.NodeMember {
				v.lowest, v.highest = min(v.lowest, n.ID), max(v.highest, n.ID)
			}
		}
	}
	if v.tie != tieNone && total == v.us.Expected/2 && len(v.previous)-len(v.members) < int(v.quorum) && v.winsTie() {
		quorate = true
	}
	if v.deviceWins && !quorate {
		for _, n := range v.nodes {
			if n.State == local.NodeMember && n.Flags&wire.NodeDeviceMasterWins != 0 && n.Flags&wire.NodeDeviceCastVote != 0 {
				quorate = true
			}
		}
	}
	changed := v.quorate != quorate
	v.quorate = quorate
	if quorate {
		v.us.Flags |= wire.NodeQuorate
	} else {
		v.us.Flags &^= wire.NodeQuorate
	}
	if v.waitForAll {
		v.setWait(!quorate)
	}
	if changed {
		if quorate {
			v.log.Debug("quorum regained, resuming activity", "votes", total, "quorum", v.quorum)
		} else {
			v.log.Debug("quorum lost, blocking activity", "votes", total, "quorum", v.quorum)
		}
		if !v.syncing {
			v.changed()
		}
	}
}

// changed logs whether there is quorum, and who is a member, and hands that on. While a sync is under way it says nothing: not all have told of
// their votes.
func (v *Votes) changed() {
	switch {
	case v.quorate && !v.primary:
		v.log.Info("This node is within the primary component and will provide service.")
	case !v.quorate && v.primary:
		v.log.Info("This node is within the non-primary component and will NOT provide any services.")
	}
	v.primary = v.quorate
	v.tell("Members", v.members)
	v.host.QuorumChanged()
}

// tell logs a list of nodes, in lines of no more than viewLine letters.
func (v *Votes) tell(what string, nodes []uint32) {
	const viewLine = 63
	for rest := nodes; ; {
		line := ""
		for len(rest) > 0 {
			next := " " + strconv.FormatUint(uint64(rest[0]), 10)
			if len(line)+len(next) > viewLine {
				line += "\\"
				break
			}
			line, rest = line+next, rest[1:]
		}
		v.log.Info(fmt.Sprintf("%s[%d]:%s", what, len(nodes), line))
		if len(rest) == 0 {
			return
		}
	}
}

// hasMember tells whether a node is a member; 0 is none.
func (v *Votes) hasMember(id uint32) bool {
	n := v.find(id)
	return id != 0 && n != nil && n.State == local.NodeMember
}

// winsTie tells whether of two halves this one is to have quorum.
func (v *Votes) winsTie() bool {
	switch v.tie {
	case tieLowest:
		return v.hasMember(v.lowest)
	case tieHighest:
		return v.hasMember(v.highest)
	}
	for i, id := range v.tieNodes {
		if !slices.Contains(v.members, id) {
			continue
		}
		// One that stands before it in the list may be in the other half.
		for _, before := range v.tieNodes[:i] {
			if slices.Contains(v.previous, before) {
				return false
			}
		}
		return true
	}
	return false
}

// Quorate tells whether there is quorum.
func (v *Votes) Quorate() bool { return v.quorate }

// Members lists the members of the ring, as told with it.
func (v *Votes) Members() []uint32 { return slices.Clone(v.members) }

// Ring is the ring of Members.
func (v *Votes) Ring() wire.RingID { return v.ring }

// Nodes lists all nodes that are known, by id.
func (v *Votes) Nodes() []Node {
	list := make([]Node, len(v.nodes))
	for i, n := range v.nodes {
		list[i] = *n
	}
	return list
}

// Expected is the expected votes of this node.
func (v *Votes) Expected() uint32 { return v.us.Expected }

// Status is what the key map shows under runtime.votequorum.
type Status struct {
	Lowest, Highest, Barrier, TrackBarrier uint32

	TwoNode, WaitForAll, Tracking, DeviceAllowed bool
	// WaitKnown tells that it was ever a question whether to wait for all.
	WaitKnown bool

	TieBreaker int
}

// Status tells the state of the options.
func (v *Votes) Status() Status {
	return Status{
		Lowest: v.lowest, Highest: v.highest, Barrier: v.barrier, TrackBarrier: v.trackBarrier,
		TwoNode: v.twoNode, WaitForAll: v.waitStatus, WaitKnown: v.waitKnown, Tracking: v.tracking, DeviceAllowed: v.deviceAllow,
		TieBreaker: int(v.tie),
	}
}

// Info is what is known of a node; 0 is this one. false where it is unknown.
func (v *Votes) Info(id uint32) (local.VoteInfo, bool) {
	if id == local.DeviceNode {
		id = v.me
	}
	n := v.find(id)
	if n == nil {
		return local.VoteInfo{}, false
	}
	i := local.VoteInfo{
		Node: n.ID, State: n.State, Votes: n.Votes, Expected: n.Expected, Quorum: v.quorum,
		DeviceVotes: v.device.Votes, DeviceName: v.deviceName,
	}
	for _, o := range v.nodes {
		if o.State == local.NodeMember {
			i.HighestExpected = max(i.HighestExpected, o.Expected)
			i.Total += o.Votes
		}
	}
	if n.Flags&wire.NodeDeviceCastVote != 0 {
		i.Total += v.device.Votes
	}
	for _, f := range []struct {
		on   bool
		flag uint32
	}{
		{v.twoNode, local.VQTwoNode},
		{v.quorate, local.VQQuorate},
		{v.waitForAll, local.VQWaitForAll},
		{v.lastMan, local.VQLastManStanding},
		{v.tie != tieNone, local.VQAutoTieBreaker},
		{v.downscale, local.VQAllowDownscale},
		{n.Flags&wire.NodeDeviceRegistered != 0, local.VQDeviceRegistered},
		{n.Flags&wire.NodeDeviceAlive != 0, local.VQDeviceAlive},
		{n.Flags&wire.NodeDeviceCastVote != 0, local.VQDeviceCastVote},
		{n.Flags&wire.NodeDeviceMasterWins != 0, local.VQDeviceMasterWins},
	} {
		if f.on {
			i.Flags |= f.flag
		}
	}
	return i, true
}

// SetExpected asks all nodes to expect so many votes.
func (v *Votes) SetExpected(votes uint32) local.Status {
	down := v.downscale
	v.downscale = false
	needed, total := v.count(true, votes)
	v.downscale = down
	if votes < total || v.quorate && needed > total {
		return local.Invalid
	}
	v.expectAll(votes)
	v.host.Send(wire.Reconfigure{Node: v.me, Value: votes, What: wire.ReconfigureExpected}.Marshal())
	return local.OK
}

// SetVotes asks all nodes to count so many votes for a node.
func (v *Votes) SetVotes(id, votes uint32) local.Status {
	if id == local.DeviceNode {
		id = v.me
	}
	n := v.find(id)
	if n == nil {
		return local.NotFound
	}
	old := n.Votes
	n.Votes = votes
	if needed, total := v.count(true, 0); needed < total/2 || needed > total {
		n.Votes = old
		return local.Invalid
	}
	v.host.Send(wire.Reconfigure{Node: id, Value: votes, What: wire.ReconfigureVotes}.Marshal())
	return local.OK
}

// CancelWait asks all nodes not to wait for all any longer.
func (v *Votes) CancelWait() {
	v.host.Send(wire.Reconfigure{Node: v.me, What: wire.ReconfigureCancelWait}.Marshal())
}
