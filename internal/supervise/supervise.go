// Package supervise starts, watches and stops the services of a host that has no
// systemd: the roles of clusterd, and in a lab host whatever else a unit names.
//
// A service is ready when it says so (READY=1 to NOTIFY_SOCKET, as systemd's
// Type=notify) or, for others, once it runs. Stopping ends its main process
// only: what a cluster started goes on running. The supervisor listens on a unix
// socket; Call is the other end of it, and the systemctl of a lab host uses that.
package supervise

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Socket is where a host's supervisor listens.
const Socket = "/run/hacluster/supervisor.sock"

// Unit is a service as it is configured.
type Unit struct {
	// Name ends with "@" for a template: "booth@" runs as "booth@NAME", and %i in Argv is NAME. It is there where its
	// program is, for it belongs to another package.
	Name string
	Argv []string
	Env  []string // added to the supervisor's own
	// Notify: the service tells when it is ready.
	Notify bool
	// Requires are started before it; when one of them stops, it is stopped first.
	Requires []string
	// Restart starts it again, after RestartDelay, when it ends with an error or by a signal.
	Restart      bool
	RestartDelay time.Duration
	// Final are exit codes that say that it must stay down; 100 says so of every unit.
	Final []int
	// StartLimit and StopLimit are how long it may take; 0 is 90 seconds.
	StartLimit, StopLimit time.Duration
	// AliveLimit is how long a service that told it is ready may be silent (WATCHDOG=1) before it is killed; 0: for ever.
	AliveLimit time.Duration
	// Log is the file that its output goes to; "" is the supervisor's own output.
	Log string
}

// Request is one order; Verb is start, stop, kill, enable, disable, status or list.
type Request struct {
	Verb string `json:"verb"`
	Unit string `json:"unit"`
}

// Reply answers a Request. Error is empty when it was carried out.
type Reply struct {
	Error   string   `json:"error,omitempty"`
	Unknown bool     `json:"unknown,omitempty"` // there is no such unit
	States  []Status `json:"states,omitempty"`
}

// Status is the state of a unit.
type Status struct {
	Name    string `json:"name"`
	State   string `json:"state"` // inactive, activating, active, deactivating, failed
	PID     int    `json:"pid,omitempty"`
	Enabled bool   `json:"enabled"`
}

// refusal is an order that was not carried out, in systemctl's words.
type refusal string

func (r refusal) Error() string { return string(r) }

func refuse(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// Supervisor runs the units of one host.
type Supervisor struct {
	// Units in the order in which they are started.
	Units []Unit
	// Enabled is the folder that holds a file for each unit that starts with the host.
	Enabled string
	// Dir holds the sockets; it is made where it is missing.
	Dir string
	Log *slog.Logger
	// Reaper is set where the supervisor is a host's first process: it then also
	// takes the ends of orphans.
	Reaper bool

	mu      sync.Mutex
	states  map[string]*state
	ending  bool
	waiters map[int]chan syscall.WaitStatus
}

type state struct {
	unit     Unit
	status   string
	pid      int
	ended    chan struct{} // closed when the present process has ended
	stopping bool
	starts   []time.Time
	op       sync.Mutex // one start or stop at a time
}

// Run serves until ctx ends; then all units are stopped, the last started first.
// ready is called when orders are taken and the enabled units have been started.
func (s *Supervisor) Run(ctx context.Context, ready func()) error {
	s.states = map[string]*state{}
	s.waiters = map[int]chan syscall.WaitStatus{}
	for _, u := range s.Units {
		if strings.HasSuffix(u.Name, "@") {
			continue
		}
		s.states[u.Name] = &state{unit: u, status: "inactive"}
	}
	for _, d := range []string{s.Dir, s.Enabled} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	path := filepath.Join(s.Dir, filepath.Base(Socket))
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("supervisor: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { s.serve(ctx, c) })
		}
	})
	for _, name := range s.names() {
		if s.enabled(name) {
			if err := s.start(ctx, name); err != nil {
				s.Log.Error("start at boot", "unit", name, "err", err)
			}
		}
	}
	if ready != nil {
		ready()
	}
	<-ctx.Done()
	s.mu.Lock()
	s.ending = true
	s.mu.Unlock()
	for _, name := range slices.Backward(s.names()) {
		if err := s.stop(name); err != nil {
			s.Log.Error("stop at the end", "unit", name, "err", err)
		}
	}
	err = l.Close()
	conns.Wait()
	return err
}

func (s *Supervisor) serve(ctx context.Context, c net.Conn) {
	defer c.Close()
	var req Request
	if err := json.NewDecoder(bufio.NewReader(c)).Decode(&req); err != nil {
		return
	}
	reply := s.handle(ctx, req)
	if err := json.NewEncoder(c).Encode(reply); err != nil {
		s.Log.Warn("answer", "verb", req.Verb, "unit", req.Unit, "err", err)
	}
}

