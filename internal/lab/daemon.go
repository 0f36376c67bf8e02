package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const bridge = "br0"

// daemon is a lab's mains and switch: it owns the hosts' processes and links.
type daemon struct {
	cfg Config
	dir string // of the lab, on the machine
	log *slog.Logger

	mu    sync.Mutex
	hosts []*powered
	fork  chan func() // carried out on one thread that lives as long as the daemon
}

type powered struct {
	Host
	cmd    *exec.Cmd
	ended  chan struct{}
	port   string // the bridge's end of its cable
	boots  int
	paused bool
	cut    bool
}

// RunDaemon is the lab's daemon. It is started in fresh network and mount
// namespaces with its configuration on stdin; it says "ready" or an error on
// report and then serves until it is told to end.
func RunDaemon(ctx context.Context, stdin io.Reader, report io.WriteCloser) error {
	d := &daemon{log: slog.New(slog.NewTextHandler(os.Stderr, nil)), fork: make(chan func())}
	ctx, end := context.WithCancel(ctx)
	defer end()
	err := d.up(ctx, stdin)
	if err == nil && d.cfg.While != 0 {
		err = onEnd(d.cfg.While, end)
	}
	var l net.Listener
	if err == nil {
		l, err = net.Listen("unix", filepath.Join(d.dir, "sock"))
	}
	if err != nil {
		_, werr := fmt.Fprintln(report, err)
		return errors.Join(err, werr, report.Close())
	}
	if _, err := fmt.Fprintln(report, "ready"); err != nil {
		return err
	}
	if err := report.Close(); err != nil {
		return err
	}
	err = d.serve(ctx, l)
	if d.cfg.While != 0 {
		err = errors.Join(err, d.vanish()) // nobody may be there to take the lab down
	}
	return err
}

// vanish removes the lab's folder.
func (d *daemon) vanish() error {
	if err := unix.Unmount(filepath.Join(d.dir, "fs"), unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount the lab's file system: %w", err)
	}
	return os.RemoveAll(d.dir)
}

func (d *daemon) up(ctx context.Context, stdin io.Reader) error {
	if err := json.NewDecoder(stdin).Decode(&d.cfg); err != nil {
		return fmt.Errorf("the lab's configuration: %w", err)
	}
	if err := d.cfg.check(); err != nil {
		return err
	}
	d.dir = dir(d.cfg.Name)
	// Hosts die with the thread that started them, so that nothing outlives a
	// daemon that is killed; this thread therefore never ends.
	go func() {
		runtime.LockOSThread()
		for f := range d.fork {
			f()
		}
	}()
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the lab's mounts private: %w", err)
	}
	fs := filepath.Join(d.dir, "fs")
	if err := os.MkdirAll(fs, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("lab", fs, "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("mount the lab's file system: %w", err)
	}
	if lo, err := netlink.LinkByName("lo"); err == nil {
		if err := netlink.LinkSetUp(lo); err != nil {
			return err
		}
	}
	br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: bridge}}
	if err := netlink.LinkAdd(br); err != nil {
		return fmt.Errorf("add the lab's bridge: %w", err)
	}
	if err := netlink.LinkSetUp(br); err != nil {
		return err
	}
	for _, h := range d.cfg.Hosts {
		d.hosts = append(d.hosts, &powered{Host: h})
	}
	for _, h := range d.hosts {
		if err := d.on(h); err != nil {
			return fmt.Errorf("host %s: %w", h.Name, err)
		}
	}
	return ctx.Err()
}

// onEnd calls f once the process has ended.
func onEnd(pid int, f func()) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("watch process %d: %w", pid, err)
	}
	go func() {
		defer unix.Close(fd)
		for {
			if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1); err != unix.EINTR {
				f()
				return
			}
		}
	}()
	return nil
}

func (d *daemon) serve(ctx context.Context, l net.Listener) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	for {
		c, err := l.Accept()
		if err != nil {
			break
		}
		go func() {
			defer c.Close()
			var o order
			if err := json.NewDecoder(c).Decode(&o); err != nil {
				return
			}
			a := d.handle(o)
			if err := json.NewEncoder(c).Encode(a); err != nil {
				d.log.Warn("answer", "err", err)
			}
			if o.Verb == "down" {
				end()
			}
		}()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range d.hosts {
		d.off(h)
	}
	return nil
}

func (d *daemon) handle(o order) answer {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.carryOut(o)
	a := answer{Config: d.cfg}
	a.Config.Hosts = nil
	for _, h := range d.hosts {
		s := h.Host
		s.State, s.Link = "off", "up"
		if h.alive() {
			s.State, s.PID = "on", h.cmd.Process.Pid
			if h.paused {
				s.State = "paused"
			}
		}
		if h.cut {
			s.Link = "cut"
		}
		a.Config.Hosts = append(a.Config.Hosts, s)
	}
	if err != nil {
		a.Error = err.Error()
	}
	if o.Verb != "status" {
		d.log.Info("order", "verb", o.Verb, "host", o.Host, "err", a.Error)
	}
	return a
}

