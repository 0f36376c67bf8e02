package pcsd

import (
	"context"
	_ "embed"
	"os"
	"regexp"
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
