package fleet

import (
	"encoding/json"
	"errors"
	"net/url"

	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// SBD is what SBD does on a node; nil is not known.
type SBD struct {
	Node                        string
	Installed, Enabled, Running *bool
}

// SBDStatus asks hosts about SBD. Those of which nothing is known come last, and are warned of.
func SBDStatus(s *session.Session, targets []string) []SBD {
	var known, unknown []SBD
	answered := map[string]bool{}
	for _, r := range s.All(targets, "remote/check_sbd", url.Values{"watchdog": {""}, "device_list": {"[]"}}) {
		if i, failed := s.ResponseItem(r); failed {
			i.Severity = report.Warning
			s.Out.Tell(i, report.Warnf("Unable to get status of SBD from node '%s'", r.Node))
			continue
		}
		var a struct{ Sbd *SBD }
		err := json.Unmarshal([]byte(r.Body), &a)
		if err == nil && a.Sbd == nil {
			err = errors.New("'sbd'")
		}
		if err != nil {
			s.Out.Tell(report.Warnf("Unable to get status of SBD from node '%s': %s", r.Node, err))
			continue
		}
		a.Sbd.Node = r.Node
		known, answered[r.Node] = append(known, *a.Sbd), true
	}
	for _, n := range targets {
		if !answered[n] {
			unknown = append(unknown, SBD{Node: n})
		}
	}
	return append(known, unknown...)
}
