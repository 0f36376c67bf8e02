package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"hacluster/internal/program"
	"hacluster/internal/supervise"
)

// TestWatchBegins is the process of a watch that has begun.
func TestWatchBegins(t *testing.T) {
	if err := supervise.Ready(os.Getenv); err != nil {
		t.Error(err)
	}
}

// TestSbdWatch: options become the service's settings; the program is done when the watch has begun, and fails where it ends before.
func TestSbdWatch(t *testing.T) {
	for _, c := range []struct {
		words, env, args, errs string
		code                   int
	}{
		{"-d /a -d /b -n n1 -p /pid -1 7 -r off -S 1 watch", "SBD_DEVICE=/a;/b SBD_OPTS=-n_n1 SBD_PIDFILE=/pid SBD_STARTMODE=clean SBD_TIMEOUT_ACTION=off SBD_WATCHDOG_TIMEOUT=7", "sbd", "", 0},
		{"-PP -WW -S 0 -s 5 -I 2 -R watch", "SBD_PACEMAKER=no SBD_STARTMODE=always SBD_WATCHDOG_DEV=/dev/null", "sbd --startup 5s --io 2s --no-realtime", "", 0},
		{"-P -W -w /dev/w -c -D -F 2 -t 3 -v watch", "PCMK_debug=sbd SBD_PACEMAKER=yes SBD_WATCHDOG_DEV=/dev/w", "sbd --check-cluster=true", "", 0},
		{"-Z -T -C 30 -zZ -5 0 watch", "", "sbd --crash-watchdog 30s --warn 0s --own-watchdog-timeout --cluster-first --trace 2", "", 0},
		{"-cc watch", "", "sbd --check-cluster=false", "", 0},
		{"-d /fails watch", "SBD_DEVICE=/fails", "sbd", "the watch ended before it began\nsbd failed; please check the logs.\n", 1},
		{"-d /a -d /b -d /c -d /d watch", "", "", "You can specify up to 3 devices via the -d option.\nsbd failed; please check the logs.\n", 1},
		{"-S x watch", "", "", "Invalid value", 1},
	} {
		var out, errs bytes.Buffer
		var args []string
		var cmd *exec.Cmd
		env := &program.Env{Args: append([]string{"sbd"}, strings.Fields(c.words)...), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }}
		old := besideClusterd
		besideClusterd = func(a ...string) (*exec.Cmd, error) {
			args = a
			cmd = exec.Command(os.Args[0], "-test.run=^TestWatchBegins$")
			if strings.Contains(c.words, "/fails") {
				cmd = exec.Command("false")
			}
			return cmd, nil
		}
		code := sbdMain(context.Background(), env)
		besideClusterd = old
		if code != c.code || !strings.HasPrefix(errs.String(), c.errs) || c.errs == "" && errs.Len() > 0 {
			t.Errorf("sbd %s: exit code %d, %q", c.words, code, errs.String())
		}
		var set []string
		if cmd != nil {
			for _, v := range cmd.Env {
				if strings.HasPrefix(v, "SBD_") && v != "SBD_OPTS=" || strings.HasPrefix(v, "PCMK_debug") {
					set = append(set, strings.ReplaceAll(v, " ", "_"))
				}
			}
		}
		slices.Sort(set)
		if got := strings.Join(set, " "); got != c.env || strings.Join(args, " ") != c.args {
			t.Errorf("sbd %s: %v with\n%s, want %s with\n%s", c.words, args, got, c.args, c.env)
		}
	}
}
