package tui

// Click takes a press of the mouse's button in, at a column and line of the frame: it puts the
// cursor on what is there; what the cursor is on already is opened.
func (m *Model) Click(x, y int) *Job {
	f := m.top()
	lines := m.content(f)
	i := f.top + y - 1
	if m.typing || y < 1 || y > m.room() || i >= len(lines) || len(lines[i].Subjects) == 0 {
		return nil
	}
	sub := 0
	for n, s := range lines[i].Subjects {
		if s.Start <= x && x < s.End {
			sub = n
			break
		}
	}
	if f.line == i && f.sub == sub {
		return m.Key("enter")
	}
	m.note = ""
	f.line, f.sub = i, sub
	return nil
}

// Wheel scrolls the page in sight by lines.
func (m *Model) Wheel(by int) {
	f := m.top()
	f.top += by
	m.bound(f)
}
