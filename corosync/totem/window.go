package totem

import "hacluster/corosync/wire"

// kept is a message of a ring, and its whole packet to be sent again.
type kept struct {
	*wire.Mcast
	packet []byte
}

// window holds the messages of a ring from the first that may still be needed.
type window struct {
	base  uint32 // number of the last message that was released
	slots []slot // of the messages base+1, base+2, …
}

type slot struct {
	m      *kept
	misses int
}

func (w *window) reset() { *w = window{} }

func (w *window) inRange(seq uint32) bool { return seq-w.base-1 < queueSize }

// get is message seq; nil where it is not here.
func (w *window) get(seq uint32) *kept {
	if i := seq - w.base - 1; i < uint32(len(w.slots)) {
		return w.slots[i].m
	}
	return nil
}

// put keeps a message; false where it is here already or out of range.
// packet is its whole packet, made where it is nil.
func (w *window) put(m *wire.Mcast, packet []byte) bool {
	if !w.inRange(m.Seq) || w.get(m.Seq) != nil {
		return false
	}
	w.grow(m.Seq)
	if packet == nil {
		packet = m.Marshal()
	}
	w.slots[m.Seq-w.base-1].m = &kept{m, packet}
	return true
}

func (w *window) grow(seq uint32) {
	for uint32(len(w.slots)) < seq-w.base {
		w.slots = append(w.slots, slot{})
	}
}

// missed counts that message seq was found missing once more.
func (w *window) missed(seq uint32) int {
	w.grow(seq)
	s := &w.slots[seq-w.base-1]
	s.misses++
	return s.misses
}

// release forgets messages up to number to.
func (w *window) release(to uint32) {
	n := min(to-w.base, uint32(len(w.slots)))
	clear(w.slots[:n]) // lets go of them before the array does
	w.slots = w.slots[n:]
	w.base = to
}
