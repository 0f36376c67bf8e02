package ocf

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"hacluster/ocf/systemd"
)

// askSystemd is how long systemd may take for a question that no action's timeout bounds.
const askSystemd = 25 * time.Second

// systemdUnits names the units that systemd could manage.
func (h *Host) systemdUnits() ([]string, error) {
	if h.Systemd == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), askSystemd)
	defer cancel()
	return h.Systemd.Units(ctx)
}

// unitExists tells whether systemd has a unit of an agent's name.
func (h *Host) unitExists(agent string) bool {
	if h.Systemd == nil || agent == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), askSystemd)
	defer cancel()
	there, err := h.Systemd.Exists(ctx, agent)
	return err == nil && there
}

// runSystemd carries an action out on a unit.
func (h *Host) runSystemd(ctx context.Context, a Action) Result {
	if h.Systemd == nil {
		return Result{Code: CodeNotInstalled, Status: NotInstalled, Reason: "no systemd on this host"}
	}
	if a.Name == "" || a.Type == "" {
		return Result{Code: CodeNotConfigured, Status: FatalFailed, Reason: "no action or no unit is named"}
	}
	if a.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.Timeout)
		defer cancel()
	}
	var err error
	switch a.Name {
	case "monitor", "status":
		return h.monitorUnit(ctx, a)
	case "start":
		err = h.Systemd.Start(ctx, a.Type)
	case "stop":
		err = h.Systemd.Stop(ctx, a.Type)
		if errors.Is(err, systemd.ErrNoUnit) {
			err = nil // what is not known does not run
		}
	case "restart":
		err = h.Systemd.Restart(ctx, a.Type)
	case "meta-data":
		text, err := h.unitMetadata(ctx, a.Type)
		if err != nil {
			return unitResult(ctx, a, err)
		}
		return Result{Code: CodeOK, Status: Done, Stdout: string(text)}
	default:
		return Result{Code: CodeUnimplemented, Status: Failed, Reason: fmt.Sprintf("Action %s not implemented for systemd resources", a.Name)}
	}
	return unitResult(ctx, a, err)
}

// monitorUnit tells whether a unit runs. One that is on its way up or down is
// neither: a probe waits for what becomes of it, a recurring check says that it is
// pending, as a probe does when its time is over.
func (h *Host) monitorUnit(ctx context.Context, a Action) Result {
	settled := func(s string) bool { return s != "activating" && s != "deactivating" }
	wait := settled
	if a.Recurring {
		wait = func(string) bool { return true }
	}
	state, err := h.Systemd.SettledState(ctx, a.Type, wait)
	switch {
	case err != nil && a.Recurring && systemd.Interrupted(err):
		return Result{Code: CodeUnknown, Status: Pending}
	case errors.Is(err, context.DeadlineExceeded) && state != "":
		return Result{Code: CodeUnknown, Status: Pending}
	case err != nil:
		return unitResult(ctx, a, err)
	case !settled(state):
		return Result{Code: CodeUnknown, Status: Pending}
	case state == "active", state == "reloading":
		return Result{Code: CodeOK, Status: Done}
	}
	return Result{Code: CodeNotRunning, Status: Done, Reason: state}
}

// unitResult is what an action on a unit ended with.
func unitResult(ctx context.Context, a Action, err error) Result {
	var job *systemd.JobError
	var override *systemd.OverrideError
	switch {
	case err == nil:
		return Result{Code: CodeOK, Status: Done}
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled):
		return Result{Code: CodeError, Status: Cancelled, Reason: "cancelled"}
	case ctx.Err() != nil:
		return Result{Code: CodeError, Status: TimedOut, Reason: fmt.Sprintf("%s action for systemd unit %s did not complete in time", a.Name, a.Type)}
	case errors.As(err, &job) && job.Result == "timeout":
		return Result{Code: CodeError, Status: TimedOut, Reason: fmt.Sprintf("systemd %s job for %s timed out", a.Name, job.Unit)}
	case errors.As(err, &job):
		return Result{Code: CodeError, Status: Failed, Reason: fmt.Sprintf("systemd %s job for %s failed with result '%s'", a.Name, job.Unit, job.Result)}
	case errors.As(err, &override):
		code := CodeError
		if errors.Is(err, fs.ErrPermission) {
			code = CodeInsufficient
		}
		return Result{Code: code, Status: Failed, Reason: "Failed to create systemd override file for " + a.Type, Stderr: err.Error()}
	case errors.Is(err, systemd.ErrNoUnit):
		return Result{Code: CodeNotInstalled, Status: NotInstalled, Reason: fmt.Sprintf("systemd unit %s not found", a.Type)}
	case errors.Is(err, systemd.ErrNoBus):
		return Result{Code: CodeError, Status: Failed, Reason: "No DBus connection", Stderr: err.Error()}
	}
	return Result{Code: CodeError, Status: Failed, Reason: "Unable to invoke systemd DBus method", Stderr: err.Error()}
}

// unitMetadata describes a unit as Pacemaker does.
func (h *Host) unitMetadata(ctx context.Context, agent string) ([]byte, error) {
	desc, err := h.Systemd.Description(ctx, agent)
	if errors.Is(err, systemd.ErrNoUnit) {
		desc, err = "Systemd unit file for "+agent, nil
	}
	if err != nil {
		return nil, err
	}
	esc := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace
	return fmt.Appendf(nil, `<?xml version="1.0"?>
<resource-agent name="%s" version="0.1">
  <version>1.1</version>
  <longdesc lang="en">
    %s
  </longdesc>
  <shortdesc lang="en">systemd unit file for %s</shortdesc>
  <parameters/>
  <actions>
    <action name="start" timeout="100s" />
    <action name="stop" timeout="100s" />
    <action name="status" timeout="100s" />
    <action name="monitor" timeout="100s" interval="60s" />
    <action name="meta-data" timeout="5s" />
  </actions>
  <special tag="systemd"/>
</resource-agent>
`, esc(agent), esc(desc), esc(agent)), nil
}
