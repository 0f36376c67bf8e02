package xml

import (
	"bytes"

	"github.com/beevik/etree"
)

// Format writes the element as Pacemaker writes files and screens: a line for
// each element, comment and CDATA section, two blanks a level, a newline at the
// end, no declaration. Text nodes are left out; see FormatText.
func Format(el *etree.Element) []byte {
	w := writer{indent: true}
	w.element(el, 0)
	return w.b.Bytes()
}

// FormatText is Format with text nodes, which stand where they are found.
func FormatText(el *etree.Element) []byte {
	w := writer{indent: true, text: true}
	w.element(el, 0)
	return w.b.Bytes()
}

// Compact writes the element on one line, as messages carry it and digests
// count it, with text nodes and without a newline at the end.
func Compact(el *etree.Element) []byte {
	w := writer{text: true}
	w.element(el, 0)
	return w.b.Bytes()
}

// CompactWithout is Compact that leaves out text, and attributes of these names at every level.
func CompactWithout(el *etree.Element, names ...string) []byte {
	w := writer{without: names}
	w.element(el, 0)
	return w.b.Bytes()
}

type writer struct {
	b            bytes.Buffer
	indent, text bool
	without      []string
}

func (w *writer) line(depth int) {
	if !w.indent {
		return
	}
	for range depth {
		w.b.WriteString("  ")
	}
}

func (w *writer) end() {
	if w.indent {
		w.b.WriteByte('\n')
	}
}

func (w *writer) element(el *etree.Element, depth int) {
	w.line(depth)
	w.b.WriteByte('<')
	w.b.WriteString(el.Tag)
attrs:
	for i := range el.Attr {
		a := &el.Attr[i]
		if a.Space == "xmlns" || a.Space == "" && a.Key == "xmlns" {
			continue
		}
		for _, n := range w.without {
			if a.Key == n {
				continue attrs
			}
		}
		w.b.WriteByte(' ')
		w.b.WriteString(a.Key)
		w.b.WriteString(`="`)
		escapeAttr(&w.b, a.Value)
		w.b.WriteByte('"')
	}
	if len(el.Child) == 0 {
		w.b.WriteString("/>")
		w.end()
		return
	}
	w.b.WriteByte('>')
	w.end()
	for _, c := range el.Child {
		switch c := c.(type) {
		case *etree.Element:
			w.element(c, depth+1)
		case *etree.Comment:
			w.line(depth + 1)
			w.b.WriteString("<!--")
			w.b.WriteString(c.Data)
			w.b.WriteString("-->")
			w.end()
		case *etree.CharData:
			switch {
			case c.IsCData():
				w.line(depth + 1)
				w.b.WriteString("<![CDATA[")
				w.b.WriteString(c.Data)
				w.b.WriteString("]]>")
				w.end()
			case w.text:
				w.line(depth + 1)
				escapeText(&w.b, c.Data)
				w.end()
			}
		}
	}
	w.line(depth)
	w.b.WriteString("</")
	w.b.WriteString(el.Tag)
	w.b.WriteByte('>')
	w.end()
}

// EscapeAttr gives a value as it stands between double quotes.
func EscapeAttr(s string) string {
	var b bytes.Buffer
	escapeAttr(&b, s)
	return b.String()
}

const hex = "0123456789ABCDEF"

func escapeAttr(b *bytes.Buffer, s string) {
	plain := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		var r string
		switch {
		case c == '<':
			r = "&lt;"
		case c == '>':
			r = "&gt;"
		case c == '&':
			r = "&amp;"
		case c == '"':
			r = "&quot;"
		case c < 0x20 || c == 0x7F:
			r = "&#x" + string(hex[c>>4]) + string(hex[c&15]) + ";"
		default:
			continue
		}
		b.WriteString(s[plain:i])
		b.WriteString(r)
		plain = i + 1
	}
	b.WriteString(s[plain:])
}

func escapeText(b *bytes.Buffer, s string) {
	plain := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		var r string
		switch {
		case c == '<':
			r = "&lt;"
		case c == '>':
			r = "&gt;"
		case c == '&':
			r = "&amp;"
		case c < 0x20 && c != '\t' && c != '\n' || c == 0x7F:
			r = "&#x" + string(hex[c>>4]) + string(hex[c&15]) + ";"
		default:
			continue
		}
		b.WriteString(s[plain:i])
		b.WriteString(r)
		plain = i + 1
	}
	b.WriteString(s[plain:])
}
