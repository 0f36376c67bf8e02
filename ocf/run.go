package ocf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Codes of OCF. An agent's exit codes are these; other classes are mapped.
const (
	CodeOK              = 0
	CodeError           = 1
	CodeInvalidParam    = 2
	CodeUnimplemented   = 3
	CodeInsufficient    = 4
	CodeNotInstalled    = 5
	CodeNotConfigured   = 6
	CodeNotRunning      = 7
	CodeRunningPromoted = 8
	CodeFailedPromoted  = 9
	CodeDegraded        = 190
	CodeDegradedPromo   = 191
	CodeUnknown         = 193
)

// Status tells how an action ended, apart from the agent's own code.
type Status int

// The states of an operation, as they stand in a CIB's history (op-status).
const (
	Pending      Status = -1
	Done         Status = 0
	Cancelled    Status = 1
	TimedOut     Status = 2
	Unsupported  Status = 3
	Failed       Status = 4
	HardFailed   Status = 5
	FatalFailed  Status = 6
	NotInstalled Status = 7
	NoSecrets    Status = 11
)

// SecretMagic is the value of a parameter whose true value is kept out of the configuration.
const SecretMagic = "lrm://"

// Param is a parameter of an action, in the order in which it was given.
type Param struct{ Name, Value string }

// Action is one thing that an agent is asked to do.
type Action struct {
	Agent
	Resource string  // the instance's id, OCF_RESOURCE_INSTANCE
	Name     string  // start, stop, monitor, promote, metadata …
	Params   []Param // OCF_RESKEY_name; for fence agents name=value on stdin
	Timeout  time.Duration
	// Recurring tells a repeated check: what is pending is told, not awaited.
	Recurring bool
	// KillProcessOnly leaves the agent's children alive when it takes too long (on-fail=block).
	KillProcessOnly bool
}

// Result is what came of an action.
type Result struct {
	Code   int // OCF code
	Status Status
	// Reason is what the agent said about it in an ocf-exit-reason line, or what we say.
	Reason         string
	Stdout, Stderr string // at most 10 MiB of each
	Duration       time.Duration
}

const keepOutput = 10 << 20

// limited keeps the first bytes of what is written to it.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if room := keepOutput - l.Len(); room > 0 {
		l.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// Run carries an action out and waits for its end. When ctx ends the agent is killed.
func (h *Host) Run(ctx context.Context, a Action) Result {
	begin := time.Now()
	res := h.run(ctx, a)
	res.Duration = time.Since(begin)
	return res
}

func (h *Host) run(ctx context.Context, a Action) Result {
	switch a.Class {
	case Service:
		a.Class = h.ClassOf(a.Agent)
		return h.run(ctx, a)
	case Systemd:
		return h.runSystemd(ctx, a)
	}
	argv, err := h.argv(a.Agent)
	if err != nil {
		where := a.Type
		if a.Class == LSB {
			where = h.initDir() + "/" + a.Type
		}
		return Result{Code: CodeNotInstalled, Status: NotInstalled, Reason: where + ": No such file or directory"}
	}
	params, err := h.reveal(a)
	if err != nil && a.Name != "stop" {
		// What cannot be started or checked for want of a secret can be stopped, perhaps.
		if a.Class == Stonith {
			return Result{Code: CodeError, Status: NoSecrets, Reason: "Failed to get CIB secrets", Stderr: err.Error()}
		}
		return Result{Code: CodeInvalidParam, Status: Done, Reason: "Unable to load CIB secrets", Stderr: err.Error()}
	}
	a.Params = params
	var stdin io.Reader
	env := h.Environment()
	switch a.Class {
	case OCF:
		argv = append(argv, a.Name)
		env = append(env, ocfEnvironment(a, h.root())...)
	case LSB:
		name := a.Name
		if name == "monitor" {
			name = "status"
		}
		argv = append(argv, name)
	case Stonith:
		stdin = strings.NewReader(fenceInput(a))
	}
	res := h.start(ctx, a, argv, env, stdin)
	if a.Class == LSB && res.Status == Done {
		res.Code = lsbCode(a.Name, res.Code)
	}
	return res
}

// reveal gives an action's parameters with their secret values in place. It is
// called just before an agent is run, and what it gives goes nowhere else.
func (h *Host) reveal(a Action) ([]Param, error) {
	out := slices.Clone(a.Params)
	var faults []error
	for i, p := range out {
		if p.Value != SecretMagic || h.Secret == nil {
			continue
		}
		v, err := h.Secret(a.Resource, p.Name)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		out[i].Value = v
	}
	return out, errors.Join(faults...)
}

// ClassOf is an agent's class; for class service it is the one that the service
// really has: that of an init script before that of a unit, as Pacemaker looks.
func (h *Host) ClassOf(a Agent) string {
	if a.Class == Service && !h.Installed(Agent{Class: LSB, Type: a.Type}) && h.unitExists(a.Type) {
		return Systemd
	}
	if a.Class == Service {
		return LSB
	}
	return a.Class
}

