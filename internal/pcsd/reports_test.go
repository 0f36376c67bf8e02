package pcsd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"

	"hacluster/internal/pcs"
	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/library"
	"hacluster/internal/program"
)

// pcsItself runs pcs for the server, on a configuration in a file.
type pcsItself struct {
	live.Services
	file string
}

func (p pcsItself) Run(ctx context.Context, env []string, stdin, name string, args ...string) (live.Result, error) {
	if name != "pcs" {
		return live.Result{}, errors.New("no such program")
	}
	vars := map[string]string{}
	for _, e := range env {
		k, v, _ := strings.Cut(e, "=")
		vars[k] = v
	}
	var out, errs bytes.Buffer
	code := pcs.Run(ctx, &program.Env{
		Args: append([]string{"pcs", "-f", p.file}, args...), Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, Getenv: func(k string) string { return vars[k] },
	}, session.World{})
	return live.Result{Stdout: out.String(), Stderr: errs.String(), Code: code}, nil
}

// TestReports has commands of the library fail, and looks at the code and the payload of what they report.
func TestReports(t *testing.T) {
	file := t.TempDir() + "/cib.xml"
	if err := os.WriteFile(file, []byte(`<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0"><configuration><crm_config/><nodes/><resources><primitive id="A" class="ocf" provider="pacemaker" type="Dummy"/><primitive id="B" class="ocf" provider="pacemaker" type="Dummy"/></resources><constraints/><acls><acl_role id="r"/><acl_target id="u"/></acls></configuration><status/></cib>`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &Server{}
	s.conf.Programs, s.conf.Log = pcsItself{file: file}, slog.New(slog.DiscardHandler)
	for _, c := range []struct{ command, params, want string }{
		{"acl.create_role", `{"role_id":"r","permission_info_list":[],"description":null}`, `ERROR ID_ALREADY_EXISTS {"id":"r"} 'r' already exists`},
		{"acl.create_target", `{"target_id":"u","role_list":[]}`, `ERROR CIB_ACL_TARGET_ALREADY_EXISTS {"target_id":"u"} 'u' already exists`},
		{"acl.remove_role", `{"role_id":"x"}`, `ERROR ID_NOT_FOUND {"context_id":null,"context_type":null,"expected_types":["ACL role"],"id":"x"} ACL role 'x' does not exist`},
		{"alert.remove_alert", `{"alert_id_list":["x"]}`, `ERROR ID_NOT_FOUND {"context_id":null,"context_type":null,"expected_types":["alert"],"id":"x"}`},
		{"resource.group_add", `{"group_id":"g","resource_id_list":["A","A"]}`, `ERROR ADD_REMOVE_ITEMS_DUPLICATION {"container_id":null,"container_type":null,"duplicate_items_list":["A"],"item_type":"resource"}`},
		{"resource.create", `{"resource_id":"A","resource_agent_name":"ocf:no:such","operation_list":[],"meta_attributes":{},"instance_attributes":{}}`, `ERROR+FORCE UNABLE_TO_GET_AGENT_METADATA`},
		{"fencing_topology.add_level", `{"level":"x","target_type":"node","target_value":"n","devices":["f"]}`, `ERROR INVALID_OPTION_VALUE {"allowed_values":"1..9","cannot_be_empty":false,"forbidden_characters":null,"option_name":"level","option_value":"x"}`},
		{"cluster_property.set_properties", `{"cluster_properties":{"nonsense":"1"}}`, `ERROR+FORCE INVALID_OPTIONS`},
		{"constraint.order.create_with_set", `{"resource_set_list":[{"ids":["A","nosuch"],"options":{"bad":"x"}}],"constraint_options":{}}`, `ERROR INVALID_OPTIONS`},
	} {
		var params map[string]json.RawMessage
		if err := json.Unmarshal([]byte(c.params), &params); err != nil {
			t.Fatal(err)
		}
		cmd, ok := library.Find(c.command)
		if !ok {
			t.Fatal(c.command)
		}
		o := s.execute(t.Context(), &request{user: adminUser}, cmd, params, nil)
		var got []string
		for _, r := range o.reports {
			payload, err := json.Marshal(r.Message.Payload)
			if err != nil {
				t.Fatal(err)
			}
			level := r.Severity.Level
			if r.Severity.Force != nil {
				level += "+" + *r.Severity.Force
			}
			got = append(got, level+" "+r.Message.Code+" "+string(payload)+" "+r.Message.Message)
		}
		if all := strings.Join(got, "\n"); o.ok || !strings.Contains(all, c.want) {
			t.Errorf("%s %s: want %s\ngot %s", c.command, c.params, c.want, all)
		}
	}
}
