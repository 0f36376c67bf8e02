package webstatus

import (
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
	"hacluster/internal/pcs/doc"
)

// constraints are listed by their tags. Of a location with rules each rule is one; sets are told with the ids of their members.
func constraints(section *etree.Element) map[string][]map[string]any {
	out := map[string][]map[string]any{}
	add := func(el *etree.Element, info map[string]any) { out[el.Tag] = append(out[el.Tag], info) }
	for _, el := range doc.Children(section) {
		parts := doc.Children(el)
		switch {
		case len(parts) == 0:
			add(el, written(el))
		case el.Tag == "rsc_location":
			for _, r := range doc.Children(el, "rule") {
				add(el, locationRule(el, r))
			}
		default:
			info, sets := attributes(el), []map[string]any{}
			for _, s := range doc.Children(el, "resource_set") {
				set, members := attributes(s), []any{}
				for _, ref := range doc.Children(s, "resource_ref") {
					members = append(members, attr(ref, "id"))
				}
				set["resources"] = members
				sets = append(sets, set)
			}
			info["sets"] = sets
			add(el, info)
		}
	}
	return out
}

// written are attributes as they stand in the file, with its escapes: so the original tells those of a constraint without parts.
func written(el *etree.Element) map[string]any {
	out := map[string]any{}
	for _, a := range doc.Attrs(el) {
		out[a.Name] = xml.EscapeAttr(a.Value)
	}
	return out
}

func attributes(el *etree.Element) map[string]any {
	out := map[string]any{}
	for _, a := range doc.Attrs(el) {
		out[a.Name] = a.Value
	}
	return out
}

func locationRule(location, rule *etree.Element) map[string]any {
	info := map[string]any{"rule_string": expression(rule)}
	if p := doc.Attr(location, "rsc-pattern"); doc.Has(location, "rsc-pattern") {
		info["rsc-pattern"] = p
	} else {
		info["rsc"] = attr(location, "rsc")
	}
	for _, a := range doc.Attrs(rule, "boolean-op") {
		info[a.Name] = a.Value
	}
	return info
}

// expression is a rule as the web interface shows it.
func expression(rule *etree.Element) string {
	op := "and"
	if doc.Has(rule, "boolean-op") {
		op = doc.Attr(rule, "boolean-op")
	}
	var parts []string
	for _, el := range doc.Children(rule) {
		switch el.Tag {
		case "expression":
			parts = append(parts, comparison(el))
		case "date_expression":
			parts = append(parts, date(el))
		case "rule":
			parts = append(parts, "("+expression(el)+")")
		}
	}
	return strings.Join(parts, " "+op+" ")
}

func comparison(el *etree.Element) string {
	op, name := doc.Attr(el, "operation"), doc.Attr(el, "attribute")
	if !doc.Has(el, "value") {
		return op + " " + name
	}
	words := []string{name, op}
	if doc.Has(el, "type") {
		words = append(words, doc.Attr(el, "type"))
	}
	value := doc.Attr(el, "value")
	if strings.Contains(value, " ") {
		value = `"` + value + `"`
	}
	return strings.Join(append(words, value), " ")
}

func date(el *etree.Element) string {
	var words []string
	fields := func(tag, first string) {
		for _, d := range doc.Children(el, tag) {
			if first != "" {
				words = append(words, first)
			}
			for _, a := range doc.Attrs(d, "id") {
				words = append(words, a.Name+"="+a.Value)
			}
		}
	}
	op := doc.Attr(el, "operation")
	start, end := doc.Attr(el, "start"), doc.Attr(el, "end")
	if op == "date_spec" {
		words = append(words, "date-spec")
		fields("date_spec", "")
		return strings.Join(words, " ")
	}
	words = append(words, "date")
	words = append(words, op)
	if doc.Has(el, "start") {
		words = append(words, start)
		if op == "in_range" {
			words = append(words, "to")
		}
	}
	if doc.Has(el, "end") {
		words = append(words, end)
	}
	if op == "in_range" {
		fields("duration", "duration")
	}
	return strings.Join(words, " ")
}
