package pcsd

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"hacluster/internal/pcs/live"
)

// site is a host of the web interface's calls: pacemaker runs unless stopped, corosync if it is said to, nothing else does, and programs answer what they are told.
type site struct {
	live.Services
	stopped, corosync bool
	// fails are the beginnings of command lines that fail, each with what it then says on its standard error.
	fails map[string]string
	says  map[string]string
	ran   []string
}

func (s *site) IsActive(_ context.Context, unit string) bool {
	return unit == "pacemaker" && !s.stopped || unit == "corosync" && s.corosync
}

func (s *site) IsInstalled(context.Context, string) bool { return true }
func (s *site) IsEnabled(context.Context, string) bool   { return false }

func (s *site) Run(_ context.Context, _ []string, _, name string, args ...string) (live.Result, error) {
	line := strings.Join(append([]string{name}, args...), " ")
	if name == "pcs" {
		s.ran = append(s.ran, strings.Join(args, " "))
	}
	for k, v := range s.fails {
		if strings.HasPrefix(line, k) {
			return live.Result{Code: 1, Stderr: v}, nil
		}
	}
	for k, v := range s.says {
		if strings.HasPrefix(line, k) {
			return live.Result{Stdout: v}, nil
		}
	}
	return live.Result{}, nil
}

const settingsCIB = `<cib><configuration><crm_config><cluster_property_set id="o"><nvpair id="1" name="a" value="1"/><nvpair id="2" name="b" value="2"/></cluster_property_set></crm_config></configuration></cib>`

