package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// furnish lays a host's own files out: anew at every boot what lives in memory,
// once what lives on its disk.
func (s *seat) furnish() error {
	for _, d := range []string{
		"/run/lock", "/run/hacluster", "/run/corosync", "/run/crm", "/run/resource-agents", "/run/httpd", "/run/user",
		"/var/log/pcsd", "/var/log/cluster", "/var/log/pacemaker", "/var/log/httpd",
	} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	if err := os.Chmod("/run/lock", 0o1777|fs.ModeSticky); err != nil {
		return err
	}
	const marker = "/etc/hacluster-lab/furnished"
	if _, err := os.Stat(marker); err == nil {
		return nil
	}
	for _, step := range []func() error{s.names, s.empty, accounts, commands, httpd} {
		if err := step(); err != nil {
			return err
		}
	}
	return write(marker, "", 0o644)
}

func (s *seat) names() error {
	hosts := "127.0.0.1\tlocalhost localhost.localdomain\n::1\tlocalhost ip6-localhost\n"
	for _, h := range s.Config.Hosts {
		hosts += h.Address.Addr().String() + "\t" + h.Name + "\n"
	}
	return errors.Join(write("/etc/hosts", hosts, 0o644), write("/etc/hostname", s.Host.Name+"\n", 0o644), replace("/etc/resolv.conf", ""))
}

// replace writes a file where a link may stand.
func replace(name, text string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return write(name, text, 0o644)
}

// empty makes the folders that are a host's own, without what the machine has in them.
func (s *seat) empty() error {
	for _, d := range []string{
		"/etc/corosync", "/etc/pacemaker", "/etc/hacluster", "/etc/httpd", "/var/www", "/etc/booth",
		"/var/lib/corosync", "/var/lib/pacemaker", "/var/lib/pcsd", "/var/log",
		"/etc/hacluster-lab", "/etc/hacluster-lab/enabled",
	} {
		if err := os.RemoveAll(d); err != nil {
			return err
		}
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	for _, d := range []string{"/etc/corosync/uidgid.d", "/var/log/pcsd", "/var/log/cluster", "/var/log/pacemaker", "/var/log/httpd", "/var/lib/pacemaker/cib", "/var/lib/pacemaker/pengine", "/var/lib/pacemaker/cores"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	return errors.Join(os.Chmod("/var/lib/pcsd", 0o700), os.MkdirAll("/root", 0o700))
}

// accounts sees to the user hacluster and the group haclient, as the packages
// leave them: with a password that nobody has.
func accounts() error {
	gid, err := ensureLine("/etc/group", "haclient", func(id int) string { return fmt.Sprintf("haclient:x:%d:", id) })
	if err != nil {
		return err
	}
	uid, err := ensureLine("/etc/passwd", "hacluster", func(id int) string {
		return fmt.Sprintf("hacluster:x:%d:%d:cluster user:/var/lib/pacemaker:/usr/sbin/nologin", id, gid)
	})
	if err != nil {
		return err
	}
	if err := setPassword("hacluster", "!"); err != nil {
		return err
	}
	for _, d := range []string{"/var/lib/pacemaker", "/var/lib/pacemaker/cib", "/var/lib/pacemaker/pengine", "/var/lib/pacemaker/cores", "/var/log/pacemaker", "/run/crm"} {
		if err := errors.Join(os.Chown(d, uid, gid), os.Chmod(d, 0o750)); err != nil {
			return err
		}
	}
	return nil
}

// ensureLine gives the id of a name in a file like /etc/passwd, adding the name where it is missing.
func ensureLine(file, name string, line func(id int) string) (int, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	var used []int
	for l := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSpace(l), ":")
		if len(f) < 3 {
			continue
		}
		id, err := strconv.Atoi(f[2])
		if err != nil {
			continue
		}
		if f[0] == name {
			return id, nil
		}
		used = append(used, id)
	}
	id := 189 // what the packages of other distributions use
	for slices.Contains(used, id) {
		id++
	}
	text := string(data)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return id, os.WriteFile(file, []byte(text+line(id)+"\n"), 0o644)
}

