package supervise

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// words is what a service tells its supervisor.
type words struct {
	ready chan struct{} // closed when it told that it is ready, or at once where it tells nothing
	alive atomic.Bool   // it told that it is alive since this was last looked at
	close func()
}

// listen opens the socket that a service tells its state to, and names it in the environment of its command.
func (s *Supervisor) listen(u *Unit, cmd *exec.Cmd) (*words, error) {
	w := &words{ready: make(chan struct{}), close: func() {}}
	if !u.Notify {
		close(w.ready)
		return w, nil
	}
	path := filepath.Join(s.Dir, u.Name+".notify")
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	w.close = func() {
		_ = l.Close()
		_ = os.Remove(path)
	}
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+path)
	if u.AliveLimit > 0 {
		cmd.Env = append(cmd.Env, fmt.Sprintf("WATCHDOG_USEC=%d", u.AliveLimit.Microseconds()))
	}
	go w.hear(l)
	return w, nil
}

// hear takes what a service tells until its socket is closed.
func (w *words) hear(l *net.UnixConn) {
	buf, told := make([]byte, 4096), false
	for {
		n, _, err := l.ReadFromUnix(buf)
		if err != nil {
			return
		}
		states := strings.Split(string(buf[:n]), "\n")
		if slices.Contains(states, AliveState) {
			w.alive.Store(true)
		}
		if !told && slices.Contains(states, ReadyState) {
			told = true
			close(w.ready)
		}
	}
}

// looks is how often a service is looked at within its AliveLimit. They are counted, and not the time between them: while the whole host
// stands still nobody looks, and nobody is to be killed for it.
const looks = 12

// watch kills a service that stands still, for it to be started again. A service that is being stopped has its StopLimit.
func (s *Supervisor) watch(st *state, pid int, w *words, ended <-chan struct{}) {
	t := time.NewTicker(st.unit.AliveLimit / looks)
	defer t.Stop()
	for silent := 0; silent < looks; silent++ {
		select {
		case <-t.C:
		case <-ended:
			return
		}
		if w.alive.Swap(false) {
			silent = -1
		}
	}
	s.mu.Lock()
	still := st.pid == pid && !st.stopping
	s.mu.Unlock()
	if !still {
		return
	}
	s.Log.Error("service stands still and is killed", "unit", st.unit.Name, "pid", pid, "silent", st.unit.AliveLimit)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		s.Log.Error("kill", "unit", st.unit.Name, "pid", pid, "err", err)
	}
}
