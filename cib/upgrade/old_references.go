package upgrade

import (
	"fmt"
	"strings"

	"github.com/beevik/etree"
)

// Ids of unfolded sets: the set itself gets the first prefix, what is in it the second
// with the set's id in between, so that they stay unique and can be told later.
const (
	unfoldedPrefix = "_cibtr-2_"
	insidePrefix   = "__cibtr-2_"
)

// unfolds tells whether references of that kind are unfolded.
func unfolds(tag string) bool {
	return tag == "cluster_property_set" || tag == "instance_attributes" || tag == "meta_attributes"
}

// key names an element by kind and id.
func key(tag, id string) string { return tag + " " + id }

// setsByKey finds all sets of a document.
func setsByKey(root *etree.Element) map[string][]*etree.Element {
	out := map[string][]*etree.Element{}
	walk(root, func(el *etree.Element) {
		if unfolds(el.Tag) && has(el, "id") {
			k := key(el.Tag, attr(el, "id"))
			out[k] = append(out[k], el)
		}
	})
	return out
}

// unfold replaces sets that refer to others by copies with ids of their own.
func (o *old) unfold(root *etree.Element) error {
	sets := setsByKey(root)
	var referrers []*etree.Element
	walk(root, func(el *etree.Element) {
		if unfolds(el.Tag) && has(el, "id-ref") {
			referrers = append(referrers, el)
		}
	})
	for _, el := range referrers {
		id := attr(el, "id-ref")
		found := sets[key(el.Tag, id)]
		switch {
		case len(found) == 0:
			return fmt.Errorf("%s refers to %q, but no %s has this id", el.Tag, id, el.Tag)
		case len(found) > 1:
			return fmt.Errorf("%s refers to %q, which is the id of %d %s", el.Tag, id, len(found), el.Tag)
		}
		c := found[0].Copy()
		walk(c, func(inner *etree.Element) {
			if inner != c && has(inner, "id") {
				set(inner, "id", insidePrefix+id+"__"+attr(inner, "id"))
			}
		})
		attrs := c.Attr
		el.Attr = nil
		set(el, "id", unfoldedPrefix+id)
		for _, a := range attrs {
			if a.Key != "id" {
				set(el, a.Key, a.Value)
			}
		}
		setChildren(el, append([]etree.Token(nil), c.Child...))
	}
	return nil
}

// fold makes references again of copies that still equal the original.
func (o *old) fold(root *etree.Element) error {
	sets := setsByKey(root)
	var copies []*etree.Element
	walk(root, func(el *etree.Element) {
		if unfolds(el.Tag) && strings.HasPrefix(attr(el, "id"), unfoldedPrefix) {
			copies = append(copies, el)
		}
	})
	equal := map[*etree.Element]bool{}
	for _, el := range copies {
		id := strings.TrimPrefix(attr(el, "id"), unfoldedPrefix)
		found := sets[key(el.Tag, id)]
		switch {
		case len(found) == 0:
			o.say(Message{Debug, fmt.Sprintf("DEBUG: %s: original element pointed to with @id-ref (%s) disappeared during upgrade", el.Tag, id)})
		case len(found) > 1:
			return fmt.Errorf("%s refers to %q, which is the id of %d %s after the upgrade", el.Tag, id, len(found), el.Tag)
		default:
			equal[el] = contents(el) == contents(found[0])
		}
	}
	for _, el := range copies {
		if equal[el] {
			id := strings.TrimPrefix(attr(el, "id"), unfoldedPrefix)
			setChildren(el, nil)
			el.Attr = nil
			set(el, "id-ref", id)
		}
	}
	return nil
}

// contents writes down what an element has, but for ids.
func contents(el *etree.Element) string {
	var b strings.Builder
	writeContents(&b, el)
	return b.String()
}

func writeContents(b *strings.Builder, el *etree.Element) {
	for _, a := range el.Attr {
		if a.Key != "id" {
			fmt.Fprintf(b, "%s=%q ", a.Key, a.Value)
		}
	}
	for _, t := range el.Child {
		switch t := t.(type) {
		case *etree.Element:
			fmt.Fprintf(b, "<%s ", t.Tag)
			writeContents(b, t)
			b.WriteByte('>')
		case *etree.Comment:
			fmt.Fprintf(b, "!%q ", t.Data)
		case *etree.CharData:
			fmt.Fprintf(b, "%q ", t.Data)
		}
	}
}
