package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"hacluster/internal/program"
	"hacluster/internal/sbd"
	"hacluster/internal/supervise"
)

// watchTool is sbd watch: it starts the service's process with what the options say in the place of its settings, and leaves
// it in the background once the watch has begun.
type watchTool struct {
	env      *program.Env
	options  sbd.Options
	settings []string // NAME=VALUE
	// command makes the process.
	command func(args ...string) (*exec.Cmd, error)
}

func newWatchTool(env *program.Env) *watchTool {
	return &watchTool{env: env, command: besideClusterd}
}

// besideClusterd is clusterd as it stands beside this program, or else as it is found; tests have another.
var besideClusterd = func(args ...string) (*exec.Cmd, error) {
	path := "clusterd"
	if self, err := os.Executable(); err == nil {
		if p := filepath.Join(filepath.Dir(self), path); isFile(p) {
			path = p
		}
	}
	path, err := exec.LookPath(path)
	if err != nil {
		return nil, err
	}
	return exec.Command(path, args...), nil //nolint:gosec // a program of ours
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// run starts the watch.
func (w *watchTool) run(ctx context.Context) int {
	settings := w.options.End()
	if w.options.Node != "" {
		settings = append(settings, "SBD_OPTS=-n "+w.options.Node)
	} else {
		settings = append(settings, "SBD_OPTS=") // that is for the service alone
	}
	w.settings = settings
	if err := w.start(ctx); err != nil {
		fmt.Fprintf(w.env.Stderr, "%v\nsbd failed; please check the logs.\n", err)
		return 1
	}
	return 0
}

// start is done when the watch has begun, or its process ended before.
func (w *watchTool) start(ctx context.Context) error {
	told, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: fmt.Sprintf("@hacluster-sbd-watch-%d", os.Getpid())})
	if err != nil {
		return err
	}
	defer told.Close()
	cmd, err := w.command(append([]string{"sbd"}, w.options.Args...)...)
	if err != nil {
		return err
	}
	cmd.Env = append(append(os.Environ(), w.settings...), "NOTIFY_SOCKET="+told.LocalAddr().String())
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Setsid: true}
	cmd.Stderr, _ = w.env.Stderr.(*os.File)
	// The end is told over the same socket, behind what the process told before it.
	end, err := net.DialUnix("unixgram", nil, told.LocalAddr().(*net.UnixAddr))
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		_ = end.Close()
		return err
	}
	go func() {
		_ = cmd.Wait()
		_, _ = end.Write([]byte(watchEnded))
		_ = end.Close()
	}()
	begun := make(chan error, 1)
	go func() { begun <- begins(told) }()
	select {
	case err := <-begun:
		return err
	case <-ctx.Done():
		_ = cmd.Process.Signal(syscall.SIGTERM)
		return ctx.Err()
	}
}

// watchEnded tells that the process of the watch is no more.
const watchEnded = "WATCH_ENDED=1"

// begins waits until the watch has begun or ended, whichever is told first.
func begins(told net.Conn) error {
	buffer := make([]byte, 4096)
	for {
		n, err := told.Read(buffer)
		switch text := string(buffer[:n]); {
		case err != nil:
			return err
		case strings.Contains(text, supervise.ReadyState):
			return nil
		case text == watchEnded:
			return errors.New("the watch ended before it began")
		}
	}
}
