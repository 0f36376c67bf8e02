package rule

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// scan reads up to width digits (0: any number) as an unsigned number.
func scan(s string, width int) (n int, rest string, ok bool) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' && (width == 0 || i < width) {
		if n < math.MaxInt32 {
			n = n*10 + int(s[i]-'0')
		}
		i++
	}
	return n, s[i:], i > 0
}

// ParseTime reads an ISO 8601 date, time of day, or both: calendar
// (2026-11-25, 20261125), ordinal (2026-329) and week dates (2026-W48-3), the
// time after a blank or a T (12:30:15, 1230), an offset (Z, +01:00) after it.
// Without offset the time is in now's zone; without date it is today's.
func ParseTime(s string, now time.Time) (time.Time, error) {
	bad := func(why string) (time.Time, error) {
		return time.Time{}, fmt.Errorf("'%s' is not a valid ISO 8601 date/time specification%s", s, why)
	}
	if s == "" {
		return time.Time{}, fmt.Errorf("no ISO 8601 date/time specification given")
	}
	zone := now.Location()
	if s[0] == 'T' || (len(s) > 2 && s[2] == ':') {
		y, m, d := now.Date()
		return parseClock(strings.TrimPrefix(s, "T"), y, m, d, zone)
	}
	if len(s) >= 5 && strings.EqualFold(s[:5], "epoch") && (len(s) == 5 || s[5] == '/' || s[5] == ' ') {
		return time.Unix(0, 0).UTC(), nil
	}
	var y, mo, d int
	date := strings.TrimPrefix(s, "+")
	yd, rest, ok := scan(date, 0)
	switch {
	case !ok:
		return bad("")
	case strings.HasPrefix(rest, "-W"):
		w, r2, ok := scan(rest[2:], 0)
		if !ok || !strings.HasPrefix(r2, "-") {
			return bad("")
		}
		day, _, ok := scan(r2[1:], 0)
		if !ok {
			return bad("")
		}
		if w < 1 || w > weeksInYear(yd) {
			return bad(fmt.Sprintf(" because '%d' is not a valid week of year %d (1-%d)", w, yd, weeksInYear(yd)))
		}
		if day < 1 || day > 7 {
			return bad(fmt.Sprintf(" because '%d' is not a valid day of the week", day))
		}
		jan4 := time.Date(yd, 1, 4, 0, 0, 0, 0, time.UTC)
		monday := jan4.AddDate(0, 0, -int((jan4.Weekday()+6)%7))
		t := monday.AddDate(0, 0, (w-1)*7+day-1)
		y, mo, d = t.Year(), int(t.Month()), t.Day()
	case strings.HasPrefix(rest, "-"):
		m, r2, ok := scan(rest[1:], 0)
		if !ok {
			return bad("")
		}
		if strings.HasPrefix(r2, "-") {
			if day, _, ok := scan(r2[1:], 0); ok {
				y, mo, d = yd, m, day
				break
			}
		}
		if yd < 1 {
			return bad(fmt.Sprintf(" because '%d' is not a valid year", yd))
		}
		days := 365
		if leap(yd) {
			days = 366
		}
		if m < 1 || m > days {
			return bad(fmt.Sprintf(" because '%d' is not a valid day of year %d (1-%d)", m, yd, days))
		}
		t := time.Date(yd, 1, m, 0, 0, 0, 0, time.UTC)
		y, mo, d = t.Year(), int(t.Month()), t.Day()
	default:
		var r2, r3 string
		y, r2, _ = scan(date, 4)
		if mo, r3, ok = scan(r2, 2); !ok {
			return bad("")
		}
		if d, _, ok = scan(r3, 2); !ok {
			return bad("")
		}
	}
	switch {
	case mo < 1 || mo > 12:
		return bad(fmt.Sprintf(" because '%d' is not a valid month", mo))
	case y < 1:
		return bad(fmt.Sprintf(" because '%d' is not a valid year", y))
	case d < 1 || d > daysIn(y, mo):
		return bad(fmt.Sprintf(" because '%d' is not a valid day of the month", d))
	}
	clock := strings.TrimLeft(date, "0123456789-W")
	if clock != "" && (clock[0] == ' ' || clock[0] == 'T') {
		return parseClock(clock[1:], y, time.Month(mo), d, zone)
	}
	return time.Date(y, time.Month(mo), d, 0, 0, 0, 0, zone), nil
}

func parseClock(s string, y int, m time.Month, d int, zone *time.Location) (time.Time, error) {
	secs, err := parseHMS(s)
	if err != nil {
		return time.Time{}, err
	}
	// an offset begins at Z, + or -, after blanks or not
	if i := strings.IndexAny(s, "Z+-"); i >= 0 {
		if s[i] == 'Z' {
			zone = time.UTC
		} else {
			off, err := parseHMS(s[i+1:])
			if err != nil {
				return time.Time{}, err
			}
			if s[i] == '-' {
				off = -off
			}
			zone = time.FixedZone("", off)
			if off == 0 {
				zone = time.UTC
			}
		}
	}
	return time.Date(y, m, d, 0, 0, secs, 0, zone), nil
}

