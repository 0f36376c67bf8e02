package screen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"hacluster/engine/status"
)

// hidden are the beginnings of the attributes' names that are for the cluster only.
var hidden = []string{"fail-count", "last-failure", "shutdown", "terminate", "standby", "probe_complete", "#"}

func (p *legacy) attributes() {
	p.f("\nNode Attributes:\n")
	for _, n := range p.c.Nodes {
		if !n.Online {
			continue
		}
		p.f("* Node %s:\n", p.nodeName(n))
		attrs := slices.Clone(n.Attrs)
		slices.SortFunc(attrs, func(a, b status.Pair) int { return strings.Compare(a.Name, b.Name) })
		for _, a := range attrs {
			if slices.ContainsFunc(hidden, func(h string) bool { return strings.HasPrefix(a.Name, h) }) {
				continue
			}
			p.f("    + %-32s\t: %-10s%s\n", a.Name, a.Value, p.connectivity(n, a))
		}
	}
}

// connectivity judges an attribute that a ping resource keeps.
func (p *legacy) connectivity(n *status.Node, a status.Pair) string {
	for _, r := range n.Running {
		if r.Type != "ping" && r.Type != "pingd" {
			continue
		}
		params := p.c.Params(r, n)
		name, ok := params.Get("name")
		if !ok {
			name = "pingd"
		}
		if !strings.EqualFold(name, a.Name) {
			continue
		}
		each := int64(1)
		if m, ok := status.ParseInt(params.Value("multiplier")); ok {
			each = m
		}
		expected := int64(len(strings.Fields(params.Value("host_list")))) * each
		value, _ := status.ParseInt(a.Value)
		switch {
		case value <= 0:
			return "\t: Connectivity is lost"
		case value < expected:
			return fmt.Sprintf("\t: Connectivity is degraded (Expected=%d)", expected)
		}
	}
	return ""
}

func (p *legacy) history() {
	if p.o.Operations {
		p.f("\nOperations:\n")
	} else {
		p.f("\nMigration Summary:\n")
	}
	if p.c.StatusXML == nil {
		return
	}
	for _, st := range p.c.StatusXML.SelectElements("node_state") {
		n := p.c.FindNodeBy(st.SelectAttrValue("id", ""), st.SelectAttrValue("uname", ""))
		if n == nil || !n.Online {
			continue
		}
		p.f("* Node %s:\n", p.nodeName(n))
		for e := range n.History() {
			p.resourceHistory(n, e)
		}
	}
}

func (p *legacy) resourceHistory(n *status.Node, e *etree.Element) {
	id := e.SelectAttrValue("id", "")
	r := p.c.FindExact(id)
	if r == nil {
		r = p.c.Find(id)
	}
	var ops []*etree.Element
	if p.o.Operations {
		for _, op := range p.c.SortHistory(e) {
			task, interval := op.SelectAttrValue("operation", ""), op.SelectAttrValue("interval", "0")
			if task == "notify" || task == "monitor" && interval == "0" && op.SelectAttrValue("rc-code", "") == "7" {
				continue
			}
			ops = append(ops, op)
		}
	}
	if r == nil {
		if len(ops) > 0 {
			p.f("   %s: orphan\n", id)
			p.operations(ops)
		}
		return
	}
	count, last := p.c.FailCount(n, r, status.FailEffective, nil)
	if !p.o.Operations && count <= 0 && last <= 0 || p.o.Operations && len(ops) == 0 && count <= 0 {
		return
	}
	p.f("   %s: migration-threshold=%d", id, r.FailureLimit)
	if count > 0 {
		p.f(" fail-count=%s", scoreText(count))
	}
	if last > 0 {
		p.f(" last-failure='%s'", stampOf(fmt.Sprint(last)))
	}
	p.f("\n")
	p.operations(ops)
}

func scoreText(n int) string {
	if n >= status.Infinity {
		return fmt.Sprint(status.Infinity)
	}
	return fmt.Sprint(n)
}

func (p *legacy) operations(ops []*etree.Element) {
	for _, op := range ops {
		get := func(name string) string { return op.SelectAttrValue(name, "") }
		task := get("operation")
		if task == "monitor" && get("interval") == "0" {
			task = "probe"
		}
		p.f("    + (%s) %s:", get("call-id"), task)
		if i := get("interval"); i != "0" && i != "" {
			p.f(" interval=%sms", i)
		}
		if p.o.Timing {
			if t := get("last-rc-change"); t != "" {
				p.f(" last-rc-change='%s'", stampOf(t))
			}
			if t := get("last-run"); t != "" {
				p.f(" last-run='%s'", stampOf(t))
			}
			if t := get("exec-time"); t != "" {
				p.f(" exec-time=%sms", t)
			}
			if t := get("queue-time"); t != "" {
				p.f(" queue-time=%sms", t)
			}
		}
		rc, _ := status.ParseInt(get("rc-code"))
		p.f(" rc=%d (%s)\n", rc, legacyExit(int(rc)))
	}
}

