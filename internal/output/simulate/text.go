// Package simulate writes what crm_simulate shows: the state of the cluster,
// scores, what would change, and the steps of the change; as text or as XML.
package simulate

import (
	"fmt"
	"io"
	"strings"
	"time"

	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/engine/transition/dryrun"
	"hacluster/internal/output/screen"
)

// Text writes a simulation as people read it.
type Text struct {
	W io.Writer
	// Tell is told what goes wrong; nil if nobody listens.
	Tell  func(fault string)
	Quiet bool
	// Plain leaves out headings and bullets (scores for scripts).
	Plain bool
	// Sections are added to nodes and resources: attributes, fail counts, failures.
	Sections screen.Sections

	depth   int
	printed bool // something stands above: a blank line comes first
}

// Info writes a line of its own.
func (t *Text) Info(format string, args ...any) {
	if !t.Quiet {
		fmt.Fprintf(t.W, format+"\n", args...)
	}
}

// Fault tells of an error.
func (t *Text) Fault(text string) {
	if t.Tell != nil {
		t.Tell(text)
	}
}

func (t *Text) begin(heading string) {
	if !t.Plain {
		t.line(heading + ":")
	}
	t.depth++
}

func (t *Text) end() { t.depth-- }

func (t *Text) line(text string) {
	if t.Plain || t.depth == 0 {
		fmt.Fprintln(t.W, text)
		return
	}
	fmt.Fprintln(t.W, strings.Repeat("  ", t.depth)+"* "+text)
}

func (t *Text) space() { fmt.Fprintln(t.W) }

// spacer writes a blank line if something stands above.
func (t *Text) spacer() {
	if t.printed {
		t.space()
	}
}

// Warnings tells that the cluster is in maintenance, or that resources are
// disabled or blocked.
func (t *Text) Warnings(c *status.Cluster) {
	if t.Quiet {
		return
	}
	if c.Options.Maintenance {
		fmt.Fprint(t.W, "\n              *** Resource management is DISABLED ***\n"+
			"  The cluster will not attempt to start, stop or recover services\n")
		t.printed = true
	}
	if c.Disabled > 0 || c.Blocked > 0 {
		t.spacer()
		t.Info("%d of %d resource instances DISABLED and %d BLOCKED from further action due to failure", c.Disabled, c.Instances, c.Blocked)
		t.printed = true
	}
}

// Status writes nodes and resources. Pending tells to show what is under way.
func (t *Text) Status(heading string, c *status.Cluster, pending bool) {
	if t.Quiet {
		return
	}
	t.spacer()
	t.begin(heading)
	_, _ = io.WriteString(t.W, screen.Under(c, screen.Page{Sections: t.Sections, Inactive: true, NoPending: !pending}))
	t.end()
	t.printed = true
}

// Scores writes what placement looked at, after what it noticed before; scores
// and amounts tell which kinds of lines are wanted.
func (t *Text) Scores(lines []scheduler.ScoreLine, before, after []string, scores, amounts bool) {
	if !scores && !amounts {
		return
	}
	t.spacer()
	switch {
	case scores && amounts:
		t.begin("Assignment Scores and Utilization Information")
	case scores:
		t.begin("Assignment Scores")
	default:
		t.begin("Utilization Information")
	}
	for _, n := range before {
		t.Info("%s", n)
	}
	t.ScoreLines(lines, scores, amounts)
	for _, n := range after {
		t.Info("%s", n)
	}
	t.end()
	t.printed = true
}

func quantityWords(amounts []status.Amount) string {
	var b strings.Builder
	for _, a := range amounts {
		b.WriteString(" " + a.Name + "=" + a.Text)
	}
	return b.String()
}

