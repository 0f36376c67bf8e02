// Package html writes HTML documents byte for byte as libxml2's serializer
// does: without indentation, with line breaks where an element's neighbours allow
// them.
package html

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Node is an element, or a text where Tag is "".
type Node struct {
	Tag      string
	attrs    [][2]string
	text     string
	children []*Node
}

// Element makes an element.
func Element(tag string) *Node { return &Node{Tag: tag} }

// Attr adds an attribute, and gives the element.
func (n *Node) Attr(name, value string) *Node {
	n.attrs = append(n.attrs, [2]string{name, value})
	return n
}

// Add adds an element below, and gives it.
func (n *Node) Add(tag string) *Node {
	k := Element(tag)
	n.children = append(n.children, k)
	return k
}

// Put adds what was made elsewhere, and gives it.
func (n *Node) Put(k *Node) *Node {
	n.children = append(n.children, k)
	return k
}

// Text adds a text, and gives the element. As with libxml2 the text may hold
// references to characters and entities; with an ampersand that is neither it is
// no content at all, and nothing is added.
func (n *Node) Text(s string) *Node {
	t, ok := decode(s)
	if ok && t != "" {
		n.children = append(n.children, &Node{text: t})
	}
	return n
}

// Raw adds a text that is written as it stands: the content of style.
func (n *Node) Raw(s string) *Node {
	n.children = append(n.children, &Node{text: s})
	return n
}

// mark stands in a decoded text for the ampersand of an entity that is kept as a reference.
const mark = "\uFDD0"

// decode resolves references; false where an ampersand begins none.
func decode(s string) (string, bool) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "&")
		b.WriteString(strings.ReplaceAll(before, mark, ""))
		if !found {
			return b.String(), true
		}
		name, after, ok := strings.Cut(rest, ";")
		if !ok || name == "" {
			return "", false
		}
		text, ok := reference(name)
		if !ok {
			return "", false
		}
		b.WriteString(text)
		s = after
	}
}

func reference(name string) (string, bool) {
	switch name {
	case "lt":
		return "<", true
	case "gt":
		return ">", true
	case "amp":
		return "&", true
	case "quot":
		return `"`, true
	case "apos":
		return "'", true
	}
	if digits, ok := strings.CutPrefix(name, "#"); ok {
		var r rune
		format := "%d"
		if hex, ok := strings.CutPrefix(digits, "x"); ok {
			digits, format = hex, "%x"
		}
		if strings.Trim(digits, "0123456789abcdefABCDEF") != "" {
			return "", false
		}
		if _, err := fmt.Sscanf(digits, format, &r); err != nil || r < ' ' && r != '\t' && r != '\n' && r != '\r' {
			return "", false
		}
		return string(r), true
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`<>&"'`, r) }) {
		return "", false
	}
	return mark + name + ";", true
}

// Document writes a whole document.
func Document(root *Node) string {
	w := &writer{}
	w.b.WriteString("<!DOCTYPE html>\n")
	w.node(root, nil, nil)
	w.b.WriteByte('\n')
	return w.b.String()
}

var (
	inline  = []string{"a", "b", "span", "i", "em", "strong", "code"}
	void    = []string{"meta", "link", "br", "hr", "img"}
	openEnd = []string{"li", "p", "dt", "dd", "option"} // end tags that an empty element may do without
)

type writer struct{ b strings.Builder }

var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", mark, "&")

// escape writes text. What is beyond ASCII is written by its number, so that a page reads the same
// whatever encoding it is thought to have.
func escape(s string) string {
	s = escapes.Replace(s)
	beyond := func(r rune) bool { return r >= utf8.RuneSelf && r != utf8.RuneError }
	if !strings.ContainsFunc(s, beyond) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if beyond(r) {
			fmt.Fprintf(&b, "&#x%X;", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (w *writer) node(n, parent, next *Node) {
	if n.Tag == "" {
		if parent != nil && (parent.Tag == "style" || parent.Tag == "script") {
			w.b.WriteString(n.text)
		} else {
			w.b.WriteString(escape(n.text))
		}
		return
	}
	w.b.WriteString("<" + n.Tag)
	for _, a := range n.attrs {
		value := a[1]
		if a[0] == "href" || a[0] == "src" {
			value = uri(value)
		}
		w.b.WriteString(" " + a[0] + `="` + strings.ReplaceAll(escape(value), `"`, "&quot;") + `"`)
	}
	w.b.WriteByte('>')
	block := !slices.Contains(inline, n.Tag)
	switch k := n.children; {
	case slices.Contains(void, n.Tag):
	case len(k) == 0:
		if !slices.Contains(openEnd, n.Tag) {
			w.b.WriteString("</" + n.Tag + ">")
		}
	default:
		breaks := block && len(k) > 1 && n.Tag[0] != 'p'
		if breaks && k[0].Tag != "" {
			w.b.WriteByte('\n')
		}
		for i, c := range k {
			var after *Node
			if i+1 < len(k) {
				after = k[i+1]
			}
			w.node(c, n, after)
		}
		if breaks && k[len(k)-1].Tag != "" {
			w.b.WriteByte('\n')
		}
		w.b.WriteString("</" + n.Tag + ">")
	}
	if block && next != nil && next.Tag != "" && parent != nil && parent.Tag[0] != 'p' {
		w.b.WriteByte('\n')
	}
}

// uri escapes what has no place in an address.
func uri(s string) string {
	var b strings.Builder
	for _, c := range []byte(strings.TrimLeft(s, " \t\n\r")) {
		if c > ' ' && c < 0x7f && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("0123456789-_.!~*'()\"#$%&+,/:;<=>?@[\\]^`{|}", c) >= 0) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
