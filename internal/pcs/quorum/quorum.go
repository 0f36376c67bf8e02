package quorum

import (
	"strconv"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/property"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
	"hacluster/internal/pcs/stonith"
)

// Config is `quorum config`.
func Config(s *session.Session, args []string) error {
	if err := s.Only("--corosync_conf"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	s.Out.Print(Lines(s, root)...)
	return nil
}

// Update is `quorum update`.
func Update(s *session.Session, args []string) error {
	if err := s.Only("--skip-offline", "--force", "--corosync_conf", "--request-timeout"); err != nil {
		return err
	}
	p, err := s.KeyValues(args)
	if err != nil {
		return err
	}
	if len(p) == 0 {
		return argv.Usage()
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	device := corosyncconf.ReadDevice(root) != nil
	current := corosyncconf.QuorumOptions(root)
	var items []report.Item
	if s.Legacy() {
		items = rules(s).Quorum09(p, device)
	} else {
		items = rules(s).Quorum(p, device, true, current)
	}
	if err := s.Check(items...); err != nil {
		return err
	}
	corosyncconf.SetQuorum(root, p)
	if s.ConfLive() && current.Value("auto_tie_breaker") == "1" && corosyncconf.QuorumOptions(root).Value("auto_tie_breaker") != "1" && s.NeedsTieBreaker(root, 0) {
		if err := s.Check(report.Errorf("Unable to disable auto_tie_breaker, SBD fencing would have no effect").As(s.Opts.Force())); err != nil {
			return err
		}
	}
	return s.PushConf(root, session.ConfPush{Stopped: true})
}

// Status is `quorum status`.
func Status(s *session.Session, args []string) error {
	if err := s.Only(); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	r, err := s.Run("corosync-quorumtool", "-p")
	if err != nil {
		return report.Items{report.Errorf("Unable to get quorum status: %s", err)}
	}
	// 2 tells that there is no quorum, and is no reason to keep the status back, as pcs did before 0.12.3.
	if r.Code > 2 || strings.TrimSpace(r.Stderr) != "" {
		return report.Items{report.Errorf("Unable to get quorum status: %s", r.Stderr)}
	}
	s.Out.Print(r.Stdout)
	return nil
}

// DeviceStatus is `quorum device status`.
func DeviceStatus(s *session.Session, args []string) error {
	if err := s.Only("--full"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	words := []string{"-s"}
	if s.Opts.Full() {
		words = append(words, "-v")
	}
	r, err := s.Run("corosync-qdevice-tool", words...)
	if err != nil {
		return report.Items{report.Errorf("Unable to get quorum status: %s", err)}
	}
	if r.Code != 0 {
		return report.Items{report.Errorf("Unable to get quorum status: %s", r.Complaint())}
	}
	s.Out.Print(r.Stdout)
	return nil
}

// ExpectedVotes is `quorum expected-votes`.
func ExpectedVotes(s *session.Session, args []string) error {
	if err := s.Only(); err != nil {
		return err
	}
	if len(args) != 1 {
		return argv.Usage()
	}
	n, ok := argv.PythonInt(args[0])
	if !ok || n < 1 {
		words := "a positive integer"
		if s.Legacy() {
			words = "positive integer"
		}
		return report.Items{s.Style.InvalidOptionValueText("expected votes", args[0], words)}
	}
	r, err := s.Run("corosync-quorumtool", "-e", strconv.FormatInt(n, 10))
	if err != nil {
		return report.Items{report.Errorf("Unable to set expected votes: %s", err)}
	}
	if r.Code != 0 {
		return report.Items{report.Errorf("Unable to set expected votes: %s", r.Stderr)}
	}
	return nil
}

// Unblock is `quorum unblock`: the cluster stops waiting for nodes that have not come, which are taken to be off.
func Unblock(s *session.Session, args []string) error {
	if err := s.Only(s.Answers()...); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	r, err := s.Run("corosync-cmapctl", "-g", "runtime.votequorum.wait_for_all_status")
	if err != nil {
		return report.Fatal("unable to check quorum status")
	}
	out := r.Output()
	waiting := strings.TrimSpace(out[strings.LastIndex(out, "=")+1:]) == "1"
	switch {
	case s.Legacy() && r.Code != 0:
		return report.Fatal("unable to check quorum status")
	case r.Code == 1 && strings.Contains(out, "Error CS_ERR_NOT_EXIST"), r.Code == 0 && !waiting:
		return report.Fatal("cluster is not waiting for nodes to establish quorum")
	case r.Code != 0:
		return report.Fatal("unable to check quorum status")
	}
	var absent []string
	active := map[string]bool{}
	for _, n := range s.ActiveNodes() {
		active[n] = true
	}
	for _, n := range s.ConfNodes() {
		if !active[n] {
			absent = append(absent, n)
		}
	}
	if len(absent) == 0 {
		return report.Fatal("no unjoined nodes found")
	}
	if ok, err := confirm(s, absent); err != nil || !ok {
		return err
	}
	for _, n := range absent {
		if err := stonith.ConfirmOff(s, n); err != nil {
			return err
		}
	}
	if r, err := s.Run("corosync-cmapctl", "-s", "quorum.cancel_wait_for_all", "u8", "1"); err != nil || r.Code != 0 {
		return report.Fatal("unable to cancel waiting for nodes")
	}
	s.Out.Info("Quorum unblocked")
	if err := property.Toggle(s, "startup-fencing"); err != nil {
		return err
	}
	s.Out.Info("Waiting for nodes canceled")
	return nil
}

func confirm(s *session.Session, absent []string) (bool, error) {
	if !s.Legacy() {
		return s.Confirm("If node(s) " + report.QuoteSorted(absent) + " are not powered off or they do have access to shared resources, data corruption and/or cluster failure may occur")
	}
	if s.Opts.Force() {
		return true, nil
	}
	answer, err := s.Ask("WARNING: If node(s) " + strings.Join(absent, ", ") + " are not powered off or they do have access to shared resources, data corruption and/or cluster failure may occur. Are you sure you want to continue? [y/N] ")
	if err != nil {
		return false, err
	}
	if a := strings.ToLower(answer); a == "y" || a == "yes" {
		return true, nil
	}
	s.Out.Print("Canceled")
	return false, nil
}
