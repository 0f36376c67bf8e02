package main

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"hacluster/internal/program"
)

func TestIsRemoted(t *testing.T) {
	for _, c := range []struct {
		argv []string
		want bool
	}{
		{[]string{"/usr/sbin/pacemaker-remoted"}, true},
		{[]string{"pacemaker_remoted", "-V"}, true},
		{[]string{"pacemaker-remoted", "agent", "pacemaker", "Dummy", "start"}, false}, // how it runs its own agents
		{[]string{"clusterd", "pacemaker-remote"}, false},
	} {
		if got := isRemoted(&program.Env{Args: c.argv}); got != c.want {
			t.Errorf("%q: %v", c.argv, got)
		}
	}
}

func TestContainerSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pcmk-init.env")
	if err := os.WriteFile(file, []byte("# of this host\nRACK=\"7 b\"\nPCMK_remote_port=1\nno line\nPCMK_debug=yes # all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pid   int
		asked string
		want  map[string]string
	}{
		{1, "", map[string]string{"PCMK_remote_port": "3121", "RACK": "7 b", "PCMK_debug": "yes", "PCMK_logfile": "/var/log/pcmk-init.log"}},
		{7, "full", map[string]string{"PCMK_remote_port": "3121", "RACK": "7 b", "PCMK_debug": "yes", "PCMK_logfile": "/var/log/pcmk-init.log"}},
		{7, "vars", map[string]string{"PCMK_remote_port": "3121", "RACK": "7 b", "PCMK_debug": "yes"}},
		{7, "other", map[string]string{"PCMK_remote_port": "3121"}},
	} {
		got := map[string]string{"PCMK_remote_port": "3121"}
		if d := dutyOf(c.pid, c.asked); d != noDuty {
			beginContainer(file, d, func(name, value string) {
				if _, there := got[name]; !there {
					got[name] = value
				}
			})
		}
		if !maps.Equal(got, c.want) {
			t.Errorf("process %d, %q: %v", c.pid, c.asked, got)
		}
	}
}
