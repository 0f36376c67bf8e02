package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Up brings a lab up. A lab of this name that is up is an error; what a lab that
// crashed left behind is cleared first.
func Up(ctx context.Context, cfg Config) error {
	if err := cfg.check(); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("only root brings a lab up, if need be of a user namespace")
	}
	self := os.Getenv("HACLUSTER_CLUSTERD") // for programs that are not clusterd themselves
	var err error
	if self == "" {
		if self, err = os.Executable(); err != nil {
			return err
		}
	}
	if self, err = filepath.EvalSymlinks(self); err != nil {
		return err
	}
	if cfg.Programs == "" {
		cfg.Programs = filepath.Dir(self)
	}
	d := dir(cfg.Name)
	if err := os.MkdirAll(d, 0o755); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(d, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("lab %s is up already; `clusterd lab down` ends it", cfg.Name)
	}
	if err := clear(d); err != nil {
		return fmt.Errorf("clear what a lab left behind: %w", err)
	}
	config, err := json.Marshal(cfg)
	if err != nil {
		return err
	}
	logFile, err := os.Create(filepath.Join(d, "log"))
	if err != nil {
		return err
	}
	defer logFile.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.Command(self, "lab-daemon", cfg.Name) // the name is for who reads a list of processes
	cmd.Dir = "/"
	stdin, err := os.CreateTemp(d, "config")
	if err != nil {
		return errors.Join(err, w.Close())
	}
	defer stdin.Close()
	if _, err := stdin.Write(config); err != nil {
		return errors.Join(err, w.Close())
	}
	if _, err := stdin.Seek(0, io.SeekStart); err != nil {
		return errors.Join(err, w.Close())
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, logFile, logFile
	// The daemon holds the lock for as long as it lives: the file is open in it.
	cmd.ExtraFiles = []*os.File{w, lock}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS}
	err = cmd.Start()
	_ = w.Close()
	if err != nil {
		return fmt.Errorf("start the lab's daemon: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	said, err := io.ReadAll(r)
	if text := strings.TrimSpace(string(said)); text != "ready" {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		err = errors.Join(err, ctx.Err(), clear(d))
		more, _ := os.ReadFile(filepath.Join(d, "log"))
		return fmt.Errorf("lab %s did not come up: %s %s %w", cfg.Name, text, bytes.TrimSpace(more), errors.Join(err, os.RemoveAll(d)))
	}
	return cmd.Process.Release()
}

// clear removes what is in a lab's folder but its lock and log.
func clear(d string) error {
	names, err := os.ReadDir(d)
	if err != nil {
		return err
	}
	for _, n := range names {
		switch n.Name() {
		case "lock", "log":
		default:
			if err := os.RemoveAll(filepath.Join(d, n.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// Down ends a lab and removes all that it left; one that is not up is no error.
func Down(ctx context.Context, name string) error {
	d := dir(name)
	lock, err := os.OpenFile(filepath.Join(d, "lock"), os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return os.RemoveAll(d)
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	if _, err := ask(filepath.Join(d, "sock"), order{Verb: "down"}); err != nil && !errors.Is(err, errNotUp) {
		return err
	}
	// The lock is free once the daemon has ended.
	for unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err := os.RemoveAll(d); err != nil {
		return err
	}
	_ = os.Remove(root()) // only when it was the last lab
	return nil
}

// Environment is what a command in a host finds.
func Environment(terminal string) []string {
	if terminal == "" {
		terminal = "dumb"
	}
	return []string{"PATH=" + Path, "HOME=/root", "LANG=C.UTF-8", "TERM=" + terminal, "USER=root", "LOGNAME=root", "SHELL=/bin/bash"}
}

// Exec runs a command in a host with the caller's standard streams, its terminal
// too, and gives its exit code: 128 plus the signal's number when a signal ended it,
// 127 when there is no such program. When ctx ends, so does the command, by force.
func Exec(ctx context.Context, name, host string, argv []string, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	cfg, err := Ask(ctx, name, "status", "")
	if err != nil {
		return 0, err
	}
	i, err := cfg.find(host)
	if err != nil {
		return 0, err
	}
	h := cfg.Hosts[i]
	if h.State == "off" {
		return 0, fmt.Errorf("host %s is off; `clusterd lab start %s` turns it on", h.Name, h.Name)
	}
	type started struct {
		cmd *exec.Cmd
		err error
	}
	ch := make(chan started)
	go func() {
		// This thread takes on the host's namespaces; it is thrown away with them.
		runtime.LockOSThread()
		err := enter(h.PID)
		var cmd *exec.Cmd
		if err == nil {
			cmd, err = command(argv, stdin, stdout, stderr)
			if err == nil {
				err = cmd.Start()
			}
		}
		ch <- started{cmd, err}
	}()
	s := <-ch
	if s.err != nil {
		if errors.Is(s.err, fs.ErrNotExist) {
			fmt.Fprintf(stderr, "%s: command not found\n", argv[0])
			return 127, nil
		}
		return 0, s.err
	}
	sigs := make(chan os.Signal, 4)
	signal.Notify(sigs, syscall.SIGTERM, syscall.SIGHUP)
	defer close(sigs)
	defer signal.Stop(sigs)
	go func() {
		for g := range sigs {
			_ = s.cmd.Process.Signal(g)
		}
	}()
	stop := context.AfterFunc(ctx, func() { _ = s.cmd.Process.Kill() })
	defer stop()
	_ = s.cmd.Wait()
	ws, _ := s.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return ws.ExitStatus(), nil
}

// enter moves the present thread into the namespaces of a process.
func enter(pid int) error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return err
	}
	var fds []int
	kinds := []struct {
		name string
		flag int
	}{{"net", unix.CLONE_NEWNET}, {"uts", unix.CLONE_NEWUTS}, {"ipc", unix.CLONE_NEWIPC}, {"pid", unix.CLONE_NEWPID}, {"mnt", unix.CLONE_NEWNS}}
	for _, k := range kinds {
		at := fmt.Sprintf("/proc/%d/ns/%s", pid, k.name)
		if k.name == "pid" {
			at += "_for_children"
		}
		fd, err := unix.Open(at, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("enter the host: %w", err)
		}
		defer unix.Close(fd)
		fds = append(fds, fd)
	}
	for i, k := range kinds {
		if err := unix.Setns(fds[i], k.flag); err != nil {
			return fmt.Errorf("enter the host's %s namespace: %w", k.name, err)
		}
	}
	return nil
}

// command prepares argv as it is found in the host; the thread is in there.
func command(argv []string, stdin io.Reader, stdout, stderr io.Writer) (*exec.Cmd, error) {
	path := argv[0]
	if !strings.Contains(path, "/") {
		for d := range strings.SplitSeq(Path, ":") {
			at := filepath.Join(d, argv[0])
			if fi, err := os.Stat(at); err == nil && !fi.IsDir() && fi.Mode()&0o111 != 0 {
				path = at
				break
			}
		}
		if path == argv[0] {
			return nil, fs.ErrNotExist
		}
	}
	return &exec.Cmd{
		Path: path, Args: argv, Env: Environment(os.Getenv("TERM")), Dir: "/root",
		Stdin: stdin, Stdout: stdout, Stderr: stderr,
		// What a command leaves running holds its output open; that is not waited for.
		WaitDelay: 200 * time.Millisecond,
	}, nil
}
