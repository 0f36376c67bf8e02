package simulation

import (
	"time"
	"unsafe"
)

// A process of a real host has two clocks in one value: time.Now tells what the wall clock shows and, beside it, a monotonic reading, by which two such values are
// compared and subtracted. When the host's clock is set the two part. No function of package time makes a value whose parts are apart, so that clockTime puts one together.

// layout is how package time keeps a value that has a monotonic reading.
type layout struct {
	wall uint64         // 1 bit: there is a reading; 33 bits: seconds since 1885; 30 bits: nanoseconds
	ext  int64          // the reading
	loc  *time.Location // nil: UTC
}

const (
	hasReading  = 1 << 63
	secondShift = 30
)

// wallBegin is from when seconds are counted there.
var wallBegin = time.Date(1885, 1, 1, 0, 0, 0, 0, time.UTC)

// clockTime is what time.Now would give where the wall clock shows wall (1885 to 2157) and the monotonic one reading.
func clockTime(wall time.Time, reading time.Duration) time.Time {
	var t time.Time
	since := wall.Unix() - wallBegin.Unix()
	*(*layout)(unsafe.Pointer(&t)) = layout{hasReading | uint64(since)<<secondShift | uint64(wall.Nanosecond()), int64(reading), nil}
	return t
}
