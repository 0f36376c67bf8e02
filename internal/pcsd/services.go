package pcsd

import (
	"context"
	"errors"
	"os"
	"strings"

	"hacluster/internal/pcs/cluster"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/live"
	"hacluster/internal/pcsd/client"
)

// forwarded passes a call on to the node that its field name asks for, for the user who made it.
func forwarded(path string, run func(*Server, *request) answer) func(*Server, *request) answer {
	return func(s *Server, r *request) answer {
		node := r.value("name")
		if node == "" {
			return run(s, r)
		}
		form := r.form
		form.Del("name")
		resp := s.asUser(r).Call(r.Context(), node, client.Request{Path: "remote/" + path, Form: form})
		if resp.Code == 0 {
			return plainBad("Unable to connect to " + node)
		}
		return answer{resp.Code, resp.Body}
	}
}

func reason(err error) string {
	var se *live.ServiceError
	if errors.As(err, &se) {
		return se.Output
	}
	return err.Error()
}

func (s *Server) hasConf() bool {
	i, err := os.Stat(s.conf.Paths.CorosyncConf)
	return err == nil && i.Mode().IsRegular()
}

func (s *Server) confText() string {
	data, err := os.ReadFile(s.conf.Paths.CorosyncConf)
	if err != nil {
		return ""
	}
	return string(data)
}

// corosyncUnits are corosync and, with a quorum device, its client.
func (s *Server) corosyncUnits() []string {
	if corosyncconf.MentionsDevice(s.confText()) {
		return []string{"corosync", "corosync-qdevice"}
	}
	return []string{"corosync"}
}

func (s *Server) clusterStart(r *request) answer {
	if !s.hasConf() {
		return plainBad("Error: cluster is not currently configured on this node\n")
	}
	component := r.value("component")
	said := "Starting Cluster...\n"
	var units []string
	switch component {
	case "":
		units = append(s.corosyncUnits(), "pacemaker")
	case "corosync":
		units, said = s.corosyncUnits(), "Starting Cluster (corosync)...\n"
	case "pacemaker":
		units, said = []string{"pacemaker"}, "Starting Cluster (pacemaker)...\n"
	default:
		return bad("Invalid component '%s'", component)
	}
	for _, u := range units {
		if err := s.conf.Services.Start(r.Context(), u); err != nil {
			return bad("%sError: Unable to start %s: %s\n", said, u, reason(err))
		}
	}
	return ok(said)
}

func (s *Server) clusterStop(r *request) answer {
	component := r.value("component")
	said := ""
	if !r.has("force") {
		if why := s.quorumLost(r.Context()); why != "" {
			return plainBad("Error: " + why + "\n")
		}
	}
	if component != "corosync" {
		said += "Stopping Cluster (pacemaker)...\n"
		if err := s.conf.Services.Stop(r.Context(), "pacemaker"); err != nil && s.conf.Services.IsActive(r.Context(), "pacemaker") {
			return bad("%sError: Unable to stop pacemaker: %s\n", said, reason(err))
		}
	}
	if component != "pacemaker" {
		said += "Stopping Cluster (corosync)...\n"
		units := s.corosyncUnits()
		for i := len(units) - 1; i >= 0; i-- {
			if err := s.conf.Services.Stop(r.Context(), units[i]); err != nil && s.conf.Services.IsActive(r.Context(), units[i]) {
				return bad("%sError: Unable to stop %s: %s\n", said, units[i], reason(err))
			}
		}
	}
	return ok(said)
}

// quorumLost tells why this host must not stop by itself, "" when it may.
func (s *Server) quorumLost(ctx context.Context) string {
	text := s.quorumInfo(ctx)
	q, fine := cluster.ParseQuorum(text)
	switch {
	case fine && q.Lost(func(v cluster.Vote) bool { return v.Local }):
		return "Stopping the node will cause a loss of the quorum, use --force to override"
	case !fine && !cluster.Offline(text):
		return "Unable to determine whether stopping the node will cause a loss of the quorum, use --force to override"
	}
	return ""
}

func (s *Server) quorumInfo(ctx context.Context) string {
	r, err := s.conf.Programs.Run(ctx, nil, "", "corosync-quorumtool", "-p", "-s")
	if err != nil {
		return err.Error()
	}
	if t := strings.TrimSpace(r.Stderr); t != "" && r.Code != 0 {
		return t
	}
	return r.Stdout
}

func (s *Server) getQuorumInfo(r *request) answer { return ok(s.quorumInfo(r.Context())) }

func clusterEnable(s *Server, r *request) answer {
	return switchUnits(r, s.conf.Services.Enable, append([]string{"corosync", "pacemaker"}, s.corosyncUnits()[1:]...), "Cluster Enabled")
}

