package replica

import (
	"cmp"
	"iter"
	"maps"
	"slices"
)

// sorted walks a map by call in the order of the calls, so that who asked first is served first, and equal histories give equal effects.
func sorted[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, k := range slices.SortedFunc(maps.Keys(m), earlier) {
			if v, ok := m[k]; ok && !yield(k, v) {
				return
			}
		}
	}
}

// earlier compares two calls, which are numbers in decimal.
func earlier(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }
