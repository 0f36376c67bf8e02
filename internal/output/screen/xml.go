package screen

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
	"hacluster/engine/status"
)

// xmlPage writes a page as XML.
type xmlPage struct {
	*view
	at *etree.Element // the innermost element that is not ended yet
}

// Frame is what stands around a page of XML.
type Frame struct {
	Request string // the command line, as program.Env.Request gives it
	Old     bool   // the frame of releases before 2.0.4
	Code    int64
	Errors  []string
	// Version, where it is asked for, is the content.
	Version *Version
}

// version of Pacemaker whose output this is, and of its XML.
const (
	pacemakerVersion = "3.0.2"
	apiVersion       = "2.42"
)

// XML writes a page as XML; without a cluster (nil) only the frame.
func XML(c *status.Cluster, p Page, f Frame) string {
	root := etree.NewElement("pacemaker-result")
	w := &xmlPage{at: root}
	if f.Old {
		root.Tag = "crm_mon"
		w.attr("version", pacemakerVersion)
	} else {
		w.attr("api-version", apiVersion)
		w.attr("request", f.Request)
	}
	if c != nil {
		p.Inactive, p.Timing, p.Brief = true, true, false
		w.view = newView(c, p)
		w.page()
	}
	if v := f.Version; v != nil {
		w.leaf("version", "program", v.Program, "version", v.Number, "author", v.Authors, "build", v.Build, "features", v.Features)
	}
	if !f.Old {
		w.begin("status", "code", strconv.FormatInt(f.Code, 10), "message", ExitText(f.Code))
		if len(f.Errors) > 0 {
			w.begin("errors")
			for _, e := range f.Errors {
				w.at.CreateElement("error").SetText(e)
			}
			w.end()
		}
		w.end()
	}
	return referred(string(xml.Pretty(root)))
}

// referred writes characters that would steer a terminal as references by their number: the
// same to who reads XML, and inert to who looks at it. What XML does not allow stays visible as text.
func referred(s string) string {
	hides := func(r rune) bool { return r != '\n' && steers(r) }
	if !strings.ContainsFunc(s, hides) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !hides(r):
			b.WriteRune(r)
		case r < ' ' && r != '\r':
			b.WriteString(Inert(string(r)))
		default:
			fmt.Fprintf(&b, "&#x%x;", r)
		}
	}
	return b.String()
}

var escaper = strings.NewReplacer("<", "&lt;", ">", "&gt;", "&", "&amp;", `"`, "&quot;", "\t", "&#9;", "\n", "&#10;", "\r", "&#13;")

func escape(s string) string { return escaper.Replace(s) }

// begin starts an element with attributes: names and values in turns.
func (w *xmlPage) begin(name string, attrs ...string) {
	w.at = w.at.CreateElement(name)
	for i := 0; i+1 < len(attrs); i += 2 {
		w.attr(attrs[i], attrs[i+1])
	}
}

func (w *xmlPage) attr(name, value string) { w.at.CreateAttr(name, value) }

// copy repeats an attribute of an element, where it has it, with what is put behind its value.
func (w *xmlPage) copy(of *etree.Element, name, attr, unit string) {
	if a := of.SelectAttr(attr); a != nil {
		w.attr(name, a.Value+unit)
	}
}

func (w *xmlPage) end() { w.at = w.at.Parent() }

func (w *xmlPage) leaf(name string, attrs ...string) {
	w.begin(name, attrs...)
	w.end()
}

func yes(b bool) string { return strconv.FormatBool(b) }

func (w *xmlPage) page() {
	s := w.Sections
	if w.c.DC == nil {
		s |= DC
	}
	if s.has(Summary | ClusterOptions) {
		w.summary(s)
	}
	if s.has(NodeList) {
		w.nodeList()
	}
	if s.has(Resources) {
		w.resourceList()
	}
	if s.has(Attributes) {
		w.attributes()
	}
	if s.has(Operations | FailCounts) {
		w.history()
	}
	if s.has(Failures) {
		w.failed()
	}
	if s.has(FencingAll) && w.Live {
		w.fencing(s)
	}
	if s.has(Tickets) {
		w.ticketList()
	}
	if s.has(Bans) {
		w.banList()
	}
}

