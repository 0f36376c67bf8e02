package screen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hacluster/engine/status"
)

// textPage writes a page as people read it, in the form of list.
type textPage struct {
	*view
	list
	// fencingTold is set once it was told that there is no history of fencing.
	fencingTold bool
}

// fencingCode is the exit code that stands for why there is no history of fencing.
func fencingCode(err error) int64 {
	if errors.Is(err, context.DeadlineExceeded) {
		return 124
	}
	return 102
}

// Text writes a page for people.
func Text(c *status.Cluster, p Page) string { return text(c, p, &textList{}) }

// Bare writes the same page without headings, bullets, indentation and the names of lines.
func Bare(c *status.Cluster, p Page) string { return text(c, p, &textList{plain: true}) }

func text(c *status.Cluster, p Page, l *textList) string {
	t := &textPage{view: newView(c, p), list: l}
	s := p.Sections
	if c.DC == nil {
		s |= DC
	}
	t.summary(s, l)
	for _, part := range []struct {
		of    Sections
		write func()
	}{
		{NodeList, t.nodeList},
		{Resources, func() { t.resourceList() }},
		{Attributes, t.attributes},
		{Operations | FailCounts, t.history},
		{Failures, t.failed},
		{FencingFailed, func() { t.fencing("Failed Fencing Actions", "failed") }},
		{Tickets, t.ticketList},
		{Bans, t.banList},
		{FencingSucceeded, func() { t.fencing("Fencing History", "success", "pending") }},
	} {
		if s.has(part.of) {
			part.write()
		}
	}
	if s.has(FencingPending) && !s.has(FencingSucceeded) {
		t.fencing("Pending Fencing Actions", "pending")
	}
	return l.b.String()
}

// Under writes the sections of a page that are about nodes, resources and operations
// as lists under another heading. Operations that failed are told in all detail.
func Under(c *status.Cluster, p Page) string {
	l := &textList{depth: 1}
	t := &textPage{view: newView(c, p), list: l}
	t.nodeList()
	t.resourceList()
	if p.Sections.has(Attributes) {
		t.attributes()
	}
	if p.Sections.has(FailCounts) {
		t.history()
	}
	if p.Sections.has(Failures) {
		p.Detail = true
		(&textPage{view: newView(c, p), list: l}).failed()
	}
	return l.b.String()
}

// lines is the form of a page as people read it; HTML has its own summary and list of nodes.
func (t *textPage) lines() *textList { return t.list.(*textList) }

func (t *textPage) f(format string, args ...any) { t.item(fmt.Sprintf(format, args...)) }

func (t *textPage) summary(s Sections, l *textList) {
	c, started := t.c, false
	start := func(part Sections) bool {
		if s.has(part) && !started {
			started = true
			t.section("Cluster Summary")
		}
		return s.has(part)
	}
	line := func(part Sections, format string, args ...any) {
		if start(part) {
			t.f(format, args...)
		}
	}
	named := func(part Sections, name, format string, args ...any) {
		if start(part) {
			l.named(name, fmt.Sprintf(format, args...))
		}
	}
	stack, _ := stackOf(t.c)
	if t.Live {
		_, words := t.launcher()
		stack += " (" + words + ")"
	}
	named(Stack, "Stack", "%s", stack)
	if c.DC == nil {
		named(DC, "Current DC", "NONE")
	} else {
		mixed, quorum := "", "WITHOUT"
		if t.mixedVersions() {
			mixed = "MIXED-VERSION "
		}
		if c.Quorate {
			quorum = "with"
		}
		named(DC, "Current DC", "%s (version %s) - %spartition %s quorum", t.nodeName(c.DC), versionOf(t.c, "unknown"), mixed, quorum)
	}
	on := ""
	if t.LocalNode != "" {
		on = " on " + t.LocalNode
	}
	named(Times, "Last updated", "%s%s", stamp(c.Now), on)
	named(Times, "Last change", " %s", t.lastChange())
	line(Counts, "%s configured", plural(len(c.Nodes), "node"))
	line(Counts, "%s configured%s", plural(c.Instances, "resource instance"), counts(c))
	if s.has(ClusterOptions) {
		for _, o := range t.optionLines() {
			line(ClusterOptions, "%s", o)
		}
	}
	if started {
		t.end()
	}
	switch {
	case !s.has(MaintMode):
	case c.Options.Maintenance:
		l.printed = true
		l.b.WriteString("\n              *** Resource management is DISABLED ***\n  The cluster will not attempt to start, stop or recover services\n")
	case c.Options.StopAll:
		l.printed = true
		l.b.WriteString("\n    *** Resource management is DISABLED ***\n  The cluster will keep all resources stopped\n")
	}
}

