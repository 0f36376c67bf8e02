package session

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"hacluster/internal/pcs/argv"
	"hacluster/internal/pcs/corosyncconf"
	"hacluster/internal/pcs/live"
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
	return needsTieBreaker(root, change, s.SBD)
}

func needsTieBreaker(root *corosyncconf.Section, change int, read func() SBD) bool {
	if corosyncconf.ReadDevice(root) != nil || (len(corosyncconf.Nodes(root))+change)%2 != 0 {
		return false
	}
	sbd := read()
	return sbd.Enabled && len(sbd.Devices) == 0
}

// KeepFencing sets quorum's auto_tie_breaker where the host's SBD needs it for the nodes that are in the file now.
func KeepFencing(ctx context.Context, services live.Services, paths Paths, root *corosyncconf.Section) {
	needed := needsTieBreaker(root, 0, func() SBD { return readSBD(ctx, services, paths) })
	if needed && corosyncconf.QuorumOptions(root).Value("auto_tie_breaker") != "1" {
		corosyncconf.SetQuorum(root, argv.Pairs{{Name: "auto_tie_breaker", Value: "1"}})
	}
}

// SBD is how this host's SBD is set up.
type SBD struct {
	Enabled bool
	Devices []string
	// Watchdog is SBD_WATCHDOG_TIMEOUT in seconds.
	Watchdog int
}

// SBD reads how this host's SBD is set up, its settings only where it is enabled.
func (s *Session) SBD() SBD { return readSBD(s.Ctx, s.World.Services, s.Paths) }

func readSBD(ctx context.Context, services live.Services, paths Paths) SBD {
	const defaultWatchdog = 5
	out := SBD{Enabled: services.IsInstalled(ctx, "sbd") && services.IsEnabled(ctx, "sbd"), Watchdog: defaultWatchdog}
	if !out.Enabled {
		return out
	}
	data, err := os.ReadFile(paths.SBDFile())
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
