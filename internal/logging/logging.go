// Package logging writes what daemons tell in the forms that their users know:
// Pacemaker's and Corosync's log files, and lines to the system's log.
//
// A daemon has one logger; behind it is a Log with a target for each place that
// it writes to. What a record's attributes say of an error becomes part of its
// text; other attributes are detail, which files have and the system's log does not.
package logging

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Levels beside slog's.
const (
	Notice   = slog.Level(2)
	Critical = slog.Level(12)
)

// Daemon is the attribute's key that names the daemon (or subsystem) that a record is of.
const Daemon = "daemon"

// Any is no daemon's name: it stands for all of them.
const Any = "*"

// Line is a record as targets see it.
type Line struct {
	Time   time.Time
	Level  slog.Level
	Daemon string // who tells; "" where the record does not say
	Func   string // of the source, without its package: (*Node).loop is loop
	Source string // its package, hacluster/…
	Number int    // of the line there; 0: unknown
	Text   string // one line
	Detail string // name=value, blank separated; may be ""
}

// Target is one place to write to.
type Target interface {
	// Enabled tells whether lines of that level are wanted of a daemon; Any is whether they are of any.
	Enabled(level slog.Level, daemon string) bool
	Write(l Line)
}

// Log is a handler that hands lines to its present targets.
type Log struct {
	state  *state
	attrs  []slog.Attr
	groups string
}

type state struct {
	writing sync.Mutex // held while targets write; taken before mu
	mu      sync.Mutex
	targets []Target
	later   *later // nil: who tells something writes it
}

// New makes a log that writes to targets.
func New(targets ...Target) *Log { return &Log{state: &state{targets: targets}} }

// Set puts other targets in the place of the present ones, which are not used any more when it returns.
func (h *Log) Set(targets ...Target) {
	h.state.writing.Lock()
	defer h.state.writing.Unlock()
	h.state.mu.Lock()
	defer h.state.mu.Unlock()
	h.state.targets = targets
}

// Logger is a logger that writes to the log.
func (h *Log) Logger() *slog.Logger { return slog.New(h) }

// Enabled is of slog.Handler.
func (h *Log) Enabled(_ context.Context, level slog.Level) bool {
	h.state.mu.Lock()
	defer h.state.mu.Unlock()
	for _, t := range h.state.targets {
		if t.Enabled(level, Any) {
			return true
		}
	}
	return false
}

// WithAttrs is of slog.Handler.
func (h *Log) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = append(c.attrs[:len(c.attrs):len(c.attrs)], attrs...)
	return &c
}

// WithGroup is of slog.Handler.
func (h *Log) WithGroup(name string) slog.Handler {
	c := *h
	if name != "" {
		c.groups += name + "."
	}
	return &c
}

// Handle is of slog.Handler.
func (h *Log) Handle(_ context.Context, r slog.Record) error {
	l := Line{Time: r.Time, Level: r.Level}
	text, detail := []string{r.Message}, []string(nil)
	take := func(a slog.Attr) bool {
		v := a.Value.Resolve().String()
		switch a.Key {
		case Daemon:
			l.Daemon = v
		case "err", "error", "reason", "why", "what", "because":
			text = append(text, v)
		default:
			if strings.ContainsAny(v, " =\"") || v == "" {
				v = fmt.Sprintf("%q", v)
			}
			detail = append(detail, h.groups+a.Key+"="+v)
		}
		return true
	}
	for _, a := range h.attrs {
		if a.Key != "service" { // the package says it as well, and as the log's readers know it
			take(a)
		}
	}
	r.Attrs(take)
	l.Text, l.Detail = OneLine(strings.Join(text, ": ")), OneLine(strings.Join(detail, " "))
	if r.PC != 0 {
		f, _ := runtime.CallersFrames([]uintptr{r.PC}).Next()
		l.Source, l.Func = split(f.Function)
		l.Number = f.Line
	}
	h.state.mu.Lock()
	later := h.state.later
	h.state.mu.Unlock()
	if later == nil || !later.put(l) {
		h.state.write(l)
	}
	return nil
}

// split takes a function's full name apart: hacluster/internal/node.(*Node).loop.func1 is of hacluster/internal/node, and called loop.
func split(function string) (source, name string) {
	slash := strings.LastIndexByte(function, '/') + 1
	pkg, rest, _ := strings.Cut(function[slash:], ".")
	for _, part := range strings.Split(rest, ".") {
		if strings.HasPrefix(part, "(") || part == "" {
			continue
		}
		name = part
		if !strings.HasPrefix(part, "func") || strings.Trim(part[4:], "0123456789-") != "" {
			break
		}
	}
	return function[:slash] + pkg, name
}

// OneLine takes from a text what would make it look like more than one line, or steer a terminal.
func OneLine(s string) string {
	if strings.IndexFunc(s, control) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if control(r) {
			return ' '
		}
		return r
	}, strings.TrimRight(s, "\n"))
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// word is a level's name as Pacemaker and Corosync write it.
func word(l slog.Level) string {
	switch {
	case l >= Critical:
		return "crit"
	case l >= slog.LevelError:
		return "error"
	case l >= slog.LevelWarn:
		return "warning"
	case l >= Notice:
		return "notice"
	case l >= slog.LevelInfo:
		return "info"
	case l >= slog.LevelDebug:
		return "debug"
	}
	return "trace"
}

// ParseLevel reads the name of a priority as settings have it.
func ParseLevel(s string) (slog.Level, bool) {
	switch strings.ToLower(s) {
	case "emerg", "alert", "crit", "critical":
		return Critical, true
	case "error", "err":
		return slog.LevelError, true
	case "warning", "warn":
		return slog.LevelWarn, true
	case "notice":
		return Notice, true
	case "info":
		return slog.LevelInfo, true
	case "debug":
		return slog.LevelDebug, true
	case "trace":
		return slog.LevelDebug - 4, true
	}
	return 0, false
}
