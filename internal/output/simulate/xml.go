package simulate

import (
	"io"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
	"hacluster/engine/scheduler"
	"hacluster/engine/status"
	"hacluster/engine/transition/dryrun"
	page "hacluster/internal/output/screen"
)

// XML writes a simulation as programs read it.
type XML struct {
	W       io.Writer
	Request string // the command line, as program.Env.Request gives it
	Quiet   bool
	// Sections are added to nodes and resources: attributes, fail counts,
	// failures.
	Sections page.Sections

	root   *etree.Element
	list   *etree.Element // the part that is being written
	lost   bool           // nothing more is shown (see Changes)
	faults []string
}

// Format is a way to write a simulation.
type Format interface {
	Info(format string, args ...any)
	Fault(text string)
	Warnings(c *status.Cluster)
	Status(heading string, c *status.Cluster, pending, spacer bool)
	Scores(lines []scheduler.ScoreLine, notices []string, scores, amounts bool)
	Summary(lines []scheduler.SummaryLine)
	Begin(heading string)
	Changes(ch *dryrun.Changes)
	Event(e dryrun.Event)
	End()
	// Finish ends the output; code is the exit code, text what it means.
	Finish(code int, text string)
}

// Finish does nothing: text needs no end.
func (t *Text) Finish(int, string) {}

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
	if x.root == nil {
		x.root = etree.NewElement("pacemaker-result")
		x.root.CreateAttr("api-version", "2.42")
		x.root.CreateAttr("request", x.Request)
	}
	if x.lost {
		return etree.NewElement("lost")
	}
	return x.root
}

// Info says nothing: programs are told facts only.
func (x *XML) Info(string, ...any) {}

// Fault notes an error for the end.
func (x *XML) Fault(text string) { x.faults = append(x.faults, text) }

// Warnings says nothing.
func (x *XML) Warnings(*status.Cluster) {}

// Finish writes everything.
func (x *XML) Finish(code int, text string) {
	x.lost = false
	s := add(x.top(), "status", "code", strconv.Itoa(code), "message", text)
	if len(x.faults) > 0 {
		list := s.CreateElement("errors")
		for _, f := range x.faults {
			list.CreateElement("error").SetText(f)
		}
	}
	_, _ = x.W.Write(xml.Format(x.root))
}