// nodeWord is a node's state, and whether it is out of the ordinary.
func (t *textPage) nodeWord(n *status.Node) (string, bool) {
	text, single := (&legacy{}).word(n)
	switch h := t.c.Health(n); {
	case h < 0:
		return text + " (health is RED)", true
	case h == 0:
		return text + " (health is YELLOW)", true
	}
	return text, single
}

func (t *textPage) nodeList() {
	lists := [5][]string{}
	started := false
	start := func() {
		if !started {
			started = true
			t.section("Node List")
		}
	}
	for _, n := range t.c.Nodes {
		if !t.nodes.hasFold(n.Name) {
			continue
		}
		start()
		text, single := t.nodeWord(n)
		if single || t.ByNode || t.Detail {
			t.node(n, text)
			continue
		}
		at := 0
		switch {
		case n.IsGuest():
			if !n.Online {
				continue
			}
			at = 4
		case n.IsRemote && n.Online, n.IsPlainRemote():
			at = 2
		}
		if !n.Online {
			at++
		}
		lists[at] = append(lists[at], t.nodeName(n))
	}
	for i, head := range []string{"Online", "OFFLINE", "RemoteOnline", "RemoteOFFLINE", "GuestOnline"} {
		if len(lists[i]) > 0 {
			t.lines().named(head, "[ "+strings.Join(lists[i], " ")+" ]")
		}
	}
	if started {
		t.end()
	}
}

func (t *textPage) node(n *status.Node, text string) {
	kind := "Node"
	switch {
	case n.IsGuest():
		kind = "GuestNode"
	case n.IsRemote:
		kind = "RemoteNode"
	}
	line := kind + " " + t.nodeName(n) + ": " + text
	if f := featureSet(n); t.Detail && f != "" {
		line += ", feature set " + f
	}
	switch {
	case !t.ByNode:
		t.item(line)
	case t.Brief:
		if list := t.passing(n.Running, t.only); len(list) > 0 {
			t.head(line)
			t.head("Resources")
			t.brief(list, false, true)
			t.end()
			t.end()
		}
	default:
		t.head(line)
		t.head("Resources")
		for _, r := range n.Running {
			t.resource(r, t.only, true)
		}
		t.end()
		t.end()
	}
}

// passing are the resources that a filter names, themselves or by their parent.
func (t *textPage) passing(list []*status.Resource, only names) (kept []*status.Resource) {
	for _, r := range list {
		if only.has(shownID(r)) || r.Parent != nil && only.has(shownID(r.Parent)) {
			kept = append(kept, r)
		}
	}
	return kept
}

// resourceList lists the resources; it tells whether there are any.
func (t *textPage) resourceList() bool {
	if t.ByNode && !t.Inactive {
		return false
	}
	heading, none := "Active Resources", "No active resources"
	switch {
	case t.ByNode:
		heading, none = "Inactive Resources", "No inactive resources"
	case t.Inactive:
		heading, none = "Full List of Resources", "No resources"
	}
	shown := false
	t.section(heading)
	if t.Brief && !t.ByNode {
		shown = t.brief(t.passing(t.c.Resources, t.only), t.Inactive, false)
	}
	for _, r := range t.listed(t.Brief) {
		if t.resource(r, t.only, false) {
			shown = true
		}
	}
	if !shown {
		t.item(none)
		t.forget()
	}
	t.end()
	return shown
}

// brief counts primitives by agent and node.
func (t *textPage) brief(list []*status.Resource, inactive, byNode bool) (shown bool) {
	type agent struct {
		name  string
		total int
		at    map[string]int
		nodes []*status.Node
	}
	var agents []*agent
	for _, r := range list {
		if r.Kind != status.Primitive {
			continue
		}
		i := slices.IndexFunc(agents, func(a *agent) bool { return a.name == agentOf(r) })
		if i < 0 {
			i = len(agents)
			agents = append(agents, &agent{name: agentOf(r), at: map[string]int{}})
		}
		a := agents[i]
		a.total++
		for _, n := range r.Active {
			if !n.Unclean && !n.Online && r.Has(status.Managed) {
				continue
			}
			if a.at[n.Name] == 0 {
				a.nodes = append(a.nodes, n)
			}
			a.at[n.Name]++
		}
	}
	slices.SortFunc(agents, func(a, b *agent) int { return cmp.Compare(a.name, b.name) })
	for _, a := range agents {
		status.SortByName(a.nodes)
		for _, n := range a.nodes {
			name := n.Name
			if byNode {
				name = ""
			}
			if inactive {
				t.f("%d/%d\t(%s):\tActive %s", a.at[n.Name], a.total, a.name, name)
			} else {
				t.f("%d\t(%s):\tActive %s", a.at[n.Name], a.name, name)
			}
			shown = true
		}
		if inactive && len(a.nodes) == 0 {
			t.f("0/%d\t(%s):\tActive", a.total, a.name)
			shown = true
		}
	}
	return shown
}

