package pcsd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"hacluster/internal/pcs/report"
	"hacluster/internal/pcsd/library"
)

// superuser is the right that only hacluster has.
const superuser = "superuser"

// mayRun tells whether the user of a request may carry a command out.
func (s *Server) mayRun(r *request, c library.Command) bool {
	if c.Need == superuser {
		return r.user == adminUser
	}
	return s.may(r, c.Need)
}

// execute carries a command out for the user of a request.
func (s *Server) execute(ctx context.Context, r *request, c library.Command, params map[string]json.RawMessage, options []string) outcome {
	call, err := c.Plan(params)
	var wrong *library.PayloadError
	if errors.As(err, &wrong) {
		return failure("COMMAND_INVALID_PAYLOAD", "Invalid command payload: "+wrong.Text)
	}
	if call.Native != "" {
		return s.native(ctx, r, call.Native, params)
	}
	env := append(r.environment(), "PCS_COMPAT="+cmp.Or(call.Dialect, "0.11"), report.RecordsVariable+"=1")
	out := outcome{ok: true, reports: []libReport{}}
	var stdout []string
	for _, step := range call.Steps {
		res, err := s.conf.Programs.Run(ctx, env, "", "pcs", append(append([]string{}, options...), step...)...)
		if err != nil {
			return s.crash(c.Name, err)
		}
		out.reports = append(out.reports, s.reports(toldBy(res.Stderr), c.Name)...)
		stdout = append(stdout, res.Stdout)
		if res.Code != 0 {
			out.ok = false
			return out
		}
	}
	if call.Data != nil {
		if out.data, err = call.Data(stdout); err != nil {
			return s.crash(c.Name, fmt.Errorf("unable to read the result: %w", err))
		}
	}
	return out
}

// native carries out commands that are not pcs's.
func (s *Server) native(ctx context.Context, r *request, name string, params map[string]json.RawMessage) outcome {
	switch name {
	case "remove_cluster_name":
		if code, text := s.removeClusterName(ctx); code != "" {
			return failure(code, text)
		}
		return outcome{ok: true, reports: []libReport{}}
	case "unfence_scsi":
		return s.unfence(ctx, "fence_scsi", params["node"], params)
	case "unfence_mpath":
		return s.unfence(ctx, "fence_mpath", params["key"], params)
	}
	form := url.Values{}
	for k, v := range params {
		var text string
		if json.Unmarshal(v, &text) != nil {
			return failure("COMMAND_INVALID_PAYLOAD", "Invalid command payload: parameter "+k+" is not a text")
		}
		form.Set(k, text)
	}
	run, ok := map[string]func(*Server, *request) answer{
		"device_authority": (*Server).deviceAuthority, "device_sign": (*Server).deviceSign, "device_import": (*Server).deviceImport,
		"device_set_up": (*Server).deviceSetUp, "device_destroy": (*Server).deviceDestroy,
	}[name]
	if !ok {
		return failure("COMMAND_UNKNOWN", "Unknown command '"+name+"'")
	}
	call := *r
	call.form = form
	a := run(s, &call)
	if a.code != http.StatusOK {
		return outcome{reports: s.reports(toldBy(a.body), name)}
	}
	return outcome{ok: true, reports: []libReport{}, data: a.body}
}

// readObject reads a request's body as a JSON object.
func readObject(r *request) (map[string]json.RawMessage, bool) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, false
	}
	var m map[string]json.RawMessage
	if json.Unmarshal(data, &m) != nil || m == nil {
		return nil, false
	}
	return m, true
}

// apiV1 answers a call of version 1: one command, and its result.
func (s *Server) apiV1(r *request, name string) answer {
	type envelope struct {
		Status  string      `json:"status"`
		Message *string     `json:"status_msg"`
		Reports []libReport `json:"report_list"`
		Data    any         `json:"data"`
	}
	fail := func(status, format string, args ...any) answer {
		text := fmt.Sprintf(format, args...)
		return okJSON(envelope{status, &text, []libReport{}, nil})
	}
	c, known := library.FindV1(name)
	if !known {
		return fail("unknown_cmd", "Unknown command '%s'", name)
	}
	params, ok := readObject(r)
	if !ok {
		return fail("input_error", "Input is not valid JSON object")
	}
	if !s.mayRun(r, c) {
		return answer{http.StatusOK, `{"notauthorized": "true"}`}
	}
	o := s.execute(r.Context(), r, c, params, nil)
	return okJSON(envelope{o.status(), nil, o.reports, o.data})
}

// manage is a call of the web user interface: resource_list_json is a list of what is to be managed or not.
func manage(name string) func(*Server, *request) answer {
	return func(s *Server, r *request) answer {
		if !r.has("resource_list_json") {
			return plainBad("Required parameters missing: 'resource_list_json'")
		}
		c, ok := library.Find(name)
		if !ok {
			return answer{http.StatusNotImplemented, "Not Implemented"}
		}
		o := s.execute(r.Context(), r, c, map[string]json.RawMessage{"resource_or_tag_ids": json.RawMessage(r.value("resource_list_json"))}, nil)
		if !o.ok {
			return plainBad(lines(o.reports))
		}
		return ok200()
	}
}

// lines are reports as calls that are older than the API give them.
func lines(list []libReport) string {
	var out []string
	for _, r := range list {
		prefix := map[string]string{"ERROR": "Error: ", "WARNING": "Warning: ", "DEPRECATION": "Deprecation warning: ", "DEBUG": "Debug: "}[r.Severity.Level]
		out = append(out, prefix+r.Message.Message)
	}
	return strings.Join(out, "\n")
}
