package status

import (
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

func clusterNew(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f", "--request-timeout"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	r, err := s.Run("crm_mon", "-1", "-r")
	if err != nil || r.Code != 0 {
		return report.Fatal(notRunning)
	}
	s.Out.Print("Cluster Status:")
	blank := false
	for line := range strings.Lines(r.Output()) {
		line = strings.TrimRight(line, "\n")
		if line == "" {
			if blank {
				break
			}
			blank = true
			continue
		}
		s.Out.Print(" " + line)
	}
	if s.Live() && s.HasConf() {
		s.Out.Print("", "PCSD Status:")
		Pcsd(s, s.ConfNodes())
	}
	return nil
}
