package xml

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// Pretty writes a result document as libxml2 does with indentation: two blanks a
// level, an element that holds text or a CDATA section on one line with all
// that is inside it, namespaces and prefixes kept, a newline at the end, no
// declaration.
func Pretty(el *etree.Element) []byte {
	var b strings.Builder
	pretty(&b, el, 0, true)
	b.WriteByte('\n')
	return []byte(b.String())
}

func pretty(b *strings.Builder, el *etree.Element, depth int, indent bool) {
	b.WriteByte('<')
	b.WriteString(el.FullTag())
	for i := range el.Attr {
		a := &el.Attr[i]
		b.WriteByte(' ')
		b.WriteString(a.FullKey())
		b.WriteString(`="`)
		prettyEscape(b, a.Value, true)
		b.WriteByte('"')
	}
	if len(el.Child) == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteByte('>')
	for _, c := range el.Child {
		if _, text := c.(*etree.CharData); text {
			indent = false
		}
	}
	line := func(depth int) {
		if indent {
			b.WriteByte('\n')
			for range depth {
				b.WriteString("  ")
			}
		}
	}
	for _, c := range el.Child {
		line(depth + 1)
		switch c := c.(type) {
		case *etree.Element:
			pretty(b, c, depth+1, indent)
		case *etree.Comment:
			b.WriteString("<!--" + c.Data + "-->")
		case *etree.CharData:
			if !c.IsCData() {
				prettyEscape(b, c.Data, false)
				break
			}
			b.WriteString("<![CDATA[")
			// A section cannot hold its own end.
			b.WriteString(strings.ReplaceAll(c.Data, "]]>", "]]]]><![CDATA[>"))
			b.WriteString("]]>")
		}
	}
	line(depth)
	b.WriteString("</" + el.FullTag() + ">")
}

// prettyEscape writes text; in attributes, characters beyond ASCII by their numbers, as libxml2 does where no
// encoding is named.
func prettyEscape(b *strings.Builder, s string, attr bool) {
	plain := 0
	for i := 0; i < len(s); i++ {
		var r string
		switch c := s[i]; {
		case attr && c >= utf8.RuneSelf:
			char, size := utf8.DecodeRuneInString(s[i:])
			if char == utf8.RuneError {
				continue
			}
			b.WriteString(s[plain:i])
			fmt.Fprintf(b, "&#x%X;", char)
			i += size - 1
			plain = i + 1
			continue
		case c == '<':
			r = "&lt;"
		case c == '>':
			r = "&gt;"
		case c == '&':
			r = "&amp;"
		case c == '\r':
			r = "&#13;"
		case attr && c == '"':
			r = "&quot;"
		case attr && c == '\n':
			r = "&#10;"
		case attr && c == '\t':
			r = "&#9;"
		default:
			continue
		}
		b.WriteString(s[plain:i])
		b.WriteString(r)
		plain = i + 1
	}
	b.WriteString(s[plain:])
}
