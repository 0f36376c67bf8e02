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
	"hacluster/ocf"
)

const (
	// maxWaiting is how many calls may wait for one recipient; more are dropped, with a word in the log.
	maxWaiting = 500
	// patience is how long a call waits for the one before it to the same recipient: who tells quickly is told in order, and an
	// agent that hangs does not keep the next event from anybody.
	patience = time.Second
	// maxCalls is how many agents of a node run at the same time.
	maxCalls = 100
	// lastCalls is how long a node that ends waits until all is told that happened.
	lastCalls = 10 * time.Second
)

// callers call alert agents: those of one recipient one after another, in the order of
// the events, unless one takes long; those of different recipients beside each other.
type callers struct {
	mu      sync.Mutex
	queue   map[string][]alert.Run // by recipient; a key stands while its worker runs
	running chan struct{}          // full when maxCalls run
	ends    chan struct{}          // closed when the node ends
	workers sync.WaitGroup
}

func newCallers() *callers {
	return &callers{queue: map[string][]alert.Run{}, running: make(chan struct{}, maxCalls), ends: make(chan struct{})}
}

// RunAlert calls an alert agent.
func (w *world) RunAlert(r alert.Run) {
	key := r.Alert + "\x00" + r.Recipient
	c := w.callers
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting, works := c.queue[key]
	if len(waiting) >= maxWaiting {
		w.log.Warn("an alert is dropped: its agent does not keep up", "alert", r.Alert, "recipient", r.Recipient)
		return
	}
	c.queue[key] = append(waiting, r)
	if !works {
		c.workers.Add(1)
		go w.callInOrder(key)
	}
}

func (w *world) callInOrder(key string) {
	c := w.callers
	defer c.workers.Done()
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
		c.running <- struct{}{}
		ended := make(chan struct{})
		go func() {
			defer func() { <-c.running; close(ended) }()
			w.callAgent(r)
		}()
		late := time.NewTimer(patience)
		select {
		case <-ended:
		case <-late.C:
		case <-c.ends:
		}
		late.Stop()
	}
}

// end has all agents called that wait to be; those that run go on.
func (c *callers) end() {
	close(c.ends)
	called := make(chan struct{})
	go func() {
		c.workers.Wait()
		close(called)
	}()
	limit := time.NewTimer(lastCalls)
	defer limit.Stop()
	select {
	case <-called:
	case <-limit.C:
	}
}

// callAgent runs an agent as hacluster, without any right of this process beyond that, and else as agents of resources are run.
func (w *world) callAgent(r alert.Run) {
	ctx, cancel := context.WithTimeout(context.Background(), r.Timeout)
	defer cancel()
	h := w.agents.host
	cmd := exec.CommandContext(ctx, r.Path)
	cmd.Env = append(h.Environment(), r.Env...)
	cmd.Dir = h.Dir()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 && w.cfg.Owner > 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(w.cfg.Owner), Gid: uint32(max(w.cfg.Group, 0))}
	}
	// Whatever it started ends with it when it takes too long.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	// What it left running in the background holds its output open; that is not waited for.
	cmd.WaitDelay = 200 * time.Millisecond
	var out bytes.Buffer
	limited := &limitedWriter{w: &out, left: 4096}
	cmd.Stdout, cmd.Stderr = limited, limited
	err := errors.New("it is no path from the root")
	if r.Runnable() {
		if err = ocf.Start(cmd, h.Umask); err == nil {
			err = cmd.Wait()
		}
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		w.log.Warn("an alert agent took too long", "alert", r.Alert, "recipient", r.Recipient, "agent", r.Path, "timeout", r.Timeout)
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
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
