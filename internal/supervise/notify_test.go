package supervise

import (
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
