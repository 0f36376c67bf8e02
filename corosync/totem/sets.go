package totem

import (
	"slices"

	"hacluster/corosync/wire"
)

// Sets of node ids are sorted lists without doubles.

func clone(s []uint32) []uint32 { return slices.Clone(s) }

func sorted(s []uint32) []uint32 {
	s = slices.Clone(s)
	slices.Sort(s)
	return slices.Compact(s)
}

func contains(s []uint32, n uint32) bool { _, ok := slices.BinarySearch(s, n); return ok }

func equal(a, b []uint32) bool { return slices.Equal(a, b) }

func union(a, b []uint32) []uint32 {
	u := make([]uint32, 0, len(a)+len(b))
	return sorted(append(append(u, a...), b...))
}

// subtract is what is in a and not in b.
func subtract(a, b []uint32) []uint32 {
	var d []uint32
	for _, n := range a {
		if !contains(b, n) {
			d = append(d, n)
		}
	}
	return d
}

func subset(a, b []uint32) bool {
	for _, n := range a {
		if !contains(b, n) {
			return false
		}
	}
	return true
}

func increasing(s []uint32) bool {
	for i := 1; i < len(s); i++ {
		if s[i-1] >= s[i] {
			return false
		}
	}
	return len(s) > 0 && s[0] != 0
}

// fits tells whether a and b together are not more than a ring can have.
func fits(a, b []uint32) bool { return len(union(a, b)) <= wire.MaxNodes }

// less compares numbers that wrap around.
func less(a, b uint32) bool { return int32(a-b) < 0 }

func lower(a, b uint32) uint32 {
	if less(a, b) {
		return a
	}
	return b
}
