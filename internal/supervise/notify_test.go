package supervise

import (
	"context"
	"net"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

func TestNotify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	env := func(m map[string]string) func(string) string { return func(n string) string { return m[n] } }
	if err := Notify(env(map[string]string{"NOTIFY_SOCKET": path}), StoppingState); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	if n, err := l.Read(buf); err != nil || string(buf[:n]) != "STOPPING=1" {
		t.Errorf("%q %v", buf[:n], err)
	}
	if err := Ready(env(nil)); err != nil {
		t.Errorf("without a socket: %v", err)
	}
	if err := Ready(env(map[string]string{"NOTIFY_SOCKET": path + "-none"})); err == nil {
		t.Error("a socket that is not there is no error")
	}
	for _, c := range []struct {
		usec, pid string
		want      time.Duration
	}{{"3000000", "", 1500 * time.Millisecond}, {"3000000", "1", 0}, {"", "", 0}, {"-1", "", 0}, {"x", "", 0}, {strconv.FormatInt(1<<62, 10), "", 0}} {
		if got := AliveInterval(env(map[string]string{"WATCHDOG_USEC": c.usec, "WATCHDOG_PID": c.pid})); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestKeepAlive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	env := map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "100000"}
	KeepAlive(ctx, func(n string) string { return env[n] }, func(error) {})
	buf := make([]byte, 64)
	for range 3 {
		if n, err := l.Read(buf); err != nil || string(buf[:n]) != "WATCHDOG=1" {
			t.Fatalf("%q %v", buf[:n], err)
		}
	}
	cancel()
	failed := make(chan error, 1)
	KeepAlive(t.Context(), func(n string) string {
		return map[string]string{"NOTIFY_SOCKET": path + "-none", "WATCHDOG_USEC": "2000000"}[n]
	}, func(err error) { failed <- err })
	if <-failed == nil {
		t.Error("a socket that is not there is no error")
	}
}
