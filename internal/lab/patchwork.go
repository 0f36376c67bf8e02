package lab

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// In a user namespace an overlay cannot copy up what belongs to somebody who has no
// id there, as root's files do. So a host's root is pieced together: the machine's
// folders as they are, read-only, and in memory those that a host writes to.

// own are the folders that a host has for itself: empty, or with copies of
// the machine's files.
var own = []struct {
	at     string
	copied bool
}{
	{"/etc", true},
	{"/opt", false},
	{"/root", false},
	{"/tmp", false},
	{"/run", false},
	{"/mnt", false},
	{"/media", false},
	{"/home", false},
	{"/var", false},
	{"/var/www", false},
	{"/var/log", false},
	{"/var/tmp", false},
	{"/var/cache", false},
	{"/var/spool", false},
	{"/var/lib", false},
	{"/var/lib/corosync", false},
	{"/var/lib/pacemaker", false},
	{"/var/lib/pcsd", false},
	{"/var/lib/heartbeat", false},
}

// patchwork lays the machine's files out below root.
func (s *seat) patchwork(root string) error {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	// The lab's own file system holds what the host writes: it is there after a reboot.
	if err := unix.Mount(root, root, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	if err := piece("/", root); err != nil {
		return err
	}
	return s.usr(root)
}

// piece makes what a folder of the machine holds visible at a place in memory.
func piece(from, to string) error {
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrPermission) {
		return nil // what the user may not see, a host does not have
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		src, dst := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		i := slices.IndexFunc(own, func(o struct {
			at     string
			copied bool
		},
		) bool {
			return o.at == src
		})
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			err = copyLink(src, dst)
		case !e.IsDir() || src == "/usr" || src == "/proc" || src == "/sys" || src == "/dev":
			continue // mounted by others; files have no place at these levels
		case i < 0:
			err = bindReadOnly(src, dst)
		case own[i].copied:
			if _, there := os.Stat(dst); there != nil {
				err = copyTree(src, dst)
			}
		default:
			if err = os.MkdirAll(dst, 0o755); err == nil && (src == "/var" || src == "/var/lib" || src == "/opt") {
				err = piece(src, dst)
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", src, err)
		}
	}
	for _, o := range own { // those that the machine does not have
		if filepath.Dir(o.at) == from {
			if err := os.MkdirAll(filepath.Join(to, filepath.Base(o.at)), 0o755); err != nil {
				return err
			}
		}
	}
	return nil
}

// usr is the machine's /usr with the host's own commands laid over.
func (s *seat) usr(root string) error {
	layer, at := filepath.Join(s.Dir, "usr"), filepath.Join(root, "usr")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	links := [][2]string{{"/sbin/fence_lab", binDir + "/clusterd"}, {"/bin/systemctl", binDir + "/clusterd"}, {"/bin/passwd", binDir + "/clusterd"}}
	if _, err := os.Stat("/usr/sbin/httpd"); err != nil {
		links = append(links, [2]string{"/sbin/httpd", apache})
	}
	for _, l := range links {
		if err := os.MkdirAll(filepath.Dir(layer+l[0]), 0o755); err != nil {
			return err
		}
		if err := link(l[1], layer+l[0]); err != nil {
			return err
		}
	}
	if err := unix.Mount("overlay", at, "overlay", unix.MS_RDONLY, "userxattr,lowerdir="+escape(layer)+":/usr"); err != nil {
		return fmt.Errorf("mount an overlay of /usr in a user namespace: %w (this needs Linux 5.11 or newer)", err)
	}
	return nil
}

// bindReadOnly shows a folder and what is mounted below it, not to be written to.
func bindReadOnly(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	return unix.MountSetattr(unix.AT_FDCWD, to, unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
}

func copyLink(from, to string) error {
	target, err := os.Readlink(from)
	if err != nil {
		return err
	}
	return link(target, to)
}

// link makes a symbolic link; one that says the same already stays.
func link(target, at string) error {
	if was, err := os.Readlink(at); err == nil && was == target {
		return nil
	}
	if err := os.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(target, at)
}

// copyTree copies folders, links and those files that the user may read.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		dst := filepath.Join(to, path[len(from):])
		switch {
		case errors.Is(err, fs.ErrPermission):
			return fs.SkipDir
		case err != nil:
			return err
		case e.IsDir():
			return os.MkdirAll(dst, 0o755)
		case e.Type()&fs.ModeSymlink != 0:
			return copyLink(path, dst)
		case e.Type().IsRegular():
			err := copyFile(path, dst)
			if errors.Is(err, fs.ErrPermission) {
				return nil
			}
			return err
		}
		return nil
	})
}

func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, info.Mode().Perm()|0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}
