package xml

import "github.com/beevik/etree"

// Copy makes a copy of a tree that shares nothing with it but its strings. Unlike etree's own, its attributes do not
// point to the elements of the tree that they were created in: a document that is a copy of a copy of … would
// keep all earlier ones in memory. All parts of a kind lie in one piece, so it is also quick.
func Copy(root *etree.Element) *etree.Element {
	var c copier
	c.count(root)
	c.elements, c.attrs, c.tokens = make([]etree.Element, c.e), make([]etree.Attr, c.a), make([]etree.Token, c.t)
	return c.element(root)
}

type copier struct {
	e, a, t  int
	elements []etree.Element
	attrs    []etree.Attr
	tokens   []etree.Token
}

func (c *copier) count(el *etree.Element) {
	c.e++
	c.a += len(el.Attr)
	c.t += len(el.Child)
	for _, child := range el.Child {
		if e, ok := child.(*etree.Element); ok {
			c.count(e)
		}
	}
}

func (c *copier) element(el *etree.Element) *etree.Element {
	to := &c.elements[0]
	c.elements = c.elements[1:]
	to.Space, to.Tag = el.Space, el.Tag
	// What is appended later does not run into the next element's.
	n := len(el.Attr)
	to.Attr, c.attrs = c.attrs[:n:n], c.attrs[n:]
	for i := range el.Attr {
		from := &el.Attr[i]
		to.Attr[i] = etree.Attr{Space: from.Space, Key: from.Key, Value: from.Value}
	}
	n = len(el.Child)
	to.Child, c.tokens = c.tokens[:0:n], c.tokens[n:]
	for _, child := range el.Child {
		if e, ok := child.(*etree.Element); ok {
			to.AddChild(c.element(e))
			continue
		}
		holder := etree.Element{Child: []etree.Token{child}}
		to.AddChild(holder.Copy().Child[0])
	}
	return to
}
