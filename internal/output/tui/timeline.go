package tui

import (
	"fmt"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/status"
	"hacluster/internal/output/screen"
)

// event is something that happened, and the page as it was then.
type event struct {
	at   time.Time
	text string
	bad  bool
	page []string
}

// eventLimit is how many events are kept, pageLimit with how many of them the page.
const (
	eventLimit = 2000
	pageLimit  = 200
)

// changes tell what is different between two moments.
func changes(old, now *view) (list []event) {
	add := func(bad bool, format string, args ...any) {
		list = append(list, event{at: now.At, text: clean(fmt.Sprintf(format, args...)), bad: bad})
	}
	if old.c.Quorate != now.c.Quorate {
		if now.c.Quorate {
			add(false, "quorum is back")
		} else {
			add(true, "quorum is lost")
		}
	}
	if a, b := dcName(old.c), dcName(now.c); a != b {
		if b == "" {
			add(true, "there is no DC")
		} else {
			add(false, "%s is the DC", b)
		}
	}
	for _, n := range now.c.Nodes {
		state, style := nodeState(n)
		o := old.c.FindNode(n.Name)
		if o == nil {
			add(style == Bad, "node %s is new: %s", n.Name, state)
			continue
		}
		if was, _ := nodeState(o); was != state {
			add(style == Bad, "node %s: %s, was %s", n.Name, state, was)
		}
	}
	for _, o := range old.c.Nodes {
		if now.c.FindNode(o.Name) == nil {
			add(false, "node %s was removed", o.Name)
		}
	}
	if a, b := old.version, now.version; a != b {
		who := ""
		if u := now.Root.SelectAttrValue("update-user", ""); u != "" {
			who = " by " + u
		}
		if c := now.Root.SelectAttrValue("update-client", ""); c != "" {
			who += " with " + c
		}
		if n := now.Root.SelectAttrValue("update-origin", ""); n != "" {
			who += " on " + n
		}
		add(false, "the configuration was changed%s (%s)", who, b)
	}
	fresh := func(n *status.Node, op *etree.Element) {
		if text, bad := opNews(n, op); text != "" {
			add(bad, "%s", text)
		}
	}
	if now.Same {
		for _, op := range now.Ops {
			if n := now.nodeOf(op); n != nil {
				fresh(n, op)
			}
		}
	} else {
		seen := map[string]string{}
		each(old, func(n *status.Node, op *etree.Element) { seen[opKey(n, op)] = Mark(op) })
		each(now, func(n *status.Node, op *etree.Element) {
			if was, ok := seen[opKey(n, op)]; !ok || was != Mark(op) {
				fresh(n, op)
			}
		})
	}
	for _, r := range now.c.All {
		if r.Kind != status.Primitive {
			continue
		}
		is := place(r)
		if o := old.c.FindExact(r.ID); o != nil {
			if was := place(o); was != is {
				add(is == status.RoleStopped.String() && now.shouldRun(r), "%s: %s, was %s", r.ID, is, was)
			}
		} else {
			add(false, "%s is new: %s", r.ID, is)
		}
	}
	known := map[string]bool{}
	for _, f := range old.Fencing {
		known[fenceKey(f)] = true
	}
	for _, f := range now.Fencing {
		if !known[fenceKey(f)] {
			add(f.State == "failed", "fencing (%s) of %s: %s%s", f.Action, f.Target, f.State, because(f.Reason))
		}
	}
	return list
}

func dcName(c *status.Cluster) string {
	if c.DC == nil {
		return ""
	}
	return c.DC.Name
}

func version(root *etree.Element) string {
	return root.SelectAttrValue("admin_epoch", "0") + "." + root.SelectAttrValue("epoch", "0")
}

func fenceKey(f screen.Fencing) string {
	return f.ID + "\x00" + f.Target + "\x00" + f.State + "\x00" + f.At.String()
}

func each(v *view, f func(n *status.Node, op *etree.Element)) {
	for _, n := range v.c.Nodes {
		for e := range n.History() {
			for _, op := range e.SelectElements("lrm_rsc_op") {
				f(n, op)
			}
		}
	}
}

func opKey(n *status.Node, op *etree.Element) string {
	return n.Name + "\x00" + op.Parent().SelectAttrValue("id", "") + "\x00" + op.SelectAttrValue("id", "")
}

// nodeOf gives the node in whose history an operation stands; nil where it stands in none.
func (v *view) nodeOf(op *etree.Element) *status.Node {
	for e := op.Parent(); e != nil; e = e.Parent() {
		if e.Tag == "node_state" {
			return v.c.FindNode(e.SelectAttrValue("uname", e.SelectAttrValue("id", "")))
		}
	}
	return nil
}

// Mark is what tells one result of an operation from another.
func Mark(op *etree.Element) string {
	get := func(name string) string { return op.SelectAttrValue(name, "") }
	return get("call-id") + "\x00" + get("transition-magic") + "\x00" + get("op-status") + "\x00" + get("last-rc-change")
}

// opNews tells of an operation with the transition that ordered it; a probe that found
// nothing is no news.
func opNews(n *status.Node, op *etree.Element) (text string, bad bool) {
	rc, _ := status.ParseInt(op.SelectAttrValue("rc-code", ""))
	st, _ := status.ParseInt(op.SelectAttrValue("op-status", ""))
	what := task(op)
	_, number, want, _, ok := status.TransitionKey(op.SelectAttrValue("transition-key", ""))
	if what == "probe" && st == 0 && (rc == 7 || rc == 0 || rc == 8) {
		return "", false
	}
	result := "ok"
	switch {
	case st == -1:
		result = "begins"
	case st != 0:
		result, bad = screen.StatusText(st), true
	case ok && int64(want) != rc, !ok && rc != 0:
		result, bad = screen.ExitText(rc), true
	}
	text = fmt.Sprintf("%s of %s on %s: %s%s", what, op.Parent().SelectAttrValue("id", ""), n.Name, result, because(op.SelectAttrValue("exit-reason", "")))
	if ok {
		text = fmt.Sprintf("transition %d: %s", number, text)
	}
	return text, bad
}

// remember adds what happened to the timeline.
func (m *Model) remember(list []event) {
	if len(list) == 0 {
		return
	}
	page := m.pageText()
	for i := range list {
		list[i].page = page
	}
	m.events = append(m.events, list...)
	if n := len(m.events) - eventLimit; n > 0 {
		m.events = append([]event(nil), m.events[n:]...)
	}
	for i := range len(m.events) - pageLimit {
		m.events[i].page = nil
	}
}

// timeline is what happened, the newest first.
func (m *Model) timeline() []Line {
	s := &sheet{}
	s.title("What happened since this screen was opened, the newest first")
	for i := len(m.events) - 1; i >= 0; i-- {
		e := m.events[i]
		style := Plain
		if e.bad {
			style = Bad
		}
		s.add(style, "  %s  %s", e.at.Format("15:04:05"), e.text)
		s.about(Subject{Kind: Moment, Op: fmt.Sprint(i)})
	}
	if len(m.events) == 0 {
		s.add(Faint, "  nothing")
	}
	return s.lines
}
