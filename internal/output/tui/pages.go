package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/internal/output/screen"
)

// sheet is a page in the making.
type sheet struct{ lines []Line }

func (s *sheet) add(style Style, format string, args ...any) *Line {
	s.lines = append(s.lines, Line{Text: clean(fmt.Sprintf(format, args...)), Style: style})
	return &s.lines[len(s.lines)-1]
}

func (s *sheet) title(format string, args ...any) {
	if len(s.lines) > 0 {
		s.add(Plain, "")
	}
	s.add(Bold, format, args...)
}

// about makes the last line one that a page can be opened from.
func (s *sheet) about(subject Subject) { s.lines[len(s.lines)-1].Subjects = []Subject{subject} }

// page is what is known of a subject.
func (v *view) page(s Subject) []Line {
	switch s.Kind {
	case Node:
		if n := v.c.FindNode(s.ID); n != nil {
			return v.nodePage(n)
		}
		return []Line{{Text: clean("Node " + s.ID + " is not there any more."), Style: Warn}}
	case Operation:
		return v.operationPage(s)
	}
	if r := v.find(s.ID); r != nil {
		return v.resourcePage(r)
	}
	return []Line{{Text: clean("Resource " + s.ID + " is not there any more."), Style: Warn}}
}

func nodeState(n *status.Node) (string, Style) {
	switch {
	case n.Unclean && n.Online:
		return "UNCLEAN (online)", Bad
	case n.Unclean:
		return "UNCLEAN (offline)", Bad
	case n.Pending:
		return "pending", Warn
	case !n.Online:
		return "OFFLINE", Bad
	case n.StandbyOnFail:
		return "standby (on-fail)", Warn
	case n.Standby:
		return "standby", Warn
	case n.Maintenance:
		return "maintenance", Warn
	}
	return "online", Good
}

func (v *view) nodePage(n *status.Node) []Line {
	s := &sheet{}
	state, style := nodeState(n)
	what := "Node"
	switch {
	case n.IsGuest():
		what = "Guest node"
	case n.IsRemote:
		what = "Remote node"
	}
	s.title("%s %s (%s)", what, n.Name, n.ID)
	s.add(style, "  State: %s", state)
	if n.IsDC {
		s.add(Plain, "  It is the DC: it decides for the cluster")
	}
	switch h := v.c.Health(n); {
	case h < 0:
		s.add(Bad, "  Health: red")
	case h == 0:
		s.add(Warn, "  Health: yellow")
	}
	s.title("Running here")
	for _, r := range n.Running {
		s.add(resourceStyle(r), "  %s  %s (%s)", r.ShownID(), roleWord(r), r.Agent())
		s.about(Subject{Kind: Resource, ID: r.ID})
	}
	if len(n.Running) == 0 {
		s.add(Faint, "  nothing")
	}
	var failed []status.FailedOp
	for _, f := range v.c.Failures {
		if f.Node == n {
			failed = append(failed, f)
		}
	}
	v.failureLists(s, failed)
	s.title("Attributes")
	attrs := slices.Clone(n.Attrs)
	slices.SortFunc(attrs, func(a, b status.Pair) int { return cmp.Compare(a.Name, b.Name) })
	some := false
	for _, a := range attrs {
		if strings.HasPrefix(a.Name, "#") && a.Name != "#feature-set" && !strings.HasPrefix(a.Name, "#health") {
			continue // what rules are told of every node
		}
		some = true
		s.add(Plain, "  %s = %s", a.Name, a.Value)
	}
	if !some {
		s.add(Faint, "  none")
	}
	s.title("Constraints that name it")
	some = false
	for _, l := range v.c.Locations {
		for _, e := range l.Nodes {
			if e.Node == n {
				some = true
				s.add(Plain, "  %s", locationText(l, e))
				s.about(Subject{Kind: Resource, ID: l.Resource.ID})
			}
		}
	}
	if !some {
		s.add(Faint, "  none")
	}
	some = false
	for _, f := range v.Fencing {
		if f.Target != n.Name {
			continue
		}
		if !some {
			s.title("Fencing")
			some = true
		}
		st := Plain
		if f.State == "failed" {
			st = Bad
		}
		s.add(st, "  %s  %s %s%s", f.At.Format(time.DateTime), f.Action, f.State, because(f.Reason))
	}
	return s.lines
}

func resourceStyle(r *status.Resource) Style {
	switch {
	case r.Has(status.Failed):
		return Bad
	case r.Has(status.Blocked), !r.Has(status.Managed):
		return Warn
	case len(r.Active) > 0 || r.Kind != status.Primitive:
		return Plain
	}
	return Faint
}

