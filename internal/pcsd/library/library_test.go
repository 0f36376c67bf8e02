package library

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func raw(t *testing.T, text string) map[string]json.RawMessage {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPlan(t *testing.T) {
	for _, c := range []struct{ name, params, want string }{
		{"acl.create_role", `{"role_id":"r","permission_info_list":[["read","xpath","/cib"]],"description":"a b"}`, "-- acl role create r description=a b read xpath /cib"},
		{"acl.remove_role", `{"role_id":"r","autodelete_users_groups":true}`, "--autodelete -- acl role delete r"},
		{"acl.remove_target", `{"target_id":"--force"}`, "-- acl user delete --force"},
		{"cluster.add_nodes", `{"nodes":[{"name":"a","addrs":["10.0.0.1"]},{"name":"b","devices":["/dev/x"],"watchdog":"/dev/w"}],"wait":null,"start":true,"force_flags":["FORCE"]}`, "--force --wait --start -- cluster node add a addr=10.0.0.1; --force --wait --start -- cluster node add b device=/dev/x watchdog=/dev/w"},
		{"cluster.setup", `{"cluster_name":"c","nodes":[{"name":"a"},{"name":"b","addrs":["x","y"]}],"transport_type":"knet","link_list":[{"linknumber":"0","mcastport":"5405"}],"crypto_options":{"cipher":"none"},"totem_options":{"token":"1000"},"wait":false}`, "-- cluster setup c a b addr=x addr=y transport knet link linknumber=0 mcastport=5405 crypto cipher=none totem token=1000"},
		{"resource.create", `{"resource_id":"a","resource_agent_name":"ocf:pacemaker:Dummy","operation_list":[{"name":"monitor","interval":"10s"}],"meta_attributes":{"m":"1"},"instance_attributes":{"state":"x y"},"ensure_disabled":true,"use_default_operations":false,"wait":"20"}`, "--disabled --no-default-ops --wait=20 -- resource create a ocf:pacemaker:Dummy state=x y op monitor interval=10s meta m=1"},
		{"resource.create_in_group", `{"resource_id":"a","resource_agent_name":"x","group_id":"g","operation_list":[],"meta_attributes":{},"instance_attributes":{},"adjacent_resource_id":"b","put_after_adjacent":true}`, "--group=g --after=b -- resource create a x"},
		{"resource.disable_simulate", `{"resource_or_tag_ids":["a"],"strict":false}`, "--simulate --no-strict -- resource safe-disable a"},
		{"resource.move_autoclean", `{"resource_id":"a","node":"n","wait_timeout":-1}`, "-- resource move a n"},
		{"resource.move_autoclean", `{"resource_id":"a","wait_timeout":30,"strict":true}`, "--strict --wait=30 -- resource move a"},
		{"fencing_topology.add_level", `{"level":1,"target_type":"attribute","target_value":["rack","2"],"devices":["f","g"]}`, "-- stonith level add 1 attrib%rack=2 f g"},
		{"fencing_topology.remove_levels_by_params", `{"level":"2","target_type":"pattern","target_value":"n.*"}`, "-- stonith level remove 2 target regexp%n.*"},
		{"node.standby_unstandby_list", `{"standby":true,"node_names":["a","b"]}`, "-- node standby a b"},
		{"node.maintenance_unmaintenance_all", `{"maintenance":false}`, "--all -- node unmaintenance"},
		{"constraint.order.create_with_set", `{"resource_set_list":[{"ids":["a","b"],"options":{"sequential":"false"}},{"ids":["c"]}],"constraint_options":{"kind":"Optional"}}`, "-- constraint order set a b sequential=false set c setoptions kind=Optional"},
		{"constraint.ticket.create", `{"ticket_key":"t","resource_id":"a","options":{"rsc-role":"Promoted","loss-policy":"stop"}}`, "-- constraint ticket add t Promoted a loss-policy=stop"},
		{"booth.ticket_cleanup_auto", `{"instance_name":"b"}`, "--name=b -- booth ticket cleanup"},
		{"alert.get_config_dto", `{}`, "--output-format=json -- alert config"},
		{"sbd.enable_sbd", `{"default_watchdog":"/dev/w","watchdog_dict":{"n":"/dev/x"},"sbd_options":{"SBD_STARTMODE":"clean"},"ignore_offline_nodes":true}`, "--skip-offline -- stonith sbd enable SBD_STARTMODE=clean watchdog=/dev/w watchdog=/dev/x@n"},
	} {
		cmd, ok := Find(c.name)
		if !ok {
			t.Errorf("%s is not there", c.name)
			continue
		}
		call, err := cmd.Plan(raw(t, c.params))
		var steps []string
		for _, s := range call.Steps {
			steps = append(steps, strings.Join(s, " "))
		}
		for _, step := range call.Steps {
			words := step[slices.Index(step, "--")+1:]
			if !slices.ContainsFunc(Verbs(), func(v string) bool { return strings.HasPrefix(strings.Join(words, " ")+" ", v+" ") }) {
				t.Errorf("%v is not among the verbs", words)
			}
		}
		if got := strings.Join(steps, "; "); err != nil || got != c.want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", c.name, err, got, c.want)
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	for _, c := range []struct{ name, params, want string }{
		{"acl.remove_target", `{}`, "missing parameters: target_id"},
		{"acl.remove_target", `{"target_id":"a","x":1,"b":2}`, "unexpected parameters: b, x"},
		{"acl.remove_target", `{"target_id":["a"]}`, "target_id is not a text"},
		{"acl.remove_target", `{"target_id":""}`, "target_id is not a text"},
		{"acl.remove_target", `{"target_id":"a\u0000b"}`, "zero bytes"},
		{"resource.enable", `{"resource_or_tag_ids":"a"}`, "not a list of texts"},
		{"cluster_property.set_properties", `{"cluster_properties":{"a=b":"c"}}`, "not an object of texts"},
		{"cluster.rename", `{"new_name":"x","force_flags":["--force"]}`, "force_flags is not"},
	} {
		cmd, _ := Find(c.name)
		_, err := cmd.Plan(raw(t, c.params))
		var wrong *PayloadError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v, want %s", c.name, c.params, err, c.want)
		}
	}
}

// TestNames holds every name of version 1 against the commands, and every command against parameters of its own.
func TestNames(t *testing.T) {
	for _, n := range NamesV1() {
		if _, ok := FindV1(n); !ok {
			t.Errorf("%s has no command", n)
		}
	}
	if len(NamesV1()) < 60 || len(Names()) < 80 {
		t.Errorf("%d names of version 1, %d commands", len(NamesV1()), len(Names()))
	}
}

func FuzzPlan(f *testing.F) {
	f.Add("acl.create_role", `{"role_id":"r","permission_info_list":[["read","xpath","/cib"]],"description":null}`)
	f.Add("cluster.setup", `{"cluster_name":1,"nodes":{},"link_list":[1]}`)
	f.Fuzz(func(t *testing.T, name, params string) {
		c, ok := Find(name)
		var m map[string]json.RawMessage
		if !ok || json.Unmarshal([]byte(params), &m) != nil {
			return
		}
		call, err := c.Plan(m)
		for _, s := range call.Steps {
			if err == nil && !strings.Contains(" "+strings.Join(s, " ")+" ", " -- ") {
				t.Errorf("%v has no end of options", s)
			}
		}
	})
}
