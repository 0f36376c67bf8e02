package pcsd

import (
	"encoding/json"
	"strings"
)

// configRestore puts the files of a backup in place. Whether it could is told in the body alone.
func (s *Server) configRestore(r *request) answer {
	if !r.has("tarball") || r.value("tarball") == "" {
		return ok("Error: Invalid tarball")
	}
	res, err := s.conf.Programs.Run(r.Context(), nil, r.value("tarball"), "pcs", "--local", "config", "restore")
	switch {
	case err != nil:
		return ok("Error: " + err.Error())
	case res.Code == 0:
		return ok("Succeeded")
	case strings.TrimSpace(res.Stderr) == "":
		return ok("Error")
	}
	return ok(strings.TrimSpace(res.Stderr))
}

// libAnswer is what library commands that are called by a path of their own answer.
type libAnswer struct {
	Status  string  `json:"status"`
	Message *string `json:"status_msg"`
	Reports []any   `json:"report_list"`
	Data    any     `json:"data"`
}

// statusText is the text of `pcs status`.
func (s *Server) statusText(r *request) answer {
	var d struct {
		Hide    bool `json:"hide_inactive_resources"`
		Verbose bool `json:"verbose"`
	}
	fail := func(status, text string) answer { return okJSON(libAnswer{status, &text, []any{}, nil}) }
	if !r.has("data_json") {
		return fail("input_error", "Missing required parameter: data_json")
	}
	if json.Unmarshal([]byte(r.value("data_json")), &d) != nil {
		return fail("input_error", "Unable to parse input data")
	}
	args := []string{"status"}
	if d.Hide {
		args = append(args, "--hide-inactive")
	}
	if d.Verbose {
		args = append(args, "--full")
	}
	out, errs, code := s.pcs(r.Context(), args...)
	if code != 0 {
		return fail("error", strings.TrimPrefix(strings.TrimSpace(errs), "Error: "))
	}
	return okJSON(libAnswer{"success", nil, []any{}, strings.TrimRight(out, "\n")})
}
