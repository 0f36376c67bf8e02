package corosyncd

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTieOfOne holds that with auto_tie_breaker a node that starts alone has no quorum, the lowest one of two neither, and when both were together keeps it alone; as with
// the original.
func TestTieOfOne(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts rings")
	}
	for _, original := range []bool{true, false} {
		conf := func(nodes string) string {
			return strings.Replace(confWith("transport: udpu")(nodes), "provider: corosync_votequorum\n", "provider: corosync_votequorum\nauto_tie_breaker: 1\n", 1)
		}
		list := hosts(t, 2, conf)
		quorate := func(h *host, want string) {
			t.Helper()
			h.await(20*time.Second, func(out string) bool { return strings.Contains(out, "Quorate:") && strings.Contains(out, want) }, "corosync-quorumtool", "-s")
		}
		list[0].start(original)
		quorate(list[0], "Quorate:          No")
		list[1].start(original)
		quorate(list[0], "Quorate:          Yes")
		list[1].stop(syscall.SIGKILL)
		quorate(list[0], "Total votes:      1")
		quorate(list[0], "Quorate:          Yes")
	}
}
