package pcsd

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// maxReport is the longest report that goes back; clients read no longer answers.
const maxReport = 60 << 20

// reportOptions are the options of crm_report that a call may have, and whether they have a value.
var reportOptions = map[string]bool{"--single-node": false, "--from": true, "--to": true, "-M": false, "--logfile": true, "-p": true, "-L": true, "--corosync": false}

// crmReport makes this host's part of a cluster's report: the packed report is the answer. It has the words of crm_report in
// its fields "option". Logs are read below /var/log alone.
func (s *Server) crmReport(r *request) answer {
	words := []string{"--single-node"}
	for list := r.form["option"]; len(list) > 0; {
		word := list[0]
		list = list[1:]
		valued, known := reportOptions[word]
		if !known {
			return bad("crm_report: the option %q is not taken here", word)
		}
		if words = append(words, word); !valued {
			continue
		}
		if len(list) == 0 {
			return bad("crm_report: the option %q has no value", word)
		}
		if word == "--logfile" && (!strings.HasPrefix(list[0], "/var/log/") || filepath.Clean(list[0]) != list[0] || strings.ContainsAny(list[0], " \t\n")) {
			return bad("crm_report: logs are read below /var/log only, not %q", list[0])
		}
		words, list = append(words, list[0]), list[1:]
	}
	failed := func(err error) answer { return answer{http.StatusInternalServerError, "crm_report: " + err.Error()} }
	dir, err := os.MkdirTemp("", "crm_report-")
	if err != nil {
		return failed(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // what is left is of no use, and nobody else may read it
	report := filepath.Join(dir, "report")
	res, err := s.conf.Programs.Run(r.Context(), nil, "", "crm_report", append(words, "--dest", report)...)
	if err != nil {
		return failed(err)
	}
	if res.Code != 0 {
		return failed(fmt.Errorf("exit code %d: %s", res.Code, strings.TrimSpace(res.Stderr)))
	}
	files, err := filepath.Glob(report + ".tar*")
	if err != nil || len(files) != 1 {
		return failed(fmt.Errorf("no report was made: %s", strings.TrimSpace(res.Stderr)))
	}
	if i, err := os.Stat(files[0]); err != nil || i.Size() > maxReport {
		return answer{http.StatusRequestEntityTooLarge, "crm_report: the report is too large to be sent through pcsd"}
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		return failed(err)
	}
	return ok(string(data))
}
