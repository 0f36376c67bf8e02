package account

import (
	"context"
	"fmt"
	"os/user"
	"slices"
	"strconv"
)

// Cluster gives the ids of the user hacluster and the group haclient; 0 where this host has none.
func Cluster() (uid, gid uint32) {
	number := func(s string) uint32 {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			return 0
		}
		return uint32(n)
	}
	if u, err := user.Lookup("hacluster"); err == nil {
		uid = number(u.Uid)
	}
	if g, err := user.LookupGroup(Administrators); err == nil {
		gid = number(g.Gid)
	}
	return uid, gid
}

// Daemons gives the ids of the users that the cluster's daemons run as: root, and hacluster where this host has it.
func Daemons() []uint32 {
	if uid, _ := Cluster(); uid != 0 {
		return []uint32{0, uid}
	}
	return []uint32{0}
}

// MayAsk tells whether a process may use the cluster's local services, nil if so: root,
// hacluster and the members of haclient may.
func MayAsk(uid, gid uint32) error {
	owner, group := Cluster()
	if uid == 0 || owner != 0 && uid == owner || group != 0 && gid == group {
		return nil
	}
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return err
	}
	groups, err := u.GroupIds()
	if err != nil {
		return err
	}
	if group != 0 && slices.Contains(groups, strconv.FormatUint(uint64(group), 10)) {
		return nil
	}
	return fmt.Errorf("user %s is not of the group %s", u.Username, Administrators)
}

// Administrators is the group whose members may use the cluster's daemons.
const Administrators = "haclient"

// MayLogIn tells whether a user may administer the cluster from another host, nil if so: the members of haclient may,
// with their password.
func MayLogIn(ctx context.Context, user, password string) error {
	groups, err := Groups(user)
	if err != nil {
		return err
	}
	if !slices.Contains(groups, Administrators) {
		return fmt.Errorf("user %s is not a member of group %s", user, Administrators)
	}
	ok, err := Passwords{}.Check(ctx, user, password)
	if err == nil && !ok {
		err = fmt.Errorf("the password of user %s is wrong, or may not be used", user)
	}
	return err
}
