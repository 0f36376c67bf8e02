package client

import (
	"context"
	"fmt"
	"os"
	"sync"

	"hacluster/corosync/ipc"
	"hacluster/corosync/local"
)

// CPGEvent is a *Deliver, *Confchg or *TotemConfchg.
type CPGEvent interface{ cpgEvent() }

// Deliver is a message of a group.
type Deliver local.Deliver

// Confchg is a change in a group.
type Confchg local.Confchg

// TotemConfchg is a change of the ring.
type TotemConfchg local.TotemConfchg

func (*Deliver) cpgEvent()      {}
func (*Confchg) cpgEvent()      {}
func (*TotemConfchg) cpgEvent() {}

// CPG is a connection to the closed process groups.
type CPG struct {
	*connection[CPGEvent]
	pid  uint32
	turn sync.Mutex // pieces of one message at a time
}

// MaxMcast is the greatest message that Mcast takes, in bytes.
const MaxMcast = 64 << 20

// pieceSize is the greatest piece that a message is cut into: what a message on the ring may have.
const pieceSize = 1<<20 - 4096

// DialCPG connects to cpg.
func DialCPG(ctx context.Context) (*CPG, error) { return dialCPG(ctx, nil) }

// DialCPGTo is DialCPG with a function that is given the events that are there, in their order, one call at a time, instead of the
// channel that Events returns: nobody has to be woken for them. The list is the CPG's again when it returns. While it does not,
// the daemon keeps the events. It may call the CPG. What Done returns tells of the end.
func DialCPGTo(ctx context.Context, take func(events []CPGEvent)) (*CPG, error) {
	return dialCPG(ctx, take)
}

func dialCPG(ctx context.Context, take func([]CPGEvent)) (*CPG, error) {
	var a Assembly
	n, err := dial(ctx, "cpg", a.Parse, take)
	if err != nil {
		return nil, err
	}
	return &CPG{connection: n, pid: uint32(os.Getpid())}, nil
}

// LocalNode is this host's node id.
func (g *CPG) LocalNode(ctx context.Context) (uint32, error) {
	b, err := g.call(ctx, local.Plain(local.CPGLocal))
	if err != nil {
		return 0, err
	}
	return local.AnsweredNumber(b)
}

// Join asks to become a member of a group; a connection can be in one group. The
// process is known by its pid. local.Exist where it is in the group already.
func (g *CPG) Join(ctx context.Context, group string) error { return g.join(ctx, group, 0) }

// JoinWithRing is Join, with a TotemConfchg at once and at each change of the ring.
func (g *CPG) JoinWithRing(ctx context.Context, group string) error { return g.join(ctx, group, 1) }

func (g *CPG) join(ctx context.Context, group string, flags uint32) error {
	if len(group) > local.MaxGroupName {
		return local.NameTooLong
	}
	_, err := g.call(ctx, local.Join{Group: group, PID: g.pid, Flags: flags}.Marshal())
	return err
}

// Leave asks to leave the group. It is over with the Confchg whose Left names the own process.
func (g *CPG) Leave(ctx context.Context, group string) error {
	_, err := g.call(ctx, local.Leave{Group: group, PID: g.pid}.Marshal())
	return err
}

// Mcast sends data to all members of the group that was joined, this one too. It waits while
// the ring takes no more; when it returns, the message is on its way, and all
// members get it, or none whose ring holds on.
func (g *CPG) Mcast(ctx context.Context, data []byte) error {
	return g.McastMany(ctx, 1, func(int) []byte { return data })
}

// McastMany is Mcast for several messages in their order, which message yields: the daemon is told of them together. A message may be
// changed when the next is asked for; until then message may be called again for it. message must not call the CPG. After
// an error some may have been sent.
func (g *CPG) McastMany(ctx context.Context, count int, message func(i int) []byte) error {
	var head [local.McastHead]byte
	for from := 0; from < count; from++ {
		at, long := from, false
		err := g.send(ctx, count-from, func(i int) (_, _ []byte) {
			at = from + i
			data := message(at)
			if long = len(data) > pieceSize; long {
				return nil, nil
			}
			return local.PutMcastHead(head[:], len(data)), data
		})
		if !long {
			return err
		}
		if err := g.mcastLong(ctx, message(at)); err != nil {
			return err
		}
		from = at
	}
	return nil
}

