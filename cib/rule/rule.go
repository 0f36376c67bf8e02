package rule

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/iso8601"
	"hacluster/cib/number"
)

// Outcome of an evaluation.
type Outcome int

// What an evaluation may come to. Only Pass means that the rule holds.
const (
	Pass        Outcome = iota
	Unsatisfied         // it does not hold
	BeforeRange         // it does not hold yet
	AfterRange          // it does not hold any more
	Invalid             // it cannot be understood
)

// Lookup finds the value of a name.
type Lookup func(name string) (string, bool)

// Input is what a rule may look at. A nil Lookup leaves everything undefined.
type Input struct {
	Now   time.Time
	Attr  Lookup // node attributes
	Param Lookup // resource parameters, for value-source="param"
	Meta  Lookup // resource meta-attributes, for value-source="meta"

	Class, Provider, Type string
	HasResource           bool // Class, Provider and Type are known

	Op       string
	Interval uint32 // ms
	HasOp    bool
	// IntervalMS parses intervals of op_expression.
	IntervalMS func(string) (uint32, bool)

	// Matched is the text that a pattern matched, with its groups as offsets
	// (as regexp.FindStringSubmatchIndex gives them), for %0 … %9.
	Matched    string
	Submatches []int

	// Deref returns the element that id-ref names; nil leaves references alone.
	Deref func(*etree.Element) *etree.Element
	// Error and Warn take messages about the configuration; nil drops them.
	Error, Warn func(string)
	// Next is set to the earliest later time at which the outcome may change.
	Next *time.Time

	depth int // of rules in rules
	rules int // rules evaluated for the outermost one
}

// maxDepth bounds rules in rules, which may refer to themselves by id-ref.
const maxDepth = 64

// maxRules bounds the rules that one rule may hold, counting each as often as
// it is referred to.
const maxRules = 1 << 14

func (in *Input) err(format string, args ...any) Outcome {
	if in.Error != nil {
		in.Error(fmt.Sprintf(format, args...))
	}
	return Invalid
}

func (in *Input) sooner(at iso8601.Time) {
	t := at.Time()
	if in.Next != nil && t.After(in.Now) && (in.Next.IsZero() || t.Before(*in.Next)) {
		*in.Next = t
	}
}

func attr(e *etree.Element, name string) (string, bool) {
	for i := range e.Attr {
		if e.Attr[i].Key == name && e.Attr[i].Space == "" {
			return e.Attr[i].Value, true
		}
	}
	return "", false
}

func value(e *etree.Element, name string) string {
	s, _ := attr(e, name)
	return s
}

// Evaluate evaluates an element rule.
func Evaluate(e *etree.Element, in *Input) Outcome {
	if in.Deref != nil {
		if e = in.Deref(e); e == nil {
			return Invalid
		}
	}
	id := value(e, "id")
	if in.depth == 0 {
		in.rules = 0
	}
	in.rules++
	if in.depth++; in.depth > maxDepth || in.rules > maxRules {
		in.depth--
		return in.err("Treating rule %s as not passing because it is nested too deeply", id)
	}
	defer func() { in.depth-- }()
	if id == "" {
		return in.err("Treating rule without id as not passing")
	}
	and := true
	if op, ok := attr(e, "boolean-op"); ok {
		switch strings.ToLower(op) {
		case "and":
		case "or":
			and = false
		default:
			return in.err("Treating rule %s as not passing because '%s' is not a valid boolean-op", id, op)
		}
	}
	empty := true
	out := Pass
	if !and {
		out = Unsatisfied
	}
	for _, t := range e.Child {
		c, ok := t.(*etree.Element)
		if !ok {
			continue
		}
		empty = false
		if Condition(c, in) == Pass {
			if !and {
				out = Pass
				break
			}
		} else if and {
			out = Unsatisfied
			break
		}
	}
	if empty {
		if in.Warn != nil {
			in.Warn(fmt.Sprintf("Ignoring rule %s because it contains no conditions", id))
		}
		return Pass
	}
	return out
}

// Condition evaluates one condition of a rule.
func Condition(e *etree.Element, in *Input) Outcome {
	switch e.Tag {
	case "rule":
		return Evaluate(e, in)
	case "expression":
		return attribute(e, in)
	case "date_expression":
		return Date(e, in)
	case "rsc_expression":
		return resource(e, in)
	case "op_expression":
		return operation(e, in)
	}
	id, ok := attr(e, "id")
	if !ok {
		id = "without ID"
	}
	return in.err("Treating rule condition %s as not passing because %s is not a valid condition type", id, e.Tag)
}

func pass(b bool) Outcome {
	if b {
		return Pass
	}
	return Unsatisfied
}

func resource(e *etree.Element, in *Input) Outcome {
	if value(e, "id") == "" {
		return in.err("Treating rsc_expression without id as not passing")
	}
	for _, p := range [...]struct{ name, have string }{{"class", in.Class}, {"provider", in.Provider}, {"type", in.Type}} {
		want, ok := attr(e, p.name)
		if ok && (!in.HasResource || want != p.have) {
			return Unsatisfied
		}
	}
	return Pass
}

