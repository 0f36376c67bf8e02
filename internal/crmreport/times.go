package crmreport

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// ParseTime reads a time as people and logs write it: "2026-11-30 08:50:57", ISO 8601, "Nov 30 08:50:57", "30 Nov 2026 8:50 pm",
// "11/30/26 08:50" (the month first), or a time of day alone, which is today's. It is in now's zone where no zone is named; without a year it is
// in the last twelve months. Without a time of day, and where a word is of no known kind, it is none.
func ParseTime(text string, now time.Time) (time.Time, bool) {
	if !strings.Contains(text, ":") {
		return time.Time{}, false
	}
	p := moment{zone: now.Location()}
	for _, word := range strings.FieldsFunc(withoutComments(strings.ToLower(text)), func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == '"' }) {
		if !p.word(word) {
			return time.Time{}, false
		}
	}
	return p.time(now)
}

// moment is what is known of a time: 0 months, days and years are not known.
type moment struct {
	year, month, day     int
	clock                bool
	hour, minute, second int
	nano                 int
	half                 string // am or pm
	zone                 *time.Location
	zoned                bool
}

// withoutComments drops what stands in parentheses.
func withoutComments(s string) string {
	for {
		from := strings.IndexByte(s, '(')
		if from < 0 {
			return s
		}
		to := strings.IndexByte(s[from:], ')')
		if to < 0 {
			return s
		}
		s = s[:from] + " " + s[from+to+1:]
	}
}

var (
	months = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
	days   = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
	// zones are seconds east of Greenwich, of the names that programs write.
	zones = map[string]int{
		"z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 3600, "bst": 3600, "cet": 3600, "met": 3600, "cest": 7200, "mest": 7200, "eet": 7200, "eest": 10800,
		"est": -5 * 3600, "edt": -4 * 3600, "cst": -6 * 3600, "cdt": -5 * 3600, "mst": -7 * 3600, "mdt": -6 * 3600, "pst": -8 * 3600, "pdt": -7 * 3600,
		"ist": 5*3600 + 1800, "jst": 9 * 3600,
	}
)

// named finds a name by its first three letters or more, counted from 1; 0 without.
func named(list []string, word string) int {
	word = strings.TrimSuffix(word, ".")
	if len(word) < 3 {
		return 0
	}
	for i, n := range list {
		if strings.HasPrefix(n, word) {
			return i + 1
		}
	}
	return 0
}

// word takes one word; false if it is of no known kind.
func (p *moment) word(w string) bool {
	if n := named(months, w); n > 0 && p.month == 0 {
		p.month = n
		return true
	}
	if named(days, w) > 0 || w == "tues" || w == "thur" || w == "thurs" {
		return true
	}
	if m := strings.ReplaceAll(w, ".", ""); (m == "am" || m == "pm" || m == "a" || m == "p") && p.clock {
		p.half = m[:1]
		return true
	}
	if offset, ok := zones[w]; ok && !p.zoned {
		p.at(w, offset)
		return true
	}
	if p.stamp(w) || p.dashed(w) || p.time12(w) {
		return true
	}
	if (w[0] == '+' || w[0] == '-') && p.offset(w) {
		return true
	}
	digits := strings.TrimRight(w, "abcdefghijklmnopqrstuvwxyz")
	n, err := strconv.Atoi(digits)
	suffix := w[len(digits):]
	if err != nil || suffix != "" && suffix != "st" && suffix != "nd" && suffix != "rd" && suffix != "th" {
		return false
	}
	switch {
	case len(digits) == 8 && suffix == "" && p.year == 0 && p.month == 0 && p.day == 0:
		p.year, p.month, p.day = n/10000, n/100%100, n%100
	case len(digits) == 4 && suffix == "" && p.year == 0:
		p.year = n
	case len(digits) <= 2 && p.day == 0 && (p.month != 0 || !p.clock || suffix != ""):
		p.day = n
	case len(digits) == 2 && suffix == "" && p.year == 0 && p.day != 0:
		p.year = century(n)
	default:
		return false
	}
	return true
}

// century puts the years of two digits into 50 years before and after 2020.
func century(n int) int {
	if n < 70 {
		return 2000 + n
	}
	return 1900 + n
}

func (p *moment) at(name string, offset int) {
	p.zone, p.zoned = time.FixedZone(strings.ToUpper(name), offset), true
}

// numbers splits at separators that are all the same, into as many numbers as there are.
func numbers(s string, separators string) (list []int, ok bool) {
	at := strings.IndexAny(s, separators)
	if at < 0 {
		return nil, false
	}
	for _, part := range strings.Split(s, s[at:at+1]) {
		n, err := strconv.Atoi(part)
		if err != nil || part[0] < '0' || part[0] > '9' {
			return nil, false
		}
		list = append(list, n)
	}
	return list, true
}

// dashed takes a date of numbers, or of a day and a month's name: 2026-11-30, 11/30/26, 30-nov-2026, 21/dec.
func (p *moment) dashed(w string) bool {
	if p.month != 0 || p.day != 0 {
		return false
	}
	if at := strings.IndexAny(w, "-/."); at > 0 {
		parts := strings.Split(w, w[at:at+1])
		day, err := strconv.Atoi(parts[0])
		if month := 0; err == nil && len(parts) > 1 && len(parts) < 4 {
			if month = named(months, parts[1]); month > 0 {
				p.day, p.month = day, month
				if len(parts) == 3 {
					year, err := strconv.Atoi(parts[2])
					if err != nil {
						return false
					}
					if p.year = year; len(parts[2]) == 2 {
						p.year = century(year)
					}
				}
				return true
			}
		}
	}
	list, ok := numbers(w, "-/.")
	switch {
	case !ok:
		return false
	case len(list) == 3 && list[0] > 12:
		p.year, p.month, p.day = list[0], list[1], list[2]
	case len(list) == 3:
		p.month, p.day, p.year = list[0], list[1], list[2]
	case len(list) == 2:
		p.month, p.day = list[0], list[1]
	default:
		return false
	}
	if p.year > 0 && p.year < 100 {
		p.year = century(p.year)
	}
	return true
}

