package node

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"hacluster/ocf"
)

func TestComplaint(t *testing.T) {
	for _, c := range []struct{ stderr, want string }{
		{"", ""},
		{"sorry\n", "sorry"},
		{"one\ntwo\n\n", "one\ntwo"},
		{
			"/usr/sbin/fence_ipmilan:5: DeprecationWarning: 'pipes' is deprecated\n  from pipes import quote\n2026-11-30 09:06:40,499 ERROR: Failed: Unable to obtain correct plug status or plug is not available\n\n\n",
			"Failed: Unable to obtain correct plug status or plug is not available",
		},
		{
			"2026-11-30 09:06:40,499 WARNING: Parse error: Ignoring unknown option 'x=1'\n2026-11-30 09:06:40,500 ERROR: sending message to sbd device(s)                 failed with return code 1\n2026-11-30 09:06:40,501 ERROR: DETAIL: output on stderr was \"no\n\"\n",
			`sending message to sbd device(s) failed with return code 1; DETAIL: output on stderr was "no`,
		},
		{"2026-11-30 09:06:40,499 INFO: Executing: x\nbroken\n", "2026-11-30 09:06:40,499 INFO: Executing: x\nbroken"},
	} {
		if got := complaint(c.stderr); got != c.want {
			t.Errorf("%q: %q, want %q", c.stderr, got, c.want)
		}
	}
}

// Who asks for an agent's meta-data while that is on its way gets the same: the agent is not run once more.
func TestDescribeOnce(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\necho x >> " + dir + "/runs\nread go < " + dir + "/gate\necho '<resource-agent name=\"fence_x\"><parameters><parameter name=\"plug\"/></parameters><actions><action name=\"on\"/></actions></resource-agent>'\n"
	if err := os.WriteFile(filepath.Join(dir, "fence_x"), []byte(script), 0o755); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "gate"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := newAgents(&ocf.Host{FenceDir: dir})
	told := make(chan description)
	for range 3 {
		go func() { told <- a.describe(ocf.Agent{Class: ocf.Stonith, Type: "fence_x"}) }()
	}
	if err := os.WriteFile(filepath.Join(dir, "gate"), []byte("go\n"), 0); err != nil { // it returns once the agent reads
		t.Fatal(err)
	}
	for range 3 {
		if d := <-told; !d.fence.On || d.fence.Plug != "plug" {
			t.Errorf("%+v", d.fence)
		}
	}
	if runs, err := os.ReadFile(filepath.Join(dir, "runs")); err != nil || string(runs) != "x\n" {
		t.Errorf("%q, %v", runs, err)
	}
}
