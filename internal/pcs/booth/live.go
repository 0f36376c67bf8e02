package booth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/booth/boothconf"
	"hacluster/internal/pcs/doc"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcsd/client"
)

// remoteConf is a configuration as pcsd sends it.
type remoteConf struct {
	Config struct {
		Name string  `json:"name"`
		Data *string `json:"data"`
	} `json:"config"`
	Authfile struct {
		Name *string `json:"name"`
		Data *string `json:"data"`
	} `json:"authfile"`
}

// fetch gets the configuration of an instance from a node.
func (in *instance) fetch(node string) (remoteConf, error) {
	s := in.s
	var a remoteConf
	r := s.Call(node, client.Request{Path: "remote/booth_get_config", Form: url.Values{"name": {in.name}}, Timeout: s.RequestTimeout(0)})
	if i, failed := s.ResponseItem(r); failed {
		s.Out.Tell(i)
		return a, report.ErrFailed
	}
	if json.Unmarshal([]byte(r.Body), &a) != nil || a.Config.Data == nil {
		return a, report.Items{report.Errorf("%s: Invalid format of response", node)}
	}
	return a, nil
}

// Config is `booth config`: the configuration of this host or of a node.
func Config(s *session.Session, args []string) error {
	in, err := begin(s, args, 0, 1, "--name", "--request-timeout")
	if err != nil {
		return err
	}
	text := ""
	if len(args) == 1 {
		a, err := in.fetch(args[0])
		if err != nil {
			return err
		}
		text = *a.Config.Data
	} else if text, err = in.raw(); err != nil {
		return err
	}
	if s.Legacy() {
		s.Out.Raw(text)
	} else {
		s.Out.Print(strings.TrimRight(text, " \t\r\n"))
	}
	return nil
}

// authfileOf is the name and content of the key that a configuration names; a key outside of booth's folder is
// left out with a warning.
func (in *instance) authfileOf(c *boothconf.Conf) (name string, data []byte, err error) {
	path, ok := c.Option("authfile")
	if !ok || path == "" {
		return "", nil, nil
	}
	if in.given {
		data, err = os.ReadFile(in.key)
		return filepath.Base(path), data, err
	}
	if filepath.Dir(path) != filepath.Clean(in.s.Paths.BoothDir) || filepath.Base(path) == "." {
		in.s.Out.Tell(in.outside(path))
		return "", nil, nil
	}
	data, err = os.ReadFile(path)
	return filepath.Base(path), data, err
}

func (in *instance) outside(path string) report.Item {
	return report.Warnf("Booth key '%s' is outside of supported booth config directory '%s', ignoring the file", path, in.s.Paths.BoothDir)
}

// saved tells that a configuration was stored.
func (in *instance) saved(node string) string {
	text := "Booth config"
	if in.name != "booth" {
		text += "  '" + in.name + "'"
	}
	if node != "" {
		text = node + ": " + text
	}
	return text + " saved"
}

