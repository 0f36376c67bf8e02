package quorum

import (
	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/netdevice"
	"hacluster/internal/pcs/session"
)

// serverAndCluster reads the words of the verbs for certificates of this host.
func serverAndCluster(s *session.Session, args []string) error {
	if err := s.Opts.Only(); err != nil {
		return err
	}
	if len(args) != 2 || args[0] == "" || args[1] == "" {
		return argv.Usagef("Expected arguments: <qnetd_host> <cluster_name>")
	}
	return nil
}

// CheckLocalCerts is `quorum device check_local_qnetd_certs`.
func CheckLocalCerts(s *session.Session, args []string) error {
	if err := serverAndCluster(s, args); err != nil {
		return err
	}
	found, err := netdevice.CheckLocal(s, args[0], args[1])
	if err != nil {
		return err
	}
	if found {
		s.Out.Print("certificate present")
	} else {
		s.Out.Print("certificate missing")
	}
	return nil
}

// SetUpLocalCerts is `quorum device setup_local_qnetd_certs`.
func SetUpLocalCerts(s *session.Session, args []string) error {
	if err := serverAndCluster(s, args); err != nil {
		return err
	}
	return netdevice.SetUpLocal(s, args[0], args[1])
}
