package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Who is not root is root of a lab of their own: in a user namespace that has
// a range of ids. It is made as containers make theirs, with newuidmap and
// newgidmap, which know from /etc/subuid and /etc/subgid who may have which ids.

// inUserNamespace tells whether this process is root of a user namespace only.
func inUserNamespace() bool {
	data, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(string(data)), " ") != "0 0 4294967295"
}

// AsRoot sees to it that a command of the lab is carried out by root, where the
// present user is not: it starts this program again as root of the user namespace
// that the lab of this name has, or of a new one. ran tells that this was done; the
// caller then ends with code.
func AsRoot(ctx context.Context, name string) (ran bool, code int, err error) {
	if os.Geteuid() == 0 {
		return false, 0, nil
	}
	ns, err := userNamespace(ctx, name)
	if err != nil {
		return true, 1, fmt.Errorf("a lab needs root, or a user namespace with a range of ids: %w", err)
	}
	defer ns.Close()
	nsenter, err := exec.LookPath("nsenter")
	if err != nil {
		return true, 1, missing("nsenter", "util-linux")
	}
	self, err := os.Executable()
	if err != nil {
		return true, 1, err
	}
	args := append([]string{fmt.Sprintf("--user=/proc/%d/fd/%d", os.Getpid(), ns.Fd()), "-S", "0", "-G", "0", "--", self}, os.Args[1:]...)
	cmd := exec.Command(nsenter, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "HACLUSTER_LAB_DIR="+root())
	if err := cmd.Start(); err != nil {
		return true, 1, err
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
	defer signal.Stop(signals)
	go func() {
		for s := range signals {
			if s != syscall.SIGINT { // a terminal tells them both
				_ = cmd.Process.Signal(s)
			}
		}
	}()
	_ = cmd.Wait()
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return true, 128 + int(ws.Signal()), nil
	}
	return true, cmd.ProcessState.ExitCode(), nil
}

func missing(program, pkg string) error {
	return fmt.Errorf("%s is not installed (Debian: package %s)", program, pkg)
}

// userNamespace opens the namespace of the lab that is up, or makes one.
func userNamespace(ctx context.Context, name string) (*os.File, error) {
	if cfg, err := Ask(ctx, name, "status", ""); err == nil {
		for _, h := range cfg.Hosts {
			if h.PID != 0 {
				return os.Open(fmt.Sprintf("/proc/%d/ns/user", h.PID))
			}
		}
	}
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	uids, err := idRange("/etc/subuid", me.Username, me.Uid)
	if err != nil {
		return nil, err
	}
	gids, err := idRange("/etc/subgid", me.Username, me.Uid)
	if err != nil {
		return nil, err
	}
	var helpers [2]string
	for i, h := range []string{"newuidmap", "newgidmap"} {
		if helpers[i], err = exec.LookPath(h); err != nil {
			return nil, missing(h, "uidmap")
		}
	}
	// A process holds the namespace until its ids are mapped and it is open here.
	hold := exec.Command("cat")
	hold.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}
	stdin, err := hold.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := hold.Start(); err != nil {
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EUSERS) {
			err = fmt.Errorf("the kernel lets you make no user namespace (%w); see the settings kernel.unprivileged_userns_clone, "+
				"kernel.apparmor_restrict_unprivileged_userns and user.max_user_namespaces", err)
		}
		return nil, err
	}
	defer func() {
		_ = stdin.Close()
		_ = hold.Wait()
	}()
	pid := strconv.Itoa(hold.Process.Pid)
	for i, m := range []struct {
		own string
		ids idSpan
	}{{me.Uid, uids}, {me.Gid, gids}} {
		out, err := exec.CommandContext(ctx, helpers[i], pid, "0", m.own, "1", "1", m.ids.first, m.ids.count).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %s", helpers[i], err, strings.TrimSpace(string(out)))
		}
	}
	return os.Open("/proc/" + pid + "/ns/user")
}

type idSpan struct{ first, count string }

// leastIDs is how many ids a host needs: those that its files' and services' owners have.
const leastIDs = 1000

// idRange finds the ids that a user may give away, by name or number.
func idRange(file, name, uid string) (idSpan, error) {
	f, err := os.Open(file)
	if err == nil {
		defer f.Close()
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			w := strings.Split(strings.TrimSpace(lines.Text()), ":")
			if len(w) != 3 || w[0] != name && w[0] != uid {
				continue
			}
			if n, err := strconv.Atoi(w[2]); err == nil && n >= leastIDs {
				return idSpan{w[1], w[2]}, nil
			}
		}
	}
	option := "--add-" + filepath.Base(file) + "s"
	return idSpan{}, fmt.Errorf("%s has no range of at least %d ids for %s; root gives one with `usermod %s 100000-165535 %s`", file, leastIDs, name, option, name)
}
