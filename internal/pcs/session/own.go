package session

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hacluster/internal/pcsd/client"
)

// Own is which of names this host is, "" for none: the one whose token this host's pcsd accepts.
func (s *Session) Own(names []string) string {
	var accepted []struct{ Token string }
	if data, err := os.ReadFile(filepath.Join(s.Paths.PcsdDir, "pcs_users.conf")); err == nil {
		_ = json.Unmarshal(data, &accepted) // a broken file accepts nothing
	}
	hosts, err := s.Remote().Hosts()
	if err == nil {
		for _, n := range names {
			token := hosts.ByName[n].Token
			for _, a := range accepted {
				if token != "" && a.Token == token {
					return n
				}
			}
		}
	}
	host, err := os.Hostname()
	if err != nil {
		return ""
	}
	short, _, _ := strings.Cut(host, ".")
	for _, n := range names {
		if n == host || n == short {
			return n
		}
	}
	return ""
}

// OwnLast splits nodes into the others and this host. What makes pcs know of a change goes to this host when all
// others have it, so that a command that was ended in between can be typed again.
func (s *Session) OwnLast(nodes []string) [][]string {
	own := s.Own(nodes)
	if own == "" || len(nodes) < 2 {
		return [][]string{nodes}
	}
	return [][]string{slices.DeleteFunc(slices.Clone(nodes), func(n string) bool { return n == own }), {own}}
}

// AllOwnLast is All with this host after the others.
func (s *Session) AllOwnLast(nodes []string, path string, form url.Values) []client.Response {
	var out []client.Response
	for _, part := range s.OwnLast(nodes) {
		out = append(out, s.All(part, path, form)...)
	}
	slices.SortStableFunc(out, func(a, b client.Response) int { return slices.Index(nodes, a.Node) - slices.Index(nodes, b.Node) })
	return out
}

// unfinished is the file that names the command which this host has begun, while it is carried out.
func (s *Session) unfinished() string { return filepath.Join(s.Paths.PcsdDir, "unfinished") }

// Begin records a command that changes many hosts, so that it can be told after it was ended halfway.
func (s *Session) Begin(what string) error {
	return client.WriteSecret(s.unfinished(), []byte(what+"\n"))
}

// Began tells whether a command was begun on this host and not brought to its end.
func (s *Session) Began(what string) bool {
	data, err := os.ReadFile(s.unfinished())
	return err == nil && string(data) == what+"\n"
}

// Finish tells that a command which was begun has come to its end.
func (s *Session) Finish() error {
	if err := os.Remove(s.unfinished()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
