package xml

import (
	"fmt"
	"slices"
	"strings"

	"github.com/antchfx/xpath"
	"github.com/beevik/etree"
)

// Match is a node that an XPath expression selected: an element, an attribute of
// it, a comment or text inside it, or the document as such.
type Match struct {
	Element  *etree.Element // the element itself, or the one that the node belongs to; of the document its root
	Attr     string         // the attribute's full name
	Token    etree.Token    // the comment or the text
	Document bool           // the expression selected the document ("/")
}

// IsElement tells that the match is an element.
func (m Match) IsElement() bool { return m.Attr == "" && m.Token == nil && !m.Document }

// MaxXPath is how long, in bytes, an expression may be.
const MaxXPath = 64 << 10

// maxNesting is how deep an expression's brackets may be nested.
const maxNesting = 100

// Select gives the nodes that the XPath 1.0 expression selects in the document
// below root, each once, in document order. The error tells that the expression is
// malformed, or that it selects no nodes but gives a number, a text or a truth value.
func Select(root *etree.Element, expr string) (matches []Match, err error) {
	if err := plausible(expr); err != nil {
		return nil, err
	}
	defer func() {
		// The library panics on a few expressions.
		if r := recover(); r != nil {
			matches, err = nil, fmt.Errorf("XPath %q: %v", expr, r)
		}
	}()
	compiled, err := xpath.Compile(expr)
	if err != nil {
		return nil, fmt.Errorf("XPath %q: %w", expr, err)
	}
	iter, ok := compiled.Evaluate(&navigator{root: root, attr: -1}).(*xpath.NodeIterator)
	if !ok {
		return nil, fmt.Errorf("XPath %q selects no nodes", expr)
	}
	for iter.MoveNext() {
		n := iter.Current().(*navigator)
		switch {
		case n.el == nil:
			matches = append(matches, Match{Element: root, Document: true})
		case n.attr >= 0:
			matches = append(matches, Match{Element: n.el, Attr: n.el.Attr[n.attr].FullKey()})
		default:
			matches = append(matches, Match{Element: n.el, Token: n.other})
		}
	}
	if len(matches) > 1 {
		matches = inOrder(root, matches)
	}
	return matches, nil
}

// plausible refuses expressions that would keep the library busy for nothing.
func plausible(expr string) error {
	if len(expr) > MaxXPath {
		return fmt.Errorf("XPath of %d bytes: %d are the most", len(expr), MaxXPath)
	}
	depth := 0
	for i := range len(expr) {
		switch expr[i] {
		case '(', '[':
			if depth++; depth > maxNesting {
				return fmt.Errorf("XPath %q…: brackets are nested more than %d deep", expr[:40], maxNesting)
			}
		case ')', ']':
			depth--
		}
	}
	return nil
}

// inOrder sorts matches by their place in the document and drops repetitions.
func inOrder(root *etree.Element, matches []Match) []Match {
	places := make(map[etree.Token]int, len(matches))
	for _, m := range matches {
		places[m.token()] = -1
	}
	n := 0
	var walk func(el *etree.Element)
	walk = func(el *etree.Element) {
		n++
		if _, ok := places[el]; ok {
			places[el] = n
		}
		n += len(el.Attr)
		for _, c := range el.Child {
			if sub, ok := c.(*etree.Element); ok {
				walk(sub)
				continue
			}
			n++
			if _, ok := places[c]; ok {
				places[c] = n
			}
		}
	}
	walk(root)
	place := func(m Match) int {
		p := places[m.token()]
		switch {
		case m.Document:
			return 0
		case m.Attr != "":
			return p + 1 + slices.IndexFunc(m.Element.Attr, func(a etree.Attr) bool { return a.FullKey() == m.Attr })
		}
		return p
	}
	slices.SortStableFunc(matches, func(a, b Match) int { return place(a) - place(b) })
	return slices.Compact(matches)
}

func (m Match) token() etree.Token {
	if m.Token != nil {
		return m.Token
	}
	return m.Element
}

// SelectElements is Select's elements alone.
func SelectElements(root *etree.Element, expr string) ([]*etree.Element, error) {
	matches, err := Select(root, expr)
	var out []*etree.Element
	for _, m := range matches {
		if m.IsElement() {
			out = append(out, m.Element)
		}
	}
	return out, err
}

// QuoteXPath writes a text as it stands in an XPath expression.
func QuoteXPath(s string) string {
	if !strings.Contains(s, "'") {
		return "'" + s + "'"
	}
	if !strings.Contains(s, `"`) {
		return `"` + s + `"`
	}
	return "concat('" + strings.ReplaceAll(s, "'", `',"'",'`) + "')"
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
