// Package option is the table of the cluster's options: what crm_config may hold,
// with types, defaults and what each is for. The policy engine reads options by
// it, and the programs list them.
package option

import "strings"

// Option is one option.
type Option struct {
	Name   string
	Legacy string // the name that it had before, "" for none
	// Type is what its value is, in the words of Pacemaker's meta-data: boolean,
	// duration, integer, nonnegative_integer, percentage, score, select, string,
	// timeout, version.
	Type       string
	Values     []string // of a select
	Default    string   // "" for none
	Advanced   bool     // for experts
	Generated  bool     // set by the cluster itself
	Deprecated bool
	Help       string // a sentence without its full stop
}

// Find gives an option by its present or its former name, nil when there is none.
func Find(name string) *Option {
	for i := range Cluster {
		if o := &Cluster[i]; o.Name == name || o.Legacy != "" && o.Legacy == name {
			return o
		}
	}
	return nil
}

// The daemons of Pacemaker that options belong to, each of which tells of its own.
const (
	CIBManager = "pacemaker-based"
	Controller = "pacemaker-controld"
	Scheduler  = "pacemaker-schedulerd"
)

// Of are the options that belong to a daemon.
func Of(daemon string) []Option {
	var out []Option
	for _, o := range Cluster {
		if o.daemon() == daemon {
			out = append(out, o)
		}
	}
	return out
}

func (o Option) daemon() string {
	switch o.Name {
	case "enable-acl", "cluster-ipc-limit":
		return CIBManager
	case "dc-version", "cluster-infrastructure", "cluster-name", "dc-deadtime", "cluster-recheck-interval", "election-timeout", "shutdown-escalation",
		"join-integration-timeout", "join-finalization-timeout", "transition-delay", "fencing-reaction", "fencing-watchdog-timeout", "fencing-max-attempts",
		"load-threshold", "node-action-limit":
		return Controller
	}
	return Scheduler
}

func one(of string) []string { return strings.Split(of, "|") }