func roleWord(r *status.Resource) string {
	word := r.ShownRole().String()
	if r.PendingTask != "" {
		word = r.PendingTask + " under way"
	}
	if r.Has(status.Failed) {
		word += ", FAILED"
	}
	if r.Has(status.Blocked) {
		word += ", blocked"
	}
	if !r.Has(status.Managed) {
		word += ", unmanaged"
	}
	if r.Disabled() {
		word += ", disabled"
	}
	return word
}

func names(nodes []*status.Node) string {
	list := make([]string, len(nodes))
	for i, n := range nodes {
		list[i] = n.Name
	}
	return strings.Join(list, " ")
}

func (v *view) resourcePage(r *status.Resource) []Line {
	s := &sheet{}
	kind := map[status.Kind]string{status.Group: "Group", status.Clone: "Clone", status.Bundle: "Bundle"}[r.Kind]
	if r.Kind == status.Primitive {
		kind = "Resource"
		s.title("%s %s (%s)", kind, r.ID, r.Agent())
		s.add(resourceStyle(r), "  %s", roleWord(r))
	} else {
		s.title("%s %s", kind, r.ID)
	}
	if len(r.Active) > 0 {
		s.add(Plain, "  On: %s", names(r.Active))
	}
	if d := r.XML.SelectAttrValue("description", ""); d != "" {
		s.add(Plain, "  %s", d)
	}
	for _, k := range r.Children {
		s.add(resourceStyle(k), "  %s  %s", k.ID, roleWord(k))
		s.about(Subject{Kind: Resource, ID: k.ID})
	}
	v.intention(s, r)
	v.scores(s, r)
	v.constraints(s, r)
	var failed []status.FailedOp
	parts := members(r)
	for _, f := range v.c.Failures {
		if slices.Contains(parts, f.Resource) {
			failed = append(failed, f)
		}
	}
	v.failureLists(s, failed)
	v.history(s, parts)
	return s.lines
}

// intention is what the cluster is about to do with a resource.
func (v *view) intention(s *sheet, r *status.Resource) {
	p, err := v.planned()
	if err != nil {
		s.title("What comes next")
		s.add(Warn, "  %v", err)
		return
	}
	own := map[string]bool{}
	for _, m := range members(r) {
		own[m.ID] = true
	}
	started := false
	for _, l := range p.Summary {
		if l.Resource == "" || !own[l.Resource] && !own[status.BaseName(l.Resource)] {
			continue
		}
		if !started {
			s.title("What comes next")
			started = true
		}
		for _, text := range planLines(&scheduler.Result{Summary: []scheduler.SummaryLine{l}}) {
			s.add(Warn, "  %s", strings.Join(strings.Fields(text), " "))
		}
	}
}

// scores are the placement scores by which the nodes were chosen between.
func (v *view) scores(s *sheet, r *status.Resource) {
	p, err := v.planned()
	if err != nil {
		return
	}
	type cell struct {
		score int
		known bool
	}
	s.title("Placement scores")
	some := false
	for _, m := range members(r) {
		at := map[string]cell{}
		var order []string
		for _, l := range p.Scores {
			if l.Resource != m.ID || l.Function == "promotion" || l.Function == "capacity" || l.Function == "utilization" {
				continue
			}
			if !at[l.Node].known {
				order = append(order, l.Node)
			}
			at[l.Node] = cell{l.Score, true} // what was looked at last decided
		}
		planned := p.Cluster.FindExact(m.ID)
		if len(order) == 0 || planned == nil {
			continue
		}
		some = true
		slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(at[b].score, at[a].score) })
		s.add(Plain, "  %s", m.ID)
		for _, n := range order {
			note, style := "", Plain
			switch {
			case planned.Assigned != nil && planned.Assigned.Name == n:
				note, style = "  <- chosen", Good
			case at[n].score <= -1000000:
				note, style = "  banned", Bad
				if on := v.c.FindNode(n); on != nil && !on.Available() {
					state, _ := nodeState(on)
					note = "  not available: " + state
				}
			}
			s.add(style, "    %9s  %s%s", status.ScoreText(at[n].score), n, note)
			s.about(Subject{Kind: Node, ID: n})
			for _, o := range v.why(m.ID, n) {
				sign := "+"
				switch {
				case o.Replaces:
					sign = "="
				case o.Score < 0:
					sign = ""
				case o.Score == 0:
					continue
				}
				s.add(Faint, "    %9s    %s", sign+status.ScoreText(o.Score), v.originText(o))
			}
		}
		if planned.Assigned == nil {
			s.add(Bad, "    no node is left for it")
		}
	}
	if !some {
		s.add(Faint, "  none: it was not placed")
	}
}

