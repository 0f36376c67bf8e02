package corosyncd

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ringsSince counts the rings that a daemon of ours formed after a moment, by its log.
func ringsSince(log string, after time.Time) int {
	n := 0
	for line := range strings.Lines(log) {
		if at, rest, ok := logged(line); ok && at.After(after) && strings.Contains(rest, "was formed. Members") {
			n++
		}
	}
	return n
}

// logged takes the time off a line of a daemon's log.
func logged(line string) (at time.Time, rest string, ok bool) {
	stamp, rest, _ := strings.Cut(strings.TrimPrefix(line, "time="), " ")
	at, err := time.Parse(time.RFC3339Nano, stamp)
	return at, rest, err == nil
}

// formed is when a daemon of ours formed its first ring after a moment, by its log.
func formed(t *testing.T, h *host, after time.Time) time.Time {
	t.Helper()
	text, err := os.ReadFile(h.log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if at, rest, ok := logged(line); ok && at.After(after) && strings.Contains(rest, "was formed. Members") {
			return at
		}
	}
	t.Fatal("no ring was formed")
	return time.Time{}
}

var (
	fastLive     = flag.Duration("fast-live", 0, "how long TestFastLive watches three nodes of ours, such as 1h; 0 skips it")
	fastLiveTalk = flag.Bool("fast-live-talk", false, "have a process on each of them talk, which keeps a processor busy")
)

// TestFastLive counts how often three nodes of ours with the default settings, which detect losses fast, change their membership
// while nothing happens but what else this machine does.
func TestFastLive(t *testing.T) {
	if *fastLive == 0 {
		t.Skip("only with -fast-live")
	}
	h := hosts(t, 3, func(nodes string) string {
		return strings.Replace(confWith("transport: knet\ncrypto_cipher: aes256\ncrypto_hash: sha256")(nodes), "token: 1000\n", "", 1)
	})
	for _, o := range h {
		o.quiet = true
		o.start(false)
	}
	for _, o := range h {
		o.members(20*time.Second, 1, 2, 3)
	}
	for i, o := range h {
		if !*fastLiveTalk {
			break
		}
		c := o.command(os.Args[0])
		c.Env = append(os.Environ(), "COROSYNCD_WITNESS="+strconv.Itoa(i+1))
		c.Stdout = io.Discard
		o.launch(c)
	}
	h[0].await(15*time.Second, func(out string) bool { return strings.Contains(out, "= 1") }, "corosync-cmapctl", "-g", "runtime.totem.fast_detection")
	begin := time.Now()
	time.Sleep(*fastLive)
	for _, o := range h {
		text, err := os.ReadFile(o.log)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if at, rest, ok := logged(line); ok && at.After(begin) && strings.Contains(rest, "level=") && !strings.Contains(rest, "level=DEBUG") {
				t.Logf("node %d, after %v: %s", o.number, at.Sub(begin).Round(time.Millisecond), strings.TrimSpace(rest))
				if strings.Contains(rest, "was formed. Members") {
					t.Errorf("node %d has had another membership", o.number)
				}
			}
		}
	}
}

// TestFastDetection has two nodes of ours with the default settings lose one of them
// within a second, a third, original node take part without an outage, and fast
// detection return when it has gone.
func TestFastDetection(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	t.Parallel()
	for _, transport := range []string{"udpu", "knet"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			h := hosts(t, 3, func(nodes string) string {
				return strings.Replace(confWith("transport: "+transport)(nodes), "token: 1000\n", "", 1)
			})
			fast := func(want string) {
				t.Helper()
				for _, o := range h[:2] {
					o.await(15*time.Second, func(out string) bool { return strings.TrimSpace(out) == "runtime.totem.fast_detection (u8) = "+want }, "corosync-cmapctl", "-g", "runtime.totem.fast_detection")
				}
			}
			h[0].start(false)
			h[1].start(false)
			h[0].members(15*time.Second, 1, 2)
			fast("1")
			began := time.Now()
			h[1].stop(syscall.SIGKILL)
			h[0].members(5*time.Second, 1)
			took := formed(t, h[0], began).Sub(began)
			t.Logf("a killed daemon was out after %v", took.Round(time.Millisecond))
			if took > 3*time.Second { // a second, and what a busy machine adds; it would be 6.6 by the timers
				t.Errorf("it took %v", took)
			}
			h[1].start(false)
			h[0].members(15*time.Second, 1, 2)
			h[2].start(true)
			for _, o := range h {
				o.members(20*time.Second, 1, 2, 3)
			}
			fast("0")
			ring := func() string {
				out, _ := h[2].output("corosync-quorumtool", "-s")
				_, id, _ := strings.Cut(out, "Ring ID:")
				id, _, _ = strings.Cut(id, "\n")
				return strings.TrimSpace(id)
			}
			before := ring()
			for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
				if now := ring(); now != before {
					t.Fatalf("the ring changed from %s to %s", before, now)
				}
			}
			h[2].stop(syscall.SIGKILL)
			h[0].members(20*time.Second, 1, 2)
			fast("1")
		})
	}
}

// TestLostLink: with fast detection, too, the ring outlives the loss of the one of two links that carries it, though the link counts as down only
// after a time that is longer than the token's.
func TestLostLink(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	t.Parallel()
	h := hosts(t, 2, func(nodes string) string {
		for i := 1; i <= 2; i++ {
			ring := fmt.Sprintf("ring0_addr: 10.98.0.%d\n", i)
			nodes = strings.Replace(nodes, ring, ring+fmt.Sprintf("ring1_addr: 10.99.0.%d\n", i), 1)
		}
		return strings.Replace(confWith("transport: knet")(nodes), "token: 1000\n", "", 1)
	})
	for i, o := range h {
		o.must("ip", "addr", "add", fmt.Sprintf("10.99.0.%d/24", i+1), "dev", "eth0")
		o.start(false)
	}
	for _, o := range h {
		o.members(15*time.Second, 1, 2)
		o.await(15*time.Second, func(out string) bool { return strings.Contains(out, "= 1") }, "corosync-cmapctl", "-g", "runtime.totem.fast_detection")
	}
	connected := func(links int) {
		t.Helper()
		for _, o := range h {
			o.await(15*time.Second, func(out string) bool { return strings.Count(out, "enabled connected mtu: ") == links }, "corosync-cfgtool", "-n")
		}
	}
	both := func(verb string) {
		for i, o := range h {
			o.must("ip", "route", verb, "blackhole", fmt.Sprintf("10.98.0.%d/32", 2-i))
		}
	}
	for range 3 { // a ring may also break for what else this machine does
		connected(2)
		began := time.Now()
		both("add")
		connected(1)
		both("del")
		text, err := os.ReadFile(h[0].log)
		if err != nil {
			t.Fatal(err)
		}
		if ringsSince(string(text), began) == 0 {
			return
		}
	}
	t.Error("each time the link was lost the ring broke")
}
