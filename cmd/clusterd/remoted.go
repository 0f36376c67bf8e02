package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"hacluster/internal/logging"
	"hacluster/internal/program"
)

// containerSettings may lie in a container: settings that one host has and another has not.
const containerSettings = "/etc/pacemaker/pcmk-init.env"

// isRemoted tells that the program was called by the name that bundles run in their containers; what follows
// may be options, which the original ignores there.
func isRemoted(env *program.Env) bool {
	switch env.Name() {
	case "pacemaker-remoted", "pacemaker_remoted":
		return len(env.Args) == 1 || env.Args[1] != "" && env.Args[1][0] == '-'
	}
	return false
}

// containerDuty is what a container's first process has to do besides its service (PCMK_remote_pid1 asks for it elsewhere).
type containerDuty int

const (
	noDuty       containerDuty = iota
	settingsDuty               // only take the container's settings over
	initDuty                   // and take the ends of orphans
)

func dutyOf(pid int, asked string) containerDuty {
	switch {
	case pid == 1, asked == "full":
		return initDuty
	case asked == "vars":
		return settingsDuty
	}
	return noDuty
}

// beginContainer takes the container's settings over; what is set already, as the bundle says, holds.
func beginContainer(settings string, duty containerDuty, set func(name, value string)) {
	if text, err := os.ReadFile(settings); err == nil {
		for name, value := range logging.ParseSettings(string(text)) {
			set(name, value)
		}
	}
	if duty == initDuty {
		set("PCMK_logfile", "/var/log/pcmk-init.log") // there may be no folder for the usual one
	}
}

// remotedInit is a container's first process: the service is its child, whose exit code it ends with. Orphans are
// its children, too, and somebody has to wait for them.
func remotedInit(env *program.Env) int {
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintf(env.Stderr, "%s: %v\n", env.Name(), err)
		return 71
	}
	ends := make(chan os.Signal, 8)
	signal.Notify(ends, syscall.SIGTERM, syscall.SIGINT)
	service := exec.Command(self, env.Args[1:]...)
	service.Args[0] = env.Args[0]
	service.Env = append(os.Environ(), "PCMK_remote_pid1=")
	service.Stdin, service.Stdout, service.Stderr = os.Stdin, os.Stdout, os.Stderr
	service.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := service.Start(); err != nil {
		fmt.Fprintf(env.Stderr, "%s: %v\n", env.Name(), err)
		return 71
	}
	pid := service.Process.Pid
	code := make(chan int)
	go func() {
		for {
			var how syscall.WaitStatus
			ended, err := syscall.Wait4(-1, &how, 0, nil)
			switch {
			case err == syscall.EINTR:
			case err != nil:
				code <- 1
				return
			case ended == pid && how.Exited():
				code <- how.ExitStatus()
				return
			case ended == pid:
				code <- 1
				return
			}
		}
	}()
	for {
		select {
		case c := <-code:
			return c
		case s := <-ends:
			if s == syscall.SIGINT {
				return 0 // and all of the container with it
			}
			_ = syscall.Kill(pid, syscall.SIGTERM)
		}
	}
}

// remoted is the role pacemaker-remote by the name that containers know.
func remoted(ctx context.Context, env *program.Env) int {
	duty := dutyOf(os.Getpid(), env.Getenv("PCMK_remote_pid1"))
	if duty != noDuty {
		beginContainer(containerSettings, duty, func(name, value string) {
			if _, there := os.LookupEnv(name); !there {
				_ = os.Setenv(name, value)
			}
		})
	}
	if duty == initDuty {
		return remotedInit(env)
	}
	if err := pacemakerRemote(ctx, settled(env, "pacemaker", "sbd")); err != nil {
		fmt.Fprintf(env.Stderr, "%s: %v\n", env.Name(), err)
		return 1
	}
	return 0
}
