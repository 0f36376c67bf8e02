package lab_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// debianPcs is the original; its Python is what tells it from ours.
const debianPcs = "/usr/sbin/pcs"

func needDebianPcs(t *testing.T) {
	t.Helper()
	head, err := os.ReadFile(debianPcs)
	if err != nil || !bytes.HasPrefix(head, []byte("#!")) || !bytes.Contains(head[:min(len(head), 64)], []byte("python")) {
		t.Skip("the original pcs is not on this machine")
	}
}

// TestDebianPcsDrivesOurHosts has the original pcs do with our hosts what an administrator does, from the first
// log-in to the end of the cluster.
func TestDebianPcsDrivesOurHosts(t *testing.T) {
	t.Parallel()
	needDebianPcs(t)
	b := up(t, "--hosts", "2")
	for _, h := range []string{"1", "2"} {
		b.do(h, "sh", "-c", "systemctl start pcsd; echo hacluster:secret | chpasswd")
	}
	pcs := func(want string, words ...string) {
		t.Helper()
		if out := b.do("1", append([]string{debianPcs}, words...)...); !strings.Contains(out, want) {
			t.Errorf("pcs %s: want %q\n%s", strings.Join(words, " "), want, out)
		}
	}
	if code, out := b.try("1", debianPcs, "host", "auth", "node1", "node2", "-u", "hacluster", "-p", "wrong"); code == 0 || !strings.Contains(out, "Error: node1: Username and/or password is incorrect") {
		t.Errorf("a wrong password: exit code %d\n%s", code, out)
	}
	pcs("node2: Authorized", "host", "auth", "node1", "node2", "-u", "hacluster", "-p", "secret")
	pcs("Cluster has been successfully set up.", "cluster", "setup", "c", "node1", "node2", "--enable", "--start", "--wait=120")
	pcs("node2: Online", "status", "pcsd")
	pcs("", "property", "set", "stonith-enabled=false")
	pcs("", "resource", "create", "d", "ocf:pacemaker:Dummy")
	b.await(30*time.Second, "1", "Started", debianPcs, "resource", "status", "d")
	pcs("  * Online: [ node1 node2 ]", "status")
	pcs("", "cluster", "config", "update", "totem", "token=2000")
	if conf := b.do("2", "cat", "/etc/corosync/corosync.conf"); !strings.Contains(conf, "token: 2000") {
		t.Errorf("node2 has\n%s", conf)
	}
	pcs("Stopping Cluster (pacemaker)", "cluster", "stop", "--all")
	pcs("Successfully destroyed cluster", "cluster", "destroy", "--all")
	for _, h := range []string{"1", "2"} {
		if code, _ := b.try(h, "test", "-e", "/etc/corosync/corosync.conf"); code == 0 {
			t.Errorf("host %s is still in a cluster", h)
		}
	}
}

// realLab is the script that brings hosts up which run the originals; "" where there is none.
func realLab() string {
	if p := os.Getenv("HACLUSTER_REAL_LAB"); p != "" {
		return p
	}
	for _, up := range []string{"../../..", "../../../.."} {
		if p, err := filepath.Abs(filepath.Join(up, "shared/real-lab/lab")); err == nil {
			if _, err := os.Stat(p); err == nil {
				return p
			}
		}
	}
	return ""
}

// originals are hosts on which the originals run: corosync, Pacemaker and pcs as Debian ships them.
type originals struct {
	t           *testing.T
	script, dir string
}

// originalHosts brings n of them up for the test's time.
func originalHosts(t *testing.T, n int) *originals {
	t.Helper()
	needDebianPcs(t)
	o := &originals{t: t, script: realLab(), dir: t.TempDir()}
	switch {
	case o.script == "":
		t.Skip("there is no lab of the originals (HACLUSTER_REAL_LAB names its script)")
	case os.Geteuid() != 0:
		t.Skip("only root can bring test hosts up")
	case testing.Short():
		t.Skip("test hosts take time")
	}
	for _, p := range []string{"/usr/sbin/pcsd", "/usr/sbin/corosync", "/usr/sbin/pacemakerd"} {
		if _, err := os.Stat(p); err != nil {
			t.Skip(p + " is not on this machine")
		}
	}
	t.Cleanup(func() {
		if out, err := o.lab("down"); err != nil {
			t.Log(err, out)
		}
	})
	if out, err := o.lab("up", strconv.Itoa(n)); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return o
}

// lab runs the script that has the hosts.
func (o *originals) lab(words ...string) (string, error) {
	cmd := exec.Command(o.script, words...)
	cmd.Env = append(os.Environ(), "REAL_LAB="+o.dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// try runs a command in a host.
func (o *originals) try(host string, argv ...string) (int, string) {
	out, err := o.lab(append([]string{"exec", "node" + host, "--"}, argv...)...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), out
	}
	if err != nil {
		return -1, err.Error()
	}
	return 0, out
}

// ours puts one of our programs into a host, below /root, under a name.
func (o *originals) ours(host, program, name string) {
	o.t.Helper()
	text, err := os.ReadFile(filepath.Join(programs, program))
	if err == nil {
		err = os.MkdirAll(filepath.Dir(filepath.Join(o.dir, "hosts/node"+host+"/root", name)), 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(o.dir, "hosts/node"+host+"/root", name), text, 0o755)
	}
	if err != nil {
		o.t.Fatal(err)
	}
}

// TestOurPcsDrivesDebianHosts does the same the other way round: pcsd, corosync and Pacemaker are Debian's.
func TestOurPcsDrivesDebianHosts(t *testing.T) {
	t.Parallel()
	o := originalHosts(t, 2)
	lab := o.lab
	o.ours("1", "pcs", "pcs")
	pcs := func(want string, words ...string) {
		t.Helper()
		out, err := lab(append([]string{"exec", "node1", "--", "/root/pcs"}, words...)...)
		if err != nil || !strings.Contains(out, want) {
			t.Fatalf("pcs %s: %v, want %q\n%s", strings.Join(words, " "), err, want, out)
		}
	}
	if out, err := lab("exec", "node1", "--", "/root/pcs", "host", "auth", "node1", "node2", "-u", "hacluster", "-p", "wrong"); err == nil || !strings.Contains(out, "Error: node1: Username and/or password is incorrect") {
		t.Errorf("a wrong password: %v\n%s", err, out)
	}
	pcs("node2: Authorized", "host", "auth", "node1", "node2", "-u", "hacluster", "-p", "secret")
	pcs("Cluster has been successfully set up.", "cluster", "setup", "c", "node1", "node2", "--enable", "--start", "--wait=180")
	pcs("node2: Online", "status", "pcsd")
	pcs("", "property", "set", "stonith-enabled=false")
	pcs("", "resource", "create", "d", "ocf:pacemaker:Dummy")
	for begin := time.Now(); ; time.Sleep(500 * time.Millisecond) {
		if out, _ := lab("exec", "node1", "--", "/root/pcs", "resource", "status", "d"); strings.Contains(out, "Started") {
			break
		} else if time.Since(begin) > time.Minute {
			t.Fatal(out)
		}
	}
	pcs("  * Online: [ node1 node2 ]", "status")
	pcs("node2: Succeeded", "cluster", "config", "update", "totem", "token=2000")
	pcs("Stopping Cluster (pacemaker)", "cluster", "stop", "--all")
	pcs("Successfully destroyed cluster", "cluster", "destroy", "--all")
	if out, err := lab("exec", "node2", "--", "test", "-e", "/etc/corosync/corosync.conf"); err == nil {
		t.Errorf("node2 is still in a cluster %s", out)
	}
}
