package check

import (
	"slices"
	"strings"

	"hacluster/internal/pcs/report"
)

// AddRemove checks items that are to be put into something and taken out of it.
type AddRemove struct {
	// Container is the kind of thing ("group"), ID its id; Item and Items are what its parts are called.
	Container, ID, Item, Items string
	Add, Remove, Current       []string
	// Adjacent is the item that the new ones are put beside, "" for none.
	Adjacent string
	// CanEmpty allows that nothing is left.
	CanEmpty bool
}

func (a AddRemove) name(items []string) string { return report.Plural(len(items), a.Item, a.Items) }

func duplicates(items []string) []string {
	var out []string
	for i, x := range items {
		if slices.Contains(items[:i], x) && !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

func both(a, b []string) []string {
	var out []string
	for _, x := range a {
		if slices.Contains(b, x) && !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

func missing(a, b []string) []string {
	var out []string
	for _, x := range a {
		if !slices.Contains(b, x) && !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// Check gives the complaints.
func (a AddRemove) Check() []report.Item {
	var items []report.Item
	if len(a.Add)+len(a.Remove) == 0 {
		items = append(items, report.Errorf("Cannot modify %s '%s', no %s to add or remove specified", a.Container, a.ID, a.Items))
	}
	twice := duplicates(a.Add)
	for _, d := range duplicates(a.Remove) {
		if !slices.Contains(twice, d) {
			twice = append(twice, d)
		}
	}
	capital := strings.ToUpper(a.Items[:1]) + a.Items[1:]
	if len(twice) > 0 {
		items = append(items, report.Errorf("%s to add or remove must be unique, duplicate %s: %s", capital, a.Items, report.QuoteSorted(twice)))
	}
	if there := both(a.Add, a.Current); len(there) > 0 && a.Adjacent == "" {
		n := len(there)
		items = append(items, report.Errorf("Cannot add %s %s, %s %s already present in %s '%s'", a.name(there), report.QuoteSorted(there),
			report.Plural(n, "it", "they"), report.Plural(n, "is", "are"), a.Container, a.ID))
	}
	if gone := missing(a.Remove, a.Current); len(gone) > 0 {
		n := len(gone)
		items = append(items, report.Errorf("Cannot remove %s %s, %s %s not present in %s '%s'", a.name(gone), report.QuoteSorted(gone),
			report.Plural(n, "it", "they"), report.Plural(n, "is", "are"), a.Container, a.ID))
	}
	if x := both(a.Add, a.Remove); len(x) > 0 {
		name := a.name(x)
		items = append(items, report.Errorf("%s cannot be added and removed at the same time: %s", strings.ToUpper(name[:1])+name[1:], report.QuoteSorted(x)))
	}
	if !a.CanEmpty && len(a.Add) == 0 && len(missing(a.Current, a.Remove)) == 0 {
		items = append(items, report.Errorf("Cannot remove all %s from %s '%s'", a.Items, a.Container, a.ID))
	}
	if a.Adjacent == "" {
		return items
	}
	if !slices.Contains(a.Current, a.Adjacent) {
		items = append(items, report.Errorf("There is no %s '%s' in the %s '%s', cannot add %s next to it", a.Item, a.Adjacent, a.Container, a.ID, a.Items))
	}
	if slices.Contains(a.Add, a.Adjacent) {
		items = append(items, report.Errorf("Cannot put %s '%s' next to itself", a.Item, a.Adjacent))
	}
	if len(a.Add) == 0 {
		items = append(items, report.Errorf("Cannot specify adjacent %s '%s' without %s to add", a.Item, a.Adjacent, a.Items))
	}
	return items
}
