// Command pcs configures and controls a cluster, in the language of pcs 0.9 to 0.12.
package main

import (
	"context"

	"hacluster/internal/pcs"
	"hacluster/internal/pcs/session"
	"hacluster/internal/program"
)

func main() {
	program.Main(func(ctx context.Context, env *program.Env) int {
		return pcs.Run(ctx, env, session.World{})
	})
}
