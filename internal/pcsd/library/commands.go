package library

import (
	"encoding/json"
	"strings"
)

// fields splits names of parameters; those with a question mark may be left out.
func fields(names string) (required, optional []string) {
	for n := range strings.FieldsSeq(names) {
		if o, ok := strings.CutSuffix(n, "?"); ok {
			optional = append(optional, o)
		} else {
			required = append(required, n)
		}
	}
	return required, optional
}

func command(need, names string, plan func(p *params) Call) Command {
	c := Command{Need: need, plan: plan}
	c.required, c.optional = fields(names)
	return c
}

func native(need, names, name string) Command {
	c := Command{Need: need, native: name}
	c.required, c.optional = fields(names)
	return c
}

// simple is a command whose words are those of line and then its parameters'.
func simple(need, line string, names ...string) Command {
	return command(need, strings.Join(names, " "), func(p *params) Call {
		w := strings.Fields(line)
		for _, n := range names {
			w = append(w, p.word(n))
		}
		return one(w)
	})
}

func permissions(p *params) []string {
	var raw [][]string
	if p.has("permission_info_list") && json.Unmarshal(p.raw["permission_info_list"], &raw) != nil {
		p.fail("permission_info_list", "a list of lists of three texts")
	}
	var out []string
	for _, x := range raw {
		if len(x) != 3 {
			p.fail("permission_info_list", "a list of lists of three texts")
			continue
		}
		out = append(out, x...)
	}
	return out
}

// described is a parameter that may be empty, as name=value; null is not to be changed.
func described(p *params, name, as string) []string {
	if !p.has(name) {
		return nil
	}
	return []string{as + "=" + p.text(name)}
}

// operations are words for a resource's operations.
func operations(p *params, name string) []string {
	var out []string
	for _, op := range p.each(name) {
		var action string
		if json.Unmarshal(op["name"], &action) != nil || action == "" {
			p.fail(name, "a list of operations with a name each")
			continue
		}
		delete(op, "name")
		data, err := json.Marshal(op)
		if err != nil {
			p.fail(name, "a list of operations with a name each")
			continue
		}
		if out == nil {
			out = []string{"op"}
		}
		out = append(append(out, action), p.pairsOf(name, data)...)
	}
	return out
}

const creation = "operation_list meta_attributes instance_attributes ensure_disabled? use_default_operations? wait? allow_absent_agent? allow_invalid_operation? allow_invalid_instance_attributes? allow_not_suitable_command? enable_agent_self_validation?"

// created are the words of a new resource and its options.
func created(p *params, noun, id, agent, ops string) []string {
	p.option("ensure_disabled", "--disabled")
	p.option("enable_agent_self_validation", "--agent-validation")
	if _, given := p.raw["use_default_operations"]; given && !p.truth("use_default_operations") {
		p.options = append(p.options, "--no-default-ops")
	}
	for _, n := range []string{"allow_absent_agent", "allow_invalid_operation", "allow_invalid_instance_attributes", "allow_not_suitable_command"} {
		if p.truth(n) {
			p.options = append(p.options, "--force")
			break
		}
	}
	p.wait("wait")
	return words(noun+" create", []string{p.word(id), p.word(agent)}, p.pairs("instance_attributes"), operations(p, ops), keyword("meta", p.pairs("meta_attributes")))
}

// adjacent says where in a group a resource goes.
func adjacent(p *params) {
	if v := p.text("adjacent_resource_id"); v != "" {
		o := "--before"
		if p.truth("put_after_adjacent") {
			o = "--after"
		}
		p.options = append(p.options, o+"="+v)
	}
}

func inGroup(noun, id, agent, ops string) func(p *params) Call {
	return func(p *params) Call {
		w := created(p, noun, id, agent, ops)
		p.options = append(p.options, "--group="+p.word("group_id"))
		adjacent(p)
		return one(w)
	}
}

