package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"hacluster/cib/number"
	"hacluster/internal/halt"
	"hacluster/internal/logging"
	"hacluster/internal/program"
)

// With PCMK_fail_fast a host ends itself when Pacemaker's daemons die on it. As ours are one process, a second one watches over
// it: it waits at a pipe, of which the first has the other end until it dies, however it does.

// goodbye is what the daemon says before it ends in good order.
const goodbye = 'x'

// failFast has a process watch over this one, where PCMK_fail_fast says so. end tells it that this one is about to end in good order.
func failFast(env *program.Env, log *slog.Logger) (end func(), err error) {
	if yes, _ := number.Bool(env.Getenv("PCMK_fail_fast")); !yes {
		return func() {}, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "fail-fast")
	cmd.Stdin, cmd.Dir = r, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	r.Close()
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("PCMK_fail_fast: nobody watches over this process: %w", err)
	}
	log.Info("this host is ended should the daemon die", "watching", cmd.Process.Pid)
	return func() {
		_, _ = w.Write([]byte{goodbye})
		w.Close()
		_ = cmd.Wait()
	}, nil
}

// died waits for the end of the process at the other end of a pipe, and tells whether that came without a word.
func died(r io.Reader) bool {
	b := make([]byte, 1)
	for {
		n, err := r.Read(b)
		switch {
		case n == 1 && b[0] == goodbye:
			return false
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return errors.Is(err, io.EOF) // anything else is no word of the daemon
		}
	}
}

// failFastCommand is the process that watches.
func failFastCommand(env *program.Env) *cobra.Command {
	return &cobra.Command{
		Use: "fail-fast", Hidden: true, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
			if !died(os.Stdin) {
				return nil
			}
			set := settled(env, "pacemaker")
			log := pacemakerLogger(set, "pacemakerd")
			log.Log(c.Context(), logging.Critical, "this host ends itself: Pacemaker's daemon died, and PCMK_fail_fast is set")
			how, flush, _ := halt.Action(set.Getenv("PCMK_panic_action"))
			if flush {
				halt.Flush()
			}
			halt.Now(how)
			return exit(1)
		},
	}
}
