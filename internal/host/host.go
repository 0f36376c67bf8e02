// Package host is this machine as the programs find it: its agents, with those
// that are built in where no package brings them.
package host

import (
	"os"
	"path/filepath"

	"hacluster/internal/secret"
	"hacluster/ocf"
	"hacluster/ocf/builtin"
	"hacluster/ocf/systemd"
)

// Agents gives this machine's agents.
func Agents() (*ocf.Host, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	daemon := filepath.Join(filepath.Dir(self), "clusterd")
	h := &ocf.Host{
		BuiltIn: func(provider, typ string) []string {
			if !builtin.Has(provider, typ) {
				return nil
			}
			return []string{daemon, "agent", provider, typ}
		},
		BuiltInList: builtin.List,
		Secret:      secret.Store("").Value,
	}
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		h.Systemd = systemd.New()
	}
	return h, nil
}
