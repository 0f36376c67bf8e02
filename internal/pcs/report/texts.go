package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
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

// Capitalize is the text with its first letter in upper case and all others in lower case.
func Capitalize(text string) string {
	r := []rune(strings.ToLower(text))
	if len(r) > 0 {
		r[0] = unicode.ToUpper(r[0])
	}
	return string(r)
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
	plural := ""
	if len(names) > 1 {
		plural = "s:"
	}
	text := fmt.Sprintf("invalid %soption%s %s,", kindOf(kind), plural, QuoteSorted(names))
	are := "allowed option is "
	if len(allowed) > 1 {
		are = "allowed options are: "
	}
	switch {
	case len(allowed) == 0 && len(patterns) == 0:
		text += " there are no options allowed"
	case len(patterns) == 0:
		text += " " + are + s.List(allowed)
	case len(allowed) == 0:
		text += " allowed are options matching patterns: " + s.List(patterns)
	default:
		text += " " + are + s.List(allowed) + " and options matching patterns: " + s.List(patterns)
	}
	return Item{Text: text, Code: "INVALID_OPTIONS"}
}

// InvalidOptionValue is about a value that is not among the allowed; allowed is a list to quote, or describes in words.
func (s Style) InvalidOptionValue(name, value string, allowed []string) Item {
	text := fmt.Sprintf("'%s' is not a valid %s value", value, name)
	if len(allowed) > 0 || s.Legacy() {
		text += ", use " + s.List(allowed)
	}
	return Item{Code: "INVALID_OPTION_VALUE", Text: text}
}

// InvalidOptionValueText is InvalidOptionValue with the allowed values described.
func (s Style) InvalidOptionValueText(name, value, allowed string) Item {
	return Item{Code: "INVALID_OPTION_VALUE", Text: fmt.Sprintf("'%s' is not a valid %s value, use %s", value, name, allowed)}
}

// EmptyOptionValue is about a value that must not be empty; allowed describes what it may be, if anything.
func (s Style) EmptyOptionValue(name, value, allowed string) Item {
	text := fmt.Sprintf("%s cannot be empty", name)
	if s.Legacy() {
		text = fmt.Sprintf("'%s' is not a valid %s value", value, name)
	}
	if allowed != "" {
		text += ", use " + allowed
	}
	return Item{Code: "INVALID_OPTION_VALUE", Text: text}
}

// RequiredMissing is about options that must be given.
func (s Style) RequiredMissing(names []string, kind string) Item {
	word := Plural(len(names), "option", "options")
	is := Plural(len(names), "is", "are")
	sorted := QuoteSorted(names)
	return Item{Code: "REQUIRED_OPTIONS_ARE_MISSING", Text: fmt.Sprintf("required %s%s %s %s missing", kindOf(kind), word, sorted, is)}
}

// RequiredOneOf is about options of which one must be given; deprecated ones come last, marked.
func (s Style) RequiredOneOf(names, deprecated []string, kind string) Item {
	var list, old []string
	for _, n := range slices.Sorted(slices.Values(names)) {
		if slices.Contains(deprecated, n) {
			old = append(old, "'"+n+"' (deprecated)")
		} else {
			list = append(list, "'"+n+"'")
		}
	}
	list = append(list, old...)
	text := strings.Join(list, " or ")
	if !s.Legacy() && len(list) > 1 {
		text = strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
	}
	return Item{Code: "REQUIRED_OPTION_OF_ALTERNATIVES_IS_MISSING", Text: fmt.Sprintf("%soption %s has to be specified", kindOf(kind), text)}
}

// IDInUse is about an id that stands in the CIB already.
func (s Style) IDInUse(id string) Item {
	return Item{Code: "ID_ALREADY_EXISTS", Text: fmt.Sprintf("'%s' already exists", id)}
}
