package program

import (
	"testing"
	"time"
)

func TestPosixZone(t *testing.T) {
	winter, summer := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC), time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ tz, winter, summer string }{
		{"AAA-3:30", "15:30 AAA", "15:30 AAA"},
		{"EST5", "07:00 EST", "07:00 EST"},
		{"<+0545>-5:45", "17:45 +0545", "17:45 +0545"},
		{"CET-1CEST,M3.5.0,M10.5.0/3", "13:00 CET", "14:00 CEST"},
	} {
		loc := posixZone(c.tz)
		if loc == nil {
			t.Errorf("%s is not understood", c.tz)
			continue
		}
		if w, s := winter.In(loc).Format("15:04 MST"), summer.In(loc).Format("15:04 MST"); w != c.winter || s != c.summer {
			t.Errorf("%s: %s and %s, want %s and %s", c.tz, w, s, c.winter, c.summer)
		}
	}
	for _, tz := range []string{"X", "AB3", "ABC", "ABC:", "<x", "12"} {
		if posixZone(tz) != nil {
			t.Errorf("%q is understood", tz)
		}
	}
}
