package simulate

import (
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/engine/transition/dryrun"
	"hacluster/internal/output/screen"
)

// XML writes a simulation as programs read it. There is no quiet form of it.
type XML struct {
	// Root is the element that everything is added to.
	Root *etree.Element
	// Tell is told what goes wrong.
	Tell func(fault string)
	// Sections are added to nodes and resources: attributes, fail counts,
	// failures.
	Sections screen.Sections

	list *etree.Element // the part that is being written
	lost bool           // nothing more is shown (see Changes)
}

// Format is a way to write a simulation.
type Format interface {
	Info(format string, args ...any)
	Fault(text string)
	Warnings(c *status.Cluster)
	Status(heading string, c *status.Cluster, pending bool)
	// Scores shows what placement looked at, and what the scheduler told before and after that.
	Scores(lines []scheduler.ScoreLine, before, after []string, scores, amounts bool)
	ScoreLines(lines []scheduler.ScoreLine, scores, amounts bool)
	BeginTimings()
	Timing(file string, d time.Duration)
	Summary(lines []scheduler.SummaryLine)
	Explain(list []Explanation, goes func(resource string) string)
	Begin(heading string)
	Changes(ch *dryrun.Changes)
	Event(e dryrun.Event)
	End()
}

// add adds an element with attributes, given as names and values; a name that
// ends in "?" is left out without value.
func add(parent *etree.Element, tag string, attrs ...string) *etree.Element {
	e := parent.CreateElement(tag)
	for i := 0; i+1 < len(attrs); i += 2 {
		name, optional := strings.CutSuffix(attrs[i], "?")
		if optional && attrs[i+1] == "" {
			continue
		}
		e.CreateAttr(name, attrs[i+1])
	}
	return e
}

func (x *XML) top() *etree.Element {
	if x.lost {
		return etree.NewElement("lost")
	}
	return x.Root
}

// Info says nothing: programs are told facts only.
func (x *XML) Info(string, ...any) {}

// Fault tells of an error.
func (x *XML) Fault(text string) { x.Tell(text) }

// Warnings says nothing.
func (x *XML) Warnings(*status.Cluster) {}

// Scores writes what placement looked at.
func (x *XML) Scores(lines []scheduler.ScoreLine, _, _ []string, scores, amounts bool) {
	if !scores && !amounts {
		return
	}
	tag := "utilizations"
	switch {
	case scores && amounts:
		tag = "allocations_utilizations"
	case scores:
		tag = "allocations"
	}
	x.list = add(x.top(), tag)
	x.ScoreLines(lines, scores, amounts)
	x.list = nil
}

// ScoreLines writes the lines of Scores in a list that is open.
func (x *XML) ScoreLines(lines []scheduler.ScoreLine, scores, amounts bool) {
	list := x.list
	for _, l := range lines {
		switch l.Function {
		case "capacity":
			if amounts {
				quantities(add(list, "capacity", "node", l.Node, "comment", l.Comment), l.Amounts)
			}
		case "utilization":
			if amounts {
				quantities(add(list, "utilization", "resource", l.Resource, "node", l.Node, "function", "pcmk__assign_resource"), l.Amounts)
			}
		case "promotion":
			if scores {
				add(list, "promotion_score", "id", l.Resource, "score", status.ScoreText(l.Score), "node?", l.Node)
			}
		default:
			if scores {
				add(list, "node_weight", "function", l.Function, "node", l.Node, "score", status.ScoreText(l.Score), "id?", l.Resource)
			}
		}
	}
}

func quantities(e *etree.Element, amounts []status.Amount) {
	for _, a := range amounts {
		e.CreateElement(a.Name).SetText(a.Text)
	}
}

// BeginTimings opens the list of Timing.
func (x *XML) BeginTimings() { x.list = add(x.top(), "timings") }

// Timing writes how long the plan for a file took, in seconds.
func (x *XML) Timing(file string, d time.Duration) {
	add(x.list, "timing", "file", file, "duration", strconv.FormatFloat(d.Seconds(), 'f', -1, 64))
}

