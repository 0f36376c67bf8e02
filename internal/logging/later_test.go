package logging

import (
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// stuck is a target that writes nothing until it may.
type stuck struct {
	began chan struct{} // a line is being written
	may   chan struct{}

	mu    sync.Mutex
	texts []string
}

func (s *stuck) Enabled(slog.Level, string) bool { return true }

func (s *stuck) Write(l Line) {
	select {
	case s.began <- struct{}{}:
	default:
	}
	<-s.may
	s.mu.Lock()
	defer s.mu.Unlock()
	s.texts = append(s.texts, l.Text)
}

func (s *stuck) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.texts)
}

// TestLater holds that nobody waits for a target that is stuck, that what there was room for is written in its order when that goes on, and
// that what there was none for is told of.
func TestLater(t *testing.T) {
	s := &stuck{began: make(chan struct{}, 1), may: make(chan struct{})}
	h := New(s)
	log := h.Logger()
	finish := h.Later(3)
	log.Info("0")
	<-s.began // it is out of the queue
	for i := 1; i <= 5; i++ {
		log.Info(fmt.Sprint(i))
	}
	finish(time.Millisecond) // it does not wait for ever
	close(s.may)
	finish(time.Minute)
	log.Info("afterwards")
	if got, want := s.all(), []string{"0", "2 lines were not logged: the log does not keep up", "1", "2", "3", "afterwards"}; !slices.Equal(got, want) {
		t.Errorf("logged were %q, not %q", got, want)
	}
}

// TestSyslogStuck holds that a system's log that takes nothing is waited for once, and used again when it does.
func TestSyslogStuck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	server, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	s := &Syslog{Path: path, Form: func(l Line) string { return l.Text }}
	now := time.Now()
	line := Line{Time: now, Text: "text"}
	for i := 0; s.again.IsZero(); i++ {
		if i == 1_000_000 {
			t.Skip("this host's sockets never get full")
		}
		s.Write(line)
	}
	s.Write(line)
	if s.conn != nil {
		t.Error("it is tried again at once")
	}
	b := make([]byte, 100)
	_ = server.SetReadDeadline(time.Now().Add(time.Minute))
	for range 5 {
		if _, err := server.Read(b); err != nil {
			t.Fatal(err)
		}
	}
	line.Time = now.Add(time.Minute)
	if s.Write(line); s.conn == nil {
		t.Error("it is not tried again")
	}
}