// Sync is `booth sync`: all nodes get this host's configuration.
func Sync(s *session.Session, args []string) error {
	in, err := begin(s, args, 0, 0, "--skip-offline", "--name", "--booth-conf", "--booth-key", "--request-timeout")
	if err != nil {
		return err
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	if len(s.ConfNodes()) == 0 {
		return s.Check(report.Errorf("No nodes found in corosync.conf"))
	}
	text, err := in.raw()
	if err != nil {
		return err
	}
	c, err := in.parse(text)
	if err != nil {
		return s.Check(in.badLines(err))
	}
	name, key, err := in.authfileOf(c)
	if err != nil {
		return s.Check(in.fileError("read", "Booth key", in.key, err))
	}
	targets, err := s.ConfTargets(root)
	if err != nil {
		return err
	}
	type file struct {
		Name string `json:"name"`
		Data string `json:"data"`
	}
	data := map[string]file{"config": {in.name + ".conf", text}}
	if name != "" && key != nil {
		data["authfile"] = file{name, base64.StdEncoding.EncodeToString(key)}
	}
	body, err := json.Marshal(data)
	if err != nil {
		return err
	}
	s.Out.Info("Sending booth configuration to cluster nodes...")
	for _, r := range s.All(targets, "remote/booth_set_config", url.Values{"data_json": {string(body)}}) {
		if i, failed := s.ResponseItem(r); failed {
			s.Out.Tell(s.OrSkip(i))
			continue
		}
		s.Out.Info(in.saved(r.Node))
	}
	return s.Out.Check()
}

// Pull is `booth pull`: this host gets a node's configuration.
func Pull(s *session.Session, args []string) error {
	in, err := begin(s, args, 1, 1, "--name", "--request-timeout")
	if err != nil {
		return err
	}
	what := "booth config"
	if in.name != "booth" {
		what += " '" + in.name + "'"
	}
	s.Out.Info("Fetching " + what + " from node '" + args[0] + "'...")
	a, err := in.fetch(args[0])
	if err != nil {
		return err
	}
	dir := filepath.Dir(in.conf)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return s.Check(report.Errorf("Configuration directory for booth '%s' is missing. Is booth installed?", dir))
	}
	replaced := func(kind, path string) {
		if _, err := os.Stat(path); s.Legacy() && err == nil {
			s.Out.Warn(kind + " file '" + path + "' already exists")
		}
	}
	replaced("Booth configuration", in.conf)
	if n, d := a.Authfile.Name, a.Authfile.Data; n != nil && d != nil && *d != "" {
		if strings.Contains(*n, "/") {
			return report.Items{badName(s, *n)}
		}
		key, err := base64.StdEncoding.DecodeString(*d)
		if err != nil {
			return report.Items{report.Errorf("%s: Invalid format of response", args[0])}
		}
		path := filepath.Join(s.Paths.BoothDir, *n)
		replaced("Booth key", path)
		if err := in.write(path, key, keyMode, true); err != nil {
			return s.Check(in.fileError("write", "Booth key", path, err))
		}
	}
	if err := in.write(in.conf, []byte(*a.Config.Data), 0o644, true); err != nil {
		return s.Check(in.fileError("write", "Booth configuration", in.conf, err))
	}
	s.Out.Info(in.saved(""))
	return nil
}

// Destroy is `booth destroy`: the configuration goes, with its key, where nothing uses it.
func Destroy(s *session.Session, args []string) error {
	in, err := begin(s, args, 0, 0, "--force", "--name")
	if err != nil {
		return err
	}
	if s.Legacy() && in.given {
		return report.Items{report.Errorf("This command does not support '--booth-conf', '--booth-key'")}
	}
	var items []report.Item
	used := func(how, how09 string) {
		if s.Legacy() {
			how = how09
		}
		items = append(items, report.Errorf("booth instance '%s' is used %s", in.name, how))
	}
	inCluster := s.World.Services.IsActive(s.Ctx, "pacemaker") || s.World.Services.IsActive(s.Ctx, "pacemaker_remote")
	if _, err := os.Stat(s.CIBFile()); err == nil {
		inCluster = true
	}
	if s.Legacy() {
		inCluster = inCluster || s.HasConf() || !s.Live()
	}
	if inCluster {
		root, err := s.CIB()
		if err != nil {
			return err
		}
		if found := services(root, in.hostConf()); len(found) > 0 {
			used("in cluster resource '"+doc.ID(found[0])+"'", "in cluster resource")
		}
	}
	unit := "booth@" + in.name
	if s.World.Services.IsActive(s.Ctx, unit) {
		used("- it is running by systemd", "(running in systemd)")
	}
	if s.World.Services.IsEnabled(s.Ctx, unit) {
		used("- it is enabled in systemd", "(enabled in systemd)")
	}
	if err := s.Check(items...); err != nil {
		return err
	}
	return in.destroyFiles()
}

