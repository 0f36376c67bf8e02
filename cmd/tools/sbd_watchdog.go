package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"hacluster/internal/program"
	"hacluster/internal/sbd"
)

// watchdogTool is one run of sbd's commands about watchdogs.
type watchdogTool struct {
	env       *program.Env
	path      string
	named     bool // somebody named the watchdog
	asked     int  // how often -W was given
	noTimeout bool
	held      *sbd.Watchdog // open until the end: some are disarmed when they are closed

	find func() ([]sbd.WatchdogDevice, error)
	arm  func(path string, timeout time.Duration) error
	wait func(ctx context.Context, t time.Duration) error
}

func newWatchdogTool(env *program.Env) *watchdogTool {
	w := &watchdogTool{env: env, path: "/dev/watchdog", find: sbd.Machine{}.Watchdogs, wait: sbd.Wait}
	if p := env.Getenv("SBD_WATCHDOG_DEV"); p != "" {
		w.path, w.named = p, true
	}
	w.arm = func(path string, timeout time.Duration) error {
		info, err := os.Stat(path)
		if err == nil && info.Mode()&os.ModeCharDevice == 0 {
			err = fmt.Errorf("%s is no watchdog", path)
		}
		if err == nil {
			w.held, err = sbd.OpenWatchdog(path, timeout)
		}
		return err
	}
	return w
}

func (w *watchdogTool) say(format string, args ...any) { fmt.Fprintf(w.env.Stdout, format, args...) }

// query lists the host's watchdogs.
func (w *watchdogTool) query() bool {
	list, err := w.find()
	if err != nil {
		fmt.Fprintln(w.env.Stderr, err)
		return false
	}
	w.list(list)
	return true
}

func (w *watchdogTool) list(list []sbd.WatchdogDevice) {
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	w.say("\nDiscovered %d watchdog devices:\n", len(list))
	for i, d := range list {
		identity := or(d.Identity, "Error: device hogged via alias major/minor?")
		if d.PID != 0 {
			identity = fmt.Sprintf("Busy: PID %d (%s)", d.PID, or(d.Process, "<unknown>"))
		}
		w.say("\n[%d] %s\nIdentity: %s\nDriver: %s\n", i+1, d.Path, identity, or(d.Driver, "<unknown>"))
		if !d.Reliable() {
			w.say("CAUTION: Not recommended for use with sbd.\n")
		}
	}
}

// test arms a watchdog and does not feed it: where all is well, it does not return. seconds is the watchdog's time.
func (w *watchdogTool) test(ctx context.Context, seconds uint32) bool {
	if w.noTimeout || w.path == "/dev/null" || w.asked > 0 && w.asked%2 == 0 {
		w.say("\nWatchdog is disabled - aborting test!!!\n")
		return true
	}
	if !w.named {
		if list, err := w.find(); err == nil && len(list) > 1 {
			w.say("\nError: Multiple watchdog devices discovered.\n       Use -w <watchdog> or SBD_WATCHDOG_DEV to specify\n       which device to reset the system with\n")
			w.list(list)
			return false
		}
	}
	if f, ok := w.env.Stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		w.say("\nWARNING: This operation is expected to force-reboot this system\n         without following any shutdown procedures.\n\nProceed? [NO/Proceed] ")
		if !w.proceeds(f) {
			w.say("\nAborting watchdog test!!!\n")
			return true
		}
		w.say("\n")
	}
	w.say("Initializing %s with a reset countdown of %d seconds ...\n", w.path, seconds)
	if err := w.arm(w.path, time.Duration(seconds)*time.Second); err != nil {
		w.say("Failed to initialize watchdog!!!\n")
		if list, err := w.find(); err == nil {
			w.list(list)
		}
		return false
	}
	w.say("\nNOTICE: The watchdog device is expected to reset the system\n        in %d seconds.  If system remains active beyond that time,\n        watchdog may not be functional.\n\n", seconds)
	count := func(n int, line func(left int) string) bool {
		for ; n > 0; n-- {
			w.say("%s\n", line(n))
			if w.wait(ctx, time.Second) != nil {
				return false
			}
		}
		return true
	}
	if count(int(seconds)-1, func(left int) string { return fmt.Sprintf("Reset countdown ... %d seconds", left+1) }) &&
		count(2, func(int) string { return "System expected to reset any moment ..." }) &&
		count(5, func(int) string { return "System should have reset ..." }) {
		w.say("Error: The watchdog device has failed to reboot the system,\n       and it may not be suitable for usage with sbd.\n")
	}
	return false
}

// proceeds reads the answer, which must be the whole word.
func (w *watchdogTool) proceeds(f *os.File) bool {
	var line strings.Builder
	for b := make([]byte, 1); line.Len() < 16; line.WriteByte(b[0]) {
		if n, err := f.Read(b); n == 0 || err != nil || b[0] == '\n' {
			return err == nil && line.String() == "Proceed"
		}
	}
	return false
}
