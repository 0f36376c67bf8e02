package resource

import (
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/check"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/rule"
	"hacluster/internal/pcs/session"
)

// CheckLevel is the option of an operation that is stored as an instance attribute.
const CheckLevel = "OCF_CHECK_LEVEL"

var (
	operationOptions09 = []string{"id", "description", "enabled", "interval", "interval-origin", "name", "on-fail", "record-pending", "requires", "role", "start-delay", "timeout", CheckLevel}
	operationOptions   = []string{"description", "enabled", "id", "interval", "interval-origin", "name", "on-fail", "record-pending", "role", "start-delay", "timeout", CheckLevel}
	operationRoles     = []string{"Stopped", "Started", "Promoted", "Master", "Unpromoted", "Slave"}
	onFail             = []string{"block", "demote", "fence", "ignore", "restart", "restart-container", "standby", "stop"}
)

func defaultInterval(name string) string {
	if name == "monitor" {
		return "60s"
	}
	return "0s"
}

// DefaultOperations are the operations that an agent asks for.
func DefaultOperations(s *session.Session, a *agents.Agent, necessary bool) []argv.Pairs {
	var out []argv.Pairs
	monitor := false
	for _, x := range a.Actions {
		switch {
		case necessary && x.Name != "monitor":
			continue
		case !necessary && a.Name.Stonith() && x.Name != "monitor":
			continue
		case !necessary && slices.Contains([]string{"meta-data", "status", "validate-all"}, x.Name):
			continue
		}
		monitor = monitor || x.Name == "monitor"
		out = append(out, actionOperation(s, x))
	}
	if !monitor {
		out = append(out, argv.Pairs{{Name: "name", Value: "monitor"}, {Name: "interval", Value: "60s"}})
	}
	return out
}

func actionOperation(s *session.Session, x agents.Action) argv.Pairs {
	o := argv.Pairs{{Name: "name", Value: x.Name}}
	for _, a := range x.Attrs {
		switch a.Key {
		case "name":
		case "depth":
			if a.Value != "0" {
				o = o.With(CheckLevel, a.Value)
			}
		case "timeout", "interval", "start-delay":
			o = o.With(a.Key, a.Value)
		case "role":
			v := a.Value
			if !s.Legacy() {
				v = rule.PrimaryRole(v)
			}
			o = o.With("role", v)
		default:
			if s.Legacy() {
				o = o.With(a.Key, a.Value)
			}
		}
	}
	if v, ok := o.Get("interval"); !ok || v == "" && !s.Legacy() {
		o = o.With("interval", defaultInterval(x.Name))
	}
	return o
}

func lower(name string, o argv.Pairs) argv.Pairs {
	if v, ok := o.Get(name); ok {
		return o.With(name, strings.ToLower(v))
	}
	return o
}

func normalizeOperation(s *session.Session, o argv.Pairs) argv.Pairs {
	if v, ok := o.Get("role"); ok && v != "" {
		o = o.With("role", strings.ToUpper(v[:1])+strings.ToLower(v[1:]))
	}
	for _, n := range []string{"on-fail", "record-pending", "enabled", "requires"} {
		if n == "requires" && !s.Legacy() {
			continue
		}
		o = lower(n, o)
	}
	return o
}

// validateOperations checks operations as typed.
func validateOperations(s *session.Session, ops []argv.Pairs, allowed []string, force bool) []report.Item {
	rules := check.Rules{Style: s.Style}
	const kind = "resource operation"
	var items []report.Item
	for _, o := range ops {
		if s.Legacy() {
			items = append(items, rules.NamesIn(o, operationOptions09, kind, check.Hard)...)
			items = append(items, rules.RequiredAll(o, []string{"name"}, kind, check.Hard)...)
			items = append(items, rules.Check(
				o,
				normalized(check.In("role", "Stopped", "Started", "Slave", "Master"), report.Capitalize),
				normalized(check.In("requires", "nothing", "quorum", "fencing", "unfencing"), strings.ToLower),
				normalized(check.In("on-fail", "ignore", "block", "stop", "restart", "standby", "fence", "restart-container"), strings.ToLower),
				normalized(check.In("record-pending", "0", "1", "true", "false"), strings.ToLower),
				normalized(check.In("enabled", "0", "1", "true", "false"), strings.ToLower),
			)...)
			items = append(items, rules.Exclusive(o, []string{"interval-origin", "start-delay"}, kind)...)
			items = append(items, rules.Check(o, check.In("name", allowed...).Called("operation name").As(check.ByForce(force)))...)
			if id, ok := o.Get("id"); ok {
				items = append(items, firstOf(check.IDs(id, "operation id"))...)
			}
			continue
		}
		items = append(items, rules.NamesIn(o, operationOptions, kind, check.Hard)...)
		items = append(items, rules.RequiredAll(o, []string{"name"}, kind, check.Hard)...)
		if allowed != nil {
			items = append(items, rules.Check(o, check.In("name", allowed...).Called("operation name").As(check.ByForce(force)))...)
		}
		roles := operationRoles
		if s.Minor() >= 12 {
			roles = []string{"Promoted", "Started", "Stopped", "Unpromoted"}
		}
		items = append(items, rules.Check(o, normalized(check.In("role", roles...), report.Capitalize))...)
		if v, ok := o.Get("role"); ok && s.Minor() == 11 {
			if old := report.Capitalize(v); rule.PrimaryRole(old) != old {
				items = append(items, report.Deprecatedf("Value '%s' of option role is deprecated and might be removed in a future release, therefore it should not be used, use '%s' value instead", v, rule.PrimaryRole(old)))
			}
		}
		items = append(items, rules.Check(
			o,
			normalized(check.In("on-fail", onFail...), strings.ToLower),
			normalized(check.Boolean("record-pending"), strings.ToLower), normalized(check.Boolean("enabled"), strings.ToLower),
		)...)
		items = append(items, rules.Exclusive(o, []string{"interval-origin", "start-delay"}, kind)...)
		if id, ok := o.Get("id"); ok {
			items = append(items, check.IDs(id, "operation id")...)
		}
		items = append(items, rules.Check(o, check.Time("interval"), check.Time("timeout"))...)
	}
	return items
}