// moves are the verbs that place a resource.
func moves(verb string) func(p *params) Call {
	return func(p *params) Call {
		p.option("master", "--promoted")
		p.option("strict", "--strict")
		p.option("expired", "--expired")
		if _, given := p.raw["wait_timeout"]; given {
			if t := p.text("wait_timeout"); t == "0" || t == "" {
				p.options = append(p.options, "--wait")
			} else if t != "-1" {
				p.options = append(p.options, "--wait="+t)
			}
		}
		p.wait("wait")
		w := words("resource "+verb, []string{p.word("resource_id")})
		if n := p.text("node"); n != "" {
			w = append(w, n)
		}
		if l := p.text("lifetime"); l != "" {
			w = append(w, "lifetime="+l)
		}
		return one(w)
	}
}

// some are verbs on many resources or tags.
func some(verb string) func(p *params) Call {
	return func(p *params) Call {
		p.force()
		p.wait("wait")
		p.option("with_monitor", "--monitor")
		if _, given := p.raw["strict"]; given && !p.truth("strict") {
			p.options = append(p.options, "--no-strict")
		}
		return one(words(verb, p.list("resource_or_tag_ids")))
	}
}

// sets are words for resource sets of a constraint.
func sets(kind string) func(p *params) Call {
	return func(p *params) Call {
		w := words("constraint " + kind)
		for _, s := range p.each("resource_set_list") {
			var ids []string
			if json.Unmarshal(s["ids"], &ids) != nil || len(ids) == 0 {
				p.fail("resource_set_list", "a list of sets with ids each")
				continue
			}
			w = append(append(w, "set"), ids...)
			if s["options"] != nil {
				w = append(w, p.pairsOf("resource_set_list", s["options"])...)
			}
		}
		if p.truth("resource_in_clone_alowed") || p.truth("duplication_alowed") {
			p.options = append(p.options, "--force")
		}
		return one(append(w, keyword("setoptions", p.pairs("constraint_options"))...))
	}
}

const setNames = "resource_set_list constraint_options resource_in_clone_alowed? duplication_alowed?"

// switched are verbs that turn something of nodes on and off.
func switched(name, on, off string, all bool) func(p *params) Call {
	return func(p *params) Call {
		verb := off
		if p.truth(name) {
			verb = on
		}
		p.wait("wait")
		if all {
			p.options = append(p.options, "--all")
			return one(words("node " + verb))
		}
		return one(words("node "+verb, p.list("node_names")))
	}
}

// levelTarget is a fencing level's target as a word: a node, a pattern of names, or an attribute, which comes as its
// name and its value.
func levelTarget(p *params) string {
	switch p.text("target_type") {
	case "attribute":
		if a := p.list("target_value"); len(a) == 2 {
			return "attrib%" + a[0] + "=" + a[1]
		}
		p.fail("target_value", "a list of a name and a value")
		return ""
	case "pattern":
		return "regexp%" + p.word("target_value")
	}
	return p.word("target_value")
}

func addresses(n map[string]json.RawMessage, p *params, options ...string) []string {
	q := &params{raw: n}
	out := []string{q.word("name")}
	for _, a := range q.list("addrs") {
		out = append(out, "addr="+a)
	}
	for _, o := range options {
		switch o {
		case "devices":
			for _, d := range q.list("devices") {
				out = append(out, "device="+d)
			}
		case "watchdog":
			if v := q.text("watchdog"); v != "" {
				out = append(out, "watchdog="+v)
			}
		}
	}
	if q.err != nil && p.err == nil {
		p.err = q.err
	}
	return out
}

func addNodes(p *params) Call {
	p.force()
	p.wait("wait")
	p.option("start", "--start")
	p.option("enable", "--enable")
	p.option("no_watchdog_validation", "--no-watchdog-validation")
	var c Call
	for _, n := range p.each("nodes") {
		c.Steps = append(c.Steps, words("cluster node add", addresses(n, p, "devices", "watchdog")))
	}
	if len(c.Steps) == 0 {
		p.fail("nodes", "a list of nodes")
	}
	return c
}

