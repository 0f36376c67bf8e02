package wire

import (
	"encoding/binary"
	"testing"
)

// CVE-2025-30472: a token that asks for more retransmissions than there is room for, in the byte order of another machine,
// wrote beyond the room. Neither the number nor the packet's length is believed alone, in neither order.
func TestCVE_2025_30472(t *testing.T) {
	for _, n := range []uint32{MaxRetransmits + 1, 1000, 1 << 16, 1<<28 + 1, 1<<32 - 1} {
		for _, room := range []int{0, 1, MaxRetransmits, MaxRetransmits + 1, 4000} {
			b := append((&Token{Node: 1}).Marshal(), make([]byte, rtrSize*room)...)
			binary.LittleEndian.PutUint32(b[tokenSize-4:], n)
			if p, err := Parse(b); err == nil {
				t.Errorf("%d retransmissions in room for %d: %+v", n, room, p)
			}
			b[0], b[1] = b[1], b[0]
			binary.BigEndian.PutUint32(b[tokenSize-4:], n)
			if p, err := Parse(b); err == nil {
				t.Errorf("%d retransmissions in room for %d, the other byte order: %+v", n, room, p)
			}
		}
	}
	// The field is the one that counts: what fits is read.
	b := append((&Token{Node: 1}).Marshal(), make([]byte, rtrSize*MaxRetransmits)...)
	binary.LittleEndian.PutUint32(b[tokenSize-4:], MaxRetransmits)
	if p, err := Parse(b); err != nil || len(p.(*Token).Retransmit) != MaxRetransmits {
		t.Errorf("%+v, %v", p, err)
	}
}
