package tui

import (
	"fmt"
	"strconv"
)

// Key takes a key in; names are those of bubbletea ("enter", "up", "ctrl+c", "x"). What comes back
// is to be carried out, nil if nothing is.
func (m *Model) Key(k string) *Job {
	m.note = ""
	if k == "ctrl+c" {
		m.quit = true
		return nil
	}
	if k == "alt+esc" { // Esc twice, too fast for a terminal to tell apart
		m.Key("esc")
		k = "esc"
	}
	f := m.top()
	if m.typing {
		m.typeFilter(k)
		return nil
	}
	switch f.kind {
	case helpScreen:
		return m.helpKey(k)
	case menuScreen:
		if n, err := strconv.Atoi(k); err == nil && n >= 1 && n <= len(f.actions) {
			m.propose(f.actions[n-1])
			return nil
		}
		if k == "enter" && f.line >= 0 {
			if s, ok := m.chosen(); ok {
				if n, err := strconv.Atoi(s.Op); err == nil && n < len(f.actions) {
					m.propose(f.actions[n])
				}
			}
			return nil
		}
	case confirmScreen:
		switch k {
		case "y":
			p := f.proposal
			m.back()
			if m.top().kind == menuScreen {
				m.back()
			}
			m.busy = p.Title
			return &Job{Proposal: p}
		case "n":
			k = "esc"
		}
	}
	switch k {
	case "q":
		if len(m.stack) == 1 {
			m.quit = true
		}
		m.back()
	case "esc", "backspace":
		if len(m.stack) == 1 && m.filter != "" {
			m.setFilter("")
		}
		m.back()
	case "up":
		m.move(-1)
	case "down":
		m.move(1)
	case "left", "right":
		by := map[string]int{"left": -1, "right": 1}[k]
		if lines := m.content(f); f.line >= 0 && f.line < len(lines) {
			f.sub = max(0, min(f.sub+by, len(lines[f.line].Subjects)-1))
		}
	case "pgdown", "space", " ":
		m.pageBy(1)
	case "pgup":
		m.pageBy(-1)
	case "home":
		m.first()
	case "end":
		f.top = len(m.content(f))
		m.bound(f)
		f.line = len(m.content(f))
		m.move(-1)
	case "?":
		m.open(&shown{kind: helpScreen})
	case "/":
		m.typing = true
	case "enter":
		m.enter()
	case "!":
		m.toggle(faultScreen)
	case "T":
		m.toggle(timelineScreen)
	case "d":
		if s, ok := m.meant(Resource, Operation); ok {
			m.open(&shown{kind: treeScreen, subject: Subject{Kind: Resource, ID: s.ID}})
		} else {
			m.note = "Choose a resource for its dependencies"
		}
	case "w":
		if s, ok := m.meant(Node); ok {
			m.open(&shown{kind: whatIfScreen, subject: s})
		} else {
			m.note = "Choose a node to see what would happen if it died"
		}
	case "a":
		m.menu()
	case "W":
		switch {
		case !m.opts.CanAct:
			m.note = "Changes are not possible here"
		default:
			m.readOnly = !m.readOnly
		}
	default:
		if f.kind == mainScreen && m.pager.Key(k) {
			f.stale = true
			m.keepInSight(f)
		}
	}
	return nil
}

func (m *Model) helpKey(k string) *Job {
	f := m.top()
	switch k {
	case "up", "down", "pgup", "pgdown", "home", "end":
		f.top += map[string]int{"up": -1, "down": 1, "pgup": -m.room(), "pgdown": m.room(), "home": -1 << 20, "end": 1 << 20}[k]
		m.bound(f)
	default:
		if !m.pager.Key(k) {
			m.back()
		}
		f.stale = true
		m.stack[0].stale = true
	}
	return nil
}

func (m *Model) toggle(kind screenKind) {
	if m.top().kind == kind {
		m.back()
		return
	}
	m.open(&shown{kind: kind})
}

func (m *Model) enter() {
	s, ok := m.chosen()
	if !ok {
		return
	}
	if s.Kind == Moment {
		if n, err := strconv.Atoi(s.Op); err == nil && n < len(m.events) {
			if e := m.events[n]; e.page != nil {
				m.open(&shown{kind: momentScreen, subject: Subject{ID: e.at.Format("15:04:05")}, page: e.page})
			} else {
				m.note = "The page of that moment is not kept any more"
			}
		}
		return
	}
	if f := m.top(); f.kind == subjectScreen && f.subject.same(s) {
		return
	}
	m.open(&shown{kind: subjectScreen, subject: s})
}

func (m *Model) typeFilter(k string) {
	switch k {
	case "enter":
		m.typing = false
	case "esc":
		m.typing = false
		m.setFilter("")
	case "backspace":
		if r := []rune(m.filter); len(r) > 0 {
			m.setFilter(string(r[:len(r)-1]))
		}
	case "space":
		m.setFilter(m.filter + " ")
	default:
		if r := []rune(k); len(r) == 1 && r[0] >= ' ' {
			m.setFilter(m.filter + k)
		}
	}
}

func (m *Model) setFilter(s string) {
	m.filter = s
	for _, f := range m.stack {
		f.lines = nil
	}
	m.first()
}

func (m *Model) menu() {
	if m.readOnly {
		m.note = "Read-only: W allows changes"
		if !m.opts.CanAct {
			m.note = "Changes are not possible here"
		}
		return
	}
	if m.now == nil || !m.lostAt.IsZero() {
		m.note = "Not connected"
		return
	}
	s, ok := m.meant(Node, Resource, Operation)
	list := m.now.clusterActions()
	if ok {
		list = m.now.actions(s)
	}
	m.open(&shown{kind: menuScreen, subject: s, actions: list})
}

func menuLines(f *shown) []Line {
	s := &sheet{}
	s.title("What is to be done? Nothing happens before you have seen the plan.")
	for i, a := range f.actions {
		number := "   "
		if i < 9 {
			number = fmt.Sprintf("%d: ", i+1)
		}
		s.add(Plain, "  %s%s", number, a.title)
		s.about(Subject{Kind: Moment, Op: strconv.Itoa(i)})
	}
	return s.lines
}

func (m *Model) propose(a action) {
	m.wanted, m.busy = &a, "working out what would come of it"
}

func (m *Model) help() []Line {
	s := &sheet{}
	s.add(Bold, "Display option change mode")
	s.add(Plain, "")
	for _, t := range m.pager.Switches() {
		s.add(Plain, "%s %s:  %s", t.State, t.Key, t.What)
	}
	s.add(Plain, "")
	s.add(Plain, "Toggle fields via field letter, type any other key to return")
	s.title("Keys")
	for _, k := range [][2]string{
		{"arrows", "choose a node, resource or operation"},
		{"Enter", "what is known of it"},
		{"Esc, q", "back; q ends on the first page"},
		{"/", "show only lines that hold a text"},
		{"!", "only what is wrong"},
		{"d", "what the resource depends on, and what blocks it"},
		{"w", "what would happen if the node died"},
		{"a", "act: the plan is shown before anything is done"},
		{"W", "switch changes off and on"},
		{"T", "what happened; Enter shows the page of then"},
		{"space, PgUp, PgDn", "scroll"},
	} {
		s.add(Plain, "  %-18s %s", k[0], k[1])
	}
	return s.lines
}
