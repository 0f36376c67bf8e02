package client

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// silent listens, takes connections and never says a word.
func silent(t *testing.T) Dest {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return Dest{"127.0.0.1", l.Addr().(*net.TCPAddr).Port}
}

func pcsd(t *testing.T, h http.HandlerFunc) Dest {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	return Dest{"127.0.0.1", s.Listener.Addr().(*net.TCPAddr).Port}
}

func TestSilentHost(t *testing.T) {
	for _, test := range []struct {
		name             string
		request, connect time.Duration
		want             string
	}{
		{"the time for a connection ends first", time.Minute, 50 * time.Millisecond, "Connection timed out after 50 milliseconds"},
		{"the time for the request ends first", 40 * time.Millisecond, time.Minute, "Connection timed out after 40 milliseconds"},
	} {
		c := New(Config{StateDir: t.TempDir(), Root: true, ConnectTimeout: test.connect})
		r := c.CallHost(context.Background(), Host{Name: "n", Dests: []Dest{silent(t)}}, Request{Path: "x", Timeout: test.request})
		if r.Kind != TimedOut || r.Reason != test.want || r.Node != "n" {
			t.Errorf("%s: got %+v, want %s", test.name, r, test.want)
		}
	}
}

func TestSlowAnswer(t *testing.T) {
	end := make(chan struct{})
	at := pcsd(t, func(w http.ResponseWriter, _ *http.Request) { <-end })
	defer close(end)
	c := New(Config{StateDir: t.TempDir(), Root: true, ConnectTimeout: 5 * time.Second})
	calls := []Dest{at, pcsd(t, func(http.ResponseWriter, *http.Request) { t.Error("what was sent once is sent to another address") })}
	r := c.CallHost(context.Background(), Host{Name: "n", Dests: calls}, Request{Path: "x", Timeout: 300 * time.Millisecond})
	if r.Kind != TimedOut || r.Reason != "Operation timed out after 300 milliseconds with 0 bytes received" {
		t.Errorf("got %+v", r)
	}
}

func TestNextAddress(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := Dest{"127.0.0.1", dead.Addr().(*net.TCPAddr).Port}
	_ = dead.Close()
	good := pcsd(t, func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("here")) })
	c := New(Config{StateDir: t.TempDir(), Root: true, ConnectTimeout: 500 * time.Millisecond})
	r := c.CallHost(context.Background(), Host{Name: "n", Dests: []Dest{gone, silent(t), good}}, Request{Path: "x"})
	if r.Kind != OK || r.Body != "here" {
		t.Errorf("got %+v", r)
	}
	r = c.CallHost(context.Background(), Host{Name: "n", Dests: []Dest{silent(t), gone}}, Request{Path: "x"})
	if r.Kind != NotConnected || !strings.HasSuffix(r.Reason, ": Connection refused") {
		t.Errorf("got %+v", r)
	}
}