func clusterDisable(s *Server, r *request) answer {
	return switchUnits(r, s.conf.Services.Disable, append([]string{"corosync", "pacemaker"}, s.corosyncUnits()[1:]...), "Cluster Disabled")
}

func switchUnits(r *request, f func(context.Context, string) error, units []string, said string) answer {
	for _, u := range units {
		if f(r.Context(), u) != nil {
			return ok(`{"error":"true"}`)
		}
	}
	return ok(said)
}

func (s *Server) clusterDestroy(r *request) answer {
	services, ctx := s.conf.Services, r.Context()
	units := s.corosyncUnits()
	for _, u := range []string{"pacemaker", "corosync-qdevice", "corosync"} {
		if u != "corosync-qdevice" || services.IsActive(ctx, u) {
			_ = services.Stop(ctx, u) // what does not run need not be stopped
		}
	}
	for _, u := range append([]string{"corosync", "pacemaker"}, units[1:]...) {
		_ = services.Disable(ctx, u)
	}
	cluster.RemoveFiles(s.conf.Paths)
	return ok("Successfully destroyed cluster")
}

func (s *Server) reloadConf(r *request) answer {
	reply := func(code, text string) answer {
		return okJSON(struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		}{code, text})
	}
	if !s.conf.Services.IsActive(r.Context(), "corosync") {
		return reply("not_running", "")
	}
	res, err := s.conf.Programs.Run(r.Context(), nil, "", "corosync-cfgtool", "-R")
	switch {
	case err != nil:
		return reply("failed", "Unable to reload corosync configuration: "+err.Error())
	case res.Code != 0 || strings.Contains(res.Output(), "invalid option"):
		return reply("failed", "Unable to reload corosync configuration: "+strings.TrimSpace(res.Output()))
	}
	return reply("reloaded", "")
}

// unitSwitch is a call that does one thing to one service.
func unitSwitch(unit, what, done, failed string) func(*Server, *request) answer {
	return func(s *Server, r *request) answer {
		services := s.conf.Services
		var f func(context.Context, string) error
		switch what {
		case "start":
			f = services.Start
			if unit == "corosync-qdevice" && !services.IsActive(r.Context(), "corosync") {
				return ok("corosync is not running, skipping")
			}
		case "stop":
			f = services.Stop
		case "enable":
			f = services.Enable
			if unit == "corosync-qdevice" && !services.IsEnabled(r.Context(), "corosync") {
				return ok("corosync is not enabled, skipping")
			}
		case "disable":
			f = services.Disable
		}
		if !services.IsInstalled(r.Context(), unit) && (what == "stop" || what == "disable") {
			return ok(done)
		}
		if err := f(r.Context(), unit); err != nil {
			return plainBad(failed)
		}
		return ok(done)
	}
}

func (s *Server) manageServices(r *request) answer {
	type item struct {
		Type    *string `json:"type"`
		Service *string `json:"service"`
		Command *string `json:"command"`
	}
	items, a := dataJSON[item](r, "actions")
	if a != nil {
		return *a
	}
	out := map[string]fileResult{}
	for _, id := range items.order {
		it := items.values[id]
		switch {
		case it.Type == nil:
			return bad("Invalid input data format: action (key: %s): 'type' is missing", id)
		case *it.Type != "service_command":
			return bad(`Invalid input data format: action (key: %s): unsupported 'type' ('%s') supported are ["service_command"]`, id, *it.Type)
		case it.Service == nil:
			return bad("Invalid input data format: action (key: %s): 'service' is missing", id)
		case *it.Service != "pacemaker_remote":
			return bad(`Invalid input data format: action (key: %s): unsupported 'service' ('%s') supported are ["pacemaker_remote"]`, id, *it.Service)
		case it.Command == nil:
			return bad("Invalid input data format: action (key: %s): 'command' is missing", id)
		}
		services := s.conf.Services
		f, known := map[string]func(context.Context, string) error{
			"start": services.Start, "stop": services.Stop, "enable": services.Enable, "disable": services.Disable,
		}[*it.Command]
		if !known {
			return bad(`Invalid input data format: action (key: %s): unsupported 'command' ('%s') supported are ["enable", "disable", "start", "stop"]`, id, *it.Command)
		}
		absent := !services.IsInstalled(r.Context(), *it.Service) && (*it.Command == "stop" || *it.Command == "disable")
		if !absent && f(r.Context(), *it.Service) != nil {
			out[id] = fileResult{"fail", ""}
		} else {
			out[id] = fileResult{"success", ""}
		}
	}
	return okJSON(map[string]any{"actions": out})
}
