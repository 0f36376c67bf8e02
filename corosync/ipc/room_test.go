package ipc

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// lines is a log that may be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// TestRoom: however many clients come, the process may open files of its own, its log tells of them once, and when they have gone others may come.
func TestRoom(t *testing.T) {
	log := &lines{}
	name, _, _ := serve(t, Socket, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(log, nil)) })
	var had unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &had); err != nil {
		t.Fatal(err)
	}
	const limit = 240
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: had.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &had); err != nil {
			t.Error(err)
		}
	}()
	var clients []*Client
	var err error
	for err == nil && len(clients) < limit {
		var c *Client
		if c, err = Dial(t.Context(), name, 1<<16); err == nil {
			clients = append(clients, c)
		}
	}
	if err == nil || len(clients) < 10 {
		t.Fatalf("%d clients, then %v", len(clients), err)
	}
	for range 5 {
		if c, err := Dial(t.Context(), name, 1<<16); err == nil {
			clients = append(clients, c) // one had not quite ended
		}
	}
	for range limit/4 - 10 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatalf("of the process's own files: %v", err)
		}
		defer f.Close()
	}
	if n := strings.Count(log.String(), "too many clients"); n != 1 {
		t.Errorf("told of %d times:\n%s", n, log)
	}
	for _, c := range clients {
		c.Close()
	}
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		c, err := Dial(t.Context(), name, 1<<16)
		if err == nil {
			c.Close()
			return
		}
		if time.Since(begin) > 20*time.Second {
			t.Fatal("when they have gone:", err)
		}
	}
}

// TestNoMemory: where no memory is left for the files of a connection, the client is told so, the log says which files these are, and what comes
// later is served.
func TestNoMemory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a file system")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("mount: ", err)
	}
	defer func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 128<<10), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	log := &lines{}
	name, _, _ := serve(t, SharedMemory, func(c *Config) { c.Dir, c.Log = dir, slog.New(slog.NewTextHandler(log, nil)) })
	if c, err := Dial(t.Context(), name, 1<<16); !errors.Is(err, unix.ENOMEM) {
		t.Errorf("without memory: %v, %v", c, err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	c := dial(t, name)
	if _, err := c.Call(t.Context(), Request(1, RequestHeader)); err != nil {
		t.Error("with memory:", err)
	}
	if text := log.String(); !strings.Contains(text, "no space left on device") || !strings.Contains(text, dir) {
		t.Errorf("the log: %s", text)
	}
}