// Scores writes what placement looked at.
func (x *XML) Scores(lines []scheduler.ScoreLine, _ []string, scores, amounts bool) {
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
	list := add(x.top(), tag)
	for _, l := range lines {
		switch l.Function {
		case "capacity":
			if amounts {
				quantities(add(list, "capacity", "node", l.Node, "comment", l.Comment), l.Text)
			}
		case "utilization":
			if amounts {
				quantities(add(list, "utilization", "resource", l.Resource, "node", l.Node, "function", "pcmk__assign_resource"), l.Text)
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

func quantities(e *etree.Element, text string) {
	for _, q := range strings.Fields(text) {
		name, value, _ := strings.Cut(q, "=")
		e.CreateAttr(name, value)
	}
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
	if !x.Quiet && heading == "Executing Cluster Transition" {
		x.list = add(x.top(), "transition")
	}
}

// End closes what Begin opened.
func (x *XML) End() { x.list = nil }

// Changes writes what is set before a simulation. Pacemaker never closes this
// part: nothing that comes after it is shown.
func (x *XML) Changes(ch *dryrun.Changes) {
	if x.Quiet {
		return
	}
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
	if x.Quiet || x.list == nil {
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

// Status writes nodes and resources.
func (x *XML) Status(heading string, c *status.Cluster, pending, _ bool) {
	if x.Quiet {
		return
	}
	e := add(x.top(), strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(heading, "Current ")), " ", "_"))
	nodes := add(e, "nodes")
	for _, n := range c.Nodes {
		nodeXML(nodes, c, n)
	}
	var list *etree.Element
	for _, r := range c.Resources {
		if r.Has(status.Removed) && !c.IsActive(r, true) {
			continue
		}
		if list == nil {
			list = add(e, "resources")
		}
		resourceXML(list, c, r, pending)
	}
	page.Add(e, c, x.Sections)
}

func yes(b bool) string { return strconv.FormatBool(b) }

func nodeXML(list *etree.Element, c *status.Cluster, n *status.Node) {
	kind, host, set := "member", "", ""
	switch {
	case n.IsGuest():
		kind, host = "remote", n.Conn.Launcher.ID
	case n.IsRemote:
		kind = "remote"
	case n.Online && n.ExpectedUp:
		if set = n.Attrs.Value("#feature-set"); set == "" {
			set = "<3.15.1"
		}
	}
	health := [...]string{"red", "yellow", "green"}[c.Health(n)+1]
	add(list, "node", "name", n.Name, "id", n.ID, "online", yes(n.Online), "standby", yes(n.Standby), "standby_onfail", yes(n.StandbyOnFail),
		"maintenance", yes(n.Maintenance), "pending", yes(n.Pending), "unclean", yes(n.Unclean), "health", health, "feature_set?", set,
		"shutdown", yes(n.Shutdown), "expected_up", yes(n.ExpectedUp), "is_dc", yes(n.IsDC),
		"resources_running", strconv.Itoa(len(n.Running)), "type", kind, "id_as_resource?", host)
}

func resourceXML(list *etree.Element, c *status.Cluster, r *status.Resource, pending bool) {
	common := func(more ...string) []string {
		return append([]string{"maintenance", yes(r.Has(status.InMaintenance)), "managed", yes(r.Has(status.Managed))}, more...)
	}
	target, _ := r.Meta.Get("target-role")
	switch r.Kind {
	case status.Group:
		e := add(list, "group", append([]string{"id", r.ID, "number_resources", strconv.Itoa(len(r.Children))}, common("disabled", yes(disabled(r)))...)...)
		for _, k := range r.Children {
			resourceXML(e, c, k, pending)
		}
	case status.Clone:
		role, ok := r.Meta.Get("target-role")
		if !ok && len(r.Children) > 0 {
			role, _ = r.Children[0].Meta.Get("target-role")
		}
		e := add(list, "clone", append([]string{"id", r.ID, "multi_state", yes(r.Has(status.Promotable)), "unique", yes(r.Has(status.Unique))},
			common("disabled", yes(disabled(r)), "failed", yes(r.Has(status.Failed)), "failure_ignored", yes(r.Has(status.FailureIgnored)), "target_role?", role)...)...)
		for _, k := range r.Children {
			resourceXML(e, c, k, pending)
		}
	case status.Bundle:
		b := r.Bundle
		e := add(list, "bundle", append([]string{"id", r.ID, "type", b.Agent, "image", b.Image, "unique", yes(r.Has(status.Unique))},
			common("failed", yes(r.Has(status.Failed)))...)...)
		for _, part := range b.Parts {
			replica := add(e, "replica", "id", strconv.Itoa(part.Offset))
			for _, k := range []*status.Resource{part.IP, part.Child, part.Container, part.Remote} {
				if k != nil {
					resourceXML(replica, c, k, pending)
				}
			}
		}
	default:
		role := r.Role
		if role == status.RoleStarted && top(r).Has(status.Promotable) {
			role = status.RoleUnpromoted
		}
		word, waiting := role.String(), ""
		if pending {
			if p := pendingState(r.PendingTask); p != "" {
				word = p
			}
			if r.PendingTask == "monitor" {
				waiting = "Monitoring"
			}
		}
		locked := ""
		if r.LockNode != nil {
			locked = r.LockNode.Name
		}
		e := add(list, "resource", "id", printable(r), "resource_agent", r.Agent(), "role", word, "target_role?", target,
			"active", yes(c.IsActive(r, true)), "orphaned", yes(r.Has(status.Removed)), "removed", yes(r.Has(status.Removed)),
			"blocked", yes(r.Has(status.Blocked)), "maintenance", yes(r.Has(status.InMaintenance)), "managed", yes(r.Has(status.Managed)),
			"failed", yes(r.Has(status.Failed)), "failure_ignored", yes(r.Has(status.FailureIgnored)),
			"nodes_running_on", strconv.Itoa(len(r.Active)), "pending?", waiting, "locked_to?", locked)
		for _, n := range r.Active {
			add(e, "node", "name", n.Name, "id", n.ID, "cached", yes(n.Online))
		}
	}
}
