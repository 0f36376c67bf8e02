package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"hacluster/internal/halt"
	"hacluster/internal/logging"
	"hacluster/internal/node"
	"hacluster/internal/program"
	"hacluster/internal/realtime"
	"hacluster/internal/sbd"
	"hacluster/internal/supervise"
)

// sbdCommand is the role sbd: the watch over this node. Its settings are those of
// the original, SBD_… in the file sbd.
func sbdCommand(env *program.Env) *cobra.Command {
	var startup, io, crash, warn time.Duration
	var ordinary, ownLimit, clusterFirst, ring bool
	var trace int
	cmd := &cobra.Command{Use: "sbd", Short: "Watch over this node: fence it when a shared disk or the cluster says so", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		env, node, err := sbdOptions(c, settled(env, "sbd"))
		if err != nil {
			fmt.Fprintf(env.Stderr, "clusterd: sbd: SBD_OPTS: %v\n", err)
			return exit(1)
		}
		log := pacemakerLogger(env, "sbd")
		defer tellEnd(c.Context(), env, log)()
		keepAlive(c.Context(), env, log)
		d, err := sbdDaemon(env, node, ring, log)
		if err == nil {
			d.Startup, d.IO, d.CrashLimit, d.OwnLimit, d.ClusterFirst, d.Trace = startup, io, crash, ownLimit, clusterFirst, sbd.Trace(trace)
			if c.Flags().Changed("warn") {
				d.Warn = &warn
			}
			if pid := sbdProcess(env); pid != 0 && pid != os.Getpid() {
				err = fmt.Errorf("another watch runs: process %d", pid)
			}
		}
		if err == nil {
			err = os.WriteFile(sbdPidFile(env), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644)
		}
		if err == nil {
			cgroup := env.Getenv("SBD_MOVE_TO_ROOT_CGROUP")
			if cgroup == "" {
				cgroup = "auto"
			}
			if !ordinary {
				realtime.Take(realtime.Wish{RoundRobin: true, RootCgroup: cgroup}, log)
			}
			err = d.Run(c.Context())
			_ = os.Remove(sbdPidFile(env))
		}
		if err != nil {
			log.Error("the watch ends", "err", err)
			fmt.Fprintf(env.Stderr, "clusterd: sbd: %v\n", err)
			return exit(1)
		}
		return nil
	}}
	cmd.Flags().DurationVar(&startup, "startup", 2*time.Minute, "how long devices may take to appear")
	cmd.Flags().DurationVar(&io, "io", sbd.IOTimeout, "how long one read or write may take")
	cmd.Flags().DurationVar(&crash, "crash-watchdog", 0, "the watchdog's timeout while the kernel dumps its memory; 0: it is disarmed")
	cmd.Flags().DurationVar(&warn, "warn", 0, "how long the watchdog may go unfed before the log tells of it; 0: for ever (three fifths of the watchdog's time)")
	cmd.Flags().BoolVar(&ownLimit, "own-watchdog-timeout", false, "leave the watchdog the timeout that it has")
	cmd.Flags().BoolVar(&clusterFirst, "cluster-first", false, "the disks do not stand in for a cluster that was there and is not well any more")
	cmd.Flags().BoolVar(&ring, "check-cluster", false, "Corosync is a witness where Pacemaker is not; where that is, it tells of both")
	cmd.Flags().IntVar(&trace, "trace", 0, "try ends of the node out: 1 dumps its memory instead, 2 ends the watch instead, 3 waits for ten seconds")
	cmd.Flags().BoolVar(&ordinary, "no-realtime", false, "no scheduling in real time, and memory is not locked")
	return cmd
}

// sbdOptions has the options of SBD_OPTS go before the other settings, and gives the node's name, "" for the host's.
func sbdOptions(c *cobra.Command, env *program.Env) (_ *program.Env, node string, _ error) {
	o, err := sbd.ReadOptions(env.Getenv("SBD_OPTS"))
	if err != nil {
		return env, "", err
	}
	settings := o.End()
	if err := c.ParseFlags(o.Args); err != nil {
		return env, "", err
	}
	first := map[string]string{}
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		first[name] = value
	}
	own, otherwise := *env, env.Getenv
	own.Getenv = func(name string) string {
		if v, ok := first[name]; ok {
			return v
		}
		return otherwise(name)
	}
	return &own, o.Node, nil
}

