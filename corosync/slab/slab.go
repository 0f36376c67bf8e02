// Package slab makes small blocks out of bigger ones: many of them cost one allocation. A block keeps those beside it
// from being collected, so it is for what is soon let go of.
package slab

const (
	size = 32 << 10
	// big is from when on a block is made by itself.
	big = 4 << 10
)

// Slab makes blocks. The zero value is ready. It is not safe for concurrent use.
type Slab struct{ free []byte }

// Take is a block of n bytes, all 0, that nobody else has.
func (s *Slab) Take(n int) []byte {
	if n >= big {
		return make([]byte, n)
	}
	if n > len(s.free) {
		s.free = make([]byte, size)
	}
	b := s.free[:n:n]
	s.free = s.free[n:]
	return b
}
