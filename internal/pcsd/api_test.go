package pcsd

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hacluster/internal/pcs/live"
)

// say sends a body of JSON; path may hold a query.
func say(t *testing.T, method, url, token, contentType, body string, cookies ...string) (int, string) {
	t.Helper()
	c := insecure()
	defer c.CloseIdleConnections()
	req, err := http.NewRequest(method, url, bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	cookie := strings.Join(append([]string{"token=" + token}, cookies...), ";")
	req.Header.Set("Cookie", cookie)
	resp, err := c.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, err.Error()
	}
	return resp.StatusCode, string(data)
}

// scripted answers for all programs, and remembers what was run.
type scripted struct {
	machine
	hang chan struct{}
}

func (p *scripted) Run(ctx context.Context, env []string, stdin, name string, args ...string) (live.Result, error) {
	if p.hang != nil {
		select {
		case <-p.hang:
		case <-ctx.Done():
			return live.Result{}, ctx.Err()
		}
	}
	return p.machine.Run(ctx, env, stdin, name, args...)
}

func TestAPIv1(t *testing.T) {
	m := &scripted{machine: machine{active: map[string]bool{}}}
	base, _, token := serveWith(t, m)
	m.answer = live.Result{Stdout: "[]", Stderr: "Warning: careful\nError: broken, use --force to override\n", Code: 1}
	for _, c := range []struct{ path, body, want string }{
		{"acl-remove-role/v1", `{"role_id":"r"}`, `{"status":"error","status_msg":null,"report_list":[{"severity":{"level":"ERROR","force_code":"FORCE"},"message":{"code":"COMMAND_INVALID_PAYLOAD","message":"broken","payload":{"reason":"broken"}},"context":null}],"data":null}`},
		{"acl-remove-role/v1", `[]`, `{"status":"input_error","status_msg":"Input is not valid JSON object","report_list":[],"data":null}`},
		{"foo/v1", `{}`, `{"status":"unknown_cmd","status_msg":"Unknown command 'foo/v1'","report_list":[],"data":null}`},
	} {
		// What a client calls the body does not matter.
		if code, got := say(t, http.MethodPost, base+"/api/v1/"+c.path, token, "application/x-www-form-urlencoded", c.body); code != 200 || got != c.want {
			t.Errorf("%s: %d\ngot  %s\nwant %s", c.path, code, got, c.want)
		}
	}
	if _, got := say(t, http.MethodPost, base+"/api/v1/acl-remove-role/v1", token, "", `{}`); !strings.Contains(got, `"code":"COMMAND_INVALID_PAYLOAD"`) {
		t.Errorf("got %s", got)
	}
	if got := strings.Join(m.ran, "\n"); got != "CIB_user=hacluster pcs -- acl role delete r" {
		t.Errorf("ran %s", got)
	}
}

func TestAPIv2(t *testing.T) {
	m := &scripted{machine: machine{active: map[string]bool{}}}
	base, _, token := serveWith(t, m)
	m.answer = live.Result{Stdout: "lsb\nocf\n"}
	const asked = `{"command_name":"resource_agent.list_standards","params":{},"options":{}}`
	post := func(path, body string) (int, string) {
		return say(t, http.MethodPost, base+"/api/v2/task/"+path, token, "application/json", body)
	}
	code, got := post("run", asked)
	var r taskResult
	if err := json.Unmarshal([]byte(got), &r); err != nil || code != 200 || r.State != "FINISHED" || r.Finish != "SUCCESS" || len(r.Result.([]any)) != 2 {
		t.Fatalf("%d %s", code, got)
	}
	for _, c := range []struct {
		body string
		code int
		want string
	}{
		{`{"command_name":"x","params":{}}`, 400, `Required key \"options\" is missing in request body.`},
		{`{"command_name":"x","params":{},"options":{},"zz":1}`, 400, "Request body contains unexpected keys: zz."},
		{`{`, 400, "Malformed JSON data."},
		{`{"command_name":1,"params":{},"options":{}}`, 400, "Malformed request body."},
		{`{"command_name":"x","params":{},"options":{}}`, 200, `"code":"COMMAND_UNKNOWN"`},
	} {
		if code, got := post("run", c.body); code != c.code || !strings.Contains(got, c.want) {
			t.Errorf("%s: %d %s", c.body, code, got)
		}
	}
	if code, got := say(t, http.MethodPost, base+"/api/v2/task/run", token, "text/plain", asked); code != 400 || !strings.Contains(got, "wrong/missing headers") {
		t.Errorf("%d %s", code, got)
	}
	if code, got := say(t, http.MethodPost, base+"/api/v2/task/run", "nonsense", "application/json", asked); code != 401 || got != `{"http_code":401,"http_error":"Unauthorized","error_message":null}` {
		t.Errorf("%d %s", code, got)
	}
	m.hang = make(chan struct{})
	defer close(m.hang)
	_, got = post("create", asked)
	var id struct {
		Ident string `json:"task_ident"`
	}
	if err := json.Unmarshal([]byte(got), &id); err != nil || id.Ident == "" {
		t.Fatal(got)
	}
	result := func() (int, string) {
		return say(t, http.MethodGet, base+"/api/v2/task/result?task_ident="+id.Ident, token, "", "")
	}
	if code, got := result(); code != 200 || !strings.Contains(got, `"task_finish_type":"UNFINISHED"`) {
		t.Errorf("%d %s", code, got)
	}
	if code, got := post("kill", `{"task_ident":"`+id.Ident+`"}`); code != 200 || got != "" {
		t.Errorf("%d %s", code, got)
	}
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if _, got := result(); strings.Contains(got, `"task_finish_type":"KILL","kill_reason":"USER"`) {
			break
		} else if time.Since(begin) > 5*time.Second {
			t.Fatal(got)
		}
	}
	if code, _ := say(t, http.MethodGet, base+"/api/v2/task/result?task_ident=other", token, "", ""); code != 404 {
		t.Errorf("a task that is not there: %d", code)
	}
}
