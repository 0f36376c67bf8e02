package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"

	"hacluster/internal/logging"
	"hacluster/internal/notifyd"
	"hacluster/internal/program"
	"hacluster/internal/supervise"
)

func init() { programs["corosync-notifyd"] = corosyncNotifyd }

const notifydHelp = `usage:
        -f     : stay in the foreground
        -l     : log events, to the system's log
        -o     : show them on standard error, too (with -f)
        -d     : send them as signals on D-Bus
        -n     : do not ask what nodes' addresses are called
        -s     : send them as SNMP traps
        -m IP  : the SNMP manager that gets these, instead of localhost; with :PORT where it is not 162
        -c NAME: the SNMP community, instead of public
        -h     : this text

`

// The name and the path of signals on D-Bus.
const (
	busInterface = "org.corosync"
	busPath      = "/org/corosync"
)

// corosyncNotifyd tells of events of the ring.
func corosyncNotifyd(ctx context.Context, env *program.Env) int {
	opts, _, err := getopt(env, "c:floshdnm:", nil)
	if err != nil {
		say(env.Stderr, "%v\n%s", err, notifydHelp)
		return 1
	}
	var foreground, log, shown, snmp, bus bool
	var o notifyd.Options
	traps := notifyd.Traps{Manager: "localhost"}
	for _, opt := range opts {
		switch opt.letter {
		case 'f':
			foreground = true
		case 'l':
			log = true
		case 'o':
			log, shown = true, true
		case 'd':
			bus = true
		case 'n':
			o.NoDNS = true
		case 's':
			snmp = true
		case 'm':
			traps.Manager = opt.value
		case 'c':
			traps.Community = opt.value
		case 'h':
			say(env.Stderr, "%s", notifydHelp)
			return 1
		}
	}
	out := notifier{env: env, shown: shown, system: logging.Syslog{Filter: logging.Filter{Level: slog.LevelInfo}, Facility: 3, Ident: "notifyd", PID: os.Getpid(), Form: func(l logging.Line) string { return l.Text }}}
	fail := func(format string, a ...any) int {
		out.line(slog.LevelError, fmt.Sprintf(format, a...))
		if !shown {
			say(env.Stderr, "%s: %s\n", env.Name(), fmt.Sprintf(format, a...))
		}
		return 1
	}
	switch {
	case !log && !snmp && !bus:
		return fail("no event type enabled, see corosync-notifyd -h, exiting.")
	case shown && !foreground:
		return fail("configured to print to stdout and run in the background, exiting")
	}
	if snmp && bus {
		out.line(slog.LevelError, "configured to send snmp traps and dbus signals - are you sure?.")
	}
	if !foreground {
		if err := detach(env); err != nil {
			return fail("daemon() failed: %v", err)
		}
		return 0
	}
	if o.Name, err = os.Hostname(); err != nil {
		return fail("%v", err)
	}
	if bus {
		if out.bus, err = dbus.ConnectSystemBus(); err != nil {
			out.line(slog.LevelError, "dbus_bus_get: "+err.Error())
		} else {
			defer out.bus.Close()
		}
	}
	if snmp {
		out.traps = &traps
		defer traps.Close()
	}
	o.Ready = func() { _ = supervise.Ready(env.Getenv) }
	supervise.KeepAlive(ctx, env.Getenv, func(error) {})
	tell := func(e notifyd.Event) {
		if log {
			out.line(logging.Notice, e.String())
		}
		out.signal(e)
		out.trap(e)
	}
	if err := notifyd.Watch(ctx, o, tell); err != nil {
		return fail("%v", err)
	}
	return 0
}

// notifier is where events go.
type notifier struct {
	env    *program.Env
	shown  bool
	system logging.Syslog
	bus    *dbus.Conn
	traps  *notifyd.Traps
}

func (n *notifier) line(level slog.Level, text string) {
	n.system.Write(logging.Line{Time: time.Now(), Level: level, Text: text})
	if !n.shown {
		return
	}
	priority := "notice"
	if level >= slog.LevelError {
		priority = "error"
	}
	say(n.env.Stderr, "[%s] %s\n", priority, text)
}

// signal sends an event on D-Bus. A bus that was lost is told of once.
func (n *notifier) signal(e notifyd.Event) {
	if n.bus == nil {
		return
	}
	name, args := e.Signal()
	if err := n.bus.Emit(busPath, busInterface+"."+name, args...); err != nil {
		n.line(slog.LevelError, "DBus connection lost")
		_ = n.bus.Close()
		n.bus = nil
	}
}

// trap sends an event to an SNMP manager.
func (n *notifier) trap(e notifyd.Event) {
	if n.traps == nil {
		return
	}
	if err := n.traps.Send(e, time.Now()); err != nil {
		n.line(slog.LevelError, "Could not send SNMP trap: "+err.Error())
	}
}

// detach starts this program once more, in the background.
func detach(env *program.Env) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c := exec.Command(self, append(append([]string{}, env.Args[1:]...), "-f")...)
	c.Args[0] = env.Args[0]
	c.Dir = "/"
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		return err
	}
	return c.Process.Release()
}
