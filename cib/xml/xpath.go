package xml

import (
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/xpath"
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

// Select gives the nodes that the XPath 1.0 expression selects in the document
// below root, each once, in document order. The error tells that the expression is
// malformed, that it takes too long, or that it selects no nodes but gives a number, a
// text or a truth value.
func Select(root *etree.Element, expr string) ([]Match, error) {
	compiled, err := xpath.Compile(expr)
	if err != nil {
		return nil, err
	}
	nodes, err := compiled.Select(root)
	if err != nil {
		return nil, err
	}
	var matches []Match
	for _, n := range nodes {
		switch {
		case n.El == nil:
			matches = append(matches, Match{Element: root, Document: true})
		case n.Attr > 0:
			matches = append(matches, Match{Element: n.El, Attr: n.El.Attr[n.Attr-1].FullKey()})
		default:
			matches = append(matches, Match{Element: n.El, Token: n.Token})
		}
	}
	return matches, nil
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

// UnquoteXPath reads what QuoteXPath wrote, where an expression begins with that, and gives what follows it.
func UnquoteXPath(expr string) (text, rest string, ok bool) {
	inside, several := strings.CutPrefix(expr, "concat(")
	if !several {
		return literal(expr)
	}
	var b strings.Builder
	for {
		part, after, ok := literal(inside)
		if !ok || after == "" {
			return "", expr, false
		}
		b.WriteString(part)
		switch inside = after[1:]; after[0] {
		case ')':
			return b.String(), inside, true
		case ',':
		default:
			return "", expr, false
		}
	}
}

// literal reads the text between quotes that an expression begins with.
func literal(expr string) (text, rest string, ok bool) {
	if expr == "" || expr[0] != '\'' && expr[0] != '"' {
		return "", expr, false
	}
	text, rest, ok = strings.Cut(expr[1:], expr[:1])
	if !ok {
		return "", expr, false
	}
	return text, rest, true
}
