package pcsd

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"

	"hacluster/internal/pcsd/client"
)

type choice struct {
	Code        string `json:"code"`
	Label       string `json:"label"`
	Description string `json:"description"`
}

var (
	userTypes   = []choice{{"user", "User", ""}, {"group", "Group", ""}}
	accessTypes = []choice{
		{"read", "Read", "Allows to view cluster settings"},
		{"write", "Write", "Allows to modify cluster settings except permissions and ACLs"},
		{"grant", "Grant", "Allows to modify cluster permissions and ACLs"},
		{"full", "Full", "Allows unrestricted access to a cluster except for adding nodes"},
	}
)

func isOf(list []choice, code string) bool {
	return slices.ContainsFunc(list, func(c choice) bool { return c.Code == code })
}

// getPermissions tells who may do what.
func (s *Server) getPermissions(*request) answer {
	list := s.permissions()
	if list == nil {
		list = []permission{}
	}
	return okJSON(struct {
		Users   []choice                       `json:"user_types"`
		Access  []choice                       `json:"permission_types"`
		Implied map[string]map[string][]string `json:"permissions_dependencies"`
		List    []permission                   `json:"users_permissions"`
	}{userTypes, accessTypes, map[string]map[string][]string{"also_allows": {"write": {"read"}, "full": {"read", "write", "grant"}}}, list})
}

// whole are the users and groups that may do everything.
func whole(list []permission) []string {
	var out []string
	for _, p := range list {
		if slices.Contains(p.Allow, "full") {
			out = append(out, p.Type+" "+p.Name)
		}
	}
	slices.Sort(out)
	return out
}

// setPermissions says who may do what, on all nodes. Who may not do everything changes nobody's right to do everything.
func (s *Server) setPermissions(r *request) answer {
	var d struct {
		Permissions map[string]struct {
			Name  string            `json:"name"`
			Type  string            `json:"type"`
			Allow map[string]string `json:"allow"`
		} `json:"permissions"`
	}
	if json.Unmarshal([]byte(r.value("json_data")), &d) != nil {
		return plainBad(`{"status":"bad_json"}`)
	}
	list := []permission{}
	keys := make([]string, 0, len(d.Permissions))
	for k := range d.Permissions {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		x := d.Permissions[k]
		p := permission{Type: strings.TrimSpace(x.Type), Name: strings.TrimSpace(x.Name), Allow: []string{}}
		switch {
		case p.Name == "":
			return plainBad("Missing user name")
		case p.Type == "":
			return plainBad("Missing user type")
		case !isOf(userTypes, p.Type):
			return bad("Unknown user type '%s'", p.Type)
		case slices.ContainsFunc(list, func(o permission) bool { return o.Type == p.Type && o.Name == p.Name }):
			return bad("Duplicate permissions for %s %s", p.Type, p.Name)
		}
		for a, on := range x.Allow {
			if on != "1" {
				continue
			}
			if !isOf(accessTypes, a) {
				return bad("Unknown permission '%s'", a)
			}
			p.Allow = append(p.Allow, implied(a)...)
		}
		slices.Sort(p.Allow)
		p.Allow = slices.Compact(p.Allow)
		list = append(list, p)
	}
	s.configs.Lock()
	defer s.configs.Unlock()
	if !slices.Equal(whole(list), whole(s.permissions())) && !s.may(r, "full") {
		return answer{http.StatusForbidden, "Permission denied\nOnly hacluster and users with Full permission can grant or revoke Full permission."}
	}
	if err := s.savePermissions(r, list); err != nil {
		s.conf.Log.Error("Unable to save permissions", "reason", err)
		return plainBad("Unable to save permissions")
	}
	return ok("Permissions saved")
}

func (s *Server) savePermissions(r *request, list []permission) error {
	f := settingsFile{FormatVersion: 2}
	if data, err := os.ReadFile(s.settingsPath()); err == nil {
		_ = json.Unmarshal(data, &f) // a broken file is written anew
	}
	f.FormatVersion, f.DataVersion, f.Permissions.Local = 2, f.DataVersion+1, list
	if f.Clusters == nil {
		f.Clusters = []json.RawMessage{}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(f); err != nil {
		return err
	}
	text := strings.TrimRight(b.String(), "\n")
	if err := client.WriteSecret(s.settingsPath(), []byte(text)); err != nil {
		return err
	}
	cluster, nodes := s.cluster()
	others := slices.DeleteFunc(slices.Clone(nodes), func(n string) bool { return n == s.localName(nodes) })
	if len(others) > 0 {
		s.conf.remote().SendConfigs(r.Context(), others, client.ConfigsMessage{
			ClusterName: cluster, Configs: map[string]client.ConfigFile{client.ConfigSettings: {Type: "file", Text: &text}},
		}, 0)
	}
	return nil
}
