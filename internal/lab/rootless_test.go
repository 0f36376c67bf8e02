package lab_test

import (
	"bufio"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// somebody finds a user who is not root and has a range of ids.
func somebody(t *testing.T) *user.User {
	t.Helper()
	f, err := os.Open("/etc/subuid")
	if err != nil {
		t.Skip("nobody has a range of ids: ", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, _, _ := strings.Cut(lines.Text(), ":")
		if u, err := user.Lookup(name); err == nil && u.Uid != "0" {
			return u
		}
	}
	t.Skip("nobody but root has a range of ids in /etc/subuid")
	return nil
}

// A lab of somebody who is not root: hosts with files of their own that outlive a
// reboot, services and a network, or words about what is missing.
func TestWithoutRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	if testing.Short() {
		t.Skip("test hosts take time")
	}
	u := somebody(t)
	for _, p := range []string{"newuidmap", "newgidmap", "nsenter"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip(err)
		}
	}
	if err := os.Chmod(programs, 0o755); err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	run := func(env []string, args ...string) (string, error) {
		c := exec.Command(filepath.Join(programs, "clusterd"), args...)
		c.Dir = "/"
		c.Env = append([]string{"HOME=/", "PATH=" + os.Getenv("PATH")}, env...)
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		out, err := c.CombinedOutput()
		return string(out), err
	}
	must := func(args ...string) string {
		t.Helper()
		out, err := run(nil, args...)
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return out
	}
	if out, err := run([]string{"PATH=/nowhere"}, "lab", "up", "--name", "rootless"); err == nil || !strings.Contains(out, "newuidmap is not installed (Debian: package uidmap)") {
		t.Errorf("without newuidmap: %v %s", err, out)
	}
	must("lab", "up", "--name", "rootless")
	defer func() {
		must("lab", "down", "--name", "rootless")
		if out, err := run(nil, "lab", "status", "--name", "rootless"); err == nil || !strings.Contains(out, "is not up") {
			t.Errorf("after down: %v %s", err, out)
		}
	}()
	must("lab", "exec", "--name", "rootless", "2", "--", "sh", "-c", "echo kept > /etc/mark && chown hacluster /etc/mark && systemctl start pcsd")
	must("lab", "kill", "--name", "rootless", "2")
	must("lab", "start", "--name", "rootless", "2")
	out := must("lab", "exec", "--name", "rootless", "2", "--", "sh", "-c", "cat /etc/mark; stat -c %U /etc/mark; id -u; ip -br addr show eth0; systemctl start pcsd && systemctl is-active pcsd")
	for _, want := range []string{"kept\nhacluster\n0\n", "211.183.3.105/24", "\nactive\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if out, err := run(nil, "lab", "exec", "--name", "rootless", "1", "--", "sh", "-c", "touch /usr/x /boot/x"); err == nil {
		t.Errorf("a host writes to the machine's folders: %s", out)
	}
	if out, err := run(nil, "lab", "exec", "--name", "rootless", "1", "--", "sh", "-c", "exit 7"); err == nil || err.Error() != "exit status 7" {
		t.Errorf("exit code: %v %s", err, out)
	}
}
