package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"hacluster/internal/program"
)

// TestStrike: the watch of a node that has to end stands still. It is not killed: whoever starts services would start it again, and it
// would feed the watchdog.
func TestStrike(t *testing.T) {
	watch := exec.Command("sleep", "1000")
	watch.Args[0] = "sbd"
	if err := watch.Start(); err != nil {
		t.Skip(err)
	}
	pid := watch.Process.Pid
	t.Cleanup(func() { _ = watch.Process.Kill(); _ = watch.Wait() })
	file := filepath.Join(t.TempDir(), "pid")
	if err := os.WriteFile(file, []byte(strconv.Itoa(pid)), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{"SBD_PIDFILE": file}
	w := sbdWatchdog(&program.Env{Getenv: func(n string) string { return settings[n] }})
	// A process that has just begun has no command line for a moment.
	for end := time.Now().Add(10 * time.Second); !w.Running(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the watch runs and is not seen")
		}
	}
	w.Strike()
	var s syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &s, syscall.WUNTRACED, nil); err != nil || !s.Stopped() {
		t.Errorf("the watch does not stand still: %v, %v", s, err)
	}
	settings["SBD_WATCHDOG_DEV"] = "/dev/null"
	if w.Running() {
		t.Error("a watch without a watchdog counts")
	}
}
