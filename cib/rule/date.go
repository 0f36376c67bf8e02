package rule

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/iso8601"
)

// Date evaluates a date_expression.
func Date(e *etree.Element, in *Input) Outcome {
	id := value(e, "id")
	if id == "" {
		return in.err("Treating date_expression without id as not passing")
	}
	op, given := attr(e, "operation")
	if !given {
		op = "in_range"
	}
	now := iso8601.Of(in.Now)
	switch strings.ToLower(op) {
	case "in_range":
		return inRange(e, id, now, in)
	case "date_spec":
		spec := e.SelectElement("date_spec")
		if spec == nil {
			return in.err("Treating date_expression %s as not passing because date_spec operations require a date_spec subelement", id)
		}
		return Spec(spec, id, in)
	case "gt":
		start, ok, bad := in.time(e, "start", id)
		if bad {
			return Invalid
		}
		if !ok {
			return in.err("Treating date_expression %s as not passing because gt requires start", id)
		}
		if now.Compare(start) > 0 {
			return Pass
		}
		in.sooner(start.AddSeconds(1))
		return BeforeRange
	case "lt":
		end, ok, bad := in.time(e, "end", id)
		if bad {
			return Invalid
		}
		if !ok {
			return in.err("Treating date_expression %s as not passing because gt requires end", id)
		}
		if now.Compare(end) < 0 {
			in.sooner(end)
			return Pass
		}
		return AfterRange
	}
	return in.err("Treating date_expression %s as not passing because '%s' is not a valid operation", id, op)
}

func (in *Input) time(e *etree.Element, name, id string) (t iso8601.Time, ok, bad bool) {
	s, given := attr(e, name)
	if !given {
		return t, false, false
	}
	t, err := iso8601.Parse(s, in.Now)
	if err != nil {
		in.err("Treating date_expression %s as not passing because %s is invalid", id, name)
		return t, false, true
	}
	return t, true, false
}

func inRange(e *etree.Element, id string, now iso8601.Time, in *Input) Outcome {
	start, hasStart, bad := in.time(e, "start", id)
	if bad {
		return Invalid
	}
	end, hasEnd, bad := in.time(e, "end", id)
	if bad {
		return Invalid
	}
	if !hasStart && !hasEnd {
		return in.err("Treating date_expression %s as not passing because in_range requires at least one of start or end", id)
	}
	if d := e.SelectElement("duration"); d != nil && !hasEnd {
		if end, hasEnd = in.after(start, d, id); !hasEnd {
			return in.err("Treating date_expression %s as not passing because duration is invalid", id)
		}
	}
	if hasStart && now.Compare(start) < 0 {
		in.sooner(start)
		return BeforeRange
	}
	if hasEnd {
		if now.Compare(end) > 0 {
			return AfterRange
		}
		in.sooner(end.AddSeconds(1))
	}
	return Pass
}

// after is the time that a duration element ends which begins at start.
func (in *Input) after(start iso8601.Time, e *etree.Element, parent string) (iso8601.Time, bool) {
	id := value(e, "id")
	if id == "" {
		in.err("Treating date_expression %s as not passing because duration subelement has no id", parent)
		return start, false
	}
	t := start
	for _, f := range [...]struct {
		name string
		add  func(iso8601.Time, int) iso8601.Time
		unit int
	}{
		{"years", iso8601.Time.AddYears, 1},
		{"months", iso8601.Time.AddMonths, 1},
		{"weeks", iso8601.Time.AddDays, 7},
		{"days", iso8601.Time.AddDays, 1},
		{"hours", iso8601.Time.AddSeconds, 3600},
		{"minutes", iso8601.Time.AddSeconds, 60},
		{"seconds", iso8601.Time.AddSeconds, 1},
	} {
		s, ok := attr(e, f.name)
		if !ok {
			continue
		}
		n, _, err := leadingInt(s)
		reason := ""
		switch {
		case err != nil:
			reason = "Unable to parse CIB XML"
		case n < math.MinInt32 || n > math.MaxInt32:
			reason = "Numerical result out of range"
		}
		if reason != "" {
			in.err("Treating date_expression %s as not passing because duration %s attribute %s is invalid: %s", parent, id, f.name, reason)
			return start, false
		}
		t = f.add(t, int(n)*f.unit)
	}
	return t, true
}

// Spec evaluates a date_spec: every range that is given must hold.
func Spec(e *etree.Element, parent string, in *Input) Outcome {
	if value(e, "id") == "" {
		return in.err("Treating date_expression %s as not passing because date_spec subelement has no id", parent)
	}
	now := iso8601.Of(in.Now)
	month, day := now.Date()
	weekYear, week, weekday := now.Week()
	for _, r := range [...]struct {
		name string
		have int
	}{
		{"years", now.Year},
		{"months", month},
		{"monthdays", day},
		{"hours", now.Second / 3600},
		{"minutes", now.Second / 60 % 60},
		{"seconds", now.Second % 60},
		{"yeardays", now.Day},
		{"weekyears", weekYear},
		{"weeks", week},
		{"weekdays", weekday},
	} {
		text, ok := attr(e, r.name)
		if !ok {
			continue
		}
		low, high, ok := span(text)
		switch {
		case !ok:
			return in.err("Treating date_expression %s as not passing because '%s' is not a valid range for date_spec attribute %s", parent, text, r.name)
		case low != -1 && int64(r.have) < low:
			return BeforeRange
		case high != -1 && int64(r.have) > high:
			return AfterRange
		}
	}
	return Pass
}

// span reads n, n-m, n- or -m; -1 stands for an open end.
func span(s string) (low, high int64, ok bool) {
	from, to, isRange := strings.Cut(s, "-")
	low, high = -1, -1
	whole := func(s string, to *int64) bool {
		n, rest, err := leadingInt(s)
		*to = n
		return err == nil && rest == ""
	}
	switch {
	case from == "" && to == "",
		from != "" && !whole(from, &low),
		to != "" && !whole(to, &high):
		return 0, 0, false
	case !isRange:
		high = low
	}
	return low, high, true
}

// leadingInt reads the whole number that a text begins with, after blanks.
func leadingInt(s string) (n int64, rest string, err error) {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	start := i
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == start {
		return 0, s, errors.New("no digits")
	}
	n, err = strconv.ParseInt(s[:i], 10, 64)
	return n, s[i:], err
}
