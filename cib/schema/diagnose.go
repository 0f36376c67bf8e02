package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// diagnose tells why el has none of d's forms, in the terms of the form that it comes
// closest to, which is returned.
func (c *checker) diagnose(el *etree.Element, d *definition, attrs []attribute, have uint64, counts []int) int {
	best, least := 0, -1
	for i := range d.forms {
		if cost := c.distance(el, d, &d.forms[i], attrs, have, counts); least < 0 || cost < least {
			best, least = i, cost
		}
	}
	f := &d.forms[best]
	for _, a := range attrs {
		c.attribute(el, d, f, a, have, counts)
	}
	for at, name := range d.attrs {
		if f.required&^have&(1<<at) != 0 {
			c.add(Problem{Element: el, Attr: name, Kind: MissingAttribute, Text: c.missing(el, d, f, at, have)})
		}
	}
	c.children(el, d, f, counts)
	return best
}

// distance counts what would have to change for el to have the form. A wrong value
// weighs less than a missing or an unexpected thing.
func (c *checker) distance(el *etree.Element, d *definition, f *form, attrs []attribute, have uint64, counts []int) int {
	cost := 0
	for _, a := range attrs {
		if a.at < 0 {
			continue // the same in every form
		}
		if t := f.types[a.at]; t == nil {
			cost += 4
		} else if v := el.Attr[a.index].Value; !t.accepts(v) {
			cost += 3
			if slices.ContainsFunc(d.forms, func(g form) bool { return g.types[a.at] != nil && g.types[a.at].accepts(v) }) {
				cost += 2 // it tells which form is meant
			}
		}
	}
	for at := range d.attrs {
		if f.required&^have&(1<<at) != 0 {
			cost += 4
		}
	}
	for i := range d.kids {
		if counts[i] > 0 && f.partOf[i] < 0 {
			cost += 4
		}
	}
	for _, p := range f.parts {
		n := 0
		for _, k := range p.kids {
			n += counts[k]
		}
		if n < p.min || p.max >= 0 && n > p.max {
			cost += 4
		}
	}
	if d.ordered && misplaced(el, d, f) != nil {
		cost += 2
	}
	return cost
}

// attribute tells what is wrong with one attribute, if anything.
func (c *checker) attribute(el *etree.Element, d *definition, f *form, a attribute, have uint64, counts []int) {
	name, value := el.Attr[a.index].Key, el.Attr[a.index].Value
	if a.at < 0 {
		c.add(Problem{Element: el, Attr: name, Kind: UnknownAttribute, Value: value, Text: c.unknownAttribute(d, f, name, have)})
		return
	}
	t := f.types[a.at]
	if t == nil {
		text := fmt.Sprintf("attribute %s may not stand in <%s>", name, d.tag)
		if beside := conflict(d, f, a.at, have, counts); beside != "" {
			text += " together with " + beside + "; remove one or the other"
		} else if allowed := f.names(d, have); allowed != "" {
			text += "; there may be " + allowed
		}
		c.add(Problem{Element: el, Attr: name, Kind: UnknownAttribute, Value: value, Text: text})
		return
	}
	if t.accepts(value) {
		return
	}
	c.add(Problem{Element: el, Attr: name, Kind: BadValue, Value: value, Text: c.badValue(d, a.at, name, value, t)})
}

// badValue tells what an attribute may hold instead, in any form.
func (c *checker) badValue(d *definition, at int, name, value string, t *valueType) string {
	var words []string
	for i := range d.forms {
		if o := d.forms[i].types[at]; o != nil {
			for _, w := range o.words {
				if !slices.Contains(words, w) {
					words = append(words, w)
				}
			}
		}
	}
	text := fmt.Sprintf("%s=%q is not allowed in <%s>", name, clip(value), d.tag)
	switch {
	case t.not != nil:
		text += " by " + names[c.g.version]
		if newer := renamed[collapse(value)]; newer != "" && newer != "-" {
			text += "; its name is " + newer + " now"
		} else if newer == "-" {
			text += "; it is no longer supported, so remove it"
		} else {
			text += "; remove it, or let \"cibadmin --upgrade\" of the older schema do so"
		}
		return text
	case len(words) > 0:
		text += "; it is one of: " + strings.Join(words, ", ")
		if other := c.otherVersion(d, name, func(o *valueType) bool { return o.accepts(value) }); other != "" {
			return text + "; " + other
		}
		if w := notations[strings.ToLower(value)]; slices.Contains(words, w) {
			return text + didYouMean(w)
		}
		return text + meant(value, words)
	case value == "":
		return fmt.Sprintf("%s is empty in <%s>; it holds %s", name, d.tag, t.holds(name))
	}
	if t.names != plain && strings.ContainsFunc(value, func(r rune) bool { return r == ' ' || r == ':' || r == '/' }) {
		text += " (no blank, ':' or '/')"
	}
	text += "; it holds " + t.holds(name)
	if w := notations[strings.ToLower(value)]; w != "" && t.accepts(w) {
		text += didYouMean(w)
	}
	return text
}

