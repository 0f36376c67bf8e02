// Command pcs: see the package's other files.
package main

import (
	"context"

	"hacluster/internal/program"
)

func main() { program.Main(run) }

func run(_ context.Context, env *program.Env) int {
	return program.NotYet(env, "this program")
}
