package config

import (
	"archive/tar"
	"bufio"
	"bytes"
	stdbzip2 "compress/bzip2"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/user"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dsnet/compress/bzip2"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/cluster"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// formatVersion is the version of the backups that this writes and the newest that it reads.
const formatVersion = 1

// maxPart is the most bytes that a file of a backup may have.
const maxPart = 64 << 20

// part is a file, or a directory of files, of a backup.
type part struct {
	name, path string
	required   bool
	mode       fs.FileMode
	pacemaker  bool // it is Pacemaker's user's, otherwise root's
}

func parts(s *session.Session) []part {
	return []part{
		{name: "cib.xml", path: s.CIBFile(), required: true, mode: 0o600, pacemaker: true},
		{name: "corosync_authkey", path: s.Paths.CorosyncKey, mode: 0o400},
		{name: "pacemaker_authkey", path: s.Paths.PacemakerKey, mode: 0o440, pacemaker: true},
		{name: "corosync.conf", path: s.Paths.CorosyncConf, required: true, mode: 0o644},
		{name: "uidgid.d", path: strings.TrimRight(s.Paths.UIDGIDDir, "/"), mode: 0o644},
		{name: "pcs_settings.conf", path: filepath.Join(s.Paths.PcsdDir, "pcs_settings.conf"), mode: 0o644},
	}
}

// Backup is `config backup`: the cluster's files of this host in an archive, to a file or standard output.
func Backup(s *session.Session, args []string) error {
	if err := s.Only("--force"); err != nil {
		return err
	}
	if len(args) > 1 {
		return argv.Usage()
	}
	data, err := pack(parts(s), time.Now())
	if err != nil {
		return report.Fatalf("unable to create tarball: %s", err)
	}
	if len(args) == 0 || args[0] == "" {
		s.Out.Raw(string(data))
		return nil
	}
	file := args[0]
	if !strings.HasSuffix(file, ".tar.bz2") {
		file += ".tar.bz2"
	}
	if _, err := os.Stat(file); err == nil {
		if !s.Opts.Force() {
			return report.Fatalf("'%s' already exists, use --force to overwrite", file)
		}
		if err := os.Remove(file); err != nil {
			return report.Fatalf("unable to remove '%s': %s", file, session.Errno(err, file))
		}
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return report.Fatalf("unable to write to '%s': %s", file, session.Errno(err, file))
	}
	return nil
}

// pack makes the archive.
func pack(list []part, now time.Time) ([]byte, error) {
	var out bytes.Buffer
	z, err := bzip2.NewWriter(&out, nil)
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(z)
	version := []byte(strconv.Itoa(formatVersion))
	err = w.WriteHeader(&tar.Header{Name: "version.txt", Mode: 0o600, Size: int64(len(version)), ModTime: now})
	if err == nil {
		_, err = w.Write(version)
	}
	for _, p := range list {
		if err != nil {
			break
		}
		err = add(w, p.path, p.name)
		if errors.Is(err, fs.ErrNotExist) {
			if p.required {
				err = errors.New(session.Errno(err, p.path))
			} else {
				err = nil
			}
		}
	}
	if err := errors.Join(err, w.Close(), z.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// add adds a file, or a directory with the files in it.
func add(w *tar.Writer, file, name string) error {
	fi, err := os.Stat(file)
	if err != nil {
		return err
	}
	h, err := tar.FileInfoHeader(fi, "")
	if err != nil {
		return err
	}
	h.Name = name
	if fi.IsDir() {
		h.Name += "/"
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		list, err := os.ReadDir(file)
		if err != nil {
			return err
		}
		for _, e := range list {
			if err := add(w, filepath.Join(file, e.Name()), path.Join(name, e.Name())); err != nil {
				return err
			}
		}
		return nil
	}
	if !fi.Mode().IsRegular() {
		return nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	h.Size = int64(len(data))
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

// entry is a file of an archive.
type entry struct {
	name string
	dir  bool
	data []byte
}

// unpack reads an archive: plain, or compressed by bzip2 or gzip.
func unpack(data []byte) ([]entry, error) {
	r := bufio.NewReader(bytes.NewReader(data))
	magic, _ := r.Peek(3)
	var in io.Reader = r
	switch {
	case bytes.Equal(magic, []byte("BZh")):
		in = stdbzip2.NewReader(r)
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		in = z
	}
	var out []entry
	for t := tar.NewReader(in); ; {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF) && len(out) == 0:
			return nil, errors.New("empty file")
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, errors.New("file could not be opened successfully: " + err.Error())
		}
		e := entry{name: path.Clean(h.Name), dir: h.Typeflag == tar.TypeDir}
		if !e.dir && h.Typeflag != tar.TypeReg {
			continue
		}
		if h.Size > maxPart {
			return nil, fmt.Errorf("%s has %d bytes, %d are the most", e.name, h.Size, maxPart)
		}
		if !e.dir {
			if e.data, err = io.ReadAll(t); err != nil {
				return nil, err
			}
		}
		out = append(out, e)
	}
}

func find(list []entry, name string) *entry {
	if i := slices.IndexFunc(list, func(e entry) bool { return e.name == name }); i >= 0 {
		return &list[i]
	}
	return nil
}

// checkVersion refuses backups that are newer than this.
func checkVersion(s *session.Session, list []entry) error {
	e := find(list, "version.txt")
	n := 0
	var err error
	if e != nil {
		n, err = strconv.Atoi(strings.TrimSpace(string(e.data)))
	}
	switch {
	case e == nil || err != nil:
		return report.Fatal("Cannot determine version of the backup")
	case n > formatVersion:
		return report.Fatalf("Unsupported version of the backup, supported version is %d, backup version is %d", formatVersion, n)
	case n < formatVersion:
		s.Out.Warn(fmt.Sprintf("Restoring from the backup version %d, current supported version is %d", n, formatVersion))
	}
	return nil
}

// Restore is `config restore`: all hosts of a backup, or with --local this one, get its files.
func Restore(s *session.Session, args []string) error {
	if err := s.Only("--local", "--request-timeout"); err != nil {
		return err
	}
	if len(args) > 1 {
		return argv.Usage()
	}
	var data []byte
	var err error
	unreadable := "unable to read the tarball: "
	if s.Opts.Has("--local") {
		unreadable = "unable to restore the cluster: "
	}
	if len(args) == 1 && args[0] != "" {
		if data, err = os.ReadFile(args[0]); err != nil {
			return report.Fatal(unreadable + session.Errno(err, args[0]))
		}
	} else if data, err = s.ReadAll(); err != nil {
		return err
	}
	if s.Opts.Has("--local") && running(s) {
		return report.Fatal("Cluster is currently running on this node. You need to stop the cluster in order to restore the configuration.")
	}
	list, err := unpack(data)
	if err != nil {
		return report.Fatal(unreadable + err.Error())
	}
	if s.Opts.Has("--local") {
		return restoreHere(s, list)
	}
	return restoreAll(s, list, data)
}

func running(s *session.Session) bool {
	return slices.ContainsFunc([]string{"corosync", "pacemaker", "pacemaker_remote"}, func(u string) bool {
		return s.World.Services.IsActive(s.Ctx, u)
	})
}

func restoreHere(s *session.Session, list []entry) error {
	known := parts(s)
	var missing []string
	for _, p := range known {
		if p.required && find(list, p.name) == nil {
			missing = append(missing, p.name)
		}
	}
	if len(missing) > 0 {
		return report.Fatalf("unable to restore the cluster, missing files in backup: %s", strings.Join(missing, ", "))
	}
	if err := checkVersion(s, list); err != nil {
		return err
	}
	for _, e := range list {
		i := slices.IndexFunc(known, func(p part) bool { return e.name == p.name || strings.HasPrefix(e.name, p.name+"/") })
		if i < 0 || strings.Contains(e.name, "..") {
			continue
		}
		if err := known[i].put(e); err != nil {
			return report.Fatalf("unable to restore the cluster: %s", err)
		}
	}
	signature := s.CIBFile() + ".sig"
	if err := os.Remove(signature); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return report.Fatalf("unable to remove %s: %s", signature, session.Errno(err, signature))
	}
	return nil
}

// put writes a file of a backup to its place.
func (p part) put(e entry) error {
	target := p.path + strings.TrimPrefix(e.name, p.name)
	uid, gid := 0, 0
	if p.pacemaker {
		u, err := user.Lookup("hacluster")
		if err != nil {
			return errors.New("Unable to determine uid of user 'hacluster'")
		}
		if uid, err = strconv.Atoi(u.Uid); err != nil {
			return err
		}
		if gid, err = strconv.Atoi(u.Gid); err != nil {
			return err
		}
	}
	if e.dir {
		return os.MkdirAll(target, 0o755)
	}
	dir := filepath.Dir(target)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return err
		}
		if p.pacemaker {
			if err := os.Chown(dir, uid, gid); err != nil {
				return err
			}
		}
	}
	f, err := os.CreateTemp(dir, ".restore-*")
	if err != nil {
		return err
	}
	_, err = f.Write(e.data)
	err = errors.Join(err, f.Chmod(p.mode))
	if os.Geteuid() == 0 {
		err = errors.Join(err, f.Chown(uid, gid))
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), target)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// syncPause is for how long hosts are told to leave restored files alone, in seconds.
const syncPause = "600"

