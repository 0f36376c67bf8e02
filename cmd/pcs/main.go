// Command pcs configures and controls a cluster, in the language of pcs 0.9 to 0.12.
package main

import (
	"context"
	"fmt"

	"hacluster/internal/host"
	"hacluster/internal/pcs"
	"hacluster/internal/pcs/session"
	"hacluster/internal/program"
	"hacluster/internal/running"
)

func main() {
	program.Main(func(ctx context.Context, env *program.Env) int {
		h, err := host.Agents()
		if err != nil {
			fmt.Fprintf(env.Stderr, "Error: %v\n", err)
			return 1
		}
		agents := running.Agents{Host: h}
		return pcs.Run(ctx, env, session.World{Cluster: running.Cluster{Pace: running.Pace, User: env.Getenv("CIB_user")}, Agents: agents, Actions: agents})
	})
}