func (s *Supervisor) handle(ctx context.Context, req Request) Reply {
	if req.Verb == "list" {
		var r Reply
		for _, name := range s.names() {
			r.States = append(r.States, s.Status(name))
		}
		return r
	}
	if s.state(req.Unit) == nil {
		return Reply{Unknown: true, Error: fmt.Sprintf("Unit %s.service not found.", req.Unit)}
	}
	var err error
	switch req.Verb {
	case "start":
		err = s.start(ctx, req.Unit)
	case "stop":
		err = s.stop(req.Unit)
	case "kill":
		err = s.kill(req.Unit)
	case "enable":
		err = os.WriteFile(filepath.Join(s.Enabled, req.Unit), nil, 0o644)
	case "disable":
		if err = os.Remove(filepath.Join(s.Enabled, req.Unit)); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	case "status":
	default:
		err = fmt.Errorf("unknown verb %q", req.Verb)
	}
	r := Reply{States: []Status{s.Status(req.Unit)}}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

// Status tells the state of a unit; State is "" for an unknown one.
func (s *Supervisor) Status(name string) Status {
	st := s.state(name)
	if st == nil {
		return Status{Name: name}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return Status{Name: name, State: st.status, PID: st.pid, Enabled: s.enabled(name)}
}

// state is that of a unit, nil where there is no such unit. That of a template's instance begins when it is first asked for.
func (s *Supervisor) state(name string) *state {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.states[name]; st != nil {
		return st
	}
	template, instance, is := strings.Cut(name, "@")
	if !is || instance == "" || strings.Contains(name, "/") {
		return nil
	}
	for _, u := range s.Units {
		if u.Name != template+"@" {
			continue
		}
		if _, err := os.Stat(u.Argv[0]); err != nil {
			return nil
		}
		u.Name, u.Argv = name, slices.Clone(u.Argv)
		for i, a := range u.Argv {
			u.Argv[i] = strings.ReplaceAll(a, "%i", instance)
		}
		st := &state{unit: u, status: "inactive"}
		s.states[name] = st
		return st
	}
	return nil
}

// names are the units that there are, in their order: of a template those instances that are enabled or were asked for.
func (s *Supervisor) names() []string {
	var out []string
	for _, u := range s.Units {
		if !strings.HasSuffix(u.Name, "@") {
			out = append(out, u.Name)
			continue
		}
		var instances []string
		files, _ := os.ReadDir(s.Enabled)
		for _, f := range files {
			instances = append(instances, f.Name())
		}
		s.mu.Lock()
		instances = slices.AppendSeq(instances, maps.Keys(s.states))
		s.mu.Unlock()
		slices.Sort(instances)
		for _, n := range slices.Compact(instances) {
			if strings.HasPrefix(n, u.Name) && s.state(n) != nil {
				out = append(out, n)
			}
		}
	}
	return out
}

func (s *Supervisor) enabled(name string) bool {
	_, err := os.Stat(filepath.Join(s.Enabled, name))
	return err == nil
}

func (s *Supervisor) start(ctx context.Context, name string) error {
	st := s.state(name)
	if st == nil {
		return refuse("Unit %s.service not found.", name)
	}
	for _, r := range st.unit.Requires {
		if err := s.start(ctx, r); err != nil {
			return refuse("A dependency job for %s.service failed: %v", name, err)
		}
	}
	st.op.Lock()
	defer st.op.Unlock()
	s.mu.Lock()
	running, ending := st.pid != 0, s.ending
	s.mu.Unlock()
	if running {
		return nil
	}
	if ending {
		return errors.New("the host is going down")
	}
	return s.launch(ctx, st)
}

// launch starts the process of a unit and waits until it is ready. st.op is held.
func (s *Supervisor) launch(ctx context.Context, st *state) error {
	u := st.unit
	cmd := exec.Command(u.Argv[0], u.Argv[1:]...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), OfManager), u.Env...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if u.Log != "" {
		if err := os.MkdirAll(filepath.Dir(u.Log), 0o755); err != nil {
			return err
		}
		f, err := os.OpenFile(u.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
		if err != nil {
			return err
		}
		defer f.Close()
		cmd.Stdout, cmd.Stderr = f, f
	}
	words, err := s.listen(&u, cmd)
	if err != nil {
		return err
	}
	noted, ended := make(chan struct{}), make(chan struct{})
	var end syscall.WaitStatus
	if err := s.spawn(cmd, func(ws syscall.WaitStatus) {
		<-noted // a process may end before its start was noted
		words.close()
		end = ws
		s.ended(ctx, st, ws)
		close(ended)
	}); err != nil {
		words.close()
		return fmt.Errorf("%s: %w", u.Argv[0], err)
	}
	s.mu.Lock()
	st.pid, st.status, st.ended, st.stopping = cmd.Process.Pid, "activating", ended, false
	st.starts = append(st.starts, time.Now())
	s.mu.Unlock()
	close(noted)
	limit := u.StartLimit
	if limit == 0 {
		limit = 90 * time.Second
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-words.ready:
		s.mu.Lock()
		if st.status == "activating" {
			st.status = "active"
		}
		s.mu.Unlock()
		if u.AliveLimit > 0 {
			go s.watch(st, cmd.Process.Pid, words, ended)
		}
		return nil
	case <-ended:
		return refuse("Job for %s.service failed because the control process exited with error code (%s).%s", u.Name, describe(end), u.seeLog())
	case <-timer.C:
		_ = cmd.Process.Kill()
		<-ended
		return refuse("Job for %s.service failed because a timeout was exceeded.%s", u.Name, u.seeLog())
	}
}

// seeLog says where the service told why it failed.
func (u *Unit) seeLog() string {
	if u.Log == "" {
		return ""
	}
	return "\nSee " + u.Log + " for details."
}

func describe(ws syscall.WaitStatus) string {
	if ws.Signaled() {
		return "signal: " + ws.Signal().String()
	}
	return fmt.Sprintf("exit code %d", ws.ExitStatus())
}

// final tells whether a process's end says that the service must stay down.
func (u *Unit) final(ws syscall.WaitStatus) bool {
	return ws.Exited() && (ws.ExitStatus() == 100 || slices.Contains(u.Final, ws.ExitStatus()))
}

// ended takes note of a process's end, and starts it again where the unit asks for it.
func (s *Supervisor) ended(ctx context.Context, st *state, ws syscall.WaitStatus) {
	s.mu.Lock()
	wanted := st.stopping || ws.Exited() && ws.ExitStatus() == 0
	st.pid = 0
	st.status = "inactive"
	if !wanted {
		st.status = "failed"
	}
	recent := 0
	for _, t := range st.starts {
		if time.Since(t) < 10*time.Second {
			recent++
		}
	}
	if len(st.starts) > 20 {
		st.starts = slices.Clone(st.starts[len(st.starts)-20:])
	}
	again := st.unit.Restart && !wanted && !s.ending && recent < 5 && !st.unit.final(ws)
	s.mu.Unlock()
	if !wanted {
		s.Log.Warn("service ended", "unit", st.unit.Name, "how", describe(ws), "restart", again)
	}
	if again {
		go func() {
			select {
			case <-time.After(st.unit.RestartDelay):
			case <-ctx.Done():
				return
			}
			s.mu.Lock()
			wanted := !st.stopping
			s.mu.Unlock()
			if !wanted {
				return
			}
			if err := s.start(ctx, st.unit.Name); err != nil {
				s.Log.Error("restart", "unit", st.unit.Name, "err", err)
			}
		}()
	}
}

func (s *Supervisor) stop(name string) error {
	st := s.state(name)
	if st == nil {
		return nil
	}
	for _, u := range s.Units {
		if slices.Contains(u.Requires, name) {
			if err := s.stop(u.Name); err != nil {
				return err
			}
		}
	}
	s.mu.Lock()
	st.stopping = true
	pid, ended := st.pid, st.ended
	if pid != 0 {
		st.status = "deactivating"
	} else if st.status == "failed" {
		st.status = "inactive"
	}
	s.mu.Unlock()
	if pid == 0 {
		return nil
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	limit := st.unit.StopLimit
	if limit == 0 {
		limit = 90 * time.Second
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ended:
		return nil
	case <-timer.C:
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	<-ended
	return fmt.Errorf("%s did not stop within %s and was killed", name, limit)
}

// kill ends a unit's process at once, as a fault would: it is started again where the unit says so.
func (s *Supervisor) kill(name string) error {
	pid := s.Status(name).PID
	if pid == 0 {
		return refuse("Failed to kill unit %s.service: No main process to kill", name)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// spawn starts a process; done hears how it ended. A host's first process must
// take the ends of all processes itself, so that one place waits for both kinds.
func (s *Supervisor) spawn(cmd *exec.Cmd, done func(syscall.WaitStatus)) error {
	if !s.Reaper {
		if err := cmd.Start(); err != nil {
			return err
		}
		go func() {
			_ = cmd.Wait()
			ws, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
			done(ws)
		}()
		return nil
	}
	ch := make(chan syscall.WaitStatus, 1)
	s.mu.Lock() // held over the start, so that Reap cannot meet a child that has no waiter yet
	err := cmd.Start()
	if err == nil {
		s.waiters[cmd.Process.Pid] = ch
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	go func() { done(<-ch) }()
	return nil
}

// Reap takes the ends of all processes until there are none left to wait for; a
// host's first process calls it whenever a SIGCHLD came.
func (s *Supervisor) Reap() {
	for {
		var ws syscall.WaitStatus
		s.mu.Lock()
		pid, err := syscall.Wait4(-1, &ws, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			s.mu.Unlock()
			continue
		}
		if err != nil || pid <= 0 {
			s.mu.Unlock()
			return
		}
		ch := s.waiters[pid]
		delete(s.waiters, pid)
		s.mu.Unlock()
		if ch != nil {
			ch <- ws
		}
	}
}

// Call sends one order to the supervisor that listens at socket.
func Call(ctx context.Context, socket string, req Request) (Reply, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return Reply{}, fmt.Errorf("the host's supervisor does not answer: %w", err)
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	if err := json.NewEncoder(c).Encode(req); err != nil {
		return Reply{}, err
	}
	var r Reply
	if err := json.NewDecoder(c).Decode(&r); err != nil {
		return Reply{}, fmt.Errorf("the host's supervisor gave no answer: %w", err)
	}
	return r, nil
}
