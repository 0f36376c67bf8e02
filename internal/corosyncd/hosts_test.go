package corosyncd

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// host is a test host: a network namespace with an address on a common bridge,
// and folders of its own at /etc/corosync, /var/lib/corosync and /run.
type host struct {
	t      *testing.T
	number int
	dir    string
	holder *exec.Cmd // keeps the namespaces
	// bridgePid is the process that keeps the bridge.
	bridgePid int
	daemon    *exec.Cmd
	log       string
	ended     chan error
	// quiet has our daemon not tell everything.
	quiet bool
}

// inside holds namespaces open in a process of its own.
func inside(t *testing.T, script string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sh", "-ec", script+"\necho ready\nexec sleep infinity")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS, Unshareflags: 0, Pdeathsig: syscall.SIGKILL,
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Skipf("no namespaces here: %v", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Skipf("no test hosts here: %v %s", err, errs.String())
	}
	return cmd
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// hosts makes n hosts on one bridge; nodes have the ids and last address bytes 1 to n.
func hosts(t *testing.T, n int, conf func(nodes string) string) []*host {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can make network namespaces")
	}
	for _, tool := range []string{"ip", "nsenter", "corosync"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	bridge := inside(t, "ip link add br0 type bridge; ip link set br0 up")
	bridgePid := fmt.Sprint(bridge.Process.Pid)
	nodes := ""
	for i := 1; i <= n; i++ {
		nodes += fmt.Sprintf("node {\nring0_addr: 10.98.0.%d\nnodeid: %d\nname: n%d\n}\n", i, i, i)
	}
	var list []*host
	for i := 1; i <= n; i++ {
		h := &host{t: t, number: i, dir: t.TempDir(), bridgePid: bridge.Process.Pid}
		for _, d := range []string{"etc", "state"} {
			if err := os.Mkdir(filepath.Join(h.dir, d), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(h.dir, "etc", "corosync.conf"), []byte(conf(nodes)), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(h.dir, "etc", "authkey"), bytes.Repeat([]byte("a key"), 50), 0o400); err != nil {
			t.Fatal(err)
		}
		h.log = filepath.Join(h.dir, "log")
		h.holder = inside(t, fmt.Sprintf(`mount --make-rprivate /
mount -t tmpfs none /run
mount -t tmpfs -o mode=1777 none /dev/shm
mkdir -p /etc/corosync /var/lib/corosync /run/corosync /run/corosync-qdevice /run/corosync-qnetd
mount --bind %[1]s/etc /etc/corosync
mount --bind %[1]s/state /var/lib/corosync
hostname n%[2]d`, h.dir, i))
		pid := fmt.Sprint(h.holder.Process.Pid)
		run(t, "nsenter", "-t", bridgePid, "-n", "sh", "-ec", fmt.Sprintf(
			"ip link add n%[1]d type veth peer name eth0 netns %[2]s; ip link set n%[1]d master br0 up", i, pid))
		run(t, "nsenter", "-t", pid, "-n", "sh", "-ec", fmt.Sprintf("ip addr add 10.98.0.%d/24 dev eth0; ip link set eth0 up; ip link set lo up", i))
		list = append(list, h)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, h := range list {
				text, _ := os.ReadFile(h.log)
				t.Logf("log of node %d:\n%s", h.number, text)
			}
		}
	})
	return list
}

// command is a program on the host.
func (h *host) command(name string, args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"-t", fmt.Sprint(h.holder.Process.Pid), "-n", "-m", "-u", name}, args...)...)
}

// start starts our daemon, or the original.
func (h *host) start(real bool) {
	h.t.Helper()
	if real {
		h.daemon = h.command("corosync", "-f")
	} else {
		h.daemon = h.command(os.Args[0])
		h.daemon.Env = append(os.Environ(), "COROSYNCD_CONF=/etc/corosync/corosync.conf")
		if !h.quiet {
			h.daemon.Env = append(h.daemon.Env, "COROSYNCD_DEBUG=1")
		}
	}
	h.ended = h.launch(h.daemon)
}

// favour has the daemon, original or ours, run before all others.
func (h *host) favour() {
	h.t.Helper()
	run(h.t, "renice", "-n", "-20", "-p", fmt.Sprint(h.daemon.Process.Pid))
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", h.daemon.Process.Pid))
	for _, task := range tasks {
		_ = exec.Command("renice", "-n", "-20", "-p", filepath.Base(task)).Run()
	}
}

// launch starts a program that ends with the test at the latest; its output goes to the host's log.
func (h *host) launch(c *exec.Cmd) (ended chan error) {
	h.t.Helper()
	f, err := os.OpenFile(h.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	if c.Stderr = f; c.Stdout == nil {
		c.Stdout = f
	}
	if err := c.Start(); err != nil {
		h.t.Fatal(err)
	}
	ended = make(chan error, 1)
	go func() { ended <- c.Wait() }()
	h.t.Cleanup(func() { _ = c.Process.Kill(); <-ended; ended <- nil })
	return ended
}

// stop sends the daemon a signal and waits for its end.
func (h *host) stop(s syscall.Signal) {
	h.t.Helper()
	_ = h.daemon.Process.Signal(s)
	select {
	case err := <-h.ended:
		h.ended <- err
	case <-time.After(patience * 10 * time.Second):
		h.t.Fatalf("the daemon of node %d does not end on %v", h.number, s)
	}
}

// output is what a program on the host prints.
func (h *host) output(name string, args ...string) (string, error) {
	out, err := h.command(name, args...).CombinedOutput()
	return string(out), err
}

// patience is by how much longer things may take where other tests run, too.
const patience = 4

// await waits until a program on the host prints what is wanted.
func (h *host) await(limit time.Duration, good func(string) bool, name string, args ...string) string {
	h.t.Helper()
	var out string
	for end := time.Now().Add(patience * limit); ; time.Sleep(50 * time.Millisecond) {
		out, _ = h.output(name, args...)
		if good(out) {
			return out
		}
		if time.Now().After(end) {
			h.t.Fatalf("node %d: %s %v prints\n%s", h.number, name, args, out)
		}
	}
}

// members waits until the original's corosync-quorumtool lists exactly these nodes.
func (h *host) members(limit time.Duration, ids ...int) {
	h.t.Helper()
	h.await(limit, func(out string) bool {
		_, list, ok := strings.Cut(out, "Name\n")
		lines := strings.Split(strings.TrimSpace(list), "\n")
		if !ok || len(lines) != len(ids) {
			return false
		}
		for i, l := range lines {
			if f := strings.Fields(l); len(f) < 3 || f[0] != fmt.Sprint(ids[i]) {
				return false
			}
		}
		return true
	}, "corosync-quorumtool", "-l")
}
