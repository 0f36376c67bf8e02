package pcsd

import (
	"context"
	_ "embed"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed capabilities.txt
var capabilityList string

func capabilityCodes() []string { return strings.Fields(capabilityList) }

func capabilities(_ *Server, _ *request) answer {
	return okJSON(map[string]any{"pcsd_capabilities": capabilityCodes()})
}

// checkAuth tells that a token is accepted, and, for clients of 0.9, which hosts this one knows.
func (s *Server) checkAuth(*request) answer {
	names := []string{}
	if h, err := s.conf.remote().Hosts(); err == nil {
		names = append(names, h.Names()...)
	}
	return okJSON(struct {
		Success bool     `json:"success"`
		Nodes   []string `json:"node_list"`
	}{true, names})
}

type serviceState struct {
	Installed bool `json:"installed"`
	Enabled   bool `json:"enabled"`
	Running   bool `json:"running"`
}

type hostService struct {
	serviceState
	Version any `json:"version"`
}

func (s *Server) service(ctx context.Context, unit string) serviceState {
	v := s.conf.Services
	return serviceState{v.IsInstalled(ctx, unit), v.IsEnabled(ctx, unit), v.IsActive(ctx, unit)}
}

var versionNumber = regexp.MustCompile(`\d+\.\d+\.\d+`)

// programVersion asks a program for its version; "" when it does not tell.
func (s *Server) programVersion(ctx context.Context, name string, args ...string) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := s.conf.Programs.Run(ctx, nil, "", name, args...)
	if err != nil {
		return ""
	}
	return versionNumber.FindString(r.Stdout)
}

func textOrNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func (s *Server) inCluster() bool {
	_, err := os.Stat(s.conf.Paths.CIBDir + "/cib.xml")
	return s.hasConf() || err == nil
}

func (s *Server) checkHost(r *request) answer {
	ctx := r.Context()
	out := map[string]hostService{}
	for name, unit := range map[string]string{
		"pacemaker": "pacemaker", "pacemaker_remote": "pacemaker_remote", "corosync": "corosync", "pcsd": "pcsd", "sbd": "sbd", "qdevice": "qdevice", "booth": "booth",
	} {
		out[name] = hostService{serviceState: s.service(ctx, unit)}
	}
	set := func(name, version string) {
		h := out[name]
		h.Version = textOrNil(version)
		out[name] = h
	}
	set("pacemaker", s.programVersion(ctx, "pacemakerd", "-$"))
	set("corosync", s.programVersion(ctx, "corosync", "-v"))
	set("pcsd", s.conf.Version)
	return okJSON(map[string]any{"services": out, "cluster_configuration_exists": s.inCluster()})
}

// nodeAvailable is what 0.9 asks before it takes a host into a cluster.
func (s *Server) nodeAvailable(r *request) answer {
	v := s.conf.Services
	switch {
	case v.IsActive(r.Context(), "pacemaker_remote"):
		return ok(`{"node_available":false,"pacemaker_remote":true}`)
	case v.IsActive(r.Context(), "pacemaker"):
		return ok(`{"node_available":false,"pacemaker_running":true}`)
	case s.inCluster():
		return ok(`{"node_available":false}`)
	}
	return ok(`{"node_available":true}`)
}

func (s *Server) pcs(ctx context.Context, args ...string) (stdout, stderr string, code int) {
	r, err := s.conf.Programs.Run(ctx, nil, "", "pcs", args...)
	if err != nil {
		return "", err.Error(), 1
	}
	return r.Stdout, r.Stderr, r.Code
}

const pacemakerStopped = `{"pacemaker_not_running":true}`

func (s *Server) pacemakerNodeStatus(r *request) answer {
	out, errs, code := s.pcs(r.Context(), "node", "pacemaker-status")
	if code != 0 {
		return plainBad(errs)
	}
	return ok(strings.TrimSpace(out))
}

func versionNumbers(text string) []int {
	out := []int{}
	for f := range strings.SplitSeq(text, ".") {
		n, err := strconv.Atoi(f)
		if err != nil {
			break
		}
		out = append(out, n)
	}
	return out
}

func (s *Server) swVersions(r *request) answer {
	ctx := r.Context()
	return okJSON(map[string]any{
		"rhel": nil, "pcs": versionNumbers(s.conf.Version),
		"pacemaker": versionNumbers(s.programVersion(ctx, "pacemakerd", "-$")), "corosync": versionNumbers(s.programVersion(ctx, "corosync", "-v")),
	})
}

