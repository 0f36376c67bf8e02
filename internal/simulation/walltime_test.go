package simulation

import (
	"testing"
	"time"
	"unsafe"
)

// TestClockTime holds that package time takes what clockTime makes for a value with a monotonic reading, as it is.
func TestClockTime(t *testing.T) {
	if got, want := unsafe.Sizeof(time.Time{}), unsafe.Sizeof(layout{}); got != want {
		t.Fatalf("a time has %d bytes, and is taken to have %d", got, want)
	}
	before := clockTime(start.Add(1500*time.Millisecond), 10*time.Second)
	after := clockTime(start.Add(-time.Hour), 12*time.Second) // the clock was set back
	if got := after.Sub(before); got != 2*time.Second || !after.After(before) {
		t.Errorf("2 s later is %v later, after %v", got, after.After(before))
	}
	if got := after.Add(time.Minute).Sub(before); got != time.Minute+2*time.Second {
		t.Errorf("what is due a minute later is due %v later", got)
	}
	if got, want := after.Unix(), start.Add(-time.Hour).Unix(); got != want {
		t.Errorf("the wall clock shows %d, not %d", got, want)
	}
	if got := after.Round(0).Sub(start); got != -time.Hour {
		t.Errorf("without the reading it is %v from the start", got)
	}
	if got := before.Format(time.RFC3339Nano); got != "2026-01-01T00:00:01.5Z" {
		t.Errorf("the wall clock shows %s", got)
	}
	if due := time.Unix(after.Unix()+60, 0); due.Sub(after) != time.Minute {
		t.Errorf("a time that was read is %v away, as the wall clock has it", due.Sub(after))
	}
}
