package tui

import (
	"slices"
)

// chosen is the subject under the cursor.
func (m *Model) chosen() (Subject, bool) {
	f := m.top()
	lines := m.content(f)
	if f.line < 0 || f.line >= len(lines) || len(lines[f.line].Subjects) == 0 {
		if f.kind == subjectScreen || f.kind == treeScreen || f.kind == whatIfScreen {
			return f.subject, true
		}
		return Subject{}, false
	}
	subs := lines[f.line].Subjects
	return subs[min(max(f.sub, 0), len(subs)-1)], true
}

// meant is the subject that a key of kinds is about: on a page about one of them
// that one, else what is under the cursor.
func (m *Model) meant(kinds ...Kind) (Subject, bool) {
	if f := m.top(); f.kind == subjectScreen && slices.Contains(kinds, f.subject.Kind) {
		return f.subject, true
	}
	s, ok := m.chosen()
	return s, ok && slices.Contains(kinds, s.Kind)
}

// first puts the cursor on the first subject of a page.
func (m *Model) first() {
	f := m.top()
	f.line, f.sub = -1, 0
	if f.kind == confirmScreen || f.kind == helpScreen || f.kind == momentScreen {
		return
	}
	m.move(1)
	f.top = 0
	m.keepInSight(f)
}

// move takes the cursor to the next line with a subject; where there is none the page
// scrolls.
func (m *Model) move(by int) {
	f := m.top()
	lines := m.content(f)
	for i := f.line + by; i >= 0 && i < len(lines); i += by {
		if len(lines[i].Subjects) == 0 {
			continue
		}
		f.line, f.sub = i, 0
		m.keepInSight(f)
		return
	}
	f.top += by
	m.bound(f)
}

func (m *Model) bound(f *shown) {
	f.top = max(0, min(f.top, len(m.content(f))-m.room()))
}

func (m *Model) keepInSight(f *shown) {
	lines := m.content(f)
	f.line = min(f.line, len(lines)-1)
	if f.line >= 0 {
		f.top = min(f.top, f.line)
		f.top = max(f.top, f.line-m.room()+1)
	}
	m.bound(f)
}

// page scrolls by pages and takes the cursor along.
func (m *Model) pageBy(by int) {
	f := m.top()
	f.top += by * m.room()
	m.bound(f)
	lines := m.content(f)
	for i := f.top; i < min(len(lines), f.top+m.room()); i++ {
		if len(lines[i].Subjects) > 0 {
			f.line, f.sub = i, 0
			return
		}
	}
}