func (w *xmlPage) summary(s Sections) {
	c := w.c
	if !s.has(Stack|DC|Times|Counts|ClusterOptions) && !s.has(MaintMode) {
		return
	}
	opened := false
	leaf := func(part Sections, name string, attrs ...string) {
		if !s.has(part) {
			return
		}
		if !opened {
			w.begin("summary")
			opened = true
		}
		w.leaf(name, attrs...)
	}
	var state []string
	if name, told := stackOf(c); told {
		state = append(state, "type", name)
	}
	if w.Live {
		daemon, _ := w.launcher()
		state = append(state, "pacemakerd-state", daemon)
	}
	leaf(Stack, "stack", state...)
	if c.DC == nil {
		leaf(DC, "current_dc", "present", "false")
	} else {
		leaf(DC, "current_dc", "present", "true", "version", versionOf(c, ""), "name", c.DC.Name, "id", c.DC.ID, "with_quorum", yes(c.Quorate),
			"mixed_version", yes(w.mixedVersions()))
	}
	updated := []string{"time", stamp(c.Now)}
	if w.LocalNode != "" {
		updated = append(updated, "origin", w.LocalNode)
	}
	leaf(Times, "last_update", updated...)
	get := func(name string) string { return c.CIB.SelectAttrValue(name, "") }
	leaf(Times, "last_change", "time", get("cib-last-written"), "user", get("update-user"), "client", get("update-client"), "origin", get("update-origin"))
	leaf(Counts, "nodes_configured", "number", strconv.Itoa(len(c.Nodes)))
	leaf(Counts, "resources_configured", "number", strconv.Itoa(c.Instances), "disabled", strconv.Itoa(c.Disabled), "blocked", strconv.Itoa(c.Blocked))
	o := &c.Options
	timeout, _ := status.ParseInterval(o.Values.Value("fencing-timeout"))
	timeout = min(timeout, math.MaxUint32)
	leaf(ClusterOptions, "cluster_options", "fencing-enabled", yes(o.FencingEnabled), "fencing-timeout-ms", strconv.FormatInt(timeout, 10),
		"symmetric-cluster", yes(o.Symmetric), "no-quorum-policy", o.QuorumPolicy.String(), "maintenance-mode", yes(o.Maintenance),
		"stop-all-resources", yes(o.StopAll), "priority-fencing-delay-ms", strconv.FormatUint(uint64(o.PriorityFencingDelay), 10),
		"stonith-enabled", yes(o.FencingEnabled), "stonith-timeout-ms", strconv.FormatInt(timeout, 10))
	if opened {
		w.end()
	}
}

func (w *xmlPage) nodeList() {
	w.begin("nodes")
	for _, n := range w.c.Nodes {
		if !w.nodes.hasFold(n.Name) {
			continue
		}
		health := "green"
		switch h := w.c.Health(n); {
		case h < 0:
			health = "red"
		case h == 0:
			health = "yellow"
		}
		kind := "member"
		if n.IsRemote {
			kind = "remote"
		}
		w.begin("node", "name", n.Name, "id", n.ID, "online", yes(n.Online), "standby", yes(n.Standby), "standby_onfail", yes(n.StandbyOnFail),
			"maintenance", yes(n.Maintenance), "pending", yes(n.Pending), "unclean", yes(n.Unclean), "health", health)
		if f := featureSet(n); f != "" {
			w.attr("feature_set", f)
		}
		for _, a := range []struct{ name, value string }{
			{"shutdown", yes(n.Shutdown)},
			{"expected_up", yes(n.ExpectedUp)},
			{"is_dc", yes(n.IsDC)},
			{"resources_running", strconv.Itoa(len(n.Running))},
			{"type", kind},
		} {
			w.attr(a.name, a.value)
		}
		if n.IsGuest() {
			w.attr("id_as_resource", n.Conn.Launcher.ID)
		}
		if w.ByNode {
			for _, r := range n.Running {
				w.resource(r, w.only, true)
			}
		}
		w.end()
	}
	w.end()
}

