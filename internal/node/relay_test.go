package node

import (
	"slices"
	"testing"
)

// TestRelay: responses belong to the requests that wait, in their order; one that nobody is seen to wait for is to the last request.
func TestRelay(t *testing.T) {
	var r relay
	var got []int32
	take := func() { got = append(got, r.answered()) }
	r.asked(1, false) // whose flags are not seen
	take()
	r.asked(2, true)
	r.asked(3, false)
	r.asked(4, true)
	take()
	take()
	r.asked(5, true)
	take()
	if want := []int32{1, 2, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("responses are to %d, want %d", got, want)
	}
}
