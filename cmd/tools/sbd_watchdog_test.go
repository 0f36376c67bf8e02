package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hacluster/internal/program"
	"hacluster/internal/sbd"
)

// TestSbdWatchdog goes through what sbd says about watchdogs; none of this machine is looked for or opened.
func TestSbdWatchdog(t *testing.T) {
	one := []sbd.WatchdogDevice{{Path: "/dev/watchdog0", Identity: "iTCO_wdt", Driver: "iTCO_wdt"}}
	two := append(one, sbd.WatchdogDevice{Path: "/dev/watchdog1", PID: 7, Process: "sbd", Driver: "softdog"}, sbd.WatchdogDevice{Path: "/dev/watchdog2"})
	const list = "\nDiscovered 1 watchdog devices:\n\n[1] /dev/watchdog0\nIdentity: iTCO_wdt\nDriver: iTCO_wdt\n"
	const longer = "\nDiscovered 3 watchdog devices:\n\n[1] /dev/watchdog0\nIdentity: iTCO_wdt\nDriver: iTCO_wdt\n" +
		"\n[2] /dev/watchdog1\nIdentity: Busy: PID 7 (sbd)\nDriver: softdog\nCAUTION: Not recommended for use with sbd.\n" +
		"\n[3] /dev/watchdog2\nIdentity: Error: device hogged via alias major/minor?\nDriver: <unknown>\n"
	const notice = "\nNOTICE: The watchdog device is expected to reset the system\n        in 3 seconds.  If system remains active beyond that time,\n        watchdog may not be functional.\n\n"
	for _, c := range []struct {
		name  string
		set   func(w *watchdogTool)
		query bool
		good  bool
		out   string
		waits int
	}{
		{name: "query", query: true, good: true, out: list},
		{name: "query of more", set: func(w *watchdogTool) { w.find = func() ([]sbd.WatchdogDevice, error) { return two, nil } }, query: true, good: true, out: longer},
		{name: "disabled", set: func(w *watchdogTool) { w.noTimeout = true }, good: true, out: "\nWatchdog is disabled - aborting test!!!\n"},
		{name: "-W -W", set: func(w *watchdogTool) { w.asked = 2 }, good: true, out: "\nWatchdog is disabled - aborting test!!!\n"},
		{name: "/dev/null", set: func(w *watchdogTool) { w.path = "/dev/null" }, good: true, out: "\nWatchdog is disabled - aborting test!!!\n"},
		{
			name: "which of them", set: func(w *watchdogTool) { w.find = func() ([]sbd.WatchdogDevice, error) { return two, nil } },
			out: "\nError: Multiple watchdog devices discovered.\n       Use -w <watchdog> or SBD_WATCHDOG_DEV to specify\n       which device to reset the system with\n" + longer,
		},
		{
			name: "no watchdog", set: func(w *watchdogTool) { w.arm = func(string, time.Duration) error { return errors.New("x") } },
			out: "Initializing /dev/watchdog with a reset countdown of 3 seconds ...\nFailed to initialize watchdog!!!\n" + list,
		},
		{
			name: "it does not strike",
			out: "Initializing /dev/watchdog with a reset countdown of 3 seconds ...\n" + notice + "Reset countdown ... 3 seconds\nReset countdown ... 2 seconds\n" +
				strings.Repeat("System expected to reset any moment ...\n", 2) + strings.Repeat("System should have reset ...\n", 5) +
				"Error: The watchdog device has failed to reboot the system,\n       and it may not be suitable for usage with sbd.\n",
			waits: 9,
		},
	} {
		var out bytes.Buffer
		waits := 0
		w := newWatchdogTool(&program.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Getenv: func(string) string { return "" }})
		w.find = func() ([]sbd.WatchdogDevice, error) { return one, nil }
		w.arm = func(string, time.Duration) error { return nil }
		w.wait = func(context.Context, time.Duration) error { waits++; return nil }
		if c.set != nil {
			c.set(w)
		}
		good := false
		if c.query {
			good = w.query()
		} else {
			good = w.test(context.Background(), 3)
		}
		if good != c.good || out.String() != c.out || waits != c.waits {
			t.Errorf("%s: %v, %d waits\n%s\nwant %v, %d waits\n%s", c.name, good, waits, out.String(), c.good, c.waits, c.out)
		}
	}
	// A file is no watchdog, whatever its name.
	file := t.TempDir() + "/watchdog"
	if err := newWatchdogTool(&program.Env{Getenv: func(string) string { return "" }}).arm(file, time.Second); err == nil {
		t.Error("a watchdog that is not there was armed")
	}
}
