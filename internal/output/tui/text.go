package tui

import (
	"strings"
	"unicode"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"hacluster/internal/output/screen"
)

// Style is how a piece of a line looks.
type Style int8

// The styles. Each has a meaning of its own in the text, too: nothing is told by colour alone.
const (
	Plain Style = iota
	Bold
	Good
	Bad
	Warn
	Faint
	Bar    // the lines at the top and the bottom
	Cursor // what is chosen
)

// looks are the styles on a terminal with colours.
var looks = [...]lipgloss.Style{
	Plain:  lipgloss.NewStyle(),
	Bold:   lipgloss.NewStyle().Bold(true),
	Good:   lipgloss.NewStyle().Foreground(lipgloss.Green),
	Bad:    lipgloss.NewStyle().Foreground(lipgloss.Red),
	Warn:   lipgloss.NewStyle().Foreground(lipgloss.Yellow),
	Faint:  lipgloss.NewStyle().Faint(true),
	Cursor: lipgloss.NewStyle().Reverse(true),
	Bar:    lipgloss.NewStyle().Reverse(true),
}

// Line is one line of a page. Subjects are what it is about.
type Line struct {
	Text     string
	Style    Style
	Subjects []Subject
}

// Kind is a kind of Subject.
type Kind int8

// The kinds of things that the cursor stops at.
const (
	Node Kind = iota
	Resource
	Operation // ID is the resource's, Op the entry's id
	Moment    // an entry of the timeline, Op is its number
)

// Subject is a thing that a page can be opened on, and where its name stands in the
// line, in columns; a whole line from 0 to 0.
type Subject struct {
	Kind       Kind
	ID         string
	Node       string
	Op         string
	Start, End int
}

func (s Subject) same(o Subject) bool {
	return s.Kind == o.Kind && s.ID == o.ID && s.Node == o.Node && s.Op == o.Op
}

// clean makes a text fit to be shown: no tabs, nothing that steers the terminal.
func clean(s string) string { return screen.Inert(strings.ReplaceAll(s, "\t", "    ")) }

// cut shortens a text to a width in columns; what is missing is marked.
func cut(s string, width int) string {
	if width <= 0 || ansi.StringWidth(s) <= width {
		return s
	}
	return ansi.Truncate(s, width, "~")
}

// pad fills a text up to a width in columns.
func pad(s string, width int) string {
	if n := width - ansi.StringWidth(s); n > 0 {
		return s + strings.Repeat(" ", n)
	}
	return s
}

// paint gives a text a style.
func (m *Model) paint(s string, style Style) string {
	if s == "" || style == Plain {
		return s
	}
	if !m.opts.Color && style != Cursor && style != Bar {
		return s
	}
	return looks[style].Render(s)
}

// mentions finds the nodes and resources that a line names.
func (v *view) mentions(line string) (list []Subject) {
	word := func(r rune) bool {
		return r == '-' || r == '_' || r == '.' || r == ':' || r == '@' || unicode.IsLetter(r) || unicode.IsDigit(r)
	}
	col, start, begin := 0, -1, 0
	take := func(end int) {
		name := strings.TrimRight(line[start:end], ":")
		if s, ok := v.subject(name); ok {
			s.Start, s.End = begin, begin+ansi.StringWidth(name)
			if s.Kind != Resource || len(list) == 0 || !list[len(list)-1].same(s) {
				list = append(list, s)
			}
		}
		start = -1
	}
	for i, r := range line {
		switch {
		case !word(r):
			if start >= 0 {
				take(i)
			}
		case start < 0:
			start, begin = i, col
		}
		if r < 0x80 {
			col++
		} else {
			col += ansi.StringWidth(string(r))
		}
	}
	if start >= 0 {
		take(len(line))
	}
	return list
}

// subject is the node or resource of a name.
func (v *view) subject(name string) (Subject, bool) {
	if v.names == nil {
		v.names = map[string]Subject{}
		for _, r := range v.c.All {
			v.names[r.ID] = Subject{Kind: Resource, ID: r.ID}
			if id := r.XMLID(); id != "" {
				if _, ok := v.names[id]; !ok {
					v.names[id] = Subject{Kind: Resource, ID: id}
				}
			}
		}
		for _, n := range v.c.Nodes {
			if _, ok := v.names[n.Name]; !ok || !n.IsRemote {
				v.names[n.Name] = Subject{Kind: Node, ID: n.Name}
			}
		}
	}
	s, ok := v.names[name]
	return s, ok
}

// splitAt takes a text apart at a column.
func splitAt(s string, column int) (string, string) {
	col := 0
	for i, r := range s {
		if col >= column {
			return s[:i], s[i:]
		}
		col += ansi.StringWidth(string(r))
	}
	return s, ""
}
