package scheduler

import (
	"math"
	"testing"

	"hacluster/engine/status"
)

// TestAmounts: quantities are shown as they are written until something is added to them, and sums stay within an int
// of C, as those of crm_simulate --show-utilization do.
func TestAmounts(t *testing.T) {
	for _, c := range []struct {
		has, needs string
		left       int
		shown      string
	}{
		{"4", "1", 3, "3"},
		{"1.5", "1", 0, "0"},
		{" 4 GiB", "1", 3, "3"},
		{"", "1", math.MinInt32, "-2147483648"},
		{"x", "-1", math.MinInt32 + 1, "-2147483647"},
		{"3", "x", math.MaxInt32, "2147483647"},
		{"-4", "x", math.MaxInt32 - 3, "2147483644"},
		{"99999999999", "-1", math.MaxInt32, "2147483647"},
	} {
		node := amounts(status.Values{{Name: "cpu", Value: c.has}})
		if got := shown(node); len(got) != 1 || got[0].Text != c.has {
			t.Errorf("%q is shown as %v", c.has, got)
		}
		need := amounts(status.Values{{Name: "cpu", Value: c.needs}})
		left := addAmounts(node, need, -1)
		if left[0].Value != c.left || left[0].Text != c.shown {
			t.Errorf("%q without %q is %d, shown as %q; want %d, %q", c.has, c.needs, left[0].Value, left[0].Text, c.left, c.shown)
		}
	}
}
