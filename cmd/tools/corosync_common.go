package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"hacluster/corosync/local"
	"hacluster/internal/dialect"
	"hacluster/internal/program"
)

func init() {
	programs["corosync-cfgtool"] = corosyncCfgtool
	programs["corosync-cmapctl"] = corosyncCmapctl
	programs["corosync-quorumtool"] = corosyncQuorumtool
}

// option is one option of a command line, as getopt of the C library finds it.
type option struct {
	letter byte // 0 for a long option without letter
	long   string
	value  string
}

// getopt splits the command line after the program's name. letters is as getopt's: a colon
// behind those with a value; longs maps long options to letters, "name:" to those with a value.
// Options may stand behind other words. An error is worded as the C library's.
func getopt(env *program.Env, letters string, longs map[string]byte) (opts []option, rest []string, err error) {
	name := env.Name()
	args := env.Args[1:]
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			return opts, append(rest, args[i+1:]...), nil
		case strings.HasPrefix(a, "--"):
			key, value, has := strings.Cut(a[2:], "=")
			if letter, ok := longs[key]; ok {
				if has {
					return nil, nil, fmt.Errorf("%s: option '--%s' doesn't allow an argument", name, key)
				}
				opts = append(opts, option{letter, key, ""})
				continue
			}
			letter, ok := longs[key+":"]
			if !ok {
				return nil, nil, fmt.Errorf("%s: unrecognized option '%s'", name, a)
			}
			if !has {
				if i++; i == len(args) {
					return nil, nil, fmt.Errorf("%s: option '--%s' requires an argument", name, key)
				}
				value = args[i]
			}
			opts = append(opts, option{letter, key, value})
		case len(a) > 1 && a[0] == '-':
			for j := 1; j < len(a); j++ {
				at := strings.IndexByte(letters, a[j])
				if at < 0 || a[j] == ':' {
					return nil, nil, fmt.Errorf("%s: invalid option -- '%c'", name, a[j])
				}
				if at+1 == len(letters) || letters[at+1] != ':' {
					opts = append(opts, option{letter: a[j]})
					continue
				}
				value := a[j+1:]
				if value == "" {
					if i++; i == len(args) {
						return nil, nil, fmt.Errorf("%s: option requires an argument -- '%c'", name, a[j])
					}
					value = args[i]
				}
				opts = append(opts, option{a[j], "", value})
				break
			}
		default:
			rest = append(rest, a)
		}
	}
	return opts, rest, nil
}

// outcome is an error as the corosync libraries know it.
func outcome(err error) local.Status {
	var s local.Status
	var errno syscall.Errno
	switch {
	case err == nil:
		return local.OK
	case errors.As(err, &s):
		return s
	case errors.As(err, &errno):
		switch errno {
		case syscall.EACCES, syscall.EPERM:
			return local.Access
		case syscall.EAGAIN:
			return local.TryAgain
		}
	}
	return local.Library
}

// legacy tells whether the tools speak as those of Corosync 2.
func legacy(env *program.Env) (bool, error) {
	v, _, err := dialect.Current(env.Getenv, dialect.Path)
	return v.Legacy(), err
}

// starting connects, and tries again for some seconds while the daemon starts.
func starting[T any](ctx context.Context, dial func(context.Context) (T, error)) (c T, err error) {
	for range 10 {
		if c, err = dial(ctx); !errors.Is(err, syscall.EAGAIN) {
			return c, err
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return c, ctx.Err()
		}
	}
	return c, err
}
