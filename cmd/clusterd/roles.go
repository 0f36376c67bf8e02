package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"hacluster/corosync/client"
	"hacluster/corosync/local"
	"hacluster/engine/controller"
	"hacluster/internal/account"
	"hacluster/internal/corosyncd"
	"hacluster/internal/halt"
	"hacluster/internal/host"
	"hacluster/internal/logging"
	"hacluster/internal/metrics"
	"hacluster/internal/node"
	"hacluster/internal/pcsd"
	"hacluster/internal/program"
	"hacluster/internal/remote"
	"hacluster/internal/remotecib"
	"hacluster/internal/sbd"
	"hacluster/internal/supervise"
	"hacluster/ocf"
	"hacluster/ocf/builtin"
)

// roles are the service faces of the daemon.
func roles(env *program.Env) []*cobra.Command {
	return []*cobra.Command{
		{Use: "pcsd", Short: "Serve pcs's API on TCP 2224", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			return pcsdRole(c.Context(), settled(env, "pcsd"))
		}},
		{Use: "corosync", Short: "Serve membership, ordered messages and quorum", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			return corosync(c.Context(), settled(env, "corosync"))
		}},
		{Use: "pacemaker", Short: "Serve the CIB, decide, carry out and fence", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			return pacemaker(c.Context(), settled(env, "pacemaker", "sbd"))
		}},
		{Use: "pacemaker-remote", Short: "Run services for a cluster that this host is no member of", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			return pacemakerRemote(c.Context(), settled(env, "pacemaker", "sbd"))
		}},
		qdeviceCommand(env),
		qnetdCommand(env),
		sbdCommand(env),
		{Use: "agent PROVIDER TYPE ACTION", Short: "Run a built-in resource agent, as the cluster does", Args: cobra.ExactArgs(3), RunE: func(c *cobra.Command, args []string) error {
			code := builtin.Run(c.Context(), args[0], args[1], args[2], &builtin.Env{Getenv: env.Getenv, Stdout: env.Stdout, Stderr: env.Stderr})
			if code != 0 {
				return exit(code)
			}
			return nil
		}},
	}
}

// exitStayDown is the code of a role that must not be started again by itself.
const exitStayDown = exit(100)

func corosync(ctx context.Context, env *program.Env) error {
	corosyncd.Alone()
	logs := newCorosyncLog(env, "corosync")
	defer logs.Later(1000)(2 * time.Second) // the ring does not wait for a disk
	log := logs.Logger()
	defer tellEnd(ctx, env, log)()
	err := corosyncd.Run(ctx, corosyncd.Options{
		ConfPath: env.Getenv(confVariable), UIDGIDDir: "/etc/corosync/uidgid.d", Log: log, Configured: logs.configure, ReopenLogs: logs.reopen, DumpFlight: logs.dumpFlight,
		Ready:      func() { tell(env, log, supervise.ReadyState) },
		AliveEvery: supervise.AliveInterval(env.Getenv), Alive: func() { tell(env, log, supervise.AliveState) },
	})
	if err != nil {
		log.Error("the daemon ends", "err", err)
		fmt.Fprintf(env.Stderr, "clusterd: corosync: %v\n", err)
		if errors.Is(err, corosyncd.ErrOrdered) {
			return exitStayDown
		}
		if corosyncd.Check(env.Getenv(confVariable)) != nil {
			return exit(exitConfig)
		}
		return exit(1)
	}
	return nil
}

func pcsdRole(ctx context.Context, env *program.Env) error {
	log := pcsd.NewLogger(env.Stderr, strings.EqualFold(env.Getenv("PCSD_DEBUG"), "true"))
	defer tellEnd(ctx, env, log)()
	keepAlive(ctx, env, log)
	defer serveMetrics(ctx, env, log)()
	err := pcsd.Main(ctx, env.Getenv, env.Stderr, func() {
		tell(env, log, supervise.ReadyState)
	})
	if err != nil {
		fmt.Fprintf(env.Stderr, "clusterd: pcsd: %v\n", err)
		return exit(1)
	}
	return nil
}