// mcastLong sends a message in pieces.
func (g *CPG) mcastLong(ctx context.Context, data []byte) error {
	if len(data) > MaxMcast {
		return local.TooBig
	}
	g.turn.Lock()
	defer g.turn.Unlock()
	for _, r := range Requests(data) {
		if _, err := g.call(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// Requests are the requests that have a message sent to the group: one, or one for each piece of
// a message that the ring takes only in pieces.
func Requests(data []byte) (out [][]byte) {
	if len(data) <= pieceSize {
		return [][]byte{local.McastRequest(data)}
	}
	for from := 0; from < len(data); from += pieceSize {
		to := min(from+pieceSize, len(data))
		p := local.Partial{Size: uint32(len(data)), Type: local.PartialContinued, Data: data[from:to]}
		switch {
		case from == 0:
			p.Type = local.PartialFirst
		case to == len(data):
			p.Type = local.PartialLast
		}
		out = append(out, p.Marshal())
	}
	return out
}

// Members lists the members of a group.
func (g *CPG) Members(ctx context.Context, group string) ([]local.Member, error) {
	b, err := g.call(ctx, local.MembershipRequest(group))
	if err != nil {
		return nil, err
	}
	return local.ParseMembershipAnswer(b)
}

// Groups lists the members of all groups in the cluster.
func (g *CPG) Groups(ctx context.Context) ([]local.IterEntry, error) {
	b, err := g.call(ctx, local.IterInit{Type: local.IterAll}.Marshal())
	if err != nil {
		return nil, err
	}
	h, err := local.AnsweredHandle(b)
	if err != nil {
		return nil, err
	}
	var list []local.IterEntry
	for {
		b, err := g.call(ctx, local.HandleRequest(local.CPGIterNext, h))
		if err == local.NoSections {
			break
		}
		if err != nil {
			return nil, err
		}
		e, err := local.ParseIterEntry(b)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	_, err = g.call(ctx, local.HandleRequest(local.CPGIterFinalize, h))
	return list, err
}

// Assembly reads the events of cpg, and puts the pieces of big messages together.
type Assembly struct {
	parts map[local.Member][]byte
	// group is the last message's: mostly all are of one. messages are made many at a time.
	group    string
	messages []Deliver
}

// Parse reads a message of the service; false where it is no event, or not a whole one yet.
func (a *Assembly) Parse(m []byte) (CPGEvent, bool, error) {
	switch ipc.ID(m) {
	case local.CPGDeliverEvent:
		d, err := local.ParseDeliver(m, a.group)
		a.group = d.Group
		if len(a.messages) == 0 {
			a.messages = make([]Deliver, 32)
		}
		e := &a.messages[0]
		a.messages, *e = a.messages[1:], Deliver(d)
		return e, true, err
	case local.CPGConfchgEvent:
		c, err := local.ParseConfchg(m)
		for _, l := range c.Left {
			delete(a.parts, local.Member{Node: l.Node, PID: l.PID})
		}
		return (*Confchg)(&c), true, err
	case local.CPGTotemConfchgEvent:
		t, err := local.ParseTotemConfchg(m)
		return (*TotemConfchg)(&t), true, err
	case local.CPGPartialEvent:
		p, err := local.ParsePartialDeliver(m)
		if err != nil {
			return nil, false, err
		}
		return a.add(p)
	}
	return nil, false, nil
}

func (a *Assembly) add(p local.PartialDeliver) (CPGEvent, bool, error) {
	if p.Size > MaxMcast {
		return nil, false, fmt.Errorf("message of %d bytes in pieces", p.Size)
	}
	from := local.Member{Node: p.Node, PID: p.PID}
	if a.parts == nil {
		a.parts = map[local.Member][]byte{}
	}
	if p.Type == local.PartialFirst {
		a.parts[from] = make([]byte, 0, p.Size)
	}
	part, begun := a.parts[from]
	if !begun {
		return nil, false, nil // we joined in the middle of it
	}
	part = append(part, p.Data...)
	a.parts[from] = part
	if p.Type != local.PartialLast {
		return nil, false, nil
	}
	delete(a.parts, from)
	if len(part) != int(p.Size) {
		return nil, false, nil // a piece is missing
	}
	return &Deliver{Group: p.Group, Node: p.Node, PID: p.PID, Data: part}, true, nil
}
