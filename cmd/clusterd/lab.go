package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"hacluster/internal/lab"
	"hacluster/internal/program"
)

func labCommand(env *program.Env) *cobra.Command {
	var name string
	c := &cobra.Command{
		Use: "lab", Short: "Test hosts on this machine, each with a network and files of its own",
		Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.PersistentFlags().StringVar(&name, "name", lab.DefaultName, "the `lab` that is meant; several may be up at once")
	var count, while int
	var hosts []string
	var corosync string
	up := &cobra.Command{
		Use: "up", Short: "Bring a lab up", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg := lab.Config{Name: name, Corosync: corosync, While: while}
			if len(hosts) > 0 {
				for _, h := range hosts {
					parsed, err := lab.ParseHost(h)
					if err != nil {
						return err
					}
					cfg.Hosts = append(cfg.Hosts, parsed)
				}
			} else {
				var err error
				if cfg.Hosts, err = lab.DefaultHosts(count); err != nil {
					return err
				}
			}
			return lab.Up(c.Context(), cfg)
		},
	}
	up.Flags().IntVar(&count, "hosts", 2, "how many hosts: node1 (211.183.3.104), node2 …")
	up.Flags().StringArrayVar(&hosts, "host", nil, "a host as `NAME=ADDRESS[/BITS]`, instead of --hosts; may be given several times")
	up.Flags().IntVar(&while, "while", 0, "take the lab down when the process with this `pid` ends")
	tutorial := &cobra.Command{Use: "tutorial", Short: "Bring two hosts up and go through the tutorial on them, shown here", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		if name == lab.DefaultName {
			name = "tutorial"
		}
		hosts, err := lab.DefaultHosts(2)
		if err != nil {
			return err
		}
		return lab.PlayTutorial(c.Context(), lab.Config{Name: name, Hosts: hosts, Corosync: corosync, While: os.Getpid()}, lab.TutorialNames, env.Stdout)
	}}
	for _, c := range []*cobra.Command{up, tutorial} {
		c.Flags().StringVar(&corosync, "corosync", "", "the original corosync's `program`, such as /usr/sbin/corosync, as the hosts' ring instead of ours")
	}
	c.AddCommand(up, tutorial,
		&cobra.Command{Use: "down", Short: "End a lab; nothing of it is left", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			return lab.Down(c.Context(), name)
		}},
		&cobra.Command{Use: "status", Short: "Show a lab's hosts", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := lab.Ask(c.Context(), name, "status", "")
			if err != nil {
				return err
			}
			for _, h := range cfg.Hosts {
				fmt.Fprintf(env.Stdout, "%-16s %-18s %-7s link %s\n", h.Name, h.Address, h.State, h.Link)
			}
			return nil
		}},
		&cobra.Command{
			Use: "exec HOST -- COMMAND…", Short: "Run a command in a host", Args: cobra.MinimumNArgs(2),
			RunE: func(c *cobra.Command, args []string) error { return labExec(c.Context(), env, name, args[0], args[1:]) },
		},
		&cobra.Command{
			Use: "shell HOST", Short: "Open a shell in a host", Args: cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error {
				return labExec(c.Context(), env, name, args[0], []string{"bash", "-l"})
			},
		},
	)
	for _, o := range []struct{ verb, short string }{
		{"cut", "Unplug a host's network cable"},
		{"heal", "Plug it in again"},
		{"kill", "Cut a host's power"},
		{"start", "Turn a host on again"},
		{"pause", "Stop all processes of a host where they are"},
		{"resume", "Let them go on"},
	} {
		c.AddCommand(&cobra.Command{Use: o.verb + " HOST", Short: o.short, Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
			_, err := lab.Ask(c.Context(), name, o.verb, args[0])
			return err
		}})
	}
	for _, sub := range c.Commands() {
		switch sub.Name() {
		case "up", "tutorial", "exec", "shell":
			run := sub.RunE
			sub.RunE = func(c *cobra.Command, args []string) error {
				return asRoot(c.Context(), name, func() error { return run(c, args) })
			}
		}
	}
	// What stands after HOST belongs to the command that runs there.
	for _, sub := range c.Commands() {
		if sub.Name() == "exec" {
			sub.Flags().SetInterspersed(false)
		}
	}
	return c
}

// asRoot runs f, or where the user is not root, the whole program again as root of a
// user namespace.
func asRoot(ctx context.Context, name string, f func() error) error {
	ran, code, err := lab.AsRoot(ctx, name)
	switch {
	case !ran:
		return f()
	case err == nil && code != 0:
		return exit(code)
	}
	return err
}

func labExec(ctx context.Context, env *program.Env, name, host string, argv []string) error {
	if argv[0] == "--" {
		argv = argv[1:]
	}
	if len(argv) == 0 {
		return errors.New("no command to run")
	}
	code, err := lab.Exec(ctx, name, host, argv, env.Stdin, env.Stdout, env.Stderr)
	if err == nil && code != 0 {
		err = exit(code)
	}
	return err
}

// labDaemon and labHost are what `lab up` starts; nobody types them.
func labDaemon(env *program.Env) *cobra.Command {
	return &cobra.Command{Use: "lab-daemon", Hidden: true, Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, _ []string) error {
		return lab.RunDaemon(c.Context(), env.Stdin, inherited(3, "report"))
	}}
}

func labHost(env *program.Env) *cobra.Command {
	return &cobra.Command{Use: "lab-host", Hidden: true, Args: cobra.ArbitraryArgs, RunE: func(*cobra.Command, []string) error {
		return lab.RunHost(env.Stdin, inherited(3, "cable"), inherited(4, "booted"))
	}}
}

// inherited is a file that the starting process left open here; processes that are
// started from here do not get it.
func inherited(fd int, name string) *os.File {
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), name)
}