func locationText(l *status.Location, e status.NodeScore) string {
	verb := "prefers"
	if e.Score < 0 {
		verb = "avoids"
	}
	role := ""
	if l.Role != status.RoleUnknown && l.Role != status.RoleStarted {
		role = " as " + l.Role.String()
	}
	return fmt.Sprintf("%s%s %s %s with %s  (%s)", l.Resource.ID, role, verb, e.Node.Name, status.ScoreText(e.Score), l.ID)
}

// constraints are those that a resource, or what it is part of, takes part in.
func (v *view) constraints(s *sheet, r *status.Resource) {
	ids := map[string]bool{}
	for p := r; p != nil; p = p.Parent {
		ids[p.ID], ids[p.XMLID()] = true, true
	}
	for _, m := range members(r) {
		ids[m.XMLID()] = true
	}
	delete(ids, "")
	s.title("Constraints around it")
	some := false
	for _, l := range v.c.Locations {
		if !ids[l.Resource.ID] {
			continue
		}
		for _, e := range l.Nodes {
			some = true
			s.add(Plain, "  %s", locationText(l, e))
			s.about(Subject{Kind: Node, ID: e.Node.Name})
		}
	}
	for _, e := range v.Root.FindElements("./configuration/constraints/*") {
		text, other := constraintText(e, ids)
		if text == "" {
			continue
		}
		some = true
		s.add(Plain, "  %s", text)
		if other != "" {
			s.about(Subject{Kind: Resource, ID: other})
		}
	}
	if !some {
		s.add(Faint, "  none")
	}
}

// constraintText tells of a constraint between resources in which one of ids takes part; other is
// whom it ties them to.
func constraintText(e *etree.Element, ids map[string]bool) (text, other string) {
	get := func(name string) string { return e.SelectAttrValue(name, "") }
	pick := func(a, b string) string {
		if ids[a] {
			return b
		}
		return a
	}
	switch e.Tag {
	case "rsc_order":
		if a, b := get("first"), get("then"); ids[a] || ids[b] {
			kind := cmp.Or(get("kind"), "Mandatory")
			return fmt.Sprintf("%s %s, then %s %s  (%s, %s)", cmp.Or(get("first-action"), "start"), a, cmp.Or(get("then-action"), get("first-action"), "start"), b, kind, get("id")), pick(a, b)
		}
	case "rsc_colocation":
		if a, b := get("rsc"), get("with-rsc"); ids[a] || ids[b] {
			return fmt.Sprintf("%s with %s, score %s  (%s)", a, b, cmp.Or(get("score"), "INFINITY"), get("id")), pick(a, b)
		}
	case "rsc_ticket":
		if a := get("rsc"); ids[a] {
			return fmt.Sprintf("%s needs ticket %s  (%s)", a, get("ticket"), get("id")), ""
		}
	}
	for _, ref := range e.FindElements(".//resource_ref") {
		if ids[ref.SelectAttrValue("id", "")] {
			var list []string
			for _, o := range e.FindElements(".//resource_ref") {
				list = append(list, o.SelectAttrValue("id", ""))
			}
			word := map[string]string{"rsc_order": "in order: ", "rsc_colocation": "together: ", "rsc_ticket": "with ticket " + get("ticket") + ": "}[e.Tag]
			return word + strings.Join(list, ", ") + "  (set " + get("id") + ")", ""
		}
	}
	return "", ""
}

// failureLists tell failures that still count from those that are history.
func (v *view) failureLists(s *sheet, failed []status.FailedOp) {
	var counts, past []status.FailedOp
	for _, f := range failed {
		if f.Resource == nil {
			past = append(past, f)
			continue
		}
		if n, _ := v.c.FailCount(f.Node, f.Resource, status.FailEffective, nil); n > 0 || f.Resource.Has(status.Failed) {
			counts = append(counts, f)
		} else {
			past = append(past, f)
		}
	}
	list := func(title string, style Style, fs []status.FailedOp) {
		if len(fs) == 0 {
			return
		}
		s.title("%s", title)
		for _, f := range fs {
			s.add(style, "  %s", failureText(f))
			s.about(Subject{Kind: Operation, ID: resourceID(f), Node: f.Node.Name, Op: f.XML.SelectAttrValue("id", "")})
			if f.Resource != nil {
				if n, _ := v.c.FailCount(f.Node, f.Resource, status.FailEffective, nil); n > 0 {
					s.add(style, "    fail count %s of %s", status.ScoreText(n), status.ScoreText(f.Resource.FailureLimit))
				}
			}
		}
	}
	list("Failures that count", Bad, counts)
	list("Failures that are history (they change nothing any more)", Faint, past)
}

