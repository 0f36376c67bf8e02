package node

import (
	"errors"
	"slices"

	"hacluster/corosync/ipc"
	"hacluster/corosync/local"
)

// ringChange is what the quorum service tells of the changes of the ring since it last told.
type ringChange struct {
	told []uint32 // members of the last ring that was told of
	left []uint32
}

// quorumRing notes a change of the ring for those who track it: old were the members of the last one.
func (n *Node) quorumRing(old []uint32) {
	for _, id := range old {
		// A sync can be cut short by the next ring: who left is kept until it is told.
		if !slices.Contains(n.sync.trans, id) && !slices.Contains(n.change.left, id) {
			n.change.left = append(n.change.left, id)
		}
	}
}

// Votes is what votequorum knows of this node and its quorum device; false without votequorum.
func (n *Node) Votes() (local.VoteInfo, bool) {
	if n.votes == nil {
		return local.VoteInfo{}, false
	}
	return n.votes.Info(0)
}

// quorate tells whether there is quorum; without a provider there always is.
func (n *Node) quorate() bool { return n.votes == nil || n.votes.Quorate() }

func (n *Node) trackers(s Service) []*session {
	var list []*session
	for _, c := range n.order {
		if c.service == s && c.track {
			list = append(list, c)
		}
	}
	return list
}

// nodelistChanged tells the clients of quorum who is in the ring. Who left and came back
// is among both, the joined and the left.
func (n *Node) nodelistChanged() {
	var joined, left []uint32
	for _, id := range n.members {
		if !slices.Contains(n.change.told, id) || slices.Contains(n.change.left, id) {
			joined = append(joined, id)
		}
	}
	for _, id := range n.change.left {
		if slices.Contains(n.change.told, id) {
			left = append(left, id)
		}
	}
	n.change = ringChange{told: n.members}
	for _, c := range n.trackers(Quorum) {
		if c.model == 1 {
			n.tell(c, local.Nodelist{Ring: n.ringID, Members: n.members, Joined: joined, Left: left}.Marshal())
		}
	}
}

// quorumChanged tells all who track of quorum.
func (n *Node) quorumChanged() {
	for _, c := range n.trackers(Quorum) {
		n.tell(c, n.quorumEvent(c))
	}
	for _, c := range n.trackers(Votequorum) {
		n.tell(c, n.voteEvent(c.context))
	}
}

func (n *Node) quorumEvent(c *session) []byte {
	return local.Quorate{Quorate: n.quorate(), Ring: n.ringID, Members: n.members}.Marshal(c.model)
}

func (n *Node) voteEvent(context uint64) []byte {
	v := local.VoteQuorum{Quorate: n.votes.Quorate(), Context: context}
	for _, o := range n.votes.Nodes() {
		v.Nodes = append(v.Nodes, local.NodeState{Node: o.ID, State: o.State})
	}
	return v.Marshal()
}

// votersChanged tells the clients of votequorum who is in the ring.
func (n *Node) votersChanged() {
	for _, c := range n.trackers(Votequorum) {
		n.tell(c, local.VoteNodelist{Context: c.context, Ring: n.ringID, Nodes: n.members}.Marshal())
	}
}

func (n *Node) expectedChanged() {
	if n.votes == nil {
		return // it is being made
	}
	for _, c := range n.trackers(Votequorum) {
		n.tell(c, local.VoteExpected{Context: c.context, Expected: n.votes.Expected()}.Marshal())
	}
}

