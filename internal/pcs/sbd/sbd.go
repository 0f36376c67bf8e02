// Package sbd is `pcs stonith sbd`: fencing by a watchdog and shared block devices, on this host and on
// all nodes of the cluster.
package sbd

import (
	"errors"
	"os"
	"slices"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/fleet"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/show"
	"hacluster/internal/pcsd/client"
)

// unit is the service.
const unit = "sbd"

// nodes are the cluster's nodes; a cluster without is refused.
func nodes(s *session.Session) ([]string, error) {
	names, items, err := s.NodeNames()
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		items = append(items, report.Errorf("No nodes found in corosync.conf"))
	}
	return names, s.Check(items...)
}

func yesNo(b *bool) string {
	switch {
	case b == nil:
		return "N/A"
	case *b:
		return "YES"
	}
	return " NO"
}

// Status is `stonith sbd status`.
func Status(s *session.Session, args []string) error {
	if err := s.Only("--request-timeout", "--full"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	names, err := nodes(s)
	if err != nil {
		return err
	}
	targets, items := s.Targets(names, true, true)
	if err := s.Check(items...); err != nil {
		return err
	}
	var lines []string
	for _, x := range fleet.SBDStatus(s, targets) {
		lines = append(lines, x.Node+": "+yesNo(x.Installed)+" | "+yesNo(x.Enabled)+" | "+yesNo(x.Running))
	}
	if len(lines) == 0 {
		return report.Fatal("Unable to get SBD status from any node.")
	}
	s.Out.Print("SBD STATUS", "<node name>: <installed> | <enabled> | <running>")
	s.Out.Print(lines...)
	return showDevices(s)
}

// showDevices shows what lies in this host's devices.
func showDevices(s *session.Session) error {
	if !s.World.Services.IsEnabled(s.Ctx, unit) {
		return nil
	}
	text, err := localConfig(s)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unreadable(err)
	}
	for _, d := range session.SBDDevices(session.SBDSettings(text)) {
		shown := func(title, word, fault string) {
			text := "<unknown>"
			r, err := s.World.Programs.Run(s.Ctx, nil, "", "sbd", "-d", d, word)
			switch {
			case err != nil:
				s.Out.Warn("Unable to get " + fault + " from device '" + d + "': " + err.Error())
			case r.Code != 0:
				s.Out.Warn("Unable to get " + fault + " from device '" + d + "': " + r.Stdout)
			default:
				text = r.Stdout
			}
			s.Out.Print("", title+" on device '"+d+"':", text)
		}
		shown("Messages list", "list", "list of messages")
		if s.Opts.Full() {
			shown("SBD header", "dump", "SBD headers")
		}
	}
	return nil
}

func unreadable(err error) error {
	return report.Items{report.Errorf("Unable to get SBD configuration from node 'local node': %s", session.Reason(err))}
}

// localConfig is this host's configuration.
func localConfig(s *session.Session) (string, error) {
	data, err := os.ReadFile(s.Paths.SBDFile())
	return string(data), err
}

// LocalConfig is `stonith sbd local_config_in_json`, for pcsd.
func LocalConfig(s *session.Session, args []string) error {
	if err := s.Only(); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	text, err := localConfig(s)
	if err != nil {
		return unreadable(err)
	}
	o := show.Object{}
	for _, x := range session.SBDSettings(text) {
		o = append(o, show.Field{Name: x.Name, Value: x.Value})
	}
	s.Out.Print(show.JSON(o, 0))
	return nil
}

// Config is `stonith sbd config`: the settings, which are the same on all nodes, and those that differ.
func Config(s *session.Session, args []string) error {
	if err := s.Only("--request-timeout"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	names, err := nodes(s)
	if err != nil {
		return err
	}
	type answer struct {
		node string
		list argv.Pairs
		ok   bool
	}
	targets, items := s.Targets(names, true, true)
	if err := s.Check(items...); err != nil {
		return err
	}
	var all, unknown []answer
	for _, r := range s.All(targets, "remote/get_sbd_config", nil) {
		item, failed := s.ResponseItem(r)
		if !failed {
			all = append(all, answer{node: r.Node, list: session.SBDSettings(r.Body), ok: true})
			continue
		}
		if r.Kind == client.NotConnected || r.Kind == client.TimedOut {
			item.Severity = report.Warning
			s.Out.Tell(item)
		}
		s.Out.Tell(report.Warnf("Unable to get SBD configuration from node '%s'", r.Node))
		unknown = append(unknown, answer{node: r.Node})
	}
	all = append(all, unknown...)
	first := slices.IndexFunc(all, func(a answer) bool { return a.ok })
	if first < 0 {
		return report.Fatal("No config obtained.")
	}
	perNode := func(title, name string) {
		s.Out.Print("", title)
		for _, a := range all {
			v, ok := a.list.Get(name)
			if !ok {
				v = "<unknown>"
			}
			s.Out.Print("  " + a.node + ": " + v)
		}
	}
	for _, x := range all[first].list {
		if !slices.Contains(own, x.Name) {
			s.Out.Print(x.Name + "=" + x.Value)
		}
	}
	perNode("Watchdogs:", "SBD_WATCHDOG_DEV")
	if _, ok := all[first].list.Get("SBD_DEVICE"); ok {
		perNode("Devices:", "SBD_DEVICE")
	}
	return nil
}
