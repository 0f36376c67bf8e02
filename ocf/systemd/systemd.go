// Package systemd is a client of systemd's manager over D-Bus, as far as a
// cluster needs it: which units there are, starting and stopping one and waiting
// for the end of the job, its state, and the drop-in file that orders a unit that
// the cluster controls before the cluster itself.
//
// The interface is org.freedesktop.systemd1 as its manual describes it. Start and
// stop return once the job is queued; how it ended is told by the signal
// JobRemoved, which is awaited here.
package systemd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	busName      = "org.freedesktop.systemd1"
	managerPath  = "/org/freedesktop/systemd1"
	managerIface = busName + ".Manager"
	unitIface    = busName + ".Unit"
	propsIface   = "org.freedesktop.DBus.Properties"
	invalidArgs  = "org.freedesktop.DBus.Error.InvalidArgs"
	dropIn       = "50-pacemaker.conf"
)

// ErrNoBus is wrapped by errors about a bus, or a systemd on it, that cannot be reached.
var ErrNoBus = errors.New("no D-Bus connection to systemd")

// ErrNoUnit is wrapped by errors about a unit that systemd does not know or cannot load.
var ErrNoUnit = errors.New("no such unit")

// JobError is a job that ended, but not well.
type JobError struct {
	Unit   string
	Result string // canceled, timeout, failed, dependency, skipped …
}

func (e *JobError) Error() string { return fmt.Sprintf("job for %s ended with %q", e.Unit, e.Result) }

// Manager is systemd on this machine, or on the bus that Dial connects to. It
// connects when it is first needed and again when the connection broke.
type Manager struct {
	// Dial connects and says hello to the bus; nil is the system's bus.
	Dial func() (*dbus.Conn, error)
	// Dir is where drop-in files are written, "/run/systemd/system" if empty.
	Dir string

	lock chan struct{} // held while conn is looked at
	conn *dbus.Conn
}

// New gives the system's manager.
func New() *Manager { return &Manager{lock: make(chan struct{}, 1)} }

// Close ends the connection.
func (m *Manager) Close() {
	m.lock <- struct{}{}
	defer func() { <-m.lock }()
	if m.conn != nil {
		_ = m.conn.Close()
	}
}

