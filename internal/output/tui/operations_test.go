package tui

import (
	"strings"
	"testing"
	"time"

	"hacluster/internal/output/screen"
)

// TestOperationsOnTheFirstPage: lines of the history and failures lead to their operation.
func TestOperationsOnTheFirstPage(t *testing.T) {
	p := &plainPager{screen.Page{Sections: screen.DefaultText | screen.Operations | screen.FailCounts, Inactive: true}}
	m := New(p, Options{})
	m.Resize(120, 200)
	m.Take(snapshot(t))
	history, failures := 0, 0
	for i, l := range m.content(m.top()) {
		for _, s := range l.Subjects {
			if s.Kind != Operation {
				continue
			}
			if operationLine.MatchString(l.Text) {
				history++
			} else {
				failures++
			}
			if s.Start >= s.End || s.End > len(l.Text) {
				t.Errorf("%q is marked from %d to %d", l.Text, s.Start, s.End)
			}
			m.top().line, m.top().sub = i, 0
			keys(m, "enter")
			if got := text(m); !strings.Contains(got, "Operation: ") || strings.Contains(got, "not recorded") {
				t.Errorf("%q leads to\n%s", l.Text, got)
			}
			keys(m, "esc")
		}
		if operationLine.MatchString(l.Text) && len(l.Subjects) == 0 {
			t.Errorf("%q leads nowhere", l.Text)
		}
	}
	if history < 3 || failures < 1 {
		t.Errorf("%d lines of the history and %d failures lead to an operation:\n%s", history, failures, text(m))
	}
}

func TestMouse(t *testing.T) {
	m := start(t, 100, 40, Options{})
	page := strings.Split(text(m), "\n")
	find := func(what string) (x, y int) {
		for y, l := range page {
			if x := strings.Index(l, what); x >= 0 {
				return x, y
			}
		}
		t.Fatalf("%q is not on the page:\n%s", what, strings.Join(page, "\n"))
		return 0, 0
	}
	x, y := find("n2")
	m.Click(x, y)
	if s, ok := m.chosen(); !ok || s.ID != "n2" {
		t.Errorf("a click on n2 chooses %v", s)
	}
	m.Click(x+1, y)
	keys(m, "") // what is to be worked out is done
	if !strings.Contains(text(m), "Node n2") {
		t.Errorf("a second click opens\n%s", text(m))
	}
	keys(m, "esc")
	for _, at := range [][2]int{{0, 0}, {0, 39}, {0, 38}, {500, 500}, {-1, -1}} {
		m.Click(at[0], at[1])
	}
	if len(m.stack) != 1 {
		t.Errorf("clicks beside everything opened\n%s", text(m))
	}
	keys(m, "home")
	m.Resize(100, 10)
	m.Wheel(-10)
	m.Wheel(3)
	if m.top().top != 3 {
		t.Errorf("the wheel scrolled to line %d", m.top().top)
	}
	m.Wheel(-10)
	if m.top().top != 0 {
		t.Errorf("the wheel scrolled back to line %d", m.top().top)
	}
}

func TestTokenInThePulse(t *testing.T) {
	s := snapshot(t)
	s.Token = &Token{Mean: 250 * time.Millisecond, Limit: time.Second}
	if got := newView(s).pulse(); !strings.Contains(got, "| token 75% to spare") {
		t.Error(got)
	}
	s.Token.Mean = 2 * time.Second
	if got := newView(s).pulse(); !strings.Contains(got, "| token 0% to spare") {
		t.Error(got)
	}
}
