package session

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"hacluster/internal/pcs/live"
)

// processes runs programs as processes: those that stand beside this one first, then those on PATH.
type processes struct{}

func (processes) Run(ctx context.Context, env []string, stdin, name string, args ...string) (live.Result, error) {
	path := name
	if !strings.Contains(name, "/") {
		if self, err := os.Executable(); err == nil {
			if p := filepath.Join(filepath.Dir(self), name); isProgram(p) {
				path = p
			}
		}
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(append(os.Environ(), "LC_ALL=C"), env...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	r := live.Result{Stdout: out.String(), Stderr: errs.String()}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		r.Code = exit.ExitCode()
		err = nil
	}
	return r, err
}

func isProgram(path string) bool {
	i, err := os.Stat(path)
	return err == nil && i.Mode().IsRegular() && i.Mode().Perm()&0o111 != 0
}

// Run runs a program on the CIB that the verb works on.
func (s *Session) Run(name string, args ...string) (live.Result, error) {
	return s.RunInput("", name, args...)
}

// RunInput is Run with standard input.
func (s *Session) RunInput(stdin, name string, args ...string) (live.Result, error) {
	var env []string
	if file, ok := s.File(); ok {
		env = append(env, "CIB_file="+file)
	}
	if s.Env.Getenv("PCS_COMPAT") == "" {
		env = append(env, "PCS_COMPAT="+s.Version.String())
	}
	return s.World.Programs.Run(s.Ctx, env, stdin, name, args...)
}

// Systemctl are services by the program systemctl on PATH.
type Systemctl struct{ Programs live.Programs }

func (c Systemctl) do(ctx context.Context, action, unit string) error {
	r, err := c.Programs.Run(ctx, nil, "", "systemctl", action, unit+".service")
	if err != nil {
		return &live.ServiceError{Action: action, Unit: unit, Output: err.Error()}
	}
	if r.Code != 0 {
		return &live.ServiceError{Action: action, Unit: unit, Output: strings.TrimSpace(r.Stderr + r.Stdout)}
	}
	return nil
}

// Start starts a unit.
func (c Systemctl) Start(ctx context.Context, unit string) error { return c.do(ctx, "start", unit) }

// Stop stops a unit.
func (c Systemctl) Stop(ctx context.Context, unit string) error { return c.do(ctx, "stop", unit) }

// Enable makes a unit start at boot.
func (c Systemctl) Enable(ctx context.Context, unit string) error { return c.do(ctx, "enable", unit) }

// Disable undoes Enable.
func (c Systemctl) Disable(ctx context.Context, unit string) error { return c.do(ctx, "disable", unit) }

// roles are the units whose main process is clusterd, by the process that does that work with the originals.
var roles = map[string]string{
	"pacemakerd": "pacemaker", "pacemaker-remoted": "pacemaker_remote", "corosync": "corosync",
	"corosync-qdevice": "corosync-qdevice", "corosync-qnetd": "corosync-qnetd",
}

// Kill kills the daemons of these names, whoever they are: the originals' processes by their names, and the main
// processes of the units that do their work. That none of them runs is no error.
func (c Systemctl) Kill(ctx context.Context, processes []string) error {
	for _, p := range processes {
		unit, is := roles[p]
		if !is || !c.IsActive(ctx, unit) {
			continue
		}
		r, err := c.Programs.Run(ctx, nil, "", "systemctl", "kill", "--signal=SIGKILL", "--kill-who=main", unit+".service")
		if err == nil && r.Code != 0 && c.IsActive(ctx, unit) {
			err = errors.New(strings.TrimSpace(r.Stderr + r.Stdout))
		}
		if err != nil {
			return &live.ServiceError{Action: "kill", Unit: unit, Output: err.Error()}
		}
	}
	r, err := c.Programs.Run(ctx, nil, "", "killall", append([]string{"-q", "-9"}, processes...)...)
	// killall fails without a word for a process that does not run
	if err != nil || r.Code != 0 && r.Complaint() != "" {
		return &live.ServiceError{Action: "kill", Unit: strings.Join(processes, ", "), Output: r.Stderr}
	}
	return nil
}

func (c Systemctl) is(ctx context.Context, what, unit string) bool {
	r, err := c.Programs.Run(ctx, nil, "", "systemctl", what, unit+".service")
	return err == nil && r.Code == 0
}

// IsActive tells whether a unit runs.
func (c Systemctl) IsActive(ctx context.Context, unit string) bool {
	return c.is(ctx, "is-active", unit)
}

// IsEnabled tells whether a unit starts at boot.
func (c Systemctl) IsEnabled(ctx context.Context, unit string) bool {
	return c.is(ctx, "is-enabled", unit)
}

// IsInstalled tells whether the host knows a unit.
func (c Systemctl) IsInstalled(ctx context.Context, unit string) bool {
	r, err := c.Programs.Run(ctx, nil, "", "systemctl", "list-unit-files", "--full", "--no-legend", unit+".service")
	return err == nil && r.Code == 0 && strings.Contains(r.Stdout, unit+".service")
}

// HostPrograms runs programs as processes of this host.
func HostPrograms() live.Programs { return processes{} }

// ServiceReason is why a service did not do as told.
func ServiceReason(err error) string {
	var se *live.ServiceError
	if errors.As(err, &se) {
		return se.Output
	}
	return err.Error()
}