// resourceList lists the resources; it tells whether there are any.
func (w *xmlPage) resourceList() bool {
	list := w.listed(false)
	if len(list) == 0 {
		return false
	}
	w.begin("resources")
	for _, r := range list {
		w.resource(r, w.only, false)
	}
	w.end()
	return true
}

func (w *xmlPage) resource(r *status.Resource, only names, byNode bool) {
	if w.filtered(r, only, true) {
		return
	}
	switch r.Kind {
	case status.Primitive:
		w.primitive(r, byNode)
	case status.Group:
		w.group(r, only)
	case status.Clone:
		w.clone(r, only)
	case status.Bundle:
		w.bundle(r, only)
	}
}

// xmlAgent is an agent as XML has it, also of a removed resource that has lost parts of its name.
func xmlAgent(r *status.Resource) string {
	if r.Class != "" && r.Type != "" {
		return r.Agent()
	}
	return cmp.Or(r.Class, "(null)") + ":" + cmp.Or(r.Type, "(null)")
}

func (w *xmlPage) primitive(r *status.Resource, byNode bool) {
	removed := yes(r.Has(status.Removed))
	w.begin("resource", "id", shownID(r), "resource_agent", xmlAgent(r), "role", w.stateWord(r))
	if t, ok := r.Meta.Get("target-role"); ok {
		w.attr("target_role", t)
	}
	for _, a := range [][2]string{
		{"active", yes(w.c.IsActive(r, true))},
		{"orphaned", removed},
		{"removed", removed},
		{"blocked", yes(r.Has(status.Blocked))},
		{"maintenance", yes(r.Has(status.InMaintenance))},
		{"managed", yes(r.Has(status.Managed))},
		{"failed", yes(r.Has(status.Failed))},
		{"failure_ignored", yes(r.Has(status.FailureIgnored))},
		{"nodes_running_on", strconv.Itoa(len(r.Active))},
	} {
		w.attr(a[0], a[1])
	}
	if r.PendingTask == "monitor" && !w.NoPending {
		w.attr("pending", "Monitoring")
	}
	if r.LockNode != nil {
		w.attr("locked_to", r.LockNode.Name)
	}
	w.describe(r, byNode)
	for _, n := range r.Active {
		w.leaf("node", "name", n.Name, "id", n.ID, "cached", yes(n.Online))
	}
	w.end()
}

func (w *xmlPage) describe(r *status.Resource, byNode bool) {
	if d := w.description(r, byNode); d != "" {
		w.attr("description", d)
	}
}

func (w *xmlPage) group(r *status.Resource, only names) {
	first := true
	for i, m := range r.Children {
		if w.skipMember(r, m, only) {
			continue
		}
		if first {
			first = false
			w.begin("group", "id", r.ID, "number_resources", strconv.Itoa(len(r.Children)-i), "maintenance", yes(r.Has(status.InMaintenance)),
				"managed", yes(r.Has(status.Managed)), "disabled", yes(r.Disabled()))
			w.describe(r, false)
		}
		w.resource(m, only, false)
	}
	if !first {
		w.end()
	}
}

