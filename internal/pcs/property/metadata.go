// Package property is `pcs property`: the cluster's options.
package property

import (
	"slices"

	"hacluster/internal/pcs/agents"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// readonly are options that the cluster sets itself.
var readonly = []string{"cluster-infrastructure", "cluster-name", "dc-version", "have-watchdog", "last-lrm-refresh"}

var daemons = []string{"pacemaker-based", "pacemaker-controld", "pacemaker-schedulerd"}

// definition is an option of the cluster with the daemon that it belongs to.
type definition struct {
	agents.Param
	daemon string
}

// definitions are the options of all daemons, in their order; the later of two of a name counts.
func definitions(s *session.Session) ([]definition, error) {
	var out []definition
	names := daemons
	if s.Legacy() {
		names = []string{"pacemaker-schedulerd", "pacemaker-controld", "pacemaker-based"}
	}
	for _, d := range names {
		data, err := s.World.Agents.Daemon(d)
		var a *agents.Agent
		if err == nil {
			a, err = agents.Parse(agents.Name{Standard: "__pcmk_internal", Type: d}, data)
		}
		if err != nil {
			s.Out.Tell(report.Errorf("Agent '%s' is not installed or does not provide valid metadata: %s", d, err))
			continue
		}
		params := agents.DaemonParams(a)
		for _, p := range params {
			out = append(out, definition{p, d})
		}
	}
	if s.Out.Failed() {
		return nil, report.ErrFailed
	}
	return out, nil
}

// dedup keeps the place of the first and the content of the last definition of each name.
func dedup(all []definition) []definition {
	var out []definition
	for _, d := range all {
		if i := slices.IndexFunc(out, func(o definition) bool { return o.Name == d.Name }); i >= 0 {
			out[i] = d
			continue
		}
		out = append(out, d)
	}
	return out
}