func operation(e *etree.Element, in *Input) Outcome {
	id := value(e, "id")
	if id == "" {
		return in.err("Treating op_expression without id as not passing")
	}
	name, ok := attr(e, "name")
	if !ok {
		return in.err("Treating op_expression %s as not passing because it has no name", id)
	}
	var ms uint32
	spec, given := attr(e, "interval")
	if given && in.IntervalMS != nil {
		if ms, ok = in.IntervalMS(spec); !ok {
			return in.err("Treating op_expression %s as not passing because '%s' is not a valid interval", id, spec)
		}
	}
	return pass(in.HasOp && name == in.Op && (!given || ms == in.Interval))
}

// Expand puts the groups of a pattern's match into %0 … %9; ok is false if
// there was none to put in.
func Expand(s, matched string, groups []int) string {
	if len(groups) == 0 || !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9' {
			n := int(s[i+1] - '0')
			if 2*n+1 < len(groups) && groups[2*n] >= 0 {
				b.WriteString(matched[groups[2*n]:groups[2*n+1]])
			}
			i++
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func attribute(e *etree.Element, in *Input) Outcome {
	id := value(e, "id")
	if id == "" {
		return in.err("Treating expression without id as not passing")
	}
	name, ok := attr(e, "attribute")
	if !ok {
		return in.err("Treating expression %s as not passing because attribute was not specified", id)
	}
	name = Expand(name, in.Matched, in.Submatches)
	op, ok := attr(e, "operation")
	if !ok {
		return in.err("Treating expression %s as not passing because it has no operation", id)
	}
	cmp := strings.ToLower(op)
	switch cmp {
	case "defined", "not_defined", "eq", "ne", "lt", "lte", "gt", "gte":
	default:
		return in.err("Treating expression %s as not passing because '%s' is not a valid operation", id, op)
	}
	var from Lookup
	source, given := attr(e, "value-source")
	switch {
	case !given || strings.EqualFold(source, "literal"):
		from = func(s string) (string, bool) { return s, true }
	case strings.EqualFold(source, "param"):
		from = in.Param
	case strings.EqualFold(source, "meta"):
		from = in.Meta
	default:
		return in.err("Treating expression %s as not passing because '%s' is not a valid value-source", id, source)
	}
	want, given := attr(e, "value")
	defined := false
	if cmp == "defined" || cmp == "not_defined" {
		if given {
			return in.err("Treating expression %s as not passing because value is not allowed when operation is %s", id, op)
		}
	} else {
		if !given {
			return in.err("Treating expression %s as not passing because value is required when operation is %s", id, op)
		}
		if from == nil {
			want = ""
		} else {
			want, defined = from(want)
		}
	}
	var have string
	found := false
	if in.Attr != nil {
		have, found = in.Attr(name)
	}
	kind, given := attr(e, "type")
	switch {
	case !given:
		kind = "string"
		if cmp == "lt" || cmp == "lte" || cmp == "gt" || cmp == "gte" {
			kind = "integer"
			if strings.Contains(have, ".") || strings.Contains(want, ".") {
				kind = "number"
			}
		}
	default:
		switch strings.ToLower(kind) {
		case "string", "integer", "number", "version":
			kind = strings.ToLower(kind)
		default:
			return in.err("Treating expression %s as not passing because '%s' is not a valid type", id, kind)
		}
	}
	switch cmp {
	case "defined":
		return pass(found)
	case "not_defined":
		return pass(!found)
	}
	c := compare(have, found, want, defined, kind)
	switch cmp {
	case "eq":
		return pass(c == 0)
	case "ne":
		return pass(c != 0)
	}
	if !found || !defined {
		return Unsatisfied
	}
	switch cmp {
	case "lt":
		if c >= 0 {
			return AfterRange
		}
	case "lte":
		if c > 0 {
			return AfterRange
		}
	case "gt":
		if c <= 0 {
			return BeforeRange
		}
	case "gte":
		if c < 0 {
			return BeforeRange
		}
	}
	return Pass
}

func compare(a string, hasA bool, b string, hasB bool, kind string) int {
	switch {
	case !hasB && !hasA:
		return 0
	case !hasB:
		return 1
	case !hasA:
		return -1
	}
	switch kind {
	case "integer":
		x, _, err1 := leadingInt(a)
		y, _, err2 := leadingInt(b)
		if err1 == nil && err2 == nil {
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		}
	case "number":
		x, ok1 := float(a)
		y, ok2 := float(b)
		if ok1 && ok2 {
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		}
	case "version":
		return compareVersions(a, b)
	}
	return strings.Compare(strings.ToLower(a), strings.ToLower(b))
}

// float reads a number. What is next to nothing counts as none unless it is written with the characters 0, point and e alone.
func float(s string) (float64, bool) {
	f, rest, err := number.Float(s)
	if err == nil && math.Abs(f) <= 0x1p-1022 && strings.Trim(s[:len(s)-len(rest)], "0.eE") != "" {
		return 0, false
	}
	return f, err == nil
}

func compareVersions(a, b string) int {
	a, b = strings.TrimLeft(a, number.Blanks), strings.TrimLeft(b, number.Blanks)
	for a != "" || b != "" {
		var x, y int64
		x, a = segment(a)
		y, b = segment(b)
		if x < y {
			return -1
		}
		if x > y {
			return 1
		}
	}
	return 0
}

func segment(s string) (int64, string) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == 0 {
		return 0, ""
	}
	n, _ := strconv.ParseInt(s[:i], 10, 64)
	if i < len(s) && s[i] == '.' {
		return n, s[i+1:]
	}
	return n, ""
}
