package stonith

import (
	"errors"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/live"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// Fence is `stonith fence`.
func Fence(s *session.Session, args []string) error {
	if err := s.Only("--off"); err != nil {
		return err
	}
	if len(args) != 1 {
		return report.Fatal("must specify one (and only one) node to fence")
	}
	action := "reboot"
	if s.Opts.Has("--off") {
		action = "off"
	}
	c, err := s.Cluster()
	if err == nil {
		err = c.Fence(s.Ctx, args[0], action)
	}
	if err != nil {
		return report.Fatalf("unable to fence '%s'\n%s", args[0], err)
	}
	s.Out.Info("Node: " + args[0] + " fenced")
	return nil
}

// Confirm is `stonith confirm`: the user vouches for a node being off.
func Confirm(s *session.Session, args []string) error {
	if err := s.Only(s.Answers()...); err != nil {
		return err
	}
	if len(args) != 1 {
		return report.Fatal("must specify one (and only one) node to confirm fenced")
	}
	node := args[0]
	if s.Minor() >= 11 {
		ok, err := s.Confirm("If node '" + node + "' is not powered off or it does have access to shared resources, data corruption and/or cluster failure may occur")
		if err != nil || !ok {
			return err
		}
	} else if !s.Opts.Has("--force") {
		answer, err := s.Ask("WARNING: If node " + node + " is not powered off or it does have access to shared resources, data corruption and/or cluster failure may occur. Are you sure you want to continue? [y/N] ")
		if err != nil {
			return err
		}
		if a := strings.ToLower(answer); a != "y" && a != "yes" {
			s.Out.Print("Canceled")
			return nil
		}
	}
	return ConfirmOff(s, node)
}

// ConfirmOff tells the cluster that a node is off, without asking.
func ConfirmOff(s *session.Session, node string) error {
	c, err := s.Cluster()
	if err == nil {
		err = c.Confirm(s.Ctx, node)
	}
	if err != nil {
		return report.Fatalf("unable to confirm fencing of node '%s'\n%s", node, err)
	}
	s.Out.Print("Node: " + node + " confirmed fenced")
	return nil
}

func oneNode(s *session.Session, args []string) (string, error) {
	if !s.Legacy() {
		if err := s.Opts.Only(); err != nil {
			return "", err
		}
	}
	switch len(args) {
	case 0:
		return "*", nil
	case 1:
		return args[0], nil
	}
	return "", argv.Usage()
}

func history(s *session.Session, args []string, what string, ask func(c live.Cluster, node string) ([]string, error)) (string, error) {
	node, err := oneNode(s, args)
	if err != nil {
		return "", err
	}
	c, err := s.Cluster()
	var lines []string
	if err == nil {
		lines, err = ask(c, node)
	}
	if errors.Is(err, live.ErrNotRunning) && !s.Legacy() {
		err = errors.New("Could not connect to fencer: Transport endpoint is not connected") //nolint:staticcheck // stonith_admin's words
	}
	if err != nil {
		return "", report.Items{report.Errorf("Unable to %s fence history: %s", what, err)}
	}
	return strings.TrimSpace(strings.Join(lines, "\n")), nil
}

// History is `stonith history` and `stonith history show`.
func History(s *session.Session, args []string) error {
	text, err := history(s, args, "show", func(c live.Cluster, n string) ([]string, error) { return c.FenceHistory(s.Ctx, n, s.Legacy()) })
	if err == nil {
		s.Out.Print(text)
	}
	return err
}

// HistoryCleanup is `stonith history cleanup`.
func HistoryCleanup(s *session.Session, args []string) error {
	text, err := history(s, args, "cleanup", func(c live.Cluster, n string) ([]string, error) { return c.FenceHistoryCleanup(s.Ctx, n) })
	if err == nil {
		s.Out.Info(text)
	}
	return err
}

// HistoryUpdate is `stonith history update`.
func HistoryUpdate(s *session.Session, args []string) error {
	if err := s.Only(); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	text, err := history(s, args, "update", func(c live.Cluster, _ string) ([]string, error) { return c.FenceHistoryUpdate(s.Ctx) })
	if err == nil {
		s.Out.Info(text)
	}
	return err
}