// Environment is what all agents find in their environment.
func (h *Host) Environment() []string {
	env := slices.Clone(h.Env)
	if !slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, "PATH=") }) {
		env = append(env, "PATH="+os.Getenv("PATH"))
	}
	return env
}

func ocfEnvironment(a Action, root string) []string {
	env := []string{
		"OCF_RA_VERSION_MAJOR=1", "OCF_RA_VERSION_MINOR=1", "OCF_ROOT=" + root, "OCF_EXIT_REASON_PREFIX=ocf-exit-reason:",
		"OCF_RESOURCE_INSTANCE=" + a.Resource, "OCF_RESOURCE_TYPE=" + a.Type, "OCF_RESOURCE_PROVIDER=" + a.Provider,
	}
	for _, p := range a.Params {
		if p.Name == "OCF_CHECK_LEVEL" {
			env = append(env, p.Name+"="+p.Value)
			continue
		}
		env = append(env, "OCF_RESKEY_"+p.Name+"="+p.Value)
	}
	return env
}

// fenceInput is what a fence agent reads: the action and its parameters, a line each.
func fenceInput(a Action) string {
	var b strings.Builder
	fmt.Fprintf(&b, "action=%s\n", a.Name)
	for _, p := range a.Params {
		if p.Name == "action" || strings.HasPrefix(p.Name, "pcmk_") || strings.HasPrefix(p.Name, "CRM_meta_") || p.Name == "crm_feature_set" ||
			strings.ContainsAny(p.Name+p.Value, "\n\x00") {
			continue
		}
		fmt.Fprintf(&b, "%s=%s\n", p.Name, p.Value)
	}
	return b.String()
}

func (h *Host) start(ctx context.Context, a Action, argv, env []string, stdin io.Reader) Result {
	for _, e := range env {
		if strings.IndexByte(e, 0) >= 0 {
			return Result{Code: CodeInvalidParam, Status: Failed, Reason: "a parameter holds a NUL byte"}
		}
	}
	h.awaitEarlier(a)
	out, err := newOutput()
	if err != nil {
		return notStarted(a, argv[0], err)
	}
	errs, err := newOutput()
	if err != nil {
		out.drop()
		return notStarted(a, argv[0], err)
	}
	build := func(argv ...string) *exec.Cmd {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Dir = env, stdin, out.remote, errs.remote, h.Dir()
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.WaitDelay = 200 * time.Millisecond // of what it does not read of its input
		return cmd
	}
	cmd := build(argv...)
	err = Start(cmd, h.Umask)
	if errors.Is(err, syscall.ENOEXEC) {
		// As execvp(3) has it: a file without a first line that says what to run it with is the shell's.
		cmd = build(append([]string{"/bin/sh"}, argv...)...)
		err = Start(cmd, h.Umask)
	}
	if err != nil {
		out.drop()
		errs.drop()
		return notStarted(a, argv[0], err)
	}
	out.begin()
	errs.begin()
	defer h.begun(a, cmd.Process.Pid)()
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	var late <-chan time.Time
	if a.Timeout > 0 {
		t := time.NewTimer(a.Timeout)
		defer t.Stop()
		late = t.C
	}
	kind := "Resource agent"
	if a.Class == Stonith {
		kind = "Fence agent"
	}
	var res Result
	select {
	case <-ended:
	case <-late:
		res = Result{Code: CodeError, Status: TimedOut, Reason: fmt.Sprintf("%s did not complete within %s", kind, readable(a.Timeout))}
	case <-ctx.Done():
		res = Result{Code: CodeError, Status: Cancelled, Reason: "cancelled"}
	}
	gone := true
	if res.Status != Done {
		gone = end(cmd.Process.Pid, a.KillProcessOnly && res.Status == TimedOut, ended)
	}
	res.Stdout, res.Stderr = out.finish(), errs.finish()
	if res.Status != Done || !gone {
		return res
	}
	ws, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ws.Signaled() {
		res.Code, res.Status = CodeError, Failed
		res.Reason = fmt.Sprintf("%s interrupted by %s signal", kind, signalName(ws.Signal()))
		return res
	}
	res.Code = ws.ExitStatus()
	if a.Class == OCF {
		res.Reason = exitReason(res.Stderr)
		switch c := res.Code; {
		case c >= CodeOK && c <= CodeFailedPromoted, c == CodeDegraded, c == CodeDegradedPromo:
		default:
			res.Code = CodeError
		}
	}
	return res
}

// giveUp is how long a program that was killed may take to be gone: it may hang in the kernel.
const giveUp = 5 * time.Second