// status tells the state of this host's daemons. Version 2 is what newer clients read, none is 0.9's.
func (s *Server) status(r *request) answer {
	v := r.value("version")
	if v != "" && v != "1" && v != "2" {
		return bad("Unsupported version '%s' of status requested", v)
	}
	ctx := r.Context()
	services := map[string]serviceState{}
	for _, u := range []string{"pacemaker", "pacemaker_remote", "corosync", "pcsd", "sbd"} {
		services[u] = s.service(ctx, u)
	}
	name, nodes := s.cluster()
	if nodes == nil {
		nodes = []string{}
	}
	running := func(u string) bool { return services[u].Running }
	var state struct{ Online, Standby, Pending bool }
	if running("pacemaker") {
		out, _, code := s.pcs(ctx, "node", "pacemaker-status")
		if code == 0 {
			_ = json.Unmarshal([]byte(out), &state) // unknown then
		}
	}
	word := "offline"
	switch {
	case running("corosync") && running("pacemaker") && state.Standby:
		word = "standby"
	case running("corosync") && running("pacemaker"):
		word = "online"
	}
	q := s.quorate(ctx, running("corosync"))
	local := s.localName(nodes)
	node := map[string]any{
		"id": "", "error_list": []any{}, "warning_list": []any{}, "status": word, "quorum": q, "uptime": uptime(), "name": textOrNil(local),
		"services": services, "corosync": running("corosync"), "pacemaker": running("pacemaker"),
		"corosync_enabled": services["corosync"].Enabled, "pacemaker_enabled": services["pacemaker"].Enabled, "pcsd_enabled": services["pcsd"].Enabled, "sbd_config": nil,
	}
	if v == "2" {
		return okJSON(map[string]any{
			"cluster_name": name, "username": r.user, "known_nodes": nodes, "pcsd_capabilities": capabilityCodes(),
			"corosync_online": only(nodes, local, running("corosync")), "corosync_offline": only(nodes, local, !running("corosync")),
			"pacemaker_online": only(nodes, local, state.Online && !state.Standby), "pacemaker_offline": only(nodes, local, !state.Online),
			"pacemaker_standby": only(nodes, local, state.Standby), "node": node,
		})
	}
	return okJSON(map[string]any{
		"cluster_name": name, "username": r.user, "uptime": uptime(), "corosync": running("corosync"), "pacemaker": running("pacemaker"), "cman": false,
		"pacemaker_remote": running("pacemaker_remote"), "corosync_enabled": services["corosync"].Enabled, "pacemaker_enabled": services["pacemaker"].Enabled,
		"pcsd_enabled": services["pcsd"].Enabled, "node": node, "available_features": []string{"sbd", "ticket_constraints"},
	})
}

func only(nodes []string, name string, is bool) []string {
	if is && slices.Contains(nodes, name) {
		return []string{name}
	}
	return []string{}
}

// localName is what this host is called in its cluster, "" when that cannot be told.
func (s *Server) localName(nodes []string) string {
	short, _, _ := strings.Cut(s.conf.Hostname, ".")
	for _, n := range nodes {
		if n == s.conf.Hostname || n == short {
			return n
		}
	}
	return ""
}

func (s *Server) quorate(ctx context.Context, running bool) any {
	if !running {
		return nil
	}
	for line := range strings.Lines(s.quorumInfo(ctx)) {
		if k, v, found := strings.Cut(line, ":"); found && strings.TrimSpace(k) == "Quorate" {
			return strings.EqualFold(strings.TrimSpace(v), "yes")
		}
	}
	return nil
}

func uptime() string {
	data, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return ""
	}
	f := strings.Fields(string(data))
	if len(f) == 0 {
		return ""
	}
	seconds, err := strconv.ParseFloat(f[0], 64)
	if err != nil {
		return ""
	}
	n := int(seconds)
	two := func(i int) string {
		t := strconv.Itoa(i)
		if len(t) < 2 {
			t = "0" + t
		}
		return t
	}
	return strconv.Itoa(n/86400) + " days, " + two(n/3600%24) + ":" + two(n/60%60) + ":" + two(n%60)
}
