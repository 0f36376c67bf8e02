package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"hacluster/internal/program"
	"hacluster/internal/supervise"
)

// watchTool is sbd watch: it starts the service's process with what the options say in the place of its settings, and leaves
// it in the background once the watch has begun.
type watchTool struct {
	env      *program.Env
	settings []string // NAME=VALUE
	args     []string // of clusterd sbd
	counts   map[byte]int
	// command makes the process.
	command func(args ...string) (*exec.Cmd, error)
}

func newWatchTool(env *program.Env) *watchTool {
	return &watchTool{env: env, counts: map[byte]int{}, command: besideClusterd}
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

func (w *watchTool) set(name, value string) { w.settings = append(w.settings, name+"="+value) }

// option takes one option's value, number where it is one. Some turn something on, and off when they are given twice.
func (w *watchTool) option(letter byte, value string, number int) {
	w.counts[letter]++
	switch letter {
	case 'n':
		w.set("SBD_OPTS", "-n "+value)
	case 'p':
		w.set("SBD_PIDFILE", value)
	case 'w':
		w.set("SBD_WATCHDOG_DEV", value)
	case '1':
		w.set("SBD_WATCHDOG_TIMEOUT", strconv.Itoa(number))
	case 'r':
		w.set("SBD_TIMEOUT_ACTION", value)
	case 'S':
		w.set("SBD_STARTMODE", map[bool]string{true: "clean", false: "always"}[number != 0])
	case 's':
		w.args = append(w.args, "--startup", strconv.Itoa(number)+"s")
	case 'I':
		w.args = append(w.args, "--io", strconv.Itoa(number)+"s")
	case 'R':
		w.args = append(w.args, "--no-realtime")
	case 'v':
		w.set("PCMK_debug", "sbd")
	case 'C':
		w.args = append(w.args, "--crash-watchdog", strconv.Itoa(number)+"s")
	case '5':
		w.args = append(w.args, "--warn", strconv.Itoa(number)+"s")
	case 'F', 't':
		// How often processes are started again that look at disks: here they are none, and look on.
	}
}

// on tells whether an option that was given n times turns something on.
func on(n int) bool { return n%2 == 1 }

// run starts the watch over the slots of devices.
func (w *watchTool) run(ctx context.Context, devices []string) int {
	if n := w.counts['c']; n > 0 && !on(n) {
		return program.NotYet(w.env, "sbd watch with -c twice")
	}
	for _, o := range []struct {
		letter byte
		arg    string
	}{{'T', "--own-watchdog-timeout"}, {'z', "--cluster-first"}} {
		if w.counts[o.letter] > 0 {
			w.args = append(w.args, o.arg)
		}
	}
	if n := w.counts['Z']; n > 0 {
		w.args = append(w.args, "--trace", strconv.Itoa(n))
	}
	if n := w.counts['W']; n > 0 && !on(n) {
		w.set("SBD_WATCHDOG_DEV", "/dev/null")
	}
	if n := w.counts['P']; n > 0 {
		w.set("SBD_PACEMAKER", map[bool]string{true: "yes", false: "no"}[on(n)])
	}
	if len(devices) > 0 {
		w.set("SBD_DEVICE", strings.Join(devices, ";"))
	}
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
	cmd, err := w.command(append([]string{"sbd"}, w.args...)...)
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
