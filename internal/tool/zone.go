package tool

import (
	"encoding/binary"
	"time"

	"hacluster/internal/program"
)

// Now is the time of day in the zone that the environment's TZ names: one of the
// system's zones, or a rule as POSIX writes it ("EST5EDT,M3.2.0,M11.1.0").
func Now(env *program.Env) time.Time {
	now := time.Now()
	tz := env.Getenv("TZ")
	if tz == "" {
		return now
	}
	if tz[0] == ':' {
		tz = tz[1:]
	}
	if zone, err := time.LoadLocation(tz); err == nil {
		return now.In(zone)
	}
	if zone, err := time.LoadLocationFromTZData(tz, ruleOnly(tz)); err == nil {
		if name, _ := now.In(zone).Zone(); name != unruled {
			return now.In(zone)
		}
	}
	return now.UTC()
}

// unruled is the zone of a time zone file whose rule cannot be read.
const unruled = "-"

// ruleOnly is a time zone file of version 2 without transitions: its last line, a
// rule as TZ holds them, says all.
func ruleOnly(rule string) []byte {
	var data []byte
	// Once for readers of version 1, and once more: header, one change of the
	// zone long ago, one zone.
	for _, width := range []int{4, 8} {
		data = append(data, "TZif2"...)
		data = append(data, make([]byte, 15)...)
		for _, n := range []uint32{0, 0, 0, 1, 1, uint32(len(unruled) + 1)} { // isutc, isstd, leap, times, types, names
			data = binary.BigEndian.AppendUint32(data, n)
		}
		data = append(data, append([]byte{0x80}, make([]byte, width-1)...)...)
		data = append(data, 0)                             // the change is to the first zone:
		data = append(data, 0, 0, 0, 0, 0, 0)              // offset 0, no summer time, the first name
		data = append(append(data, unruled...), "\x00"...) // the names
	}
	return append(data, "\n"+rule+"\n"...)
}
