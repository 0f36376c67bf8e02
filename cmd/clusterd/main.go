// Command clusterd is the daemon of a cluster node, and the lab of test hosts.
//
// It serves under three names, each a process of its own: pcsd (the API on TCP
// 2224), corosync (membership and messages) and pacemaker (CIB, policy,
// execution, fencing). `clusterd run` supervises them where no systemd does.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"hacluster/internal/lab"
	"hacluster/internal/program"
)

func main() { program.Main(run) }

// exit carries an exit code that is not 1 up through cobra.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func run(ctx context.Context, env *program.Env) int {
	if f := lab.Command(env.Name()); f != nil {
		return f(ctx, env)
	}
	if f := named(env); f != nil {
		return f(ctx, env)
	}
	if isRemoted(env) {
		return remoted(ctx, env)
	}
	root := &cobra.Command{
		Use:           "clusterd",
		Short:         "The daemon of a cluster node, and a lab of test hosts",
		SilenceErrors: true, SilenceUsage: true,
	}
	root.SetArgs(env.Args[1:])
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.AddCommand(labCommand(env), labDaemon(env), labHost(env), superviseCommand(env), failFastCommand(env))
	for _, c := range roles(env) {
		root.AddCommand(c)
	}
	err := root.ExecuteContext(ctx)
	var code exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(env.Stderr, "clusterd: %v\n", err)
	return 1
}
