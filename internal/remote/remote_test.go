package remote

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/internal/lrmd"
	"hacluster/ocf"
)

// agents pretends to run agents.
type agents struct {
	mu   sync.Mutex
	runs []ocf.Action
	hold chan struct{} // an action "hang" ends when it is closed
}

func (a *agents) Run(ctx context.Context, act ocf.Action) ocf.Result {
	a.mu.Lock()
	a.runs = append(a.runs, act)
	a.mu.Unlock()
	switch act.Name {
	case "hang":
		select {
		case <-a.hold:
		case <-ctx.Done():
			return ocf.Result{Code: 1, Status: ocf.Cancelled}
		}
	case "fail":
		return ocf.Result{Code: 1, Reason: "because", Stderr: "much output"}
	}
	return ocf.Result{Duration: 5 * time.Millisecond}
}

// heard is what a connection told.
type heard struct {
	lost, taken, shutdown chan error
}

func listener() *heard {
	return &heard{make(chan error, 9), make(chan error, 9), make(chan error, 9)}
}
func (h *heard) Lost(why error)         { h.lost <- why }
func (h *heard) Taken()                 { h.taken <- nil }
func (h *heard) ShutdownAsked()         { h.shutdown <- nil }
func (h *heard) Proxy(_ *etree.Element) {}

func wait[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(10 * time.Second):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

// serve runs a server until the test ends or stop is called.
func serve(t *testing.T) (set Settings, addr string, a *agents, stop func(), ended chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = l.Addr().String()
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	set = Settings{Key: t.TempDir() + "/authkey", Address: "127.0.0.1", Port: port}
	if err := os.WriteFile(set.Key, []byte("a key of some bytes"), 0o600); err != nil {
		t.Fatal(err)
	}
	a = &agents{hold: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan struct{})
	ended = make(chan error, 1)
	s := &Server{Settings: set, Agents: a, Log: slog.New(slog.DiscardHandler), Ready: func() { close(ready) }}
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(cancel)
	wait(t, "the server", ready)
	return set, addr, a, cancel, ended
}

func dial(t *testing.T, set Settings, addr string) (*Conn, *heard) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	h := listener()
	c, err := Dial(ctx, addr, set, "n1", h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, h
}

func op(resource, action string) Operation {
	return Operation{Resource: resource, Class: "ocf", Provider: "heartbeat", Type: "Dummy", Action: action, Timeout: time.Minute, Params: []lrmd.Param{{Name: "state", Value: "<&>"}, {Name: "1st", Value: "x"}}}
}

func TestRun(t *testing.T) {
	set, addr, a, _, _ := serve(t)
	c, _ := dial(t, set, addr)
	out := make(chan Outcome, 9)
	done := func(o Outcome) { out <- o }
	for _, action := range []string{"start", "fail"} {
		if err := c.Run(op("r", action), done); err != nil {
			t.Fatal(err)
		}
	}
	if o := wait(t, "the start's end", out); o.Code != 0 || o.Duration != 5*time.Millisecond {
		t.Errorf("start: %+v", o)
	}
	if o := wait(t, "the failure", out); o.Code != 1 || o.Reason != "because" || o.Output != "much output" {
		t.Errorf("fail: %+v", o)
	}
	if got := a.runs[0]; got.Resource != "r" || got.Timeout != time.Minute || !slices.Equal(got.Params, []ocf.Param{{Name: "state", Value: "<&>"}, {Name: "1st", Value: "x"}}) {
		t.Errorf("what was run: %+v", got)
	}
	// One resource's actions wait for each other, those of others do not.
	for _, o := range []Operation{op("r", "hang"), op("r", "stop"), op("s", "start")} {
		if err := c.Run(o, done); err != nil {
			t.Fatal(err)
		}
	}
	wait(t, "the other resource's start", out)
	select {
	case o := <-out:
		t.Errorf("a stop overtook what hung: %+v", o)
	case <-time.After(50 * time.Millisecond):
	}
	close(a.hold)
	wait(t, "what hung", out)
	wait(t, "the stop", out)
	poked := make(chan struct{})
	if err := c.Poke(func() { close(poked) }); err != nil {
		t.Fatal(err)
	}
	wait(t, "an answer to a poke", poked)
}

// TestKill: a check that is repeated is run once each time that it is asked for, and ends when nobody wants its result any more.
func TestKill(t *testing.T) {
	set, addr, a, _, _ := serve(t)
	c, _ := dial(t, set, addr)
	out := make(chan Outcome, 9)
	run := func(o Operation) {
		t.Helper()
		if err := c.Run(o, func(o Outcome) { out <- o }); err != nil {
			t.Fatal(err)
		}
	}
	check := op("r", "monitor")
	check.Recurring = true
	for range 2 {
		run(check)
		if o := wait(t, "the check's end", out); o.Code != 0 || o.Status != 0 {
			t.Errorf("a check: %+v", o)
		}
	}
	hangs := op("r", "hang")
	hangs.Recurring = true
	run(hangs)
	run(op("r", "stop"))
	if err := c.Kill(hangs); err != nil {
		t.Fatal(err)
	}
	if o := wait(t, "the end of what hung", out); o.Status != int(ocf.Cancelled) {
		t.Errorf("killed: %+v", o)
	}
	if o := wait(t, "the stop that waited for it", out); o.Code != 0 || o.Status != 0 {
		t.Errorf("the stop: %+v", o)
	}
	// It can be asked for again.
	run(check)
	if o := wait(t, "the next check's end", out); o.Code != 0 || o.Status != 0 {
		t.Errorf("a check after that: %+v", o)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.runs) != 5 {
		t.Errorf("%d agents ran: %+v", len(a.runs), a.runs)
	}
}

func TestTaken(t *testing.T) {
	set, addr, _, _, _ := serve(t)
	first, h := dial(t, set, addr)
	_, other := dial(t, set, addr)
	wait(t, "the news of another node", h.taken)
	first.Close()
	if why := wait(t, "the end", h.lost); why != nil {
		t.Errorf("closed by itself: %v", why)
	}
	select {
	case <-other.taken:
		t.Error("the new one heard of itself")
	default:
	}
}

func TestShutdown(t *testing.T) {
	set, addr, _, stop, ended := serve(t)
	c, h := dial(t, set, addr)
	stop()
	wait(t, "the host's wish", h.shutdown)
	if err := c.AnswerShutdown(true); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		t.Fatalf("the host did not wait for the cluster: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	c.Close()
	if err := wait(t, "the host's end", ended); err != nil {
		t.Error(err)
	}
}

func TestRefused(t *testing.T) {
	set, addr, _, _, _ := serve(t)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	wrong := set
	wrong.Key = t.TempDir() + "/other"
	if _, err := Dial(ctx, addr, wrong, "n1", listener()); !errors.Is(err, ErrNoKey) {
		t.Errorf("without a key: %v", err)
	}
	if err := os.WriteFile(wrong.Key, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(ctx, addr, wrong, "n1", listener()); !errors.Is(err, ErrKeyRejected) {
		t.Errorf("with another key: %v", err)
	}
	// Whoever talks without TLS changes nothing.
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = raw.Write([]byte(strings.Repeat("GET / HTTP/1.0\r\n\r\n", 10)))
	raw.Close()
	dial(t, set, addr)
}
