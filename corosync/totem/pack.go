package totem

import (
	"hacluster/corosync/wire"
)

// sender holds the messages of one queue, and packs them when the token comes.
// Packets of different queues have their own chains of fragments: receivers keep
// them apart, too.
type sender struct {
	max          int // bytes of a packed payload
	list         [][]byte
	bytes        int
	offset       int   // how much of list[0] is sent
	continuation uint8 // the fragment number that list[0] goes on
	// alone has the rest of a message begun in another configuration go without company: nodes
	// that have just come cannot use it, and drop all that is in its packet.
	alone bool
}

func (s *sender) add(message []byte) {
	s.list = append(s.list, message)
	s.bytes += len(message)
}

// clear drops messages of which nothing is sent.
func (s *sender) clear() {
	from := 0
	if s.offset > 0 {
		from = 1
	}
	for i := from; i < len(s.list); i++ {
		s.bytes -= len(s.list[i])
		s.list[i] = nil
	}
	s.list = s.list[:from]
}

// packets estimates how many packets wait.
func (s *sender) packets() uint32 {
	if len(s.list) == 0 {
		return 0
	}
	return uint32((s.bytes-s.offset+2*len(s.list))/(s.max-wire.PackedHeader)) + 1
}

// pack takes messages for one packet; nil where none waits.
func (s *sender) pack() []byte {
	if len(s.list) == 0 {
		return nil
	}
	p := wire.Packed{Continuation: s.continuation}
	s.continuation = 0
	size := wire.PackedHeader
	for len(s.list) > 0 {
		room := s.max - size - 2
		if room < 1 || len(p.Messages) > 0 && room < 3 {
			break
		}
		rest := s.list[0][s.offset:]
		if len(rest) > room && len(p.Messages) > 0 && s.offset == 0 && len(rest) <= s.max-wire.PackedHeader-2 {
			// It is not cut where it fits into a packet of its own: a message that is
			// under way when the ring changes does not reach those who come.
			break
		}
		n := min(len(rest), room)
		p.Messages = append(p.Messages, rest[:n])
		size += 2 + n
		if n < len(rest) {
			s.offset += n
			p.Fragmented = p.Continuation + 1
			if len(p.Messages) > 1 || p.Fragmented == 0 {
				p.Fragmented = 1
			}
			s.continuation = p.Fragmented
			break
		}
		s.bytes -= len(s.list[0])
		s.list[0] = nil
		s.list, s.offset = s.list[1:], 0
		if s.alone && p.Continuation != 0 {
			break
		}
	}
	if s.offset == 0 {
		s.alone = false
	}
	if len(s.list) == 0 {
		s.list = nil
	}
	return p.Marshal()
}

// assembly puts the fragments of one node's messages together.
type assembly struct {
	part []byte
	last uint8 // the number of the last fragment; 0 where none is open
	skip bool  // the beginning of the message under way was not received
}

// assemble yields the messages that end in a packet.
func (r *Ring) assemble(m *wire.Mcast) (out []Effect) {
	p, err := wire.ParsePacked(m.Payload, m.Swapped)
	if err != nil {
		r.log.Warn("packed messages cannot be read", "from", m.From, "error", err)
		return nil
	}
	q := Normal
	if r.syncing {
		q = Sync
	}
	a := r.assembly[q][m.From]
	if a == nil {
		a = &assembly{}
		r.assembly[q][m.From] = a
	}
	if p.Continuation != a.last {
		// A fragment is missing: what is open cannot be completed, and the first
		// message here has no beginning if it goes on another.
		a.part = nil
		a.skip = p.Continuation != 0
	}
	a.last = p.Fragmented
	for i, msg := range p.Messages {
		if i == 0 && p.Continuation != 0 {
			msg = append(a.part, msg...)
			a.part = nil
		} else {
			a.skip = false
		}
		if i == len(p.Messages)-1 && p.Fragmented != 0 {
			if len(msg) > MaxMessage+wire.McastHeader {
				a.skip = true // nobody sends messages of that size
			}
			if !a.skip {
				a.part = msg
			}
			return out
		}
		if a.skip {
			a.skip = false
			continue
		}
		groups, body, err := wire.ParseGrouped(msg, m.Swapped)
		if err != nil {
			r.log.Warn("a message has no group", "from", m.From, "error", err)
			continue
		}
		for _, g := range groups {
			out = append(out, &Deliver{From: m.From, Group: g, Message: body, Swapped: m.Swapped, Ring: m.Ring, Seq: m.Seq})
		}
	}
	return out
}
