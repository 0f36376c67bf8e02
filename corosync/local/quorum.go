package local

import "fmt"

// Requests of quorum.
const (
	QuorumGetQuorate = 0
	QuorumTrackStart = 1
	QuorumTrackStop  = 2
	QuorumGetType    = 3
	QuorumModelType  = 4
)

// Responses and events of quorum, where their ids differ from the request's.
const (
	QuorumNotifyEvent     = 3
	QuorumGetTypeAnswer   = 4
	QuorumModelTypeAnswer = 5
	QuorumNotifyV1Event   = 6
	QuorumNodelistEvent   = 7
)

// Flags of track requests.
const (
	TrackCurrent     = 1
	TrackChanges     = 2
	TrackChangesOnly = 4
)

// QuorumSet is the type of quorum that tells that a provider is set.
const QuorumSet = 1

// TrackRequest asks quorum to tell of changes: TrackCurrent, TrackChanges.
func TrackRequest(flags uint32) []byte { return numberRequest(QuorumTrackStart, flags) }

// ModelRequest asks quorum to send the events of model 0 or 1.
func ModelRequest(model uint32) []byte { return numberRequest(QuorumModelType, model) }

// Quorate tells who is a member and whether they have quorum. Rep of Ring is 0 in model 0.
type Quorate struct {
	Quorate bool
	Ring    RingID
	Members []uint32
}

// Marshal is the event's bytes in model 0 or 1.
func (q Quorate) Marshal(model int) []byte {
	var b block
	if model == 0 {
		b = response(QuorumNotifyEvent, OK, 48+4*len(q.Members))
		b.put64(32, q.Ring.Seq)
		b.put32(40, uint32(len(q.Members)))
		b.putNodes(44, q.Members)
	} else {
		b = response(QuorumNotifyV1Event, OK, 56+4*len(q.Members))
		b.put32(32, q.Ring.Rep)
		b.put64(40, q.Ring.Seq)
		b.put32(48, uint32(len(q.Members)))
		b.putNodes(52, q.Members)
	}
	if q.Quorate {
		b.put32(24, 1)
	}
	return b
}

// ParseQuorate reads a Quorate of either model, as its id tells.
func ParseQuorate(m []byte) (Quorate, error) {
	b := block(m)
	if err := b.need(44, "quorum notification"); err != nil {
		return Quorate{}, err
	}
	q := Quorate{Quorate: b.u32(24) != 0}
	off := 44
	if b.u32(0) == QuorumNotifyV1Event {
		if off = 52; len(b) < off {
			return Quorate{}, b.need(off, "quorum notification")
		}
		q.Ring = RingID{Rep: b.u32(32), Seq: b.u64(40)}
	} else {
		q.Ring = RingID{Seq: b.u64(32)}
	}
	n := b.u32(off - 4)
	if err := b.needList(off, n, 4, "quorum notification"); err != nil {
		return Quorate{}, err
	}
	q.Members = b.nodes(off, n)
	return q, nil
}

// Nodelist tells of a new ring: who is in it, who came, who went.
type Nodelist struct {
	Ring                  RingID
	Members, Joined, Left []uint32
}

// Marshal is the event's bytes.
func (l Nodelist) Marshal() []byte {
	b := response(QuorumNodelistEvent, OK, 64+4*(len(l.Members)+len(l.Joined)+len(l.Left)))
	b.put32(24, l.Ring.Rep)
	b.put64(32, l.Ring.Seq)
	b.put32(40, uint32(len(l.Members)))
	b.put32(48, uint32(len(l.Joined)))
	b.put32(56, uint32(len(l.Left)))
	b.putNodes(60, l.Members)
	b.putNodes(60+4*len(l.Members), l.Joined)
	b.putNodes(60+4*(len(l.Members)+len(l.Joined)), l.Left)
	return b
}

// ParseNodelist reads a Nodelist.
func ParseNodelist(m []byte) (Nodelist, error) {
	b := block(m)
	if err := b.need(60, "nodelist"); err != nil {
		return Nodelist{}, err
	}
	mn, jn, ln := b.u32(40), b.u32(48), b.u32(56)
	if mn > MaxNodes || jn > MaxNodes || ln > MaxNodes {
		return Nodelist{}, fmt.Errorf("nodelist with lists of %d, %d and %d", mn, jn, ln)
	}
	if err := b.needList(60, mn+jn+ln, 4, "nodelist"); err != nil {
		return Nodelist{}, err
	}
	return Nodelist{
		RingID{Rep: b.u32(24), Seq: b.u64(32)},
		b.nodes(60, mn), b.nodes(60+4*int(mn), jn), b.nodes(60+4*int(mn+jn), ln),
	}, nil
}
