// Package program is the frame that every command line program of the project
// shares: what a program is handed by the world, and how it ends.
package program

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
)

// Env is the world as a program sees it. Tests hand in their own.
type Env struct {
	// Args are the command line's words, Args[0] the name the program was called by.
	Args []string
	// Stdin, Stdout and Stderr are the standard streams.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Getenv looks a variable of the environment up; "" when it is not set.
	Getenv func(string) string
}

// Name is the name that the program was called by, without its folder.
func (e *Env) Name() string { return filepath.Base(e.Args[0]) }

// Func is a whole program: it returns its exit code.
type Func func(ctx context.Context, env *Env) int

// Main runs f in the real world and ends the process with its exit code.
// A panic is a fault of the program: it is told, with exit code 70 (EX_SOFTWARE).
func Main(f Func) {
	SetZone(os.Getenv("TZ"))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks f to end; another one ends the process, whatever f is doing.
	context.AfterFunc(ctx, stop)
	code := func() (code int) {
		defer func() {
			if r := recover(); r != nil {
				fmt.Fprintf(os.Stderr, "%s: internal error: %v\n%s", filepath.Base(os.Args[0]), r, debug.Stack())
				code = 70
			}
		}()
		return f(ctx, &Env{Args: os.Args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv})
	}()
	stop()
	os.Exit(code)
}

// NotYet tells that a part of the program is not built yet; its exit code is 69 (EX_UNAVAILABLE).
func NotYet(env *Env, what string) int {
	fmt.Fprintf(env.Stderr, "%s: not supported yet: %s\n", env.Name(), what)
	return 69
}
