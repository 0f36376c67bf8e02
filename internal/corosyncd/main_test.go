package corosyncd

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"testing"
)

// TestMain lets the test binary be a daemon of its own process: with
// COROSYNCD_CONF in the environment it is one, with that configuration file.
func TestMain(m *testing.M) {
	path := os.Getenv("COROSYNCD_CONF")
	if path == "" {
		os.Exit(m.Run())
	}
	level := slog.LevelInfo
	if os.Getenv("COROSYNCD_DEBUG") != "" {
		level = slog.LevelDebug
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	err := Run(ctx, Options{
		ConfPath: path, StateDir: os.Getenv("COROSYNCD_STATE"),
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
