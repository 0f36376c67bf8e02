package metrics

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
	"hacluster/engine/status"
	"hacluster/internal/output/screen"
)

const prefix = "ha_cluster_"

// infinity is the score that Pacemaker takes for endless.
const infinity = 1000000

// Pacemaker gives the metrics of a CIB as of now: what crm_mon shows of it.
func Pacemaker(cib *etree.Element, now time.Time) ([]Family, error) {
	c := status.Read(status.Input{CIB: cib, Now: now})
	doc, err := xml.ParseString(screen.XML(c, screen.Page{Sections: screen.DefaultXML &^ screen.FencingAll, Inactive: true}, screen.Frame{}))
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	page := doc.Root
	nodes := Family{Name: prefix + "pacemaker_nodes", Help: "The status of each node in the cluster; 1 means the node is in that status, 0 otherwise"}
	for _, n := range page.FindElements("nodes/node") {
		for _, s := range []struct{ status, attr string }{
			{"online", "online"},
			{"standby", "standby"},
			{"standby_onfail", "standby_onfail"},
			{"maintenance", "maintenance"},
			{"pending", "pending"},
			{"unclean", "unclean"},
			{"shutdown", "shutdown"},
			{"expected_up", "expected_up"},
			{"dc", "is_dc"},
		} {
			nodes.add(flag(n, s.attr), "node", n.SelectAttrValue("name", ""), "type", n.SelectAttrValue("type", "unknown"), "status", s.status)
		}
	}
	attributes := Family{Name: prefix + "pacemaker_node_attributes", Help: "Metadata attributes of each node; value is always 1"}
	for _, n := range page.FindElements("node_attributes/node") {
		for _, a := range n.SelectElements("attribute") {
			attributes.add(1, "node", n.SelectAttrValue("name", ""), "name", a.SelectAttrValue("name", ""), "value", a.SelectAttrValue("value", ""))
		}
	}
	r := resources{Family{Name: prefix + "pacemaker_resources", Help: "The status of each resource in the cluster; 1 means the resource is in that status, 0 otherwise"}}
	if all := page.SelectElement("resources"); all != nil {
		r.walk(all, "", "")
	}
	fails := Family{Name: prefix + "pacemaker_fail_count", Help: "The Fail count number per node and resource id"}
	thresholds := Family{Name: prefix + "pacemaker_migration_threshold", Help: "The migration_threshold number per node and resource id"}
	for _, n := range page.FindElements("node_history/node") {
		for _, h := range n.SelectElements("resource_history") {
			node, id := n.SelectAttrValue("name", ""), h.SelectAttrValue("id", "")
			fails.add(score(h.SelectAttrValue("fail-count", "0")), "node", node, "resource", id)
			if t := h.SelectAttrValue("migration-threshold", ""); t != "" {
				v, _ := strconv.ParseFloat(t, 64)
				thresholds.add(v, "node", node, "resource", id)
			}
		}
	}
	stonith := Family{Name: prefix + "pacemaker_stonith_enabled", Help: "Whether or not stonith is enabled"}
	maintenance := Family{Name: prefix + "pacemaker_maintenance_mode_enabled", Help: "Whether or not cluster wide maintenance-mode is enabled"}
	for _, o := range page.FindElements("summary/cluster_options") {
		stonith.add(flag(o, "stonith-enabled"))
		maintenance.add(flag(o, "maintenance-mode"))
	}
	out := []Family{nodes, attributes, r.Family, fails, thresholds, stonith, maintenance, constraints(cib)}
	if written := cib.SelectAttrValue("cib-last-written", ""); written != "" {
		t, err := time.ParseInLocation(time.ANSIC, written, time.Local)
		if err != nil {
			return out, errors.New("cib-last-written: " + written + " is no time")
		}
		f := Family{Name: prefix + "pacemaker_config_last_change", Help: "The timestamp of the last change of the cluster configuration", Counter: true}
		f.add(float64(t.Unix()))
		out = append(out, f)
	}
	return out, nil
}

// resources collects the states of resources.
type resources struct{ Family }

// walk goes through a part of the list; group and clone are what it is in. A
// bundle counts as a clone of its replicas.
func (r *resources) walk(el *etree.Element, group, clone string) {
	for _, e := range el.ChildElements() {
		id := e.SelectAttrValue("id", "")
		switch e.Tag {
		case "group":
			g, _, _ := strings.Cut(id, ":")
			r.walk(e, g, clone)
		case "clone", "bundle":
			r.walk(e, group, id)
		case "replica":
			r.walk(e, group, clone)
		case "resource":
			on := []string{""}
			if list := e.SelectElements("node"); len(list) > 0 {
				on = nil
				for _, n := range list {
					on = append(on, n.SelectAttrValue("name", ""))
				}
			}
			for _, node := range on {
				for _, s := range []string{"active", "orphaned", "blocked", "failed", "failure_ignored"} {
					r.add(flag(e, s), "node", node, "resource", id, "role", strings.ToLower(e.SelectAttrValue("role", "")), "managed", e.SelectAttrValue("managed", "true"),
						"status", s, "agent", e.SelectAttrValue("resource_agent", ""), "group", group, "clone", clone)
				}
			}
		}
	}
}

// constraints gives the scores of location constraints.
func constraints(cib *etree.Element) Family {
	f := Family{Name: prefix + "pacemaker_location_constraints", Help: "Resource location constraints. The value indicates the score."}
	for _, l := range cib.FindElements("configuration/constraints/rsc_location") {
		f.add(score(l.SelectAttrValue("score", "0")), "constraint", l.SelectAttrValue("id", ""), "node", l.SelectAttrValue("node", ""),
			"resource", l.SelectAttrValue("rsc", ""), "role", strings.ToLower(l.SelectAttrValue("role", "")))
	}
	return f
}

func flag(e *etree.Element, name string) float64 {
	if e.SelectAttrValue(name, "") == "true" {
		return 1
	}
	return 0
}

// score reads a score; what Pacemaker takes for endless is.
func score(s string) float64 {
	switch s {
	case "INFINITY", "+INFINITY":
		return math.Inf(1)
	case "-INFINITY":
		return math.Inf(-1)
	}
	n, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || math.IsNaN(n):
		return 0
	case n >= infinity:
		return math.Inf(1)
	case n <= -infinity:
		return math.Inf(-1)
	}
	return n
}
