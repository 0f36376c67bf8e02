package lab_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
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

// otherPcs plays what one pcs does with the other's hosts; setting is a line for the shell that has pcs be the one.
func otherPcs(t *testing.T, side, setting string, try func(host string, argv ...string) (int, string)) {
	t.Helper()
	for _, a := range sceneIn(t, "testdata/originals/both.txt").actions {
		if (a.only == "" || a.only == side) && (!a.long || *pcsVerbs) {
			a.play(t, setting, try)
		}
	}
}

// TestDebianPcsDrivesOurHosts has the original pcs do with our hosts what an administrator does, from the first
// log-in to the end of the cluster.
func TestDebianPcsDrivesOurHosts(t *testing.T) {
	t.Parallel()
	needDebianPcs(t)
	b := up(t, "--hosts", "3")
	for _, h := range []string{"1", "2", "3"} {
		// The original pcs calls these by their places; those that keep certificates have to be of the house that reads them.
		b.do(h, "sh", "-c", "ln -sf /opt/hacluster/bin/corosync-qdevice-net-certutil /usr/sbin/; ln -sf /opt/hacluster/bin/corosync-qnetd-certutil /usr/bin/;"+
			"systemctl start pcsd; echo hacluster:secret | chpasswd; ip addr add 10.9.0."+h+"/24 dev eth0")
	}
	otherPcs(t, "theirs", "PATH=/usr/sbin:$PATH; ", b.try)
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
	for h := 1; h <= n; h++ { // the hosts have the machine's files, and its cluster's if it is in one
		if code, out := o.try(strconv.Itoa(h), "sh", "-c", "rm -f /etc/corosync/corosync.conf /etc/corosync/authkey /etc/pacemaker/authkey /var/lib/corosync/* /var/lib/pacemaker/cib/*"); code != 0 {
			t.Fatal(out)
		}
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

// quorumServices has the hosts' systemctl know the services of a quorum device, too.
const quorumServices = `sed 's/^KNOWN="/&corosync-qdevice corosync-qnetd /; s|^    pcsd-ruby) launch|    corosync-qdevice) launch corosync-qdevice /usr/sbin/corosync-qdevice -f;;\n    corosync-qnetd) launch corosync-qnetd /usr/bin/corosync-qnetd -f;;\n&|' /bin/systemctl > /run/systemctl &&
chmod 755 /run/systemctl && mount --bind /run/systemctl /bin/systemctl && ip addr add 10.9.0.$0/24 dev eth0`

// TestOurPcsDrivesDebianHosts does the same the other way round: pcsd, corosync and Pacemaker are Debian's.
func TestOurPcsDrivesDebianHosts(t *testing.T) {
	t.Parallel()
	o := originalHosts(t, 3)
	for _, h := range []string{"1", "2", "3"} {
		o.ours(h, "pcs", "pcs")
		if code, out := o.try(h, "sh", "-c", quorumServices, h); code != 0 {
			t.Fatal(out)
		}
	}
	otherPcs(t, "ours", "PATH=/root:$PATH; ", o.try)
}
