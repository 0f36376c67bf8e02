package host

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/cluster"
	"hacluster/internal/pcs/fleet"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

func ioError(path string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return report.Fatal(session.Errno(err, path))
}

// CertKey is `pcsd certkey`: pcsd gets another certificate.
func CertKey(s *session.Session, args []string) error {
	if err := s.Only("--force"); err != nil {
		return err
	}
	if len(args) != 2 {
		return argv.Usage()
	}
	var data [2][]byte
	for i, path := range args {
		var err error
		if data[i], err = os.ReadFile(path); err != nil {
			return ioError(path, err)
		}
	}
	if _, err := tls.X509KeyPair(data[0], data[1]); err != nil {
		return report.Fatalf("SSL certificate does not match the key: %s", err)
	}
	paths := []string{filepath.Join(s.Paths.PcsdDir, "pcsd.crt"), filepath.Join(s.Paths.PcsdDir, "pcsd.key")}
	for _, p := range paths {
		if _, err := os.Stat(p); err == nil && !s.Opts.Force() {
			return report.Fatal("certificate and/or key already exists, use --force to overwrite")
		}
	}
	for i, p := range paths {
		if err := client.WriteSecret(p, data[i]); err != nil {
			return ioError(p, err)
		}
	}
	s.Out.Info("Certificate and key updated, you may need to restart pcsd for new settings to take effect")
	return nil
}

// SyncCerts is `pcsd sync-certificates`.
func SyncCerts(s *session.Session, args []string) error {
	if err := s.Only("--skip-offline"); err != nil {
		return err
	}
	if len(args) > 0 && !s.Legacy() {
		return argv.Usage()
	}
	if s.Legacy() && len(args) > 0 {
		return cluster.SyncCerts(s, args)
	}
	nodes, err := cluster.Nodes(s)
	if err != nil {
		return err
	}
	if s.Legacy() {
		return cluster.SyncCerts(s, nodes)
	}
	s.KnownHosts()
	pair := cluster.ReadCertificate(s)
	targets, items := s.Targets(nodes, s.Opts.Has("--skip-offline"), true)
	if err := s.Check(items...); err != nil {
		return err
	}
	return fleet.Certificate(s, targets, pair[0], pair[1])
}

// users is the file of the tokens that pcsd takes.
func users(s *session.Session) string { return filepath.Join(s.Paths.PcsdDir, "pcs_users.conf") }

// entry is a token with who it stands for.
type entry struct {
	Created string `json:"creation_date"`
	Token   string `json:"token"`
	User    string `json:"username"`
}

// PcsdDeauth is `pcsd deauth`: tokens that others hold for this pcsd are not taken any more.
func PcsdDeauth(s *session.Session, args []string) error {
	if err := s.Opts.Only(); err != nil {
		return err
	}
	path := users(s)
	if len(args) == 0 {
		if err := client.WriteSecret(path, []byte("[]")); err != nil {
			return report.Fatalf("Unable to edit data in %s: %s", path, err)
		}
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return report.Fatalf("Unable to edit data in %s: %s", path, session.Errno(err, path))
	}
	var list []map[string]any
	if err := json.Unmarshal(data, &list); err != nil {
		return report.Fatalf("Unable to parse data in %s: %s", path, err)
	}
	var missing []string
	left := []entry{}
	found := map[string]bool{}
	for _, e := range list {
		token, ok := e["token"].(string)
		if !ok {
			return report.Fatalf("Unable to parse data in %s: missing key 'token'", path)
		}
		if slices.Contains(args, token) {
			found[token] = true
			continue
		}
		created, _ := e["creation_date"].(string)
		user, _ := e["username"].(string)
		left = append(left, entry{created, token, user})
	}
	for _, a := range args {
		if !found[a] && !slices.Contains(missing, a) {
			missing = append(missing, a)
		}
	}
	if len(missing) > 0 {
		return report.Fatalf("Following tokens were not found: %s", report.QuoteSorted(missing))
	}
	return writeUsers(path, left)
}

func writeUsers(path string, list []entry) error {
	data, err := json.MarshalIndent(list, "", "  ")
	if err == nil {
		err = client.WriteSecret(path, data)
	}
	if err != nil {
		return report.Fatalf("Unable to edit data in %s: %s", path, err)
	}
	return nil
}

// AcceptToken is `pcsd accept_token`: pcsd takes the token that a file holds.
func AcceptToken(s *session.Session, args []string) error {
	if err := s.Opts.Only(); err != nil {
		return err
	}
	if len(args) != 1 {
		return argv.Usagef("1 argument required")
	}
	token, err := tokenFrom(args[0])
	if err != nil {
		return err
	}
	path := users(s)
	var list []entry
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		s.Out.Warn("Unable to read file '" + path + "': " + session.Reason(err))
	case json.Unmarshal(data, &list) != nil:
		s.Out.Warn("Unable to parse file '" + path + "': not valid json")
		list = nil
	}
	return writeUsers(path, append(list, entry{time.Now().Format("2006-01-02 15:04:05 -0700"), token, "hacluster"}))
}

// ClearAuth09 is `pcsd clear-auth` of 0.9: stored tokens go, here and on other hosts.
func ClearAuth09(s *session.Session, _ []string) error {
	local, remote := s.Opts.Has("--local"), s.Opts.Has("--remote")
	if !local && !remote {
		local, remote = true, true
	}
	var paths []string
	if local {
		paths = append(paths, s.Remote().TokensPath(), s.Remote().HostsPath())
	}
	if remote {
		paths = append(paths, users(s))
	}
	for _, p := range paths {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return report.Fatalf("unable to remove %s: %s", p, session.Reason(err))
		}
	}
	return nil
}
