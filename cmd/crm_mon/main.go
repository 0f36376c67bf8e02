// Command crm_mon shows the state of a cluster: once, or refreshed as it
// changes. The dialect decides whose words it speaks: those of Pacemaker 1.1
// for 0.9, else those of Pacemaker 3.
package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"hacluster/internal/dialect"
	"hacluster/internal/program"
	"hacluster/internal/tool"
)

func main() { program.Main(run) }

// Exit codes of the program.
const (
	exitError        = 1
	exitUsage        = 64
	exitIO           = 74
	exitConfig       = 78
	exitDisconnected = 102
	exitLegacyDown   = 107
)

func run(ctx context.Context, env *program.Env) int {
	version, _, err := dialect.Current(env.Getenv, dialect.Path)
	if err != nil {
		fmt.Fprintf(env.Stderr, "crm_mon: %v\n", err)
		return exitError
	}
	// Formats came after 1.1: who asks for one means the newer program.
	if version.Legacy() && !slices.ContainsFunc(env.Args, func(a string) bool { return strings.HasPrefix(a, "--output-as") }) {
		return runLegacy(ctx, env)
	}
	return runPage(ctx, env)
}

// runPage shows the page of Pacemaker 3.
func runPage(ctx context.Context, env *program.Env) int {
	r, err := parseRequest(env.Args[1:])
	for _, n := range r.notes {
		fmt.Fprintln(env.Stderr, n)
	}
	if err != nil {
		fmt.Fprintf(env.Stderr, "crm_mon: %v\n", err)
		return exitUsage
	}
	if r.help {
		fmt.Fprint(env.Stdout, help)
		return 0
	}
	src := source{env: env, file: r.file}
	switch r.format {
	case "console":
		r.format = "text"
		if r.mode != oneShot && r.mode != daemon && !r.version && !src.isFile() && r.toStdout() && onTerminal(env.Stdout) {
			if err := r.choose(); err != nil {
				fmt.Fprintf(env.Stderr, "%s\n\ncrm_mon: %v\n", help, err)
				return exitUsage
			}
			return watch(ctx, env, watching{page: &pageScreen{r}, interval: r.interval, lines: r.lines, readOnly: r.readOnly, mouse: r.mouse, tell: newTeller(r, env)})
		}
	case "text", "html", "xml", "none":
	default:
		fmt.Fprintf(env.Stderr, "crm_mon: Error creating output format %s: Unknown output format\n", r.format)
		return exitError
	}
	out, err := newOutput(env, r)
	if err != nil {
		fmt.Fprintf(env.Stderr, "crm_mon: Error creating output format %s: %s\n", r.format, tool.Reason(err))
		return exitError
	}
	if r.version {
		return out.version()
	}
	if err := r.choose(); err != nil {
		return out.usage(err.Error())
	}
	switch {
	case r.mode != daemon:
	case r.toStdout() && r.agent == "":
		return out.usage("--daemonize requires at least one of --output-to (with value not set to '-') and --external-agent")
	case r.format == "none" && r.agent == "":
		return out.fail(exitUsage, "--daemonize requires --external-agent if used with --output-as=none")
	case src.isFile(): // what would be told in the background, once
		quiet := *env
		quiet.Stdout, quiet.Stderr = io.Discard, io.Discard
		out.env = &quiet
		_ = out.once(ctx, src)
		return 0
	case !inBackground(env):
		return detach(env)
	}
	// A file is read once; so is a cluster, unless a file is kept up to date or a program told.
	if src.isFile() || r.mode != daemon && (r.mode != repeated || r.toStdout()) {
		return out.once(ctx, src)
	}
	return out.keep(ctx)
}