// serveMetrics serves metrics beside pcsd where PCSD_METRICS asks for them: this
// role is up whatever becomes of the others. What goes wrong there is told, no more.
func serveMetrics(ctx context.Context, env *program.Env, log *slog.Logger) (stop func()) {
	address, err := metrics.Address(env.Getenv("PCSD_METRICS"))
	if err != nil {
		log.Error("PCSD_METRICS: " + err.Error())
	}
	if address == "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		sources := metrics.Host(log)
		sources.SBD = func(context.Context) ([]metrics.Device, error) {
			return sbdDevices(settled(env, "sbd").Getenv("SBD_DEVICE")), nil
		}
		if err := metrics.Serve(ctx, address, sources); err != nil {
			log.Error("metrics are not served: " + err.Error())
		}
	}()
	return func() { cancel(); <-done }
}

// sbdDevices looks at the devices of SBD.
func sbdDevices(setting string) (out []metrics.Device) {
	for _, path := range sbd.Devices(setting) {
		m := metrics.Device{Path: path}
		if d, err := sbd.Open(path, sbd.IOTimeout); err == nil {
			if h, err := (sbd.Disk{Sectors: d}).Header(); err == nil {
				m.Healthy, m.Watchdog, m.MsgWait = true, h.Watchdog, h.MsgWait
			}
			_ = d.Close()
		}
		out = append(out, m)
	}
	return out
}

// agentsUnderway is where the daemons that run agents keep which ones do: it is empty when the machine starts.
const agentsUnderway = "/run/hacluster/agents"

func pacemaker(ctx context.Context, env *program.Env) (err error) {
	log := pacemakerLogger(env, "pacemakerd")
	defer tellEnd(ctx, env, log)()
	defer func() { tellFailure(log, err) }()
	ignoreBlackboxSignals(ctx, log)
	tellIneffective(env, log)
	if err := checkClusterType(env); err != nil {
		log.Error("the daemon does not start", "err", err)
		fmt.Fprintf(env.Stderr, "clusterd: pacemaker: %v\n", err)
		return exitStayDown
	}
	uid, gid := -1, -1
	if u, err := user.Lookup("hacluster"); err == nil {
		uid, _ = strconv.Atoi(u.Uid)
		gid, _ = strconv.Atoi(u.Gid)
	}
	const state = "/var/lib/pacemaker"
	for _, d := range []string{state, state + "/cib", state + "/pengine", state + "/cores"} {
		if err := os.MkdirAll(d, 0o750); err != nil {
			return err
		}
		if uid >= 0 {
			if err := os.Chown(d, uid, gid); err != nil {
				return err
			}
		}
	}
	agents, err := host.Agents()
	if err != nil {
		return err
	}
	agentsAs(agents, env, "pacemaker-execd")
	secure, err := remote.SettingsFrom(env.Getenv)
	if err != nil {
		return err
	}
	how, flush, err := halt.Action(env.Getenv("PCMK_panic_action"))
	if err != nil {
		log.Warn("this host would be started again, should it have to end", "err", err)
	}
	served := false
	end, err := failFast(env, log)
	if err != nil {
		return err
	}
	err = node.Run(ctx, node.Config{
		StateDir: state, Owner: uid, Group: gid, Agents: agents, Timing: controller.DefaultTiming, Log: log, Remote: secure,
		Elsewhere: remotecib.Config{Certificates: secure.Certificates, Keys: remotecib.Keys{File: remotecib.DefaultKeys, Owners: account.Daemons()}, MayLogIn: mayLogIn(env, log)},
		Watchdog:  sbdWatchdog(env), StartState: env.Getenv("PCMK_node_start_state"), ActionLimit: actionLimit(env, log),
		Panic: func() {
			if flush {
				halt.Flush()
			}
			halt.Now(how)
		},
		Ready: func() {
			served = true
			tell(env, log, supervise.ReadyState)
		},
		AliveEvery: supervise.AliveInterval(env.Getenv), Alive: func() { tell(env, log, supervise.AliveState) },
	})
	if err != nil {
		level := slog.LevelError
		if errors.Is(err, node.ErrCorosyncGone) {
			level = slog.LevelWarn // it was told of already
		}
		log.Log(ctx, level, "the daemon ends", "err", err)
		fmt.Fprintf(env.Stderr, "clusterd: pacemaker: %v\n", err)
		if !served {
			end() // what never began has not died
		}
		if errors.Is(err, node.ErrFenced) || errors.Is(err, node.ErrNoWatchdog) || errors.Is(err, node.ErrRefused) {
			end()
			leaveRing(log)
			return exitStayDown
		}
		return exit(1)
	}
	end()
	return nil
}

