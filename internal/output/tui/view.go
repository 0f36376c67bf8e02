package tui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/internal/output/simulate"
)

// view is a snapshot and what follows from it. What costs is worked out when it is
// asked for, once.
type view struct {
	Snapshot
	of      *view // the view that a job's own was made from
	c       *status.Cluster
	version string // of the configuration
	names   map[string]Subject

	plan    *scheduler.Result
	trace   scheduler.Trace
	planErr error
	beat    string // the pulse, once it was asked for
}

func newView(s Snapshot) *view {
	return &view{Snapshot: s, c: status.Read(status.Input{CIB: s.Root, Now: s.At}), version: version(s.Root)}
}

// raw is the document as it is in the cluster.
func (v *view) raw() *etree.Element {
	if v.Raw != nil {
		return v.Raw
	}
	return v.Root
}

// planned is what the cluster wants to do, with the scores behind it.
func (v *view) planned() (*scheduler.Result, error) {
	if v.plan == nil && v.planErr == nil {
		v.plan, v.planErr = scheduler.Plan(scheduler.Input{CIB: v.Root, Now: v.At, Trace: &v.trace})
	}
	return v.plan, v.planErr
}

// planLines are a plan's summary, one line for each thing that changes.
func planLines(p *scheduler.Result) []string {
	var b strings.Builder
	(&simulate.Text{W: &b}).Summary(p.Summary)
	var out []string
	for l := range strings.Lines(b.String()) {
		if l = strings.TrimRight(l, "\n"); strings.HasPrefix(l, "  * ") {
			out = append(out, strings.TrimSpace(l[4:]))
		}
	}
	return out
}

// votes are how the quorum stands; reckoned from the nodes where nobody told.
func (v *view) votes() Votes {
	if v.Votes != nil {
		return *v.Votes
	}
	var q Votes
	for _, n := range v.c.Nodes {
		if n.IsRemote {
			continue
		}
		q.Expected++
		if n.Online {
			q.Total++
		}
	}
	q.Quorum = q.Expected/2 + 1
	return q
}

// pulse is the cluster in one line.
func (v *view) pulse() string {
	if v.beat == "" {
		v.beat = v.measure()
	}
	return v.beat
}