func (n *Node) serveQuorum(c *session, m []byte) error {
	switch ipc.ID(m) {
	case local.QuorumGetQuorate:
		n.answer(c, local.NumberAnswer(local.QuorumGetQuorate, local.OK, asNumber(n.quorate())))
	case local.QuorumTrackStart:
		flags, err := local.NumberOf(m)
		if err != nil {
			return err
		}
		if flags&(local.TrackCurrent|local.TrackChanges) != 0 {
			if c.model == 1 {
				n.tell(c, local.Nodelist{Ring: n.ringID, Members: n.members}.Marshal())
			}
			n.tell(c, n.quorumEvent(c))
		}
		n.answer(c, local.Answer(local.QuorumTrackStart, c.startTrack(flags, 0)))
	case local.QuorumTrackStop:
		c.stopTrack() // the original answers OK also to who did not track
		n.answer(c, local.Answer(local.QuorumTrackStop, local.OK))
	case local.QuorumGetType, local.QuorumModelType:
		answer, kind := int32(local.QuorumGetTypeAnswer), uint32(0)
		if n.votes != nil {
			kind = local.QuorumSet
		}
		if ipc.ID(m) == local.QuorumModelType {
			model, err := local.NumberOf(m)
			if err != nil {
				return err
			}
			if answer = local.QuorumModelTypeAnswer; model > 1 {
				n.answer(c, local.NumberAnswer(answer, local.Invalid, 0))
				return nil
			}
			c.model = int(model)
		}
		n.answer(c, local.NumberAnswer(answer, local.OK, kind))
	default:
		return errors.New("unknown request")
	}
	return nil
}

func (c *session) startTrack(flags uint32, context uint64) local.Status {
	if c.track {
		return local.Exist
	}
	if flags&(local.TrackChanges|local.TrackChangesOnly) != 0 {
		c.track, c.trackFlags, c.context = true, flags, context
	}
	return local.OK
}

func (c *session) stopTrack() local.Status {
	if !c.track {
		return local.NotExist
	}
	c.track = false
	return local.OK
}

func (n *Node) serveVotequorum(c *session, m []byte) error {
	status := func(s local.Status) { n.answer(c, local.Answer(local.VQStatusAnswer, s)) }
	if n.votes == nil {
		status(local.NotExist)
		return nil
	}
	switch ipc.ID(m) {
	case local.VQGetInfo:
		id, err := local.NumberOf(m)
		if err != nil {
			return err
		}
		info, ok := n.votes.Info(id)
		if !ok {
			n.answer(c, info.Marshal(local.NotExist))
			return nil
		}
		n.answer(c, info.Marshal(local.OK))
	case local.VQSetExpected:
		votes, err := local.NumberOf(m)
		if err != nil {
			return err
		}
		status(n.votes.SetExpected(votes))
	case local.VQSetVotes:
		id, votes, err := local.ParseSetVotes(m)
		if err != nil {
			return err
		}
		status(n.votes.SetVotes(id, votes))
	case local.VQTrackStart:
		t, err := local.ParseVoteTrack(m)
		if err != nil {
			return err
		}
		if t.Flags&(local.TrackCurrent|local.TrackChanges) != 0 {
			n.tell(c, local.VoteNodelist{Context: t.Context, Ring: n.ringID, Nodes: n.members}.Marshal())
			n.tell(c, n.voteEvent(t.Context))
		}
		status(c.startTrack(t.Flags, t.Context))
	case local.VQTrackStop:
		status(c.stopTrack())
	case local.VQDevRegister:
		name, err := local.ParseDevice(m)
		if err != nil {
			return err
		}
		s, answered := n.votes.Register(name)
		if answered {
			status(s)
		} else {
			n.register = c.id
		}
	case local.VQDevUnregister:
		name, err := local.ParseDevice(m)
		if err != nil {
			return err
		}
		status(n.votes.Unregister(name))
	case local.VQDevUpdate:
		u, err := local.ParseDeviceUpdate(m)
		if err != nil {
			return err
		}
		status(n.votes.Rename(u))
	case local.VQDevPoll:
		p, err := local.ParseDevicePoll(m)
		if err != nil {
			return err
		}
		status(n.votes.Poll(n.now, p))
	case local.VQDevMasterWins:
		d, err := local.ParseDeviceMasterWins(m)
		if err != nil {
			return err
		}
		status(n.votes.MasterWins(d))
	default:
		return errors.New("unknown request")
	}
	return nil
}
