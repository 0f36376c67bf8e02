package pcsd

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hacluster/internal/dialect"
	"hacluster/internal/pcsd/client"
)

// items are the entries of data_json, in their order.
type items[T any] struct {
	order  []string
	values map[string]T
}

// dataJSON reads the field data_json as an object of entries; what says what the entries are.
func dataJSON[T any](r *request, what string) (items[T], *answer) {
	out := items[T]{values: map[string]T{}}
	fail := func(format string, a ...any) (items[T], *answer) {
		x := bad(format, a...)
		return out, &x
	}
	if !r.has("data_json") {
		return fail("Missing required parameter 'data_json'")
	}
	text := r.value("data_json")
	var raw json.RawMessage
	if json.Unmarshal([]byte(text), &raw) != nil {
		return fail("Invalid input data format")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if tok, err := d.Token(); err != nil || tok != json.Delim('{') {
		kind := "String"
		if strings.HasPrefix(strings.TrimSpace(text), "[") {
			kind = "Array"
		}
		return fail("Invalid input data format: %s should be 'Hash'. But it is '%s': %s", what, kind, strings.TrimSpace(text))
	}
	for d.More() {
		tok, err := d.Token()
		id, isText := tok.(string)
		var v T
		if err != nil || !isText || d.Decode(&v) != nil {
			return fail("Invalid input data format: %s: the entry '%s' is malformed", what, id)
		}
		if _, twice := out.values[id]; !twice {
			out.order = append(out.order, id)
		}
		out.values[id] = v
	}
	return out, nil
}

// fileResult is what became of an entry.
type fileResult struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// place is where a kind of file lies.
type place struct {
	path   func(s *Server, name string) string
	named  bool
	base64 bool
	mode   os.FileMode
	owner  string // user, of group haclient; root if empty
}

var fileTypes = []string{"booth_authfile", "booth_config", "pcmk_remote_authkey", "corosync_authkey", "corosync_conf", "pcs_settings_conf", "pcs_disaster_recovery_conf"}

var places = map[string]place{
	"booth_authfile":             {path: func(s *Server, n string) string { return filepath.Join(s.conf.Paths.BoothDir, n) }, named: true, base64: true, mode: 0o600},
	"booth_config":               {path: func(s *Server, n string) string { return filepath.Join(s.conf.Paths.BoothDir, n) }, named: true, mode: 0o644},
	"pcmk_remote_authkey":        {path: func(s *Server, _ string) string { return s.conf.Paths.PacemakerKey }, base64: true, mode: 0o400, owner: adminUser},
	"corosync_authkey":           {path: func(s *Server, _ string) string { return s.conf.Paths.CorosyncKey }, base64: true, mode: 0o400},
	"corosync_conf":              {path: func(s *Server, _ string) string { return s.conf.Paths.CorosyncConf }, mode: 0o644},
	"pcs_settings_conf":          {path: func(s *Server, _ string) string { return s.settingsPath() }, mode: 0o644},
	"pcs_disaster_recovery_conf": {path: func(s *Server, _ string) string { return s.conf.Paths.PcsdDir + "/disaster-recovery" }, base64: true, mode: 0o600},
}

func (s *Server) putFile(r *request) answer {
	type entry struct {
		Type    *string         `json:"type"`
		Data    json.RawMessage `json:"data"`
		Name    *string         `json:"name"`
		Rewrite bool            `json:"rewrite_existing"`
	}
	list, a := dataJSON[entry](r, "files")
	if a != nil {
		return *a
	}
	out := map[string]fileResult{}
	for _, id := range list.order {
		e := list.values[id]
		wrong := func(format string, a ...any) answer {
			return plainBad(fmt.Sprintf("Invalid input data format: file (key: %s): ", id) + fmt.Sprintf(format, a...))
		}
		if e.Type == nil {
			return wrong("'type' is missing")
		}
		p, known := places[*e.Type]
		if !known {
			return wrong(`unsupported 'type' ('%s') supported are ["%s"]`, *e.Type, strings.Join(fileTypes, `", "`))
		}
		if e.Data == nil {
			return wrong("'data' is missing")
		}
		var text string
		if json.Unmarshal(e.Data, &text) != nil {
			return wrong("'data' is not String: '%s'", jsonKind(e.Data))
		}
		name := ""
		if p.named {
			switch {
			case e.Name == nil:
				return wrong("'name' is missing")
			case *e.Name == "":
				return wrong("'name' is empty")
			case strings.Contains(*e.Name, "/") || *e.Name == ".." || *e.Name == ".":
				return wrong("'name' cannot contain '/'")
			}
			name = *e.Name
		}
		data := []byte(text)
		if p.base64 {
			dec, err := base64.StdEncoding.DecodeString(strings.Map(dropSpace, text))
			if err != nil {
				return wrong("'data' is not base64")
			}
			data = dec
		}
		out[id] = s.store(p, name, data, e.Rewrite)
		if *e.Type == "corosync_conf" {
			s.recordDialect(r)
		}
	}
	return okJSON(map[string]any{"files": out})
}

func dropSpace(r rune) rune {
	if r == '\n' || r == '\r' || r == ' ' {
		return -1
	}
	return r
}

func jsonKind(raw json.RawMessage) string {
	switch strings.TrimSpace(string(raw))[0] {
	case '[':
		return "Array"
	case '{':
		return "Hash"
	case 'n':
		return "NilClass"
	case 't':
		return "TrueClass"
	case 'f':
		return "FalseClass"
	}
	return "Integer"
}

// store writes a file in its place, under a lock, with the mode for new files.
func (s *Server) store(p place, name string, data []byte, rewrite bool) fileResult {
	path := p.path(s, name)
	unexpected := func(err error) fileResult { return fileResult{"unexpected", err.Error()} }
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return unexpected(err)
	}
	_, err := os.Stat(path)
	existed := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unexpected(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, p.mode)
	if err != nil {
		return unexpected(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return unexpected(err)
	}
	if existed {
		old, err := os.ReadFile(path)
		switch {
		case err != nil:
			return unexpected(err)
		case bytes.Equal(old, data):
			return fileResult{"same_content", ""}
		case !rewrite:
			return fileResult{"conflict", ""}
		}
	} else if err := own(f, p); err != nil {
		return unexpected(err)
	}
	if err := f.Truncate(0); err != nil {
		return unexpected(err)
	}
	if _, err := f.WriteAt(data, 0); err != nil {
		return unexpected(err)
	}
	if err := f.Sync(); err != nil {
		return unexpected(err)
	}
	if existed {
		return fileResult{"rewritten", ""}
	}
	return fileResult{"written", ""}
}

// own gives a new file its owner; a host without that user keeps root's.
func own(f *os.File, p place) error {
	if p.owner == "" || os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup(p.owner)
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if g, err := user.LookupGroup(adminGroup); err == nil {
		gid, err2 = strconv.Atoi(g.Gid)
	}
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	return f.Chown(uid, gid)
}

func (s *Server) removeFile(r *request) answer {
	type entry struct {
		Type *string `json:"type"`
	}
	list, a := dataJSON[entry](r, "files")
	if a != nil {
		return *a
	}
	kinds := map[string]string{
		"pcmk_remote_authkey":        s.conf.Paths.PacemakerKey,
		"pcsd_settings":              s.settingsPath(),
		"pcs_disaster_recovery_conf": s.conf.Paths.PcsdDir + "/disaster-recovery",
	}
	out := map[string]fileResult{}
	for _, id := range list.order {
		e := list.values[id]
		if e.Type == nil {
			return bad("Invalid input data format: file (key: %s): 'type' is missing", id)
		}
		path, known := kinds[*e.Type]
		if !known {
			return bad(`Invalid input data format: file (key: %s): unsupported 'type' ('%s') supported are ["pcmk_remote_authkey", "pcsd_settings", "pcs_disaster_recovery_conf"]`, id, *e.Type)
		}
		switch err := os.Remove(path); {
		case err == nil:
			out[id] = fileResult{"deleted", ""}
		case errors.Is(err, fs.ErrNotExist):
			out[id] = fileResult{"not_found", ""}
		default:
			out[id] = fileResult{"unexpected", err.Error()}
		}
	}
	return okJSON(map[string]any{"files": out})
}

func (s *Server) getConf(*request) answer {
	data, err := os.ReadFile(s.conf.Paths.CorosyncConf)
	if err != nil {
		return plainBad("Unable to read corosync.conf")
	}
	return ok(string(data))
}

const keptBackups = 50

// backup keeps a copy of a file beside it and drops the oldest of too many.
func (s *Server) backup(path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		return
	}
	if err := os.WriteFile(fmt.Sprintf("%s.%d", path, s.conf.Now().Unix()), data, 0o644); err != nil {
		s.conf.Log.Warn("Unable to keep a copy", "path", path, "reason", err)
	}
	copies, err := filepath.Glob(path + ".[0-9]*")
	if err != nil {
		return
	}
	sort.Strings(copies)
	for len(copies) > keptBackups {
		_ = os.Remove(copies[0])
		copies = copies[1:]
	}
}

