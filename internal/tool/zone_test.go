package tool

import (
	"testing"
	"time"

	"hacluster/internal/program"
)

func TestNow(t *testing.T) {
	for tz, want := range map[string]int{
		"AAA-3:30":               12600,
		":UTC":                   0,
		"XXX5":                   -18000,
		"<+04>-4":                14400,
		"AAA1BBB-9,J1/0,J365/25": 32400, // summer time all year
		"no zone":                0,
	} {
		env := &program.Env{Getenv: func(name string) string { return map[string]string{"TZ": tz}[name] }}
		now := Now(env)
		if _, got := now.Zone(); got != want {
			t.Errorf("%s: offset %d, want %d", tz, got, want)
		}
		if d := time.Since(now); d < 0 || d > time.Minute {
			t.Errorf("%s: not now: %v", tz, now)
		}
	}
}