func (in *instance) destroyFiles() error {
	s := in.s
	text, err := os.ReadFile(in.conf)
	var c *boothconf.Conf
	problem := report.Item{}
	if err != nil {
		problem = in.fileError("read", "Booth configuration", in.conf, err)
	} else if c, err = in.parse(string(text)); err != nil {
		problem = in.badLines(err)
	}
	if err != nil {
		if s.Legacy() {
			problem = report.Errorf("cannot identify authfile in booth configuration")
		}
		if err := s.Check(problem.As(s.Opts.Force())); err != nil {
			return err
		}
		c = &boothconf.Conf{}
	}
	if path, ok := c.Option("authfile"); ok && path != "" {
		if filepath.Dir(path) == filepath.Clean(s.Paths.BoothDir) {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				if err := s.Check(in.fileError("remove", "Booth key", path, err).As(s.Opts.Force())); err != nil {
					return err
				}
			}
		} else if !s.Legacy() {
			s.Out.Tell(in.outside(path))
		}
	}
	if err := os.Remove(in.conf); err != nil {
		return s.Check(in.fileError("remove", "Booth configuration", in.conf, err))
	}
	return nil
}

// Status is `booth status`.
func Status(s *session.Session, args []string) error {
	in, err := begin(s, args, 0, 0, "--name")
	if err != nil {
		return err
	}
	in.warnAuthfile()
	ask := func(what, of string, fine ...int) (string, error) {
		r, err := s.Run("booth", what, "-c", in.name)
		reason := r.Complaint()
		if err != nil {
			reason = err.Error()
		}
		for _, code := range append(fine, 0) {
			if err == nil && r.Code == code {
				return r.Stdout, nil
			}
		}
		text := "unable to get status of booth " + of
		if reason != "" && (!s.Legacy() || what == "status") {
			text += ": " + reason
		}
		return "", report.Items{report.Errorf("%s", text)}
	}
	daemon, err := ask("status", "daemon", 7)
	if err != nil {
		return err
	}
	tickets, err := ask("list", "tickets")
	if err != nil {
		return err
	}
	peers, err := ask("peers", "peers")
	if err != nil {
		return err
	}
	for _, part := range []struct{ title, text string }{{"TICKETS:", tickets}, {"PEERS:", peers}, {"DAEMON STATUS:", daemon}} {
		if part.text != "" {
			s.Out.Print(part.title, part.text)
		}
	}
	return nil
}

// warnAuthfile tells of a key that is not used, or of the option to use it where this build has none.
func (in *instance) warnAuthfile() {
	set, unset := authfileSwitches(in.s)
	if !set && !unset {
		return
	}
	text, err := os.ReadFile(in.conf)
	if err != nil {
		return
	}
	c, err := in.parse(string(text))
	if err != nil {
		i := in.badLines(err)
		i.Severity = report.Warning
		in.s.Out.Tell(i)
		return
	}
	key, _ := c.Option("authfile")
	value, has := c.Option(boothconf.AuthfileSwitch)
	on := strings.EqualFold(value, "1") || strings.EqualFold(value, "yes") || strings.EqualFold(value, "on")
	switch {
	case set && key != "" && !on:
		in.s.Out.Warn("Booth authfile is not enabled. Run 'pcs booth enable-authfile --name " + in.name + "' to enable usage of authfile.")
	case unset && !set && has:
		in.s.Out.Warn("Unsupported option 'enable-authfile' is set in booth configuration. Run 'pcs booth clean-enable-authfile --name " + in.name + "' to remove the option.")
	}
}

// Enable is `booth enable`, Disable, Start and Stop likewise: the arbitrator as a service of this host.
var (
	Enable  = service("enable", "enabled")
	Disable = service("disable", "disabled")
	Start   = service("start", "started")
	Stop    = service("stop", "stopped")
)

func service(action, done string) session.Verb {
	return func(s *session.Session, args []string) error {
		if err := s.Only("--name"); err != nil {
			return err
		}
		if len(args) > 0 {
			return argv.Usage()
		}
		in, err := open(s)
		if err != nil {
			return err
		}
		unit := "booth@" + in.name
		v := s.World.Services
		switch action {
		case "enable":
			err = v.Enable(s.Ctx, unit)
		case "disable":
			err = v.Disable(s.Ctx, unit)
		case "start":
			err = v.Start(s.Ctx, unit)
		default:
			err = v.Stop(s.Ctx, unit)
		}
		if err != nil {
			return report.Items{report.Errorf("Unable to %s %s: %s", action, unit, session.ServiceReason(err))}
		}
		s.Out.Info(unit + " " + done)
		return nil
	}
}
