package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"strconv"
	"strings"
	"time"

	"hacluster/engine/executor"
	"hacluster/engine/fencer"
	"hacluster/engine/status"
	"hacluster/internal/logging"
	"hacluster/internal/tool"
)

// daemons are the names under which the parts of a node log: those of
// Pacemaker's daemons. A core's messages begin with the part.
var daemons = map[string]string{
	"cib": "pacemaker-based", "attributes": "pacemaker-attrd", "controller": "pacemaker-controld", "executor": "pacemaker-execd", "fencer": "pacemaker-fenced",
	"scheduler": "pacemaker-schedulerd",
}

// grave is an error that is more than a warning.
type grave struct {
	level slog.Level
	text  string
}

func (g grave) Error() string { return g.text }

// LogLevel is how grave it is.
func (g grave) LogLevel() slog.Level { return g.level }

// Logf is what the core tells: notices, and where it tells of an error warnings, or what that is graver than.
func (w *world) Logf(format string, args ...any) {
	level := logging.Notice
	for _, a := range args {
		if err, ok := a.(error); ok && err != nil {
			level = slog.LevelWarn
			var g interface{ LogLevel() slog.Level }
			if errors.As(err, &g) {
				level = g.LogLevel()
			}
		}
	}
	if !w.log.Enabled(context.Background(), level) {
		return
	}
	var attrs []slog.Attr
	if part, rest, ok := strings.Cut(format, ": "); ok && daemons[part] != "" {
		format, attrs = rest, []slog.Attr{slog.String(logging.Daemon, daemons[part])}
	}
	r := slog.NewRecord(time.Now(), level, fmt.Sprintf(format, args...), caller())
	r.AddAttrs(attrs...)
	_ = w.log.Handler().Handle(context.Background(), r)
}

// caller is the place that called Logf, whatever it went through.
func caller() uintptr {
	var pcs [8]uintptr
	n := runtime.Callers(3, pcs[:])
	for _, pc := range pcs[:n] {
		f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
		if !strings.HasSuffix(f.Function, ".Logf") {
			return pc
		}
	}
	return 0
}

// readable is what an operation does: a monitor that is not repeated is a probe.
func readable(op executor.Op) string {
	if op.Interval == 0 && op.Action == "monitor" {
		return "probe"
	}
	return op.Action
}

// logResult tells how an operation ended.
func (c *Core) logResult(op executor.Op, res executor.Result) {
	if res.Status == statusCancelled && op.Interval > 0 {
		return // as it was to be
	}
	end := status.ExecText(res.Status)
	switch {
	case res.Status == 0:
		end = tool.Exit(res.Code).String()
	case res.Status == 2:
		end += " after " + status.ReadableInterval(uint32(min(op.Timeout.Milliseconds(), math.MaxUint32)))
	}
	reason := ""
	if res.Reason != "" && (res.Status != 0 || res.Code != 0) {
		reason = " (" + res.Reason + ")"
	}
	c.world.Logf("controller: Result of %s operation for %s on %s: %s%s", readable(op), op.Resource, op.Node, end, reason)
}

// logFencing tells how a fencing ended, in the words that the controller has for it.
func (c *Core) logFencing(r fencer.Record) {
	by, done := cmp.Or(r.Delegate, "the cluster"), r.State == fencer.Done
	end, reason := "OK", ""
	if !done {
		execution, _ := r.Execution()
		code, _ := strconv.Atoi(execution)
		if end = status.ExecText(code); r.Told() != "" {
			reason = " (" + r.Told() + ")"
		}
	}
	switch {
	case r.Action == "on" && done:
		c.world.Logf("controller: %s was unfenced by %s at the request of %s@%s", r.Target, by, r.Client, r.Origin)
	case r.Action == "on":
		c.world.Logf("controller: %v", grave{slog.LevelError, fmt.Sprintf("Unfencing of %s by %s failed (%s)", r.Target, by, cmp.Or(r.Reason, end))})
	case done && r.Target == c.self.Name && c.fenced: // and not what ran here before
		c.world.Logf("controller: %v", grave{logging.Critical, fmt.Sprintf("We were allegedly just fenced by %s for %s!", by, r.Origin)})
	default:
		not := " not"
		if done {
			not = ""
		}
		c.world.Logf("controller: Peer %s was%s terminated (%s) by %s on behalf of %s@%s: %s%s", r.Target, not, r.Action, by, r.Client, r.Origin, end, reason)
	}
}
