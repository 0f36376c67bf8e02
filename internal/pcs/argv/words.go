package argv

import (
	"slices"
	"sort"
	"strings"

	"hacluster/internal/pcs/report"
)

// Pair is name=value from a command line.
type Pair struct{ Name, Value string }

// Pairs keep the order in which the user named them first.
type Pairs []Pair

// Get is the value of a name.
func (p Pairs) Get(name string) (string, bool) {
	for _, x := range p {
		if x.Name == name {
			return x.Value, true
		}
	}
	return "", false
}

// Value is the value of a name, "" without.
func (p Pairs) Value(name string) string { v, _ := p.Get(name); return v }

// Has tells whether a name was given.
func (p Pairs) Has(name string) bool { _, ok := p.Get(name); return ok }

// Names are the names in order.
func (p Pairs) Names() []string {
	n := make([]string, len(p))
	for i, x := range p {
		n[i] = x.Name
	}
	return n
}

// Sorted are the pairs by name.
func (p Pairs) Sorted() Pairs {
	c := slices.Clone(p)
	sort.SliceStable(c, func(i, j int) bool { return c[i].Name < c[j].Name })
	return c
}

// Without gives the pairs without some names.
func (p Pairs) Without(names ...string) Pairs {
	var out Pairs
	for _, x := range p {
		if !slices.Contains(names, x.Name) {
			out = append(out, x)
		}
	}
	return out
}

// With gives the pairs with one set or changed.
func (p Pairs) With(name, value string) Pairs {
	out := slices.Clone(p)
	for i := range out {
		if out[i].Name == name {
			out[i].Value = value
			return out
		}
	}
	return append(out, Pair{name, value})
}

// SplitOption splits name=value; a missing "=" or name is an error, an empty value only if refused.
func SplitOption(arg string, allowEmpty bool) (Pair, error) {
	name, value, ok := strings.Cut(arg, "=")
	switch {
	case !ok:
		return Pair{}, Usagef("missing value of '%s' option", arg)
	case name == "":
		return Pair{}, Usagef("missing key in '%s' option", arg)
	case value == "" && !allowEmpty:
		return Pair{}, Usagef("value of '%s' option is empty", name)
	}
	return Pair{name, value}, nil
}

// KeyValues reads name=value words; one name with different values is an error.
func KeyValues(args []string) (Pairs, error) {
	pairs, _, err := RepeatableKeyValues(args)
	return pairs, err
}

// KeyValues09 is KeyValues as 0.9 complains: of the first thing wrong, values as they stood.
func KeyValues09(args []string) (Pairs, error) {
	var out Pairs
	for _, a := range args {
		p, err := SplitOption(a, true)
		if err != nil {
			return nil, err
		}
		if old, ok := out.Get(p.Name); !ok {
			out = append(out, p)
		} else if old != p.Value {
			return nil, Usagef("duplicate option '%s' with different values '%s' and '%s'", p.Name, old, p.Value)
		}
	}
	return out, nil
}

// RepeatableKeyValues is KeyValues where some names may stand several times, with several values.
func RepeatableKeyValues(args []string, repeatable ...string) (Pairs, map[string][]string, error) {
	var order []string
	lists := map[string][]string{}
	for _, a := range args {
		p, err := SplitOption(a, true)
		if err != nil {
			return nil, nil, err
		}
		if _, ok := lists[p.Name]; !ok {
			order = append(order, p.Name)
		}
		lists[p.Name] = append(lists[p.Name], p.Value)
	}
	var pairs Pairs
	for _, n := range order {
		if slices.Contains(repeatable, n) {
			continue
		}
		values := slices.Compact(slices.Sorted(slices.Values(lists[n])))
		if len(values) > 1 {
			last := values[len(values)-1]
			return nil, nil, Usagef("duplicate option '%s' with different values %s and '%s'", n, Quoted(values[:len(values)-1]), last)
		}
		pairs = append(pairs, Pair{n, lists[n][0]})
		delete(lists, n)
	}
	return pairs, lists, nil
}

