package main

import (
	"context"
	"errors"
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