func setup(p *params) Call {
	p.force()
	p.wait("wait")
	p.option("start", "--start")
	p.option("enable", "--enable")
	p.option("no_keys_sync", "--no-keys-sync")
	p.option("no_cluster_uuid", "--no-cluster-uuid")
	w := words("cluster setup", []string{p.word("cluster_name")})
	for _, n := range p.each("nodes") {
		w = append(w, addresses(n, p)...)
	}
	transport := p.text("transport_type")
	details := p.pairs("transport_options")
	for _, l := range p.each("link_list") {
		data, err := json.Marshal(l)
		if err != nil {
			p.fail("link_list", "a list of objects")
		}
		details = append(details, keyword("link", p.pairsOf("link_list", data))...)
	}
	details = append(append(details, keyword("compression", p.pairs("compression_options"))...), keyword("crypto", p.pairs("crypto_options"))...)
	if transport == "" && len(details) > 0 {
		transport = "knet"
	}
	if transport != "" {
		w = append(append(w, "transport", transport), details...)
	}
	w = append(append(w, keyword("totem", p.pairs("totem_options"))...), keyword("quorum", p.pairs("quorum_options"))...)
	return one(w)
}

func enableSBD(p *params) Call {
	w := words("stonith sbd enable", p.pairs("sbd_options"))
	if v := p.text("default_watchdog"); v != "" {
		w = append(w, "watchdog="+v)
	}
	for _, kv := range p.pairs("watchdog_dict") {
		n, v, _ := strings.Cut(kv, "=")
		w = append(w, "watchdog="+v+"@"+n)
	}
	for _, d := range p.list("default_device_list") {
		w = append(w, "device="+d)
	}
	if p.has("node_device_dict") {
		var m map[string][]string
		if json.Unmarshal(p.raw["node_device_dict"], &m) != nil {
			p.fail("node_device_dict", "an object of lists")
		}
		for n, list := range m {
			for _, d := range list {
				w = append(w, "device="+d+"@"+n)
			}
		}
	}
	if p.truth("allow_unknown_opts") {
		p.options = append(p.options, "--force")
	}
	p.option("ignore_offline_nodes", "--skip-offline")
	p.option("no_watchdog_validation", "--no-watchdog-validation")
	return one(w)
}

// agentList is the list of agents as the API has it.
func agentList(stdout []string) (any, error) {
	type agent struct {
		Standard string  `json:"standard"`
		Provider *string `json:"provider"`
		Type     string  `json:"type"`
	}
	names := []agent{}
	for i, text := range stdout {
		for l := range strings.Lines(text) {
			f := strings.Split(strings.TrimSpace(l), ":")
			a := agent{Standard: f[0], Type: f[len(f)-1]}
			switch {
			case f[0] == "":
				continue
			case i == 1:
				a = agent{Standard: "stonith", Type: f[0]}
			case len(f) == 3:
				a.Provider = &f[1]
			}
			names = append(names, a)
		}
	}
	return map[string]any{"names": names}, nil
}

func agentInfo(name, verb string) func(p *params) Call {
	return func(p *params) Call {
		agent := p.word(name)
		w := words(verb, []string{agent})
		if t, fence := strings.CutPrefix(agent, "stonith:"); fence {
			w = words("stonith get_fence_agent_info", []string{"stonith:" + t})
		}
		return Call{Steps: [][]string{w}, Data: jsonData}
	}
}

// resources joins what is configured as resources and as fence devices.
func resources(stdout []string) (any, error) {
	out := map[string][]any{"primitives": {}, "clones": {}, "groups": {}, "bundles": {}}
	for _, text := range stdout {
		if strings.TrimSpace(text) == "" {
			continue
		}
		var part map[string][]any
		if err := json.Unmarshal([]byte(text), &part); err != nil {
			return nil, err
		}
		for k, v := range part {
			out[k] = append(out[k], v...)
		}
	}
	return out, nil
}

