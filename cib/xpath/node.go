package xpath

import (
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// Node is a node of a document: the document itself (all fields zero), an element
// (El alone), an attribute of El (Attr is its index and 1), or a text or comment
// inside El (Token).
type Node struct {
	El    *etree.Element
	Attr  int
	Token etree.Token
}

func (n Node) isElement() bool  { return n.El != nil && n.Attr == 0 && n.Token == nil }
func (n Node) isDocument() bool { return n.El == nil }

// attribute is the attribute that n is.
func (n Node) attribute() *etree.Attr { return &n.El.Attr[n.Attr-1] }

// name is the node's name with its prefix, "" for nodes that have none.
func (n Node) name() string {
	switch {
	case n.isDocument() || n.Token != nil:
		return ""
	case n.Attr > 0:
		return n.attribute().FullKey()
	}
	return n.El.FullTag()
}

// parent is the node around n; ok is false for the document.
func (ev *evaluation) parent(n Node) (Node, bool) {
	switch {
	case n.isDocument():
		return n, false
	case n.Attr > 0 || n.Token != nil:
		return Node{El: n.El}, true
	case n.El == ev.root:
		return Node{}, true
	}
	return Node{El: n.El.Parent()}, true
}

// children are the nodes inside n.
func (ev *evaluation) children(n Node) []Node {
	if n.isDocument() {
		return []Node{{El: ev.root}}
	}
	if !n.isElement() {
		return nil
	}
	ev.spend(len(n.El.Child))
	out := make([]Node, 0, len(n.El.Child))
	for _, t := range n.El.Child {
		if c, ok := inside(n.El, t); ok {
			out = append(out, c)
		}
	}
	return out
}

// inside is the node that t is in el.
func inside(el *etree.Element, t etree.Token) (Node, bool) {
	switch t := t.(type) {
	case *etree.Element:
		return Node{El: t}, true
	case *etree.Comment, *etree.CharData:
		return Node{El: el, Token: t}, true
	}
	return Node{}, false
}

// below calls f for the nodes inside n and, if deep, all below them, in document order.
func (ev *evaluation) below(n Node, deep bool, f func(Node)) {
	if n.isDocument() {
		f(Node{El: ev.root})
		if deep {
			ev.below(Node{El: ev.root}, deep, f)
		}
		return
	}
	if !n.isElement() {
		return
	}
	ev.spend(len(n.El.Child) + 1)
	for _, t := range n.El.Child {
		c, ok := inside(n.El, t)
		if !ok {
			continue
		}
		f(c)
		if deep && c.isElement() {
			ev.below(c, deep, f)
		}
	}
}

// siblings are the nodes beside n, after it or before it (the nearest first).
func (ev *evaluation) siblings(n Node, after bool) []Node {
	if n.isDocument() || n.Attr > 0 {
		return nil
	}
	parent, _ := ev.parent(n)
	all := ev.children(parent)
	i := slices.Index(all, n)
	if after {
		return all[i+1:]
	}
	before := all[:i]
	slices.Reverse(before)
	return before
}

// axis gives the nodes of an axis from n that pass the test, the nearest first.
func (ev *evaluation) axis(n Node, axis string, t test) []Node {
	var out []Node
	add := func(m Node) {
		if t.fits(m, axis) {
			out = append(out, m)
		}
	}
	ev.spend(1)
	switch axis {
	case "self":
		add(n)
	case "child":
		ev.below(n, false, add)
	case "parent":
		if p, ok := ev.parent(n); ok {
			add(p)
		}
	case "attribute":
		if n.isElement() {
			ev.spend(len(n.El.Attr))
			for i := range n.El.Attr {
				if a := &n.El.Attr[i]; a.Space != "xmlns" && (a.Space != "" || a.Key != "xmlns") {
					add(Node{El: n.El, Attr: i + 1})
				}
			}
		}
	case "descendant-or-self":
		add(n)
		ev.below(n, true, add)
	case "descendant":
		ev.below(n, true, add)
	case "ancestor", "ancestor-or-self":
		if axis == "ancestor-or-self" {
			add(n)
		}
		for p, ok := ev.parent(n); ok; p, ok = ev.parent(p) {
			ev.spend(1)
			add(p)
		}
	case "following-sibling", "preceding-sibling":
		for _, s := range ev.siblings(n, axis == "following-sibling") {
			add(s)
		}
	case "following":
		if n.Attr > 0 {
			n = Node{El: n.El}
		}
		for m, ok := n, true; ok; m, ok = ev.parent(m) {
			for _, s := range ev.siblings(m, true) {
				add(s)
				ev.below(s, true, add)
			}
		}
	case "preceding":
		if n.Attr > 0 {
			n = Node{El: n.El}
		}
		for m, ok := n, true; ok; m, ok = ev.parent(m) {
			for _, s := range ev.siblings(m, false) {
				from := len(out)
				add(s)
				ev.below(s, true, add)
				slices.Reverse(out[from:])
			}
		}
	}
	return out
}

// fits tells that a node of an axis passes the step's test.
func (t test) fits(n Node, axis string) bool {
	switch t.kind {
	case "node":
		return true
	case "text":
		_, ok := n.Token.(*etree.CharData)
		return ok
	case "comment":
		_, ok := n.Token.(*etree.Comment)
		return ok
	case "processing-instruction":
		return false // they are not kept
	}
	if axis == "attribute" {
		if n.Attr == 0 {
			return false
		}
		a := n.attribute()
		return t.name == "*" || t.name == a.FullKey()
	}
	return n.isElement() && (t.name == "*" || t.name == n.El.FullTag())
}

// text is the node's string value.
func (ev *evaluation) text(n Node) string {
	switch t := n.Token.(type) {
	case *etree.Comment:
		return t.Data
	case *etree.CharData:
		return t.Data
	}
	switch {
	case n.Attr > 0:
		return n.attribute().Value
	case n.isDocument():
		n.El = ev.root
	}
	var b strings.Builder
	ev.write(&b, n.El)
	return b.String()
}

func (ev *evaluation) write(b *strings.Builder, el *etree.Element) {
	for _, t := range el.Child {
		switch t := t.(type) {
		case *etree.CharData:
			b.WriteString(t.Data)
		case *etree.Element:
			ev.spend(1)
			ev.write(b, t)
		}
	}
}

// sort puts nodes in the document's order and drops repetitions.
func (ev *evaluation) sort(nodes []Node) []Node {
	if len(nodes) < 2 {
		return nodes
	}
	ev.spend(len(nodes))
	if ev.order == nil {
		ev.order = map[etree.Token]int{}
		n := 0
		var walk func(el *etree.Element)
		walk = func(el *etree.Element) {
			n++
			ev.order[el] = n
			n += len(el.Attr)
			for _, t := range el.Child {
				if c, ok := t.(*etree.Element); ok {
					walk(c)
				} else {
					n++
					ev.order[t] = n
				}
			}
		}
		walk(ev.root)
		ev.spend(n)
	}
	place := func(n Node) int {
		switch {
		case n.isDocument():
			return 0
		case n.Token != nil:
			return ev.order[n.Token]
		}
		return ev.order[n.El] + n.Attr
	}
	slices.SortFunc(nodes, func(a, b Node) int { return place(a) - place(b) })
	return slices.Compact(nodes)
}