// writeInPlace writes a file and keeps its owner and mode.
func writeInPlace(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

func (s *Server) setConf(r *request) answer {
	text := r.value("corosync_conf")
	if strings.TrimSpace(text) == "" {
		return plainBad("Failed")
	}
	s.backup(s.conf.Paths.CorosyncConf)
	if err := writeInPlace(s.conf.Paths.CorosyncConf, []byte(text), 0o644); err != nil {
		s.conf.Log.Error("Unable to write corosync.conf", "reason", err)
		return plainBad("Failed")
	}
	s.recordDialect(r)
	return ok("Succeeded")
}

// recordDialect keeps the dialect in which the cluster is set up; the usual one needs no record.
func (s *Server) recordDialect(r *request) {
	asked := r.value("dialect")
	if asked == "" {
		return
	}
	v, err := dialect.Parse(asked)
	if err != nil {
		return
	}
	if err := dialect.Record(s.conf.Paths.Dialect, v); err != nil {
		s.conf.Log.Error("Unable to record the dialect", "reason", err)
	}
}

func (s *Server) setCerts(r *request) answer {
	cert, key := r.value("ssl_cert"), r.value("ssl_key")
	switch {
	case cert != "" && key == "":
		return plainBad("cannot save ssl certificate without ssl key")
	case cert == "" && key != "":
		return plainBad("cannot save ssl key without ssl certificate")
	}
	if cert != "" {
		if problem := checkPair(cert, key); problem != "" {
			return plainBad(problem)
		}
		dir := s.conf.Paths.PcsdDir
		if err := errors.Join(client.WriteSecret(dir+"/pcsd.crt", []byte(cert)), client.WriteSecret(dir+"/pcsd.key", []byte(key))); err != nil {
			_ = os.Remove(dir + "/pcsd.crt")
			_ = os.Remove(dir + "/pcsd.key")
			return bad("cannot save ssl files: %s", err)
		}
	}
	if err := s.reloadCert(); err != nil {
		return bad("cannot use ssl files: %s", err)
	}
	return ok("success")
}

// reloadCert takes the certificate from disk for connections to come.
func (s *Server) reloadCert() error {
	cert, err := loadOrMake(s.conf.Paths.PcsdDir, s.conf.Hostname, s.conf.Now())
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cert = cert
	return nil
}

// booth files