func legacyExit(rc int) string {
	texts := map[int]string{
		0: "ok", 1: "unknown error", 2: "invalid parameter", 3: "unimplemented feature", 4: "insufficient privileges", 5: "not installed",
		6: "not configured", 7: "not running", 8: "master", 9: "master (failed)", 194: "OCF_SIGNAL", 195: "OCF_NOT_SUPPORTED", 196: "OCF_PENDING",
		197: "OCF_CANCELLED", 198: "OCF_TIMEOUT", 199: "OCF_OTHER_ERROR", 190: "OCF_DEGRADED", 191: "OCF_DEGRADED_MASTER",
	}
	if t, ok := texts[rc]; ok {
		return t
	}
	return "unknown"
}

func legacyStatus(s int) string {
	texts := map[int]string{-1: "pending", 0: "complete", 1: "Cancelled", 2: "Timed Out", 3: "NOT SUPPORTED", 4: "Error", 7: "Not installed"}
	if t, ok := texts[s]; ok {
		return t
	}
	return "UNKNOWN!"
}

func (p *legacy) failures() {
	if len(p.c.Failures) == 0 {
		return
	}
	p.f("\nFailed Resource Actions:\n")
	for _, f := range p.c.Failures {
		get := func(name string) string { return f.XML.SelectAttrValue(name, "") }
		rc, _ := status.ParseInt(get("rc-code"))
		st, _ := status.ParseInt(get("op-status"))
		key := get("operation_key")
		if key == "" {
			key = get("id")
		}
		reason := "none"
		if a := f.XML.SelectAttr("exit-reason"); a != nil {
			reason = a.Value
		}
		p.f("* %s on %s '%s' (%d): call=%s, status=%s, exitreason='%s'", key, f.Node.Name, legacyExit(int(rc)), rc, get("call-id"), legacyStatus(int(st)), reason)
		if t := get("last-rc-change"); t != "" {
			ms := func(name string) string {
				if v := get(name); v != "" {
					return v + "ms"
				}
				return "(null)ms"
			}
			p.f(",\n    last-rc-change='%s', queued=%s, exec=%s", stampOf(t), ms("queue-time"), ms("exec-time"))
		}
		p.f("\n")
	}
}

func (p *legacy) tickets() {
	p.f("\nTickets:\n")
	for _, t := range p.c.Tickets {
		word := "revoked"
		if t.Granted {
			word = "granted"
		}
		p.f("* %s:\t%s", t.ID, word)
		if t.Standby {
			p.f(" [standby]")
		}
		if t.LastGranted >= 0 {
			p.f(" last-granted='%s'", stampOf(fmt.Sprint(t.LastGranted)))
		}
		p.f("\n")
	}
}

func (p *legacy) bans() {
	p.f("\nNegative Location Constraints:\n")
	for _, l := range slices.Backward(p.c.Locations) {
		if !strings.HasPrefix(l.ID, p.o.BanPrefix) {
			continue
		}
		for _, n := range l.Nodes {
			if n.Score < 0 {
				as := ""
				if l.Role == status.RolePromoted {
					as = "as Master "
				}
				p.f(" %s\tprevents %s from running %son %s\n", l.ID, l.Resource.ID, as, n.Node.Name)
			}
		}
	}
}

var fencingWords = map[string]string{"on": "unfencing", "off": "turning off", "": "fencing"}

func fencingWord(action string) string {
	if w, ok := fencingWords[action]; ok {
		return w
	}
	return action
}

func (p *legacy) failedFencing() {
	first := true
	for i, f := range p.o.Fencing {
		if f.State != "failed" {
			continue
		}
		if first {
			p.f("\nFailed Fencing Actions:\n")
			first = false
		}
		later := slices.ContainsFunc(p.o.Fencing[:i], func(o Fencing) bool {
			return o.Target == f.Target && o.Action == f.Action && o.State == "success"
		})
		p.f("* %s of %s failed: delegate=%s, client=%s, origin=%s,\n    %s='%s' ", fencingWord(f.Action), f.Target, f.Delegate, f.Client, f.Origin, p.finished("last-failed"), stamp(f.At))
		if later {
			p.f("(a later attempt succeeded)")
		}
		p.f("\n")
	}
}

func (p *legacy) finished(word string) string {
	if p.o.FenceLevel == 3 {
		return "completed"
	}
	return word
}

func (p *legacy) fencingHistory() {
	p.f("\nFencing History:\n")
	for _, f := range p.o.Fencing {
		switch f.State {
		case "pending":
			p.f("* %s of %s pending: client=%s, origin=%s\n", fencingWord(f.Action), f.Target, f.Client, f.Origin)
		case "success":
			p.f("* %s of %s successful: delegate=%s, client=%s, origin=%s,\n    %s='%s'\n", fencingWord(f.Action), f.Target, f.Delegate, f.Client, f.Origin, p.finished("last-successful"), stamp(f.At))
		}
	}
}

func (p *legacy) pendingFencing() {
	first := true
	for _, f := range p.o.Fencing {
		if f.State != "pending" {
			continue
		}
		if first {
			p.f("\nPending Fencing Actions:\n")
			first = false
		}
		p.f("* %s of %s pending: client=%s, origin=%s\n", fencingWord(f.Action), f.Target, f.Client, f.Origin)
	}
}