// AllowedKeys refuses words that are not name=value, and names that are not in the list.
func AllowedKeys(args []string, allowed ...string) error {
	var unknown []string
	for _, a := range args {
		if _, err := SplitOption(a, true); err != nil {
			return err
		}
		name, _, _ := strings.Cut(a, "=")
		if !slices.Contains(allowed, name) && !slices.Contains(unknown, name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	sort.Strings(unknown)
	s := ""
	if len(unknown) > 1 {
		s = "s"
	}
	return Usagef("Unknown option%s '%s'", s, strings.Join(unknown, "', '"))
}

// SplitList cuts words at every separator.
func SplitList(args []string, separator string) [][]string {
	out := [][]string{{}}
	for _, a := range args {
		if a == separator {
			out = append(out, []string{})
			continue
		}
		out[len(out)-1] = append(out[len(out)-1], a)
	}
	return out
}

// Groups are words by the keyword before them, one group for each time the keyword stood.
type Groups struct {
	groups map[string][][]string
	order  []string
}

// GroupByKeywords sorts words behind keywords. implicit names the words before the first
// keyword; "" makes such words a usage error.
func GroupByKeywords(args []string, keywords []string, implicit string) (*Groups, error) {
	g := &Groups{groups: map[string][][]string{}}
	start := func(k string) {
		if _, ok := g.groups[k]; !ok {
			g.order = append(g.order, k)
		}
		g.groups[k] = append(g.groups[k], []string{})
	}
	current := ""
	for i, a := range args {
		if slices.Contains(keywords, a) {
			current = a
			start(a)
			continue
		}
		if i == 0 {
			if implicit == "" {
				return nil, Usage()
			}
			current = implicit
			start(implicit)
		}
		list := g.groups[current]
		list[len(list)-1] = append(list[len(list)-1], a)
	}
	return g, nil
}

// Has tells whether the keyword stood there.
func (g *Groups) Has(k string) bool { _, ok := g.groups[k]; return ok }

// Flat are all words behind a keyword.
func (g *Groups) Flat(k string) []string { return slices.Concat(g.groups[k]...) }

// All are the groups behind a keyword.
func (g *Groups) All(k string) [][]string { return g.groups[k] }

// IsEmpty tells whether there were no words at all.
func (g *Groups) IsEmpty() bool { return len(g.groups) == 0 }

// Empty tells whether the keyword stood there with no words behind it.
func (g *Groups) Empty(k string) bool { return g.Has(k) && len(g.Flat(k)) == 0 }

// RepeatOnly refuses keywords that stood more than once, but for the named ones.
func (g *Groups) RepeatOnly(keywords ...string) error {
	for _, k := range g.order {
		if len(g.groups[k]) > 1 && !slices.Contains(keywords, k) {
			return Usagef("'%s' cannot be used more than once", k)
		}
	}
	return nil
}

// SplitByAnyKeyword groups name=value words behind words without "=".
func SplitByAnyKeyword(args []string, label string) ([]string, map[string][]string, error) {
	groups := map[string][]string{}
	var order []string
	if len(args) == 0 {
		return nil, groups, nil
	}
	if strings.Contains(args[0], "=") {
		return nil, nil, Usagef("Invalid character '=' in %s '%s'", label, args[0])
	}
	for _, a := range args {
		if strings.Contains(a, "=") {
			k := order[len(order)-1]
			groups[k] = append(groups[k], a)
			continue
		}
		if _, ok := groups[a]; ok {
			return nil, nil, Usagef("%s '%s' defined multiple times", report.Capitalize(label), a)
		}
		groups[a] = nil
		order = append(order, a)
	}
	return order, groups, nil
}

// TypedArg reads type%value; without a type it is of the default one.
func TypedArg(arg string, allowed []string, fallback string) (kind, value string, err error) {
	kind, value, ok := strings.Cut(arg, "%")
	if !ok {
		return fallback, arg, nil
	}
	if kind == "" {
		return fallback, value, nil
	}
	if !slices.Contains(allowed, kind) {
		sorted := slices.Sorted(slices.Values(allowed))
		return "", "", Usagef("'%s' is not an allowed type for '%s', use %s", kind, arg, strings.Join(sorted, ", "))
	}
	return kind, value, nil
}

// EnsureUnique refuses words that stand twice.
func EnsureUnique(args []string) error {
	var twice []string
	seen := map[string]int{}
	for _, a := range args {
		seen[a]++
		if seen[a] == 2 {
			twice = append(twice, a)
		}
	}
	if len(twice) == 0 {
		return nil
	}
	word := "argument"
	if len(twice) > 1 {
		word = "arguments"
	}
	return Usagef("duplicate %s: %s", word, Quoted(twice))
}
