package corosyncd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"

	"hacluster/corosync/conf"
)

// files is what the daemon reads and keeps on disk.
type files struct{ o Options }

// configuration reads and checks the configuration file.
func (f files) configuration() (*conf.Config, error) {
	text, err := os.ReadFile(f.o.ConfPath)
	if err != nil {
		return nil, fmt.Errorf("the configuration file cannot be read: %w", err)
	}
	c, err := conf.Read(f.o.ConfPath, text)
	if err != nil {
		return nil, err
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return c, c.Supported()
}

// Version is that of the original whose daemon this one stands for.
const Version = "3.1.7"

// Check tells what is wrong with a configuration file, nil if the daemon would start with it; "" is the usual one.
func Check(path string) error {
	_, err := files{Options{ConfPath: path}.filled()}.configuration()
	return err
}

// access lists the users and groups that may connect beside root: of the
// configuration file and of the files in uidgid.d. Names that are not known are left out, and told.
func (f files) access(c *conf.Config) (uids, gids []uint32) {
	users, groups := slices.Clone(c.UIDs), slices.Clone(c.GIDs)
	dir := f.o.UIDGIDDir
	if dir == "" {
		dir = filepath.Join(filepath.Dir(f.o.ConfPath), "uidgid.d")
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.o.Log.Warn("the folder of users and groups cannot be read", "error", err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		path := filepath.Join(dir, e.Name())
		text, err := os.ReadFile(path)
		if err == nil {
			var more *conf.Config
			if more, err = conf.Read(path, text); err == nil {
				users, groups = append(users, more.UIDs...), append(groups, more.GIDs...)
			}
		}
		if err != nil {
			f.o.Log.Warn("a file of users and groups is left out", "error", err)
		}
	}
	for _, u := range users {
		id := u
		if _, err := strconv.ParseUint(u, 10, 32); err != nil {
			found, err := user.Lookup(u)
			if err != nil {
				f.o.Log.Warn("a user that may connect is not known", "error", err)
				continue
			}
			id = found.Uid
		}
		uids = append(uids, number(id))
	}
	for _, g := range groups {
		id := g
		if _, err := strconv.ParseUint(g, 10, 32); err != nil {
			found, err := user.LookupGroup(g)
			if err != nil {
				f.o.Log.Warn("a group that may connect is not known", "error", err)
				continue
			}
			id = found.Gid
		}
		gids = append(gids, number(id))
	}
	return uids, gids
}

func number(s string) uint32 {
	n, _ := strconv.ParseUint(s, 10, 32)
	return uint32(n)
}

func (f files) state(name string) string {
	dir := f.o.StateDir
	if dir == "" {
		dir = "/var/lib/corosync"
	}
	return filepath.Join(dir, name)
}

func ringFile(node uint32) string { return fmt.Sprintf("ringid_%d", node) }

// ringSeq is the number of the last ring; 0 where none was kept. A file that is cut
// short counts as none, as with the original: ring numbers of the others are higher then.
func (f files) ringSeq(node uint32) (uint64, error) {
	if err := os.MkdirAll(filepath.Dir(f.state("x")), 0o755); err != nil {
		return 0, fmt.Errorf("the state folder: %w", err)
	}
	b, err := os.ReadFile(f.state(ringFile(node)))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("the number of the last ring: %w", err)
	}
	if len(b) != 8 {
		f.o.Log.Warn("the file with the number of the last ring is damaged", "file", f.state(ringFile(node)))
		return 0, nil
	}
	return order.Uint64(b), nil
}

// storeRingSeq keeps the number of a ring. Where there is no space for a new file the old one's bytes are overwritten, which needs none.
func (f files) storeRingSeq(node uint32, seq uint64) error {
	path, b := f.state(ringFile(node)), order.AppendUint64(nil, seq)
	err := replace(path, b)
	if err == nil {
		return nil
	}
	old, openErr := os.OpenFile(path, os.O_WRONLY, 0)
	if openErr != nil {
		return err
	}
	_, writeErr := old.WriteAt(b, 0)
	if writeErr = errors.Join(writeErr, old.Close()); writeErr != nil {
		return errors.Join(err, writeErr)
	}
	return nil
}

// tracked is the highest expected votes that were kept; 0 where none.
func (f files) tracked() (uint32, error) {
	b, err := os.ReadFile(f.state("ev_tracking"))
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(b) != 4 {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("the expected votes: %w", err)
	}
	return order.Uint32(b), nil
}

func (f files) storeTracked(votes uint32) error {
	return replace(f.state("ev_tracking"), order.AppendUint32(nil, votes))
}

// replace writes a file so that it is whole whenever somebody reads it.
func replace(path string, b []byte) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
