package cluster

import (
	"os"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/fleet"
	"hacluster/internal/pcs/report"
	"hacluster/internal/pcs/session"
)

// corosyncKeyBytes is the length of corosync's key.
const corosyncKeyBytes = 256

// AuthkeyCorosync is `cluster authkey corosync`: all nodes get a new key.
func AuthkeyCorosync(s *session.Session, args []string) error {
	if err := s.Opts.Only("--force", "--skip-offline", "--request-timeout"); err != nil {
		return err
	}
	if len(args) > 1 {
		return argv.Usage()
	}
	var key []byte
	if len(args) == 1 {
		var err error
		if key, err = os.ReadFile(args[0]); err != nil {
			return report.Fatalf("Unable to read file '%s': %s: '%s'", args[0], session.Reason(err), args[0])
		}
	}
	root, err := s.Conf()
	if err != nil {
		return err
	}
	names, _ := confNames(root)
	targets, items := s.Targets(names, false, false)
	items = append(named(root), items...)
	if len(args) == 0 {
		if key, err = newKey(); err != nil {
			return err
		}
	} else if len(key) != corosyncKeyBytes {
		items = append(items, report.Errorf("%d bytes key must be provided for a corosync authkey, %d %s key provided",
			corosyncKeyBytes, len(key), report.Plural(len(key), "byte", "bytes")).As(s.Opts.Force()))
	}
	if err := s.Check(items...); err != nil {
		return err
	}
	online := fleet.Online(s, targets)
	if err := s.Out.Check(); err != nil {
		return err
	}
	if len(online) == 0 {
		return s.Check(report.Errorf("Unable to perform operation on any available node/host, therefore it is not possible to continue"))
	}
	if err := fleet.PutFiles(s, online, map[string]fleet.File{"corosync authkey": fleet.Binary("corosync_authkey", key)}, fleet.Way{}); err != nil {
		return err
	}
	return s.ReloadConf(online)
}
