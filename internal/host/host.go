// Package host is this machine as the programs find it: its agents, with those
// that are built in where no package brings them.
package host

import (
	"os"
	"os/exec"
	"path/filepath"

	"hacluster/ocf"
	"hacluster/ocf/builtin"
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
	}
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		if path, err := exec.LookPath("systemctl"); err == nil {
			h.Systemctl = []string{path}
		}
	}
	return h, nil
}
