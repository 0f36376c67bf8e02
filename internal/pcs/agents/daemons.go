package agents

import (
	"fmt"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
	table "hacluster/engine/option"
)

// option is a line of a daemon's meta-data: name, type ("select:a|b" for one of values), default
// ("-" for none), "+" for advanced use, what it is for.
type option struct{ name, kind, value, mark, desc string }

const actionParams = "reboot off on list monitor status"

var daemonOptions = map[string][]option{
	"pacemaker-based": append(
		clusterOptions("enable-acl"),
		option{"cluster-ipc-limit", "integer", "500", "", clusterOption("cluster-ipc-limit").Help},
	),
	"pacemaker-controld": append(
		[]option{
			{"dc-version", "string", "none", "", clusterOption("dc-version").Help},
			{"cluster-infrastructure", "string", "corosync", "", clusterOption("cluster-infrastructure").Help},
		},
		clusterOptions(`cluster-name dc-deadtime cluster-recheck-interval load-threshold node-action-limit fence-reaction election-timeout
			shutdown-escalation join-integration-timeout join-finalization-timeout transition-delay stonith-watchdog-timeout
			stonith-max-attempts no-quorum-policy shutdown-lock`)...,
	),
	"pacemaker-schedulerd": clusterOptions(`no-quorum-policy symmetric-cluster maintenance-mode start-failure-is-fatal enable-startup-probes
		shutdown-lock shutdown-lock-limit stonith-enabled stonith-action stonith-timeout have-watchdog concurrent-fencing startup-fencing
		priority-fencing-delay cluster-delay batch-limit migration-limit stop-all-resources stop-orphan-resources stop-orphan-actions
		remove-after-stop pe-error-series-max pe-warn-series-max pe-input-series-max node-health-strategy node-health-base
		node-health-green node-health-yellow node-health-red placement-strategy`),
	"pacemaker-fenced": append([]option{
		{"pcmk_host_argument", "string", "port", "+", "Parameter that names the node to the device, in place of port"},
		{"pcmk_host_map", "string", "", "", "Which port of the device belongs to which node: node1:1;node2:2,3"},
		{"pcmk_host_list", "string", "", "", "Nodes that the device can fence, joined by commas"},
		{"pcmk_host_check", "string", "dynamic-list", "", "How to find out which nodes the device can fence: dynamic-list, static-list, status or none"},
		{"pcmk_delay_max", "time", "0s", "", "Most time to wait, by chance, before fencing"},
		{"pcmk_delay_base", "string", "0s", "", "Time to wait before fencing, or a list such as node1:1s;node2:5"},
		{"pcmk_action_limit", "integer", "1", "", "Most actions that the device runs at the same time (-1: no limit)"},
	}, fenceActions()...),
}

func clusterOption(name string) *table.Option { return table.Find(name) }

// clusterOptions are options of the cluster, under the names and with the types of Pacemaker 2.1.
func clusterOptions(names string) []option {
	var out []option
	for _, name := range strings.Fields(names) {
		if name == "remove-after-stop" { // gone since
			out = append(out, option{name, "boolean", "false", "", "Whether a stopped resource's history is forgotten (not to be used)"})
			continue
		}
		o := clusterOption(name)
		line := option{name: name, kind: o.Type, value: o.Default, desc: o.Help}
		switch o.Type {
		case "duration", "timeout":
			line.kind = "time"
		case "score":
			line.kind = "integer"
		case "select":
			values := strings.Join(o.Values, "|")
			switch name {
			case "no-quorum-policy":
				values = strings.Replace(values, "fence|", "", 1)
			case "stonith-action":
				values += "|poweroff"
			}
			line.kind += ":" + values
		}
		switch {
		case o.Default == "":
			line.value = "-"
		case name == "concurrent-fencing":
			line.value = "false"
		}
		if o.Advanced || name == "stonith-timeout" {
			line.mark = "+"
		}
		out = append(out, line)
	}
	return out
}

func fenceActions() []option {
	var out []option
	for _, a := range strings.Fields(actionParams) {
		out = append(
			out,
			option{"pcmk_" + a + "_action", "string", a, "+", "Action to run in place of " + a},
			option{"pcmk_" + a + "_timeout", "time", "60s", "+", "How long " + a + " may take, in place of stonith-timeout"},
			option{"pcmk_" + a + "_retries", "integer", "2", "+", "How often " + a + " is tried within its time"},
		)
	}
	return out
}

// Builtin is this project's own meta-data of a daemon.
func Builtin(name string) ([]byte, error) {
	options, ok := daemonOptions[name]
	if !ok {
		return nil, fmt.Errorf("Unknown agent")
	}
	root := etree.NewElement("resource-agent")
	root.CreateAttr("name", name)
	root.CreateElement("version").SetText("1.1")
	parameters := root.CreateElement("parameters")
	for _, o := range options {
		p := parameters.CreateElement("parameter")
		p.CreateAttr("name", o.name)
		desc := o.desc
		if o.mark == "+" {
			desc = "Advanced use only: " + desc
		}
		kind, values, selects := strings.Cut(o.kind, ":")
		p.CreateElement("shortdesc").SetText(desc)
		c := p.CreateElement("content")
		c.CreateAttr("type", kind)
		if o.value != "-" {
			c.CreateAttr("default", o.value)
		}
		if selects {
			for _, v := range strings.Split(values, "|") {
				c.CreateElement("option").CreateAttr("value", v)
			}
		}
	}
	return xml.FormatText(root), nil
}
