package tui

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
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

// Job is something that takes its time: a proposal to be carried out, or a page to be worked
// out. It runs beside the model, and its Outcome goes to Finish.
type Job struct {
	Proposal *Proposal
	work     func() Outcome
}

// Run does a job.
func (j *Job) Run(ctx context.Context, r Runner) Outcome {
	if j.work != nil {
		return j.work()
	}
	return j.Proposal.Carry(ctx, r)
}

// Work gives what is to be worked out for the page in sight, nil if nothing is. It is asked for
// after whatever changed the model; one such job runs at a time.
func (m *Model) Work() *Job {
	f := m.top()
	if m.working || m.now == nil || m.wanted == nil && !(planned(f.kind) && f.stale) {
		return nil
	}
	m.working = true
	now, v := m.now, m.worked
	s := now.Snapshot
	fresh := func() *view { // the job's own: the model's is not for two at once
		if v == nil || v.of != now {
			v = newView(s)
			v.of = now
		}
		return v
	}
	if m.wanted != nil {
		a := *m.wanted
		m.wanted = nil
		return &Job{work: func() Outcome {
			p, err := fresh().propose(a)
			return Outcome{proposed: p, Err: err, view: v, worked: true}
		}}
	}
	f.stale = false
	kind, subject := f.kind, f.subject
	return &Job{work: func() Outcome {
		lines := fresh().draw(kind, subject)
		return Outcome{lines: lines, page: f, view: v, worked: true}
	}}
}

// Working tells that a job looks at the document that was taken last: it is not to change.
func (m *Model) Working() bool { return m.working }

// planned tells whether a page needs a plan, which takes its time.
func planned(k screenKind) bool { return k == subjectScreen || k == treeScreen || k == whatIfScreen }

// draw writes a page that needs a plan.
func (v *view) draw(kind screenKind, s Subject) []Line {
	switch kind {
	case treeScreen:
		if r := v.find(s.ID); r != nil {
			return v.tree(r)
		}
	case whatIfScreen:
		return v.ifDies(s.ID)
	}
	return v.page(s)
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

func (m *Model) finishWork(o Outcome) {
	m.working, m.worked = false, o.view
	switch f := o.page; {
	case f != nil:
		first := f.whole == nil
		f.whole, f.lines = o.lines, nil
		switch {
		case f != m.top():
		case first:
			m.first()
		default:
			m.keepInSight(f)
		}
	case o.Err != nil:
		m.note = "That is not possible: " + o.Err.Error()
	case m.top().kind == menuScreen: // else the user has gone on
		m.open(&shown{kind: confirmScreen, proposal: o.proposed})
	}
	if o.page == nil {
		m.busy = ""
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

// Cluster is the cluster as it was last seen, nil before the first time.
func (m *Model) Cluster() *status.Cluster {
	if m.now == nil {
		return nil
	}
	return m.now.c
}