func firstOf(items []report.Item) []report.Item {
	if len(items) > 1 {
		return items[:1]
	}
	return items
}

func normalized(v check.Value, f func(string) string) check.Value { v.Normalize = f; return v }

// sameIntervals tells operations of one name with one interval.
func sameIntervals(ops []argv.Pairs) []report.Item {
	type key struct {
		name    string
		seconds int
	}
	var names []string
	found := map[key][]string{}
	var keys []key
	for _, o := range ops {
		name := o.Value("name")
		interval, ok := o.Get("interval")
		if !ok {
			interval = defaultInterval(name)
		}
		n, ok := session.Seconds(interval)
		if !ok {
			n = -1
		}
		k := key{name, n}
		if found[k] == nil {
			keys = append(keys, k)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		found[k] = append(found[k], interval)
	}
	var lines []string
	for _, name := range names {
		var lists [][]string
		for _, k := range keys {
			if k.name == name && len(found[k]) > 1 {
				lists = append(lists, found[k])
			}
		}
		sort.Slice(lists, func(i, j int) bool { return slices.Compare(lists[i], lists[j]) < 0 })
		for _, l := range lists {
			lines = append(lines, name+" with intervals "+strings.Join(l, ", "))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return []report.Item{report.Errorf("multiple specification of the same operation with the same interval:\n%s", strings.Join(lines, "\n"))}
}

// UniqueIntervals makes intervals of operations of one name differ.
func UniqueIntervals(ops []argv.Pairs) ([]argv.Pairs, []report.Item) {
	used := map[string]map[int]bool{}
	var items []report.Item
	for i, o := range ops {
		name := o.Value("name")
		interval, ok := o.Get("interval")
		n, isTime := session.Seconds(interval)
		if !ok || !isTime {
			continue
		}
		if used[name] == nil {
			used[name] = map[int]bool{}
		}
		if !used[name][n] {
			used[name][n] = true
			continue
		}
		for used[name][n] {
			n++
		}
		used[name][n] = true
		ops[i] = o.With("interval", strconv.Itoa(n))
		items = append(items, report.Warnf("changing a %s operation interval from %s to %d to make the operation unique", name, interval, n))
	}
	return ops, items
}

// prepareOperations gives the operations of a new resource: those typed and those that
// the agent asks for.
func prepareOperations(s *session.Session, root *etree.Element, typed []argv.Pairs, a *agents.Agent, force, defaults bool) ([]argv.Pairs, error) {
	items := validateOperations(s, typed, actionNames(a), force)
	ops := make([]argv.Pairs, len(typed))
	for i, o := range typed {
		o = normalizeOperation(s, o)
		if r, ok := o.Get("role"); ok && !s.Legacy() {
			o = o.With("role", rule.RoleFor(root, r))
		}
		ops[i] = o
	}
	items = append(items, sameIntervals(ops)...)
	if err := s.Check(items...); err != nil {
		return nil, err
	}
	var rest []argv.Pairs
	for _, d := range DefaultOperations(s, a, !defaults) {
		if !slices.ContainsFunc(ops, func(o argv.Pairs) bool { return o.Value("name") == d.Value("name") }) {
			rest = append(rest, d)
		}
	}
	rest, items = UniqueIntervals(rest)
	if err := s.Check(items...); err != nil {
		return nil, err
	}
	var out []argv.Pairs
	for _, o := range append(ops, rest...) {
		if !o.Has("interval") {
			o = o.With("interval", defaultInterval(o.Value("name")))
		}
		if !s.Legacy() {
			var kept argv.Pairs
			for _, x := range o {
				if x.Name == "role" {
					x.Value = rule.RoleFor(root, x.Value)
				}
				if x.Value != "" {
					kept = append(kept, x)
				}
			}
			o = kept
		}
		out = append(out, o)
	}
	return out, nil
}

// appendOperations writes operations below a primitive, by name.
func appendOperations(s *session.Session, el *etree.Element, ops []argv.Pairs, ids *doc.IDs) error {
	list := doc.Append(el, "operations")
	sorted := slices.Clone(ops)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].Value("name") < sorted[j].Value("name") })
	for _, o := range sorted {
		if _, err := appendOperation(s, list, o, ids, nil); err != nil {
			return err
		}
	}
	return nil
}

func appendOperation(s *session.Session, list *etree.Element, o argv.Pairs, ids *doc.IDs, before *etree.Element) (*etree.Element, error) {
	op := doc.New("op")
	for _, x := range o {
		if x.Name != CheckLevel {
			doc.Set(op, x.Name, x.Value)
		}
	}
	if id, ok := o.Get("id"); ok {
		if doc.IDExists(list, id) {
			return nil, report.Items{s.Style.IDInUse(id)}
		}
	} else {
		doc.Set(op, "id", ids.Sub(list.Parent(), o.Value("name")+"-interval-"+o.Value("interval")))
	}
	doc.InsertBefore(list, op, before)
	if v, ok := o.Get(CheckLevel); ok {
		doc.AppendSet(op, "instance_attributes", argv.Pairs{{Name: CheckLevel, Value: v}}, ids, false)
	}
	return op, nil
}