// Summary writes what changes.
func (x *XML) Summary(lines []scheduler.SummaryLine) {
	list := add(x.top(), "actions")
	for _, l := range lines {
		if !l.Show {
			continue
		}
		if l.Resource == "" {
			add(list, "node_action", "task", l.Verb, "node", l.Node, "reason", l.Reason)
			continue
		}
		e := add(list, "rsc_action", "action", strings.ToLower(l.Verb), "resource", l.Resource)
		put := func(attrs ...string) {
			for i := 0; i < len(attrs); i += 2 {
				e.CreateAttr(attrs[i], attrs[i+1])
			}
		}
		host := l.Source == l.Dest
		switch {
		case l.Source == "" && l.NeedRole:
			put("role", l.Role, "next-role", l.NextRole, "dest", l.Dest)
		case l.Source == "":
			put("node", l.Dest)
		case l.Dest == "" && l.NeedRole:
			put("role", l.Role, "node", l.Source)
		case l.Dest == "":
			put("node", l.Source)
		case l.NeedRole && l.SameRole && host:
			put("role", l.Role, "source", l.Source)
		case l.SameRole && host:
			put("source", l.Source)
		case l.NeedRole && l.SameRole:
			put("source", l.Source, "dest", l.Dest, "role", l.Role)
		case l.SameRole:
			put("source", l.Source, "dest", l.Dest)
		case host:
			put("role", l.Role, "next-role", l.NextRole, "source", l.Source)
		default:
			put("role", l.Role, "source", l.Source, "next-role", l.NextRole, "dest", l.Dest)
		}
		if l.Reason != "" {
			put("reason", l.Reason)
		}
		if l.Blocked {
			put("blocked", "true")
		}
	}
}

// Begin opens the list of executed actions; modifications have none.
func (x *XML) Begin(heading string) {
	x.list = x.top()
	if heading == "Executing Cluster Transition" {
		x.list = add(x.top(), "transition")
	}
}

// End closes what Begin opened.
func (x *XML) End() { x.list = nil }

// Changes writes what is set before a simulation. Pacemaker never closes this
// part: nothing that comes after it is shown.
func (x *XML) Changes(ch *dryrun.Changes) {
	e := add(x.top(), "modifications")
	if ch.Quorum != nil {
		e.CreateAttr("quorum", *ch.Quorum)
	}
	if ch.Watchdog != nil {
		e.CreateAttr("watchdog", *ch.Watchdog)
	}
	x.lost = true
}

// Event writes a step of a simulation.
func (x *XML) Event(e dryrun.Event) {
	if e.Kind == dryrun.Fault {
		x.Fault(e.Task)
		return
	}
	if x.list == nil {
		return
	}
	switch e.Kind {
	case dryrun.PseudoAction:
		add(x.list, "pseudo_action", "task", e.Task, "node?", e.Node)
	case dryrun.ResourceAction:
		interval := ""
		if e.Interval > 0 {
			interval = strconv.FormatUint(uint64(e.Interval), 10)
		}
		add(x.list, "rsc_action", "resource", e.Resource, "op", e.Task, "node", e.Node, "interval?", interval)
	case dryrun.ClusterAction:
		add(x.list, "cluster_action", "task", e.Task, "node", e.Node, "id?", e.Resource)
	case dryrun.FencingAction:
		add(x.list, "fencing_action", "target", e.Node, "op", e.Task)
	case dryrun.ModifyNode:
		add(x.list, "modify_node", "action", e.Task, "node", e.Node)
	case dryrun.ModifyTicket:
		add(x.list, "modify_ticket", "action", e.Task, "ticket", e.Resource)
	case dryrun.InjectSpec:
		add(x.list, "inject_spec", "spec", e.Task)
	case dryrun.InjectAttr:
		add(x.list, "inject_attr", "name", e.Task, "value", e.Resource, "node_path", "/node_state", "cib_node", e.Node)
	}
}

// Status writes nodes and resources. Pending tells to show what is under way.
func (x *XML) Status(heading string, c *status.Cluster, pending bool) {
	e := add(x.top(), strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(heading, "Current ")), " ", "_"))
	screen.Add(e, c, screen.Page{Sections: x.Sections, NoPending: !pending})
}