func failureText(f status.FailedOp) string {
	op := f.XML
	rc, _ := status.ParseInt(op.SelectAttrValue("rc-code", ""))
	st, _ := status.ParseInt(op.SelectAttrValue("op-status", ""))
	why := screen.ExitText(rc)
	if st != 0 {
		why = screen.StatusText(st)
	}
	return fmt.Sprintf("%s%s of %s on %s: %s%s", stamp(op), task(op), resourceID(f), f.Node.Name, why, because(op.SelectAttrValue("exit-reason", "")))
}

func task(op *etree.Element) string {
	t := op.SelectAttrValue("operation", "")
	ms, _ := status.ParseInt(op.SelectAttrValue("interval", "0"))
	switch {
	case t == "monitor" && ms == 0:
		return "probe"
	case ms > 0:
		return t + " every " + status.ReadableInterval(uint32(ms))
	}
	return t
}

// stamp is when an entry's result came to be, in a column of its own.
func stamp(op *etree.Element) string {
	if t, ok := status.ParseInt(op.SelectAttrValue("last-rc-change", "")); ok && t > 0 {
		return time.Unix(t, 0).Format("Jan _2 15:04:05") + "  "
	}
	return "                 "
}

// when says when an entry's result came to be, "" if that is not known.
func when(op *etree.Element) string {
	if t, ok := status.ParseInt(op.SelectAttrValue("last-rc-change", "")); ok && t > 0 {
		return " at " + screen.Time(t)
	}
	return ""
}

// history is what was done for resources, by node.
func (v *view) history(s *sheet, parts []*status.Resource) {
	s.title("What was done")
	some := false
	for _, r := range parts {
		for _, n := range v.c.Nodes {
			for _, op := range v.entries(n, r.ID) {
				some = true
				rc, _ := status.ParseInt(op.SelectAttrValue("rc-code", ""))
				st, _ := status.ParseInt(op.SelectAttrValue("op-status", ""))
				style, result := Plain, screen.ExitText(rc)
				switch {
				case st == -1:
					style, result = Warn, "under way"
				case st != 0:
					style, result = Bad, screen.StatusText(st)
				}
				s.add(style, "  %s%s  %-22s %s%s", stamp(op), n.Name, task(op)+" "+r.ShownID(), result, because(op.SelectAttrValue("exit-reason", "")))
				s.about(Subject{Kind: Operation, ID: r.ID, Node: n.Name, Op: op.SelectAttrValue("id", "")})
			}
		}
	}
	if !some {
		s.add(Faint, "  nothing is recorded")
	}
}

func (v *view) operationPage(at Subject) []Line {
	n := v.c.FindNode(at.Node)
	var op *etree.Element
	if n != nil {
		for e := range n.History() {
			for _, o := range e.SelectElements("lrm_rsc_op") {
				if o.SelectAttrValue("id", "") == at.Op && status.BaseName(e.SelectAttrValue("id", "")) == status.BaseName(at.ID) {
					op = o
				}
			}
		}
	}
	if op == nil {
		return []Line{{Text: clean("Operation " + at.Op + " on " + at.Node + " is not recorded any more."), Style: Warn}}
	}
	get := func(name string) string { return op.SelectAttrValue(name, "") }
	s := &sheet{}
	s.title("Operation: %s of %s on %s", task(op), at.ID, at.Node)
	rc, _ := status.ParseInt(get("rc-code"))
	st, _ := status.ParseInt(get("op-status"))
	s.add(Plain, "  Call %s, exit status %d (%s), execution: %s", get("call-id"), rc, screen.ExitText(rc), screen.StatusText(st))
	if key := get("transition-key"); key != "" {
		if _, transition, want, _, ok := status.TransitionKey(key); ok {
			s.add(Plain, "  Ordered by transition %d, which reckoned with %d (%s)", transition, want, screen.ExitText(int64(want)))
		}
	}
	if r := get("exit-reason"); r != "" {
		s.add(Bad, "  Reason: %s", r)
	}
	if w := when(op); w != "" {
		s.add(Plain, "  Result since%s", strings.TrimPrefix(w, " at"))
	}
	if ms := get("exec-time"); ms != "" {
		s.add(Plain, "  Took %s ms, waited %s ms", ms, cmp.Or(get("queue-time"), "0"))
	}
	s.title("On")
	s.add(Plain, "  node %s", at.Node)
	s.about(Subject{Kind: Node, ID: at.Node})
	s.add(Plain, "  resource %s", at.ID)
	s.about(Subject{Kind: Resource, ID: at.ID})
	s.title("As it is recorded")
	for _, a := range op.Attr {
		s.add(Faint, "  %s = %s", a.Key, a.Value)
	}
	return s.lines
}