// sbdDaemon reads the settings; node is this node's name, "" for the host's, and ring has Corosync be a witness in Pacemaker's place.
func sbdDaemon(env *program.Env, node string, ring bool, log *slog.Logger) (*sbd.Daemon, error) {
	get := func(name, otherwise string) string {
		if v := strings.TrimSpace(env.Getenv(name)); v != "" {
			return v
		}
		return otherwise
	}
	if node == "" {
		var err error
		if node, err = os.Hostname(); err != nil {
			return nil, err
		}
	}
	d := &sbd.Daemon{
		Devices: sbd.Devices(get("SBD_DEVICE", "")), Node: node, Header: sbd.Defaults(), Log: log,
		Ready: func() { tell(env, log, supervise.ReadyState) },
	}
	if len(d.Devices) > 3 {
		return nil, fmt.Errorf("SBD_DEVICE names %d devices: there can be 3", len(d.Devices))
	}
	limit, err := sbd.Seconds(get("SBD_WATCHDOG_TIMEOUT", "5"))
	if err != nil || limit == 0 {
		return nil, fmt.Errorf("SBD_WATCHDOG_TIMEOUT: %q is not a number of seconds", get("SBD_WATCHDOG_TIMEOUT", "5"))
	}
	d.Header.Watchdog = uint32(limit / time.Second)
	switch mode := get("SBD_STARTMODE", "always"); mode {
	case "always":
	case "clean":
		d.Clean = true
	default:
		return nil, fmt.Errorf("SBD_STARTMODE: %q is not always or clean", mode)
	}
	if path := get("SBD_WATCHDOG_DEV", "/dev/watchdog"); path != "/dev/null" {
		d.Watchdog = func(timeout time.Duration) (sbd.Feeder, error) { return sbd.OpenWatchdog(path, timeout) }
	}
	switch strings.ToLower(get("SBD_PACEMAKER", "yes")) {
	case "yes", "true", "on", "1", "y":
		d.Cluster = (&sbd.Cluster{Node: node, Disks: len(d.Devices)}).Health
	case "no", "false", "off", "0", "n":
		if ring {
			d.Cluster = (&sbd.Ring{}).Health
		}
	default:
		return nil, fmt.Errorf("SBD_PACEMAKER: %q is not yes or no", get("SBD_PACEMAKER", ""))
	}
	if len(d.Devices) == 0 && d.Cluster == nil {
		return nil, fmt.Errorf("SBD_DEVICE names no device, and neither Pacemaker nor Corosync is a witness: there is nothing to watch over this node with")
	}
	if d.Delay, err = sbd.ParseDelay(get("SBD_DELAY_START", "no")); err != nil {
		return nil, fmt.Errorf("SBD_DELAY_START: %w", err)
	}
	flush, late, err := timeoutAction(get("SBD_TIMEOUT_ACTION", "flush,reboot"))
	if err != nil {
		return nil, err
	}
	d.Late = late
	d.Act = func(m sbd.Message, why string) {
		log.Log(context.Background(), logging.Critical, "this node ends itself", "why", why)
		if flush && strings.HasPrefix(why, sbd.NoLiveness) {
			halt.Flush()
		}
		halt.Now(map[sbd.Message]halt.How{sbd.Off: halt.Off, sbd.CrashDump: halt.Crash}[m])
	}
	return d, nil
}

// timeoutAction reads SBD_TIMEOUT_ACTION: what to do when the node was alone for too long.
func timeoutAction(setting string) (flush bool, m sbd.Message, err error) {
	flush, m = true, sbd.Reset
	for _, w := range strings.Split(setting, ",") {
		switch w {
		case "flush":
			flush = true
		case "noflush":
			flush = false
		case "reboot":
			m = sbd.Reset
		case "off":
			m = sbd.Off
		case "crashdump":
			m = sbd.CrashDump
		default:
			return flush, m, fmt.Errorf("SBD_TIMEOUT_ACTION: %q is not made of flush, noflush, reboot, off, crashdump", setting)
		}
	}
	return flush, m, nil
}

// sbdPidFile is where the watch notes its process.
func sbdPidFile(env *program.Env) string {
	if p := env.Getenv("SBD_PIDFILE"); p != "" {
		return p
	}
	return "/run/sbd.pid"
}

// sbdProcess finds the watch's process, this house's or the original's; 0: none runs.
func sbdProcess(env *program.Env) int {
	data, err := os.ReadFile(sbdPidFile(env))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || pid <= 1 {
		return 0
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || !strings.Contains(string(line), "sbd") {
		return 0
	}
	return pid
}

// sbdWatchdog is the watchdog that the watch feeds, as the cluster sees it. A watch that stands still leaves it unfed, and so ends
// the node; one that was killed would be started again, and feed it.
func sbdWatchdog(env *program.Env) node.Watchdog {
	w := node.Watchdog{Timeout: 5 * time.Second}
	if t, err := sbd.Seconds(env.Getenv("SBD_WATCHDOG_TIMEOUT")); err == nil && t > 0 {
		w.Timeout = t
	}
	for _, d := range sbdDevices(env.Getenv("SBD_DEVICE")) {
		if d.Healthy { // the disk's time goes before the setting
			w.Timeout = time.Duration(d.Watchdog) * time.Second
			break
		}
	}
	w.Running = func() bool { return env.Getenv("SBD_WATCHDOG_DEV") != "/dev/null" && sbdProcess(env) != 0 }
	w.Strike = func() {
		if pid := sbdProcess(env); pid != 0 {
			_ = syscall.Kill(pid, syscall.SIGSTOP)
		}
	}
	return w
}
