package ocf

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// An agent belongs to nobody: when the daemon that wanted it is killed, it does its work all the same. The daemon that is started
// next knows nothing of it, and a probe while a service is coming up would find that it does not run. So what changes a resource
// is noted in a file while its agent runs, and whoever is to do something with that resource next waits for its end.

// begun notes that an agent runs that changes a resource; the function that it gives takes the note away.
func (h *Host) begun(a Action, pid int) func() {
	if !h.notes(a) {
		return func() {}
	}
	file := h.note(a.Resource)
	deadline := int64(0)
	if a.Timeout > 0 {
		deadline = time.Now().Add(a.Timeout).Unix() + 1
	}
	text := fmt.Sprintf("%d %s %d\n", pid, born(pid), deadline)
	if err := os.MkdirAll(h.RunDir, 0o755); err != nil {
		return func() {}
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return func() {}
	}
	return func() { _ = os.Remove(file) }
}

// notes tells whether an action is one that is noted.
func (h *Host) notes(a Action) bool {
	if h.RunDir == "" || a.Resource == "" || a.Class == Stonith {
		return false
	}
	switch a.Name {
	case "start", "stop", "promote", "demote", "migrate_to", "migrate_from", "reload", "reload-agent":
		return true
	}
	return false
}

func (h *Host) note(resource string) string {
	return filepath.Join(h.RunDir, url.PathEscape(resource))
}

// awaitEarlier waits for the end of an agent that another process has begun for a resource; one that takes longer than it may is killed.
func (h *Host) awaitEarlier(a Action) {
	if h.RunDir == "" || a.Resource == "" || a.Class == Stonith {
		return
	}
	file := h.note(a.Resource)
	text, err := os.ReadFile(file)
	if err != nil {
		return
	}
	f := strings.Fields(string(text))
	if len(f) == 3 {
		pid, err := strconv.Atoi(f[0])
		deadline, err2 := strconv.ParseInt(f[2], 10, 64)
		if err == nil && err2 == nil && pid > 1 && f[1] == born(pid) {
			awaitEnd(pid, deadline)
		}
	}
	_ = os.Remove(file)
}

// awaitEnd waits for the end of a process, the leader of its group, which is killed at a time in seconds since 1970; 0: not.
func awaitEnd(pid int, deadline int64) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return // it is gone
	}
	defer unix.Close(fd)
	for killed := false; ; {
		wait := -1
		if deadline > 0 && !killed {
			wait = max(0, int(min(time.Until(time.Unix(deadline, 0)).Milliseconds(), 1<<30)))
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, wait)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil || n > 0:
			return
		case !killed:
			killed = true
			_ = syscall.Kill(-pid, syscall.SIGKILL)
		}
	}
}

// born is when a process began, in ticks since the machine was started, which tells it from a later one of the same number; "" when
// there is none.
func born(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// After the name in brackets, which may hold anything, come state, parent …: it is the 22nd of all.
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(f) < 20 || string(f[0]) == "Z" {
		return ""
	}
	return string(f[19])
}