// TestWebCalls asks each of the web interface's calls, and looks at what is carried out and what comes back.
func TestWebCalls(t *testing.T) {
	const fails = "Error: one\n  two\n"
	for _, c := range []struct {
		call, form string
		fails      map[string]string
		code       int
		body       string
		ran        string
	}{
		{"resource_start", "resource=A", nil, 200, `{"success":"true"}`, "-- resource enable A"},
		{"resource_start", "", nil, 400, "Required parameters missing: 'resource'", ""},
		{"resource_stop", "resource=A", map[string]string{"pcs": fails}, 200, `{"error":"true","stdout":[],"stderror":["Error: one\n","  two\n"]}`, "-- resource disable A"},
		{"resource_cleanup", "resource=A&strict=1", nil, 200, `{"success":"true"}`, "--strict -- resource cleanup A"},
		{"resource_refresh", "resource=A&strict=0", nil, 200, `{"success":"true"}`, "-- resource refresh A"},

		{"update_resource", "name=A&resource_type=ocf:heartbeat:Dummy&_res_paramne_fake=&_res_paramempty_state=&_res_paramempty_x=1&disabled=1", nil, 200, "{}", "-- resource create A ocf:heartbeat:Dummy x=1 fake= meta target-role=Stopped"},
		{"update_resource", "name=A&resource_type=t&resource_group=g&in_group_position=after&in_group_reference_resource_id=B&force=1&resource_clone=on&resource_promotable=on", nil, 200, "{}", "--force --group g --after B -- resource create A t; -- resource clone g"},
		{"update_resource", "name=A&resource_type=ocf:pacemaker:remote&resource_promotable=on", nil, 200, "{}", "--force -- resource create A ocf:pacemaker:remote; -- resource promotable A"},
		{"update_resource", "name=A&resource_type=t", map[string]string{"pcs": fails}, 200, `{"error":"true","stderr":["Error: one\n","  two\n"],"stdout":[]}`, "-- resource create A t"},
		{"update_resource", "name=A", nil, 400, "Required parameters missing: 'resource_type'", ""},
		{"update_resource", "resource_id=A:0&resource_clone=on&_res_paramne_fake=1", nil, 200, "{}", "-- resource update A fake=1"},
		{"update_resource", "resource_id=A&resource_group=&_orig_resource_group=g", nil, 200, "{}", "-- resource group remove g A"},
		{"update_resource", "resource_id=A&resource_group=&_orig_resource_group=", nil, 200, "{}", ""},
		{"update_resource", "resource_id=A&resource_group=g&in_group_position=before&in_group_reference_resource_id=B", nil, 200, "{}", "--before B -- resource group add g A"},
		{"update_resource", "resource_id=A&resource_clone=on&_orig_resource_clone=false&resource_promotable=on&_orig_resource_promotable=false", nil, 200, "{}", "-- resource clone A; -- resource promotable A"},
		{"update_resource", "resource_id=A:1&_orig_resource_clone=true", nil, 200, "{}", "-- resource unclone A"},
		{"update_resource", "resource_id=A&_orig_resource_promotable=true", nil, 200, "{}", "-- resource unclone A"},
		{"update_fence_device", "name=F&resource_type=fence_x&_res_paramne_ip=1&force=1", nil, 200, "{}", "-- stonith create F fence_x ip=1"},
		{"update_fence_device", "resource_id=F&_res_paramne_ip=1&force=1", nil, 200, "{}", "--force -- stonith update F ip=1"},
		{"update_fence_device", "resource_id=F", nil, 200, "{}", ""},
		{"update_fence_device", "resource_id=F&_res_paramne_ip=1", map[string]string{"pcs": fails}, 200, `{"error":"true","stderr":["Error: one\n","  two\n"],"stdout":[]}`, "-- stonith update F ip=1"},
		{"remove_resource", "resid-A=1&resid-B=1&force=1", nil, 200, "", "--force -- resource delete A B"},
		{"remove_resource", "resid-F=1&is-stonith=true", map[string]string{"pcs": fails}, 400, fails, "-- stonith delete F"},

		{"add_meta_attr_remote", "res_id=A&key=k&value=v", nil, 200, "Successfully added meta attribute", "-- resource meta A k=v"},
		{"add_meta_attr_remote", "res_id=A&key=remote-node&value=v", map[string]string{"pcs": fails}, 400, "Error adding meta attribute", "--force -- resource meta A remote-node=v"},
		{"add_meta_attr_remote", "res_id=F&key=k&is-stonith=true", nil, 200, "Successfully added meta attribute", "-- stonith meta F k="},
		{"add_group", "resource_group=g&resources=A+B", nil, 200, "", "-- resource group add g A B"},
		{"add_group", "resource_group=g&resources=A", map[string]string{"pcs": fails}, 400, fails, "-- resource group add g A"},
		{"resource_change_group", "resource_id=A", nil, 400, "resource_id and group_id have to be specified.", ""},
		{"resource_change_group", "resource_id=A&group_id=", nil, 200, "", ""},
		{"resource_change_group", "resource_id=A&group_id=&old_group_id=g", map[string]string{"pcs": fails}, 400, "Unable to remove resource 'A' from group 'g': " + fails, "-- resource group remove g A"},
		{"resource_change_group", "resource_id=A&group_id=h&in_group_position=after&in_group_reference_resource_id=B", map[string]string{"pcs": fails}, 400, "Unable to add resource 'A' to group 'h': " + fails, "--after B -- resource group add h A"},
		{"resource_promotable", "resource_id=A", map[string]string{"pcs": fails}, 400, "Unable to create promotable resource from 'A': " + fails, "-- resource promotable A"},
		{"resource_clone", "resource_id=A", map[string]string{"pcs": fails}, 400, "Unable to create clone resource from 'A': " + fails, "-- resource clone A"},
		{"resource_unclone", "resource_id=A", map[string]string{"pcs": fails}, 400, "Unable to unclone 'A': " + fails, "-- resource unclone A"},
		{"resource_unclone", "", nil, 400, "resource_id has to be specified.", ""},
		{"resource_ungroup", "group_id=g", map[string]string{"pcs": fails}, 400, "Unable to ungroup group 'g': " + fails, "-- resource ungroup g"},
		{"resource_ungroup", "", nil, 400, "group_id has to be specified.", ""},
		{"set_resource_utilization", "resource_id=A&name=cpu&value=2", nil, 200, "", "-- resource utilization A cpu=2"},
		{"set_resource_utilization", "resource_id=A&value=2", nil, 400, "resource_id and name are required", ""},
		{"set_node_utilization", "node=n&name=cpu", map[string]string{"pcs": fails}, 400, "Unable to set utilization 'cpu=' for node 'n': " + fails, "-- node utilization n cpu="},
		{"set_node_utilization", "", nil, 400, "node and name are required", ""},

		{"update_cluster_settings", "config[a]=1&config[b]=+3+&config[C]=4&config[d]=&force=1", nil, 200, "Update Successful", "--force -- property set c=4 b=3"},
		{"update_cluster_settings", "config[a]=&config[b]=2", nil, 200, "Update Successful", "-- property set a="},
		{"update_cluster_settings", "config[a]=1", nil, 200, "Update Successful", ""},
		{"update_cluster_settings", "config[a]=2", map[string]string{"pcs": fails}, 400, fails, "-- property set a=2"},
		{"update_cluster_settings", "", nil, 400, "Required parameters missing: 'config'", ""},
		{"add_fence_level_remote", "level=1&devices=f,g&node=n", nil, 200, "Successfully added fence level", "-- stonith level add 1 n f,g"},
		{"add_fence_level_remote", "level=1&devices=f&node=n&remove=true", map[string]string{"pcs": fails}, 400, fails, "-- stonith level remove 1 target n stonith f"},
		{"add_node_attr_remote", "node=n&key=k&value=v", nil, 200, "Successfully added attribute to node", "-- node attribute n k=v"},
		{"add_node_attr_remote", "node=n&key=k", map[string]string{"pcs": fails}, 400, "Error adding attribute to node", "-- node attribute n k="},

		{"add_acl_role", "name=r&description=what it is", nil, 200, "Successfully added ACL role", "-- acl role create r description=what it is"},
		{"add_acl_role", "name=r", map[string]string{"pcs": fails}, 400, "Error: one\n\n  two", "-- acl role create r"},
		{"add_acl_role", "name=r", map[string]string{"pcs": "Error: cib_replace failed\n"}, 400, "Error adding ACL role", "-- acl role create r"},
		{"remove_acl_roles", "role-0=r&role-1=s", nil, 200, "Successfully removed ACL roles", "--autodelete -- acl role delete r; --autodelete -- acl role delete s"},
		{"remove_acl_roles", "role-0=r&role-1=s", map[string]string{"pcs --autodelete -- acl role delete s": fails}, 400, "Unable to remove role s: Error: one\n   two\n", "--autodelete -- acl role delete r; --autodelete -- acl role delete s"},
		{"add_acl", "item=permission&role_id=r&type=read&xpath_id=xpath&query_id=/cib", nil, 200, "Successfully added permission to role", "-- acl permission add r read xpath /cib"},
		{"add_acl", "item=permission&role_id=r", map[string]string{"pcs": ""}, 400, "Error adding permission", "-- acl permission add r   "},
		{"add_acl", "item=user&role_id=r&usergroup=u", nil, 200, "Successfully added permission to role", "-- acl user create u r"},
		{"add_acl", "item=group&role_id=r&usergroup=u", map[string]string{"pcs -- acl group": "Error: 'u' already exists\n"}, 200, "Successfully added permission to role", "-- acl group create u r; -- acl role assign r group u"},
		{"add_acl", "item=user&role_id=r&usergroup=u", map[string]string{"pcs -- acl user": "Error: no\n"}, 400, "Error: no", "-- acl user create u r"},
		{"add_acl", "item=x", nil, 400, "Error: Unknown adding request", ""},
		{"remove_acl", "item=permission&acl_perm_id=p", nil, 200, "Successfully removed permission from role", "-- acl permission delete p"},
		{"remove_acl", "item=usergroup&role_id=r&usergroup_id=u&item_type=user", map[string]string{"pcs": ""}, 400, "Error removing user / group", "--autodelete -- acl role unassign r user u"},
		{"remove_acl", "item=usergroup&role_id=r&usergroup_id=u", nil, 200, "Successfully removed permission from role", "--autodelete -- acl role unassign r u"},
		{"remove_acl", "", nil, 400, "Error: Unknown removal request", ""},

		{"add_constraint_remote", "c_type=loc&res_id=A&node_id=n&score=5&force=1", nil, 200, "Successfully added constraint", "--force -- constraint location A prefers n=5"},
		{"add_constraint_remote", "c_type=loc&res_id=A&node_id=n&score=", map[string]string{"pcs": fails}, 400, "Error adding constraint: Error: one\n   two\n", "-- constraint location A prefers n"},
		{"add_constraint_remote", "c_type=loc&res_id=A&node_id=", nil, 400, "Error adding constraint: Bad node", ""},
		{"add_constraint_remote", "c_type=loc&res_id=A", nil, 400, "Required parameters missing: 'node_id'", ""},
		{"add_constraint_remote", "c_type=ord&res_id=A&target_res_id=B&res_action=start&target_action=promote&order=after&score=1", nil, 200, "Successfully added constraint", "-- constraint order start A then promote B score=1 symmetrical"},
		{"add_constraint_remote", "c_type=ord&res_id=A&target_res_id=B&res_action=start&target_action=promote&order=before", nil, 200, "Successfully added constraint", "-- constraint order promote B then start A symmetrical"},
		{"add_constraint_remote", "c_type=col&res_id=A&target_res_id=B", nil, 200, "Successfully added constraint", "-- constraint colocation add A with B INFINITY"},
		{"add_constraint_remote", "c_type=col&res_id=A&target_res_id=B&colocation_type=apart", nil, 200, "Successfully added constraint", "-- constraint colocation add A with B -INFINITY"},
		{"add_constraint_remote", "c_type=col&res_id=A&target_res_id=B&colocation_type=apart&score=7", nil, 200, "Successfully added constraint", "-- constraint colocation add A with B -7"},
		{"add_constraint_remote", "c_type=ticket&ticket=t&res_id=A&role=Promoted&loss-policy=stop", nil, 200, "Successfully added constraint", "-- constraint ticket add t Promoted A loss-policy=stop"},
		{"add_constraint_remote", "c_type=x", nil, 400, "Unknown constraint type: x", ""},
		{"add_constraint_rule_remote", "c_type=loc&res_id=A&score=infinity&rule=date in_range '2026-01-01 10:00' to x", nil, 200, "Successfully added constraint", "-- constraint location A rule score=INFINITY date in_range 2026-01-01 10:00 to x"},
		{"add_constraint_rule_remote", "c_type=loc&res_id=A&score=pingd&rule=defined pingd", nil, 200, "Successfully added constraint", "-- constraint location A rule score-attribute=pingd defined pingd"},
		{"add_constraint_rule_remote", "c_type=loc&res_id=A&rule='x", nil, 400, "Error adding constraint: Unmatched quote in the rule", ""},
		{"add_constraint_rule_remote", "c_type=ord", nil, 400, "Unknown constraint type: ord", ""},
		{"add_constraint_set_remote", "c_type=ord&resources[0][]=A&resources[0][]=B&resources[10][]=D&resources[2][]=C&force=1", nil, 200, "Successfully added constraint", "--force -- constraint order set A B set C set D"},
		{"add_constraint_set_remote", "c_type=ticket&resources[0][]=A&options[ticket]=t&options[loss-policy]=stop", nil, 200, "Successfully added constraint", "-- constraint ticket set A setoptions ticket=t loss-policy=stop"},
		{"add_constraint_set_remote", "c_type=ticket&resources[0][]=A", nil, 400, "Error adding constraint ticket: option ticket missing", ""},
		{"add_constraint_set_remote", "c_type=col", nil, 400, "Required parameters missing: 'resources'", ""},
		{"add_constraint_set_remote", "c_type=loc", nil, 400, "Unknown constraint type: loc", ""},
		{"remove_constraint_remote", "constraint_id=c", nil, 200, "Constraint c removed", "-- constraint remove c"},
		{"remove_constraint_remote", "constraint_id=c", map[string]string{"pcs": fails}, 400, "Error removing constraint: c", "-- constraint remove c"},
		{"remove_constraint_remote", "", nil, 400, "Bad Constraint Options", ""},
		{"remove_constraint_rule_remote", "rule_id=c", nil, 200, "Constraint rule c removed", "-- constraint rule remove c"},
		{"remove_constraint_rule_remote", "rule_id=c", map[string]string{"pcs": fails}, 400, "Error removing constraint rule: c", "-- constraint rule remove c"},
		{"remove_constraint_rule_remote", "", nil, 400, "Bad Constraint Rule Options", ""},

		{"get_cluster_properties_definition", "", nil, 200, "{\"x\": {}}\n", "-- property get_cluster_properties_definition"},
		{"get_cluster_properties_definition", "", map[string]string{"pcs": fails}, 400, "{}", "-- property get_cluster_properties_definition"},
		{"get_avail_resource_agents", "", nil, 200, `{"lsb:x":{"full_name":"lsb:x","class":"lsb","provider":null,"type":"x"},"ocf:p:t":{"full_name":"ocf:p:t","class":"ocf","provider":"p","type":"t"},"systemd:l@252:2":{"full_name":"systemd:l@252:2","class":"systemd","provider":null,"type":"l@252:2"}}`, "--nodesc -- resource list"},
		{"get_resource_agent_metadata", "resource_agent=ocf:p:t", nil, 200, "{\"name\": \"t\"}\n", "-- resource get_resource_agent_info ocf:p:t"},
		{"get_resource_agent_metadata", "resource_agent=x", map[string]string{"pcs": "Error: 'x' is not supported\n"}, 200, `{"name":"x","longdesc":"","shortdesc":"","parameters":[]}`, "-- resource get_resource_agent_info x"},
		{"get_resource_agent_metadata", "", nil, 400, `Parameter "resource_agent" required.`, ""},
		{"get_fence_agent_metadata", "fence_agent=stonith:f", map[string]string{"pcs": fails}, 400, "Error: one\n\n  two\n", "-- stonith get_fence_agent_info stonith:f"},
		{"get_fence_agent_metadata", "", nil, 400, `Parameter "fence_agent" required.`, ""},
	} {
		h := &site{fails: c.fails, says: map[string]string{
			"cibadmin -Q": settingsCIB, "pcs -- property get": "{\"x\": {}}\n", "pcs --nodesc": "ocf:p:t\nsystemd:l@252:2\nlsb:x\n", "pcs -- resource get": "{\"name\": \"t\"}\n",
		}}
		s := &Server{conf: Config{Services: h, Programs: h}}
		form, err := url.ParseQuery(c.form)
		if err != nil {
			t.Fatal(err)
		}
		a := endpoints[c.call].run(s, &request{Request: &http.Request{}, form: form, user: adminUser})
		if got := strings.Join(h.ran, "; "); a.code != c.code || a.body != c.body || got != c.ran {
			t.Errorf("%s %s: %d %q, ran %q\nwant %d %q, ran %q", c.call, c.form, a.code, a.body, got, c.code, c.body, c.ran)
		}
	}
}

