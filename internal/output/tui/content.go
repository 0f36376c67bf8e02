package tui

import (
	"strings"
)

// room is how many lines of a page fit between the lines at the top and the bottom.
func (m *Model) room() int { return max(1, m.height-2) }

// content are the lines of a page.
func (m *Model) content(f *shown) []Line {
	if planned(f.kind) && m.now != nil {
		switch {
		case f.whole == nil:
			return []Line{{Text: "Working it out...", Style: Faint}}
		case f.lines == nil:
			f.lines = m.filtered(f.whole)
		}
		return f.lines
	}
	if f.stale || f.lines == nil {
		f.lines, f.stale = m.build(f), false
	}
	return f.lines
}

func (m *Model) build(f *shown) []Line {
	if m.now == nil && f.kind != helpScreen {
		text := "Connecting to the cluster..."
		if m.lostErr != nil {
			text = "Not connected to the cluster, trying again: " + m.lostErr.Error()
		}
		return []Line{{Text: clean(text), Style: Warn}}
	}
	switch f.kind {
	case faultScreen:
		return m.filtered(m.faultLines())
	case timelineScreen:
		return m.filtered(m.timeline())
	case momentScreen:
		lines := make([]Line, len(f.page))
		for i, l := range f.page {
			lines[i] = Line{Text: l}
		}
		return lines
	case menuScreen:
		return menuLines(f)
	case confirmScreen:
		return f.proposal.lines()
	case helpScreen:
		return m.help()
	}
	return m.filtered(m.now.annotate(m.pageText()))
}

// pageText is the first page as text.
func (m *Model) pageText() []string {
	if m.now == nil {
		return nil
	}
	text := strings.TrimRight(m.pager.Render(m.now.c, m.now.Snapshot), "\n")
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = clean(lines[i])
	}
	return lines
}

// lineStyle is the look of a line of the first page, by its words.
func lineStyle(l string) Style {
	switch {
	case l != "" && l[0] != ' ' && strings.HasSuffix(l, ":"):
		return Bold
	case strings.Contains(l, "FAILED"), strings.Contains(l, "OFFLINE"), strings.Contains(l, "UNCLEAN"), strings.Contains(l, "blocked"), strings.Contains(l, "WITHOUT quorum"):
		return Bad
	case strings.Contains(l, "standby"), strings.Contains(l, "maintenance"), strings.Contains(l, "unmanaged"), strings.Contains(l, "DISABLED"), strings.Contains(l, "ORPHANED"):
		return Warn
	}
	return Plain
}

func (m *Model) faultLines() []Line {
	s := &sheet{}
	list := m.now.faults()
	s.title("What is not as it should be: %s", plural(len(list), "thing"))
	for _, f := range list {
		s.add(Bad, "  %s", f.text)
		s.about(f.Subject)
	}
	if len(list) == 0 {
		s.add(Good, "  nothing: all is well")
	}
	return s.lines
}

// filtered leaves the lines that hold what the filter says, and their headings.
func (m *Model) filtered(lines []Line) []Line {
	if m.filter == "" {
		return lines
	}
	want := strings.ToLower(m.filter)
	var out []Line
	heading := -1
	for i, l := range lines {
		if l.Style == Bold {
			heading = i
		}
		if !strings.Contains(strings.ToLower(l.Text), want) {
			continue
		}
		if heading >= 0 && heading != i {
			out = append(out, lines[heading])
		}
		heading = -1
		out = append(out, l)
	}
	if len(out) == 0 {
		out = []Line{{Text: clean("Nothing here holds \"" + m.filter + "\"."), Style: Faint}}
	}
	return out
}
