package resource

import (
	"context"
	"strings"

	"hacluster/internal/tool/optionlist"
)

// listOptions shows what may be set for all resources of a kind.
func (c *call) listOptions(context.Context) error {
	l := primitiveMeta
	if c.options.list == "fencing" {
		l = FencingParameters()
	}
	l.Show(c.out, c.all)
	return nil
}

var primitiveMeta = optionlist.List{
	Name:  "primitive-meta",
	Title: "Meta-attributes of primitive resources",
	Help:  "What the cluster itself goes by, for each resource.",
	Options: []optionlist.Option{
		{Name: "priority", Type: "score", Default: "0", Help: "How important the resource is", More: "If not all can run, those of lower priority are stopped"},
		{Name: "critical", Type: "boolean", Default: "true", Help: "Whether the resource pulls along what it is placed with", More: "Default of influence in colocations, and for members of groups"},
		{Name: "target-role", Type: "select", Values: []string{"Stopped", "Started", "Unpromoted", "Promoted"}, Default: "Started", Help: "The role that the resource is to have at most"},
		{Name: "is-managed", Type: "boolean", Default: "true", Help: "Whether the cluster may start, stop, promote and demote the resource"},
		{Name: "maintenance", Type: "boolean", Default: "false", Help: "Whether the cluster keeps its hands off the resource, recurring checks included"},
		{Name: "resource-stickiness", Type: "score", Help: "How much the resource wants to stay where it is", More: "1 for instances of clones, else 0"},
		{Name: "requires", Type: "select", Values: []string{"nothing", "quorum", "fencing", "unfencing"}, Help: "What must be given before the resource may start", More: "Fence devices need quorum only, or nothing where nodes are unfenced; all others fencing, where it is enabled"},
		{Name: "migration-threshold", Type: "score", Default: "INFINITY", Help: "After how many failures a node may not have the resource any more"},
		{Name: "failure-timeout", Type: "duration", Default: "0", Help: "After which time a failure is forgotten", More: "0 is never"},
		{Name: "multiple-active", Type: "select", Values: []string{"block", "stop_only", "stop_start", "stop_unexpected"}, Default: "stop_start", Help: "What is done about a resource that runs in more places than it should"},
		{Name: "allow-migrate", Type: "boolean", Help: "Whether the resource is moved live, by its agent's migrate_to and migrate_from", More: "True for connections to remote nodes, else false"},
		{Name: "allow-unhealthy-nodes", Type: "boolean", Default: "false", Help: "Whether the resource may run where node health forbids it"},
		{Name: "container-attribute-target", Type: "string", Help: "Whose attributes count in a bundle: the container's or, with host, its host's"},
		{Name: "remote-node", Type: "string", Help: "The name of the guest node that the resource makes", More: "It must not be the name of another resource or node"},
		{Name: "remote-addr", Type: "string", Help: "The address at which that guest node is reached", More: "By default its name"},
		{Name: "remote-port", Type: "port", Default: "3121", Help: "The port at which that guest node is reached"},
		{Name: "remote-connect-timeout", Type: "timeout", Default: "60s", Help: "How long connecting to that guest node may take"},
		{Name: "remote-allow-migrate", Type: "boolean", Default: "true", Help: "Whether that guest node's connection may be moved live"},
	},
}

// FencingParameters are what all fence devices have besides their agent's own.
func FencingParameters() optionlist.List {
	l := optionlist.List{
		Name:  "fence-attributes",
		Title: "Parameters of all fence devices",
		Help:  "What the fencer itself goes by, besides the parameters of a device's agent.",
		Options: []optionlist.Option{
			{Name: "pcmk_host_argument", Type: "string", Advanced: true, Help: "The agent's parameter that takes the name of the node", More: "By default port or plug, whichever the agent has; none passes no name"},
			{Name: "pcmk_host_map", Type: "string", Help: "What the device calls each node", More: "For example node1:1;node2:2,3 for ports"},
			{Name: "pcmk_host_list", Type: "string", Help: "The nodes that the device can fence, joined by blanks or commas"},
			{Name: "pcmk_host_check", Type: "select", Values: []string{"dynamic-list", "static-list", "status", "none"}, Help: "How to find out which nodes the device can fence", More: "By default from pcmk_host_list or pcmk_host_map if set, else by asking the device, else every node"},
			{Name: "pcmk_delay_max", Type: "duration", Default: "0s", Help: "The longest time, by chance, to wait before fencing"},
			{Name: "pcmk_delay_base", Type: "string", Default: "0s", Help: "The time to wait at least before fencing, or one for each node", More: "For example node1:1s;node2:5"},
			{Name: "pcmk_action_limit", Type: "integer", Default: "1", Help: "How many actions the device runs at a time", More: "-1 is any number"},
		},
	}
	for action := range strings.FieldsSeq("reboot off on list monitor status") {
		l.Options = append(l.Options,
			optionlist.Option{Name: "pcmk_" + action + "_action", Type: "string", Default: action, Advanced: true, Help: "What the agent calls the action " + action},
			optionlist.Option{Name: "pcmk_" + action + "_timeout", Type: "timeout", Default: "60s", Advanced: true, Help: "How long the action " + action + " may take", More: "In place of fencing-timeout"},
			optionlist.Option{Name: "pcmk_" + action + "_retries", Type: "integer", Default: "2", Advanced: true, Help: "How often the action " + action + " is tried within its time"})
	}
	return l
}
