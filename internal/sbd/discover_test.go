package sbd

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// TestWatchdogs finds watchdogs in folders that stand for /dev, /sys and /proc; no device is opened.
func TestWatchdogs(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) {
		t.Helper()
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) {
		t.Helper()
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, at); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []string{"watchdog", "watchdog0", "watchdog1", "null"} {
		file("dev/"+n, "")
	}
	link("watchdog1", "dev/second")
	link("/elsewhere/watchdog1", "dev/away")
	file("sys/class/watchdog/watchdog0/dev", "249:0\n")
	file("sys/class/watchdog/watchdog1/dev", "249:1\n")
	file("sys/class/watchdog/broken/dev", "x\n")
	link("../../bus/platform/drivers/iTCO_wdt", "sys/dev/char/249:1/device/driver")
	link(filepath.Join(dir, "dev/watchdog1"), "proc/77/fd/3")
	link("/dev/null", "proc/78/fd/0")
	file("proc/77/status", "Name:\tsbd\nUmask:\t0\n")
	numbers := map[string]uint64{"watchdog": unix.Mkdev(10, 130), "watchdog0": unix.Mkdev(249, 0), "watchdog1": unix.Mkdev(249, 1), "null": unix.Mkdev(1, 3)}
	var asked []string
	m := Machine{
		Dev: filepath.Join(dir, "dev"), Sys: filepath.Join(dir, "sys"), Proc: filepath.Join(dir, "proc"),
		Number: func(path string) (uint64, bool) { n, ok := numbers[filepath.Base(path)]; return n, ok },
		Identify: func(path string) string {
			asked = append(asked, filepath.Base(path))
			if filepath.Base(path) == "watchdog0" {
				return "Software Watchdog"
			}
			return ""
		},
	}
	got, err := m.Watchdogs()
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i].Path = filepath.Base(got[i].Path)
	}
	want := []WatchdogDevice{
		{Path: "second", Driver: "iTCO_wdt", PID: 77, Process: "sbd"},
		{Path: "watchdog"},
		{Path: "watchdog0", Identity: "Software Watchdog", Driver: "softdog"},
		{Path: "watchdog1", Driver: "iTCO_wdt", PID: 77, Process: "sbd"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if !slices.Equal(asked, []string{"watchdog", "watchdog0"}) {
		t.Errorf("one that a process feeds must not be opened; opened: %v", asked)
	}
	if got[2].Reliable() || !got[3].Reliable() {
		t.Error("the watchdog in software, and only that, is not to be relied on")
	}
	if _, err := (Machine{Dev: filepath.Join(dir, "nosuch")}).Watchdogs(); err == nil {
		t.Error("a folder that is not there")
	}
}
