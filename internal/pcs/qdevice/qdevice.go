// Package qdevice is `pcs qdevice`: the daemon that gives clusters a vote, on a host of its own.
package qdevice

import (
	"os"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/netdevice"
	"hacluster/internal/pcs/pattern"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// unit is the service of the daemon.
const unit = "corosync-qnetd"

// model reads the only word of a verb: the device's model.
func model(s *session.Session, args []string) error {
	if len(args) != 1 {
		return argv.Usage()
	}
	return known(s, args[0])
}

func known(s *session.Session, model string) error {
	if model != "net" {
		return report.Items{s.Style.InvalidOptionValue("model", model, []string{"net"})}
	}
	return nil
}

// Setup is `qdevice setup`.
func Setup(s *session.Session, args []string) error {
	if err := s.Only("--enable", "--start"); err != nil {
		return err
	}
	if len(args) != 2 || args[0] != "model" {
		return argv.Usage()
	}
	if err := known(s, args[1]); err != nil {
		return err
	}
	if netdevice.Local(s).ServerReady() {
		return report.Items{report.Errorf("Quorum device 'net' has been already initialized")}
	}
	r, err := s.Run("corosync-qnetd-certutil", "-i")
	switch {
	case err != nil:
		return report.Items{report.Errorf("Unable to initialize quorum device 'net': %s", err)}
	case r.Code != 0:
		return report.Items{report.Errorf("Unable to initialize quorum device 'net': %s", r.Complaint())}
	}
	s.Out.Info("Quorum device 'net' initialized")
	if s.Opts.Has("--enable") {
		if err := service(s, "enable"); err != nil {
			return err
		}
	}
	if s.Opts.Has("--start") {
		return service(s, "start")
	}
	return nil
}

// Destroy is `qdevice destroy`.
func Destroy(s *session.Session, args []string) error {
	if err := s.Only("--force"); err != nil {
		return err
	}
	if err := model(s, args); err != nil {
		return err
	}
	if err := unused(s); err != nil {
		return err
	}
	for _, a := range []string{"stop", "disable"} {
		if err := service(s, a); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(netdevice.ServerDir); err != nil {
		return report.Items{report.Errorf("Unable to destroy quorum device 'net': %s", session.Reason(err))}
	}
	s.Out.Info("Quorum device 'net' configuration files removed")
	return nil
}

var clusterLine = pattern.Late(`(?m)^\s*Cluster\s+"([^"]*)":`)

// status asks the daemon; running is false where it does not run.
func status(s *session.Session, words ...string) (text string, running bool, err error) {
	r, err := s.Run("corosync-qnetd-tool", words...)
	switch {
	case err != nil:
		return "", false, report.Items{report.Errorf("Unable to get status of quorum device 'net': %s", err)}
	case r.Code == 3:
		return "", false, nil
	case r.Code != 0:
		return "", false, report.Items{report.Errorf("Unable to get status of quorum device 'net': %s", r.Complaint())}
	}
	return r.Stdout, true, nil
}

// unused refuses to go on while clusters use the daemon.
func unused(s *session.Session) error {
	text, _, err := status(s, "-l")
	if err != nil {
		return err
	}
	var clusters []string
	for _, m := range clusterLine().FindAllStringSubmatch(text, -1) {
		clusters = append(clusters, m[1])
	}
	if len(clusters) == 0 {
		return nil
	}
	return s.Check(report.Errorf("Quorum device is currently being used by cluster(s): %s", report.QuoteSorted(clusters)).As(s.Opts.Force()))
}

// Status is `qdevice status` and `status qdevice`.
func Status(s *session.Session, args []string) error {
	if err := s.Only("--full"); err != nil {
		return err
	}
	if len(args) < 1 || len(args) > 2 {
		return argv.Usage()
	}
	if err := known(s, args[0]); err != nil {
		return err
	}
	general, of := []string{"-s"}, []string{"-l"}
	if s.Opts.Full() {
		general, of = append(general, "-v"), append(of, "-v")
	}
	if len(args) == 2 {
		of = append(of, "-c", args[1])
	}
	var out strings.Builder
	for _, words := range [][]string{general, of} {
		text, running, err := status(s, words...)
		if err != nil {
			return err
		}
		if !running {
			return report.Items{report.Errorf("Quorum device 'net' is not running")}
		}
		out.WriteString(text)
	}
	s.Out.Print(out.String())
	return nil
}

// Start, Stop, Enable and Disable are what is done with the daemon's service: it needs its files to start, and clusters
// that use it keep it from being stopped.
var (
	Start   = switched("start", initialized)
	Stop    = switched("stop", unused, "--force")
	Enable  = switched("enable", nil)
	Disable = switched("disable", nil)
)

// switched is a verb that does something with the service, when check has nothing against it.
func switched(action string, check func(*session.Session) error, options ...string) session.Verb {
	return func(s *session.Session, args []string) error {
		if err := s.Only(options...); err != nil {
			return err
		}
		if err := model(s, args); err != nil {
			return err
		}
		if check != nil {
			if err := check(s); err != nil {
				return err
			}
		}
		return service(s, action)
	}
}

func initialized(s *session.Session) error {
	if !netdevice.Local(s).ServerReady() {
		return report.Items{report.Errorf("Quorum device 'net' has not been initialized yet")}
	}
	return nil
}

// Kill is `qdevice kill`.
func Kill(s *session.Session, args []string) error {
	if err := s.Only(); err != nil {
		return err
	}
	if err := model(s, args); err != nil {
		return err
	}
	if err := s.World.Services.Kill(s.Ctx, []string{unit}); err != nil {
		return report.Items{report.Errorf("Unable to kill %s: %s", unit, session.ServiceReason(err))}
	}
	s.Out.Info("quorum device killed")
	return nil
}

// service does something with the daemon's unit and tells of it.
func service(s *session.Session, action string) error {
	v := s.World.Services
	do, doing, done := v.Start, "Starting", "started"
	switch action {
	case "stop":
		do, doing, done = v.Stop, "Stopping", "stopped"
	case "enable":
		do, doing, done = v.Enable, "", "enabled"
	case "disable":
		do, doing, done = v.Disable, "", "disabled"
	}
	if doing != "" {
		s.Out.Info(doing + " quorum device...")
	}
	if err := do(s.Ctx, unit); err != nil {
		what := unit
		if s.Legacy() {
			what = "quorum device"
		}
		return report.Items{report.Errorf("Unable to %s %s: %s", action, what, session.ServiceReason(err))}
	}
	s.Out.Info("quorum device " + done)
	return nil
}
