package booth

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"hacluster/internal/pcs/booth/boothconf"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// sentFile is a file as booth_save_files takes it.
type sentFile struct {
	Name string `json:"name"`
	Data string `json:"data"`
	Key  bool   `json:"is_authfile"`
}

// SendAll gives hosts all configurations of booth that lie here, with their keys. Hosts keep files of these names
// unless --force was given.
func SendAll(s *session.Session, targets []string) error {
	paths, err := filepath.Glob(filepath.Join(s.Paths.BoothDir, "?*.conf"))
	if err != nil {
		return err
	}
	var files []sentFile
	for _, path := range paths {
		in := &instance{s: s, name: strings.TrimSuffix(filepath.Base(path), ".conf"), conf: path}
		data, err := os.ReadFile(path)
		if err != nil {
			s.Out.Tell(in.fileError("read", "Booth configuration", path, err).As(s.Opts.Force()))
			continue
		}
		c, err := boothconf.Parse(string(data), false)
		if err != nil {
			s.Out.Tell(in.badLines(err).As(s.Opts.Force()))
			continue
		}
		name, key, err := in.authfileOf(c)
		if err != nil {
			s.Out.Tell(in.fileError("read", "Booth key", filepath.Join(s.Paths.BoothDir, name), err).As(s.Opts.Force()))
			continue
		}
		files = append(files, sentFile{Name: filepath.Base(path), Data: string(data)})
		if name != "" && len(key) > 0 {
			files = append(files, sentFile{name, base64.StdEncoding.EncodeToString(key), true})
		}
	}
	if err := s.Out.Check(); err != nil || len(files) == 0 {
		return err
	}
	data, err := json.Marshal(files)
	if err != nil {
		return err
	}
	form := url.Values{"data_json": {string(data)}}
	if s.Opts.Force() {
		form.Set("rewrite_existing", "1")
	}
	s.Out.Info("Sending booth configuration to cluster nodes...")
	for _, r := range s.All(targets, "remote/booth_save_files", form) {
		if i, failed := s.ResponseItem(r); failed {
			s.Out.Tell(i)
			continue
		}
		var a struct {
			Existing, Saved []string
			Failed          map[string]string
		}
		if json.Unmarshal([]byte(r.Body), &a) != nil || a.Saved == nil && a.Existing == nil {
			s.Out.Tell(report.Errorf("%s: Invalid format of response", r.Node))
			continue
		}
		what := ""
		if len(a.Saved) > 0 && !slices.Equal(a.Saved, []string{"booth"}) {
			what = report.Plural(len(a.Saved), "", "s") + " " + report.QuoteSorted(a.Saved)
		}
		s.Out.Info(r.Node + ": Booth config" + what + " saved")
		for _, n := range a.Existing {
			s.Out.Tell(report.Errorf("%s:  file '%s' already exists", r.Node, n).As(s.Opts.Force()))
		}
		for _, n := range sortedKeys(a.Failed) {
			s.Out.Tell(report.Errorf("Unable to save booth config '%s' on node '%s': %s", n, r.Node, a.Failed[n]))
		}
	}
	return s.Out.Check()
}

func sortedKeys(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
