package cib

import (
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

// create appends data, or what is in it when it is the section itself.
func (e *edit) create(data *etree.Element) error {
	name := e.req.Section
	if data.Tag == "cib" || name == "" && !e.req.XPath || strings.EqualFold(name, "cib") || strings.EqualFold(name, "all") {
		e.req.CanCreate = true
		return e.modify(data)
	}
	// An expression names no section.
	var section *etree.Element
	if !e.req.XPath {
		section = Section(e.root, name)
	}
	items := []etree.Token{data}
	if data.Tag == name {
		items = data.Child
	}
	for _, t := range items {
		el, ok := t.(*etree.Element)
		if !ok {
			if c, ok := t.(*etree.Comment); ok && section != nil {
				e.add(section, clean(c))
			}
			continue
		}
		switch {
		case section == nil:
			return e.refuse(el, fail(Invalid, "there is no section %s", name))
		case child(section, el) != nil:
			return e.refuse(el, fail(Exists, "%s", describe(el)))
		}
		e.add(section, strip(clean(el).(*etree.Element)))
	}
	return nil
}

// child gives the child of parent that stands in el's way: of its name and, if el has one, its id.
func child(parent, el *etree.Element) *etree.Element {
	for _, have := range parent.ChildElements() {
		if have.Tag == el.Tag && (!hasID(el) || hasID(have) && id(have) == id(el)) {
			return have
		}
	}
	return nil
}

// refuse makes the answer of a create that failed.
func (e *edit) refuse(el *etree.Element, err *Error) error {
	e.data = etree.NewElement("failed")
	f := e.data.CreateElement("failed_update")
	if hasID(el) {
		f.CreateAttr("id", id(el))
	}
	f.CreateAttr("object-type", el.Tag)
	f.CreateAttr("operation", string(Create))
	f.CreateAttr("reason", err.Code.String())
	f.AddChild(xml.Copy(el))
	return err
}

// strip removes the attribute "replace", an order of older tools, at every level.
func strip(el *etree.Element) *etree.Element {
	el.RemoveAttr("replace")
	for _, c := range el.ChildElements() {
		strip(c)
	}
	return el
}

// modify merges data into the first element of its name and id.
func (e *edit) modify(data *etree.Element) error {
	if e.req.XPath {
		return e.modifyMatches(data)
	}
	start := Section(e.root, e.req.Section)
	if start == nil {
		if !known(e.req.Section) {
			return fail(Invalid, "there is no section %s", e.req.Section)
		}
		start = e.makeSection()
	}
	target, sure := (*etree.Element)(nil), false
	if hasID(data) {
		target, sure = e.ids.only(start, data.Tag, id(data))
	}
	if !sure {
		target = find(start, data)
	}
	if target != nil {
		e.merge(target, data)
		return nil
	}
	if !e.req.CanCreate {
		return fail(NotFound, "%s", describe(data))
	}
	e.add(start, clean(data))
	return nil
}

// modifyMatches merges data at each match of an expression in turn, up to the first
// that holds it (all with Multiple). One that does not makes the whole a failure.
func (e *edit) modifyMatches(data *etree.Element) error {
	found, err := xml.Select(e.root, e.req.Section)
	if err != nil || len(found) == 0 {
		return fail(NotFound, "nothing matches %s", e.req.Section)
	}
	failed := false
	for _, m := range found {
		var target *etree.Element
		switch {
		case m.IsElement():
			target = find(m.Element, data)
		case m.Document:
			target = find(e.root, data)
		}
		if target == nil {
			failed = true
			continue
		}
		e.merge(target, data)
		if !e.req.Multiple {
			break
		}
	}
	if failed {
		return fail(NotFound, "%s", describe(data))
	}
	return nil
}

// makeSection adds the section that the request names where it belongs.
func (e *edit) makeSection() *etree.Element {
	parent := e.root
	if e.req.Section != "configuration" && e.req.Section != "status" {
		if parent = e.root.SelectElement("configuration"); parent == nil {
			parent = etree.NewElement("configuration")
			e.add(e.root, parent)
		}
	}
	s := etree.NewElement(e.req.Section)
	e.add(parent, s)
	return s
}

// find gives the first element at or below from, in document order, of data's name and id.
func find(from, data *etree.Element) *etree.Element {
	if from.Tag == data.Tag && id(from) == id(data) && hasID(from) == hasID(data) {
		return from
	}
	for _, t := range from.Child {
		if c, ok := t.(*etree.Element); ok {
			if f := find(c, data); f != nil {
				return f
			}
		}
	}
	return nil
}

// deleteMark orders, in data of Pacemaker 2.1's attribute manager, that the element goes.
const deleteMark = "__delete__"

// merge makes target have what data has.
func (e *edit) merge(target, data *etree.Element) {
	if data.SelectAttrValue(deleteMark, "") != "" {
		e.remove(target)
		return
	}
	for _, a := range data.Attr {
		if a.Space == "xmlns" || a.Space == "" && a.Key == "xmlns" || a.Key == deleteMark {
			continue
		}
		value := a.Value
		if old := target.SelectAttr(a.Key); old != nil {
			value = expand(a.Key, old.Value, value)
		}
		e.set(target, a.Key, value)
	}
	for _, t := range data.Child {
		switch c := t.(type) {
		case *etree.Element:
			m := e.match(target, c)
			if m == nil {
				if c.SelectAttrValue(deleteMark, "") != "" {
					continue
				}
				m = etree.NewElement(c.Tag)
				e.add(target, m)
			}
			e.merge(m, c)
		case *etree.Comment:
			if !hasComment(target, c.Data) {
				e.add(target, clean(c))
			}
		}
	}
}

func hasComment(el *etree.Element, text string) bool {
	for _, t := range el.Child {
		if c, ok := t.(*etree.Comment); ok && strings.EqualFold(c.Data, text) {
			return true
		}
	}
	return false
}

// match is the function match, where the index may know better.
func (e *edit) match(target, c *etree.Element) *etree.Element {
	if e.ids == nil || !hasID(c) {
		return match(target, c)
	}
	have, sure := e.ids.child(target, c.Tag, id(c))
	if have != nil || sure && !e.grown[target] {
		return have
	}
	return match(target, c)
}

// match gives the child of target that c is merged with.
func match(target, c *etree.Element) *etree.Element {
	for have := range target.ChildElementsSeq() {
		if have.Tag != c.Tag {
			continue
		}
		key := "id"
		if !hasID(c) {
			key = "id-ref"
		}
		want := c.SelectAttr(key)
		if want == nil {
			return have
		}
		if a := have.SelectAttr(key); a != nil && a.Value == want.Value {
			return have
		}
	}
	return nil
}

// expand works "value++" and "value+=5" out against the old value.
func expand(name, old, value string) string {
	rest, ok := strings.CutPrefix(value, name)
	if !ok || !strings.HasPrefix(rest, "++") && !strings.HasPrefix(rest, "+=") {
		return value
	}
	by := 1
	if by0, ok := strings.CutPrefix(rest, "+="); ok {
		by = leadingScore(by0)
	}
	return strconv.Itoa(AddScores(leadingScore(old), by))
}

// Infinity is the score that outweighs all others.
const Infinity = 1000000

// AddScores adds two scores: minus infinity wins over all, infinity over the rest.
func AddScores(a, b int) int {
	switch {
	case a <= -Infinity || b <= -Infinity:
		return -Infinity
	case a >= Infinity || b >= Infinity:
		return Infinity
	}
	return max(-Infinity, min(Infinity, a+b))
}

// leadingScore reads the score that a text begins with; 0 when it begins with none.
func leadingScore(s string) int {
	if n, ok := Score(s); ok {
		if s == "red" {
			return 0 // colours count as 0 where node health is not looked at
		}
		return n
	}
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	end := 0
	if end < len(s) && (s[end] == '-' || s[end] == '+') {
		end++
	}
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, _ := Score(s[:end])
	return n
}

// Score reads a score: a number, or [+-]INFINITY, or red, yellow, green as 0 or minus
// infinity where health does not say otherwise. ok is false for anything else, with 0.
func Score(s string) (n int, ok bool) {
	switch s {
	case "INFINITY", "+INFINITY":
		return Infinity, true
	case "-INFINITY", "red":
		return -Infinity, true
	case "yellow", "green":
		return 0, true
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil && v == 0 {
		return 0, false // beyond the range v is the nearest number in it
	}
	return int(max(-Infinity, min(Infinity, v))), true
}

func id(el *etree.Element) string { return el.SelectAttrValue("id", "") }

func hasID(el *etree.Element) bool { return el.SelectAttr("id") != nil }

func describe(el *etree.Element) string {
	if hasID(el) {
		return el.Tag + " " + id(el)
	}
	return el.Tag
}
