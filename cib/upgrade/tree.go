package upgrade

import (
	"github.com/beevik/etree"
)

func attr(el *etree.Element, name string) string { return el.SelectAttrValue(name, "") }

func has(el *etree.Element, name string) bool { return el.SelectAttr(name) != nil }

// set gives an attribute a value, in place when it is there.
func set(el *etree.Element, name, value string) { el.CreateAttr(name, value) }

// replaceAttr puts another attribute where the old one stands.
func replaceAttr(el *etree.Element, old, name, value string) {
	if old != name && has(el, name) {
		el.RemoveAttr(name)
	}
	for i := range el.Attr {
		if el.Attr[i].Space == "" && el.Attr[i].Key == old {
			el.Attr[i].Key, el.Attr[i].Value = name, value
			return
		}
	}
}

// setChildren makes the tokens the only children of el, in this order.
func setChildren(el *etree.Element, tokens []etree.Token) {
	for len(el.Child) > 0 {
		el.RemoveChildAt(len(el.Child) - 1)
	}
	for _, t := range tokens {
		el.AddChild(t)
	}
}

// walk visits el and all elements below it in document order.
func walk(el *etree.Element, visit func(*etree.Element)) {
	visit(el)
	for _, t := range el.Child {
		if c, ok := t.(*etree.Element); ok {
			walk(c, visit)
		}
	}
}

// kids are the children with this name.
func kids(el *etree.Element, tag string) []*etree.Element {
	var out []*etree.Element
	for _, t := range el.Child {
		if c, ok := t.(*etree.Element); ok && c.Tag == tag {
			out = append(out, c)
		}
	}
	return out
}

func hasKid(el *etree.Element, tag string) bool {
	for _, t := range el.Child {
		if c, ok := t.(*etree.Element); ok && c.Tag == tag {
			return true
		}
	}
	return false
}

// element builds an element with attributes given as name, value, name, value …
func element(tag string, attrs ...string) *etree.Element {
	el := etree.NewElement(tag)
	for i := 0; i+1 < len(attrs); i += 2 {
		el.CreateAttr(attrs[i], attrs[i+1])
	}
	return el
}

// shell is a copy of the element without what is inside.
func shell(el *etree.Element) *etree.Element {
	c := etree.NewElement(el.Tag)
	c.Space = el.Space
	c.Attr = append(c.Attr, el.Attr...)
	return c
}

// copyToken copies a child of any kind.
func copyToken(t etree.Token) etree.Token {
	switch t := t.(type) {
	case *etree.Element:
		return t.Copy()
	case *etree.Comment:
		return etree.NewComment(t.Data)
	case *etree.CharData:
		if t.IsCData() {
			return etree.NewCData(t.Data)
		}
		return etree.NewText(t.Data)
	}
	return nil
}

// copyTokens appends copies of tokens to el.
func copyTokens(el *etree.Element, tokens []etree.Token) {
	for _, t := range tokens {
		if c := copyToken(t); c != nil {
			el.AddChild(c)
		}
	}
}
