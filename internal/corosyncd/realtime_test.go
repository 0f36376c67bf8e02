package corosyncd

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hacluster/internal/realtime"
)

func TestMisses(t *testing.T) {
	var m misses
	var log strings.Builder
	l := slog.New(slog.NewTextHandler(&log, nil))
	now := time.UnixMilli(1_700_000_000_000)
	if soon, late := m.look(now, 3*time.Second, l); soon != time.Second || late != 1200*time.Millisecond {
		t.Errorf("it looks again after %v to %v", soon, late)
	}
	for _, gap := range []time.Duration{time.Second, 2400 * time.Millisecond, 2401 * time.Millisecond, 9 * time.Second} {
		now = now.Add(gap)
		m.look(now, 3*time.Second, l)
	}
	if got := m.counters(); len(got) != 4 || got[0].Key != "schedmiss.0.timestamp" || got[1].Key != "schedmiss.0.delay" ||
		got[0].Value.String() != "1700000014801" || got[1].Value.String() != "9000.000000" || got[3].Value.String() != "2401.000000" {
		t.Errorf("%v", got)
	}
	if want := "was not scheduled (@1700000014801) for 9000.0000 ms (threshold is 2400.0000 ms)"; !strings.Contains(log.String(), want) || strings.Count(log.String(), "level=WARN") != 2 {
		t.Error(log.String())
	}
	now = now.Add(time.Second)
	m.look(now, time.Second, l) // a shorter token counts from the next look on
	for range 12 {
		now = now.Add(900 * time.Millisecond)
		m.look(now, time.Second, l)
	}
	if got := len(m.counters()); got != 2*missesKept {
		t.Errorf("%d counters", got)
	}
	m.clear()
	if got := m.counters(); got != nil {
		t.Errorf("%v", got)
	}
}

// TestRealTime looks at the priority and the memory of a running daemon, and has it stand still.
func TestRealTime(t *testing.T) {
	attr := func(thread int) *unix.SchedAttr {
		a, err := unix.SchedGetAttr(thread, 0)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	threads := func(h *host) (list []*unix.SchedAttr) {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", h.daemon.Process.Pid))
		if err != nil || len(tasks) == 0 {
			t.Fatal(err)
		}
		for _, task := range tasks {
			id, _ := strconv.Atoi(filepath.Base(task))
			list = append(list, attr(id))
		}
		return list
	}
	h := hosts(t, 1, confWith("transport: udpu"))[0]
	h.start(false)
	h.members(20*time.Second, 1)
	log, _ := os.ReadFile(h.log)
	refused := strings.Contains(string(log), "Could not set SCHED_RR")
	for _, a := range threads(h) {
		switch {
		case !refused && (a.Policy != unix.SCHED_RR || a.Priority != realtime.Highest), refused && a.Nice != realtime.LeastNice:
			t.Errorf("%+v", a)
		}
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.daemon.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), "not locking memory") && !strings.Contains(string(log), "Could not lock") && regexp.MustCompile(`VmLck:\s+0 kB`).Match(status) {
		t.Errorf("memory is not locked:\n%s", status)
	}

	latest := func() string {
		out, _ := h.output("corosync-cmapctl", "-m", "stats", "-g", "stats.schedmiss.0.timestamp")
		return strings.TrimSpace(out)
	}
	if err := h.daemon.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond) // it stands still for longer than 0.8 of the token's second
	if err := h.daemon.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); !strings.HasPrefix(latest(), "stats.schedmiss.0.timestamp (u64) = "); {
		if time.Now().After(end) {
			t.Fatalf("nothing tells of it: %s", latest())
		}
	}
	before := latest()
	if out, err := h.output("corosync-cmapctl", "-C", "schedmiss"); err != nil {
		t.Fatal(out, err)
	}
	if latest() == before {
		t.Errorf("after clearing: %s", before)
	}
	h.stop(syscall.SIGTERM)

	text, err := os.ReadFile(filepath.Join(h.dir, "etc", "corosync.conf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.dir, "etc", "corosync.conf"), append(text, "system {\nsched_rr: no\npriority: -7\n}\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	h.start(false)
	h.members(20*time.Second, 1)
	for _, a := range threads(h) {
		if a.Policy != unix.SCHED_NORMAL || a.Nice != -7 {
			t.Errorf("with priority -7: %+v", a)
		}
	}
}