// end kills a program, with its group if not only the process is meant, and tells whether it is gone.
func end(pid int, only bool, ended <-chan struct{}) bool {
	if !only {
		pid = -pid
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	t := time.NewTimer(giveUp)
	defer t.Stop()
	select {
	case <-ended:
		return true
	case <-t.C:
		return false
	}
}

// notStarted is the result where an agent's program could not be started.
func notStarted(a Action, program string, err error) Result {
	var errno syscall.Errno
	_ = errors.As(err, &errno)
	switch errno {
	case syscall.ENOENT, syscall.EISDIR, syscall.ENOTDIR, syscall.EINVAL, syscall.ENOEXEC:
		return inChild(a, CodeNotInstalled)
	case syscall.EACCES, syscall.EPERM:
		return inChild(a, CodeInsufficient)
	}
	return Result{Code: CodeError, Status: Failed, Reason: program + ": " + title(errno.Error())}
}

// inChild is a result that Pacemaker's executor learns from the process that was to become the agent: a code of the agent's, as it were.
func inChild(a Action, code int) Result {
	res := Result{Code: code, Status: Done}
	if a.Class == OCF {
		res.Reason = "Child process was unable to execute file"
	}
	return res
}

func title(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// signalName is what strsignal(3) calls a signal.
func signalName(sig syscall.Signal) string {
	const firstRealTime = 34
	if sig >= firstRealTime {
		return fmt.Sprintf("Real-time signal %d", sig-firstRealTime)
	}
	return title(sig.String())
}

// readable writes a time as Pacemaker's messages have it: 1d2h3m4.005s, or 5ms.
func readable(d time.Duration) string {
	ms := d.Milliseconds()
	if ms == 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range []struct {
		ms   int64
		name string
	}{{24 * 3600 * 1000, "d"}, {3600 * 1000, "h"}, {60 * 1000, "m"}} {
		if ms >= u.ms {
			fmt.Fprintf(&b, "%d%s", ms/u.ms, u.name)
			ms %= u.ms
		}
	}
	switch {
	case ms >= 1000 && ms%1000 == 0:
		fmt.Fprintf(&b, "%ds", ms/1000)
	case ms >= 1000:
		fmt.Fprintf(&b, "%d.%03ds", ms/1000, ms%1000)
	case ms > 0:
		fmt.Fprintf(&b, "%dms", ms)
	}
	return b.String()
}

// exitReason is the last reason that an agent wrote to its error output: what follows the last mark, to the end of its line.
func exitReason(errs string) string {
	const mark = "ocf-exit-reason:"
	i := strings.LastIndex(errs, mark)
	if i < 0 {
		return ""
	}
	reason, _, _ := strings.Cut(errs[i+len(mark):], "\n")
	return reason
}

// lsbCode maps the exit code of an init script to OCF's.
func lsbCode(action string, code int) int {
	if action == "monitor" || action == "status" {
		switch code {
		case 0:
			return CodeOK
		case 1, 2, 3:
			return CodeNotRunning
		case 150:
			return CodeNotInstalled
		case 151:
			return CodeInsufficient
		}
		return CodeError
	}
	if code >= 0 && code <= 7 {
		return code
	}
	return CodeError
}

// MetadataTimeout is how long an agent may take to describe itself.
const MetadataTimeout = 30 * time.Second

// Metadata asks an agent to describe itself: an XML document.
func (h *Host) Metadata(ctx context.Context, a Agent) ([]byte, error) {
	switch a.Class {
	case LSB, Systemd, Service:
		if !h.Installed(a) {
			return nil, fmt.Errorf("%s: %w", a, ErrNotInstalled)
		}
		if h.ClassOf(a) == Systemd {
			return h.unitMetadata(ctx, a.Type)
		}
		return []byte(serviceMetadata(a)), nil
	case OCF, Stonith:
	default:
		return nil, fmt.Errorf("%q is not a class of agents", a.Class)
	}
	name := "meta-data"
	if a.Class == Stonith {
		name = "metadata"
	}
	if _, err := h.argv(a); err != nil {
		return nil, err
	}
	res := h.Run(ctx, Action{Agent: a, Resource: a.Type, Name: name, Timeout: MetadataTimeout})
	if res.Status != Done || res.Code != CodeOK {
		return nil, fmt.Errorf("%s: %s ended with code %d: %s", a, name, res.Code, strings.TrimSpace(res.Reason+" "+firstLine(res.Stderr)))
	}
	if a.Class != Stonith {
		return []byte(res.Stdout), nil
	}
	data, err := fenceMetadata([]byte(res.Stdout))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a, err)
	}
	return data, nil
}

func firstLine(s string) string {
	l, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return l
}

// serviceMetadata describes an agent that cannot describe itself.
func serviceMetadata(a Agent) string {
	actions := ""
	for _, n := range []string{"start", "stop", "restart", "force-reload", "monitor", "meta-data"} {
		timeout, more := "15s", ""
		switch n {
		case "meta-data":
			timeout = "5s"
		case "monitor":
			more = ` interval="15s"`
		}
		actions += fmt.Sprintf("    <action name=%q timeout=%q%s/>\n", n, timeout, more)
	}
	return fmt.Sprintf("<?xml version=\"1.0\"?>\n<resource-agent name=%q version=\"0.1\">\n  <version>1.1</version>\n  <longdesc lang=\"en\">Service %s, run as class %s.</longdesc>\n  <shortdesc lang=\"en\">%s</shortdesc>\n  <parameters/>\n  <actions>\n%s  </actions>\n</resource-agent>\n",
		a.Type, a.Type, a.Class, a.Type, actions)
}
