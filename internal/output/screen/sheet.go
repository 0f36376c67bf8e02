package screen

import (
	"strings"

	"hacluster/internal/output/html"
)

// Sheet is a page of HTML that a program fills piece by piece.
type Sheet struct {
	head       Head
	root, body *html.Node
}

// NewSheet begins a page; a head without a title gets a cluster's status's.
func NewSheet(h Head) *Sheet {
	root, body := frame(h)
	return &Sheet{h, root, body}
}

// Heading adds a heading.
func (s *Sheet) Heading(text string) { s.body.Add("h2").Text(Inert(text)) }

// Line adds a line, or several; class may be empty.
func (s *Sheet) Line(class, text string) {
	n := s.body.Add("div")
	if class != "" {
		n.Attr("class", class)
	}
	n.Text(inertLines(text))
}

// Code adds text in a language as it is.
func (s *Sheet) Code(lang, text string) {
	s.body.Add("pre").Attr("lang", lang).Text(inertLines(text))
}

// SheetItem is an item of a list; its class may be empty.
type SheetItem struct{ Class, Text string }

// List adds a list under a heading.
func (s *Sheet) List(heading string, items []SheetItem) {
	s.Heading(heading)
	ul := s.body.Add("ul")
	for _, i := range items {
		li := ul.Add("li")
		if i.Class != "" {
			li.Attr("class", i.Class)
		}
		li.Text(Inert(i.Text))
	}
}

// Version adds what --version tells.
func (s *Sheet) Version() {
	s.Heading("Version Information")
	for _, f := range Current().fields() {
		s.Line("", f[0]+": "+f[1])
	}
}

// Page gives the page, with what went wrong at its end.
func (s *Sheet) Page(faults []string) string {
	if len(faults) > 0 {
		ul := s.body.Add("ul")
		for _, f := range faults {
			ul.Add("li").Text(inertLines(f))
		}
	}
	return s.head.before() + html.Document(s.root)
}

// inertLines is Inert for text of several lines.
func inertLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = Inert(l)
	}
	return strings.Join(lines, "\n")
}
