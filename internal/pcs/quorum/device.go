package quorum

import (
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/corosynccheck"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

func rules(s *session.Session) corosynccheck.Rules {
	return corosynccheck.Rules{Style: s.Style, Force: s.Opts.Force()}
}

// parseDevice reads [OPTIONS] [model …] [heuristics …].
func parseDevice(args []string) (*argv.Groups, error) {
	g, err := argv.GroupByKeywords(args, []string{"model", "heuristics"}, "generic")
	if err != nil {
		return nil, err
	}
	if err := g.RepeatOnly(); err != nil {
		return nil, err
	}
	for _, k := range []string{"model", "heuristics"} {
		if g.Empty(k) {
			return nil, argv.Usagef("No %s options specified", k)
		}
	}
	return g, nil
}

// readDevice reads the options of a device; model are those behind the word model.
func readDevice(s *session.Session, g *argv.Groups, model []string) (d corosyncconf.QuorumDevice, err error) {
	if d.Generic, err = s.KeyValues(g.Flat("generic")); err != nil {
		return d, err
	}
	if d.Options, err = s.KeyValues(model); err != nil {
		return d, err
	}
	if d.Heuristics, err = s.KeyValues(g.Flat("heuristics")); err != nil {
		return d, err
	}
	if d.Generic.Has("model") {
		return d, argv.Usagef("Model cannot be specified in generic options")
	}
	return d, nil
}

func nodeIDs(root *corosyncconf.Section) []string {
	var out []string
	for _, n := range corosyncconf.Nodes(root) {
		if n.ID != "" {
			out = append(out, n.ID)
		}
	}
	return out
}

func checkDevice(s *session.Session, root *corosyncconf.Section, d corosyncconf.QuorumDevice, update bool) error {
	if s.Legacy() {
		return s.Check(rules(s).Device09(d, nodeIDs(root), update)...)
	}
	return s.Check(rules(s).Device(d, nodeIDs(root), update)...)
}

func warnIdle(s *session.Session, root *corosyncconf.Section) {
	if corosyncconf.ReadDevice(root).Idle() {
		s.Out.Warn("No exec_NAME options are specified, so heuristics are effectively disabled")
	}
}

var noDevice = report.Items{report.Errorf("no quorum device is defined in this cluster")}

// DeviceAdd is `quorum device add`.
func DeviceAdd(s *session.Session, args []string) error {
	if err := s.Only("--force", "--skip-offline", "--request-timeout", "--corosync_conf"); err != nil {
		return err
	}
	g, err := parseDevice(args)
	if err != nil {
		return err
	}
	words := g.Flat("model")
	if len(words) == 0 || strings.Contains(words[0], "=") {
		return argv.Usage()
	}
	d, err := readDevice(s, g, words[1:])
	if err != nil {
		return err
	}
	d.Model = words[0]
	root, err := s.Conf()
	if err != nil {
		return err
	}
	if corosyncconf.ReadDevice(root) != nil {
		return report.Items{report.Errorf("quorum device is already defined")}
	}
	if err := checkDevice(s, root, d, false); err != nil {
		return err
	}
	stop := corosyncconf.AddDevice(root, d)
	warnIdle(s, root)
	if !s.ConfLive() {
		return s.PushConf(root, session.ConfPush{})
	}
	return addLive(s, root, d, stop)
}

// DeviceUpdate is `quorum device update`.
func DeviceUpdate(s *session.Session, args []string) error {
	if err := s.Only("--force", "--skip-offline", "--request-timeout", "--corosync_conf"); err != nil {
		return err
	}
	g, err := parseDevice(args)
	if err != nil {
		return err
	}
	if g.IsEmpty() {
		return argv.Usage()
	}
	d, err := readDevice(s, g, g.Flat("model"))
	if err != nil {
		return err
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	have := corosyncconf.ReadDevice(root)
	if have == nil {
		return noDevice
	}
	d.Model = have.Model
	if err := checkDevice(s, root, d, true); err != nil {
		return err
	}
	corosyncconf.UpdateDevice(root, d)
	warnIdle(s, root)
	return s.PushConf(root, session.ConfPush{Device: true})
}

// HeuristicsRemove is `quorum device heuristics remove`.
func HeuristicsRemove(s *session.Session, args []string) error {
	if err := s.Only("--skip-offline", "--corosync_conf", "--request-timeout"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	if corosyncconf.ReadDevice(root) == nil {
		return noDevice
	}
	corosyncconf.RemoveHeuristics(root)
	return s.PushConf(root, session.ConfPush{Device: true})
}

// DeviceRemove is `quorum device remove`.
func DeviceRemove(s *session.Session, args []string) error {
	if err := s.Only("--skip-offline", "--request-timeout", "--corosync_conf"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	have := corosyncconf.ReadDevice(root)
	if have == nil {
		return noDevice
	}
	corosyncconf.RemoveDevice(root)
	if !s.ConfLive() {
		return s.PushConf(root, session.ConfPush{})
	}
	return removeLive(s, root, have.Model)
}
