package node

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"hacluster/engine/alert"
)

// maxWaiting is how many calls may wait for one recipient; more are dropped, with a word in the log.
const maxWaiting = 500

// callers call alert agents: those of one recipient one after another, in the order of
// the events; those of different recipients beside each other.
type callers struct {
	mu    sync.Mutex
	queue map[string][]alert.Run // by recipient; a key stands while its worker runs
}

// RunAlert calls an alert agent.
func (w *world) RunAlert(r alert.Run) {
	key := r.Alert + "\x00" + r.Recipient
	c := &w.callers
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queue == nil {
		c.queue = map[string][]alert.Run{}
	}
	waiting, works := c.queue[key]
	if len(waiting) >= maxWaiting {
		w.log.Warn("an alert is dropped: its agent does not keep up", "alert", r.Alert, "recipient", r.Recipient)
		return
	}
	c.queue[key] = append(waiting, r)
	if !works {
		go w.callInOrder(key)
	}
}

func (w *world) callInOrder(key string) {
	c := &w.callers
	for {
		c.mu.Lock()
		waiting := c.queue[key]
		if len(waiting) == 0 {
			delete(c.queue, key)
			c.mu.Unlock()
			return
		}
		r := waiting[0]
		c.queue[key] = waiting[1:]
		c.mu.Unlock()
		w.callAgent(r)
	}
}

// callAgent runs an agent as hacluster, without any right of this process beyond that.
func (w *world) callAgent(r alert.Run) {
	ctx, cancel := context.WithTimeout(context.Background(), r.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.Path)
	cmd.Env = append([]string{"PATH=/sbin:/bin:/usr/sbin:/usr/bin", "LC_ALL=C"}, r.Env...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 && w.cfg.Owner > 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(w.cfg.Owner), Gid: uint32(max(w.cfg.Group, 0))}
	}
	// Whatever it started ends with it when it takes too long.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	limited := &limitedWriter{w: &out, left: 4096}
	cmd.Stdout, cmd.Stderr = limited, limited
	err := cmd.Run()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		w.log.Warn("an alert agent took too long", "alert", r.Alert, "recipient", r.Recipient, "agent", r.Path, "timeout", r.Timeout)
	case err != nil:
		w.log.Warn("an alert agent failed", "alert", r.Alert, "recipient", r.Recipient, "agent", r.Path, "err", err, "output", out.String())
	}
}

// limitedWriter keeps the beginning and drops the rest.
type limitedWriter struct {
	w    *bytes.Buffer
	left int
}

func (l *limitedWriter) Write(b []byte) (int, error) {
	n := min(len(b), l.left)
	l.w.Write(b[:n])
	l.left -= n
	return len(b), nil
}
