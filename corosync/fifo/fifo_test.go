package fifo

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestQueue holds a queue against a slice, whatever comes and goes.
func TestQueue(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var q Queue[int]
		var want []int
		next := 0
		for range 300 {
			switch n := rng.IntN(10); {
			case n < 5 || len(want) == 0:
				for range rng.IntN(20) + 1 {
					next++
					q.Push(next)
					want = append(want, next)
				}
			case n == 9:
				k := rng.IntN(len(want) + 1)
				q.Keep(k)
				want = want[:k]
			default:
				for range min(len(want), rng.IntN(25)) {
					if *q.First() != want[0] {
						t.Fatalf("the next is %d, not %d", *q.First(), want[0])
					}
					if got := q.Pop(); got != want[0] {
						t.Fatalf("%d came, not %d", got, want[0])
					}
					want = want[1:]
				}
			}
			var got []int
			q.Each(0, func(v int) { got = append(got, v) })
			if q.Len() != len(want) || !slices.Equal(got, want) {
				t.Fatalf("it has %v, not %v", got, want)
			}
		}
	}
}
