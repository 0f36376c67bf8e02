package cluster

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/pattern"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// setConf sends corosync.conf to a node, with the dialect of the cluster where one is recorded, and tells the outcome.
func setConf(s *session.Session, node, text, dialect string) error {
	form := url.Values{"corosync_conf": {text}}
	if dialect != "" {
		form.Set("dialect", dialect)
	}
	r := s.Call(node, client.Request{Path: "remote/set_corosync_conf", Form: form, Timeout: s.RequestTimeout(0)})
	if r.Code != 0 {
		s.Out.Info(node + ": " + strings.TrimSpace(r.Body))
	}
	if code, text := s.OldAnswer(r); code != 0 {
		s.Out.Info(text)
		return report.Fatal("Unable to set corosync config: " + text)
	}
	return nil
}

// Sync is `cluster sync`, and from 0.10 on `cluster sync corosync`.
func Sync(s *session.Session, args []string) error {
	if !s.Legacy() {
		if err := s.Opts.Only("--request-timeout"); err != nil {
			return err
		}
		if len(args) > 0 {
			return argv.Usage()
		}
	}
	text, err := s.ConfText()
	if err != nil {
		return err
	}
	nodes, err := Nodes(s)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if err := setConf(s, n, text, s.RecordedDialect()); err != nil {
			return err
		}
	}
	if !s.Legacy() {
		s.Out.Warn("Corosync configuration has been synchronized, please reload corosync daemon using 'pcs cluster reload corosync' command.")
	}
	return nil
}

// Corosync is `cluster corosync`: it shows corosync.conf, this host's or a node's.
func Corosync(s *session.Session, args []string) error {
	if err := s.Only("--request-timeout"); err != nil {
		return err
	}
	if len(args) > 1 {
		return argv.Usage()
	}
	text := ""
	if len(args) == 0 {
		var err error
		if text, err = s.ConfText(); err != nil {
			return err
		}
	} else {
		code, answer := s.Send(args[0], client.Request{Path: "remote/get_corosync_conf"})
		if code != 0 {
			return report.Fatal(answer)
		}
		text = answer
	}
	if s.Legacy() {
		s.Out.Raw(text)
	} else {
		s.Out.Print(strings.TrimRight(text, " \t\r\n"))
	}
	return nil
}

// Reload is `cluster reload corosync`.
func Reload(s *session.Session, args []string) error {
	if err := s.Only(); err != nil {
		return err
	}
	if len(args) != 1 || args[0] != "corosync" {
		return argv.Usage()
	}
	r, err := s.Run("corosync-cfgtool", "-R")
	if err != nil {
		return report.Fatal(err.Error())
	}
	if r.Code != 0 || strings.Contains(r.Output(), "invalid option") {
		return report.Fatal(strings.TrimRight(r.Output(), " \t\r\n"))
	}
	s.Out.Info("Corosync reloaded")
	return nil
}

