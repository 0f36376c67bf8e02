package sbd

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// IOTimeout is how long one read or write may take where nothing else is said.
const IOTimeout = 3 * time.Second

// Devices reads the setting SBD_DEVICE: paths parted by semicolons.
func Devices(setting string) []string {
	var out []string
	for _, d := range strings.Split(setting, ";") {
		if d = strings.TrimSpace(d); d != "" {
			out = append(out, d)
		}
	}
	return out
}

// Seconds reads a time of the settings: a number of seconds, or with one of the units that Pacemaker knows.
// Parts of a second are cut off, as they are there.
func Seconds(setting string) (time.Duration, error) {
	s := strings.TrimSpace(setting)
	end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(s)
	}
	n, err := strconv.ParseUint(s[:end], 10, 31)
	unit, known := map[string]time.Duration{
		"": time.Second, "s": time.Second, "sec": time.Second, "ms": time.Millisecond, "msec": time.Millisecond,
		"us": time.Microsecond, "usec": time.Microsecond, "m": time.Minute, "min": time.Minute, "h": time.Hour, "hr": time.Hour,
	}[strings.ToLower(strings.TrimSpace(s[end:]))]
	if err != nil || !known {
		return 0, fmt.Errorf("%q is not a number of seconds", setting)
	}
	return (time.Duration(n) * unit).Truncate(time.Second), nil
}

// Delay is the setting SBD_DELAY_START: how long the watch waits before it begins, so that a node which comes
// back does so only after the others are surely done with fencing it.
type Delay struct {
	On  bool
	For time.Duration // 0: what the disks, or else the watchdog, give
}

// ParseDelay reads SBD_DELAY_START: yes, no, or a time.
func ParseDelay(setting string) (Delay, error) {
	switch strings.ToLower(strings.TrimSpace(setting)) {
	case "", "no", "n", "off", "false", "0":
		return Delay{}, nil
	case "yes", "y", "on", "true", "1":
		return Delay{On: true}, nil
	}
	t, err := Seconds(setting)
	if err != nil {
		return Delay{}, fmt.Errorf("%q is not yes, no or a number of seconds", setting)
	}
	return Delay{On: t > 0, For: t}, nil
}

// Length is how long to wait: the disks' time in which a message is delivered, without disks twice the watchdog's.
func (d Delay) Length(disks bool, h Header) time.Duration {
	switch {
	case !d.On:
		return 0
	case d.For > 0:
		return d.For
	case disks && h.MsgWait > 0:
		return time.Duration(h.MsgWait) * time.Second
	}
	return 2 * time.Duration(h.Watchdog) * time.Second
}
