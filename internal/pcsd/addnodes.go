package pcsd

import (
	"encoding/json"
	"slices"
	"strings"
)

// oldReport is a report as calls that are older than the API give it.
type oldReport struct {
	Severity  string         `json:"severity"`
	Code      string         `json:"code"`
	Info      map[string]any `json:"info"`
	Forceable *string        `json:"forceable"`
	Text      string         `json:"report_text"`
}

// reportsOf makes reports of what pcs told.
func reportsOf(text string) []any {
	out := []any{}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line == "Error: Errors have occurred, therefore pcs is unable to continue" {
			continue
		}
		r := oldReport{Severity: "INFO", Info: map[string]any{}, Text: line}
		for _, s := range []struct{ prefix, severity string }{{"Error: ", "ERROR"}, {"Warning: ", "WARNING"}, {"Deprecation Warning: ", "DEPRECATION"}} {
			if t, ok := strings.CutPrefix(line, s.prefix); ok {
				r.Severity, r.Text = s.severity, t
			}
		}
		out = append(out, r)
	}
	return out
}

// addNodes adds a host to this node's cluster for a client outside of it.
func (s *Server) addNodes(r *request) answer {
	var d struct {
		Nodes []struct {
			Name     string   `json:"name"`
			Addrs    []string `json:"addrs"`
			Devices  []string `json:"devices"`
			Watchdog string   `json:"watchdog"`
		} `json:"nodes"`
		Wait    any      `json:"wait"`
		Start   bool     `json:"start"`
		Enable  bool     `json:"enable"`
		NoCheck bool     `json:"no_watchdog_validation"`
		Force   []string `json:"force_flags"`
	}
	fail := func(status, text string) answer { return okJSON(libAnswer{status, &text, []any{}, nil}) }
	if !r.has("data_json") {
		return fail("input_error", "Missing required parameter: data_json")
	}
	if json.Unmarshal([]byte(r.value("data_json")), &d) != nil || len(d.Nodes) != 1 {
		return fail("input_error", "Unable to parse input data")
	}
	var options []string
	for _, o := range []struct {
		given bool
		word  string
	}{
		{d.Start, "--start"},
		{d.Enable, "--enable"},
		{d.NoCheck, "--no-watchdog-validation"},
		{slices.Contains(d.Force, "FORCE"), "--force"},
		{slices.Contains(d.Force, "SKIP_OFFLINE_NODES"), "--skip-offline"},
	} {
		if o.given {
			options = append(options, o.word)
		}
	}
	switch w := d.Wait.(type) {
	case nil:
		options = append(options, "--wait")
	case string:
		options = append(options, "--wait="+w)
	}
	n := d.Nodes[0]
	words := []string{"cluster", "node", "add", n.Name}
	for _, a := range n.Addrs {
		words = append(words, "addr="+a)
	}
	for _, v := range n.Devices {
		words = append(words, "device="+v)
	}
	if n.Watchdog != "" {
		words = append(words, "watchdog="+n.Watchdog)
	}
	_, errs, code := s.pcs(r.Context(), append(append(options, "--"), words...)...)
	status := "success"
	if code != 0 {
		status = "error"
	}
	return okJSON(libAnswer{status, nil, reportsOf(errs), nil})
}
