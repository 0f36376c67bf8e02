package pcsd

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func (s *Server) boothSetConfig(r *request) answer {
	type file struct {
		Name string `json:"name"`
		Data string `json:"data"`
	}
	var d struct {
		Config   *file `json:"config"`
		Authfile *file `json:"authfile"`
	}
	if !r.has("data_json") {
		return plainBad("Missing required parameter 'data_json'")
	}
	if json.Unmarshal([]byte(r.value("data_json")), &d) != nil || d.Config == nil {
		return plainBad("Invalid input data format")
	}
	dir, missing := s.boothDir()
	if missing != nil {
		return *missing
	}
	for _, f := range []*file{d.Config, d.Authfile} {
		if f != nil && !fileName(f.Name) {
			return plainBad("Invalid input data format")
		}
	}
	if a := d.Authfile; a != nil && a.Data != "" {
		key, err := base64.StdEncoding.DecodeString(strings.Map(dropSpace, a.Data))
		if err != nil {
			return plainBad("Invalid input data format")
		}
		if err := writeInPlace(filepath.Join(dir, a.Name), key, 0o600); err != nil {
			return bad("Unable to save booth configuration: %s", err)
		}
	}
	if err := writeInPlace(filepath.Join(dir, d.Config.Name), []byte(d.Config.Data), 0o644); err != nil {
		return bad("Unable to save booth configuration: %s", err)
	}
	return ok("Booth configuration saved.")
}

func (s *Server) boothGetConfig(r *request) answer {
	name := r.value("name")
	if name == "" {
		name = "booth"
	}
	if strings.Contains(name, "/") || strings.HasPrefix(name, ".") {
		return plainBad("Invalid name of booth configuration")
	}
	dir := s.conf.Paths.BoothDir
	data, err := os.ReadFile(filepath.Join(dir, name+".conf"))
	if errors.Is(err, fs.ErrNotExist) {
		return plainBad("Config doesn't exist")
	}
	if err != nil {
		return bad("Unable to read booth config/key file: %s", err)
	}
	type file struct {
		Name any `json:"name"`
		Data any `json:"data"`
	}
	auth := file{}
	for line := range strings.Lines(string(data)) {
		k, v, found := strings.Cut(line, "=")
		if !found || strings.TrimSpace(k) != "authfile" {
			continue
		}
		path := strings.Trim(strings.TrimSpace(v), `"`)
		if filepath.Dir(path) != filepath.Clean(dir) {
			return bad("Authfile of specified config is not in '%s'", dir)
		}
		key, err := os.ReadFile(path)
		if err != nil {
			return bad("Unable to read booth config/key file: %s", err)
		}
		auth = file{filepath.Base(path), base64.StdEncoding.EncodeToString(key)}
	}
	return okJSON(map[string]any{"config": file{name + ".conf", string(data)}, "authfile": auth})
}

// boothDir is the folder of booth's files; the answer tells when it is not there.
func (s *Server) boothDir() (string, *answer) {
	dir := s.conf.Paths.BoothDir
	if i, err := os.Stat(dir); err != nil || !i.IsDir() {
		a := bad("Unable to save booth configuration: Configuration directory for booth '%s' is missing. Is booth installed?", dir)
		return "", &a
	}
	return dir, nil
}

// fileName tells whether a name is one inside a folder.
func fileName(name string) bool {
	return name != "" && !strings.ContainsAny(name, "/\x00") && !strings.HasPrefix(name, ".")
}

// boothSaveFiles stores configurations and keys. What is there already is kept unless it may be rewritten.
func (s *Server) boothSaveFiles(r *request) answer {
	var files []struct {
		Name string `json:"name"`
		Data string `json:"data"`
		Key  bool   `json:"is_authfile"`
	}
	if !r.has("data_json") {
		return plainBad("Missing required parameter 'data_json'")
	}
	if json.Unmarshal([]byte(r.value("data_json")), &files) != nil {
		return plainBad("Invalid input data format")
	}
	for _, f := range files {
		if !fileName(f.Name) {
			return plainBad("Invalid input data format")
		}
	}
	dir, missing := s.boothDir()
	if missing != nil {
		return *missing
	}
	out := struct {
		Existing []string          `json:"existing"`
		Saved    []string          `json:"saved"`
		Failed   map[string]string `json:"failed"`
	}{[]string{}, []string{}, map[string]string{}}
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if _, err := os.Stat(path); err == nil {
			out.Existing = append(out.Existing, f.Name)
			if !r.has("rewrite_existing") {
				continue
			}
		}
		data, mode := []byte(f.Data), os.FileMode(0o644)
		var err error
		if f.Key {
			mode = 0o600
			data, err = base64.StdEncoding.DecodeString(strings.Map(dropSpace, f.Data))
		}
		if err == nil {
			err = writeInPlace(path, data, mode)
		}
		if err != nil {
			out.Failed[f.Name] = err.Error()
			continue
		}
		out.Saved = append(out.Saved, f.Name)
	}
	return okJSON(out)
}
