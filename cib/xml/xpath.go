package xml

import (
	"fmt"

	"github.com/antchfx/xpath"
	"github.com/beevik/etree"
)

// Match is a node that an XPath expression selected: an element, or one
// attribute of it (Attr is then the attribute's full name).
type Match struct {
	Element *etree.Element
	Attr    string
}

// Select gives the elements and attributes below root that the XPath 1.0
// expression selects, in document order. Comments and text that it selects are
// left out. The error tells that the expression is malformed.
func Select(root *etree.Element, expr string) (matches []Match, err error) {
	compiled, err := xpath.Compile(expr)
	if err != nil {
		return nil, fmt.Errorf("XPath %q: %w", expr, err)
	}
	defer func() {
		// The library panics on a few expressions that it compiled.
		if r := recover(); r != nil {
			matches, err = nil, fmt.Errorf("XPath %q: %v", expr, r)
		}
	}()
	iter, ok := compiled.Evaluate(&navigator{root: root, attr: -1}).(*xpath.NodeIterator)
	if !ok {
		return nil, fmt.Errorf("XPath %q selects no nodes", expr)
	}
	for iter.MoveNext() {
		n := iter.Current().(*navigator)
		switch {
		case n.attr >= 0:
			matches = append(matches, Match{n.el, n.el.Attr[n.attr].FullKey()})
		case n.other == nil && n.el != nil:
			matches = append(matches, Match{Element: n.el})
		}
	}
	return matches, nil
}

// SelectElements is Select's elements alone.
func SelectElements(root *etree.Element, expr string) ([]*etree.Element, error) {
	matches, err := Select(root, expr)
	var out []*etree.Element
	for _, m := range matches {
		if m.Attr == "" {
			out = append(out, m.Element)
		}
	}
	return out, err
}

// navigator walks an etree for the XPath library. el nil is the document node above root.
type navigator struct {
	root  *etree.Element
	el    *etree.Element
	attr  int         // index of el's attribute, -1 for el itself
	other etree.Token // a comment or text inside el
}

func (n *navigator) NodeType() xpath.NodeType {
	switch {
	case n.el == nil:
		return xpath.RootNode
	case n.attr >= 0:
		return xpath.AttributeNode
	}
	switch n.other.(type) {
	case *etree.Comment:
		return xpath.CommentNode
	case *etree.CharData:
		return xpath.TextNode
	}
	return xpath.ElementNode
}

func (n *navigator) LocalName() string {
	switch {
	case n.el == nil || n.other != nil:
		return ""
	case n.attr >= 0:
		return n.el.Attr[n.attr].Key
	}
	return n.el.Tag
}

func (n *navigator) Prefix() string {
	switch {
	case n.el == nil || n.other != nil:
		return ""
	case n.attr >= 0:
		return n.el.Attr[n.attr].Space
	}
	return n.el.Space
}

func (n *navigator) NamespaceURL() string { return "" }

func (n *navigator) Value() string {
	switch t := n.other.(type) {
	case *etree.Comment:
		return t.Data
	case *etree.CharData:
		return t.Data
	}
	switch {
	case n.el == nil:
		return text(n.root)
	case n.attr >= 0:
		return n.el.Attr[n.attr].Value
	}
	return text(n.el)
}

func text(el *etree.Element) string {
	s := ""
	for _, c := range el.Child {
		switch c := c.(type) {
		case *etree.CharData:
			s += c.Data
		case *etree.Element:
			s += text(c)
		}
	}
	return s
}

func (n *navigator) Copy() xpath.NodeNavigator {
	c := *n
	return &c
}

func (n *navigator) MoveToRoot() { n.el, n.attr, n.other = nil, -1, nil }

func (n *navigator) MoveToParent() bool {
	switch {
	case n.el == nil:
		return false
	case n.attr >= 0:
		n.attr = -1
	case n.other != nil:
		n.other = nil
	case n.el == n.root:
		n.el = nil
	default:
		n.el = n.el.Parent()
	}
	return true
}

func (n *navigator) MoveToNextAttribute() bool {
	if n.el == nil || n.other != nil {
		return false
	}
	for i := n.attr + 1; i < len(n.el.Attr); i++ {
		if a := &n.el.Attr[i]; a.Space != "xmlns" && a.Key != "xmlns" {
			n.attr = i
			return true
		}
	}
	return false
}

func (n *navigator) MoveToChild() bool {
	if n.el == nil {
		n.el = n.root
		return true
	}
	return n.attr < 0 && n.other == nil && n.enter(n.el, 0, 1)
}

// enter moves to the first child of parent from index i on (in steps of by) that XPath sees.
func (n *navigator) enter(parent *etree.Element, i, by int) bool {
	for ; i >= 0 && i < len(parent.Child); i += by {
		switch c := parent.Child[i].(type) {
		case *etree.Element:
			n.el, n.other = c, nil
			return true
		case *etree.Comment, *etree.CharData:
			n.el, n.other = parent, c
			return true
		}
	}
	return false
}

func (n *navigator) sibling(by int) bool {
	switch {
	case n.el == nil || n.attr >= 0:
		return false
	case n.other != nil:
		return n.enter(n.el, n.other.Index()+by, by)
	case n.el == n.root:
		return false
	}
	return n.enter(n.el.Parent(), n.el.Index()+by, by)
}

func (n *navigator) MoveToFirst() bool {
	switch {
	case n.el == nil || n.attr >= 0 || n.other == nil && n.el == n.root:
		return false
	case n.other != nil:
		return n.enter(n.el, 0, 1)
	}
	return n.enter(n.el.Parent(), 0, 1)
}

func (n *navigator) MoveToNext() bool     { return n.sibling(1) }
func (n *navigator) MoveToPrevious() bool { return n.sibling(-1) }

func (n *navigator) MoveTo(to xpath.NodeNavigator) bool {
	o, ok := to.(*navigator)
	if !ok || o.root != n.root {
		return false
	}
	*n = *o
	return true
}
