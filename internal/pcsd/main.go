package pcsd

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// logHandler writes lines as pcsd's log has them:
//
//	I, [2026-01-02T03:04:05.678 #00000]     INFO -- : Server is listening
type logHandler struct {
	mu    *sync.Mutex
	w     io.Writer
	level slog.Level
}

// NewLogger makes a logger that writes to w; debug adds what only a developer wants.
func NewLogger(w io.Writer, debug bool) *slog.Logger {
	level := slog.LevelInfo
	if debug {
		level = slog.LevelDebug
	}
	return slog.New(logHandler{&sync.Mutex{}, w, level})
}

func (h logHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }
func (h logHandler) WithAttrs([]slog.Attr) slog.Handler           { return h }
func (h logHandler) WithGroup(string) slog.Handler                { return h }

func (h logHandler) Handle(_ context.Context, r slog.Record) error {
	name := r.Level.String()
	if r.Level == slog.LevelWarn {
		name = "WARNING"
	}
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += fmt.Sprintf(", %s: %v", a.Key, a.Value)
		return true
	})
	text = strings.ReplaceAll(text, "\n", " ")
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := fmt.Fprintf(h.w, "%s, [%s #00000] %8s -- : %s\n", name[:1], r.Time.Format("2006-01-02T15:04:05.000"), name, text)
	return err
}

// Main is the daemon: it serves until ctx ends. ready is called when clients can connect.
func Main(ctx context.Context, getenv func(string) string, logTo io.Writer, ready func()) error {
	log := NewLogger(logTo, strings.EqualFold(getenv("PCSD_DEBUG"), "true"))
	log.Info("Starting server...")
	s, err := New(Config{Getenv: getenv, Log: log, Now: time.Now, Socket: Socket})
	if err != nil {
		return err
	}
	l, err := s.Listen(ctx)
	if err != nil {
		return err
	}
	for _, x := range l {
		log.Info(fmt.Sprintf("Binding socket for address '%s'", x.Addr()))
	}
	log.Info("Server is listening")
	ready()
	return s.Serve(ctx, l)
}