func (w *xmlPage) clone(r *status.Resource, only names) {
	whole := w.named(r, only)
	first := true
	for _, k := range r.Children {
		if w.offFilter(k) || w.filtered(k, only, whole) {
			continue
		}
		if first {
			first = false
			w.begin("clone", "id", r.ID, "multi_state", yes(r.Has(status.Promotable)), "unique", yes(r.Has(status.Unique)),
				"maintenance", yes(r.Has(status.InMaintenance)), "managed", yes(r.Has(status.Managed)), "disabled", yes(r.Disabled()),
				"failed", yes(r.Has(status.Failed)), "failure_ignored", yes(r.Has(status.FailureIgnored)))
			if t, ok := targetRole(r); ok {
				w.attr("target_role", t)
			}
			w.describe(r, false)
		}
		w.resource(k, everything, false)
	}
	if !first {
		w.end()
	}
}

// targetRole is the target role of a clone or, without one, of its instances.
func targetRole(r *status.Resource) (string, bool) {
	t, ok := r.Meta.Get("target-role")
	if !ok && len(r.Children) > 0 {
		t, ok = r.Children[0].Meta.Get("target-role")
	}
	return t, ok
}

func (w *xmlPage) bundle(r *status.Resource, only names) {
	whole := only.has(r.ID)
	first := true
	for _, p := range r.Bundle.Parts {
		if p.Container != nil && w.offFilter(p.Container) {
			continue
		}
		list := slices.DeleteFunc(parts(p), func(k *status.Resource) bool { return w.filtered(k, only, whole) })
		if !whole && len(list) == 0 {
			continue
		}
		if first {
			first = false
			w.begin("bundle", "id", r.ID, "type", r.Bundle.Agent, "image", r.Bundle.Image, "unique", yes(r.Has(status.Unique)),
				"maintenance", yes(r.Has(status.InMaintenance)), "managed", yes(r.Has(status.Managed)), "failed", yes(r.Has(status.Failed)))
			w.describe(r, false)
		}
		w.begin("replica", "id", strconv.Itoa(p.Offset))
		for _, k := range list {
			w.resource(k, only, false)
		}
		w.end()
	}
	if !first {
		w.end()
	}
}

// Add adds nodes, resources and the sections about nodes and operations that are
// asked for to an element: Attributes, FailCounts, Failures.
func Add(at *etree.Element, c *status.Cluster, p Page) {
	p.Inactive, p.Timing = true, true
	w := &xmlPage{at: at, view: newView(c, p)}
	w.nodeList()
	w.resourceList()
	if p.Sections.has(Attributes) {
		w.attributes()
	}
	if p.Sections.has(FailCounts) {
		w.history()
	}
	if p.Sections.has(Failures) {
		w.failed()
	}
}

func (w *xmlPage) attributes() {
	opened := false
	for _, n := range w.c.Nodes {
		list := attributesOf(n)
		if !n.Online || !w.nodes.hasFold(n.Name) || len(list) == 0 {
			continue
		}
		if !opened {
			opened = true
			w.begin("node_attributes")
		}
		w.begin("node", "name", n.Name)
		for _, a := range list {
			w.begin("attribute", "name", a.Name, "value", a.Value)
			if e, ok := w.connectivity(n, a.Name); ok {
				w.attr("expected", strconv.FormatInt(e, 10))
			}
			w.end()
		}
		w.end()
	}
	if opened {
		w.end()
	}
}

func (w *xmlPage) history() {
	list := w.histories()
	if len(list) == 0 {
		return
	}
	w.begin("node_history")
	for _, h := range list {
		if len(h.list) == 0 {
			continue
		}
		w.begin("node", "name", h.node.Name)
		for _, rh := range h.list {
			w.begin("resource_history", "id", rh.id, "orphan", "false", "removed", "false", "migration-threshold", strconv.Itoa(rh.r.FailureLimit))
			if rh.fails > 0 {
				w.attr("fail-count", scoreText(rh.fails))
			}
			if rh.last > 0 {
				w.attr("last-failure", stamp(time.Unix(rh.last, 0)))
			}
			for _, op := range rh.ops {
				w.begin("operation_history")
				w.copy(op, "call", "call-id", "")
				if op.SelectAttr("operation") != nil {
					w.attr("task", taskOf(op))
				}
				w.attr("rc", strconv.FormatInt(rcOf(op), 10))
				w.attr("rc_text", ExitText(rcOf(op)))
				if !once(op) {
					w.copy(op, "interval", "interval", "ms")
				}
				if t := changedAt(op); t != "" {
					w.attr("last-rc-change", t)
				}
				w.copy(op, "exec-time", "exec-time", "ms")
				w.copy(op, "queue-time", "queue-time", "ms")
				w.end()
			}
			w.end()
		}
		w.end()
	}
	w.end()
}