// setPassword gives a user's line in /etc/shadow this hash.
func setPassword(user, hash string) error {
	const file = "/etc/shadow"
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var out strings.Builder
	found := false
	for l := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimRight(l, "\n"), ":")
		if f[0] == user && len(f) > 1 {
			f[1], found = hash, true
			l = strings.Join(f, ":") + "\n"
		}
		out.WriteString(l)
	}
	if !found {
		fmt.Fprintf(&out, "%s:%s:19000:0:99999:7:::\n", user, hash)
	}
	tmp := file + ".new"
	if err := os.WriteFile(tmp, []byte(out.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, file)
}

// Commands are the programs of a host that answer for the lab; each is a link to
// clusterd, which knows them by name.
var Commands = []string{"systemctl", "service", "passwd", "yum", "dnf", "firewall-cmd", "fence_lab"}

func commands() error {
	if err := os.MkdirAll(commandDir, 0o755); err != nil {
		return err
	}
	for _, c := range Commands {
		places := []string{filepath.Join(commandDir, c)}
		switch c {
		case "fence_lab":
			places = []string{"/usr/sbin/fence_lab"}
		case "systemctl", "passwd":
			places = append(places, "/usr/bin/"+c)
		}
		for _, p := range places {
			if err := link(binDir+"/clusterd", p); err != nil {
				return err
			}
		}
	}
	return nil
}

// apache is Debian's web server.
const apache = "/usr/sbin/apache2"

// httpd lays Debian's apache2 out as CentOS 7 has its httpd: the files, folders and
// names that a reader of a CentOS tutorial works with.
func httpd() error {
	for _, d := range []string{"/var/www/html", "/var/www/cgi-bin", "/etc/httpd/conf.modules.d", "/etc/httpd/conf.d"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	for link, to := range map[string]string{"/etc/httpd/logs": "/var/log/httpd", "/etc/httpd/run": "/run/httpd"} {
		if err := os.Symlink(to, link); err != nil {
			return err
		}
	}
	if _, err := os.Stat(apache); err != nil {
		return nil // no web server on the machine: yum says so when it is asked for one
	}
	if _, err := os.Stat("/usr/sbin/httpd"); err != nil {
		if err := os.Symlink(apache, "/usr/sbin/httpd"); err != nil {
			return err
		}
	}
	modules := ""
	for _, m := range []string{"mpm_event", "authn_core", "authz_core", "authz_host", "dir", "mime", "alias", "status"} {
		file := "/usr/lib/apache2/modules/mod_" + m + ".so"
		if _, err := os.Stat(file); err == nil {
			modules += fmt.Sprintf("LoadModule %s_module %s\n", m, file)
		}
	}
	user := "nobody"
	if data, err := os.ReadFile("/etc/passwd"); err == nil && strings.Contains(string(data), "\nwww-data:") {
		user = "www-data"
	}
	conf := `ServerRoot "/etc/httpd"
PidFile "/run/httpd/httpd.pid"
DefaultRuntimeDir "/run/httpd"
Listen 80
Include conf.modules.d/*.conf
User ` + user + `
ServerAdmin root@localhost
ServerName localhost
<Directory />
    AllowOverride none
    Require all denied
</Directory>
DocumentRoot "/var/www/html"
<Directory "/var/www">
    AllowOverride None
    Require all granted
</Directory>
<IfModule dir_module>
    DirectoryIndex index.html
</IfModule>
ErrorLog "logs/error_log"
LogLevel warn
TypesConfig "/etc/httpd/conf/mime.types"
AddDefaultCharset UTF-8
IncludeOptional conf.d/*.conf
`
	return errors.Join(
		write("/etc/httpd/conf.modules.d/00-base.conf", modules, 0o644),
		write("/etc/httpd/conf/mime.types", "text/html html htm\ntext/plain txt\ntext/css css\nimage/png png\n", 0o644),
		write("/etc/httpd/conf/httpd.conf", conf, 0o644),
	)
}