func (t *textPage) attributes() {
	started := false
	for _, n := range t.c.Nodes {
		list := attributesOf(n)
		if !n.Online || len(list) == 0 || !t.nodes.hasFold(n.Name) {
			continue
		}
		if !started {
			started = true
			t.section("Node Attributes")
		}
		t.ofNode(t.nodeName(n))
		for _, a := range list {
			note := ""
			if expected, ok := t.connectivity(n, a.Name); ok {
				switch value, _ := status.ParseInt(a.Value); {
				case value <= 0:
					note = "\t: Connectivity is lost"
				case value < expected:
					note = fmt.Sprintf("\t: Connectivity is degraded (Expected=%d)", expected)
				}
			}
			t.f("%-32s\t: %-10s%s", a.Name, a.Value, note)
		}
		t.end()
	}
	if started {
		t.end()
	}
}

func (t *textPage) history() {
	list := t.histories()
	if len(list) == 0 {
		return
	}
	if t.Sections.has(Operations) {
		t.section("Operations")
	} else {
		t.section("Migration Summary")
	}
	for _, h := range list {
		if len(h.list) == 0 {
			continue
		}
		t.ofNode(t.nodeName(h.node))
		for _, rh := range h.list {
			line := fmt.Sprintf("%s: migration-threshold=%d", rh.id, rh.r.FailureLimit)
			if rh.fails > 0 {
				line += " fail-count=" + scoreText(rh.fails)
			}
			if rh.last > 0 {
				line += " last-failure='" + stamp(time.Unix(rh.last, 0)) + "'"
			}
			if len(rh.ops) == 0 {
				t.item(line)
				continue
			}
			t.head(line)
			for _, op := range rh.ops {
				get := func(name string) string { return op.SelectAttrValue(name, "") }
				line := fmt.Sprintf("(%s) %s", given(op, "call-id"), taskOf(op))
				interval := ""
				if i := get("interval"); !once(op) {
					interval = ` interval="` + i + `ms"`
				}
				switch {
				case t.Timing:
					line += ":" + interval
					if at := changedAt(op); at != "" {
						line += ` last-rc-change="` + at + `"`
					}
					for _, name := range []string{"exec-time", "queue-time"} {
						if a := op.SelectAttr(name); a != nil {
							line += " " + name + `="` + a.Value + `ms"`
						}
					}
					rc := rcOf(op)
					line += fmt.Sprintf(" rc=%d (%s)", rc, ExitText(rc))
				case interval != "":
					line += ":" + interval
				}
				t.item(line)
			}
			t.end()
		}
		t.end()
	}
	t.end()
}

func (t *textPage) failed() {
	list := t.failures()
	if len(list) == 0 {
		return
	}
	t.section("Failed Resource Actions")
	for _, f := range list {
		t.item(t.failure(f))
	}
	t.end()
}

func (t *textPage) failure(f status.FailedOp) string {
	get := func(name string) string { return f.XML.SelectAttrValue(name, "") }
	rc, st := rcOf(f.XML), atLeast0(f.XML, "op-status")
	reason := get("exit-reason")
	changed, known := status.ParseInt(get("last-rc-change"))
	if t.Detail {
		call := get("call-id")
		if call == "" {
			call = "unknown"
		}
		line := fmt.Sprintf("%s on %s '%s' (%d): call=%s, status='%s'", historyKey(f.XML), f.Node.Name, ExitText(rc), rc, call, statusText(st))
		if reason != "" {
			line += ", exitreason='" + reason + "'"
		}
		if known {
			line += ", last-rc-change='" + stamp(time.Unix(changed, 0)) + "'"
		}
		for _, a := range [][2]string{{"queued", "queue-time"}, {"exec", "exec-time"}} {
			if v := get(a[1]); v != "" {
				line += ", " + a[0] + "=" + v + "ms"
			}
		}
		return line
	}
	rsc, task, interval, ok := splitKey(historyKey(f.XML))
	if !ok {
		rsc, task = "unknown resource", "unknown action"
	}
	line := rsc + " "
	if interval != 0 {
		line += status.ReadableInterval(interval) + "-interval "
	}
	if task == "monitor" && interval == 0 {
		task = "probe"
	}
	line += task + " on " + f.Node.Name
	if st == 0 {
		line += " returned '" + ExitText(rc) + "'"
		if reason != "" {
			line += " (" + reason + ")"
		}
	} else {
		line += " could not be executed (" + statusText(st)
		if reason != "" {
			line += ": " + reason
		}
		line += ")"
	}
	if known {
		line += " at " + stamp(time.Unix(changed, 0))
	}
	if ms := atLeast0(f.XML, "exec-time"); ms > 0 {
		line += " after " + status.ReadableInterval(uint32(ms))
	}
	return line
}