// UIDGID is `cluster uidgid`: who, besides root, may talk to corosync.
func UIDGID(s *session.Session, args []string) error {
	if err := s.Only(); err != nil {
		return err
	}
	if len(args) == 0 {
		return ShowUIDGID(s, false)
	}
	words := map[string]bool{"add": true, "rm": s.Minor() <= 10, "delete": !s.Legacy(), "remove": !s.Legacy()}
	if args[0] == "rm" && s.Minor() >= 11 {
		return argv.Replaced("0.11", "pcs cluster uidgid delete", "pcs cluster uidgid remove")
	}
	if !words[args[0]] || len(args) < 2 {
		return argv.Usage()
	}
	if args[0] == "rm" && s.Minor() == 10 {
		s.Deprecated("'pcs cluster uidgid rm' has been deprecated, use 'pcs cluster uidgid delete' or 'pcs cluster uidgid remove' instead")
	}
	uid, gid := "", ""
	for _, a := range args[1:] {
		name, value, ok := strings.Cut(a, "=")
		switch {
		case !ok:
			return report.Fatal("uidgid options must be of the form uid=<uid> gid=<gid>")
		case name == "uid":
			uid = value
		case name == "gid":
			gid = value
		default:
			return report.Fatalf("%s is not a valid key, you must use uid or gid", name)
		}
	}
	if uid == "" && gid == "" {
		return report.Fatal("you must set either uid or gid")
	}
	files, err := uidgidFiles(s)
	if err != nil {
		return err
	}
	if args[0] != "add" {
		removed := false
		for _, f := range files {
			if f.uid == uid && f.gid == gid {
				if err := os.Remove(f.path); err != nil {
					return report.Fatal(session.Reason(err))
				}
				removed = true
			}
		}
		if !removed {
			return report.Fatalf("no uidgid files with uid=%s and gid=%s found", uid, gid)
		}
		return nil
	}
	for _, f := range files {
		if f.uid == uid && f.gid == gid {
			return report.Fatalf("uidgid file with uid=%s and gid=%s already exists", uid, gid)
		}
	}
	base := filepath.Join(s.Paths.UIDGIDDir, "pcs-uidgid-"+strings.ReplaceAll(uid+"-"+gid, "/", "_"))
	text := fmt.Sprintf("uidgid {\n  uid: %s\ngid: %s\n}\n", uid, gid)
	if s.Since(11, 8) {
		text = "uidgid {\n"
		if uid != "" {
			text += "  uid: " + uid + "\n"
		}
		if gid != "" {
			text += "  gid: " + gid + "\n"
		}
		text += "}\n"
	}
	for i := 0; ; i++ {
		path := base
		if i > 0 {
			path = fmt.Sprintf("%s-%d", base, i)
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if os.IsExist(err) {
			continue
		}
		if err != nil {
			return report.Fatal(session.Reason(err))
		}
		_, err = f.WriteString(text)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return report.Fatal(session.Reason(err))
		}
		return nil
	}
}

var (
	uidgidHead = pattern.Late(`uidgid.*\{`)
	uidgidUID  = pattern.Late(`uid:\s*(\S+)`)
	uidgidGID  = pattern.Late(`gid:\s*(\S+)`)
)

type uidgidFile struct{ path, uid, gid string }

func uidgidFiles(s *session.Session) ([]uidgidFile, error) {
	entries, err := os.ReadDir(s.Paths.UIDGIDDir)
	if err != nil {
		if os.IsNotExist(err) {
			return nil, nil
		}
		return nil, report.Fatal(session.Reason(err))
	}
	var out []uidgidFile
	for _, e := range entries {
		path := filepath.Join(s.Paths.UIDGIDDir, e.Name())
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		f, inside := uidgidFile{path: path}, false
		for line := range strings.Lines(string(data)) {
			line, _, _ = strings.Cut(line, "#")
			inside = inside || uidgidHead().MatchString(line)
			if !inside {
				continue
			}
			if m := uidgidUID().FindStringSubmatch(line); m != nil {
				f.uid = m[1]
			}
			if m := uidgidGID().FindStringSubmatch(line); m != nil {
				f.gid = m[1]
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// ShowUIDGID lists them; silent says nothing where there are none.
func ShowUIDGID(s *session.Session, silent bool) error {
	files, err := uidgidFiles(s)
	if err != nil {
		return err
	}
	var lines []string
	for _, f := range files {
		if f.uid != "" || f.gid != "" {
			lines = append(lines, "UID/GID: uid="+f.uid+" gid="+f.gid)
		}
	}
	if !s.Legacy() {
		sort.Strings(lines)
	}
	s.Out.Print(lines...)
	if len(lines) == 0 && !silent {
		if s.Legacy() {
			s.Out.Print("No uidgids configured in cluster.conf")
		} else {
			s.Out.Info("No uidgids configured")
		}
	}
	return nil
}
