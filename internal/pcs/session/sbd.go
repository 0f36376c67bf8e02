package session

import (
	"os"
	"path/filepath"
	"strings"

	"hacluster/internal/pcs/corosyncconf"
)

// SBDFile is the file with the settings of SBD; it may come to be while a daemon runs.
func (p Paths) SBDFile() string {
	if p.SBDConfig != "" {
		return p.SBDConfig
	}
	return sbdConfig("/etc")
}

// sbdConfig is where a host keeps the settings of SBD: the file that is there, else the one
// whose folder is. etc is /etc.
func sbdConfig(etc string) string {
	files := []string{filepath.Join(etc, "sysconfig/sbd"), filepath.Join(etc, "default/sbd")}
	for _, of := range []func(string) string{filepath.Clean, filepath.Dir} {
		for _, f := range files {
			if _, err := os.Stat(of(f)); err == nil {
				return f
			}
		}
	}
	return files[0]
}

// NeedsTieBreaker tells whether SBD without a shared device, which is enabled here, needs quorum's
// auto_tie_breaker: with an even number of nodes, change more than in the file, and no quorum device.
func (s *Session) NeedsTieBreaker(root *corosyncconf.Section, change int) bool {
	if corosyncconf.ReadDevice(root) != nil || (len(corosyncconf.Nodes(root))+change)%2 != 0 {
		return false
	}
	unit := s.World.Services
	if !unit.IsInstalled(s.Ctx, "sbd") || !unit.IsEnabled(s.Ctx, "sbd") {
		return false
	}
	data, err := os.ReadFile(s.Paths.SBDFile())
	if err != nil {
		return true // without settings there is no device
	}
	for line := range strings.Lines(string(data)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "SBD_DEVICE="); ok && strings.Trim(v, `"'`) != "" {
			return false
		}
	}
	return true
}
