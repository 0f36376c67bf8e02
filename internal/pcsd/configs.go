package pcsd

import (
	"context"
	"crypto/sha1" //nolint:gosec // orders texts, protects nothing
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"time"

	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcsd/client"
)

// syncable are the files that nodes keep alike.
var syncable = []string{client.ConfigSettings, client.ConfigHosts, client.ConfigTokens}

func (s *Server) configPath(name string) string { return s.conf.Paths.PcsdDir + "/" + name }

// version orders texts of a file: a number inside, then a hash.
type version struct {
	number int
	hash   string
}

func versionOf(text string) version {
	var f struct {
		Data int `json:"data_version"`
	}
	_ = json.Unmarshal([]byte(text), &f) // a broken text is the oldest
	sum := sha1.Sum([]byte(text))        //nolint:gosec // see above
	return version{f.Data, hex.EncodeToString(sum[:])}
}

func (v version) less(o version) bool {
	if v.number != o.number {
		return v.number < o.number
	}
	return v.hash < o.hash
}

// cluster is this host's cluster and the names of its nodes; "" when there is none.
func (s *Server) cluster() (string, []string) {
	root, err := corosyncconf.Parse(s.confText())
	if err != nil {
		return "", nil
	}
	var names []string
	for _, n := range corosyncconf.Nodes(root) {
		names = append(names, n.Label())
	}
	return corosyncconf.ClusterName(root), names
}

func (s *Server) setConfigs(r *request) answer {
	var m client.ConfigsMessage
	if !r.has("configs") || json.Unmarshal([]byte(r.value("configs")), &m) != nil {
		return ok(`{"status":"bad_json"}`)
	}
	if name, _ := s.cluster(); name != "" && m.ClusterName != name && m.ClusterName != "" {
		return ok(`{"status":"wrong_cluster_name"}`)
	}
	s.configs.Lock()
	defer s.configs.Unlock()
	result := map[string]string{}
	for name, f := range m.Configs {
		switch {
		case !slices.Contains(syncable, name):
			result[name] = "not_supported"
		case f.Text != nil:
			result[name] = s.takeConfig(name, *f.Text, m.Force)
		}
	}
	return okJSON(map[string]any{"status": "ok", "result": result})
}

// takeConfig stores a file when it is newer than what is there.
func (s *Server) takeConfig(name, text string, force bool) string {
	path := s.configPath(name)
	old, err := os.ReadFile(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return "error"
	}
	if !missing && string(old) == text {
		return "accepted"
	}
	if !force && !missing && !versionOf(string(old)).less(versionOf(text)) {
		return "rejected"
	}
	if name == client.ConfigSettings {
		s.backup(path)
		err = writeInPlace(path, []byte(text), 0o644)
	} else {
		err = client.WriteSecret(path, []byte(text))
	}
	if err != nil {
		s.conf.Log.Error("Cannot save config", "name", name, "reason", err)
		return "error"
	}
	v := versionOf(text)
	s.conf.Log.Info(fmt.Sprintf("Saved config '%s' version %d %s to '%s'", name, v.number, v.hash, path))
	return "accepted"
}

func (s *Server) getConfigs(r *request) answer {
	name, _ := s.cluster()
	switch {
	case name == "":
		return ok(`{"status":"not_in_cluster"}`)
	case r.value("cluster_name") != name:
		return ok(`{"status":"wrong_cluster_name"}`)
	}
	m := client.ConfigsMessage{Status: "ok", ClusterName: name, Configs: map[string]client.ConfigFile{}}
	for _, c := range syncable {
		f := client.ConfigFile{Type: "file"}
		data, err := os.ReadFile(s.configPath(c))
		if err == nil {
			text := string(data)
			f.Text = &text
		} else if c == client.ConfigTokens {
			continue
		}
		m.Configs[c] = f
	}
	return okJSON(m)
}

// controlFile says how often files are compared.
type controlFile struct {
	Interval         *int   `json:"thread_interval,omitempty"`
	IntervalUnderTwo *int   `json:"thread_interval_previous_not_connected,omitempty"`
	PausedUntil      *int64 `json:"thread_paused_until,omitempty"`
	Disabled         bool   `json:"thread_disabled,omitempty"`
	FileBackupCount  *int   `json:"file_backup_count,omitempty"`
}

func (s *Server) control() controlFile {
	var c controlFile
	if data, err := os.ReadFile(s.configPath("cfgsync_ctl")); err == nil {
		_ = json.Unmarshal(data, &c) // a broken file says nothing
	}
	return c
}

func (s *Server) setSyncOptions(r *request) answer {
	var given []string
	for _, n := range []string{"sync_thread_pause", "sync_thread_resume", "sync_thread_disable", "sync_thread_enable"} {
		if r.has(n) {
			given = append(given, n)
		}
	}
	if len(given) != 1 {
		return plainBad("Exactly one option has to be specified")
	}
	c := s.control()
	said := ""
	switch given[0] {
	case "sync_thread_pause":
		var seconds int64 = 300
		if v := r.value("sync_thread_pause"); v != "" {
			if _, err := fmt.Sscanf(v, "%d", &seconds); err != nil || seconds < 0 {
				return plainBad("Invalid number of seconds")
			}
		}
		until := s.conf.Now().Unix() + seconds
		c.PausedUntil, said = &until, "sync thread paused"
	case "sync_thread_resume":
		c.PausedUntil, said = nil, "sync thread resumed"
	case "sync_thread_disable":
		c.Disabled, said = true, "sync thread disabled"
	case "sync_thread_enable":
		c.Disabled, said = false, "sync thread enabled"
	}
	data, err := json.MarshalIndent(c, "", "  ")
	if err == nil {
		err = client.WriteSecret(s.configPath("cfgsync_ctl"), data)
	}
	if err != nil {
		return bad("%s failed", said)
	}
	return ok(said)
}

