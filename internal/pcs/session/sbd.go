package session

import (
	"os"
	"strings"

	"hacluster/internal/pcs/corosyncconf"
)

// SBDFiles are where hosts keep the settings of SBD.
var SBDFiles = []string{"/etc/sysconfig/sbd", "/etc/default/sbd"}

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
	for _, f := range SBDFiles {
		data, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if v, ok := strings.CutPrefix(strings.TrimSpace(line), "SBD_DEVICE="); ok && strings.Trim(v, `"'`) != "" {
				return false
			}
		}
	}
	return true
}