// unknownAttribute tells about an attribute that no form of d knows.
func (c *checker) unknownAttribute(d *definition, f *form, name string, have uint64) string {
	text := fmt.Sprintf("attribute %s is not known in <%s>", name, d.tag)
	if other := c.otherVersion(d, name, nil); other != "" {
		return text + "; " + other
	}
	for at, n := range d.attrs { // a part of the name of one that is missing
		if f.required&^have&(1<<at) != 0 && (strings.HasPrefix(n, name+"-") || strings.HasSuffix(n, "-"+name)) {
			return text + didYouMean(n)
		}
	}
	if m := meant(name, d.attrs); m != "" {
		return text + m
	}
	var free []string
	for at, n := range d.attrs {
		if have&(1<<at) == 0 {
			free = append(free, n)
		}
	}
	switch {
	case len(d.attrs) == 0:
		for _, set := range [...]string{"cluster_property_set", "meta_attributes"} {
			if _, ok := d.kidAt[set]; ok {
				return text + fmt.Sprintf("; an option is an <nvpair name=%q value=\"…\"> in its <%s>", name, set)
			}
		}
		return text + "; it has no attributes, so remove it"
	case len(free) == 0:
		return text + "; it has " + list(d.attrs, "and") + " only"
	}
	return text + "; there may be " + list(free, "or")
}

// missing tells about a required attribute, with what may stand instead of it.
func (c *checker) missing(el *etree.Element, d *definition, f *form, at int, have uint64) string {
	text := fmt.Sprintf("attribute %s is missing in %s", d.attrs[at], named(el))
	for i := range el.Attr {
		if _, known := d.attrAt[el.Attr[i].Key]; !known && strings.EqualFold(el.Attr[i].Key, d.attrs[at]) {
			return text
		}
	}
	if t := f.types[at]; t.says != "" {
		text += "; it holds " + t.holds(d.attrs[at])
	} else if len(t.words) > 0 && len(t.words) < 12 {
		text += "; it is one of: " + strings.Join(t.words, ", ")
	} else if what := meanings[d.attrs[at]]; what != "" {
		text += "; it holds " + what
	} else {
		text += fmt.Sprintf("; give it as %s=\"…\"", d.attrs[at])
	}
	var instead []string
	for i := range d.forms {
		o := &d.forms[i]
		alone := o.alone(d, f, have)
		if o.types[at] != nil || len(alone) == 0 || !o.allows(have) {
			continue
		}
		if n := strings.Join(alone, " with "); !slices.Contains(instead, n) {
			instead = append(instead, n)
		}
	}
	if len(instead) > 0 {
		text += "; instead of it there may be " + list(instead, "or")
	}
	return text
}

// named is the element by its id, if it has one: <op id="start">.
func named(el *etree.Element) string {
	if id := el.SelectAttrValue("id", ""); id != "" {
		return fmt.Sprintf("<%s id=%q>", el.Tag, id)
	}
	return "<" + el.Tag + ">"
}

