package tui

import (
	"fmt"
	"slices"
	"strings"
)

// Frame is what the terminal shows: as many lines as it has.
func (m *Model) Frame() string {
	f := m.top()
	lines := m.content(f)
	m.bound(f)
	var b strings.Builder
	b.WriteString(m.paint(pad(cut(m.header(), m.width), m.width), Bar))
	end := min(len(lines), f.top+m.room())
	for i := f.top; i < end; i++ {
		b.WriteByte('\n')
		b.WriteString(m.draw(lines[i], i == f.line, f.sub))
	}
	for i := end - f.top; i < m.room(); i++ {
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	b.WriteString(m.paint(pad(cut(m.footer(len(lines)-end), m.width), m.width), Bar))
	return b.String()
}

// draw writes a line; under the cursor the chosen subject stands out.
func (m *Model) draw(l Line, here bool, sub int) string {
	if !here || len(l.Subjects) == 0 {
		return m.paint(cut(l.Text, m.width), l.Style)
	}
	s := l.Subjects[min(max(sub, 0), len(l.Subjects)-1)]
	if s.End == 0 {
		return m.paint(pad(cut(l.Text, m.width), m.width), Cursor)
	}
	before, rest := splitAt(l.Text, s.Start)
	name, after := splitAt(rest, s.End-s.Start)
	if s.End > m.width {
		return m.paint(pad(cut(l.Text, m.width), m.width), Cursor)
	}
	return m.paint(before, l.Style) + m.paint(name, Cursor) + m.paint(cut(after, m.width-s.End), l.Style)
}

func (m *Model) header() string {
	if m.now == nil {
		return "crm_mon"
	}
	if !m.lostAt.IsZero() {
		return fmt.Sprintf("CONNECTION LOST at %s - what follows is from %s", m.lostAt.Format("15:04:05"), m.now.At.Format("15:04:05"))
	}
	return m.now.pulse() + " | " + m.now.At.Format("15:04:05")
}

func (m *Model) footer(more int) string {
	f := m.top()
	var parts []string
	switch {
	case m.typing:
		return "Show lines with: " + clean(m.filter) + "_"
	case m.busy != "":
		return clean("Under way: " + m.busy)
	case m.note != "":
		return clean(m.note)
	case f.kind == confirmScreen:
		parts = append(parts, "y do it", "n leave it")
	case f.kind == menuScreen:
		parts = append(parts, "Enter or number: show the plan", "Esc back")
	case f.kind == mainScreen:
		parts = append(parts, "q quit", "? keys", "Enter open", "/ filter", "! faults")
		if m.readOnly {
			parts = append(parts, "read-only")
		} else {
			parts = append(parts, "a act")
		}
	case f.kind == momentScreen:
		parts = append(parts, "as it was at "+f.subject.ID, "Esc back")
	default:
		parts = append(parts, "Esc back", "Enter open", "d depends", "w if it dies")
		if !m.readOnly {
			parts = append(parts, "a act")
		}
	}
	if m.filter != "" {
		parts = append(parts, clean("filter \""+m.filter+"\""))
	}
	if more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	if m.lostErr != nil && m.now != nil {
		parts = slices.Insert(parts, 0, clean("trying again: "+m.lostErr.Error()))
	}
	return strings.Join(parts, "   ")
}
