package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"hacluster/internal/supervise"
)

// seat is what a host's first process is told.
type seat struct {
	Config Config
	Host   Host
	Dir    string // of the host, in the lab's file system
	Socket string // the lab's daemon
}

// RunHost is a host's first process: it lays the host's file system and network
// out, says "booted" on booted, and then supervises the host's services.
// cable is closed by the daemon when the network card is there.
func RunHost(stdin io.Reader, cable io.Reader, booted io.WriteCloser) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var s seat
	err := json.NewDecoder(stdin).Decode(&s)
	if err == nil {
		err = s.boot(cable)
	}
	if err != nil {
		_, werr := fmt.Fprintln(booted, err)
		return errors.Join(err, werr, booted.Close())
	}
	ring := s.Config.Corosync
	if ring == "" { // a host may have a ring of its own, as one outside of a lab
		if ring, err = supervise.Ring(supervise.RingPath); err != nil {
			return err
		}
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	sup := &supervise.Supervisor{
		Units: units(ring), Dir: filepath.Dir(supervise.Socket), Enabled: "/etc/hacluster-lab/enabled", Log: log, Reaper: true,
	}
	chld := make(chan os.Signal, 1)
	signal.Notify(chld, syscall.SIGCHLD)
	go func() {
		for range chld {
			sup.Reap()
		}
	}()
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-term
		cancel()
	}()
	return sup.Run(ctx, func() {
		_, err := fmt.Fprintln(booted, "booted")
		if err = errors.Join(err, booted.Close()); err != nil {
			log.Warn("report", "err", err)
		}
	})
}

func units(corosync string) []supervise.Unit {
	u := supervise.Roles(binDir+"/clusterd", corosync)
	return append(u, supervise.Unit{Name: "httpd", Argv: []string{"/usr/sbin/httpd", "-DFOREGROUND"}})
}

func (s *seat) boot(cable io.Reader) error {
	if err := s.fileSystem(); err != nil {
		return fmt.Errorf("file system: %w", err)
	}
	if err := unix.Sethostname([]byte(s.Host.Name)); err != nil {
		return err
	}
	if err := s.furnish(); err != nil {
		return fmt.Errorf("files: %w", err)
	}
	if _, err := io.Copy(io.Discard, cable); err != nil {
		return err
	}
	return s.network()
}

// fileSystem makes the machine's files this host's, with what is the host's own.
func (s *seat) fileSystem() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	root := filepath.Join(s.Dir, "root")
	layOut := s.overlays
	if inUserNamespace() {
		layOut = s.patchwork
	}
	if err := layOut(root); err != nil {
		return err
	}
	self := s.Config.Programs
	for _, m := range []struct {
		what, at, kind, data string
		flags                uintptr
	}{
		{"proc", "/proc", "proc", "", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
		{"sysfs", "/sys", "sysfs", "", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
		{"/dev", "/dev", "", "", unix.MS_BIND | unix.MS_REC},
		{"tmpfs", "/dev/shm", "tmpfs", "mode=1777", unix.MS_NOSUID | unix.MS_NODEV},
		{"tmpfs", "/run", "tmpfs", "mode=0755", unix.MS_NOSUID | unix.MS_NODEV},
		{"tmpfs", "/tmp", "tmpfs", "mode=1777", unix.MS_NOSUID | unix.MS_NODEV},
		{self, binDir, "", "", unix.MS_BIND},
		{s.Socket, powerPath, "", "", unix.MS_BIND},
	} {
		at := filepath.Join(root, m.at)
		if m.at == powerPath {
			// The daemon may not listen yet: its folder is bound, the socket is a link into it.
			at = filepath.Join(root, "/run/hacluster-lab")
			m.what = filepath.Dir(s.Socket)
		}
		if err := os.MkdirAll(at, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.what, at, m.kind, m.flags, m.data); err != nil {
			return fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	if err := os.Symlink("hacluster-lab/sock", filepath.Join(root, powerPath)); err != nil {
		return err
	}
	old := filepath.Join(root, ".machine")
	if err := os.MkdirAll(old, 0o700); err != nil {
		return err
	}
	if err := unix.PivotRoot(root, old); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := unix.Unmount("/.machine", unix.MNT_DETACH); err != nil {
		return err
	}
	return os.Remove("/.machine")
}

// overlays lays the machine's file systems out below root, what a host writes apart.
func (s *seat) overlays(root string) error {
	mounts, err := realMounts()
	if err != nil {
		return err
	}
	for i, at := range mounts {
		layer := filepath.Join(s.Dir, fmt.Sprintf("layer%d", i))
		for _, d := range []string{layer + "/upper", layer + "/work", root} {
			if err := os.MkdirAll(d, 0o755); err != nil {
				return err
			}
		}
		// A separate file system below a folder that is not there in the overlay cannot happen: its mount point is.
		opts := fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", escape(at), escape(layer), escape(layer))
		if err := unix.Mount("overlay", filepath.Join(root, at), "overlay", 0, opts); err != nil {
			if at == "/" {
				return fmt.Errorf("mount an overlay of /: %w (a lab needs overlayfs in the kernel)", err)
			}
			continue // such as a file system that cannot be below an overlay; its content is not seen in the host
		}
	}
	return nil
}

func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, ":", `\:`, ",", `\,`).Replace(path)
}

// realMounts are the mount points that hold the machine's files, / first.
func realMounts() ([]string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := []string{"/"}
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		before, after, ok := strings.Cut(sc.Text(), " - ")
		fields := strings.Fields(before)
		if !ok || len(fields) < 5 {
			continue
		}
		at, kind := fields[4], strings.Fields(after)[0]
		switch kind {
		case "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "overlay":
		default:
			continue
		}
		for _, top := range []string{"/usr", "/var", "/etc", "/opt", "/home", "/root", "/srv", "/lib"} {
			if at == top || strings.HasPrefix(at, top+"/") {
				if fi, err := os.Stat(at); err == nil && fi.IsDir() && !strings.Contains(at, `\`) {
					out = append(out, at)
				}
			}
		}
	}
	return out, sc.Err()
}

func (s *seat) network() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return err
	}
	eth, err := netlink.LinkByName("eth0")
	if err != nil {
		return fmt.Errorf("network card: %w", err)
	}
	addr, err := netlink.ParseAddr(s.Host.Address.String())
	if err != nil {
		return err
	}
	if s.Host.Address.Bits() <= 30 {
		b := s.Host.Address.Masked().Addr().As4()
		for i := s.Host.Address.Bits(); i < 32; i++ {
			b[i/8] |= 1 << (7 - i%8)
		}
		addr.Broadcast = b[:]
	}
	if err := netlink.AddrAdd(eth, addr); err != nil {
		return fmt.Errorf("address %s: %w", s.Host.Address, err)
	}
	return netlink.LinkSetUp(eth)
}

// write makes a file with its folder.
func write(name, text string, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		return err
	}
	return os.Chmod(name, mode)
}
