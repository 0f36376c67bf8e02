package simulate

import (
	"slices"
	"strconv"

	"github.com/beevik/etree"

	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/internal/output/origin"
)

// Explanation is why a plan puts a resource where it does, and what is done about that.
type Explanation struct {
	Resource string
	Node     string // where it goes; "" is nowhere
	Role     string // the role that it gets
	Scores   []Explained
	Actions  []ExplainedAction
}

// Explained is a score and its pieces, which add up to it (status.Sum).
type Explained struct {
	Function string // as in scheduler.ScoreLine: the rule that looked at it last
	Node     string
	Score    int
	Origins  []status.Origin
}

// ExplainedAction is an action that is needed, and what led to that: what makes it needed, what
// keeps it from being done if it is blocked, what makes it no live migration.
type ExplainedAction struct {
	Task     string
	Interval uint32 // milliseconds
	Node     string // "" if it has none
	Blocked  bool   // it cannot be done
	Origins  []status.ActionOrigin
}

// Explain explains a resource: what it consists of, each with the scores that were looked at
// last on each node, in the order in which that was done. The plan was made with the trace.
func Explain(res *scheduler.Result, trace *scheduler.Trace, r *status.Resource) []Explanation {
	var list []Explanation
	place := map[string]int{} // of each part in the list
	var add func(r *status.Resource)
	add = func(r *status.Resource) {
		e := Explanation{Resource: r.ID}
		if r.Kind == status.Primitive {
			e.Role = r.NextRole.String()
			if r.Assigned != nil {
				e.Node = r.Assigned.Name
			}
		}
		place[r.ID] = len(list)
		list = append(list, e)
		for _, k := range r.Children {
			add(k)
		}
	}
	add(r)
	for _, l := range res.Scores {
		i, ok := place[l.Resource]
		if !ok || l.Function == "capacity" || l.Function == "utilization" {
			continue
		}
		x := Explained{Function: l.Function, Node: l.Node, Score: l.Score, Origins: trace.Origins(l.Why)}
		scores := list[i].Scores
		for j, s := range scores {
			if s.Node == l.Node && (s.Function == "promotion") == (l.Function == "promotion") {
				scores = append(scores[:j], scores[j+1:]...)
				break
			}
		}
		list[i].Scores = append(scores, x)
	}
	events := map[*status.Action][]status.ActionOrigin{}
	for _, o := range trace.Actions {
		if o.Action.Resource == nil {
			continue
		}
		if o.Change == status.ActionOptional || o.Change == status.ActionUnrunnable && o.Action.Has(status.Runnable) {
			continue // it was so for a while only
		}
		if _, ok := place[o.Action.Resource.ID]; ok && !slices.Contains(events[o.Action], o) {
			events[o.Action] = append(events[o.Action], o)
		}
	}
	for _, a := range res.Actions {
		if a.Resource == nil || a.Has(status.Pseudo) || a.Has(status.Optional) || a.Has(status.Runnable) && !a.Has(status.InGraph) {
			continue
		}
		i, ok := place[a.Resource.ID]
		if !ok {
			continue
		}
		x := ExplainedAction{Task: a.KeyTask, Interval: a.Interval, Blocked: !a.Has(status.Runnable), Origins: events[a]}
		if a.Node != nil {
			x.Node = a.Node.Name
		}
		list[i].Actions = append(list[i].Actions, x)
	}
	return list
}

var changeWords = map[status.Change]string{
	status.ActionRequired: "needed", status.ActionUnrunnable: "cannot be done", status.ActionUnmigratable: "no live migration",
}

var changeNames = map[status.Change]string{
	status.ActionRequired: "required", status.ActionUnrunnable: "unrunnable", status.ActionUnmigratable: "unmigratable",
}

// Explain writes why each resource of a list goes where it does.
func (t *Text) Explain(list []Explanation, goes func(resource string) string) {
	t.spacer()
	t.begin("Explanation")
	for _, e := range list {
		head := e.Resource
		switch {
		case e.Role == "":
		case e.Node == "":
			head += " has no node"
		default:
			head += " is to be " + e.Role + " on " + e.Node
		}
		t.begin(head)
		for _, s := range e.Scores {
			what := "score on " + s.Node
			switch {
			case s.Function == "promotion" && s.Node == "":
				what = "promotion score (inactive)"
			case s.Function == "promotion":
				what = "promotion score on " + s.Node
			}
			t.begin(what + ": " + status.ScoreText(s.Score))
			for i, o := range s.Origins {
				sign := ""
				switch {
				case o.Replaces && i > 0:
					sign = "="
				case o.Score >= 0:
					sign = "+"
				}
				t.line(sign + status.ScoreText(o.Score) + "  " + origin.Text(o, goes))
			}
			t.end()
		}
		for _, a := range e.Actions {
			what := a.Task
			if a.Interval > 0 {
				what += " every " + status.ReadableInterval(a.Interval)
			}
			if a.Node != "" {
				what += " on " + a.Node
			}
			if a.Blocked {
				what += " (blocked)"
			}
			t.begin(what)
			for _, o := range a.Origins {
				t.line(changeWords[o.Change] + ": " + origin.Text(o.Origin, goes))
			}
			t.end()
		}
		t.end()
	}
	t.end()
	t.printed = true
}

// Explain writes the same for programs, also where modifications hide all else.
func (x *XML) Explain(list []Explanation, goes func(resource string) string) {
	top := add(x.Root, "explanation")
	piece := func(parent *etree.Element, tag string, o status.Origin, attrs ...string) {
		add(parent, tag, append(attrs, "code", string(o.Code), "id?", o.ID, "resource?", o.Resource, "action?", o.Action, "text", origin.Text(o, goes))...)
	}
	for _, e := range list {
		r := add(top, "resource", "id", e.Resource, "role?", e.Role, "node?", e.Node)
		for _, s := range e.Scores {
			line := add(r, "score", "function", s.Function, "node?", s.Node, "score", status.ScoreText(s.Score))
			for _, o := range s.Origins {
				replaces := ""
				if o.Replaces {
					replaces = "true"
				}
				piece(line, "origin", o, "score", status.ScoreText(o.Score), "replaces?", replaces)
			}
		}
		for _, a := range e.Actions {
			interval := ""
			if a.Interval > 0 {
				interval = strconv.FormatUint(uint64(a.Interval), 10)
			}
			act := add(r, "action", "task", a.Task, "interval?", interval, "node?", a.Node, "blocked", strconv.FormatBool(a.Blocked))
			for _, o := range a.Origins {
				piece(act, "cause", o.Origin, "change", changeNames[o.Change])
			}
		}
	}
}
