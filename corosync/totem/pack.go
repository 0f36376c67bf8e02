package totem

import (
	"bytes"

	"hacluster/corosync/fifo"
	"hacluster/corosync/wire"
)

// sender holds the messages of one queue, and packs them when the token comes.
// Packets of different queues have their own chains of fragments: receivers keep
// them apart, too.
type sender struct {
	max          int // bytes of a packed payload
	list         fifo.Queue[outgoing]
	bytes        int
	offset       int   // how much of the first is sent
	continuation uint8 // the fragment number that the first goes on
	// alone has the rest of a message begun in another configuration go without company: nodes
	// that have just come cannot use it, and drop all that is in its packet.
	alone bool
}

// outgoing is a message in two parts, with the name of its group before it.
type outgoing struct{ group, head, body []byte }

func (m *outgoing) size() int { return len(m.group) + len(m.head) + len(m.body) }

// appendTo appends n bytes of the message from an offset.
func (m *outgoing) appendTo(b []byte, offset, n int) []byte {
	if offset == 0 && n == m.size() {
		return append(append(append(b, m.group...), m.head...), m.body...)
	}
	for _, part := range [...][]byte{m.group, m.head, m.body} {
		if offset < len(part) && n > 0 {
			k := min(n, len(part)-offset)
			b = append(b, part[offset:offset+k]...)
			offset, n = offset+k, n-k
		}
		offset -= len(part)
	}
	return b
}

func (s *sender) add(m outgoing) {
	s.list.Push(m)
	s.bytes += m.size()
}

// clear drops messages of which nothing is sent.
func (s *sender) clear() {
	from := 0
	if s.offset > 0 {
		from = 1
	}
	s.list.Each(from, func(m outgoing) { s.bytes -= m.size() })
	s.list.Keep(from)
}

// packets estimates how many packets wait.
func (s *sender) packets() uint32 {
	if s.list.Len() == 0 {
		return 0
	}
	return uint32((s.bytes-s.offset+2*s.list.Len())/(s.max-wire.PackedHeader)) + 1
}

// pack takes messages for one packet, and leaves room for a header before them; nil where none waits.
func (s *sender) pack(room int) []byte {
	if s.list.Len() == 0 {
		return nil
	}
	continuation, fragmented := s.continuation, uint8(0)
	s.continuation = 0
	// Which ones go, whole but for the rest of the first and what of the last has room.
	size, count, offset := wire.PackedHeader, 0, s.offset
	cut := 0 // how much of the last goes, where it goes on
	for count < s.list.Len() {
		room := s.max - size - 2
		if room < 1 || count > 0 && room < 3 {
			break
		}
		m := s.list.At(count)
		rest := m.size() - s.offset
		if rest > room && count > 0 && rest <= s.max-wire.PackedHeader-2 {
			// It is not cut where it fits into a packet of its own: a message that is
			// under way when the ring changes does not reach those who come.
			break
		}
		count++
		n := min(rest, room)
		size += 2 + n
		if n < rest {
			cut = n
			s.offset += n
			fragmented = continuation + 1
			if count > 1 || fragmented == 0 {
				fragmented = 1
			}
			s.continuation = fragmented
			break
		}
		s.bytes -= m.size()
		s.offset = 0
		if s.alone && continuation != 0 && count == 1 {
			break
		}
	}
	if s.offset == 0 {
		s.alone = false
	}
	b := wire.BeginPacked(room, size, continuation, fragmented, count)
	for i := range count {
		m := s.list.First()
		n := m.size() - offset
		if cut > 0 && i == count-1 {
			n = cut
		}
		wire.PutPackedLength(b[room:], i, n)
		b = m.appendTo(b, offset, n)
		if offset = 0; cut == 0 || i < count-1 {
			s.list.Drop()
		}
	}
	return b
}

// assembly puts the fragments of one node's messages together.
type assembly struct {
	part [][]byte // what there is of a message
	size int
	last uint8 // the number of the last fragment; 0 where none is open
	skip bool  // the beginning of the message under way was not received
}

// assemble delivers the messages that end in a packet.
func (r *Ring) assemble(m *wire.Mcast) {
	p, err := wire.ParsePackedTo(r.packed, m.Payload, m.Swapped)
	if err != nil {
		r.log.Warn("packed messages cannot be read", "from", m.From, "error", err)
		return
	}
	r.packed = p.Messages
	defer clear(r.packed)
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
		a.part, a.size = nil, 0
		a.skip = p.Continuation != 0
		r.log.Debug("a message in pieces cannot be put together", "from", m.From, "ring", m.Ring, "packet", m.Seq, "continuation", p.Continuation, "last", a.last, "syncing", r.syncing)
	}
	a.last = p.Fragmented
	for i, msg := range p.Messages {
		if i > 0 || p.Continuation == 0 {
			a.skip, a.part, a.size = false, nil, 0
		}
		if i == len(p.Messages)-1 && p.Fragmented != 0 {
			if a.size+len(msg) > MaxMessage+wire.McastHeader {
				a.skip = true // nobody sends messages of that size
			}
			if a.skip {
				a.part, a.size = nil, 0
			} else {
				a.part, a.size = append(a.part, msg), a.size+len(msg)
			}
			return
		}
		if a.skip {
			a.skip = false
			continue
		}
		if len(a.part) > 0 {
			msg = bytes.Join(append(a.part, msg), nil)
			a.part, a.size = nil, 0
		}
		groups, body, err := wire.ParseGrouped(msg, m.Swapped)
		if err != nil {
			r.log.Warn("a message has no group", "from", m.From, "error", err)
			continue
		}
		for _, g := range groups {
			r.delivered.Push(Deliver{From: m.From, Group: g, Message: body, Swapped: m.Swapped, Ring: m.Ring, Seq: m.Seq})
		}
	}
}
