package status

import (
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/session"
)

func clusterNew(s *session.Session, args []string) error {
	if err := s.Opts.Only("-f", "--request-timeout"); err != nil {
		return err
	}
	if len(args) > 0 {
		return argv.Usage()
	}
	return clusterPage(s)
}
