package logging

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"
)

// Filter is which lines a target wants: those of Level and above, and debugging
// ones of the daemons that Debug names.
type Filter struct {
	Level slog.Level
	Debug func(daemon string) bool // nil: of none
}

// Enabled is of Target.
func (f Filter) Enabled(level slog.Level, daemon string) bool {
	if level >= f.Level {
		return true
	}
	return f.Debug != nil && level >= slog.LevelDebug && (daemon == Any || f.Debug(daemon))
}

// Writer writes lines in a form of its own.
type Writer struct {
	Filter
	W    io.Writer
	Form func(l Line) string // without a line's end
}

// Write is of Target.
func (w *Writer) Write(l Line) { _, _ = io.WriteString(w.W, w.Form(l)+"\n") }

// OpenFile opens a log file, made with that mode where there is none.
func OpenFile(path string, mode os.FileMode) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, mode) //nolint:gosec // a log file is as readable as its settings say
}

// Facilities of syslog, by their names.
var facilities = map[string]int{
	"kern": 0, "user": 1, "mail": 2, "daemon": 3, "auth": 4, "syslog": 5, "lpr": 6, "news": 7, "uucp": 8, "cron": 9, "authpriv": 10, "ftp": 11,
	"local0": 16, "local1": 17, "local2": 18, "local3": 19, "local4": 20, "local5": 21, "local6": 22, "local7": 23,
}

// Facility gives the number of a facility's name.
func Facility(name string) (int, bool) {
	n, ok := facilities[strings.ToLower(name)]
	return n, ok
}

// SyslogSocket is where the system's log listens, the journal as well as a syslog daemon.
const SyslogSocket = "/dev/log"

// Syslog writes lines to the system's log. Where none listens, they are dropped.
type Syslog struct {
	Filter
	Path     string // of the socket, SyslogSocket if empty
	Facility int
	Ident    string // where a line does not say
	OneName  bool   // all lines go under Ident, whatever they say
	PID      int
	Form     func(l Line) string

	conn  net.Conn
	again time.Time // not tried before
}

// Write is of Target.
func (s *Syslog) Write(l Line) {
	ident := s.Ident
	if l.Daemon != "" && !s.OneName {
		ident = l.Daemon
	}
	text := fmt.Sprintf("<%d>%s %s[%d]: %s", s.Facility*8+Severity(l.Level), l.Time.Format(time.Stamp), ident, s.PID, s.Form(l))
	for range 2 {
		if s.conn == nil && !s.dial(l.Time) {
			return
		}
		// A log that does not keep up must not hold the cluster up.
		_ = s.conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		_, err := io.WriteString(s.conn, text)
		if err == nil {
			return
		}
		_ = s.conn.Close()
		s.conn = nil // the log was started anew, perhaps: once more
		if errors.Is(err, os.ErrDeadlineExceeded) {
			s.again = time.Now().Add(time.Second)
			return
		}
	}
}

func (s *Syslog) dial(now time.Time) bool {
	if now.Before(s.again) {
		return false
	}
	path := s.Path
	if path == "" {
		path = SyslogSocket
	}
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		s.again = now.Add(10 * time.Second)
		return false
	}
	s.conn = conn
	return true
}

// Severity is a level as syslog has it.
func Severity(l slog.Level) int {
	switch {
	case l >= Critical:
		return 2
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	case l >= Notice:
		return 5
	case l >= slog.LevelInfo:
		return 6
	}
	return 7
}