// leaveRing has corosync end, too, where the cluster will not have this node, as Pacemaker does: it is to have no vote in
// the cluster that it takes no part in, and fencing that only cuts it off from something leaves it running.
func leaveRing(log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := client.DialCfg(ctx)
	if err == nil {
		defer c.Close()
		err = c.Shutdown(ctx, local.ShutdownImmediate)
	}
	if err != nil {
		log.Warn("corosync could not be asked to end", "err", err)
		return
	}
	log.Info("corosync was asked to end")
}

// actionLimit reads PCMK_node_action_limit.
func actionLimit(env *program.Env, log *slog.Logger) string {
	v := env.Getenv("PCMK_node_action_limit")
	if v == "" {
		return ""
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		log.Warn("PCMK_node_action_limit is ignored: it is no number", "value", v)
		return ""
	}
	return strconv.FormatInt(min(max(n, 0), math.MaxInt32), 10)
}

// agentsAs makes agents start as they do from Pacemaker's executor: in its folder for cores, with its mask for new files and with its
// environment, which an administrator may have added to (a proxy, a folder of certificates), and none of this process's files.
func agentsAs(h *ocf.Host, env *program.Env, service string) {
	ofOthers := func(e string) bool {
		return supervise.OfManager(e) || strings.HasPrefix(e, "OCF_")
	}
	h.Env = slices.Concat(slices.DeleteFunc(os.Environ(), ofOthers), h.Env, logging.AgentEnvironment(env.Getenv),
		[]string{"LC_ALL=C", "OCF_OUTPUT_FORMAT=text", "PCMK_cluster_type=corosync", "PCMK_service=" + service, "HA_cluster_type=corosync"})
	h.RunDir, h.WorkDir, h.Umask = agentsUnderway, "/var/lib/pacemaker/cores", 0o026
	if err := unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return // an older kernel: what was left open to this process by whom it was started
	}
}

func pacemakerRemote(ctx context.Context, env *program.Env) (err error) {
	log := pacemakerLogger(env, "pacemaker-remoted")
	defer tellEnd(ctx, env, log)()
	keepAlive(ctx, env, log)
	defer func() { tellFailure(log, err) }()
	ignoreBlackboxSignals(ctx, log)
	tellIneffective(env, log)
	settings, err := remote.SettingsFrom(env.Getenv)
	if err != nil {
		return err
	}
	agents, err := host.Agents()
	if err != nil {
		return err
	}
	agentsAs(agents, env, "pacemaker-remoted")
	server := &remote.Server{Settings: settings, Agents: agents, Log: log, StartState: env.Getenv("PCMK_node_start_state"), Local: true, Ready: func() {
		tell(env, log, supervise.ReadyState)
	}}
	return server.Run(ctx)
}

func superviseCommand(env *program.Env) *cobra.Command {
	return &cobra.Command{
		Use: "run", Short: "Supervise the services of this host, where no systemd does", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			ring, err := supervise.Ring(supervise.RingPath)
			if err != nil {
				return err
			}
			s := &supervise.Supervisor{
				Units: supervise.Roles(self, ring), Dir: filepath.Dir(supervise.Socket), Enabled: "/etc/hacluster/enabled",
				Log: slog.New(slog.NewTextHandler(env.Stderr, nil)), Reaper: false,
			}
			return s.Run(c.Context(), func() { _ = supervise.Ready(env.Getenv) })
		},
	}
}
