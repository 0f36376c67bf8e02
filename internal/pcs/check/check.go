// Package check holds the rules for option names and values that verbs share. Each rule looks
// at pairs of names and values and gives what is wrong, in the words of a generation.
package check

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"hacluster/cib/number"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/pattern"
	"hacluster/internal/pcs/report"
)

// Rules checks options. Force says that --force was given: items that can be forced are
// warnings then; Forcible that they can be.
type Rules struct {
	Style report.Style
}

// Severity says how bad a violated rule is.
type Severity struct{ Can, Given bool }

// Hard is a rule that nothing passes.
var Hard = Severity{}

// ByForce is a rule that --force passes; given tells whether it was.
func ByForce(given bool) Severity { return Severity{true, given} }

func (s Severity) on(i report.Item) report.Item {
	if !s.Can {
		return i
	}
	return i.As(s.Given)
}

// NamesIn allows names of a list; banned are never allowed, even when forced.
func (r Rules) NamesIn(p argv.Pairs, allowed []string, kind string, sev Severity, banned ...string) []report.Item {
	var bad, never []string
	for _, n := range p.Names() {
		switch {
		case slices.Contains(allowed, n):
		case sev.Can && slices.Contains(banned, n):
			never = append(never, n)
		default:
			bad = append(bad, n)
		}
	}
	var out []report.Item
	if len(bad) > 0 {
		out = append(out, sev.on(r.Style.InvalidOptions(bad, allowed, kind)))
	}
	if len(never) > 0 {
		out = append(out, r.Style.InvalidOptions(never, allowed, kind))
	}
	return out
}

