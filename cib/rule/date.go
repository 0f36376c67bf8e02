package rule

import (
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
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
	switch strings.ToLower(op) {
	case "in_range":
		return inRange(e, id, in)
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
		if in.Now.After(start) {
			return Pass
		}
		in.sooner(start.Add(time.Second))
		return BeforeRange
	case "lt":
		end, ok, bad := in.time(e, "end", id)
		if bad {
			return Invalid
		}
		if !ok {
			return in.err("Treating date_expression %s as not passing because gt requires end", id)
		}
		if in.Now.Before(end) {
			in.sooner(end)
			return Pass
		}
		return AfterRange
	}
	return in.err("Treating date_expression %s as not passing because '%s' is not a valid operation", id, op)
}

func (in *Input) time(e *etree.Element, name, id string) (t time.Time, ok, bad bool) {
	s, given := attr(e, name)
	if !given {
		return t, false, false
	}
	t, err := ParseTime(s, in.Now)
	if err != nil {
		in.err("Treating date_expression %s as not passing because %s is invalid", id, name)
		return t, false, true
	}
	return t, true, false
}

func inRange(e *etree.Element, id string, in *Input) Outcome {
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
	if !hasEnd {
		if d := e.SelectElement("duration"); d != nil {
			length, ok := in.duration(d, id)
			if !ok || !hasStart {
				return in.err("Treating date_expression %s as not passing because duration is invalid", id)
			}
			end, hasEnd = length.AddTo(start), true
		}
	}
	if hasStart && in.Now.Before(start) {
		in.sooner(start)
		return BeforeRange
	}
	if hasEnd {
		if in.Now.After(end) {
			return AfterRange
		}
		in.sooner(end.Add(time.Second))
	}
	return Pass
}

func (in *Input) duration(e *etree.Element, parent string) (Duration, bool) {
	var d Duration
	id := value(e, "id")
	if id == "" {
		in.err("Treating date_expression %s as not passing because duration subelement has no id", parent)
		return d, false
	}
	for _, f := range []struct {
		name string
		to   *int
	}{
		{"years", &d.Years},
		{"months", &d.Months},
		{"weeks", &d.Weeks},
		{"days", &d.Days},
		{"hours", &d.Hours},
		{"minutes", &d.Minutes},
		{"seconds", &d.Seconds},
	} {
		s, ok := attr(e, f.name)
		if !ok {
			continue
		}
		n, ok := leadingInt(s)
		if !ok {
			in.err("Treating date_expression %s as not passing because duration %s attribute %s is invalid: Unable to parse CIB XML", parent, id, f.name)
			return d, false
		}
		*f.to = int(n)
	}
	return d, true
}

// Spec evaluates a date_spec: every range that is given must hold.
func Spec(e *etree.Element, parent string, in *Input) Outcome {
	if value(e, "id") == "" {
		return in.err("Treating date_expression %s as not passing because date_spec subelement has no id", parent)
	}
	now := in.Now
	wy, wn := now.ISOWeek()
	for _, r := range [...]struct {
		name string
		have int
	}{
		{"years", now.Year()},
		{"months", int(now.Month())},
		{"monthdays", now.Day()},
		{"hours", now.Hour()},
		{"minutes", now.Minute()},
		{"seconds", now.Second()},
		{"yeardays", now.YearDay()},
		{"weekyears", wy},
		{"weeks", wn},
		{"weekdays", int(now.Weekday()+6)%7 + 1},
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
	i := strings.IndexByte(s, '-')
	if i < 0 {
		n, err := strconv.ParseInt(s, 10, 64)
		return n, n, err == nil && n >= 0
	}
	low, high = -1, -1
	var err error
	if i > 0 {
		if low, err = strconv.ParseInt(s[:i], 10, 64); err != nil {
			return 0, 0, false
		}
	}
	if i+1 < len(s) {
		if high, err = strconv.ParseInt(s[i+1:], 10, 64); err != nil || high < 0 {
			return 0, 0, false
		}
	}
	return low, high, i > 0 || i+1 < len(s)
}
