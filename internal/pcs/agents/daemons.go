package agents

import (
	"fmt"
	"strings"

	"github.com/beevik/etree"

	"hacluster/cib/xml"
)

// option is a line of a daemon's meta-data: name, type ("select:a|b" for one of values), default
// ("-" for none), "+" for advanced use, what it is for.
type option struct{ name, kind, value, mark, desc string }

const actionParams = "reboot off on list monitor status"

var daemonOptions = map[string][]option{
	"pacemaker-based": {
		{"enable-acl", "boolean", "false", "", "Whether access control lists restrict who may read and change the CIB"},
		{"cluster-ipc-limit", "integer", "500", "", "How many messages may wait for a client before it is disconnected"},
	},
	"pacemaker-controld": {
		{"dc-version", "string", "none", "", "Version of the node that coordinates the cluster"},
		{"cluster-infrastructure", "string", "corosync", "", "Messaging layer that the cluster runs on"},
		{"cluster-name", "string", "-", "", "Name of the cluster, for people and for rules"},
		{"dc-deadtime", "time", "20s", "", "How long to wait for other nodes' answers during start-up"},
		{"cluster-recheck-interval", "time", "15min", "", "How often an idle cluster is looked at again, for time-based rules"},
		{"load-threshold", "percentage", "80%", "", "Share of a node's capacity beyond which recovery is slowed down"},
		{"node-action-limit", "integer", "0", "", "Most actions that a node runs at the same time (0: twice its cores)"},
		{"fence-reaction", "select:stop|panic", "stop", "", "What a node does that learns that it was fenced"},
		{"election-timeout", "time", "2min", "+", "How long an election may take"},
		{"shutdown-escalation", "time", "20min", "+", "How long a node may take to leave before it is forced to"},
		{"join-integration-timeout", "time", "3min", "+", "How long the coordinator waits for nodes to join"},
		{"join-finalization-timeout", "time", "30min", "+", "How long the last step of joining may take"},
		{"transition-delay", "time", "0s", "+", "Time to wait for more events before acting"},
		{"stonith-watchdog-timeout", "time", "0", "", "After how long a node without quorum counts as fenced by its watchdog (0: never)"},
		{"stonith-max-attempts", "integer", "10", "", "How often fencing of a node may fail before it is given up"},
		{"no-quorum-policy", "select:stop|freeze|ignore|demote|suicide", "stop", "", "What to do without quorum"},
		{"shutdown-lock", "boolean", "false", "", "Whether resources stay bound to a node that is shut down"},
	},
	"pacemaker-schedulerd": {
		{"no-quorum-policy", "select:stop|freeze|ignore|demote|suicide", "stop", "", "What to do without quorum"},
		{"symmetric-cluster", "boolean", "true", "", "Whether resources may run anywhere unless told otherwise"},
		{"maintenance-mode", "boolean", "false", "", "Whether the cluster keeps its hands off all resources"},
		{"start-failure-is-fatal", "boolean", "true", "", "Whether one failed start bans a resource from a node"},
		{"enable-startup-probes", "boolean", "true", "", "Whether a starting node is searched for running resources"},
		{"shutdown-lock", "boolean", "false", "", "Whether resources stay bound to a node that is shut down"},
		{"shutdown-lock-limit", "time", "0", "", "How long such a bond lasts (0: for ever)"},
		{"stonith-enabled", "boolean", "true", "+", "Whether nodes may be fenced; without it, shared data are not safe"},
		{"stonith-action", "select:reboot|off|poweroff", "reboot", "", "What to do to a node that must be fenced"},
		{"stonith-timeout", "time", "60s", "+", "How long a fencing action may take"},
		{"have-watchdog", "boolean", "false", "", "Whether nodes have a watchdog (set by the cluster itself)"},
		{"concurrent-fencing", "boolean", "false", "", "Whether several nodes may be fenced at the same time"},
		{"startup-fencing", "boolean", "true", "+", "Whether nodes that were never seen are fenced at start-up"},
		{"priority-fencing-delay", "time", "0", "", "Head start for the node with the more important resources"},
		{"cluster-delay", "time", "60s", "", "Longest time that a message between nodes takes"},
		{"batch-limit", "integer", "0", "", "Most actions that the cluster runs at the same time (0: by load)"},
		{"migration-limit", "integer", "-1", "", "Most live migrations of a node at the same time (-1: no limit)"},
		{"stop-all-resources", "boolean", "false", "", "Whether everything is to be stopped"},
		{"stop-orphan-resources", "boolean", "true", "", "Whether resources that were removed are stopped"},
		{"stop-orphan-actions", "boolean", "true", "", "Whether recurring actions that were removed are stopped"},
		{"remove-after-stop", "boolean", "false", "", "Whether a stopped resource's history is forgotten (not to be used)"},
		{"pe-error-series-max", "integer", "-1", "", "How many inputs that led to errors are kept (-1: all)"},
		{"pe-warn-series-max", "integer", "5000", "", "How many inputs that led to warnings are kept (-1: all)"},
		{"pe-input-series-max", "integer", "4000", "", "How many other inputs are kept (-1: all)"},
		{"node-health-strategy", "select:none|migrate-on-red|only-green|progressive|custom", "none", "", "How nodes' health counts"},
		{"node-health-base", "integer", "0", "", "Health that every node begins with"},
		{"node-health-green", "integer", "0", "", "Score of green health"},
		{"node-health-yellow", "integer", "0", "", "Score of yellow health"},
		{"node-health-red", "integer", "-INFINITY", "", "Score of red health"},
		{"placement-strategy", "select:default|utilization|minimal|balanced", "default", "", "How utilization counts for placement"},
	},
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
		p.CreateElement("longdesc").SetText(o.desc)
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