func parseHMS(s string) (int, error) {
	bad := func(why string) (int, error) {
		return 0, fmt.Errorf("'%s' is not a valid ISO 8601 time specification%s", s, why)
	}
	h, rest, ok := scan(strings.TrimLeft(s, " "), 0)
	if !ok {
		return bad("")
	}
	var m, sec int
	if strings.HasPrefix(rest, ":") {
		var r2 string
		if m, r2, ok = scan(rest[1:], 0); ok && strings.HasPrefix(r2, ":") {
			sec, _, _ = scan(r2[1:], 0)
		}
	} else {
		h, rest, _ = scan(strings.TrimLeft(s, " "), 2)
		if m, rest, ok = scan(rest, 2); ok {
			sec, _, _ = scan(rest, 2)
		}
	}
	switch {
	case h == 24 && m == 0 && sec == 0:
	case h >= 24:
		return bad(fmt.Sprintf(" because %d is not a valid hour", h))
	}
	if m >= 60 {
		return bad(fmt.Sprintf(" because %d is not a valid minute", m))
	}
	if sec >= 60 {
		return bad(fmt.Sprintf(" because %d is not a valid second", sec))
	}
	return h*3600 + m*60 + sec, nil
}

func leap(y int) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

func daysIn(y, m int) int {
	switch m {
	case 2:
		if leap(y) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

func weeksInYear(y int) int {
	_, w := time.Date(y, 12, 28, 0, 0, 0, 0, time.UTC).ISOWeek()
	return w
}

// Duration is a span of time in calendar units.
type Duration struct {
	Years, Months, Weeks, Days, Hours, Minutes, Seconds int
}

// ParseDuration reads an ISO 8601 duration (P1Y2M3DT4H5M6S, P2W, or the
// alternative forms P00021015T103020 and P0002-10-15T10:30:20).
func ParseDuration(s string) (Duration, error) {
	var d Duration
	bad := func(why string) (Duration, error) {
		return Duration{}, fmt.Errorf("'%s' is not a valid ISO 8601 time duration%s", s, why)
	}
	if s == "" || s[0] != 'P' {
		return bad(" because it does not start with a 'P'")
	}
	if len(s) == 1 || s[1] == ' ' {
		return bad(" because nothing follows 'P'")
	}
	clock, any := false, false
	for i := 1; i < len(s) && s[i] != '/' && s[i] != ' '; {
		if s[i] == 'T' {
			clock = true
			i++
			continue
		}
		neg := s[i] == '-'
		if neg || s[i] == '+' {
			i++
		}
		n, rest, ok := scan(s[i:], 0)
		if !ok {
			return bad(fmt.Sprintf(" because no valid integer at '%s'", s[i:]))
		}
		if n > math.MaxInt32 {
			return bad(fmt.Sprintf(" because '%s' is too large", s[i:len(s)-len(rest)]))
		}
		digits := len(s) - i - len(rest)
		if neg {
			n = -n
		}
		i = len(s) - len(rest)
		unit := byte(0)
		if i < len(s) {
			unit = s[i]
		}
		switch unit {
		case 'Y':
			d.Years = n
		case 'M':
			if clock {
				d.Minutes = n
			} else {
				d.Months = n
			}
		case 'W':
			d.Weeks = n
		case 'D':
			d.Days = n
		case 'H':
			d.Hours = n
		case 'S':
			d.Seconds = n
		case 0, 'T', '-', ':':
			if digits == 8 && !clock {
				d.Years, d.Months, d.Days = n/10000, n/100%100, n%100
				any = true
				continue
			}
			if digits == 6 && clock {
				d.Hours, d.Minutes, d.Seconds = n/10000, n/100%100, n%100
				any = true
				continue
			}
			if unit == 0 {
				return bad(fmt.Sprintf(" because no units after %d", n))
			}
			fallthrough
		default:
			return bad(fmt.Sprintf(" because '%c' is not a valid time unit", unit))
		}
		any = true
		i++
	}
	if !any {
		return bad(" because no amounts and units given")
	}
	return d, nil
}

// AddTo returns t later by the duration: first years, then months (the day is
// clipped to the month's length), then the rest.
func (d Duration) AddTo(t time.Time) time.Time {
	t = addYears(t, d.Years)
	t = AddMonths(t, d.Months)
	t = t.AddDate(0, 0, d.Weeks*7+d.Days)
	return t.Add(time.Duration(d.Hours)*time.Hour + time.Duration(d.Minutes)*time.Minute + time.Duration(d.Seconds)*time.Second)
}

// addYears keeps the day of the year, as Pacemaker does.
func addYears(t time.Time, n int) time.Time {
	if n == 0 {
		return t
	}
	h, m, s := t.Clock()
	return time.Date(t.Year()+n, 1, t.YearDay(), h, m, s, 0, t.Location())
}

// AddMonths moves by months; the day is clipped to the month's length.
func AddMonths(t time.Time, n int) time.Time {
	if n == 0 {
		return t
	}
	y, mo, day := t.Date()
	i := y*12 + int(mo) - 1 + n
	y, m := i/12, i%12+1
	h, mi, s := t.Clock()
	return time.Date(y, time.Month(m), min(day, daysIn(y, m)), h, mi, s, 0, t.Location())
}

// Milliseconds is the length of the duration counted as Pacemaker does for
// intervals: the time from the epoch to the epoch plus the duration.
func (d Duration) Milliseconds() int64 {
	base := time.Unix(0, 0).UTC()
	return d.AddTo(base).Sub(base).Milliseconds()
}
