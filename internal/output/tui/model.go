package tui

import (
	"time"

	"hacluster/engine/status"
)

// screenKind is what a frame on the stack shows.
type screenKind int8

const (
	mainScreen screenKind = iota
	faultScreen
	subjectScreen
	treeScreen
	whatIfScreen
	timelineScreen
	momentScreen
	menuScreen
	confirmScreen
	helpScreen
)

// shown is a page that is open; the last of the stack is in sight.
type shown struct {
	kind     screenKind
	subject  Subject
	proposal *Proposal
	actions  []action
	page     []string // of a moment

	top       int // first line in sight
	line, sub int // the cursor: a line, and which of its subjects; -1: nowhere
	lines     []Line
	whole     []Line // of a page that is worked out by a job, without the filter
	stale     bool
}

// Model is the program's state. It is changed by its methods alone, never by two at once.
type Model struct {
	opts          Options
	pager         Pager
	now           *view
	lostAt        time.Time // zero: connected
	lostErr       error
	width, height int
	stack         []*shown
	filter        string
	typing        bool // the filter is being typed
	readOnly      bool
	note          string  // said at the bottom until the next key
	busy          string  // what is being carried out
	wanted        *action // its plan is to be worked out
	working       bool    // a job works something out
	worked        *view   // the view of the last job: it holds the plan
	events        []event
	quit          bool
}

// New makes a model that has seen nothing yet.
func New(p Pager, o Options) *Model {
	return &Model{opts: o, pager: p, readOnly: o.ReadOnly || !o.CanAct, width: 80, height: 24, stack: []*shown{{kind: mainScreen, line: -1, stale: true}}}
}

// Quit tells that the user has ended the program.
func (m *Model) Quit() bool { return m.quit }

// Resize takes the terminal's size in.
func (m *Model) Resize(width, height int) {
	m.width, m.height = max(width, 20), max(height, 4)
	m.keepInSight(m.top())
}

// Take takes a new state of the cluster in, and tells what happened since the last.
func (m *Model) Take(s Snapshot) []string {
	next := newView(s)
	var news []event
	if m.now != nil {
		news = changes(m.now, next)
	}
	if !m.lostAt.IsZero() {
		news = append([]event{{at: s.At, text: "connected again, after " + m.lostFor(s.At)}}, news...)
	}
	fresh := m.now == nil
	m.now, m.lostAt, m.lostErr = next, time.Time{}, nil
	for _, f := range m.stack {
		f.stale = f.kind != confirmScreen && f.kind != menuScreen && f.kind != momentScreen
	}
	if fresh {
		m.first()
	}
	m.remember(news)
	out := make([]string, len(news))
	for i, e := range news {
		out[i] = e.at.Format("15:04:05") + " " + e.text
	}
	return out
}

// Lost takes in that the cluster is out of reach since a moment. What was known last stays in
// sight. It tells whether that is news.
func (m *Model) Lost(err error, at time.Time) bool {
	m.lostErr = err
	if m.now == nil || !m.lostAt.IsZero() {
		return false
	}
	m.lostAt = at
	m.remember([]event{{at: at, text: clean("connection lost: " + err.Error()), bad: true}})
	return true
}

func (m *Model) lostFor(now time.Time) string { return now.Sub(m.lostAt).Round(time.Second).String() }

// Finish takes in how a job ended.
func (m *Model) Finish(o Outcome) {
	if o.worked {
		m.finishWork(o)
		return
	}
	m.busy = ""
	switch {
	case o.Err != nil:
		m.note = "Not done: " + o.Err.Error()
	case o.Again != nil:
		m.open(&shown{kind: confirmScreen, proposal: o.Again})
	default:
		m.note = "Done: " + o.Done
	}
}

func (m *Model) top() *shown { return m.stack[len(m.stack)-1] }

func (m *Model) open(f *shown) {
	f.stale, f.line = true, -1
	m.stack = append(m.stack, f)
	m.first()
}

func (m *Model) back() {
	if len(m.stack) > 1 {
		m.stack = m.stack[:len(m.stack)-1]
	}
}

// Cluster is the cluster as it was last seen, nil before the first time.
func (m *Model) Cluster() *status.Cluster {
	if m.now == nil {
		return nil
	}
	return m.now.c
}