func (v *view) measure() string {
	q := v.votes()
	var parts []string
	quorum := "NO QUORUM"
	if v.c.Quorate {
		quorum = "quorum"
	}
	margin := q.Total - q.Quorum
	switch {
	case !v.c.Quorate:
		parts = append(parts, fmt.Sprintf("%s (%d of %d votes, %d needed)", quorum, q.Total, q.Expected, q.Quorum))
	case margin <= 0:
		parts = append(parts, fmt.Sprintf("%s %d/%d: none more may be lost", quorum, q.Total, q.Expected))
	default:
		parts = append(parts, fmt.Sprintf("%s %d/%d: %d more may be lost", quorum, q.Total, q.Expected, margin))
	}
	if v.c.DC == nil {
		parts = append(parts, "no DC")
	} else {
		parts = append(parts, "DC "+v.c.DC.Name)
	}
	if n := v.pending(); n > 0 {
		parts = append(parts, fmt.Sprintf("%d pending", n))
	} else {
		parts = append(parts, "idle")
	}
	if n := len(v.faults()); n > 0 {
		parts = append(parts, plural(n, "fault"))
	}
	if t := v.Token; t != nil && t.Limit > 0 {
		spare := max(0, t.Limit-t.Mean)
		parts = append(parts, fmt.Sprintf("token %d%% to spare", spare*100/t.Limit))
	}
	if v.c.Options.Maintenance {
		parts = append(parts, "MAINTENANCE")
	}
	if !v.c.Options.FencingEnabled {
		parts = append(parts, "NO FENCING")
	}
	return clean(strings.Join(parts, " | "))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// pending is how many operations are under way.
func (v *view) pending() (n int) {
	for _, s := range v.c.Nodes {
		if !s.Online {
			continue
		}
		for e := range s.History() {
			for op := range e.SelectElementsSeq("lrm_rsc_op") {
				if op.SelectAttrValue("op-status", "") == "-1" {
					n++
				}
			}
		}
	}
	for _, f := range v.Fencing {
		if f.State == "pending" {
			n++
		}
	}
	return n
}

// fault is something that is not as it should be.
type fault struct {
	text string
	Subject
}

// faults are what an administrator should look at, the worst first.
func (v *view) faults() (list []fault) {
	add := func(s Subject, format string, args ...any) {
		list = append(list, fault{fmt.Sprintf(format, args...), s})
	}
	for _, n := range v.c.Nodes {
		s := Subject{Kind: Node, ID: n.Name}
		switch {
		case n.Unclean:
			add(s, "node %s is unclean: it is not known what it does", n.Name)
		case n.IsGuest() && !n.Online: // its resource tells
		case !n.Online:
			add(s, "node %s is offline", n.Name)
		case n.StandbyOnFail:
			add(s, "node %s is in standby, for a failure put it there", n.Name)
		}
		if v.c.Health(n) < 0 {
			add(s, "node %s is unhealthy", n.Name)
		}
	}
	for _, r := range v.c.All {
		if r.Kind != status.Primitive {
			continue
		}
		s := Subject{Kind: Resource, ID: r.ID}
		switch {
		case r.Has(status.Failed) && r.Has(status.Blocked):
			add(s, "resource %s has failed and is blocked: nothing is done about it", r.ID)
		case r.Has(status.Blocked):
			add(s, "resource %s is blocked", r.ID)
		case r.Has(status.Failed):
			add(s, "resource %s has failed", r.ID)
		case len(r.Active) > 1 && !r.Has(status.Unique) && r.PartialTarget == nil:
			add(s, "resource %s is active on %s", r.ID, plural(len(r.Active), "node"))
		case r.Role == status.RoleStopped && v.shouldRun(r):
			add(s, "resource %s is stopped", r.ID)
		}
	}
	for _, f := range v.c.Failures {
		op := f.XML
		add(Subject{Kind: Operation, ID: resourceID(f), Node: f.Node.Name, Op: op.SelectAttrValue("id", "")}, "%s", failureText(f))
	}
	for _, f := range v.Fencing {
		if f.State == "failed" {
			add(Subject{Kind: Node, ID: f.Target}, "fencing of %s failed at %s%s", f.Target, f.At.Format("15:04:05"), because(f.Reason))
		}
	}
	return list
}

// shouldRun tells whether somebody may expect a resource that is stopped to run. An
// instance of a clone may have no node left.
func (v *view) shouldRun(r *status.Resource) bool {
	if r.Disabled() || r.Has(status.Removed) || r.Instance >= 0 {
		return false
	}
	for p := r; p != nil; p = p.Parent {
		if p.Disabled() || p.IsClone() || p.Kind == status.Bundle || !p.Has(status.Managed) {
			return false
		}
	}
	return true
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

func resourceID(f status.FailedOp) string {
	if f.Resource != nil {
		return f.Resource.ID
	}
	if p := f.XML.Parent(); p != nil {
		return p.SelectAttrValue("id", "")
	}
	return ""
}

// entries are the operations recorded for a resource on a node.
func (v *view) entries(n *status.Node, id string) []*etree.Element {
	for e := range n.History() {
		name := e.SelectAttrValue("id", "")
		if name == id || status.BaseName(name) == status.BaseName(id) && name == status.BaseName(id) {
			return v.c.SortHistory(e)
		}
	}
	return nil
}

// find gives the resource of an id, also without the number of its instance.
func (v *view) find(id string) *status.Resource {
	if r := v.c.FindExact(id); r != nil {
		return r
	}
	return v.c.Find(id)
}

// members are the primitives of a resource, itself included.
func members(r *status.Resource) (list []*status.Resource) {
	if r.Kind == status.Primitive {
		return []*status.Resource{r}
	}
	for _, k := range r.Children {
		list = append(list, members(k)...)
	}
	if r.Bundle != nil {
		for _, p := range r.Bundle.Parts {
			for _, k := range []*status.Resource{p.IP, p.Container, p.Remote, p.Child} {
				if k != nil && !slices.Contains(list, k) {
					list = append(list, k)
				}
			}
		}
	}
	return list
}
