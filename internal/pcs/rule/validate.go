package rule

import (
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/pattern"
	"hacluster/internal/pcs/report"
)

// Context says which expressions a rule may hold.
type Context struct{ Resources, Operations, Attributes bool }

var notAllowed = []struct {
	kind Kind
	text string
}{
	{Attribute, "Keywords 'defined', 'not_defined', 'eq', 'ne', 'gte', 'gt', 'lte' and 'lt'"},
	{Operation, "Keyword 'op'"},
	{ResourceKind, "Keyword 'resource'"},
}

var (
	durationParts = []string{"hours", "months", "weeks", "years"}
	oldDurations  = []string{"monthdays", "moon", "weekdays", "weekyears", "yearsdays"}
	oldSpecs      = []string{"moon", "yearsdays"}
	specLimits    = map[string][2]int64{
		"hours": {0, 23}, "monthdays": {1, 31}, "weekdays": {1, 7}, "months": {1, 12}, "weeks": {1, 53},
		"years": {}, "weekyears": {}, "yearsdays": {1, 366}, "moon": {0, 7},
	}
	rangePattern   = pattern.Late(`^([0-9]+)(?:-([0-9]+))?$`)
	versionPattern = pattern.Late(`^\d+(\.\d+)*$`)
	floatPattern   = pattern.Late(`^[+-]?[0-9]*\.?[0-9]*([eE][+-]?[0-9]+)?$`)
)

// Check gives the complaints about a rule's values and about expressions that it must not hold.
func (t *Tree) Check(style report.Style, c Context) []report.Item {
	v := &validator{rules: check.Rules{Style: style}, allowed: map[Kind]bool{Attribute: c.Attributes, Operation: c.Operations, ResourceKind: c.Resources}, refused: map[Kind]bool{}}
	v.check(t)
	for _, n := range notAllowed {
		if v.refused[n.kind] {
			v.items = append(v.items, report.Errorf("%s cannot be used in a rule in this command", n.text))
		}
	}
	return v.items
}

type validator struct {
	rules   check.Rules
	allowed map[Kind]bool
	refused map[Kind]bool
	items   []report.Item
}

func (v *validator) date(text string) (time.Time, bool) {
	if text == "" {
		return time.Time{}, false
	}
	t, ok := ParseISO(text)
	if !ok {
		v.items = append(v.items, v.rules.Style.InvalidOptionValueText("date", text, "ISO 8601 date"))
	}
	return t, ok
}

func (v *validator) check(t *Tree) {
	switch t.Kind {
	case Bool:
		for _, p := range t.Parts {
			v.check(p)
		}
	case DateBeforeAfter:
		v.date(t.Start)
	case DateRange:
		since, ok := v.date(t.Start)
		until, ok2 := v.date(t.End)
		if ok && ok2 && !since.Before(until) {
			v.items = append(v.items, report.Errorf("Since '%s' is not sooner than until '%s'", t.Start, t.End))
		}
		if t.Pairs != nil {
			v.parts(t.Pairs, "duration", append(slices.Clone(durationParts), oldDurations...), oldDurations, func(name string) check.Value {
				return check.Integer(name, 1, 0, "a positive integer")
			})
		}
	case DateSpec:
		var names []string
		for n := range specLimits {
			names = append(names, n)
		}
		v.parts(t.Pairs, "datespec", names, oldSpecs, specRule)
	case Attribute, Operation, ResourceKind:
		if !v.allowed[t.Kind] {
			v.refused[t.Kind] = true
			return
		}
		p := argv.Pairs{{Name: "attr_value", Value: t.Value}}
		var r check.Value
		switch t.Type {
		case "integer":
			r = check.Test("attr_value", check.AnyInteger, "an integer").Called("integer attribute")
		case "number":
			r = check.Test("attr_value", isFloat, "a floating-point number").Called("number attribute")
		case "version":
			r = check.Test("attr_value", versionPattern().MatchString, "a version number (e.g. 1, 1.2, 1.23.45, ...)").Called("version attribute")
		default:
			return
		}
		v.items = append(v.items, v.rules.Check(p, r)...)
	}
}

func isFloat(s string) bool {
	if !floatPattern().MatchString(s) {
		return false
	}
	_, err := strconv.ParseFloat(s, 64)
	return err == nil || strings.HasSuffix(err.Error(), strconv.ErrRange.Error())
}

