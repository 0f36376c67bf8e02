// Package dr is `pcs dr`: a second cluster at another site that can take over.
package dr

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/corosynccheck"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/fleet"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
	"hacluster/internal/pcsd/client"
)

// Roles of sites.
const (
	primary  = "PRIMARY"
	recovery = "RECOVERY"
)

type node struct {
	Name string `json:"name"`
}

type site struct {
	Role  string `json:"role"`
	Nodes []node `json:"nodes"`
}

// settings are kept on all nodes of both sites.
type settings struct {
	Local struct {
		Role string `json:"role"`
	} `json:"local"`
	Remote []site `json:"remote_sites"`
}

func newSettings(local, remote string, nodes []string) settings {
	var st settings
	st.Local.Role = local
	other := site{Role: remote}
	for _, n := range nodes {
		other.Nodes = append(other.Nodes, node{n})
	}
	st.Remote = []site{other}
	return st
}

func (st settings) file() (fleet.File, error) {
	data, err := json.MarshalIndent(st, "", "    ")
	return fleet.Binary("pcs_disaster_recovery_conf", data), err
}

func path(s *session.Session) string { return filepath.Join(s.Paths.PcsdDir, "disaster-recovery") }

const fileRole = "disaster-recovery configuration"

func load(s *session.Session) (settings, error) {
	var st settings
	data, err := os.ReadFile(path(s))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return st, s.Check(report.Errorf("Disaster-recovery is not configured"))
	case err != nil:
		return st, s.Check(report.Errorf("Unable to read %s '%s': %s: '%s'", fileRole, path(s), session.Reason(err), path(s)))
	}
	if err := json.Unmarshal(data, &st); err != nil {
		return st, s.Check(report.Errorf("Unable to parse %s file '%s': %s", fileRole, path(s), err))
	}
	return st, nil
}

func capital(role string) string {
	return role[:min(1, len(role))] + strings.ToLower(role[min(1, len(role)):])
}

// Config is `dr config`.
func Config(s *session.Session, args []string) error {
	if err := s.Opts.Only(); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	st, err := load(s)
	if err != nil {
		return err
	}
	s.Out.Print("Local site:", "  Role: "+capital(st.Local.Role))
	for _, r := range st.Remote {
		lines := []string{"Role: " + capital(r.Role)}
		if len(r.Nodes) > 0 {
			var names []string
			for _, n := range r.Nodes {
				names = append(names, n.Name)
			}
			slices.Sort(names)
			lines = append(append(lines, "Nodes:"), show.Indent(names)...)
		}
		s.Out.Print("Remote site:")
		s.Out.Print(show.Indent(lines)...)
	}
	return nil
}

// names are those of a corosync.conf's nodes; nodes without one are refused.
func names(root *corosyncconf.Section) (out []string, items []report.Item) {
	for _, n := range corosyncconf.Nodes(root) {
		if n.Name == "" {
			return nil, []report.Item{corosynccheck.MissingNames(true)}
		}
		out = append(out, n.Name)
	}
	return out, nil
}

// known are the hosts of names that this one can talk to; others are errors.
func known(s *session.Session, list []string) ([]string, []report.Item) {
	targets, items := s.Targets(list, false, false)
	return targets, slices.DeleteFunc(items, func(i report.Item) bool { return strings.HasPrefix(i.Text, "None of hosts") })
}