func (d *daemon) carryOut(o order) error {
	switch o.Verb {
	case "status", "down":
		return nil
	}
	i, err := d.cfg.find(o.Host)
	if err != nil {
		return err
	}
	h := d.hosts[i]
	switch o.Verb {
	case "off", "kill":
		d.off(h)
		return nil
	case "on", "start":
		return d.on(h)
	case "reboot":
		d.off(h)
		return d.on(h)
	case "cut", "heal":
		h.cut = o.Verb == "cut"
		return d.link(h)
	case "pause":
		return d.signal(h, unix.SIGSTOP)
	case "resume":
		return d.signal(h, unix.SIGCONT)
	}
	return fmt.Errorf("unknown order %q", o.Verb)
}

func (h *powered) alive() bool {
	if h.cmd == nil {
		return false
	}
	select {
	case <-h.ended:
		return false
	default:
		return true
	}
}

// off cuts the power: the link goes first, then every process at once.
func (d *daemon) off(h *powered) {
	if h.port != "" {
		if l, err := netlink.LinkByName(h.port); err == nil {
			if err := netlink.LinkDel(l); err != nil {
				d.log.Warn("remove link", "host", h.Name, "err", err)
			}
		}
		h.port = ""
	}
	if h.cmd != nil {
		_ = h.cmd.Process.Kill()
		<-h.ended
		h.cmd = nil
	}
	h.paused = false
}

// on boots the host; an alive one stays as it is.
func (d *daemon) on(h *powered) error {
	if h.alive() {
		return nil
	}
	d.off(h)
	h.boots++
	self, err := os.Executable()
	if err != nil {
		return err
	}
	seat, err := json.Marshal(seat{Config: d.cfg, Host: h.Host, Dir: filepath.Join(d.dir, "fs", h.Name), Socket: filepath.Join(d.dir, "sock")})
	if err != nil {
		return err
	}
	cableR, cableW, err := os.Pipe()
	if err != nil {
		return err
	}
	bootedR, bootedW, err := os.Pipe()
	if err != nil {
		return errors.Join(err, cableR.Close(), cableW.Close())
	}
	cmd := exec.Command(self, "lab-host", d.cfg.Name, h.Name)
	cmd.Stdin = strings.NewReader(string(seat))
	logFile, err := os.OpenFile(filepath.Join(d.dir, h.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.ExtraFiles = []*os.File{cableR, bootedW}
	cmd.Env = []string{"PATH=" + Path, "HOME=/root", "LANG=C.UTF-8", "TERM=dumb", "USER=root", "LOGNAME=root"}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid: true, Pdeathsig: syscall.SIGKILL,
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC,
	}
	started := make(chan error)
	d.fork <- func() { started <- cmd.Start() }
	err = <-started
	_ = cableR.Close()
	_ = bootedW.Close()
	_ = logFile.Close()
	if err != nil {
		return errors.Join(fmt.Errorf("start it: %w", err), cableW.Close(), bootedR.Close())
	}
	h.cmd, h.ended = cmd, make(chan struct{})
	go func(ended chan struct{}) {
		_ = cmd.Wait()
		close(ended)
	}(h.ended)
	err = d.plug(h)
	_ = cableW.Close() // tells the host that its network card is there
	if err != nil {
		d.off(h)
		return errors.Join(err, bootedR.Close())
	}
	if err := bootedR.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	text, err := io.ReadAll(bootedR)
	_ = bootedR.Close()
	if said := strings.TrimSpace(string(text)); said != "booted" {
		d.off(h)
		return fmt.Errorf("it did not boot: %s (%v; more in %s)", said, err, logFile.Name())
	}
	return nil
}

// plug connects a host to the bridge with a cable of its own.
func (d *daemon) plug(h *powered) error {
	index := 0
	for i := range d.hosts {
		if d.hosts[i] == h {
			index = i
		}
	}
	h.port = "p" + strconv.Itoa(index+1) + "b" + strconv.Itoa(h.boots)
	br, err := netlink.LinkByName(bridge)
	if err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MasterIndex = h.port, br.Attrs().Index
	// A host keeps its card over a boot: others would go on sending to the old one for a while.
	card := net.HardwareAddr{2, 'h', 'a', 0, 0, byte(index + 1)}
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "eth0", PeerHardwareAddr: card, PeerNamespace: netlink.NsPid(h.cmd.Process.Pid)}); err != nil {
		return fmt.Errorf("connect it: %w", err)
	}
	return d.link(h)
}

func (d *daemon) link(h *powered) error {
	if h.port == "" {
		return nil
	}
	l, err := netlink.LinkByName(h.port)
	if err != nil {
		return err
	}
	if h.cut {
		return netlink.LinkSetDown(l)
	}
	return netlink.LinkSetUp(l)
}

// signal stops or continues every process of a host.
func (d *daemon) signal(h *powered, sig unix.Signal) error {
	if !h.alive() {
		return fmt.Errorf("host %s is off", h.Name)
	}
	ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid_for_children", h.cmd.Process.Pid))
	if err != nil {
		return err
	}
	done := map[int]bool{}
	for { // a process may have forked before it was stopped: until no new ones are found
		found := false
		names, err := os.ReadDir("/proc")
		if err != nil {
			return err
		}
		for _, n := range names {
			pid, err := strconv.Atoi(n.Name())
			if err != nil || done[pid] {
				continue
			}
			if l, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid)); err != nil || l != ns {
				continue
			}
			done[pid], found = true, true
			if err := unix.Kill(pid, sig); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
		}
		if !found {
			break
		}
	}
	h.paused = sig == unix.SIGSTOP
	return nil
}
