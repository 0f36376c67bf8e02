package screen

import (
	"fmt"
	"strings"
)

// list is the form of a page: lists in lists, whose lines are the same as text
// and as HTML.
type list interface {
	// section starts a section with its heading, head a list in the present one. end
	// ends either.
	section(heading string)
	head(heading string)
	end()
	// ofNode starts the list of what a node has.
	ofNode(name string)
	// replica starts the parts of a replica, numbered where there are several.
	replica(offset int, several bool)
	item(text string)
	// marked is a line whose looks tell what it is about.
	marked(class, text string)
	// forget makes a section one that had nothing to say.
	forget()
}

// textList writes lists for people: told apart by their indentation and bullets.
type textList struct {
	b     strings.Builder
	depth int
	plain bool // neither headings nor bullets nor indentation nor names of lines
	// printed is set once a section had something to say: a blank line comes
	// before the next. before is what it was before the present section.
	printed, before bool
}

func (l *textList) section(heading string) {
	if l.printed {
		l.b.WriteByte('\n')
	}
	l.before, l.printed = l.printed, true
	l.head(heading)
}

func (l *textList) head(heading string) {
	if !l.plain {
		l.item(heading + ":")
	}
	l.depth++
}

func (l *textList) ofNode(name string) { l.head("Node: " + name) }

func (l *textList) replica(offset int, several bool) {
	if several {
		l.item(fmt.Sprintf("Replica[%d]", offset))
	}
	l.depth++
}

func (l *textList) item(text string) {
	if l.depth > 0 && !l.plain {
		l.b.WriteString(strings.Repeat("  ", l.depth) + "* ")
	}
	l.b.WriteString(Inert(text) + "\n")
}

// named is a line that begins with the name of what it tells.
func (l *textList) named(name, text string) {
	if !l.plain {
		text = name + ": " + text
	}
	l.item(text)
}

func (l *textList) marked(_, text string) { l.item(text) }

func (l *textList) end() { l.depth-- }

func (l *textList) forget() { l.printed = l.before }

// Inert makes visible what would steer a terminal or hide in a line: control
// characters but the tab, marks of writing direction, invisible separators.
func Inert(s string) string {
	if !strings.ContainsFunc(s, steers) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !steers(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func steers(r rune) bool {
	switch {
	case r == '\t':
		return false
	case r < ' ', r >= 0x7f && r < 0xa0:
		return true
	case r == 0x61c, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff:
		return true
	}
	return false
}
