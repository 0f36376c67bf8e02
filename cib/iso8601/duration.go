package iso8601

import (
	"fmt"
	"math"
	"strings"
)

// Duration is a span of time in calendar units, each with a sign of its own.
type Duration struct{ Years, Months, Days, Seconds int }

// ParseDuration reads P, then amounts with their units (Y M W D, after a T also
// H M S; only M's meaning depends on the T), to the end, a blank or a slash.
func ParseDuration(s string) (Duration, error) {
	bad := func(format string, args ...any) (Duration, error) {
		return Duration{}, fmt.Errorf("'%s' is not a valid ISO 8601 time duration%s", s, fmt.Sprintf(format, args...))
	}
	if s == "" {
		return Duration{}, fmt.Errorf("no ISO 8601 time duration given")
	}
	if s[0] != 'P' {
		return bad(" because it does not start with a 'P'")
	}
	if len(s) == 1 || isSpace(s[1]) {
		return bad(" because nothing follows 'P'")
	}
	var d Duration
	clock := false
	for i := 1; i < len(s) && s[i] != '/' && !isSpace(s[i]); i++ {
		if s[i] == 'T' {
			clock = true
			continue
		}
		n, used := amount(s[i:])
		if used == 0 {
			return bad(" because no valid integer at '%s'", s[i:])
		}
		at := s[i:]
		i += used
		if i == len(s) {
			return bad(" because no units after %d", n)
		}
		ok := true
		switch {
		case s[i] == 'Y':
			d.Years = n
		case s[i] == 'M' && !clock:
			d.Months = n
		case s[i] == 'W':
			ok = accumulate(&d.Days, n, 7)
		case s[i] == 'D':
			ok = accumulate(&d.Days, n, 1)
		case s[i] == 'H':
			ok = accumulate(&d.Seconds, n, 3600)
		case s[i] == 'M':
			ok = accumulate(&d.Seconds, n, 60)
		case s[i] == 'S':
			ok = accumulate(&d.Seconds, n, 1)
		default:
			return bad(" because '%c' is not a valid time unit", s[i])
		}
		if !ok {
			return bad(" because the sum up to '%s' is out of range", at)
		}
	}
	if d == (Duration{}) {
		return bad(" because no amounts and units given")
	}
	return d, nil
}

// amount reads a number of up to ten digits; used is 0 where there is none.
func amount(s string) (n, used int) {
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+' || s[i] == ':') {
		i++
	}
	begin := i
	for i < len(s) && i-begin < 10 && isDigit(s[i]) {
		n = n*10 + int(s[i]-'0')
		i++
	}
	if i == begin || n > math.MaxInt32 {
		return 0, 0
	}
	if s[0] == '-' {
		n = -n
	}
	return n, i
}

// accumulate adds n times unit, as long as the sum has 32 bits.
func accumulate(to *int, n, unit int) bool {
	sum := *to + n*unit
	if sum < math.MinInt32 || sum > math.MaxInt32 {
		return false
	}
	*to = sum
	return true
}

// Negative is the duration backwards.
func (d Duration) Negative() Duration {
	return Duration{-d.Years, -d.Months, -d.Days, -d.Seconds}
}

// Add gives t later by d: years, then months, days and seconds.
func (t Time) Add(d Duration) Time {
	return t.AddYears(d.Years).AddMonths(d.Months).AddDays(d.Days).AddSeconds(d.Seconds)
}

// Milliseconds is the length of the duration as Pacemaker counts it for intervals, at most 32 bits of whole seconds. It reads it
// like a date, so that one day and one year are none: P1D is 0, P1W six days, P2Y a year. A month is 30 days.
// Years, months and days below zero do not count.
func (d Duration) Milliseconds() int64 {
	whole := int64(max(d.Years-1, 0))
	days := whole*365 + whole/4 - whole/100 + whole/400 + 30*int64(max(d.Months, 0)) + int64(max(d.Days-1, 0))
	seconds := days*secondsInDay + int64(d.Seconds)
	return min(seconds, math.MaxUint32/1000) * 1000
}

// String is the duration in words: "   1 year  2 months 3600 seconds (1 hour)".
func (d Duration) String() string {
	var b strings.Builder
	for _, u := range [...]struct {
		n, width int
		name     string
	}{{d.Years, 4, "year"}, {d.Months, 2, "month"}, {d.Days, 2, "day"}} {
		if u.n != 0 {
			fmt.Fprintf(&b, "%*d %s%s ", u.width, u.n, u.name, plural(u.n))
		}
	}
	if d.Seconds != 0 || b.Len() == 0 {
		fmt.Fprintf(&b, "%d second%s", d.Seconds, plural(d.Seconds))
	}
	total := max(d.Seconds, -d.Seconds)
	if total < 60 {
		return b.String()
	}
	var parts []string
	for _, u := range [...]struct {
		n    int
		unit string
	}{{total / 3600, "hour"}, {total / 60 % 60, "minute"}, {total % 60, "second"}} {
		switch {
		case u.n == 0:
		case u.unit == "second": // Pacemaker takes the plural from the total
			parts = append(parts, fmt.Sprintf("%d second%s", u.n, plural(d.Seconds)))
		default:
			parts = append(parts, fmt.Sprintf("%d %s%s", u.n, u.unit, plural(u.n)))
		}
	}
	return b.String() + " (" + strings.Join(parts, " ") + ")"
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
