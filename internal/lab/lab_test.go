package lab_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hacluster/internal/lab"
)

// programs is the folder with the programs as they are built from this tree.
var programs string

// labsAtOnce is how many tests that mostly wait have their hosts up together. Those with narrow times of their own
// (a watchdog's, a delay between two who fence each other, what a silent host may cost) run before them, alone.
const labsAtOnce = 3

var logs = flag.String("logs", "", "a folder that is to have the whole logs of all tests' hosts")

var built = flag.String("programs", "", "a folder with all programs as `make build` makes them; they are not built then")

func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	code := func() int {
		if !asked {
			if err := flag.Set("test.parallel", strconv.Itoa(labsAtOnce)); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
		if os.Geteuid() != 0 {
			return m.Run() // the tests say why they are skipped
		}
		dir, err := os.MkdirTemp("", "hacluster-lab-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if *built != "" {
			programs = *built
			if err := os.Setenv("HACLUSTER_CLUSTERD", filepath.Join(programs, "clusterd")); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			return m.Run()
		}
		// All users of a host run these, not what the machine has beside them.
		if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // it holds programs only
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		programs = dir
		build := exec.Command("go", "build", "-o", dir+"/", "hacluster/cmd/...")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
			return 1
		}
		names, err := os.ReadFile("../../cmd/tools/names.txt")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		for _, n := range strings.Fields(string(names)) {
			if err := os.Symlink("tools", filepath.Join(dir, n)); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
		// The tests' own program cannot be a lab's daemon: clusterd is.
		if err := os.Setenv("HACLUSTER_CLUSTERD", filepath.Join(dir, "clusterd")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}()
	os.Exit(code)
}

// bench is a lab of one test.
type bench struct {
	t    *testing.T
	name string
}

// clusterd runs our program and gives its output; it must succeed.
func (b *bench) clusterd(args ...string) string {
	b.t.Helper()
	out, err := exec.Command(filepath.Join(programs, "clusterd"), args...).CombinedOutput()
	if err != nil {
		b.t.Fatalf("clusterd %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// up brings a lab up for the test's time.
func up(t *testing.T, args ...string) *bench {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can bring test hosts up")
	}
	if testing.Short() {
		t.Skip("test hosts take time")
	}
	name := strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-"))
	b := &bench{t, fmt.Sprintf("%s-%d", name[:min(len(name), 32)], os.Getpid())} // several runs of the tests may stand side by side
	b.clusterd(append([]string{"lab", "up", "--name", b.name, "--while", strconv.Itoa(os.Getpid())}, args...)...)
	t.Cleanup(func() {
		if t.Failed() {
			for _, h := range []string{"1", "2", "3"} {
				if _, out := b.try(h, "sh", "-c", "echo; hostname; tail -n 40 /var/log/pacemaker/pacemaker.log; tail -n 20 /var/log/cluster/corosync.log"); !strings.Contains(out, "has no host") {
					t.Log(out)
				}
			}
		}
		if *logs != "" {
			b.keepLogs(*logs)
		}
		b.clusterd("lab", "down", "--name", b.name)
	})
	return b
}

// keepLogs puts into a folder an archive of each host's logs, with what the lab's daemon tells.
func (b *bench) keepLogs(dir string) {
	b.t.Helper()
	cfg, err := lab.Ask(context.Background(), b.name, "status", "")
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		b.t.Log(err)
		return
	}
	for _, h := range cfg.Hosts {
		var archive, wrong bytes.Buffer
		argv := []string{"tar", "-C", "/", "-czf", "-", "--ignore-failed-read", "--warning=no-file-changed", "var/log", "var/lib/pacemaker", "var/lib/corosync", "etc/corosync/corosync.conf"}
		code, err := lab.Exec(context.Background(), b.name, h.Name, argv, strings.NewReader(""), &archive, &wrong)
		if err == nil && code > 1 {
			err = fmt.Errorf("tar: exit code %d: %s", code, wrong.String())
		}
		at := filepath.Join(dir, b.name+"-"+h.Name+".tar.gz")
		if err == nil {
			err = os.WriteFile(at, archive.Bytes(), 0o644) //nolint:gosec // for who looks into a failure
		}
		if err != nil {
			b.t.Logf("the logs of %s: %v", h.Name, err)
			continue
		}
		b.t.Logf("the logs of %s are in %s", h.Name, at)
	}
}

// try runs a command in a host. One that does not end fails the test, with what it is.
func (b *bench) try(host string, argv ...string) (int, string) {
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	code, err := lab.Exec(ctx, b.name, host, argv, strings.NewReader(""), &out, &out)
	if ctx.Err() != nil {
		b.t.Errorf("%s: %s: did not end\n%s", host, strings.Join(argv, " "), out.String())
	}
	if err != nil {
		return -1, err.Error()
	}
	return code, out.String()
}

// do runs a command in a host; it must succeed.
func (b *bench) do(host string, argv ...string) string {
	b.t.Helper()
	code, out := b.try(host, argv...)
	if code != 0 {
		b.t.Fatalf("%s: %s: exit code %d\n%s", host, strings.Join(argv, " "), code, out)
	}
	return out
}

// patience is the least that anything is waited for: the machine may be busy with other things.
const patience = 2 * time.Minute

// await waits until a host's command says want; it gives the time that took.
func (b *bench) await(limit time.Duration, host, want string, argv ...string) time.Duration {
	b.t.Helper()
	limit = max(limit, patience)
	begin := time.Now()
	for {
		_, out := b.try(host, argv...)
		if strings.Contains(out, want) {
			return time.Since(begin)
		}
		if time.Since(begin) > limit {
			b.t.Fatalf("%s: %s: %q did not come within %s\n%s", host, strings.Join(argv, " "), want, limit, out)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	b := up(t, "--hosts", "3")
	for _, c := range []struct {
		host string
		argv []string
		code int
		want string
	}{
		{"1", []string{"hostname"}, 0, "node1"},
		{"node3", []string{"hostname"}, 0, "node3"},
		{"1", []string{"ip", "-br", "addr", "show", "eth0"}, 0, "211.183.3.104/24"},
		{"3", []string{"ip", "-br", "addr", "show", "eth0"}, 0, "211.183.3.107/24"},
		{"2", []string{"getent", "hosts", "node3"}, 0, "211.183.3.107"},
		{"2", []string{"sh", "-c", "exit 7"}, 7, ""},
		{"2", []string{"sh", "-c", "kill -9 $$"}, 137, ""},
		{"2", []string{"no-such-program"}, 127, "command not found"},
		{"4", []string{"true"}, -1, `no host "4"`},
		{"1", []string{"ip", "route", "show", "default"}, 0, ""},
		{"1", []string{"systemctl", "is-active", "pcsd"}, 3, "inactive"},
		{"1", []string{"systemctl", "start", "nosuch"}, 5, "Unit nosuch.service not found"},
		{"1", []string{"yum", "install", "-y", "no-such-package"}, 1, "No package no-such-package available"},
		{"1", []string{"firewall-cmd", "--permanent", "--add-port=5405/udp"}, 0, "success"},
		{"1", []string{"firewall-cmd", "--list-all"}, 0, "5405/udp"},
		{"1", []string{"fence_lab", "-o", "status", "-n", "node2"}, 0, "Status: ON"},
		{"1", []string{"fence_lab", "-o", "list"}, 0, "node3,211.183.3.107"},
		{"1", []string{"sh", "-c", "printf 'action=off\\nplug=node9\\n' | fence_lab"}, 1, `no host "node9"`},
	} {
		if code, out := b.try(c.host, c.argv...); code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%s: %v: exit code %d, want %d\n%s", c.host, c.argv, code, c.code, out)
		}
	}
	// What a host writes is its own.
	b.do("1", "sh", "-c", "echo x > /etc/hacluster-test-mark")
	if _, err := os.Stat("/etc/hacluster-test-mark"); err == nil {
		t.Error("a host wrote to the machine's files")
	}
	if code, _ := b.try("2", "test", "-e", "/etc/hacluster-test-mark"); code == 0 {
		t.Error("a host sees another's file")
	}
	// A reboot ends all processes and keeps the disk.
	b.do("2", "sh", "-c", "echo kept > /etc/mark; (sleep 6000 &)")
	b.do("1", "sh", "-c", "printf 'action=reboot\\nport=node2\\n' | fence_lab")
	if out := b.do("2", "cat", "/etc/mark"); strings.TrimSpace(out) != "kept" {
		t.Errorf("after a reboot: %q", out)
	}
	if code, out := b.try("2", "pgrep", "sleep"); code == 0 {
		t.Errorf("a process outlived the reboot: %s", out)
	}
	b.clusterd("lab", "cut", "--name", b.name, "2")
	b.await(30*time.Second, "2", "NO-CARRIER", "ip", "link", "show", "eth0")
	b.clusterd("lab", "heal", "--name", b.name, "2")
	b.await(30*time.Second, "2", "LOWER_UP", "ip", "link", "show", "eth0")
	b.clusterd("lab", "pause", "--name", b.name, "2")
	if out := b.clusterd("lab", "status", "--name", b.name); !strings.Contains(out, "paused") {
		t.Errorf("status: %s", out)
	}
	b.clusterd("lab", "resume", "--name", b.name, "2")
	b.clusterd("lab", "kill", "--name", b.name, "3")
	if code, out := b.try("3", "true"); code == 0 || !strings.Contains(out, "is off") {
		t.Errorf("a host without power answers: %d %s", code, out)
	}
	b.clusterd("lab", "start", "--name", b.name, "3")
	b.do("3", "true")
}

func TestLabsApartAndAfterACrash(t *testing.T) {
	b := up(t, "--hosts", "1")
	other := b.name + "-2"
	b.clusterd("lab", "up", "--name", other, "--host", "alpha=10.77.0.5/16", "--host", "beta=10.77.0.6/16")
	defer b.clusterd("lab", "down", "--name", other)
	var out bytes.Buffer
	if code, err := lab.Exec(context.Background(), other, "beta", []string{"hostname"}, nil, &out, &out); code != 0 || err != nil || strings.TrimSpace(out.String()) != "beta" {
		t.Fatalf("%d %v %s", code, err, out.String())
	}
	if o, err := exec.Command(filepath.Join(programs, "clusterd"), "lab", "up", "--name", other).CombinedOutput(); err == nil || !strings.Contains(string(o), "is up already") {
		t.Errorf("a second one of this name: %v %s", err, o)
	}
	// A daemon that is killed takes its hosts along, and the name is free again.
	if o, err := exec.Command("pkill", "-9", "-f", programs+"/clusterd lab-daemon "+other).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, o)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		o, err := exec.Command(filepath.Join(programs, "clusterd"), "lab", "up", "--name", other, "--host", "gamma=10.77.0.7").CombinedOutput()
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("up after a crash: %v %s", err, o)
		}
	}
	if got := b.clusterd("lab", "status", "--name", other); !strings.Contains(got, "gamma") || strings.Contains(got, "alpha") {
		t.Errorf("after a crash: %s", got)
	}

	// A lab that is up for a process goes down with it, whatever ends that.
	owner := exec.Command("sleep", "infinity")
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	third := b.name + "-3"
	b.clusterd("lab", "up", "--name", third, "--host", "delta=10.77.0.8", "--while", strconv.Itoa(owner.Process.Pid))
	defer b.clusterd("lab", "down", "--name", third)
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	for deadline = time.Now().Add(20 * time.Second); ; {
		o, err := exec.Command(filepath.Join(programs, "clusterd"), "lab", "status", "--name", third).CombinedOutput()
		if err != nil && strings.Contains(string(o), "is not up") {
			if _, err := os.Stat("/run/hacluster-lab/" + third); errors.Is(err, fs.ErrNotExist) {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("its process has ended, the lab has not: %v %s", err, o)
		}
	}
}