func specRule(name string) check.Value {
	l := specLimits[name]
	words := "an integer or integer-integer"
	if l[1] > 0 {
		lo, hi := strconv.FormatInt(l[0], 10), strconv.FormatInt(l[1], 10)
		words = lo + ".." + hi + " or " + lo + ".." + strconv.FormatInt(l[1]-1, 10) + "-" + strconv.FormatInt(l[0]+1, 10) + ".." + hi
	}
	in := func(s string) (int64, bool) {
		n, err := strconv.ParseInt(s, 10, 64)
		return n, err == nil && (l[1] == 0 || n >= l[0] && n <= l[1])
	}
	return check.Test(name, func(s string) bool {
		m := rangePattern().FindStringSubmatch(s)
		if m == nil {
			return false
		}
		since, ok := in(m[1])
		if !ok || m[2] == "" {
			return ok
		}
		until, ok := in(m[2])
		return ok && since < until
	}, words)
}

// parts checks the parts of a duration or a date specification.
func (v *validator) parts(pairs [][2]string, kind string, allowed, old []string, of func(string) check.Value) {
	sort.Strings(allowed)
	seen := map[string]int{}
	var p argv.Pairs
	for _, x := range pairs {
		seen[x[0]]++
		p = p.With(x[0], x[1])
	}
	for _, n := range allowed {
		v.items = append(v.items, v.rules.Check(p, of(n))...)
	}
	v.items = append(v.items, v.rules.NamesIn(p, allowed, kind, check.Hard)...)
	for _, n := range old {
		if p.Has(n) {
			v.items = append(v.items, report.Deprecatedf("%s option '%s' is deprecated and might be removed in a future release, therefore it should not be used", kind, n))
		}
	}
	var twice []string
	for n, c := range seen {
		if c > 1 {
			twice = append(twice, n)
		}
	}
	if len(twice) > 0 {
		v.items = append(v.items, report.Errorf("Duplicate options in a single (sub)expression: %s", report.QuoteSorted(twice)))
	}
}

var (
	isoDate = pattern.Late(`^(\d{4})(?:-?W(\d\d)(?:-?([1-7]))?|-(\d\d)(?:-(\d\d))?|(\d\d)(\d\d)|-?(\d{3}))?(?:[^0-9](.+)|)$`)
	isoTime = pattern.Late(`^(\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d{1,6})\d*)?)?)?(Z|z|[+-]\d\d(?::?\d\d)?)?$`)
)

// ParseISO reads a date with or without a time in a form of ISO 8601: 2023, 2023-05,
// 2023-05-01, 20230501, 2023-W18-1, 2023-121, each with T10, T10:30, T10:30:15.5 and a zone.
func ParseISO(text string) (time.Time, bool) {
	m := isoDate().FindStringSubmatch(text)
	if m == nil {
		return time.Time{}, false
	}
	num := func(s string, otherwise int) int {
		if s == "" {
			return otherwise
		}
		n, _ := strconv.Atoi(s)
		return n
	}
	year := num(m[1], 0)
	if year < 1 {
		return time.Time{}, false
	}
	var day time.Time
	switch {
	case m[2] != "":
		week, weekday := num(m[2], 0), num(m[3], 1)
		if week < 1 || week > 53 {
			return time.Time{}, false
		}
		fourth := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC)
		monday := fourth.AddDate(0, 0, -(int(fourth.Weekday())+6)%7)
		day = monday.AddDate(0, 0, (week-1)*7+weekday-1)
	case m[8] != "":
		n := num(m[8], 0)
		day = time.Date(year, 1, n, 0, 0, 0, 0, time.UTC)
		if n < 1 || day.Year() != year {
			return time.Time{}, false
		}
	default:
		month, d := num(m[4]+m[6], 1), num(m[5]+m[7], 1)
		day = time.Date(year, time.Month(month), d, 0, 0, 0, 0, time.UTC)
		if int(day.Month()) != month || day.Day() != d {
			return time.Time{}, false
		}
	}
	if m[9] == "" {
		return day, true
	}
	c := isoTime().FindStringSubmatch(m[9])
	if c == nil {
		return time.Time{}, false
	}
	hour, minute, second := num(c[1], 0), num(c[2], 0), num(c[3], 0)
	if hour > 24 || minute > 59 || second > 59 || hour == 24 && minute+second > 0 {
		return time.Time{}, false
	}
	out := day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second)
	if z := c[5]; z != "" && z != "Z" && z != "z" {
		digits := strings.ReplaceAll(z[1:], ":", "")
		offset := time.Duration(num(digits[:2], 0)) * time.Hour
		if len(digits) == 4 {
			offset += time.Duration(num(digits[2:], 0)) * time.Minute
		}
		if z[0] == '-' {
			offset = -offset
		}
		out = out.Add(-offset)
	}
	return out, true
}
