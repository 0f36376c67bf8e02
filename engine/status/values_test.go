package status_test

import (
	"testing"

	"hacluster/engine/status"
)

// TestSpans: intervals may be ISO 8601 durations, counted as Pacemaker does; timeouts and delays may not.
func TestSpans(t *testing.T) {
	for s, want := range map[string][2]int64{
		"5": {5000, 5000}, " 10 s": {10000, 10000}, "1.5s": {1000, 1000}, "2min": {120000, 120000}, "1h": {3600000, 3600000}, "5000ms": {5000, 5000},
		"7us": {0, 0}, "-5": {-5000, -5000}, "PT1M": {60000, -1}, "P1W": {518400000, -1}, "P1D": {0, -1}, "P2D": {86400000, -1}, "P1DT1H": {3600000, -1}, "P1M1D": {2592000000, -1}, "P40D": {3369600000, -1},
		"P1Y": {0, -1}, "P2Y": {4294967000, -1}, "P3D/2021": {172800000, -1}, "PT-5S": {-5000, -1}, " PT10S": {-1, -1}, "PT": {-1, -1}, "": {-1, -1}, "1d": {-1, -1}, "soon": {-1, -1},
	} {
		for i, parse := range []func(string) (int64, bool){status.ParseInterval, status.ParseTimeout} {
			ms, ok := parse(s)
			if !ok {
				ms = -1
			}
			if ms != want[i] {
				t.Errorf("%q (timeout: %v) is %d, want %d", s, i == 1, ms, want[i])
			}
		}
	}
}