// restoreAll gives an archive to the hosts that it names; none may run a cluster.
func restoreAll(s *session.Session, list []entry, data []byte) error {
	if err := checkVersion(s, list); err != nil {
		return err
	}
	text := ""
	if e := find(list, "corosync.conf"); e != nil {
		text = string(e.data)
	}
	root, err := corosyncconf.Parse(text)
	if err != nil {
		return report.Fatalf("Unable to parse corosync.conf: %s", err)
	}
	if err := s.Check(cluster.Incomplete(root)...); err != nil {
		return err
	}
	var nodes []string
	for _, n := range corosyncconf.Nodes(root) {
		if n.Name != "" {
			nodes = append(nodes, n.Name)
		} else if s.Legacy() && len(n.Addrs) > 0 {
			nodes = append(nodes, n.Addrs[0].Addr)
		}
	}
	if len(nodes) == 0 {
		return report.Fatal("no nodes found in the tarball")
	}
	failed := false
	for _, n := range nodes {
		if why := busy(s, n); why != "" {
			failed = true
			s.Out.Error(why)
		}
	}
	if failed {
		return report.ErrSilent
	}
	for _, n := range nodes {
		code, answer := s.Send(n, client.Request{Path: "remote/set_sync_options", Form: url.Values{"sync_thread_pause": {syncPause}}})
		if code != 0 && !strings.Contains(answer, "(HTTP error: 404)") {
			return report.Fatal(answer)
		}
	}
	var wrong []string
	for _, n := range nodes {
		code, answer := s.Send(n, client.Request{Path: "remote/config_restore", Form: url.Values{"tarball": {string(data)}}})
		answer = strings.TrimSpace(answer)
		switch {
		case code != 0:
			wrong = append(wrong, answer)
		case answer != "" && answer != "Succeeded":
			wrong = append(wrong, n+": "+answer)
		default:
			s.Out.Info(n + ": Succeeded")
		}
	}
	if len(wrong) > 0 {
		return report.Fatal("unable to restore all nodes\n" + strings.Join(wrong, "\n"))
	}
	return nil
}

// busy tells why a host cannot get the files of a backup now.
func busy(s *session.Session, node string) string {
	code, answer := s.Send(node, client.Request{Path: "remote/status", Form: url.Values{"version": {"2"}}})
	if code != 0 {
		return answer
	}
	var st struct {
		Node struct {
			Services map[string]struct{ Running *bool } `json:"services"`
		} `json:"node"`
	}
	unknown := "unable to determine status of the node " + node
	if json.Unmarshal([]byte(answer), &st) != nil {
		return unknown
	}
	for _, u := range []string{"corosync", "pacemaker", "pacemaker_remote"} {
		switch v, ok := st.Node.Services[u]; {
		case !ok || v.Running == nil:
			return unknown
		case *v.Running:
			return "Cluster is currently running on node " + node + ". You need to stop the cluster in order to restore the configuration."
		}
	}
	return ""
}
