package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"hacluster/engine/controller"
	"hacluster/internal/client"
	"hacluster/internal/corosyncd"
	"hacluster/internal/output/screen"
	"hacluster/internal/program"
	"hacluster/internal/supervise"
	"hacluster/internal/tool"
)

// named are the roles by the names that the originals' daemons have, with their options; what is given back is the exit code.
// The quorum device and its server take those of their roles.
func named(env *program.Env) func(context.Context, *program.Env) int {
	if len(env.Args) > 1 && env.Args[1] == "agent" {
		return nil // how the role runs its own agents
	}
	switch env.Name() {
	case "corosync":
		return namedCorosync
	case "pacemakerd":
		return pacemakerd
	case "corosync-qdevice", "corosync-qnetd":
		return func(ctx context.Context, env *program.Env) int {
			e := *env
			e.Args = append([]string{"clusterd", env.Name()}, env.Args[1:]...)
			return run(ctx, &e)
		}
	}
	if p, ok := parts[env.Name()]; ok {
		return p.run
	}
	return nil
}

// codeOf is the exit code of a role that ended; what went wrong has been told.
func codeOf(env *program.Env, err error) int {
	var code exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(env.Stderr, "%s: %v\n", env.Name(), err)
	return 1
}

const corosyncUsage = `usage:
        -c FILE: the configuration, instead of $COROSYNC_MAIN_CONFIG_FILE and /etc/corosync/corosync.conf
        -f     : stay in the foreground
        -t     : check the configuration and end
        -v     : show the version and end
`

// confVariable names the configuration where -c does not.
const confVariable = "COROSYNC_MAIN_CONFIG_FILE"

// exitConfig is the original's code for a configuration that it cannot start with.
const exitConfig = 8

// namedCorosync is corosync(8).
func namedCorosync(ctx context.Context, env *program.Env) int {
	file, foreground, test := env.Getenv(confVariable), false, false
	wrong := func(format string, a ...any) int {
		fmt.Fprintf(env.Stderr, "%s: %s\n%s", env.Args[0], fmt.Sprintf(format, a...), corosyncUsage)
		return 1
	}
	args := env.Args[1:]
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		if word == "--" {
			break
		}
		if len(word) < 2 || word[0] != '-' {
			continue // the original passes words over
		}
		for letters := word[1:]; letters != ""; {
			letter := letters[0]
			letters = letters[1:]
			switch letter {
			case 'f':
				foreground = true
			case 't':
				test = true
			case 'v':
				fmt.Fprintf(env.Stdout, "Corosync Cluster Engine, version '%s'\n", corosyncd.Version)
				return 0
			case 'c':
				switch {
				case letters != "":
					file, letters = letters, ""
				case len(args) > 0:
					file, args = args[0], args[1:]
				default:
					return wrong("option requires an argument -- 'c'")
				}
			default:
				return wrong("invalid option -- '%c'", letter)
			}
		}
	}
	if test {
		if err := corosyncd.Check(file); err != nil {
			fmt.Fprintf(env.Stderr, "%s: %v\n", env.Name(), err)
			return exitConfig
		}
		return 0
	}
	e := with(env, confVariable, file)
	if !foreground {
		return inBackground(ctx, e, confVariable+"="+file)
	}
	return codeOf(env, corosync(ctx, settled(e, "corosync")))
}

// with is env with a variable that has another value.
func with(env *program.Env, name, value string) *program.Env {
	e := *env
	e.Getenv = func(n string) string {
		if n == name {
			return value
		}
		return env.Getenv(n)
	}
	return &e
}

// inBackground starts this program once more, in the background with -f and more variables, and ends when it serves, or with the code that it
// ends with.
func inBackground(ctx context.Context, env *program.Env, variables ...string) int {
	fail := func(err error) int {
		fmt.Fprintf(env.Stderr, "%s: %v\n", env.Name(), err)
		return 1
	}
	self, err := os.Executable()
	if err != nil {
		return fail(err)
	}
	dir, err := os.MkdirTemp("", "corosync-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "ready")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return fail(err)
	}
	defer l.Close()
	c := exec.Command(self, "-f")
	c.Args[0] = env.Args[0]
	c.Env = append(append(os.Environ(), "NOTIFY_SOCKET="+socket), variables...)
	c.Dir = "/"
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		return fail(err)
	}
	ended := make(chan int, 1)
	go func() {
		_ = c.Wait()
		ended <- max(1, c.ProcessState.ExitCode())
	}()
	ready := make(chan struct{})
	go func() {
		text := make([]byte, 256)
		for {
			n, err := l.Read(text)
			if err != nil {
				return
			}
			if strings.Contains(string(text[:n]), supervise.ReadyState) {
				close(ready)
				return
			}
		}
	}()
	select {
	case <-ready:
		return 0
	case code := <-ended:
		fmt.Fprintf(env.Stderr, "%s: it ended at once; its log says why\n", env.Name())
		return code
	case <-ctx.Done():
		_ = c.Process.Signal(syscall.SIGTERM)
		return <-ended
	}
}

// pacemakerd is pacemakerd(8).
func pacemakerd(ctx context.Context, env *program.Env) int {
	var features, shutdown, standby, ignored bool
	var pidFile string
	out, _, code := tool.Start(env, &tool.Program{
		Summary: "the daemon that runs a cluster node",
		Glued:   "p",
		Options: []tool.Option{
			{Short: 'F', Long: "features", Do: tool.Flag(&features), Help: "the version and what is built in, and nothing else"},
			{Short: 'f', Long: "foreground", Do: tool.Flag(&ignored), Help: "accepted: it is always in the foreground"},
			{Short: 'p', Long: "pid-file", Arg: tool.Required, Do: tool.Text(&pidFile), Value: "FILE", Help: "accepted: there is none"},
			{Short: 'S', Long: "shutdown", Do: tool.Flag(&shutdown), Help: "end Pacemaker on this host, and wait for that"},
			{Short: 's', Long: "standby", Do: tool.Flag(&standby), Help: "begin as a node in standby"},
		},
	})
	if out == nil {
		return code
	}
	switch {
	case features:
		v := screen.Current()
		out.Print("Pacemaker %s (Build: %s)\n Supporting v%s: %s\n", v.Number, v.Build, controller.FeatureSet, v.Features)
		all := out.Element("pacemakerd", "version", v.Number, "build", v.Build, "feature_set", controller.FeatureSet).CreateElement("features")
		for _, f := range strings.Fields(v.Features) {
			all.CreateElement("feature").SetText(f)
		}
		return out.Finish(tool.OK, nil)
	case shutdown:
		if err := client.StopLauncher(ctx, env.Name()); err != nil {
			why := err.Error()
			if errors.Is(err, client.ErrNotRunning) {
				why = "Connection refused"
			}
			out.Fault("Could not request shutdown of existing Pacemaker instance: %s", why)
			return out.Finish(tool.Disconnect, nil)
		}
		return out.Finish(tool.OK, nil)
	}
	asked, cancel := context.WithTimeout(ctx, 5*time.Second)
	found, err := client.Launcher(asked, env.Name())
	cancel()
	if err == nil && found.State != client.LauncherRemote {
		out.Fault("Aborting start-up because active Pacemaker instance found")
		return out.Finish(tool.Exists, nil)
	}
	settings := settled(env, "pacemaker", "sbd")
	if standby {
		settings = with(settings, "PCMK_node_start_state", "standby")
	}
	return codeOf(env, pacemaker(ctx, settings))
}