// syncLoop takes newer files from other nodes from time to time.
func (s *Server) syncLoop(ctx context.Context) {
	wait := time.Duration(0)
	for {
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		c := s.control()
		wait = interval(c.Interval, 600, 60)
		switch {
		case c.Disabled || c.PausedUntil != nil && *c.PausedUntil >= s.conf.Now().Unix():
			s.conf.Log.Debug("Config files sync skipped, it is disabled or paused")
		case !s.syncOnce(ctx):
			wait = interval(c.IntervalUnderTwo, 60, 20)
		}
	}
}

func interval(given *int, otherwise, least int) time.Duration {
	n := otherwise
	if given != nil {
		n = max(*given, least)
	}
	return time.Duration(n) * time.Second
}

// syncOnce compares the files of all nodes; false tells that fewer than two answered.
func (s *Server) syncOnce(ctx context.Context) bool {
	name, nodes := s.cluster()
	if name == "" || len(nodes) < 2 {
		return true
	}
	answers := s.conf.remote().All(ctx, nodes, client.Request{Path: "remote/get_configs?cluster_name=" + url.QueryEscape(name), Timeout: 30 * time.Second}, nil)
	best := map[string]string{}
	count := 0
	for _, a := range answers {
		var m client.ConfigsMessage
		if a.Kind != client.OK || json.Unmarshal([]byte(a.Body), &m) != nil || m.Status != "ok" {
			continue
		}
		count++
		for _, c := range syncable {
			f := m.Configs[c]
			if f.Text == nil {
				continue
			}
			if have, ok := best[c]; !ok || versionOf(have).less(versionOf(*f.Text)) {
				best[c] = *f.Text
			}
		}
	}
	s.configs.Lock()
	defer s.configs.Unlock()
	for _, c := range syncable {
		if text, ok := best[c]; ok {
			s.takeConfig(c, text, false)
		}
	}
	return count >= 2
}

// changeHosts changes this host's known hosts, and those of its whole cluster.
func (s *Server) changeHosts(ctx context.Context, change func(*client.Hosts), legacy bool) error {
	c := s.conf.remote()
	name, nodes := s.cluster()
	if name == "" || len(nodes) == 0 {
		s.configs.Lock()
		defer s.configs.Unlock()
		h, err := c.Hosts()
		if err != nil {
			return err
		}
		change(h)
		return c.Save(h, legacy)
	}
	p, err := c.Publish(ctx, name, nodes, change, legacy, 30*time.Second)
	if err == nil && p.Conflict {
		err = errors.New("other nodes have newer known hosts")
	}
	return err
}

func (s *Server) knownHostsChange(r *request) answer {
	type dest struct {
		Addr string `json:"addr"`
		Port any    `json:"port"`
	}
	var d struct {
		Add map[string]struct {
			Token string `json:"token"`
			Dests []dest `json:"dest_list"`
		} `json:"known_hosts_add"`
		Remove json.RawMessage `json:"known_hosts_remove"`
	}
	if !r.has("data_json") {
		return plainBad("Missing required parameter 'data_json'")
	}
	if err := json.Unmarshal([]byte(r.value("data_json")), &d); err != nil {
		return bad("Incorrect format of request data: %s", err)
	}
	var remove []string
	var asMap map[string]json.RawMessage
	switch {
	case len(d.Remove) == 0:
	case json.Unmarshal(d.Remove, &remove) == nil:
	case json.Unmarshal(d.Remove, &asMap) == nil:
		for n := range asMap {
			remove = append(remove, n)
		}
	default:
		return plainBad("Incorrect format of request data: known_hosts_remove")
	}
	err := s.changeHosts(r.Context(), func(h *client.Hosts) {
		for _, n := range remove {
			delete(h.ByName, n)
		}
		for n, x := range d.Add {
			host := client.Host{Name: n, Token: x.Token}
			for _, t := range x.Dests {
				port := client.DefaultPort
				if p, isNumber := t.Port.(float64); isNumber {
					port = int(p)
				}
				host.Dests = append(host.Dests, client.Dest{Addr: t.Addr, Port: port})
			}
			h.ByName[n] = host
		}
	}, false)
	if err != nil {
		s.conf.Log.Error("Cannot update known-hosts file", "reason", err)
		return plainBad("Cannot update known-hosts file.")
	}
	return ok("")
}

func (s *Server) clusterKnownHosts(*request) answer {
	h, err := s.conf.remote().Hosts()
	if err != nil {
		return plainBad("Cannot read known-hosts file.")
	}
	_, nodes := s.cluster()
	type entry struct {
		Dests []client.Dest `json:"dest_list"`
		Token string        `json:"token"`
	}
	out := map[string]entry{}
	for _, n := range nodes {
		if x, known := h.ByName[n]; known {
			out[n] = entry{x.Dests, x.Token}
		}
	}
	return okJSON(out)
}
