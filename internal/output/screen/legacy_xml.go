package screen

import (
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/engine/status"
)

// LegacyXML writes a page as crm_mon -X of Pacemaker 1.1.23 did: what later
// releases have more is taken out, what they call otherwise is called as then.
func LegacyXML(c *status.Cluster, o Options) string {
	p := Page{
		Sections: Summary | ClusterOptions | NodeList | Resources | Failures, Inactive: o.Inactive, ByNode: o.ByNode, Detail: o.Detail, Timing: o.Timing,
		BanPrefix: o.BanPrefix, Live: o.Fencing != nil, Fencing: o.Fencing,
	}
	for _, s := range []struct {
		on   bool
		part Sections
	}{
		{o.Attributes, Attributes},
		{o.FailCounts, FailCounts},
		{o.Operations, Operations},
		{o.Tickets, Tickets},
		{o.Bans, Bans},
		{o.FenceLevel > 0, FencingFailed | FencingPending},
		{o.FenceLevel > 1, FencingSucceeded},
	} {
		if s.on {
			p.Sections |= s.part
		}
	}
	if o.NoSummary {
		p.Sections &^= Stack | DC | Times
	}
	if o.NoTimes {
		p.Sections &^= Times
	}
	root := etree.NewElement("crm_mon")
	root.CreateAttr("version", legacyVersion)
	w := &xmlPage{view: newView(c, p), at: root}
	w.page()
	asThen(root)
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\"?>\n")
	writeThen(&b, root, 0)
	return referred(b.String())
}

const legacyVersion = "1.1.23"

// laterOnly are attributes by element that 1.1 did not have.
var laterOnly = map[string][]string{
	"stack":       {"pacemakerd-state"},
	"current_dc":  {"mixed_version"},
	"last_update": {"origin"},
	"cluster_options": {
		"fencing-enabled", "fencing-timeout-ms", "stop-all-resources", "stonith-timeout-ms", "priority-fencing-delay-ms",
	},
	"node":             {"health", "feature_set"},
	"resource":         {"removed", "maintenance", "locked_to", "description"},
	"group":            {"maintenance", "managed", "disabled", "description"},
	"clone":            {"maintenance", "disabled", "description"},
	"bundle":           {"maintenance", "description"},
	"resource_history": {"removed"},
	"ban":              {"promoted-only", "promoted_only"},
}

var thenOptions = []string{"stonith-enabled", "symmetric-cluster", "no-quorum-policy", "maintenance-mode"}

var thenRoles = map[string]string{"Promoted": "Master", "Unpromoted": "Slave"}

// asThen changes a page of today into one of 1.1, in place.
func asThen(e *etree.Element) {
	drop := laterOnly[e.Tag]
	e.Attr = slices.DeleteFunc(e.Attr, func(a etree.Attr) bool { return slices.Contains(drop, a.Key) })
	for i := range e.Attr {
		a := &e.Attr[i]
		switch a.Key {
		case "resource_agent":
			if rest, ok := strings.CutPrefix(a.Value, "ocf:"); ok {
				a.Value = "ocf::" + rest
			}
		case "role", "target_role":
			if w := thenRoles[a.Value]; w != "" {
				a.Value = w
			}
		case "cached": // then it said that the node was offline
			a.Value = map[string]string{"true": "false", "false": "true"}[a.Value]
		}
	}
	switch e.Tag {
	case "nodes_configured":
		e.CreateAttr("expected_votes", "unknown")
	case "cluster_options":
		slices.SortStableFunc(e.Attr, func(a, b etree.Attr) int {
			return slices.Index(thenOptions, a.Key) - slices.Index(thenOptions, b.Key)
		})
	case "failure":
		if rc, ok := status.ParseInt(e.SelectAttrValue("exitcode", "")); ok {
			e.CreateAttr("exitstatus", legacyExit(int(rc)))
		}
		if t, err := time.ParseInLocation("2006-01-02 15:04:05Z07:00", e.SelectAttrValue("last-rc-change", ""), time.Local); err == nil {
			e.CreateAttr("last-rc-change", stamp(t.In(time.Local)))
		}
		for st, text := range statusTexts {
			if text == e.SelectAttrValue("status", "") {
				e.CreateAttr("status", legacyStatus(int(st)))
			}
		}
	case "operation_history":
		if rc, ok := status.ParseInt(e.SelectAttrValue("rc", "")); ok {
			e.CreateAttr("rc_text", legacyExit(int(rc)))
		}
	}
	for _, k := range e.ChildElements() {
		asThen(k)
	}
}

// writeThen writes an element with four spaces a level, and a space before the end of a
// tag.
func writeThen(b *strings.Builder, e *etree.Element, depth int) {
	indent := strings.Repeat("    ", depth)
	b.WriteString(indent + "<" + e.Tag)
	for _, a := range e.Attr {
		b.WriteString(" " + a.Key + `="` + escape(a.Value) + `"`)
	}
	kids := e.ChildElements()
	space := " "
	if e.Tag == "crm_mon" || len(e.Attr) == 0 || e.Tag == "node" && e.Parent() != nil && e.Parent().Tag == "resource" {
		space = ""
	}
	if len(kids) == 0 && len(e.Attr) > 0 {
		b.WriteString(space + "/>\n")
		return
	}
	b.WriteString(space + ">\n")
	for _, k := range kids {
		writeThen(b, k, depth+1)
	}
	b.WriteString(indent + "</" + e.Tag + ">\n")
}

// LegacyLine is the cluster in one line, for monitoring programs, and the exit
// code that goes with it: 0 all is well, 1 something is not.
func LegacyLine(c *status.Cluster) (string, int) {
	var bad []string
	online, standby, maintenance := 0, 0, 0
	if c.DC == nil {
		bad = append(bad, " No DC")
	}
	for _, n := range c.Nodes {
		switch {
		case n.Standby && n.Online:
			standby++
		case n.Maintenance && n.Online:
			maintenance++
		case n.Online:
			online++
		default:
			bad = append(bad, " offline node: "+n.Name)
		}
	}
	if len(bad) > 0 {
		return Inert("CLUSTER WARN:" + strings.Join(bad, ",")), 1
	}
	line := "CLUSTER OK: " + plural(online, "node") + " online"
	if standby > 0 {
		line += ", " + plural(standby, "standby node")
	}
	if maintenance > 0 {
		line += ", " + plural(maintenance, "maintenance node")
	}
	return line + ", " + plural(c.Instances, "resource instance") + " configured", 0
}