func (t *textPage) ticketList() {
	list := t.ticketOrder()
	if len(list) == 0 {
		return
	}
	t.section("Tickets")
	for _, k := range list {
		line := k.ID + "\trevoked"
		if k.Granted {
			line = k.ID + "\tgranted"
		}
		if k.Standby {
			line += " [standby]"
		}
		if k.LastGranted >= 0 {
			line += ` last-granted="` + stamp(time.Unix(k.LastGranted, 0)) + `"`
		}
		t.item(line)
	}
	t.end()
}

func (t *textPage) banList() {
	list := t.bans()
	if len(list) == 0 {
		return
	}
	t.section("Negative Location Constraints")
	for _, b := range list {
		role := ""
		if b.Role == status.RolePromoted {
			role = "in Promoted role "
		}
		t.f("%s\tprevents %s from running %son %s", b.ID, b.Resource.ID, role, t.nodeName(b.node))
	}
	t.end()
}

// fencing lists the operations of these states. Unless all states are shown,
// only the latest of each kind are.
func (t *textPage) fencing(heading string, states ...string) {
	switch {
	case !t.Live:
		return
	case t.FencingErr != nil:
		if !t.fencingTold {
			t.fencingTold = true
			t.section("Failed Fencing Actions")
			t.item("Failed to get fencing history: " + ExitText(fencingCode(t.FencingErr)))
			t.end()
		}
		return
	}
	full := t.Sections&FencingAll == FencingAll
	started := false
	for i, f := range t.Fencing {
		if !slices.Contains(states, f.State) {
			continue
		}
		if !full && slices.ContainsFunc(t.Fencing[:i], func(o Fencing) bool {
			return o.Target == f.Target && o.Action == f.Action && o.State == f.State && (f.State != "failed" || o.Delegate == f.Delegate)
		}) {
			continue
		}
		if !started {
			started = true
			t.section(heading)
		}
		t.marked(fencingClass[f.State], fencingLine(f, t.Fencing[:i], full, t.Detail))
	}
	if started {
		t.end()
	}
}

var fencingClass = map[string]string{"failed": "failed-stonith-event", "pending": "pending-stonith-event", "success": "successful-stonith-event"}

// Class is the class that the event has in HTML.
func (f Fencing) Class() string { return fencingClass[f.State] }

func fencingLine(f Fencing, newer []Fencing, full, detail bool) string {
	word := map[string]string{"success": "successful"}[f.State]
	if word == "" {
		word = f.State
	}
	reason, later := "", ""
	if f.State == "failed" {
		if f.Reason != "" {
			reason = " (" + f.Reason + ")"
		}
		for _, o := range newer {
			if o.Target == f.Target && o.Action == f.Action && o.State == "success" {
				by := cmp.Or(o.Delegate, "some node")
				if later == "" || o.Delegate == f.Delegate {
					later = " (a later attempt from " + by + " succeeded)"
				}
			}
		}
	}
	line := fencingWord(f.Action) + " of " + f.Target
	if detail {
		line += " " + word + reason + ": "
		if f.Delegate != "" {
			line += "delegate=" + f.Delegate + ", "
		}
		line += "client=" + f.Client + ", origin=" + f.Origin
		if f.State != "pending" {
			when := map[string]string{"failed": "last-failed", "success": "last-successful"}[f.State]
			if full {
				when = "completed"
			}
			line += ", " + when + "='" + micro(f.At) + "'"
		}
		return line + later
	}
	if f.State != "pending" && f.Delegate != "" {
		line += " by " + f.Delegate
	}
	line += " for " + f.Client + "@" + f.Origin
	if !full {
		line += " last"
	}
	line += " " + word + reason
	if f.State != "pending" {
		line += " at " + micro(f.At)
	}
	return line + later
}
