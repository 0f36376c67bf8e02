// Command tools is the small programs of the stack in one binary: it is known
// by the name it is called by (links in bin/), each program in a file of its own.
package main

import (
	"context"
	_ "embed"
	"strings"

	"hacluster/internal/program"
)

// names lists the programs, one a line; `make build` links each name to this binary.
//
//go:embed names.txt
var names string

// programs maps the name that a program is called by to the program.
// A name of names.txt that is missing here is not built yet.
var programs = map[string]program.Func{}

func main() { program.Main(run) }

func run(ctx context.Context, env *program.Env) int {
	if f, ok := programs[env.Name()]; ok {
		return f(ctx, env)
	}
	if env.Name() == "tools" && len(env.Args) > 1 {
		inner := *env
		inner.Args = env.Args[1:]
		return run(ctx, &inner)
	}
	for _, known := range strings.Fields(names) {
		if known == env.Name() {
			return program.NotYet(env, "this program")
		}
	}
	_, _ = env.Stderr.Write([]byte("usage: tools PROGRAM [ARGUMENT...]\nprograms: " + strings.Join(strings.Fields(names), " ") + "\n"))
	return 64
}
