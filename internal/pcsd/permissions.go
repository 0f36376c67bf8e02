package pcsd

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"hacluster/internal/pcsd/client"
)

// settingsFile is pcs_settings.conf.
type settingsFile struct {
	FormatVersion int               `json:"format_version"`
	DataVersion   int               `json:"data_version"`
	Clusters      []json.RawMessage `json:"clusters"`
	Permissions   struct {
		Local []permission `json:"local_cluster"`
	} `json:"permissions"`
}

type permission struct {
	Type  string   `json:"type"`
	Name  string   `json:"name"`
	Allow []string `json:"allow"`
}

var defaultPermissions = []permission{{Type: "group", Name: adminGroup, Allow: []string{"grant", "read", "write"}}}

// permissions are what the settings file allows; no file, or one of the oldest form, is the default.
func (s *Server) permissions() []permission {
	data, err := os.ReadFile(s.settingsPath())
	if errors.Is(err, fs.ErrNotExist) {
		return defaultPermissions
	}
	if err != nil {
		s.conf.Log.Error("Unable to read the permissions", "reason", err)
		return nil
	}
	text := strings.TrimSpace(string(data))
	if strings.HasPrefix(text, "[") {
		return defaultPermissions
	}
	var f settingsFile
	if err := json.Unmarshal(data, &f); err != nil {
		s.conf.Log.Error("Unable to parse the permissions: nobody but hacluster has any", "file", s.settingsPath(), "reason", client.JSONError(data, err))
		return nil
	}
	return f.Permissions.Local
}

func (s *Server) settingsPath() string { return s.conf.Paths.PcsdDir + "/pcs_settings.conf" }

// implied are the rights that a right has in it.
func implied(right string) []string {
	switch right {
	case "write":
		return []string{"write", "read"}
	case "full":
		return []string{"full", "read", "write", "grant"}
	}
	return []string{right}
}

// may tells whether the user of a request has a right.
func (s *Server) may(r *request, need string) bool {
	if need == "" || r.user == adminUser {
		return true
	}
	for _, p := range s.permissions() {
		if p.Type == "user" && p.Name != r.user || p.Type == "group" && !slices.Contains(r.groups, p.Name) {
			continue
		}
		for _, a := range p.Allow {
			if slices.Contains(implied(a), need) {
				return true
			}
		}
	}
	return false
}
