package report

import (
	"fmt"
	"slices"
	"strings"
)

// Style knows how a generation words the messages that many verbs share.
type Style struct{ Minor int }

// Legacy is 0.9.
func (s Style) Legacy() bool { return s.Minor < 10 }

// List joins sorted items: a, b in 0.9, 'a', 'b' later.
func (s Style) List(items []string) string {
	sorted := slices.Sorted(slices.Values(items))
	if s.Legacy() {
		return strings.Join(sorted, ", ")
	}
	return Quote(sorted)
}

// Quote joins items in their order as 'a', 'b'.
func Quote(items []string) string {
	q := make([]string, len(items))
	for i, x := range items {
		q[i] = "'" + x + "'"
	}
	return strings.Join(q, ", ")
}

// QuoteSorted is Quote of sorted items.
func QuoteSorted(items []string) string { return Quote(slices.Sorted(slices.Values(items))) }

// QuoteAnd is QuoteSorted with a word before the last: 'a', 'b' and 'c'.
func QuoteAnd(items []string, word string) string {
	sorted := slices.Sorted(slices.Values(items))
	if len(sorted) < 2 {
		return Quote(sorted)
	}
	return Quote(sorted[:len(sorted)-1]) + word + Quote(sorted[len(sorted)-1:])
}

// Plural gives one or many by the number of things.
func Plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// kindOf is an option's kind with a blank behind it, nothing without a kind.
func kindOf(kind string) string {
	if kind == "" {
		return ""
	}
	return kind + " "
}

// InvalidOptions is about option names that are not known. patterns are shapes of
// names that are allowed besides the list.
func (s Style) InvalidOptions(names, allowed []string, kind string, patterns ...string) Item {
	names = slices.Sorted(slices.Values(names))
	word, is := Plural(len(names), "option", "options"), Plural(len(names), "option is", "options are")
	if s.Legacy() {
		text := fmt.Sprintf("invalid %s%s: '%s'", kindOf(kind), word, strings.Join(names, "', '"))
		if len(names) == 1 {
			text = fmt.Sprintf("invalid %s%s '%s'", kindOf(kind), word, names[0])
		} else {
			text = fmt.Sprintf("invalid %s%s: '%s'", kindOf(kind), word, strings.Join(names, "', '"))
		}
		switch {
		case len(allowed) == 0 && len(patterns) == 0:
			text += fmt.Sprintf(", there are no %soptions allowed", kindOf(kind))
		case len(patterns) == 0:
			text += ", " + Plural(len(allowed), "allowed option is", "allowed options are") + " " + s.allowedList(allowed)
		case len(allowed) == 0:
			text += ", allowed are options matching patterns: " + strings.Join(slices.Sorted(slices.Values(patterns)), ", ")
		default:
			text += ", " + Plural(len(allowed), "allowed option is", "allowed options are") + " " + s.allowedList(allowed) +
				" and options matching patterns: " + strings.Join(slices.Sorted(slices.Values(patterns)), ", ")
		}
		return Item{Text: text, Code: "INVALID_OPTIONS"}
	}
	_ = is
	var b strings.Builder
	if len(names) == 1 {
		fmt.Fprintf(&b, "invalid %soption %s", kindOf(kind), Quote(names))
	} else {
		fmt.Fprintf(&b, "invalid %soptions: %s", kindOf(kind), Quote(names))
	}
	switch {
	case len(allowed) == 0 && len(patterns) == 0:
		fmt.Fprintf(&b, ", there are no %soptions allowed", kindOf(kind))
	case len(patterns) == 0:
		b.WriteString(", " + allowedAre(allowed))
	case len(allowed) == 0:
		b.WriteString(", allowed are options matching patterns: " + QuoteSorted(patterns))
	default:
		b.WriteString(", " + allowedAre(allowed) + " and options matching patterns: " + QuoteSorted(patterns))
	}
	return Item{Text: b.String(), Code: "INVALID_OPTIONS"}
}

func (s Style) allowedList(allowed []string) string {
	return strings.Join(slices.Sorted(slices.Values(allowed)), ", ")
}

func allowedAre(allowed []string) string {
	if len(allowed) == 1 {
		return "allowed option is " + QuoteSorted(allowed)
	}
	return "allowed options are: " + QuoteSorted(allowed)
}

// InvalidOptionValue is about a value that is not among the allowed; allowed is a list to quote, or describes in words.
func (s Style) InvalidOptionValue(name, value string, allowed []string) Item {
	return Item{Code: "INVALID_OPTION_VALUE", Text: fmt.Sprintf("'%s' is not a valid %s value, use %s", value, name, s.List(allowed))}
}

// InvalidOptionValueText is InvalidOptionValue with the allowed values described.
func (s Style) InvalidOptionValueText(name, value, allowed string) Item {
	return Item{Code: "INVALID_OPTION_VALUE", Text: fmt.Sprintf("'%s' is not a valid %s value, use %s", value, name, allowed)}
}

// EmptyOptionValue is about a value that must not be empty.
func (s Style) EmptyOptionValue(name, allowed string) Item {
	return Item{Code: "INVALID_OPTION_VALUE", Text: fmt.Sprintf("%s cannot be empty", name)}
}

// RequiredMissing is about options that must be given.
func (s Style) RequiredMissing(names []string, kind string) Item {
	word := Plural(len(names), "option", "options")
	is := Plural(len(names), "is", "are")
	sorted := QuoteSorted(names)
	return Item{Code: "REQUIRED_OPTIONS_ARE_MISSING", Text: fmt.Sprintf("required %s%s %s %s missing", kindOf(kind), word, sorted, is)}
}

// RequiredOneOf is about options of which one must be given.
func (s Style) RequiredOneOf(names, deprecated []string, kind string) Item {
	text := "exactly one"
	_ = text
	return Item{Code: "REQUIRED_OPTION_OF_ALTERNATIVES_IS_MISSING", Text: fmt.Sprintf("%soption %s has to be specified", kindOf(kind), QuoteAnd(names, " or "))}
}

// IDInUse is about an id that stands in the CIB already.
func (s Style) IDInUse(id string) Item {
	return Item{Code: "ID_ALREADY_EXISTS", Text: fmt.Sprintf("'%s' already exists", id)}
}
