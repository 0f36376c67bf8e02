package iso8601

import (
	"math"
	"time"
)

const (
	secondsInDay = 86400
	// daysInCycle is the length of 400 years, after which the calendar repeats.
	daysInCycle  = 146097
	yearsInCycle = 400
	// epochSeconds are from 0001-01-01 to 1970-01-01.
	epochSeconds = 62135596800
)

// Time is a date and time of day in the Gregorian calendar, in a zone of its own.
type Time struct {
	Year   int // 1 to 2147483647
	Day    int // of the year, from 1
	Second int // of the day, 0 to 86400
	Offset int // seconds east of UTC
}

// Of is the time t, to the second, in t's zone.
func Of(t time.Time) Time {
	_, offset := t.Zone()
	h, m, s := t.Clock()
	return Time{Year: t.Year(), Day: t.YearDay(), Second: h*3600 + m*60 + s, Offset: offset}
}

// Time is t as an instant, in t's zone.
func (t Time) Time() time.Time {
	zone := time.UTC
	if t.Offset != 0 {
		zone = time.FixedZone("", t.Offset)
	}
	return time.Date(t.Year, 1, t.Day, 0, 0, t.Second, 0, zone)
}

// UTC is t in UTC.
func (t Time) UTC() Time {
	u := t
	u.Offset = 0
	if t.Offset != 0 {
		u = u.AddSeconds(-t.Offset)
	}
	return u
}

// Compare is negative when t is before u, positive when after. The year, the day
// and the second in UTC decide, so that 24:00:00 is before the next day's 00:00:00.
func (t Time) Compare(u Time) int {
	t, u = t.UTC(), u.UTC()
	for _, d := range [...]int{t.Year - u.Year, t.Day - u.Day, t.Second - u.Second} {
		if d != 0 {
			return d
		}
	}
	return 0
}

// Seconds are those since 0001-01-01 00:00:00Z.
func (t Time) Seconds() int64 {
	u := t.UTC()
	y := int64(u.Year) - 1
	return (y*365+y/4-y/100+y/400+int64(u.Day)-1)*secondsInDay + int64(u.Second)
}

// Unix are the seconds since 1970-01-01 00:00:00Z.
func (t Time) Unix() int64 { return t.Seconds() - epochSeconds }

// Date is the month and the day of the month; in year 0, which has no months,
// the day of the year stands for the day.
func (t Time) Date() (month, day int) {
	if t.Year == 0 {
		return 0, t.Day
	}
	month, day = 1, t.Day
	for ; month < 12 && day > daysIn(t.Year, month); month++ {
		day -= daysIn(t.Year, month)
	}
	return month, day
}

// Week is the year, the week and the day of the week, 1 for Monday, of t's week date.
func (t Time) Week() (year, week, day int) {
	first := weekday(t.Year, 1)
	day = (first+t.Day-2)%7 + 1
	week = (t.Day - day + 10) / 7
	switch {
	case week < 1:
		return t.Year - 1, weeksIn(t.Year - 1), day
	case week > weeksIn(t.Year):
		return t.Year + 1, 1, day
	}
	return t.Year, week, day
}

// valid tells whether the day and the second are those of a calendar and a clock.
func (t Time) valid() bool {
	return t.Day > 0 && t.Day <= yearDays(t.Year) && t.Second >= 0 && t.Second < secondsInDay
}

// AddYears keeps the day of the year. Years end at 1 and 2147483647.
func (t Time) AddYears(n int) Time {
	switch {
	case n > 0 && t.Year+n > math.MaxInt32:
		t.Year = math.MaxInt32
	case n < 0 && t.Year+n < 1:
		t.Year = 1
	default:
		t.Year += n
	}
	return t
}

// AddMonths keeps the day of the month where the month has it, else takes its last.
func (t Time) AddMonths(n int) Time {
	if n == 0 {
		return t
	}
	m, d := t.Date()
	i := t.Year*12 + m - 1 + n
	y, m := floorDiv(i, 12)
	m++
	d = min(d, daysIn(y, m))
	for m--; m > 0; m-- {
		d += daysIn(y, m)
	}
	t.Year, t.Day = y, d
	return t
}

// AddDays ends at the first day of year 1 and at the last of year 2147483647.
func (t Time) AddDays(n int) Time {
	day := t.Day + n
	if cycles := day / daysInCycle; cycles > 1 && t.Year+cycles*yearsInCycle < math.MaxInt32 ||
		cycles < -1 && t.Year+cycles*yearsInCycle > yearsInCycle {
		t.Year += cycles * yearsInCycle
		day -= cycles * daysInCycle
	}
	for n > 0 && day > yearDays(t.Year) {
		if t.Year == math.MaxInt32 {
			t.Day = yearDays(t.Year)
			return t
		}
		day -= yearDays(t.Year)
		t.Year++
	}
	for n < 0 && day < 1 {
		if t.Year <= 1 {
			t.Day = 1
			return t
		}
		t.Year--
		day += yearDays(t.Year)
	}
	t.Day = day
	return t
}

// AddSeconds gives a time of day up to and with 24:00:00.
func (t Time) AddSeconds(n int) Time {
	days := n / secondsInDay
	t.Second += n % secondsInDay
	if t.Second > secondsInDay {
		days++
		t.Second -= secondsInDay
	} else if t.Second < 0 {
		days--
		t.Second += secondsInDay
	}
	return t.AddDays(days)
}

func floorDiv(a, b int) (q, r int) {
	q, r = a/b, a%b
	if r < 0 {
		q, r = q-1, r+b
	}
	return q, r
}

func leap(y int) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

func yearDays(y int) int {
	if leap(y) {
		return 366
	}
	return 365
}

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

// weekday is the day of the week, 1 for Monday, of a day of the year.
func weekday(y, day int) int {
	y--
	_, r := floorDiv(y*365+y/4-y/100+y/400+day-1, 7)
	return r + 1
}

// weeksIn is how many weeks a year has: 53 where it begins or ends on a Thursday.
func weeksIn(y int) int {
	if weekday(y, 1) == 4 || weekday(y, yearDays(y)) == 4 {
		return 53
	}
	return 52
}