func (w *xmlPage) failed() {
	list := w.failures()
	if len(list) == 0 {
		return
	}
	w.begin("failures")
	for _, f := range list {
		get := func(name string) string { return f.XML.SelectAttrValue(name, "") }
		rc, st := rcOf(f.XML), atLeast0(f.XML, "op-status")
		reason := "none"
		if a := f.XML.SelectAttr("exit-reason"); a != nil {
			reason = escape(a.Value)
		}
		key := "op_key"
		if f.XML.SelectAttr("operation_key") == nil {
			key = "id"
		}
		w.begin("failure", key, historyKey(f.XML), "node", f.Node.Name, "exitstatus", ExitText(rc), "exitreason", reason,
			"exitcode", strconv.FormatInt(rc, 10))
		w.copy(f.XML, "call", "call-id", "")
		w.attr("status", statusText(st))
		if t, ok := status.ParseInt(get("last-rc-change")); ok && t > 0 {
			w.attr("last-rc-change", zoned(time.Unix(t, 0)))
			for _, a := range [][2]string{{"queued", "queue-time"}, {"exec", "exec-time"}} {
				w.copy(f.XML, a[0], a[1], "")
			}
			interval, _ := status.ParseInt(get("interval"))
			w.attr("interval", fmt.Sprint(uint32(interval)))
			w.copy(f.XML, "task", "operation", "")
		}
		w.end()
	}
	w.end()
}

func (w *xmlPage) fencing(s Sections) {
	if w.FencingErr != nil {
		w.leaf("fence_history", "status", strconv.FormatInt(fencingCode(w.FencingErr), 10))
		return
	}
	w.begin("fence_history")
	for _, f := range w.Fencing {
		part := map[string]Sections{"failed": FencingFailed, "success": FencingSucceeded}[f.State]
		if part == 0 {
			part = FencingPending
		}
		if !s.has(part) {
			continue
		}
		w.begin("fence_event", f.Attributes()...)
		w.end()
	}
	w.end()
}

func (w *xmlPage) ticketList() {
	list := w.ticketOrder()
	if len(list) == 0 {
		return
	}
	w.begin("tickets")
	for _, t := range list {
		word := "revoked"
		if t.Granted {
			word = "granted"
		}
		used := []string{"id", "status", "standby"}
		w.begin("ticket", "id", t.ID, "status", word, "standby", yes(t.Standby))
		if t.LastGranted >= 0 {
			used = append(used, "last-granted")
			w.attr("last-granted", stamp(time.Unix(t.LastGranted, 0)))
		}
		keys := make([]string, len(t.Attrs))
		for i := range t.Attrs {
			keys[i] = t.Attrs[i].Name
		}
		for _, i := range status.HashOrder(keys) {
			if a := t.Attrs[i]; a.Name != "last-granted" && a.Name != "expires" && !slices.Contains(used, a.Name) {
				w.attr(a.Name, a.Value)
			}
		}
		w.end()
	}
	w.end()
}

func (w *xmlPage) banList() {
	list := w.bans()
	if len(list) == 0 {
		return
	}
	w.begin("bans")
	for _, b := range list {
		promoted := yes(b.Role == status.RolePromoted)
		w.leaf("ban", "id", b.ID, "resource", b.Resource.ID, "node", b.node.Name, "weight", strconv.Itoa(b.score), "promoted-only", promoted, "master_only", promoted)
	}
	w.end()
}
