package client

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"time"
)

// Config is the name of a file that nodes of a cluster keep alike.
const (
	ConfigHosts    = "known-hosts"
	ConfigTokens   = "tokens" // what pcs 0.9 keeps in place of known-hosts
	ConfigSettings = "pcs_settings.conf"
)

// ConfigFile is one such file on its way.
type ConfigFile struct {
	Type string  `json:"type"`
	Text *string `json:"text"`
}

// ConfigsMessage is the form field of set_configs and the answer of get_configs.
type ConfigsMessage struct {
	Status      string                `json:"status,omitempty"`
	ClusterName string                `json:"cluster_name,omitempty"`
	Force       bool                  `json:"force,omitempty"`
	Configs     map[string]ConfigFile `json:"configs"`
}

// Outcome is what a node did with the files that it was sent.
type Outcome struct {
	Node string
	// Status is "ok", or why nothing was done: "notauthorized", "not_supported", "wrong_cluster_name", "error".
	Status string `json:"status"`
	// Result says for each file: "accepted", "rejected", "not_supported", "error".
	Result map[string]string `json:"result"`
	// TimedOut: the node took the request and gave no answer.
	TimedOut bool `json:"-"`
}

func (o Outcome) rejected() bool {
	for _, r := range o.Result {
		if r == "rejected" {
			return true
		}
	}
	return false
}

// Saved tells whether at least one file was taken and none failed.
func (o Outcome) Saved() bool {
	if o.Status != "ok" {
		return false
	}
	saved := false
	for _, r := range o.Result {
		switch r {
		case "accepted", "rejected":
			saved = true
		case "not_supported":
		default:
			return false
		}
	}
	return saved
}

// SendConfigs sends files to nodes; force overwrites newer ones.
func (c *Client) SendConfigs(ctx context.Context, nodes []string, m ConfigsMessage, timeout time.Duration) []Outcome {
	body, err := json.Marshal(m)
	out := make([]Outcome, len(nodes))
	if err != nil {
		for i, n := range nodes {
			out[i] = Outcome{Node: n, Status: "error"}
		}
		return out
	}
	answers := c.All(ctx, nodes, Request{Path: "remote/set_configs", Form: url.Values{"configs": {string(body)}}, Timeout: timeout}, nil)
	for i, a := range answers {
		o := Outcome{Status: "error"}
		switch a.Kind {
		case OK:
			if json.Unmarshal([]byte(a.Body), &o) != nil || o.Status == "" {
				o = Outcome{Status: "error"}
			}
		case NotSupported:
			o.Status = "not_supported"
		case TimedOut:
			o.TimedOut = true
		}
		o.Node = a.Node
		out[i] = o
	}
	return out
}

// Settings are the texts of pcs_settings.conf as another cluster may have it: without permissions.
func (c *Client) Settings() (string, error) {
	data, err := os.ReadFile(filepath.Join(c.conf.StateDir, ConfigSettings))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	return string(data), err
}

// Publication is how publishing hosts to a cluster ended.
type Publication struct {
	// Unsaved are the nodes that did not take the hosts.
	Unsaved []string
	// TimedOut tells that one of them gave no answer.
	TimedOut bool
	// Conflict: other nodes had newer hosts twice; this host has them now, the change is lost.
	Conflict bool
}

func copyHosts(h *Hosts) *Hosts { return &Hosts{Version: h.Version, ByName: maps.Clone(h.ByName)} }

func hostsMessage(cluster string, h *Hosts, legacy bool) ConfigsMessage {
	text := string(h.Text())
	m := ConfigsMessage{ClusterName: cluster, Configs: map[string]ConfigFile{ConfigHosts: {"file", &text}}}
	if legacy {
		old := string(h.TokensText())
		m.Configs[ConfigTokens] = ConfigFile{"file", &old}
	}
	return m
}

// Publish changes the known hosts of all nodes of a cluster, this host's among them.
// A node that has newer hosts is listened to once: its hosts are merged in and all is sent again.
func (c *Client) Publish(ctx context.Context, cluster string, nodes []string, change func(*Hosts), legacy bool, timeout time.Duration) (Publication, error) {
	known, err := c.Hosts()
	if err != nil {
		return Publication{}, err
	}
	old := copyHosts(known)
	next := copyHosts(old)
	change(next)
	next.Version++
	outcomes := c.publishOnce(ctx, cluster, nodes, old, next, legacy, timeout)
	if slices.ContainsFunc(outcomes, Outcome.rejected) {
		merged := c.fetchMerged(ctx, cluster, nodes, old, timeout)
		next = copyHosts(merged)
		change(next)
		next.Version++
		outcomes = c.publishOnce(ctx, cluster, nodes, old, next, legacy, timeout)
		if slices.ContainsFunc(outcomes, Outcome.rejected) {
			newest := c.fetchMerged(ctx, cluster, nodes, old, timeout)
			newest.Version--
			return Publication{Conflict: true}, c.Save(newest, legacy)
		}
	}
	var p Publication
	for _, o := range outcomes {
		p.TimedOut = p.TimedOut || o.TimedOut
		if !o.Saved() && o.Status != "notauthorized" {
			p.Unsaved = append(p.Unsaved, o.Node)
		}
	}
	return p, nil
}

// publishOnce sends h. Hosts that it has no more are told with what is known of them so far.
func (c *Client) publishOnce(ctx context.Context, cluster string, nodes []string, old, h *Hosts, legacy bool, timeout time.Duration) []Outcome {
	both := copyHosts(old)
	maps.Copy(both.ByName, h.ByName)
	c.mu.Lock()
	c.hosts = both
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.hosts = h
		c.mu.Unlock()
	}()
	return c.SendConfigs(ctx, nodes, hostsMessage(cluster, h, legacy), timeout)
}

// fetchMerged lays the hosts of all nodes over old, newer versions over older ones.
func (c *Client) fetchMerged(ctx context.Context, cluster string, nodes []string, old *Hosts, timeout time.Duration) *Hosts {
	answers := c.All(ctx, nodes, Request{Path: "remote/get_configs?cluster_name=" + url.QueryEscape(cluster), Timeout: timeout}, nil)
	var found []*Hosts
	for _, a := range answers {
		var m ConfigsMessage
		if a.Kind != OK || json.Unmarshal([]byte(a.Body), &m) != nil || m.Status != "ok" {
			continue
		}
		if f := m.Configs[ConfigHosts]; f.Text != nil {
			if h, err := ParseHosts([]byte(*f.Text)); err == nil {
				found = append(found, h)
			}
		}
		if f := m.Configs[ConfigTokens]; f.Text != nil {
			if h, err := ParseTokens([]byte(*f.Text)); err == nil {
				found = append(found, h)
			}
		}
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].Version < found[j].Version })
	out := copyHosts(old)
	for _, h := range found {
		if h.Version > old.Version {
			maps.Copy(out.ByName, h.ByName)
			out.Version = max(out.Version, h.Version)
		}
	}
	return out
}