// ScoreLines writes the lines of Scores in a list that is open.
func (t *Text) ScoreLines(lines []scheduler.ScoreLine, scores, amounts bool) {
	for _, l := range lines {
		switch l.Function {
		case "capacity":
			if amounts {
				t.line(l.Comment + ": " + l.Node + " capacity:" + quantityWords(l.Amounts))
			}
		case "utilization":
			if amounts {
				t.line("pcmk__assign_resource: " + l.Resource + " utilization on " + l.Node + ":" + quantityWords(l.Amounts))
			}
		case "promotion":
			if scores {
				where := " on " + l.Node
				if l.Node == "" {
					where = " (inactive)"
				}
				t.line(l.Resource + " promotion score" + where + ": " + status.ScoreText(l.Score))
			}
		default:
			if scores {
				t.line(l.Function + ": " + l.Resource + " allocation score on " + l.Node + ": " + status.ScoreText(l.Score))
			}
		}
	}
}

// BeginTimings opens the list of Timing.
func (t *Text) BeginTimings() { t.begin("Timings") }

// Timing writes how long the plan for a file took.
func (t *Text) Timing(file string, d time.Duration) {
	t.line(fmt.Sprintf("Testing %s ... %.2f secs", file, d.Seconds()))
}

// Summary writes what changes.
func (t *Text) Summary(lines []scheduler.SummaryLine) {
	t.spacer()
	t.begin("Transition Summary")
	for _, l := range scheduler.Listing(lines) {
		t.line(l)
	}
	t.end()
	t.printed = true
}

// Begin opens the list of modifications or of executed actions.
func (t *Text) Begin(heading string) {
	t.spacer()
	t.printed = true
	if !t.Quiet {
		t.begin(heading)
	}
}

// End closes the list that Begin opened.
func (t *Text) End() {
	if !t.Quiet {
		t.end()
	}
}

// Changes writes what is set before the events of an injection.
func (t *Text) Changes(ch *dryrun.Changes) {
	if t.Quiet {
		return
	}
	if ch.Quorum != nil {
		t.line("Setting quorum: " + *ch.Quorum)
	}
	if ch.Watchdog != nil {
		t.line("Setting watchdog: " + *ch.Watchdog)
	}
}

// Event writes a step of a simulation.
func (t *Text) Event(e dryrun.Event) {
	switch e.Kind {
	case dryrun.Fault:
		t.Fault(e.Task)
		return
	case dryrun.Pretended:
		t.Info("Pretending action %d failed with rc=%d", e.ID, e.Code)
		return
	}
	if t.Quiet {
		return
	}
	switch e.Kind {
	case dryrun.PseudoAction:
		text := "Pseudo action:   " + e.Task
		if e.Node != "" {
			text += " on " + e.Node
		}
		t.line(text)
	case dryrun.ResourceAction:
		task := e.Task
		if e.Interval > 0 {
			task = fmt.Sprintf("%s=%d", task, e.Interval)
		}
		t.line(fmt.Sprintf("Resource action: %-15s %s on %s", e.Resource, task, e.Node))
	case dryrun.ClusterAction:
		text := "Cluster action:  " + e.Task
		if e.Resource != "" {
			text += " for " + e.Resource
		}
		t.line(text + " on " + e.Node)
	case dryrun.FencingAction:
		t.line("Fencing " + e.Node + " (" + e.Task + ")")
	case dryrun.ModifyNode:
		switch e.Task {
		case "Online":
			t.line("Bringing node " + e.Node + " online")
		case "Offline":
			t.line("Taking node " + e.Node + " offline")
		default:
			t.line("Failing node " + e.Node)
		}
	case dryrun.ModifyTicket:
		if e.Task == "Standby" {
			t.line("Making ticket " + e.Resource + " standby")
		} else {
			t.line(e.Task + " ticket " + e.Resource)
		}
	case dryrun.InjectSpec:
		t.line("Injecting " + e.Task + " into the configuration")
	case dryrun.InjectAttr:
		t.line("Injecting attribute " + e.Task + "=" + e.Resource + " into /node_state '" + e.Node + "'")
	}
}
