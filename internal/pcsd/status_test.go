package pcsd

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"

	"hacluster/internal/pcs/session"
)

// TestStatus asks for version 2 of the status, of a host where all runs and of one where pacemaker does not.
func TestStatus(t *testing.T) {
	dir := t.TempDir()
	const conf = "totem {\n    cluster_name: alpha\n    cluster_uuid: u-1\n}\nnodelist {\n    node {\n        ring0_addr: n1\n        name: n1\n        nodeid: 1\n    }\n}\n"
	if err := os.WriteFile(dir+"/corosync.conf", []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	says := map[string]string{
		"pcs -- status nodes both":                   "Corosync Nodes:\n Online: n1 n2\n Offline:\nPacemaker Nodes:\n Online: n1\n Standby: n2\n Standby with resource(s) running:\n Maintenance: n3\n Offline: n4\nPacemaker Remote Nodes:\n Online: r\n",
		"pcs -- alert":                               `[{"id": "a"}]` + "\n",
		"pcs -- stonith sbd":                         "{}\n",
		"cibadmin -Q -l":                             `<cib><configuration><crm_config><cluster_property_set id="o"><nvpair id="1" name="a" value="1"/></cluster_property_set></crm_config><resources><primitive id="p" class="lsb" type="x"/></resources><constraints/></configuration></cib>`,
		"crm_mon --one-shot --inactive":              `<pacemaker-result><summary><current_dc with_quorum="true"/></summary><nodes><node name="n1" id="1" standby="true"/></nodes><resources><resource id="p" active="true"/></resources></pacemaker-result>`,
		"corosync-cmapctl -g runtime.votequorum.thi": "runtime.votequorum.this_node_id (u32) = 1\n",
	}
	ask := func(h *site, form string) map[string]any {
		t.Helper()
		v, err := url.ParseQuery(form)
		if err != nil {
			t.Fatal(err)
		}
		s := &Server{conf: Config{Services: h, Programs: h, Hostname: "n1", Paths: session.Paths{PcsdDir: dir, CorosyncConf: dir + "/corosync.conf"}}}
		a := s.status(&request{Request: &http.Request{}, form: v, user: adminUser})
		var out map[string]any
		if err := json.Unmarshal([]byte(a.body), &out); err != nil {
			t.Fatalf("%s: %d %s", form, a.code, a.body)
		}
		return out
	}
	check := func(what string, got map[string]any, want string) {
		t.Helper()
		var w map[string]any
		if err := json.Unmarshal([]byte(want), &w); err != nil {
			t.Fatal(err)
		}
		for k := range w {
			if !reflect.DeepEqual(got[k], w[k]) {
				t.Errorf("%s: %s is %v, want %v", what, k, got[k], w[k])
			}
		}
	}
	up := ask(&site{says: says, corosync: true}, "version=2&node=n1")
	check("running", up, `{"cluster_name":"alpha","cluster_uuid":"u-1","groups":[],"constraints":{},"cluster_settings":{"a":"1"},"username":"hacluster","alerts":[{"id":"a"}],
		"known_nodes":["n1","n2","n3","n4"],"corosync_online":["n1","n2"],"corosync_offline":[],"pacemaker_online":["n1","n3"],"pacemaker_offline":["n4"],"pacemaker_standby":["n2"]}`)
	check("running", up["node"].(map[string]any), `{"id":"1","status":"standby","quorum":true,"name":null,"sbd_config":{},"corosync":true,"pacemaker":true,"error_list":[],
		"warning_list":[{"message":"Not authorized against node(s) n1, n2, n3, n4","type":"nodes_not_authorized","node_list":["n1","n2","n3","n4"]}]}`)
	check("running", up["resource_list"].([]any)[0].(map[string]any), `{"id":"p","class_type":"primitive","agentname":"lsb:x","status":"running","parent_id":null,"operations":[]}`)

	down := ask(&site{says: map[string]string{"pcs -- status nodes both": "Corosync Nodes:\n Online:\n Offline: n1\n"}, stopped: true}, "version=2&skip_auth_check=1")
	check("stopped", down, `{"cluster_name":"alpha","alerts":null,"acls":{},"fence_levels":{},"node_attr":{},"nodes_utilization":{},"cluster_settings":{},"groups":[],"constraints":{},"resource_list":[],"known_nodes":["n1"],"corosync_offline":["n1"],"pacemaker_online":[]}`)
	check("stopped", down["node"].(map[string]any), `{"id":"","status":"offline","quorum":null,"sbd_config":null,"warning_list":[]}`)

	// Nobody's token is known.
	s := &Server{conf: Config{Services: &site{}, Programs: &site{says: says}, Paths: session.Paths{PcsdDir: dir, CorosyncConf: dir + "/corosync.conf"}}}
	whole := s.clusterStatus(&request{Request: &http.Request{}, user: adminUser})
	const lost = `{"cluster_name":"alpha","error_list":[],"node_list":[%],"pcsd_capabilities":[],"quorate":false,"resource_list":[],"status":"error",` +
		`"warning_list":[{"message":"Not authorized against node(s) n1, n2, n3, n4","node_list":["n1","n2","n3","n4"],"type":"nodes_not_authorized"}]}`
	var each []string
	for _, n := range []string{"n1", "n2", "n3", "n4"} {
		each = append(each, `{"error_list":[],"name":"`+n+`","notauthorized":true,"status":"unknown","warning_list":[]}`)
	}
	if want := strings.Replace(lost, "%", strings.Join(each, ","), 1); whole.code != 200 || whole.body != want {
		t.Errorf("the cluster: %d %s\nwant %s", whole.code, whole.body, want)
	}
	s.conf.Paths.CorosyncConf = dir + "/none"
	if a := s.clusterStatus(&request{Request: &http.Request{}, user: adminUser}); !strings.Contains(a.body, `"cluster_name":null`) {
		t.Errorf("in no cluster: %d %s", a.code, a.body)
	}

	check("another host", ask(&site{}, "version=2&node=n2"), `{"notoken":true}`)
	old := ask(&site{corosync: true}, "")
	check("0.9", old["node"].(map[string]any), `{"status":"online","name":"n1"}`)
}

func TestUpSince(t *testing.T) {
	got := []string{upSince(59), upSince(86400 + 3661), upSince(2*86400 + 86399)}
	if s := strings.Join(got, "; "); s != "0 days, 00:00:59; 1 day, 01:01:01; 2 days, 23:59:59" {
		t.Error(s)
	}
}
