package client

import (
	"context"

	"hacluster/corosync/ipc"
	"hacluster/corosync/local"
)

// QuorumEvent is a *Quorate or a *Nodelist.
type QuorumEvent interface{ quorumEvent() }

// Quorate tells whether this node's partition has quorum, and who is in it.
type Quorate local.Quorate

// Nodelist tells of a new ring: it comes before quorum is known for it.
type Nodelist local.Nodelist

func (*Quorate) quorumEvent()  {}
func (*Nodelist) quorumEvent() {}

// Quorum is a connection to quorum.
type Quorum struct{ *connection[QuorumEvent] }

// DialQuorum connects to quorum.
func DialQuorum(ctx context.Context) (*Quorum, error) {
	n, err := dial(ctx, "quorum", func(m []byte) (QuorumEvent, bool, error) {
		switch ipc.ID(m) {
		case local.QuorumNotifyEvent, local.QuorumNotifyV1Event:
			q, err := local.ParseQuorate(m)
			return (*Quorate)(&q), true, err
		case local.QuorumNodelistEvent:
			l, err := local.ParseNodelist(m)
			return (*Nodelist)(&l), true, err
		}
		return nil, false, nil
	}, nil)
	if err != nil {
		return nil, err
	}
	q := &Quorum{n}
	// Model 1 tells whole ring ids, and node lists.
	if _, err := q.call(ctx, local.ModelRequest(1)); err != nil {
		q.Close()
		return nil, err
	}
	return q, nil
}

// HasProvider tells whether quorum is counted at all.
func (q *Quorum) HasProvider(ctx context.Context) (bool, error) {
	b, err := q.call(ctx, local.Plain(local.QuorumGetType))
	if err != nil {
		return false, err
	}
	t, err := local.AnsweredNumber(b)
	return t == local.QuorumSet, err
}

// Quorate tells whether there is quorum now.
func (q *Quorum) Quorate(ctx context.Context) (bool, error) {
	b, err := q.call(ctx, local.Plain(local.QuorumGetQuorate))
	if err != nil {
		return false, err
	}
	n, err := local.AnsweredNumber(b)
	return n != 0, err
}

// Track asks for the state now and all changes as events.
func (q *Quorum) Track(ctx context.Context) error {
	return q.track(ctx, local.TrackCurrent|local.TrackChanges)
}

// Current asks for the state now as an event.
func (q *Quorum) Current(ctx context.Context) error { return q.track(ctx, local.TrackCurrent) }

func (q *Quorum) track(ctx context.Context, flags uint32) error {
	_, err := q.call(ctx, local.TrackRequest(flags))
	return err
}

// VoteEvent is a *VoteQuorum, *VoteNodelist or *VoteExpected.
type VoteEvent interface{ voteEvent() }

// VoteQuorum tells that quorum or the state of a node has changed.
type VoteQuorum local.VoteQuorum

// VoteNodelist tells of a new ring.
type VoteNodelist local.VoteNodelist

// VoteExpected tells that the expected votes have changed.
type VoteExpected local.VoteExpected

func (*VoteQuorum) voteEvent()   {}
func (*VoteNodelist) voteEvent() {}
func (*VoteExpected) voteEvent() {}

// Votequorum is a connection to votequorum.
type Votequorum struct{ *connection[VoteEvent] }

// DialVotequorum connects to votequorum.
func DialVotequorum(ctx context.Context) (*Votequorum, error) {
	n, err := dial(ctx, "votequorum", func(m []byte) (VoteEvent, bool, error) {
		switch ipc.ID(m) {
		case local.VQQuorumEvent:
			v, err := local.ParseVoteQuorum(m)
			return (*VoteQuorum)(&v), true, err
		case local.VQNodelistEvent:
			v, err := local.ParseVoteNodelist(m)
			return (*VoteNodelist)(&v), true, err
		case local.VQExpectedEvent:
			v, err := local.ParseVoteExpected(m)
			return (*VoteExpected)(&v), true, err
		}
		return nil, false, nil
	}, nil)
	if err != nil {
		return nil, err
	}
	return &Votequorum{n}, nil
}

// Info is what is known of a node's votes; 0 is this node. local.NotExist for an unknown one.
func (v *Votequorum) Info(ctx context.Context, node uint32) (local.VoteInfo, error) {
	b, err := v.call(ctx, local.InfoRequest(node))
	if err != nil {
		return local.VoteInfo{}, err
	}
	return local.ParseVoteInfo(b)
}

// SetExpected changes the expected votes of the cluster; local.Invalid where that is not possible.
func (v *Votequorum) SetExpected(ctx context.Context, votes uint32) error {
	_, err := v.call(ctx, local.SetExpectedRequest(votes))
	return err
}

// SetVotes changes the votes of a node; 0 is this node.
func (v *Votequorum) SetVotes(ctx context.Context, node, votes uint32) error {
	_, err := v.call(ctx, local.SetVotesRequest(node, votes))
	return err
}

// Track asks for the state now and all changes as events.
func (v *Votequorum) Track(ctx context.Context) error {
	_, err := v.call(ctx, local.VoteTrack{Flags: local.TrackCurrent | local.TrackChanges}.Marshal())
	return err
}

// Current asks for the state now as events.
func (v *Votequorum) Current(ctx context.Context) error {
	_, err := v.call(ctx, local.VoteTrack{Flags: local.TrackCurrent}.Marshal())
	return err
}

// RegisterDevice makes a quorum device known; local.Exist where another is.
func (v *Votequorum) RegisterDevice(ctx context.Context, name string) error {
	_, err := v.call(ctx, local.DeviceRequest(local.VQDevRegister, name))
	return err
}

// UnregisterDevice ends the use of the quorum device.
func (v *Votequorum) UnregisterDevice(ctx context.Context, name string) error {
	_, err := v.call(ctx, local.DeviceRequest(local.VQDevUnregister, name))
	return err
}

// PollDevice tells that the quorum device is alive, and whether it casts its vote for
// a ring; local.MessageError where the ring is not the present one any more.
func (v *Votequorum) PollDevice(ctx context.Context, p local.DevicePoll) error {
	_, err := v.call(ctx, p.Marshal())
	return err
}

// SetDeviceMasterWins says whether the partition that the device votes for has quorum in any case.
func (v *Votequorum) SetDeviceMasterWins(ctx context.Context, name string, allow bool) error {
	_, err := v.call(ctx, local.DeviceMasterWins{Name: name, Allow: allow}.Marshal())
	return err
}
