package iso8601

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// fields reads a pattern of numbers and literal characters as sscanf reads one
// of unsigned numbers: 'n' a number of any length, '2' and '4' one of at most so
// many characters; numbers may have blanks and a sign before them. It gives the
// numbers up to the first thing that does not fit, and the length of a full match.
func fields(s, pattern string) (nums []int, used int) {
	i := 0
	for _, p := range []byte(pattern) {
		width := math.MaxInt
		switch p {
		case 'n':
		case '2', '4':
			width = int(p - '0')
		default:
			if i >= len(s) || s[i] != p {
				return nums, i
			}
			i++
			continue
		}
		for i < len(s) && isSpace(s[i]) {
			i++
		}
		negative := false
		if i < len(s) && width > 0 && (s[i] == '+' || s[i] == '-') {
			negative = s[i] == '-'
			i, width = i+1, width-1
		}
		n, begin := 0, i
		for i < len(s) && width > 0 && isDigit(s[i]) {
			n = min(n*10+int(s[i]-'0'), math.MaxUint32)
			i, width = i+1, width-1
		}
		if i == begin {
			return nums, i
		}
		if negative {
			n = (math.MaxUint32 + 1 - n) & math.MaxUint32 // as it wraps around
		}
		nums = append(nums, n)
	}
	return nums, i
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// Parse reads a date, a time of day, or both: calendar (2026-11-25, 20261125),
// ordinal (2026-329) and week dates (2026-W48-3), after a blank or a T the time
// (12:30:15, 1230), after it the offset (Z, +01:00). "epoch" is 1970-01-01.
// A time without offset is in now's zone; without date it is today's; a date
// without time is 00:00:00Z.
func Parse(s string, now time.Time) (Time, error) {
	if s == "" {
		return Time{}, fmt.Errorf("no ISO 8601 date/time specification given")
	}
	var t Time
	clock, timed := "", false
	switch {
	case s[0] == 'T':
		t, clock, timed = Of(now), s[1:], true
	case len(s) > 2 && s[2] == ':':
		t, clock, timed = Of(now), s, true
	case len(s) >= 5 && strings.EqualFold(s[:5], "epoch") && (len(s) == 5 || s[5] == '/' || isSpace(s[5])):
		return Time{Year: 1970, Day: 1}, nil
	default:
		var err error
		if t, err = parseDate(s); err != nil {
			return Time{}, err
		}
		clock = strings.TrimLeft(s, "0123456789-W")
		if timed = clock != "" && (clock[0] == ' ' || clock[0] == 'T'); timed {
			clock = clock[1:]
		}
	}
	if timed {
		var err error
		if t.Second, err = parseClock(clock); err != nil {
			return Time{}, err
		}
		if t.Offset, err = parseZone(clock, now); err != nil {
			return Time{}, err
		}
		if t.Second == secondsInDay {
			t.Second = 0
			t = t.AddDays(1)
		}
	}
	if !t.valid() {
		return Time{}, fmt.Errorf("'%s' is not a valid ISO 8601 date/time specification", s)
	}
	return t, nil
}

// parseDate reads the date at the beginning of s.
func parseDate(s string) (Time, error) {
	bad := func(format string, args ...any) (Time, error) {
		return Time{}, fmt.Errorf("'%s' is not a valid ISO 8601 date/time specification%s", s, fmt.Sprintf(format, args...))
	}
	n, _ := fields(s, "n-n-n")
	if len(n) == 1 {
		n, _ = fields(s, "422")
	}
	if len(n) == 3 {
		y, m, d := n[0], n[1], n[2]
		switch {
		case m < 1 || m > 12:
			return bad(" because '%d' is not a valid month", m)
		case y < 1 || y > math.MaxInt32:
			return bad(" because '%d' is not a valid year", y)
		case d < 1 || d > daysIn(y, m):
			return bad(" because '%d' is not a valid day of the month", d)
		}
		for m--; m > 0; m-- {
			d += daysIn(y, m)
		}
		return Time{Year: y, Day: d}, nil
	}
	if n, _ = fields(s, "n-n"); len(n) == 2 {
		switch y, d := n[0], n[1]; {
		case y < 1 || y > math.MaxInt32:
			return bad(" because '%d' is not a valid year", y)
		case d < 1 || d > yearDays(y):
			return bad(" because '%d' is not a valid day of year %d (1-%d)", d, y, yearDays(y))
		default:
			return Time{Year: y, Day: d}, nil
		}
	}
	if n, _ = fields(s, "n-Wn-n"); len(n) == 3 {
		switch y, w, d := n[0], n[1], n[2]; {
		case y < 1 || y > math.MaxInt32:
			return bad(" because '%d' is not a valid year", y)
		case w < 1 || w > weeksIn(y):
			return bad(" because '%d' is not a valid week of year %d (1-%d)", w, y, weeksIn(y))
		case d < 1 || d > 7:
			return bad(" because '%d' is not a valid day of the week", d)
		default:
			// 4 January is always in the first week
			return Time{Year: y, Day: 4}.AddDays((w-1)*7 + d - weekday(y, 4)), nil
		}
	}
	return bad("")
}

// parseZone reads the offset that follows a time of day: at its first Z, else at
// its first blank, + or -. Without any it is now's; letters other than Z mean 0.
func parseZone(clock string, now time.Time) (int, error) {
	i := strings.IndexByte(clock, 'Z')
	if i < 0 {
		i = strings.IndexAny(clock, " +-")
	}
	if i < 0 {
		_, offset := now.Zone()
		return offset, nil
	}
	zone := strings.TrimLeft(clock[i:], " \t\n\v\f\r")
	if zone == "" || !isDigit(zone[0]) && zone[0] != '+' && zone[0] != '-' {
		return 0, nil
	}
	offset, err := parseClock(strings.TrimLeft(zone[:1], "+-") + zone[1:])
	if zone[0] == '-' {
		offset = -offset
	}
	return offset, err
}

// parseClock reads hours, and perhaps minutes and seconds, as seconds; 24:00:00
// is allowed.
func parseClock(s string) (int, error) {
	bad := func(format string, args ...any) (int, error) {
		return 0, fmt.Errorf("'%s' is not a valid ISO 8601 time specification%s", s, fmt.Sprintf(format, args...))
	}
	n, _ := fields(s, "n:n:n")
	if len(n) == 1 {
		n, _ = fields(s, "222")
	}
	if len(n) == 0 {
		return bad("")
	}
	n = append(n, 0, 0)
	h, m, sec := n[0], n[1], n[2]
	switch {
	case h >= 24 && (h > 24 || m > 0 || sec > 0):
		return bad(" because %d is not a valid hour", h)
	case m >= 60:
		return bad(" because %d is not a valid minute", m)
	case sec >= 60:
		return bad(" because %d is not a valid second", sec)
	}
	return h*3600 + m*60 + sec, nil
}

// Period is a span of time.
type Period struct{ Start, End Time }

// ParsePeriod reads START/END, START/DURATION, DURATION/END, or a DURATION, which
// begins now. The end may be before the start.
func ParsePeriod(s string, now time.Time) (Period, error) {
	bad := func(why string) (Period, error) {
		return Period{}, fmt.Errorf("'%s' is not a valid ISO 8601 time period because %s", s, why)
	}
	if s == "" {
		return Period{}, fmt.Errorf("no ISO 8601 time period given")
	}
	var p Period
	var length, second Duration
	var err error
	// the first half is read with the second: what ends it depends on its form
	before := strings.HasPrefix(s, "P")
	if before {
		length, err = ParseDuration(s)
	} else {
		p.Start, err = Parse(s, now)
	}
	if err != nil {
		return Period{}, err
	}
	_, rest, two := strings.Cut(s, "/")
	switch {
	case !two && !before:
		return bad("it has no duration or ending time")
	case !two:
		p.Start = Of(now)
		p.End = p.Start.Add(length)
	case strings.HasPrefix(rest, "P") && before:
		return bad("it has two durations")
	case strings.HasPrefix(rest, "P"):
		if second, err = ParseDuration(rest); err != nil {
			return Period{}, err
		}
		p.End = p.Start.Add(second)
	default:
		if p.End, err = Parse(rest, now); err != nil {
			return Period{}, err
		}
		if before {
			p.Start = p.End.Add(length.Negative())
		}
	}
	switch {
	case !p.Start.valid():
		return bad("the start is invalid")
	case !p.End.valid():
		return bad("the end is invalid")
	}
	return p, nil
}
