package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"slices"
	"strconv"
	"time"

	"hacluster/corosync/conf"
	"hacluster/internal/flight"
	"hacluster/internal/logging"
	"hacluster/internal/program"
	"hacluster/internal/supervise"
)

// settled is the environment with a service's settings files, where the service
// manager has not read them already.
func settled(env *program.Env, names ...string) *program.Env {
	c := *env
	for _, n := range names {
		c.Getenv = logging.Settings(c.Getenv, "/etc/sysconfig/"+n, "/etc/default/"+n)
	}
	c.Getenv = legacyPrefix(c.Getenv)
	return &c
}

// place is this host, as logs see it.
func place(env *program.Env) logging.Host {
	h := logging.Host{Getenv: env.Getenv, Node: "localhost", PID: os.Getpid(), UID: -1, GID: -1}
	if name, err := os.Hostname(); err == nil {
		h.Node = name
	}
	h.Stderr, _ = env.Stderr.(*os.File)
	return h
}

// pacemakerLogger is the log of Pacemaker's daemons, as PCMK_… say.
func pacemakerLogger(env *program.Env, ident string) *slog.Logger {
	h := place(env)
	if u, err := user.Lookup("hacluster"); err == nil {
		h.UID, _ = strconv.Atoi(u.Uid)
		h.GID, _ = strconv.Atoi(u.Gid)
	}
	targets, err := h.Pacemaker(ident)
	log := logging.New(targets...).Logger()
	if err != nil {
		log.Warn("not all is logged as it should be", "err", err)
	}
	return log
}

// corosyncLog is the log of Corosync's daemons. It begins with what holds before
// corosync.conf was read; configure takes over what that says, at each reading.
type corosyncLog struct {
	*logging.Log
	host    logging.Host
	ident   string
	conf    conf.Logging
	targets []logging.Target
	flight  *flight.Recorder // has all that is told, whatever the others keep; nil: nobody can ask for it
}

func newCorosyncLog(env *program.Env, ident string) *corosyncLog {
	l := &corosyncLog{Log: logging.New(), host: place(env), ident: ident}
	if ident == "corosync" {
		l.flight = &flight.Recorder{}
	}
	l.configure(conf.Logging{ToStderr: true, ToSyslog: true, Facility: "daemon", Priority: "info", SyslogPriority: "info", Timestamp: "on"})
	return l
}

func (l *corosyncLog) configure(c conf.Logging) {
	targets, err := l.host.Corosync(l.ident, c)
	before := l.targets
	l.targets = targets
	if l.flight != nil {
		targets = append(slices.Clone(targets), l.flight)
	}
	l.Set(targets...)
	logging.Close(before)
	l.conf = c
	if err != nil {
		l.Logger().Warn("not all is logged as it should be", "err", err)
	}
}

// reopen opens the log files anew.
func (l *corosyncLog) reopen() { l.configure(l.conf) }

// dumpFlight begins to write the flight data into a folder; whoever asks for them does not have the ring wait for a disk.
func (l *corosyncLog) dumpFlight(dir string) {
	go func() {
		path, err := l.flight.Dump(dir, time.Now())
		if err != nil {
			l.Logger().Error("the flight data are not written", "err", err)
			return
		}
		l.Logger().Info("the flight data are written", "file", path)
	}()
}

// tell tells the service manager of a state.
func tell(env *program.Env, log *slog.Logger, state string) {
	if err := supervise.Notify(env.Getenv, state); err != nil {
		log.Warn(fmt.Sprintf("the service manager was not told %s", state), "err", err)
	}
}

// keepAlive has the service manager know that the service lives, until ctx ends.
func keepAlive(ctx context.Context, env *program.Env, log *slog.Logger) {
	supervise.KeepAlive(ctx, env.Getenv, func(err error) {
		log.Warn("the service manager was not told "+supervise.AliveState, "err", err)
	})
}

// tellEnd tells the service manager that the service ends, once ctx does.
func tellEnd(ctx context.Context, env *program.Env, log *slog.Logger) (stop func() bool) {
	return context.AfterFunc(ctx, func() { tell(env, log, supervise.StoppingState) })
}

// tellFailure has the log say why a service ends: under systemd nobody sees what it writes to standard error. An exit code was told of already.
func tellFailure(log *slog.Logger, err error) {
	var code exit
	if err != nil && !errors.As(err, &code) {
		log.Error("the daemon ends", "err", err)
	}
}
