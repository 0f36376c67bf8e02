package node

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"hacluster/cib"
	"hacluster/engine/controller"
	"hacluster/engine/fencer"
	"hacluster/internal/logging"
)

// heard is a quiet world that keeps what is told, as the log has it.
type heard struct {
	quiet
	told *bytes.Buffer
}

func (h heard) Logf(format string, args ...any) {
	form := func(l logging.Line) string { return fmt.Sprintf("%s %v %s", l.Daemon, l.Level, l.Text) }
	log := logging.New(&logging.Writer{Filter: logging.Filter{Level: slog.LevelInfo}, W: h.told, Form: form})
	(&world{log: log.Logger()}).Logf(format, args...)
}

// TestTold: those who watch logs find Pacemaker's own lines, at its levels, for nodes that come and go, pings and fencing.
func TestTold(t *testing.T) {
	now := time.Unix(1000, 0)
	w := heard{told: &bytes.Buffer{}}
	c := NewCore(CoreConfig{Self: controller.Member{ID: 1, Name: "a"}, Names: map[uint32]string{1: "a", 2: "b"}, CIB: cib.New(), Timing: controller.DefaultTiming}, w)
	c.Ring(now, []uint32{1, 2}, true)
	c.Ring(now, []uint32{1}, false)
	c.Ping(time.Time{}, "", func(string) {})
	records := []fencer.Record{
		{Target: "b", Action: "reboot", Delegate: "a", Client: "pacemaker-controld.7", Origin: "a", State: fencer.Done},
		{Target: "b", Action: "off", Client: "stonith_admin.8", Origin: "b", State: fencer.Failed, Code: fencer.TimedOut, Reason: "no answer"},
		{Target: "b", Action: "on", Delegate: "a", Client: "x", Origin: "a", State: fencer.Done},
		{Target: "b", Action: "on", Delegate: "a", Client: "x", Origin: "a", State: fencer.Failed, Reason: "no answer"},
		{Target: "a", Action: "off", Delegate: "b", Client: "x", Origin: "b", State: fencer.Done}, // before this start
	}
	for _, r := range records {
		c.logFencing(r)
	}
	c.fenced = true
	c.logFencing(records[len(records)-1])
	var got []string
	for l := range strings.Lines(w.told.String()) {
		if strings.HasPrefix(l, "pacemaker-controld ") && !strings.Contains(l, "Quorum ") {
			got = append(got, strings.TrimSpace(strings.TrimPrefix(l, "pacemaker-controld ")))
		}
	}
	want := []string{
		"INFO+2 Node a state is now member",
		"INFO+2 Node b state is now member",
		"INFO+2 Node b state is now lost",
		"INFO+2 Current ping state: S_STARTING",
		"INFO+2 Peer b was terminated (reboot) by a on behalf of pacemaker-controld.7@a: OK",
		"INFO+2 Peer b was not terminated (off) by the cluster on behalf of stonith_admin.8@b: Timed out (no answer)",
		"INFO+2 b was unfenced by a at the request of x@a",
		"ERROR Unfencing of b by a failed (no answer)",
		"INFO+2 Peer a was terminated (off) by b on behalf of x@b: OK",
		"ERROR+4 We were allegedly just fenced by b for b!",
	}
	if !slices.Equal(got, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
