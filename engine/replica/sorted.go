package replica

import (
	"iter"
	"maps"
	"slices"
)

// sorted walks a map in the order of its keys, so that equal histories give equal effects.
func sorted[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if v, ok := m[k]; ok && !yield(k, v) {
				return
			}
		}
	}
}
