package tool

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"

	"hacluster/cib"
	"hacluster/internal/client"
	"hacluster/internal/program"
)

// DialCIB connects to the cluster's CIB: that of this host, or of the one that CIB_port and CIB_server name. Errors of
// the latter are *cib.Error.
func DialCIB(ctx context.Context, env *program.Env) (*client.CIB, error) {
	e, ok := client.ElsewhereFrom(env.Getenv)
	if !ok {
		return client.DialCIB(ctx, env.Name())
	}
	e.Ask = func() (string, error) { return AskPassword(env) }
	return e.DialCIB(ctx)
}

// TellWhy tells why there is no connection to a cluster of other hosts: who set CIB_port wants to know more than the code.
func TellWhy(env *program.Env, err error) {
	var told *cib.Error
	if Elsewhere(env) && errors.As(err, &told) && told.Detail != "" {
		fmt.Fprintf(env.Stderr, "%s: %s\n", env.Name(), told.Detail) //nolint:errcheck // nobody is left to tell
	}
}

// Elsewhere tells whether the cluster is that of other hosts.
func Elsewhere(env *program.Env) bool { return Path(env) == "" && env.Getenv("CIB_port") != "" }

// AskPassword asks for CIB_passwd at the terminal, and keeps it for the connections to come.
func AskPassword(env *program.Env) (string, error) {
	f, ok := env.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return "", errors.New("CIB_passwd is not set, and there is no terminal to ask for the password at")
	}
	fmt.Fprint(env.Stderr, "Password: ") //nolint:errcheck // as above
	p, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(env.Stderr) //nolint:errcheck // as above
	if err != nil {
		return "", err
	}
	getenv := env.Getenv
	env.Getenv = func(name string) string {
		if name == "CIB_passwd" {
			return string(p)
		}
		return getenv(name)
	}
	return string(p), nil
}
