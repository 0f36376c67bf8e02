package qdevice

import (
	"encoding/base64"

	"hacluster/internal/pcs/netdevice"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// Verbs that pcsd of 0.9 and 0.10 called: certificates come on standard input and go to standard output.

// fromInput is a verb that does something with what stands on standard input.
func fromInput(do func(s *session.Session, data []byte) error) session.Verb {
	return func(s *session.Session, _ []string) error {
		data, err := s.ReadAll()
		if err != nil {
			return report.Fatalf("Unable to read standard input: %s", err)
		}
		if err := do(s, data); err != nil {
			return report.Items{report.Errorf("%s", err)}
		}
		return nil
	}
}

// SignRequest09 signs a request for a certificate of the cluster that --name names.
var SignRequest09 = fromInput(func(s *session.Session, data []byte) error {
	signed, err := netdevice.Local(s).Sign(s.Ctx, data, s.Opts.Value("--name"))
	if err == nil {
		s.Out.Print(base64.StdEncoding.EncodeToString(signed))
	}
	return err
})

// ClientSetup09 takes the certificate of a server's authority.
var ClientSetup09 = fromInput(func(s *session.Session, data []byte) error { return netdevice.Local(s).SetUp(s.Ctx, data) })

// ClientImport09 takes a certificate with its key.
var ClientImport09 = fromInput(func(s *session.Session, data []byte) error { return netdevice.Local(s).Import(s.Ctx, data) })

// ClientDestroy09 forgets the certificates of this host.
func ClientDestroy09(s *session.Session, _ []string) error {
	if err := netdevice.Local(s).Destroy(); err != nil {
		return report.Items{report.Errorf("%s", err)}
	}
	return nil
}
