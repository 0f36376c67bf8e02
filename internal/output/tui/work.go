package tui

import (
	"context"
)

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