// Cluster are the options of the cluster.
var Cluster = []Option{
	{Name: "dc-version", Type: "version", Generated: true, Help: "Version of the node that coordinates the cluster"},
	{Name: "cluster-infrastructure", Type: "string", Generated: true, Help: "Messaging layer that the cluster runs on"},
	{Name: "cluster-name", Type: "string", Help: "Name of the cluster, for people and for rules"},
	{Name: "dc-deadtime", Type: "duration", Default: "20s", Help: "How long to wait for other nodes' answers during start-up"},
	{Name: "cluster-recheck-interval", Type: "duration", Default: "15min", Help: "How often an idle cluster is looked at again, for time-based rules"},
	{Name: "election-timeout", Type: "duration", Default: "2min", Advanced: true, Help: "How long an election may take"},
	{Name: "shutdown-escalation", Type: "duration", Default: "20min", Advanced: true, Help: "How long a node may take to leave before it is forced to"},
	{Name: "join-integration-timeout", Type: "duration", Default: "3min", Advanced: true, Help: "How long the coordinator waits for nodes to join"},
	{Name: "join-finalization-timeout", Type: "duration", Default: "30min", Advanced: true, Help: "How long the last step of joining may take"},
	{Name: "transition-delay", Type: "duration", Default: "0s", Advanced: true, Help: "Time to wait for more events before acting"},
	{Name: "no-quorum-policy", Type: "select", Values: one("stop|freeze|ignore|demote|fence|suicide"), Default: "stop", Help: "What to do without quorum"},
	{Name: "shutdown-lock", Type: "boolean", Default: "false", Help: "Whether resources stay bound to a node that is shut down"},
	{Name: "shutdown-lock-limit", Type: "duration", Default: "0", Help: "How long such a bond lasts (0: for ever)"},
	{Name: "enable-acl", Type: "boolean", Default: "false", Help: "Whether access control lists restrict who may read and change the CIB"},
	{Name: "symmetric-cluster", Type: "boolean", Default: "true", Help: "Whether resources may run anywhere unless told otherwise"},
	{Name: "maintenance-mode", Type: "boolean", Default: "false", Help: "Whether the cluster keeps its hands off all resources"},
	{Name: "start-failure-is-fatal", Type: "boolean", Default: "true", Help: "Whether one failed start bans a resource from a node"},
	{Name: "enable-startup-probes", Type: "boolean", Default: "true", Deprecated: true, Help: "Whether a starting node is searched for running resources"},
	{Name: "fence-remote-without-quorum", Type: "boolean", Default: "false", Advanced: true, Help: "Whether remote nodes may be fenced without quorum"},
	{Name: "fencing-enabled", Legacy: "stonith-enabled", Type: "boolean", Default: "true", Advanced: true, Help: "Whether nodes may be fenced; without it, shared data are not safe"},
	{Name: "fencing-action", Legacy: "stonith-action", Type: "select", Values: one("reboot|off"), Default: "reboot", Help: "What to do to a node that must be fenced"},
	{Name: "fencing-reaction", Legacy: "fence-reaction", Type: "select", Values: one("stop|panic"), Default: "stop", Help: "What a node does that learns that it was fenced"},
	{Name: "fencing-timeout", Legacy: "stonith-timeout", Type: "duration", Default: "60s", Help: "How long a fencing action may take"},
	{Name: "have-watchdog", Type: "boolean", Default: "false", Generated: true, Help: "Whether nodes have a watchdog (set by the cluster itself)"},
	{Name: "fencing-watchdog-timeout", Legacy: "stonith-watchdog-timeout", Type: "timeout", Default: "0", Help: "After how long a node without quorum counts as fenced by its watchdog (0: never)"},
	{Name: "fencing-max-attempts", Legacy: "stonith-max-attempts", Type: "score", Default: "10", Help: "How often fencing of a node may fail before it is given up"},
	{Name: "concurrent-fencing", Type: "boolean", Default: "true", Deprecated: true, Help: "Whether several nodes may be fenced at the same time"},
	{Name: "startup-fencing", Type: "boolean", Default: "true", Advanced: true, Help: "Whether nodes that were never seen are fenced at start-up"},
	{Name: "priority-fencing-delay", Type: "duration", Default: "0", Help: "Head start for the node with the more important resources"},
	{Name: "node-pending-timeout", Type: "duration", Default: "0", Help: "How long a node that joined the ring may take to join the cluster before it is fenced (0: for ever)"},
	{Name: "cluster-delay", Type: "duration", Default: "60s", Help: "Longest time that a message between nodes takes"},
	{Name: "load-threshold", Type: "percentage", Default: "80%", Help: "Share of a node's capacity beyond which recovery is slowed down"},
	{Name: "node-action-limit", Type: "integer", Default: "0", Help: "Most actions that a node runs at the same time (0: twice its cores)"},
	{Name: "batch-limit", Type: "integer", Default: "0", Help: "Most actions that the cluster runs at the same time (0: by load)"},
	{Name: "migration-limit", Type: "integer", Default: "-1", Help: "Most live migrations of a node at the same time (-1: no limit)"},
	{Name: "cluster-ipc-limit", Type: "nonnegative_integer", Deprecated: true, Help: "How many messages may wait for a client before it is disconnected"},
	{Name: "stop-all-resources", Type: "boolean", Default: "false", Help: "Whether everything is to be stopped"},
	{Name: "stop-removed-resources", Legacy: "stop-orphan-resources", Type: "boolean", Default: "true", Deprecated: true, Help: "Whether resources that were removed are stopped"},
	{Name: "cancel-removed-actions", Legacy: "stop-orphan-actions", Type: "boolean", Default: "true", Deprecated: true, Help: "Whether recurring actions that were removed are stopped"},
	{Name: "pe-error-series-max", Type: "integer", Default: "-1", Help: "How many inputs that led to errors are kept (-1: all)"},
	{Name: "pe-warn-series-max", Type: "integer", Default: "5000", Help: "How many inputs that led to warnings are kept (-1: all)"},
	{Name: "pe-input-series-max", Type: "integer", Default: "4000", Help: "How many other inputs are kept (-1: all)"},
	{Name: "node-health-strategy", Type: "select", Values: one("none|migrate-on-red|only-green|progressive|custom"), Default: "none", Help: "How nodes' health counts"},
	{Name: "node-health-base", Type: "score", Default: "0", Help: "Health that every node begins with"},
	{Name: "node-health-green", Type: "score", Default: "0", Help: "Score of green health"},
	{Name: "node-health-yellow", Type: "score", Default: "0", Help: "Score of yellow health"},
	{Name: "node-health-red", Type: "score", Default: "-INFINITY", Help: "Score of red health"},
	{Name: "placement-strategy", Type: "select", Values: one("default|utilization|minimal|balanced"), Default: "default", Help: "How utilization counts for placement"},
}
