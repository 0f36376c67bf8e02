package account

import (
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
	if g, err := user.LookupGroup("haclient"); err == nil {
		gid = number(g.Gid)
	}
	return uid, gid
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
	return fmt.Errorf("user %s is not of the group haclient", u.Username)
}
