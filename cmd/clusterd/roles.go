package main

import (
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"hacluster/internal/program"
	"hacluster/internal/supervise"
)

// roles are the service faces of the daemon.
func roles(env *program.Env) []*cobra.Command {
	notYet := func(name, short string) *cobra.Command {
		return &cobra.Command{Use: name, Short: short, Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
			return exit(program.NotYet(env, "the role "+name))
		}}
	}
	return []*cobra.Command{
		notYet("pcsd", "Serve pcs's API on TCP 2224"),
		notYet("corosync", "Serve membership, ordered messages and quorum"),
		notYet("pacemaker", "Serve the CIB, decide, carry out and fence"),
	}
}

func superviseCommand(env *program.Env) *cobra.Command {
	return &cobra.Command{
		Use: "run", Short: "Supervise the services of this host, where no systemd does", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			s := &supervise.Supervisor{
				Units: supervise.Roles(self), Dir: filepath.Dir(supervise.Socket), Enabled: "/etc/hacluster/enabled",
				Log: slog.New(slog.NewTextHandler(env.Stderr, nil)), Reaper: false,
			}
			return s.Run(c.Context(), func() { _ = supervise.Ready(env.Getenv) })
		},
	}
}
