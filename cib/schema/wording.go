package schema

import (
	"fmt"
	"strings"
)

// renamed tells what became of names that a newer schema refuses; "-": nothing.
var renamed = map[string]string{
	"crmd-finalization-timeout": "join-finalization-timeout", "crmd-integration-timeout": "join-integration-timeout",
	"crmd-transition-delay": "transition-delay", "remove-after-stop": "-", "remove_after_stop": "-",
	"poweroff": "off", "restart-type": "-", "can_fail": "on-fail (an attribute of the operation)",
	"role_after_failure": "on-fail (an attribute of the operation)", "requires": "requires (a meta attribute of the resource)",
	"cluster_recheck_interval": "cluster-recheck-interval", "dc_deadtime": "dc-deadtime", "election_timeout": "election-timeout",
	"no_quorum_policy": "no-quorum-policy", "shutdown_escalation": "shutdown-escalation", "startup_fencing": "startup-fencing",
	"stonith_action": "stonith-action", "stonith_enabled": "stonith-enabled", "stop_orphan_actions": "stop-orphan-actions",
	"stop_orphan_resources": "stop-orphan-resources", "symmetric_cluster": "symmetric-cluster",
	"transition_idle_timeout": "cluster-delay", "expected-quorum-votes": "-", "notification-agent": "-", "notification-recipient": "-",
	"default-action-timeout": "timeout (in op_defaults)", "default_action_timeout": "timeout (in op_defaults)",
	"default-resource-stickiness":         "resource-stickiness (in rsc_defaults)",
	"default_resource_stickiness":         "resource-stickiness (in rsc_defaults)",
	"is-managed-default":                  "is-managed (in rsc_defaults)",
	"is_managed_default":                  "is-managed (in rsc_defaults)",
	"default-migration-threshold":         "migration-threshold (in rsc_defaults)",
	"default_migration_threshold":         "migration-threshold (in rsc_defaults)",
	"pcmk_list_cmd":                       "pcmk_list_action",
	"pcmk_monitor_cmd":                    "pcmk_monitor_action",
	"pcmk_off_cmd":                        "pcmk_off_action",
	"pcmk_on_cmd":                         "pcmk_on_action",
	"pcmk_reboot_cmd":                     "pcmk_reboot_action",
	"pcmk_status_cmd":                     "pcmk_status_action",
	"pcmk_arg_map":                        "pcmk_host_argument",
	"default-resource-failure-stickiness": "migration-threshold (in rsc_defaults)",
	"default_resource_failure_stickiness": "migration-threshold (in rsc_defaults)",
}

// meanings tell what attributes hold that may be any text.
var meanings = map[string]string{
	"interval":   "the time after which the operation is repeated, 0 for once",
	"name":       "a name",
	"value":      "the value",
	"ticket":     "the name of the ticket",
	"path":       "the program that is run for an alert",
	"image":      "the name of the container's image",
	"target-dir": "the folder in the container",
	"source-dir": "the folder on the host",
	"uname":      "the node's name",
	"node":       "the name of a node",
	"type":       "the name of the agent",
	"provider":   "the provider of an OCF agent, such as heartbeat",
	"attribute":  "the name of a node attribute",
	"start":      "a date and time, or a duration before the end",
	"end":        "a date and time",
	"rsc":        "the id of a resource",
	"with-rsc":   "the id of a resource",
	"first":      "the id of a resource",
	"then":       "the id of a resource",
	"template":   "the id of a template",
}

// notations are what people write who know other languages or tools, in small letters, and what a CIB has for it.
var notations = map[string]string{
	"yes": "true", "y": "true", "on": "true", "no": "false", "n": "false", "off": "false",
	"=": "eq", "==": "eq", "!=": "ne", "<>": "ne", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte", "&&": "and", "||": "or",
	"inf": "INFINITY", "+inf": "INFINITY", "infinity": "INFINITY", "+infinity": "INFINITY", "-inf": "-INFINITY", "-infinity": "-INFINITY",
}

// holds tells what an attribute of the type and name may hold.
func (t *valueType) holds(name string) string {
	if what := meanings[name]; what != "" && t.names == reference {
		return what
	}
	return t.says
}

// list joins words: a, b or c.
func list(words []string, last string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}

// meant asks whether one of the words was meant that is near to what was written.
func meant(written string, words []string) string {
	if w := nearest(written, words); w != "" {
		return didYouMean(w)
	}
	return ""
}

func didYouMean(word string) string { return fmt.Sprintf("; did you mean %q?", word) }

// nearest is the word that is near to what was written; "" where none is.
func nearest(written string, words []string) string {
	written = collapse(written)
	best, least := "", max(1, min(3, len(written)/3))+1
	for _, w := range words {
		if w == written {
			continue
		}
		if strings.EqualFold(w, written) || strings.EqualFold(strings.ReplaceAll(w, "-", "_"), strings.ReplaceAll(written, "-", "_")) {
			return w
		}
		if n := edits(strings.ToLower(written), strings.ToLower(w), least); n < least {
			best, least = w, n
		}
	}
	return best
}

// edits counts the letters to insert, delete, replace or swap between a and b; at least
// limit when there are that many.
func edits(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > 200 {
		return limit
	}
	var before, prev []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, prev, row = prev, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