// RequiredAll demands names.
func (r Rules) RequiredAll(p argv.Pairs, names []string, kind string, sev Severity) []report.Item {
	var missing []string
	for _, n := range names {
		if !p.Has(n) {
			missing = append(missing, n)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return []report.Item{sev.on(r.Style.RequiredMissing(missing, kind))}
}

// RequiredSome demands one of the names; deprecated ones are marked.
func (r Rules) RequiredSome(p argv.Pairs, names, deprecated []string, kind string, sev Severity) []report.Item {
	for _, n := range names {
		if p.Has(n) {
			return nil
		}
	}
	return []report.Item{sev.on(r.Style.RequiredOneOf(names, deprecated, kind))}
}

// Exclusive allows one of the names.
func (r Rules) Exclusive(p argv.Pairs, names []string, kind string) []report.Item {
	var found []string
	for _, n := range names {
		if p.Has(n) {
			found = append(found, n)
		}
	}
	if len(found) < 2 {
		return nil
	}
	k := ""
	if kind != "" {
		k = kind + " "
	}
	if r.Style.Legacy() {
		return []report.Item{report.Errorf("Only one of %soptions %s can be used", k, report.QuoteAnd(found, " and "))}
	}
	return []report.Item{report.Errorf("Only one of %soptions %s can be used", k, report.QuoteAnd(found, " and "))}
}

// DependsOn demands another name with a name.
func (r Rules) DependsOn(p argv.Pairs, names []string, prerequisite, kind, prerequisiteKind string) []report.Item {
	var out []report.Item
	sp := func(k string) string {
		if k == "" {
			return ""
		}
		return k + " "
	}
	for _, n := range names {
		if p.Has(n) && !p.Has(prerequisite) {
			out = append(out, report.Errorf("If %soption '%s' is specified, %soption '%s' must be specified as well", sp(kind), n, sp(prerequisiteKind), prerequisite))
		}
	}
	return out
}

// Value checks one value with a test; words say what is allowed.
type Value struct {
	Name string
	// Label is what the option is called in a complaint; "" is its name.
	Label string
	OK    func(string) bool
	// Allowed is a list of values, or Words describe them.
	Allowed []string
	Words   string
	Sev     Severity
	// Empty allows the empty value.
	Empty bool
	// Normalize is applied before the test.
	Normalize func(string) string
}

// Check applies value rules in their order.
func (r Rules) Check(p argv.Pairs, rules ...Value) []report.Item {
	var out []report.Item
	for _, v := range rules {
		value, ok := p.Get(v.Name)
		if !ok || value == "" && v.Empty {
			continue
		}
		tested := value
		if v.Normalize != nil {
			tested = v.Normalize(value)
		}
		label := v.Label
		if label == "" {
			label = v.Name
		}
		if v.OK == nil {
			if !slices.Contains(v.Allowed, tested) {
				out = append(out, v.Sev.on(r.Style.InvalidOptionValue(label, value, v.Allowed)))
			}
			continue
		}
		if !v.OK(tested) {
			i := r.Style.InvalidOptionValueText(label, value, v.Words)
			if v.Allowed != nil {
				i = r.Style.InvalidOptionValue(label, value, v.Allowed)
			}
			out = append(out, v.Sev.on(i))
		}
	}
	return out
}

// In allows values of a list.
func In(name string, allowed ...string) Value { return Value{Name: name, Allowed: allowed} }

// Test makes a rule of a test.
func Test(name string, ok func(string) bool, words string) Value {
	return Value{Name: name, OK: ok, Words: words}
}

// As gives the rule a severity.
func (v Value) As(s Severity) Value { v.Sev = s; return v }

// Called gives the rule another name for complaints.
func (v Value) Called(label string) Value { v.Label = label; return v }

// OrEmpty lets the rule allow the empty value.
func (v Value) OrEmpty() Value { v.Empty = true; return v }

// Boolean is a rule for Pacemaker's truth values.
func Boolean(name string) Value {
	return Test(name, number.IsBool, "a pacemaker boolean value: '0', '1', 'false', 'n', 'no', 'off', 'on', 'true', 'y', 'yes'")
}

// Score is a rule for Pacemaker's integers.
func Score(name string) Value { return Test(name, IsScore, "an integer or INFINITY or -INFINITY") }

// Time is a rule for times.
func Time(name string) Value {
	return Test(name, IsTime, "time interval (e.g. 1, 2s, 3m, 4h, ...)")
}

// Integer is a rule for whole numbers from a least one; at most below least means no upper limit.
func Integer(name string, least, most int64, words string) Value {
	return Test(name, func(s string) bool { return IsInteger(s, least, most) }, words)
}

// Port is a rule for port numbers.
func Port(name string) Value {
	return Test(name, func(s string) bool { return IsInteger(s, 1, 65535) }, "a port number (1..65535)")
}

// IDs gives complaints about the form of an id.
func IDs(id, description string) []report.Item {
	var out []report.Item
	for _, t := range doc.CheckID(id, description) {
		out = append(out, report.Errorf("%s", t))
	}
	return out
}

var integer = pattern.Late(`^[+-]?\d+$`)

// IsInteger tells whether a text is a whole number from least to most; most < least means no upper limit.
func IsInteger(s string, least, most int64) bool {
	s = strings.TrimSpace(s)
	if !integer().MatchString(s) {
		return false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return most < least && !strings.HasPrefix(s, "-")
	}
	return n >= least && (most < least || n <= most)
}

// AnyInteger tells whether a text is a whole number.
func AnyInteger(s string) bool { return integer().MatchString(strings.TrimSpace(s)) }

// IsScore tells whether a text is a score.
func IsScore(s string) bool {
	if s == "" {
		return false
	}
	u := s
	if s[0] == '+' || s[0] == '-' {
		u = s[1:]
	}
	return u == "INFINITY" || AnyInteger(s)
}

var timeRE = pattern.Late(`^\d+(s|sec|m|min|h|hr)?$`)

// IsTime tells whether a text is a time such as 10, 10s, 2min.
func IsTime(s string) bool {
	if n, ok := argv.PythonInt(s); ok {
		return n >= 0
	}
	return timeRE().MatchString(s)
}

// IsIP tells whether a text is an address of IP version 4 or 6.
func IsIP(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && (a.Zone() == "" || a.Is6())
}