var commands = map[string]Command{
	"acl.add_permission": command("grant", "role_id permission_info_list", func(p *params) Call {
		return one(words("acl permission add", []string{p.word("role_id")}, permissions(p)))
	}),
	"acl.assign_role_to_group": command("grant", "role_id group_id", func(p *params) Call {
		return one(words("acl role assign", []string{p.word("role_id"), "group", p.word("group_id")}))
	}),
	"acl.assign_role_to_target": command("grant", "role_id target_id", func(p *params) Call {
		return one(words("acl role assign", []string{p.word("role_id"), "user", p.word("target_id")}))
	}),
	"acl.create_group": command("grant", "group_id role_list", func(p *params) Call {
		return one(words("acl group create", []string{p.word("group_id")}, p.list("role_list")))
	}),
	"acl.create_role": command("grant", "role_id permission_info_list description", func(p *params) Call {
		return one(words("acl role create", []string{p.word("role_id")}, described(p, "description", "description"), permissions(p)))
	}),
	"acl.create_target": command("grant", "target_id role_list", func(p *params) Call {
		return one(words("acl user create", []string{p.word("target_id")}, p.list("role_list")))
	}),
	"acl.remove_group":      simple("grant", "acl group delete", "group_id"),
	"acl.remove_permission": simple("grant", "acl permission delete", "permission_id"),
	"acl.remove_role": command("grant", "role_id autodelete_users_groups?", func(p *params) Call {
		p.option("autodelete_users_groups", "--autodelete")
		return one(words("acl role delete", []string{p.word("role_id")}))
	}),
	"acl.remove_target": simple("grant", "acl user delete", "target_id"),
	"acl.unassign_role_from_group": command("grant", "role_id group_id autodelete_group?", func(p *params) Call {
		p.option("autodelete_group", "--autodelete")
		return one(words("acl role unassign", []string{p.word("role_id"), "group", p.word("group_id")}))
	}),
	"acl.unassign_role_from_target": command("grant", "role_id target_id autodelete_target?", func(p *params) Call {
		p.option("autodelete_target", "--autodelete")
		return one(words("acl role unassign", []string{p.word("role_id"), "user", p.word("target_id")}))
	}),
	"alert.add_recipient": command("write", "alert_id recipient_value instance_attribute_dict meta_attribute_dict recipient_id? description? allow_same_value?", func(p *params) Call {
		p.option("allow_same_value", "--force")
		return one(words("alert recipient add", []string{p.word("alert_id"), "value=" + p.text("recipient_value")}, described(p, "recipient_id", "id"),
			described(p, "description", "description"), keyword("options", p.pairs("instance_attribute_dict")), keyword("meta", p.pairs("meta_attribute_dict"))))
	}),
	"alert.create_alert": command("write", "alert_id path instance_attribute_dict meta_attribute_dict description?", func(p *params) Call {
		return one(words("alert create", []string{"path=" + p.text("path")}, described(p, "alert_id", "id"),
			described(p, "description", "description"), keyword("options", p.pairs("instance_attribute_dict")), keyword("meta", p.pairs("meta_attribute_dict"))))
	}),
	"alert.get_config_dto": command("read", "evaluate_expired?", shows("alert config")),
	"alert.remove_alert":   command("write", "alert_id_list", func(p *params) Call { return one(words("alert remove", p.list("alert_id_list"))) }),
	"alert.remove_recipient": command("write", "recipient_id_list", func(p *params) Call {
		return one(words("alert recipient remove", p.list("recipient_id_list")))
	}),
	"alert.update_alert": command("write", "alert_id path instance_attribute_dict meta_attribute_dict description?", func(p *params) Call {
		return one(words("alert update", []string{p.word("alert_id")}, described(p, "path", "path"),
			described(p, "description", "description"), keyword("options", p.pairs("instance_attribute_dict")), keyword("meta", p.pairs("meta_attribute_dict"))))
	}),
	"alert.update_recipient": command("write", "recipient_id instance_attribute_dict meta_attribute_dict recipient_value? description? allow_same_value?", func(p *params) Call {
		p.option("allow_same_value", "--force")
		return one(words("alert recipient update", []string{p.word("recipient_id")}, described(p, "recipient_value", "value"),
			described(p, "description", "description"), keyword("options", p.pairs("instance_attribute_dict")), keyword("meta", p.pairs("meta_attribute_dict"))))
	}),
	"booth.ticket_cleanup": simple("write", "booth ticket cleanup", "ticket_name"),
	"booth.ticket_cleanup_auto": command("write", "instance_name?", func(p *params) Call {
		p.valued("instance_name", "--name")
		c := one(words("booth ticket cleanup"))
		c.Dialect = "0.12" // which alone cleans up what booth knows no more
		return c
	}),
	"booth.ticket_standby":   simple("write", "booth ticket standby", "ticket_name"),
	"booth.ticket_unstandby": simple("write", "booth ticket unstandby", "ticket_name"),

	"cluster.add_nodes": command("full", "nodes wait? start? enable? no_watchdog_validation? force_flags?", addNodes),
	"cluster.generate_cluster_uuid": command("superuser", "force_flags?", func(p *params) Call {
		p.force()
		return one(words("cluster config uuid generate"))
	}),
	"cluster.get_corosync_conf_struct": command("read", "", shows("cluster config show")),
	"cluster.node_clear": command("write", "node_name allow_clear_cluster_node?", func(p *params) Call {
		p.option("allow_clear_cluster_node", "--force")
		return one(words("cluster node clear", []string{p.word("node_name")}))
	}),
	"cluster.remove_nodes": command("full", "node_list force_flags?", func(p *params) Call {
		p.force()
		return one(words("cluster node remove", p.list("node_list")))
	}),
	"cluster.rename": command("full", "new_name force_flags?", func(p *params) Call {
		p.force()
		return one(words("cluster rename", []string{p.word("new_name")}))
	}),
	"cluster.rename_node_cib": command("write", "old_name new_name force_flags?", func(p *params) Call {
		p.force()
		return one(words("cluster node rename-cib", []string{p.word("old_name"), p.word("new_name")}))
	}),
	"cluster.rename_node_corosync": command("write", "old_name new_name force_flags?", func(p *params) Call {
		p.force()
		return one(words("cluster node rename-corosync", []string{p.word("old_name"), p.word("new_name")}))
	}),
	"cluster.setup": command("superuser", "cluster_name nodes transport_type? transport_options? link_list? compression_options? crypto_options? totem_options? quorum_options? wait? start? enable? no_keys_sync? no_cluster_uuid? force_flags?", setup),
	"cluster.wait_for_pcmk_idle": command("read", "wait_value", func(p *params) Call {
		w := words("status wait")
		if v := p.text("wait_value"); v != "" {
			w = append(w, v)
		}
		return one(w)
	}),
	"cluster_property.get_properties":          command("read", "evaluate_expired?", shows("property config")),
	"cluster_property.get_properties_metadata": command("read", "", func(p *params) Call { p.options = append(p.options, "--full"); return shows("property describe")(p) }),
	"cluster_property.set_properties": command("write", "cluster_properties force_flags?", func(p *params) Call {
		p.force()
		return one(words("property set", p.pairs("cluster_properties")))
	}),
	"cluster_property.remove_cluster_name":  native("write", "", "remove_cluster_name"),
	"cib_options.operation_defaults_config": command("read", "evaluate_expired", shows("resource op defaults config")),
	"cib_options.resource_defaults_config":  command("read", "evaluate_expired", shows("resource defaults config")),

	"constraint.colocation.create_with_set": command("write", setNames, sets("colocation")),
	"constraint.order.create_with_set":      command("write", setNames, sets("order")),
	"constraint.ticket.create_with_set":     command("write", setNames, sets("ticket")),
	"constraint.ticket.create": command("write", "ticket_key resource_id options resource_in_clone_alowed? duplication_alowed?", func(p *params) Call {
		if p.truth("resource_in_clone_alowed") || p.truth("duplication_alowed") {
			p.options = append(p.options, "--force")
		}
		var role, rest []string
		for _, kv := range p.pairs("options") {
			switch r, ok := strings.CutPrefix(kv, "rsc-role="); {
			case ok && r != "":
				role = []string{r}
			case !ok:
				rest = append(rest, kv)
			}
		}
		return one(words("constraint ticket add", []string{p.word("ticket_key")}, role, []string{p.word("resource_id")}, rest))
	}),
	"constraint.ticket.remove": simple("write", "constraint ticket remove", "ticket_key", "resource_id"),
	"constraint.get_config": command("read", "evaluate_rules?", func(p *params) Call {
		p.options = append(p.options, "--all")
		return shows("constraint config")(p)
	}),

	"fencing_topology.add_level": command("write", "level target_type target_value devices level_id? force_device? force_node?", func(p *params) Call {
		if p.truth("force_device") || p.truth("force_node") {
			p.options = append(p.options, "--force")
		}
		return one(words("stonith level add", []string{p.word("level"), levelTarget(p)}, p.list("devices"), described(p, "level_id", "id")))
	}),
	"fencing_topology.get_config_dto":    command("read", "", shows("stonith level config")),
	"fencing_topology.remove_all_levels": simple("write", "stonith level clear"),
	"fencing_topology.remove_levels_by_params": command("write", "level? target_type? target_value? devices?", func(p *params) Call {
		var w []string
		if p.has("target_value") {
			w = append(w, "target", levelTarget(p))
		}
		w = append(w, keyword("stonith", p.list("devices"))...)
		if p.has("level") {
			return one(append(words("stonith level remove", []string{p.word("level")}), w...))
		}
		if len(w) == 0 {
			p.fail("level", "given")
		}
		return one(words("stonith level clear", w))
	}),
	"fencing_topology.verify": simple("write", "stonith level verify"),

	"node.maintenance_unmaintenance_all":  command("write", "maintenance wait?", switched("maintenance", "maintenance", "unmaintenance", true)),
	"node.maintenance_unmaintenance_list": command("write", "maintenance node_names wait?", switched("maintenance", "maintenance", "unmaintenance", false)),
	"node.standby_unstandby_all":          command("write", "standby wait?", switched("standby", "standby", "unstandby", true)),
	"node.standby_unstandby_list":         command("write", "standby node_names wait?", switched("standby", "standby", "unstandby", false)),

	"qdevice.qdevice_net_get_ca_certificate":       native("read", "", "device_authority"),
	"qdevice.qdevice_net_sign_certificate_request": native("read", "certificate_request cluster_name", "device_sign"),
	"qdevice.client_net_import_certificate":        native("full", "certificate", "device_import"),
	"qdevice.client_net_setup":                     native("full", "ca_certificate", "device_set_up"),
	"qdevice.client_net_destroy":                   native("full", "", "device_destroy"),

	"resource_agent.describe_agent":     command("read", "agent_name", agentInfo("agent_name", "resource get_resource_agent_info")),
	"resource_agent.get_agent_metadata": command("read", "agent_name", agentInfo("agent_name", "resource get_resource_agent_info")),
	"stonith_agent.describe_agent": command("read", "agent_name", func(p *params) Call {
		return Call{Steps: [][]string{words("stonith get_fence_agent_info", []string{"stonith:" + strings.TrimPrefix(p.word("agent_name"), "stonith:")})}, Data: jsonData}
	}),
	"resource_agent.get_agents_list": command("read", "", func(p *params) Call {
		p.options = append(p.options, "--nodesc")
		return Call{Steps: [][]string{words("resource list"), words("stonith list")}, Data: agentList}
	}),
	"resource_agent.list_agents_for_standard_and_provider": command("read", "standard_provider?", func(p *params) Call {
		w := words("resource agents")
		if v := p.text("standard_provider"); v != "" {
			w = append(w, v)
		}
		return Call{Steps: [][]string{w}, Data: lineData}
	}),
	"resource_agent.list_ocf_providers": command("read", "", func(*params) Call { return Call{Steps: [][]string{words("resource providers")}, Data: lineData} }),
	"resource_agent.list_standards":     command("read", "", func(*params) Call { return Call{Steps: [][]string{words("resource standards")}, Data: lineData} }),

	"resource.ban": command("write", "resource_id node? master? lifetime? wait?", moves("ban")),
	"resource.create": command("write", "resource_id resource_agent_name "+creation, func(p *params) Call {
		return one(created(p, "resource", "resource_id", "resource_agent_name", "operation_list"))
	}),
	"resource.create_as_clone": command("write", "resource_id resource_agent_name clone_meta_options clone_id? "+creation, func(p *params) Call {
		w := append(created(p, "resource", "resource_id", "resource_agent_name", "operation_list"), "clone")
		if v := p.text("clone_id"); v != "" {
			w = append(w, v)
		}
		p.options = append(p.options, "--future")
		return one(append(w, keyword("meta", p.pairs("clone_meta_options"))...))
	}),
	"resource.create_in_group": command("write", "resource_id resource_agent_name group_id adjacent_resource_id? put_after_adjacent? "+creation, inGroup("resource", "resource_id", "resource_agent_name", "operation_list")),
	"resource.disable":         command("write", "resource_or_tag_ids wait? force_flags?", some("resource disable")),
	"resource.disable_safe": command("write", "resource_or_tag_ids strict wait?", func(p *params) Call {
		return some("resource safe-disable")(p)
	}),
	"resource.disable_simulate": command("read", "resource_or_tag_ids strict", func(p *params) Call {
		p.options = append(p.options, "--simulate")
		c := some("resource safe-disable")(p)
		c.Data = textData
		return c
	}),
	"resource.enable": command("write", "resource_or_tag_ids wait?", some("resource enable")),
	"resource.get_configured_resources": command("read", "", func(p *params) Call {
		p.options = append(p.options, "--output-format=json")
		return Call{Steps: [][]string{words("resource config"), words("stonith config")}, Data: resources}
	}),
	"resource.group_add": command("write", "group_id resource_id_list adjacent_resource_id? put_after_adjacent? wait?", func(p *params) Call {
		adjacent(p)
		p.wait("wait")
		return one(words("resource group add", []string{p.word("group_id")}, p.list("resource_id_list")))
	}),
	"resource.manage": command("write", "resource_or_tag_ids with_monitor?", some("resource manage")),
	"resource.update_meta": command("write", "resource_id meta_attrs force_flags", func(p *params) Call {
		p.force()
		return one(words("resource meta", []string{p.word("resource_id")}, p.pairs("meta_attrs")))
	}),
	"resource.move":           command("write", "resource_id node? master? lifetime? wait?", moves("move-with-constraint")),
	"resource.move_autoclean": command("write", "resource_id node? master? wait_timeout? strict?", moves("move")),
	"resource.restart": command("write", "resource_id node? timeout?", func(p *params) Call {
		p.valued("timeout", "--wait")
		w := words("resource restart", []string{p.word("resource_id")})
		if n := p.text("node"); n != "" {
			w = append(w, n)
		}
		return one(w)
	}),
	"resource.unmanage":     command("write", "resource_or_tag_ids with_monitor?", some("resource unmanage")),
	"resource.unmove_unban": command("write", "resource_id node? master? expired? wait?", moves("clear")),

	"sbd.disable_sbd": command("write", "ignore_offline_nodes? force_flags?", func(p *params) Call {
		p.force()
		p.option("ignore_offline_nodes", "--skip-offline")
		return one(words("stonith sbd disable"))
	}),
	"sbd.enable_sbd": command("write", "default_watchdog watchdog_dict sbd_options default_device_list? node_device_dict? allow_unknown_opts? ignore_offline_nodes? no_watchdog_validation? allow_invalid_option_values?", enableSBD),

	"scsi.unfence_node":       native("write", "node original_devices updated_devices", "unfence_scsi"),
	"scsi.unfence_node_mpath": native("write", "key original_devices updated_devices", "unfence_mpath"),

	"status.full_cluster_status_plaintext": command("read", "hide_inactive_resources? verbose?", func(p *params) Call {
		p.option("hide_inactive_resources", "--hide-inactive")
		p.option("verbose", "--full")
		return Call{Steps: [][]string{words("status")}, Data: textData}
	}),
	"stonith.create": command("write", "stonith_id stonith_agent_name "+strings.Replace(creation, "operation_list", "operations", 1), func(p *params) Call {
		return one(created(p, "stonith", "stonith_id", "stonith_agent_name", "operations"))
	}),
	"stonith.create_in_group": command("write", "stonith_id stonith_agent_name group_id adjacent_resource_id? put_after_adjacent? "+strings.Replace(creation, "operation_list", "operations", 1), inGroup("stonith", "stonith_id", "stonith_agent_name", "operations")),
	"tag.get_config_dto": command("read", "tag_filter", func(p *params) Call {
		p.options = append(p.options, "--output-format=json")
		return Call{Steps: [][]string{words("tag config", p.list("tag_filter"))}, Data: jsonData}
	}),
}