// SetRecoverySite is `dr set-recovery-site`.
func SetRecoverySite(s *session.Session, args []string) error {
	if err := s.Opts.Only("--request-timeout"); err != nil {
		return err
	}
	if len(args) != 1 {
		return argv.Usage()
	}
	var items []report.Item
	if _, err := os.Stat(path(s)); err == nil {
		items = append(items, report.Errorf("Disaster-recovery already configured"))
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	local, bad := names(root)
	items = append(items, bad...)
	if slices.Contains(local, args[0]) {
		items = append(items, report.Errorf("Node '%s' is part of local cluster", args[0]))
	}
	here, bad := known(s, local)
	items = append(items, bad...)
	_, bad = known(s, args)
	if err := s.Check(append(items, bad...)...); err != nil {
		return err
	}
	r := s.Remote().Call(s.Ctx, args[0], client.Request{Path: "remote/get_corosync_conf", Timeout: s.RequestTimeout(0)})
	if i, failed := s.ResponseItem(r); failed {
		i.Severity = report.Warning
		return s.Check(i, report.Errorf("Unable to perform operation on any available node/host, therefore it is not possible to continue"))
	}
	other, err := corosyncconf.Parse(r.Body)
	if err != nil {
		return s.Check(report.Errorf("Unable to parse corosync config: %s", err))
	}
	remote, bad := names(other)
	there, more := known(s, remote)
	if err := s.Check(append(bad, more...)...); err != nil {
		return err
	}
	for _, part := range []struct {
		targets []string
		st      settings
	}{{there, newSettings(recovery, primary, local)}, {here, newSettings(primary, recovery, remote)}} {
		f, err := part.st.file()
		if err != nil {
			return err
		}
		if err := fleet.PutFiles(s, part.targets, map[string]fleet.File{"disaster-recovery config": f}, fleet.Way{}); err != nil {
			return err
		}
	}
	return nil
}

// Status is `dr status`: the status of all sites.
func Status(s *session.Session, args []string) error {
	if err := s.Opts.Only("--full", "--hide-inactive", "--request-timeout"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	st, err := load(s)
	if err != nil {
		return err
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	local, _ := names(root)
	sites := []site{{Role: st.Local.Role}}
	for _, n := range local {
		sites[0].Nodes = append(sites[0].Nodes, node{n})
	}
	sites = append(sites, st.Remote...)
	form, err := json.Marshal(map[string]bool{"hide_inactive_resources": s.Opts.Has("--hide-inactive"), "verbose": s.Opts.Full()})
	if err != nil {
		return err
	}
	var parts []string
	failed := false
	for i, part := range sites {
		where := "Remote"
		if i == 0 {
			where = "Local"
		}
		parts = append(parts, "--- "+where+" cluster - "+capital(part.Role)+" site ---")
		text, ok := statusOf(s, part, string(form))
		if ok {
			parts = append(parts, strings.TrimSpace(text), "", "")
			continue
		}
		failed = true
		parts = append(parts, "Error: Unable to get status of the cluster from any node", "")
	}
	s.Out.Print(strings.TrimSpace(strings.Join(parts, "\n")))
	if failed {
		return report.Fatal("Unable to get status of all sites")
	}
	return nil
}

// statusOf asks the nodes of a site one after the other.
func statusOf(s *session.Session, of site, data string) (string, bool) {
	for _, n := range of.Nodes {
		if _, ok := s.KnownHosts().ByName[n.Name]; !ok {
			s.Out.Warn(session.UnknownHosts([]string{n.Name}).Text)
			continue
		}
		r := s.Remote().Call(s.Ctx, n.Name, client.Request{Path: "remote/cluster_status_plaintext", Form: url.Values{"data_json": {data}}, Timeout: s.RequestTimeout(0)})
		if i, failed := s.ResponseItem(r); failed {
			i.Severity = report.Warning
			s.Out.Tell(i)
			continue
		}
		var a struct {
			Status  string `json:"status"`
			Message string `json:"status_msg"`
			Data    string `json:"data"`
		}
		switch err := json.Unmarshal([]byte(r.Body), &a); {
		case err != nil:
			s.Out.Warn(n.Name + ": Invalid format of response")
		case a.Status == "success":
			return a.Data, true
		case a.Message != "":
			s.Out.Error(n.Name + ": " + a.Message)
		}
	}
	return "", false
}

// Destroy is `dr destroy`.
func Destroy(s *session.Session, args []string) error {
	if err := s.Opts.Only("--skip-offline", "--request-timeout"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	st, err := load(s)
	if err != nil {
		return err
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	var all []string
	for _, r := range st.Remote {
		for _, n := range r.Nodes {
			all = append(all, n.Name)
		}
	}
	local, _ := names(root)
	targets, items := s.Targets(append(all, local...), s.Opts.Has("--skip-offline"), true)
	if err := s.Check(items...); err != nil {
		return err
	}
	return fleet.RemoveFiles(s, targets, map[string]string{"pcs disaster-recovery config": "pcs_disaster_recovery_conf"}, fleet.Way{})
}
