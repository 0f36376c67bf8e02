// Package account looks users, their groups and their passwords up on this host.
package account

import (
	"context"
	"errors"
	"os/exec"
	"os/user"
	"strings"
	"time"
)

// Groups gives the names of the groups that a user of this host is in. Users that the
// host's own files do not know (LDAP, for one) are asked for with id(1).
func Groups(name string) ([]string, error) {
	u, err := user.Lookup(name)
	if err != nil {
		var unknown user.UnknownUserError
		if !errors.As(err, &unknown) {
			return nil, err
		}
		return remote(name, err)
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, id := range ids {
		if g, err := user.LookupGroupId(id); err == nil {
			out = append(out, g.Name)
		}
	}
	return out, nil
}

// remote asks id(1), which sees what the host's name service sees. unknown is the
// answer when that does not know the user either.
func remote(name string, unknown error) ([]string, error) {
	if name == "" || strings.HasPrefix(name, "-") {
		return nil, unknown
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "id", "-Gnz", "--", name).Output()
	if err != nil {
		return nil, unknown
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 }), nil
}