// v1 gives the names of version 1 of the API, a version of the command behind the slash.
var v1 = map[string]string{
	"cluster-property-remove-name/v1":                 "cluster_property.remove_cluster_name",
	"constraint-colocation-create-with-set/v1":        "constraint.colocation.create_with_set",
	"constraint-order-create-with-set/v1":             "constraint.order.create_with_set",
	"constraint-ticket-create-with-set/v1":            "constraint.ticket.create_with_set",
	"constraint-ticket-create/v1":                     "constraint.ticket.create",
	"constraint-ticket-remove/v1":                     "constraint.ticket.remove",
	"node-maintenance-unmaintenance/v1":               "node.maintenance_unmaintenance_list",
	"node-standby-unstandby/v1":                       "node.standby_unstandby_list",
	"qdevice-qdevice-net-sign-certificate-request/v1": "qdevice.qdevice_net_sign_certificate_request",
	"scsi-unfence-node/v2":                            "scsi.unfence_node",
}

// Most names are the command's own with dashes.
func init() {
	for _, name := range strings.Fields(`acl.create_role acl.remove_role acl.assign_role_to_target acl.assign_role_to_group acl.unassign_role_from_target
		acl.unassign_role_from_group acl.create_target acl.create_group acl.remove_target acl.remove_group acl.add_permission acl.remove_permission
		alert.create_alert alert.update_alert alert.remove_alert alert.add_recipient alert.update_recipient alert.remove_recipient
		cluster.add_nodes cluster.node_clear cluster.remove_nodes cluster.setup cluster.generate_cluster_uuid
		fencing_topology.add_level fencing_topology.remove_all_levels fencing_topology.remove_levels_by_params fencing_topology.verify
		node.maintenance_unmaintenance_all node.standby_unstandby_all qdevice.client_net_import_certificate
		resource_agent.describe_agent resource_agent.get_agents_list resource_agent.get_agent_metadata resource_agent.list_agents_for_standard_and_provider
		resource_agent.list_ocf_providers resource_agent.list_standards
		resource.ban resource.create resource.create_as_clone resource.create_in_group resource.disable resource.disable_safe resource.disable_simulate
		resource.enable resource.group_add resource.manage resource.move resource.move_autoclean resource.unmanage resource.unmove_unban
		sbd.disable_sbd sbd.enable_sbd scsi.unfence_node_mpath status.full_cluster_status_plaintext stonith_agent.describe_agent
		stonith.create stonith.create_in_group`) {
		v1[strings.NewReplacer(".", "-", "_", "-").Replace(name)+"/v1"] = name
	}
}
