package pcsd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hacluster/internal/pcs/diskcib"
)

// allowed are the commands that run_pcs carries out as root, and the right that each takes.
var allowed = []struct {
	words []string
	exact bool // nothing may follow
	more  bool // something must follow
	need  string
}{
	{words: []string{"cluster", "auth"}},
	{words: []string{"cluster", "corosync"}, exact: true, need: "read"},
	{words: []string{"cluster", "corosync"}, more: true},
	{words: []string{"cluster", "destroy"}, need: "full"},
	{words: []string{"cluster", "disable"}, exact: true, need: "write"},
	{words: []string{"cluster", "enable"}, exact: true, need: "write"},
	{words: []string{"cluster", "start"}, exact: true, need: "write"},
	{words: []string{"cluster", "stop"}, exact: true, need: "write"},
	{words: []string{"cluster", "disable"}, more: true},
	{words: []string{"cluster", "enable"}, more: true},
	{words: []string{"cluster", "start"}, more: true},
	{words: []string{"cluster", "stop"}, more: true},
	{words: []string{"cluster", "node"}, need: "full"},
	{words: []string{"cluster", "sync"}, need: "full"},
	{words: []string{"cluster", "setup"}, need: "full"},
	{words: []string{"config", "restore"}, need: "full"},
	{words: []string{"host", "auth"}},
	{words: []string{"host", "deauth"}},
	{words: []string{"pcsd", "deauth"}},
	{words: []string{"pcsd", "status"}},
	{words: []string{"pcsd", "sync-certificates"}, need: "full"},
	{words: []string{"quorum", "status"}, need: "read"},
	{words: []string{"quorum", "device", "status"}, need: "read"},
	{words: []string{"status"}, exact: true, need: "read"},
	{words: []string{"status", "status"}, need: "read"},
	{words: []string{"status", "corosync"}, need: "read"},
	{words: []string{"status", "nodes", "corosync-id"}, exact: true, need: "read"},
	{words: []string{"status", "nodes", "pacemaker-id"}, exact: true, need: "read"},
	{words: []string{"status", "quorum"}, need: "read"},
	{words: []string{"status", "pcsd"}},
	{words: []string{"cluster", "pcsd-status"}},
}

// needOf finds the right that a command takes.
func needOf(words []string) (need string, known bool) {
	for _, a := range allowed {
		n := len(a.words)
		if len(words) < n || !slices.Equal(words[:n], a.words) || a.exact && len(words) > n || a.more && len(words) == n {
			continue
		}
		return a.need, true
	}
	return "", false
}

type runResult struct {
	Status string         `json:"status"`
	Data   map[string]any `json:"data"`
}

func pretty(v any) answer {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return plainBad(err.Error())
	}
	return ok(strings.TrimRight(b.String(), "\n"))
}

// debugs tells whether a word is --debug or short for it: what it shows is for root alone.
func debugs(word string) bool {
	word, _, _ = strings.Cut(word, "=")
	return len(word) > len("--") && strings.HasPrefix("--debug", word)
}

func (s *Server) runPcs(r *request) answer {
	none := map[string]any{}
	var words, options []string
	if json.Unmarshal([]byte(r.value("command")), &words) != nil {
		return pretty(runResult{"error", none})
	}
	if r.has("options") {
		var raw []any
		if json.Unmarshal([]byte(r.value("options")), &raw) != nil {
			return pretty(runResult{"error", none})
		}
		for _, o := range raw {
			options = append(options, fmt.Sprint(o))
		}
	}
	options = slices.DeleteFunc(options, debugs)
	if !r.has("options") {
		words = slices.DeleteFunc(words, debugs) // options are among the words
	}
	need, known := needOf(words)
	if !known {
		// 0.9 sends options among the words.
		var bare []string
		for _, w := range words {
			if !strings.HasPrefix(w, "-") {
				bare = append(bare, w)
			}
		}
		need, known = needOf(bare)
	}
	if !known {
		return pretty(runResult{"bad_command", none})
	}
	if !s.may(r, need) {
		return answer{403, "Permission denied"}
	}
	args := slices.Clone(options)
	if r.has("options") {
		args = append(append(args, "--"), words...)
	} else {
		args = append(args, words...)
	}
	res, err := s.conf.Programs.Run(r.Context(), r.environment(), r.value("stdin"), "pcs", args...)
	if err != nil {
		return pretty(runResult{"error", none})
	}
	return pretty(struct {
		Status string `json:"status"`
		Data   any    `json:"data"`
	}{"ok", struct {
		Stdout string `json:"stdout"`
		Stderr string `json:"stderr"`
		Code   int    `json:"code"`
	}{res.Stdout, res.Stderr, res.Code}})
}

func (s *Server) removeNodesFromCIB(r *request) answer {
	var d struct {
		Nodes []string `json:"node_list"`
	}
	if !r.has("data_json") {
		return plainBad("Missing required parameter 'data_json'")
	}
	if json.Unmarshal([]byte(r.value("data_json")), &d) != nil {
		return plainBad("Invalid input data format")
	}
	reply := func(code, text string) answer { return okJSON(fileResult{code, text}) }
	for _, n := range d.Nodes {
		if strings.HasPrefix(n, "-") || strings.ContainsAny(n, "'\x00") {
			return reply("failed", "invalid node name")
		}
		_, errs, code := s.pcs(r.Context(), "cluster", "node", "clear", "--force", "--", n)
		if code != 0 {
			return reply("failed", strings.TrimSpace(errs))
		}
	}
	return reply("success", "")
}

// brokenCIB tells the log of a CIB on disk that was broken.
func (s *Server) brokenCIB(note string) {
	if note != "" {
		s.conf.Log.Warn("The CIB on this host's disk is broken: " + note)
	}
}

// removeClusterName drops the property cluster-name from the configuration on disk. A failure has a code.
func (s *Server) removeClusterName(ctx context.Context) (code, text string) {
	if s.conf.Services.IsActive(ctx, "pacemaker") {
		return "PACEMAKER_RUNNING", "Pacemaker is running"
	}
	note, err := diskcib.Delete(s.conf.Paths.CIBDir, "/cib/configuration/crm_config/cluster_property_set/nvpair[@name='cluster-name']")
	s.brokenCIB(note)
	switch {
	case errors.Is(err, diskcib.ErrMissing):
		return "CIB_XML_MISSING", err.Error()
	case err != nil:
		return "CIB_CLUSTER_NAME_REMOVAL_FAILED", "CIB cluster name property removal failed: " + err.Error()
	}
	return "", ""
}
