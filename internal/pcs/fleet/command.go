package fleet

import (
	"encoding/json"
	"strings"

	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// result is what a command of pcsd's library ended with.
type result struct {
	Status  string  `json:"status"`
	Message *string `json:"status_msg"`
	Reports []struct {
		Severity struct{ Level string }   `json:"severity"`
		Message  struct{ Message string } `json:"message"`
	} `json:"report_list"`
}

// parseResult reads an answer; ok is false for anything else.
func parseResult(body string) (r result, ok bool) {
	err := json.Unmarshal([]byte(body), &r)
	return r, err == nil && r.Status != ""
}

// items are what a host's command told.
func (r result) items(node string) (items []report.Item, wrong bool) {
	for _, x := range r.Reports {
		i := report.Infof("%s", x.Message.Message).On(node)
		switch strings.ToUpper(x.Severity.Level) {
		case "ERROR":
			i.Severity, wrong = report.Error, true
		case "WARNING":
			i.Severity = report.Warning
		case "DEPRECATION":
			i.Severity = report.Deprecation
		case "DEBUG":
			i.Severity = report.Debug
		}
		items = append(items, i)
	}
	return items, wrong
}

// Command carries a command of pcsd's library out on all hosts and tells what each of them told. body gives the
// command's parameters.
func Command(s *session.Session, targets []string, path string, body func(node string) any) {
	requests := map[string]client.Request{}
	for _, t := range targets {
		data, err := json.Marshal(body(t))
		if err != nil {
			s.Out.Tell(report.Errorf("%s: %s", t, err))
			continue
		}
		requests[t] = client.Request{Path: path, JSON: string(data), Timeout: s.RequestTimeout(0)}
	}
	for _, r := range s.Remote().AllDifferent(s.Ctx, targets, func(n string) client.Request { return requests[n] }, nil) {
		if r.Kind == client.NotSupported {
			s.Out.Tell(report.Errorf("%s: Old version of pcsd is running on the node, therefore it is unable to perform the action", r.Node))
			continue
		}
		if i, failed := s.ResponseItem(r); failed {
			s.Out.Tell(i)
			continue
		}
		a, ok := parseResult(r.Body)
		if !ok {
			s.Out.Tell(garbled(r.Node))
			continue
		}
		items, wrong := a.items(r.Node)
		s.Out.Tell(items...)
		if a.Status != "success" && !wrong {
			why := a.Status
			if a.Message != nil && *a.Message != "" {
				why = *a.Message
			}
			s.Out.Tell(report.Errorf("%s: %s", r.Node, why))
		}
	}
}

// RemoveClusterName drops the property cluster-name from the configuration on hosts' disks.
func RemoveClusterName(s *session.Session, targets []string) error {
	s.Out.Info("Removing CIB cluster name property on nodes...")
	for _, t := range targets {
		const path = "api/v1/cluster-property-remove-name/v1"
		r := s.Remote().Call(s.Ctx, t, client.Request{Path: path, JSON: "{}", Timeout: s.RequestTimeout(0)})
		if i, failed := s.ResponseItem(r); failed {
			s.Out.Tell(s.OrSkip(i))
			continue
		}
		a, ok := parseResult(r.Body)
		if !ok {
			s.Out.Tell(garbled(t))
			continue
		}
		items, wrong := a.items(t)
		s.Out.Tell(items...)
		switch {
		case a.Status == "success" && !wrong:
			s.Out.Info(t + ": Succeeded")
		case a.Message != nil && *a.Message != "" || !wrong:
			why := "Unknown error"
			if a.Message != nil && *a.Message != "" {
				why = *a.Message
			}
			s.Out.Tell(report.Errorf("%s: %s", t, why))
		}
	}
	return s.Out.Check()
}

// RunningCorosync are the hosts on which corosync runs; hosts that do not answer can be left out.
func RunningCorosync(s *session.Session, targets []string) []string {
	var out []string
	for _, r := range s.All(targets, "remote/status", map[string][]string{"version": {"2"}}) {
		if i, failed := s.ResponseItem(r); failed {
			s.Out.Tell(s.OrSkip(i))
			continue
		}
		switch runs, ok := session.RunningCorosync(r.Body); {
		case !ok:
			s.Out.Tell(garbled(r.Node))
		case runs:
			out = append(out, r.Node)
		}
	}
	return out
}
