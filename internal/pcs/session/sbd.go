package session

import (
	"os"
	"path/filepath"
	"strings"

	"hacluster/internal/pcs/argv"
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
	sbd := s.SBD()
	return sbd.Enabled && len(sbd.Devices) == 0
}

// SBD is how this host's SBD is set up.
type SBD struct {
	Enabled bool
	Devices []string
	// Watchdog is SBD_WATCHDOG_TIMEOUT in seconds.
	Watchdog int
}

// SBD reads how this host's SBD is set up, its settings only where it is enabled.
func (s *Session) SBD() SBD {
	const defaultWatchdog = 5
	out := SBD{Enabled: s.World.Services.IsInstalled(s.Ctx, "sbd") && s.World.Services.IsEnabled(s.Ctx, "sbd"), Watchdog: defaultWatchdog}
	if !out.Enabled {
		return out
	}
	data, err := os.ReadFile(s.Paths.SBDFile())
	if err != nil {
		return out // without settings the defaults hold
	}
	list := SBDSettings(string(data))
	out.Devices = SBDDevices(list)
	if v, _ := list.Get("SBD_WATCHDOG_TIMEOUT"); v != "" {
		if n, ok := argv.PythonInt(v); ok {
			out.Watchdog = int(n)
		}
	}
	return out
}

// SBDSettings reads a file of settings, NAME=VALUE a line; a backslash joins lines.
func SBDSettings(text string) argv.Pairs {
	var out argv.Pairs
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", "")) {
		line = strings.TrimSpace(line)
		name, value, ok := strings.Cut(line, "=")
		if ok && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, ";") {
			out = out.With(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	return out
}

// SBDDevices are the shared devices that settings name.
func SBDDevices(list argv.Pairs) []string {
	text, _ := list.Get("SBD_DEVICE")
	var out []string
	for d := range strings.SplitSeq(strings.Trim(text, `"'`), ";") {
		if d = strings.TrimSpace(d); d != "" {
			out = append(out, d)
		}
	}
	return out
}