// children tells what is wrong with the children of el as a whole.
func (c *checker) children(el *etree.Element, d *definition, f *form, counts []int) {
	seen := make([]int, len(f.parts))
	for _, k := range el.ChildElements() {
		at, ok := d.kidAt[k.Tag]
		if !ok {
			c.add(Problem{Element: k, Kind: UnknownElement, Text: c.unknownElement(d, f, k)})
			continue
		}
		in := f.partOf[at]
		if in < 0 {
			text := fmt.Sprintf("<%s> may not stand in this <%s>", k.Tag, d.tag)
			if beside := excludes(d, f, el, at); beside != "" {
				text += " together with " + beside + "; remove one or the other"
			}
			c.add(Problem{Element: k, Kind: UnknownElement, Text: text})
			continue
		}
		if seen[in]++; f.parts[in].max >= 0 && seen[in] == f.parts[in].max+1 {
			c.add(Problem{Element: k, Kind: UnknownElement, Text: fmt.Sprintf("a second <%s> stands in <%s>; there may be one only", k.Tag, d.tag)})
		}
	}
	for i, p := range f.parts {
		if seen[i] < p.min {
			var kids []string
			for _, k := range p.kids {
				kids = append(kids, "<"+d.kids[k].tag+">")
			}
			for j := range d.forms { // the alternatives: docker or podman, primitive or group
				o := &d.forms[j]
				if o == f || len(o.parts) != len(f.parts) || o.parts[i].min == 0 || o.required != f.required {
					continue
				}
				for _, k := range o.parts[i].kids {
					if n := "<" + d.kids[k].tag + ">"; !slices.Contains(kids, n) {
						kids = append(kids, n)
					}
				}
			}
			many := "one"
			if p.max < 0 {
				many = "at least one"
			}
			text := fmt.Sprintf("%s has no %s; it needs %s", named(el), kids[0], many)
			if len(kids) > 1 {
				text = fmt.Sprintf("%s is incomplete; it needs %s of %s", named(el), many, list(kids, "or"))
			}
			if attrs := d.insteadOf(f, el, counts); attrs != "" {
				text += ", or " + attrs
			}
			c.add(Problem{Element: el, Kind: MissingElement, Text: text})
		}
	}
	if d.ordered {
		if k := misplaced(el, d, f); k != nil {
			var order []string
			for _, p := range f.parts {
				for _, kid := range p.kids {
					order = append(order, "<"+d.kids[kid].tag+">")
				}
			}
			c.add(Problem{Element: k, Kind: UnknownElement, Text: fmt.Sprintf("<%s> stands too late in <%s>; the order is %s", k.Tag, d.tag, strings.Join(order, ", "))})
		}
	}
}

// unknownElement tells about a child that no form of d knows.
func (c *checker) unknownElement(d *definition, f *form, k *etree.Element) string {
	text := fmt.Sprintf("<%s> may not stand in <%s>", k.Tag, d.tag)
	var here []string
	for i, kid := range d.kids {
		if f.partOf[i] >= 0 {
			here = append(here, kid.tag)
		}
	}
	if w := nearest(k.Tag, here); w != "" && len(c.homes(k.Tag)) == 0 {
		return text + "; did you mean <" + w + ">?"
	}
	if homes := c.homes(k.Tag); len(homes) > 0 {
		return text + "; it belongs into " + list(homes, "or")
	}
	for step := 1; step < len(names); step++ { // the nearest version that knows it
		for _, v := range []int{c.g.version + step, c.g.version - step} {
			if v < 0 || v >= index(None) {
				continue
			}
			o := checker{g: grammarOf(v)}
			if len(o.homes(k.Tag)) > 0 {
				return text + "; " + c.versions(v)
			}
		}
	}
	if len(here) == 0 {
		return text + "; nothing may"
	}
	for i := range here {
		here[i] = "<" + here[i] + ">"
	}
	return text + "; there may be " + list(here, "or")
}

// dangling tells about a reference to nothing.
func (c *checker) dangling(r use) {
	name := r.el.Attr[r.attr].Key
	text := fmt.Sprintf("%s=%q in <%s> names nothing: no element of the configuration has this id", name, r.value, r.el.Tag)
	var ids []string
	for id, el := range c.ids {
		if likely(name, r.el.Tag, el.Tag) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	if m := meant(r.value, ids); m != "" {
		text += m
	} else if len(ids) > 0 && len(ids) <= 8 {
		text += "; there are " + list(ids, "and")
	}
	c.add(Problem{Element: r.el, Attr: name, Kind: BadReference, Value: r.value, Text: text})
}