// connection gives a live connection. What ctx cuts short goes on behind it, so that the next caller finds it.
func (m *Manager) connection(ctx context.Context) (*dbus.Conn, error) {
	select {
	case m.lock <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if m.conn != nil && m.conn.Connected() {
		defer func() { <-m.lock }()
		return m.conn, nil
	}
	type result struct {
		conn *dbus.Conn
		err  error
	}
	done := make(chan result, 1)
	go func() {
		defer func() { <-m.lock }()
		conn, err := m.dial()
		if err == nil {
			m.conn = conn
		}
		done <- result{conn, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoBus, r.err)
		}
		return r.conn, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (m *Manager) dial() (*dbus.Conn, error) {
	dial := m.Dial
	if dial == nil {
		dial = func() (*dbus.Conn, error) {
			return dbus.ConnectSystemBus(dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
		}
	}
	conn, err := dial()
	if err != nil {
		return nil, err
	}
	// systemd sends its signals only when somebody has subscribed, and the bus only what was asked for.
	err = conn.AddMatchSignal(dbus.WithMatchSender(busName), dbus.WithMatchInterface(managerIface), dbus.WithMatchObjectPath(managerPath))
	if err == nil {
		err = conn.Object(busName, managerPath).Call(managerIface+".Subscribe", 0).Err
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// call calls a method of the manager. ret is where its results go.
func (m *Manager) call(ctx context.Context, conn *dbus.Conn, method string, args []any, ret ...any) error {
	c := conn.Object(busName, managerPath).CallWithContext(ctx, managerIface+"."+method, 0, args...)
	if c.Err != nil {
		return explain(c.Err)
	}
	if len(ret) == 0 {
		return nil
	}
	if err := c.Store(ret...); err != nil {
		return fmt.Errorf("systemd's answer to %s: %w", method, err)
	}
	return nil
}

// explain tells apart the errors that callers ask for.
func explain(err error) error {
	var e dbus.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Name {
	case busName + ".NoSuchUnit", busName + ".LoadFailed", busName + ".InvalidName":
		return fmt.Errorf("%w: %w", ErrNoUnit, err)
	}
	return err
}

// Interrupted tells that systemd left the bus while it was asked, as it does when it is executed anew.
func Interrupted(err error) bool {
	var e dbus.Error
	return errors.As(err, &e) && e.Name == "org.freedesktop.DBus.Error.NoReply" && strings.Contains(e.Error(), "disconnected") || errors.Is(err, dbus.ErrClosed)
}

// suffixes are the kinds of units that a cluster manages.
var suffixes = []string{".service", ".socket", ".mount", ".timer", ".path"}

// UnitName is the unit that an agent's name means: a service where it names no
// kind, and the instance "pacemaker" of a template that is named without one. The
// latter holds for a template without a kind only with instance set, as where it
// is only asked whether there is such a unit.
func UnitName(agent string, instance bool) string {
	for _, s := range suffixes {
		if base, ok := strings.CutSuffix(agent, s); ok {
			if strings.HasSuffix(base, "@") {
				return base + "pacemaker" + s
			}
			return agent
		}
	}
	if instance && strings.HasSuffix(agent, "@") {
		return agent + "pacemaker.service"
	}
	return agent + ".service"
}

// Units names the units that a cluster could manage, services without their
// suffix, sorted without regard to case.
func (m *Manager) Units(ctx context.Context) ([]string, error) {
	conn, err := m.connection(ctx)
	if err != nil {
		return nil, err
	}
	var files []struct{ Path, State string }
	if err := m.call(ctx, conn, "ListUnitFiles", nil, &files); err != nil {
		return nil, err
	}
	var out []string
	for _, f := range files {
		name := filepath.Base(f.Path)
		for _, s := range suffixes {
			if strings.HasSuffix(name, s) {
				out = append(out, strings.TrimSuffix(name, ".service"))
				break
			}
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return out, nil
}

func (m *Manager) load(ctx context.Context, unit string) (*dbus.Conn, dbus.ObjectPath, error) {
	conn, err := m.connection(ctx)
	if err != nil {
		return nil, "", err
	}
	var path dbus.ObjectPath
	err = m.call(ctx, conn, "LoadUnit", []any{unit}, &path)
	var e dbus.Error
	if errors.As(err, &e) && e.Name == invalidArgs {
		// A name that no unit can have, such as a template's without an instance; systemd keeps InvalidName for others.
		err = fmt.Errorf("%w: %w", ErrNoUnit, err)
	}
	return conn, path, err
}

func (m *Manager) property(ctx context.Context, conn *dbus.Conn, path dbus.ObjectPath, name string, to any) error {
	var v dbus.Variant
	c := conn.Object(busName, path).CallWithContext(ctx, propsIface+".Get", 0, unitIface, name)
	if c.Err != nil {
		return explain(c.Err)
	}
	if err := c.Store(&v); err != nil {
		return err
	}
	if err := v.Store(to); err != nil {
		return fmt.Errorf("property %s of %s: %w", name, path, err)
	}
	return nil
}

// Exists tells whether systemd has a unit for an agent's name. A unit can be
// loaded by any name; only its load state tells whether it is there.
func (m *Manager) Exists(ctx context.Context, agent string) (bool, error) {
	conn, path, err := m.load(ctx, UnitName(agent, true))
	if errors.Is(err, ErrNoUnit) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var state string
	if err := m.property(ctx, conn, path, "LoadState", &state); err != nil {
		return false, err
	}
	return state == "loaded" || state == "masked", nil
}

// Description is what a unit says of itself.
func (m *Manager) Description(ctx context.Context, agent string) (string, error) {
	conn, path, err := m.load(ctx, UnitName(agent, true))
	if err != nil {
		return "", err
	}
	var text string
	err = m.property(ctx, conn, path, "Description", &text)
	return text, err
}

// State is a unit's ActiveState: active, reloading, inactive, failed, activating, deactivating, maintenance …
func (m *Manager) State(ctx context.Context, agent string) (string, error) {
	conn, path, err := m.load(ctx, UnitName(agent, false))
	if err != nil {
		return "", err
	}
	var state string
	err = m.property(ctx, conn, path, "ActiveState", &state)
	return state, err
}

// SettledState is a unit's ActiveState once done holds for it; until then it follows the unit's changes.
func (m *Manager) SettledState(ctx context.Context, agent string, done func(state string) bool) (string, error) {
	for {
		conn, path, err := m.load(ctx, UnitName(agent, false))
		if err != nil {
			return "", err
		}
		state, err := m.follow(ctx, conn, path, done)
		if err == nil || !Interrupted(err) || ctx.Err() != nil {
			return state, err
		}
	}
}

func (m *Manager) follow(ctx context.Context, conn *dbus.Conn, path dbus.ObjectPath, done func(string) bool) (string, error) {
	match := []dbus.MatchOption{dbus.WithMatchSender(busName), dbus.WithMatchInterface(propsIface), dbus.WithMatchMember("PropertiesChanged"), dbus.WithMatchObjectPath(path)}
	var signals chan *dbus.Signal
	defer func() {
		if signals != nil {
			conn.RemoveSignal(signals)
			_ = conn.RemoveMatchSignal(match...)
		}
	}()
	for {
		var state string
		if err := m.property(ctx, conn, path, "ActiveState", &state); err != nil {
			return state, err
		}
		if done(state) {
			return state, nil
		}
		if signals == nil {
			// It is looked at once more after this, so that no change falls between.
			signals = make(chan *dbus.Signal, 1)
			conn.Signal(signals)
			if err := conn.AddMatchSignalContext(ctx, match...); err != nil {
				return state, err
			}
			continue
		}
		for again := false; !again; {
			select {
			case s, ok := <-signals:
				if !ok {
					return state, dbus.ErrClosed
				}
				again = s.Path == path
			case <-ctx.Done():
				return state, ctx.Err()
			}
		}
	}
}

// Start starts a unit, ordered before the cluster's own services so that these
// are stopped first when the host goes down, and waits for the end of the job.
func (m *Manager) Start(ctx context.Context, agent string) error {
	unit := UnitName(agent, false)
	if _, _, err := m.load(ctx, unit); err != nil {
		return err
	}
	if err := m.override(ctx, unit); err != nil {
		return err
	}
	return m.job(ctx, "StartUnit", unit)
}

// Stop stops a unit, takes the drop-in file away and waits for the end of the job.
func (m *Manager) Stop(ctx context.Context, agent string) error {
	unit := UnitName(agent, false)
	if _, _, err := m.load(ctx, unit); err != nil {
		return err
	}
	if err := os.Remove(m.overridePath(unit)); err == nil {
		// That the file is gone is what counts; a unit can be stopped with old settings.
		_ = m.reload(ctx)
	}
	return m.job(ctx, "StopUnit", unit)
}

// Restart restarts a unit and waits for the end of the job.
func (m *Manager) Restart(ctx context.Context, agent string) error {
	unit := UnitName(agent, false)
	if _, _, err := m.load(ctx, unit); err != nil {
		return err
	}
	return m.job(ctx, "RestartUnit", unit)
}

// job queues a job and waits for its end.
func (m *Manager) job(ctx context.Context, method, unit string) error {
	conn, err := m.connection(ctx)
	if err != nil {
		return err
	}
	// Listening begins first: the job may be over before its name is known.
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	defer func() { conn.RemoveSignal(signals) }()
	var job dbus.ObjectPath
	if err := m.call(ctx, conn, method, []any{unit, "replace"}, &job); err != nil {
		return err
	}
	for {
		result, err := awaitJob(ctx, signals, job)
		switch {
		case err == nil && result == "done":
			return nil
		case err == nil:
			return &JobError{Unit: unit, Result: result}
		case !errors.Is(err, dbus.ErrClosed):
			return err
		}
		// The bus went away. systemd goes on with the job; its end is then seen in the unit itself.
		for {
			if conn, err = m.again(ctx); err != nil {
				return err
			}
			signals = make(chan *dbus.Signal, 16)
			conn.Signal(signals)
			over, err := m.over(ctx, conn, method, unit, job)
			if err != nil && Interrupted(err) && ctx.Err() == nil {
				conn.RemoveSignal(signals) // once more
				continue
			}
			if over {
				return err
			}
			break
		}
	}
}

// backOnBus is how soon it is tried again to reach systemd where the bus went away: neither that a bus listens again nor that systemd is
// back on it can be awaited without it.
const backOnBus = 100 * time.Millisecond

// again gives a connection once there is one: a bus that was started again serves before systemd is back on it.
func (m *Manager) again(ctx context.Context) (*dbus.Conn, error) {
	for {
		conn, err := m.connection(ctx)
		if err == nil || !errors.Is(err, ErrNoBus) {
			return conn, err
		}
		select {
		case <-time.After(backOnBus):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// over tells whether a unit has that job no more, and then whether it is as the job should have left it.
func (m *Manager) over(ctx context.Context, conn *dbus.Conn, method, unit string, job dbus.ObjectPath) (bool, error) {
	var path dbus.ObjectPath
	if err := m.call(ctx, conn, "LoadUnit", []any{unit}, &path); err != nil {
		return true, err
	}
	var now struct {
		ID   uint32
		Path dbus.ObjectPath
	}
	if err := m.property(ctx, conn, path, "Job", &now); err != nil {
		return true, err
	}
	if now.Path == job {
		return false, nil
	}
	var state string
	if err := m.property(ctx, conn, path, "ActiveState", &state); err != nil {
		return true, err
	}
	running := state == "active" || state == "reloading"
	if running == (method != "StopUnit") {
		return true, nil
	}
	return true, &JobError{Unit: unit, Result: "lost, unit is " + state}
}

// awaitJob waits until a job was removed and tells its result.
func awaitJob(ctx context.Context, signals <-chan *dbus.Signal, job dbus.ObjectPath) (string, error) {
	for {
		select {
		case s, ok := <-signals:
			if !ok {
				return "", dbus.ErrClosed
			}
			if s.Name != managerIface+".JobRemoved" {
				continue
			}
			var id uint32
			var path dbus.ObjectPath
			var unit, result string
			if err := dbus.Store(s.Body, &id, &path, &unit, &result); err != nil {
				return "", fmt.Errorf("systemd's signal JobRemoved: %w", err)
			}
			if path == job {
				return result, nil
			}
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

func (m *Manager) reload(ctx context.Context) error {
	conn, err := m.connection(ctx)
	if err != nil {
		return err
	}
	return m.call(ctx, conn, "Reload", nil)
}

func (m *Manager) overridePath(unit string) string {
	dir := m.Dir
	if dir == "" {
		dir = "/run/systemd/system"
	}
	return filepath.Join(dir, unit+".d", dropIn)
}

// OverrideError is a drop-in file that could not be written.
type OverrideError struct{ Err error }

func (e *OverrideError) Error() string { return "drop-in file: " + e.Err.Error() }

func (e *OverrideError) Unwrap() error { return e.Err }

// override writes the drop-in file of a unit and has systemd read it.
func (m *Manager) override(ctx context.Context, unit string) error {
	if strings.ContainsAny(unit, "/\n\x00") || unit == "." || unit == ".." {
		return &OverrideError{fmt.Errorf("%q is no name of a unit: %w", unit, fs.ErrInvalid)}
	}
	text := "[Unit]\nDescription=Cluster Controlled " + unit + "\nBefore=pacemaker.service pacemaker_remote.service\n"
	if strings.HasSuffix(unit, ".service") {
		text += "\n[Service]\nRestart=no\n"
	}
	path := m.overridePath(unit)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return &OverrideError{err}
	}
	// The file is gone after a boot; nothing is lost when it is not on disk yet.
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		_ = os.Remove(path)
		return &OverrideError{err}
	}
	if err := os.Chmod(path, 0o644); err != nil { // whatever the umask says: systemd complains about others
		_ = os.Remove(path)
		return &OverrideError{err}
	}
	// A unit starts with old settings, too.
	if err := m.reload(ctx); err != nil && ctx.Err() != nil {
		return err
	}
	return nil
}