// TestWebCallsRights: who may change properties may not turn ACLs on, and who may do that need not be allowed to do more.
func TestWebCallsRights(t *testing.T) {
	h := &site{says: map[string]string{"cibadmin": settingsCIB}}
	base, _, tokens := crowdWith(t, Config{Programs: h, Services: h})
	for _, c := range []struct {
		as, form string
		code     int
	}{
		{"bob", "config[a]=5", 200}, {"bob", "config[enable-acl]=true", 403}, {"bob", "config[a]=5&config[Enable-ACL]=true", 403}, {"carol", "config[a]=5", 403}, {"carol", "config[a]=1", 200}, {"hacluster", "config[enable-acl]=true", 200},
	} {
		h.ran = nil
		form, err := url.ParseQuery(c.form)
		if err != nil {
			t.Fatal(err)
		}
		if code, body := ask(t, base+"/remote/update_cluster_settings", tokens[c.as], form); code != c.code || code == 403 && len(h.ran) > 0 {
			t.Errorf("%s as %s: %d %s, ran %v", c.form, c.as, code, body, h.ran)
		}
	}
	// Where pacemaker does not run, nothing is done for anybody.
	h.stopped, h.ran = true, nil
	for name, e := range endpoints {
		if !e.pacemaker {
			continue
		}
		if code, body := ask(t, base+"/remote/"+name, tokens["carol"], nil); code != 200 || body != pacemakerStopped || len(h.ran) > 0 {
			t.Errorf("%s without pacemaker: %d %s, ran %v", name, code, body, h.ran)
		}
		if code, _ := ask(t, base+"/remote/"+name, "", nil); code != 401 {
			t.Errorf("%s without a token: %d", name, code)
		}
	}
}

func FuzzWebForms(f *testing.F) {
	f.Add("add_constraint_set_remote", "c_type=ord&resources[0][]=A&resources[]]=B&resources[-1=")
	f.Add("add_constraint_rule_remote", `c_type=loc&res_id=A&rule="\\x\" '`)
	f.Add("update_cluster_settings", "config[a]=5&config[[]]=6")
	names := slices.Sorted(func(yield func(string) bool) {
		for n := range webCalls() {
			if !yield(n) {
				return
			}
		}
	})
	f.Fuzz(func(t *testing.T, name, form string) {
		values, err := url.ParseQuery(form)
		if err != nil || !slices.Contains(names, name) {
			return
		}
		h := &site{}
		s := &Server{conf: Config{Services: h, Programs: h}}
		if a := endpoints[name].run(s, &request{Request: &http.Request{}, form: values, user: adminUser}); a.code != 200 && a.code != 400 {
			t.Errorf("%s %s: %d", name, form, a.code)
		}
	})
}
