// Command pcs configures and controls a cluster, in the language of pcs 0.9 to 0.12.
package main

import (
	"context"
	"fmt"

	"hacluster/internal/client"
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
		cluster := running.Cluster{Pace: running.Pace, User: env.Getenv("CIB_user")}
		if e, ok := client.ElsewhereFrom(env.Getenv); ok {
			cluster.Elsewhere = &e
		}
		return pcs.Run(ctx, env, session.World{Cluster: cluster, Agents: agents, Actions: agents})
	})
}
