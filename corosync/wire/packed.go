package wire

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Packed is the payload of a Mcast: messages and pieces of messages.
type Packed struct {
	// Fragmented is 0, or the number of the piece that the last message is: it goes on
	// in the next Packed of the same node.
	Fragmented uint8
	// Continuation is 0, or the number of the piece that the first message goes on.
	Continuation uint8
	Messages     [][]byte
}

// PackedHeader is the size of a Packed without messages; each adds 2 bytes and its own.
const PackedHeader = 8

// Marshal is the payload's bytes.
func (p Packed) Marshal() []byte {
	size := PackedHeader + 2*len(p.Messages)
	for _, m := range p.Messages {
		size += len(m)
	}
	b := make([]byte, PackedHeader+2*len(p.Messages), size)
	b[4], b[5] = p.Fragmented, p.Continuation
	le.PutUint16(b[6:], uint16(len(p.Messages)))
	for i, m := range p.Messages {
		le.PutUint16(b[PackedHeader+2*i:], uint16(len(m)))
	}
	for _, m := range p.Messages {
		b = append(b, m...)
	}
	return b
}

// BeginPacked begins the payload of a Mcast behind room for a header. size is that of all of it, as Marshal makes it;
// the lengths of its messages are put in by PutPackedLength, the messages appended.
func BeginPacked(room, size int, continuation, fragmented uint8, messages int) []byte {
	b := make([]byte, room+PackedHeader+2*messages, room+size)
	b[room+4], b[room+5] = fragmented, continuation
	le.PutUint16(b[room+6:], uint16(messages))
	return b
}

// PutPackedLength tells in a payload how long its i-th message is.
func PutPackedLength(payload []byte, i, length int) {
	le.PutUint16(payload[PackedHeader+2*i:], uint16(length))
}

// ParsePacked reads the payload of a Mcast. swapped is the Mcast's. The messages are parts of b.
func ParsePacked(b []byte, swapped bool) (Packed, error) { return ParsePackedTo(nil, b, swapped) }

// ParsePackedTo is ParsePacked with a list whose room is used again.
func ParsePackedTo(list [][]byte, b []byte, swapped bool) (Packed, error) {
	if len(b) < PackedHeader {
		return Packed{}, fmt.Errorf("packed messages in %d bytes", len(b))
	}
	r := reader{b, le}
	if swapped {
		r.order = binary.BigEndian
	}
	n := int(r.order.Uint16(b[6:]))
	off := PackedHeader + 2*n
	if len(b) < off {
		return Packed{}, fmt.Errorf("%d packed messages in %d bytes", n, len(b))
	}
	p := Packed{Fragmented: b[4], Continuation: b[5], Messages: slices.Grow(list[:0], n)}
	for i := range n {
		size := int(r.order.Uint16(b[PackedHeader+2*i:]))
		if len(b) < off+size {
			return Packed{}, fmt.Errorf("packed message %d of %d bytes at %d of %d", i, size, off, len(b))
		}
		p.Messages = append(p.Messages, b[off:off+size:off+size])
		off += size
	}
	if off != len(b) {
		return Packed{}, fmt.Errorf("%d bytes behind %d packed messages", len(b)-off, n)
	}
	return p, nil
}

// The groups that real nodes use.
const (
	GroupServices = "a"
	GroupSync     = "sync"
)

// onlyServices is the list of groups of most messages.
var onlyServices = [...]string{GroupServices}

// Grouped puts a message under the name of a group.
func Grouped(group string, message []byte) []byte {
	b := make([]byte, 0, 4+len(group)+len(message))
	b = le.AppendUint16(b, 1)
	b = le.AppendUint16(b, uint16(len(group)))
	b = append(b, group...)
	return append(b, message...)
}

// GroupPrefix is what Grouped puts before a message.
func GroupPrefix(group string) []byte { return Grouped(group, nil) }

// ParseGrouped takes the names of the groups off a message. swapped is the Mcast's.
func ParseGrouped(b []byte, swapped bool) (groups []string, message []byte, err error) {
	r := reader{b, le}
	if swapped {
		r.order = binary.BigEndian
	}
	if len(b) < 2 {
		return nil, nil, fmt.Errorf("message of %d bytes has no group", len(b))
	}
	n := int(r.order.Uint16(b))
	if n == 1 && len(b) >= 5 && r.order.Uint16(b[2:]) == 1 && b[4] == GroupServices[0] {
		return onlyServices[:], b[5:], nil // nearly all are
	}
	off := 2 + 2*n
	if n > 32 || len(b) < off {
		return nil, nil, fmt.Errorf("message of %d bytes for %d groups", len(b), n)
	}
	for i := range n {
		size := int(r.order.Uint16(b[2+2*i:]))
		if len(b) < off+size {
			return nil, nil, fmt.Errorf("message of %d bytes with a group name of %d", len(b), size)
		}
		groups = append(groups, string(b[off:off+size]))
		off += size
	}
	return groups, b[off:], nil
}
