package realtime

import (
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestLeaveCgroup(t *testing.T) {
	var log strings.Builder
	l := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	dir := t.TempDir()
	leaveCgroup(dir, l)
	if !strings.Contains(log.String(), "level=DEBUG") || strings.Contains(log.String(), "WARN") {
		t.Error(log.String())
	}
	// Version 2: the process goes as a whole.
	procs := filepath.Join(dir, "cgroup.procs")
	if err := os.WriteFile(procs, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	leaveCgroup(dir, l)
	if got, err := os.ReadFile(procs); err != nil || string(got) != strconv.Itoa(os.Getpid())+"\n" {
		t.Errorf("%q, %v", got, err)
	}
	// Version 1, where real time has a budget in each group: each thread.
	if err := os.Mkdir(filepath.Join(dir, "cpu"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cpu.rt_runtime_us", "tasks"} {
		if err := os.WriteFile(filepath.Join(dir, "cpu", name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	leaveCgroup(dir, l)
	got, err := os.ReadFile(filepath.Join(dir, "cpu", "tasks"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join("/proc/self/task", strings.TrimSpace(string(got)))); err != nil {
		t.Errorf("%q: %v", got, err)
	}
	// What cannot be done is told.
	if err := os.RemoveAll(filepath.Join(dir, "cpu", "tasks")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "cpu", "tasks"), 0o755); err != nil {
		t.Fatal(err)
	}
	leaveCgroup(dir, l)
	if !strings.Contains(log.String(), "level=WARN") {
		t.Error(log.String())
	}
}

func TestEachThread(t *testing.T) {
	seen := map[int]int{}
	if err := eachThread(func(id int) error { seen[id]++; return nil }); err != nil {
		t.Fatal(err)
	}
	if seen[os.Getpid()] != 1 {
		t.Errorf("%v", seen)
	}
}