// stamp takes a date and a time of day in one word: 2026-11-30T08:50:57.25+01:00, 2026-11-30-08:50.
func (p *moment) stamp(w string) bool {
	if len(w) < len("2026-1-1T8:50") || p.clock || p.month != 0 {
		return false
	}
	at := strings.IndexByte(w, 't')
	if at < 0 && strings.Count(w[:min(len(w), 11)], "-") == 3 {
		at = strings.LastIndexByte(w[:11], '-')
	}
	if at < len("2026-1-1") || at > len("2026-11-30") || w[4] != '-' && w[4] != ':' {
		return false
	}
	d, ok := numbers(w[:at], "-:")
	if !ok || len(d) != 3 {
		return false
	}
	if !p.time12(w[at+1:]) {
		return false
	}
	p.year, p.month, p.day = d[0], d[1], d[2]
	return true
}

// time12 takes a time of day, with what may stick to it: 8:50, 08:50:57.25, 8:50pm, 08:50:57z, 08:50:57+01:00.
func (p *moment) time12(w string) bool {
	if p.clock || w == "" || w[0] < '0' || w[0] > '9' {
		return false
	}
	end := strings.IndexFunc(w, func(r rune) bool { return r != ':' && r != '.' && (r < '0' || r > '9') })
	rest := ""
	if end >= 0 {
		w, rest = w[:end], w[end:]
	}
	w = strings.TrimSuffix(w, ".")
	w, fraction, fractional := strings.Cut(w, ".")
	list, ok := numbers(w, ":")
	if !ok || len(list) > 3 {
		return false
	}
	q := *p
	q.clock, q.hour, q.minute = true, list[0], list[1]
	if len(list) == 3 {
		q.second = list[2]
	}
	if fractional {
		n, err := strconv.Atoi((fraction + "000000000")[:9])
		if err != nil {
			return false
		}
		q.nano = n
	}
	switch {
	case rest == "":
	case rest == "z":
		q.at("UTC", 0)
	case rest[0] == '+' || rest[0] == '-':
		if !q.offset(rest) {
			return false
		}
	default:
		if rest = strings.ReplaceAll(rest, ".", ""); rest != "am" && rest != "pm" && rest != "a" && rest != "p" {
			return false
		}
		q.half = rest[:1]
	}
	*p = q
	return true
}

// offset takes +01:00, -0500, +1.
func (p *moment) offset(w string) bool {
	sign := 1
	if w[0] == '-' {
		sign = -1
	}
	digits := strings.Replace(w[1:], ":", "", 1)
	n, err := strconv.Atoi(digits)
	if err != nil || p.zoned || len(digits) > 4 || digits[0] < '0' || digits[0] > '9' {
		return false
	}
	if len(digits) <= 2 {
		n *= 100
	}
	p.at(w, sign*(n/100*3600+n%100*60))
	return true
}

// time puts together what is known, with the rest from now.
func (p *moment) time(now time.Time) (time.Time, bool) {
	switch {
	case p.half == "p" && p.hour < 12:
		p.hour += 12
	case p.half == "a" && p.hour == 12:
		p.hour = 0
	}
	if p.month == 0 {
		p.month = int(now.Month())
	}
	if p.day == 0 {
		p.day = now.Day()
	}
	if p.year == 0 {
		if p.year = now.Year(); p.month > int(now.Month()) {
			p.year--
		}
	}
	if !p.clock || p.month > 12 || p.day > 31 || p.hour > 23 || p.minute > 59 || p.second > 59 {
		return time.Time{}, false
	}
	t := time.Date(p.year, time.Month(p.month), p.day, p.hour, p.minute, p.second, p.nano, p.zone)
	return t, t.Day() == p.day
}

// lineTime is the time that a line of a log begins with: as syslog and Pacemaker write it (three words), as ISO 8601 (one),
// or as Heartbeat did (the second word, with an underscore).
func lineTime(line string, now time.Time) (time.Time, bool) {
	var words [4]string
	n := 0
	for w := range strings.FieldsSeq(line[:min(len(line), 200)]) {
		if words[n] = w; n == 3 {
			break
		}
		n++
	}
	switch {
	case words[0] == "":
		return time.Time{}, false
	case words[0][0] >= '0' && words[0][0] <= '9':
		if t, ok := ParseTime(words[0], now); ok {
			return t, true
		}
		return ParseTime(words[0]+" "+words[1], now)
	case named(months, strings.ToLower(words[0])) > 0 || named(days, strings.ToLower(words[0])) > 0:
		if t, ok := ParseTime(words[0]+" "+words[1]+" "+words[2], now); ok {
			return t, true
		}
		return ParseTime(words[0]+" "+words[1]+" "+words[2]+" "+words[3], now)
	}
	return ParseTime(strings.Replace(words[1], "_", " ", 1), now)
}
