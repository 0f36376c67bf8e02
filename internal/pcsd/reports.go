package pcsd

import (
	"strings"

	"hacluster/internal/pcs/report"
	"hacluster/internal/pcsd/catalog"
)

// libReport is a report as the API gives it.
type libReport struct {
	Severity struct {
		Level string  `json:"level"`
		Force *string `json:"force_code"`
	} `json:"severity"`
	Message struct {
		Code    string         `json:"code"`
		Message string         `json:"message"`
		Payload map[string]any `json:"payload"`
	} `json:"message"`
	Context *reportContext `json:"context"`
}

type reportContext struct {
	Node string `json:"node"`
}

var levels = map[report.Severity]string{
	report.Error: "ERROR", report.Warning: "WARNING", report.Deprecation: "DEPRECATION", report.Info: "INFO", report.Debug: "DEBUG",
}

// invalidPayload is the code of errors about what a command was given, and so of those that the library has no kind for: pcs
// finds them in its command line.
const invalidPayload = "COMMAND_INVALID_PAYLOAD"

// newReport makes a report of a known kind; its payload is read from its words.
func newReport(level, code, text string) libReport {
	r := libReport{}
	r.Severity.Level, r.Message.Code, r.Message.Message, r.Message.Payload = level, code, text, map[string]any{}
	if found, ok := catalog.Find(text, code, ""); ok && found.Code == code {
		r.Message.Payload = found.Payload
	}
	return r
}

// toldBy are the items that a command told: records, or lines for people, of which those that are set in belong to the one before.
func toldBy(text string) []report.Item {
	out, rest := report.ReadRecords(text)
	if out != nil {
		return out
	}
	for line := range strings.Lines(rest) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line == "Error: "+report.ErrFailed.Error() {
			continue
		}
		if strings.HasPrefix(line, " ") && len(out) > 0 {
			out[len(out)-1].Text += "\n" + line
			continue
		}
		i := report.Item{Severity: report.Info, Text: line}
		for _, s := range []struct {
			prefix string
			level  report.Severity
		}{{"Error: ", report.Error}, {"Warning: ", report.Warning}, {"Deprecation Warning: ", report.Deprecation}} {
			if t, ok := strings.CutPrefix(line, s.prefix); ok {
				i.Severity, i.Text = s.level, t
			}
		}
		out = append(out, i)
	}
	return out
}

// hints are how words say what passes an error.
var hints = []struct {
	text  string
	force report.Force
}{{", use --force to override", report.ByForce}, {" (use --force to override)", report.ByForce}, {", use --skip-offline to override", report.BySkipOffline}}

// reports are items as the library's reports. What pcs tells users and the library does not say is for the log.
func (s *Server) reports(items []report.Item, command string) []libReport {
	out := []libReport{}
	for _, i := range items {
		for _, h := range hints {
			if t := strings.Replace(i.Text, h.text, "", 1); t != i.Text {
				i.Text, i.Force = t, h.force
			}
		}
		found, ok := catalog.Find(i.Text, i.Code, command)
		if !ok && i.Node == "" {
			// A host's name may stand before the words.
			if node, text, cut := strings.Cut(i.Text, ": "); cut && !strings.ContainsAny(node, " '") {
				if found, ok = catalog.Find(text, i.Code, command); ok {
					i.Node = node
				}
			}
		}
		if !ok {
			if i.Severity != report.Error {
				s.conf.Log.Info(command + ": " + i.Text)
				continue
			}
			found = catalog.Report{Code: invalidPayload, Message: i.Text, Payload: map[string]any{"reason": i.Text}}
		}
		r := libReport{}
		r.Severity.Level = levels[i.Severity]
		r.Message.Code, r.Message.Message, r.Message.Payload = found.Code, found.Message, found.Payload
		switch i.Force {
		case report.ByForce:
			r.Severity.Force = pointer("FORCE")
		case report.BySkipOffline:
			r.Severity.Force = pointer("SKIP_OFFLINE_NODES")
		}
		if i.Node != "" {
			r.Context = &reportContext{i.Node}
		}
		out = append(out, r)
	}
	return out
}

func pointer(text string) *string { return &text }

// outcome is what a command of the library ended with.
type outcome struct {
	ok bool
	// crashed tells that it could not be carried out at all; the log has the reason.
	crashed bool
	reports []libReport
	data    any
}

// status is the outcome's name in version 1 of the API.
func (o outcome) status() string {
	switch {
	case o.crashed:
		return "exception"
	case !o.ok:
		return "error"
	}
	return "success"
}

func failure(code, text string) outcome {
	return outcome{reports: []libReport{newReport("ERROR", code, text)}}
}

// crash is the outcome of a command that cannot be carried out.
func (s *Server) crash(command string, err error) outcome {
	s.conf.Log.Error("Unable to carry "+command+" out", "reason", err)
	return outcome{crashed: true, reports: []libReport{}}
}
