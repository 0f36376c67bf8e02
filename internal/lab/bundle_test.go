package lab_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// containerHost is what a lab's host needs for containers: no control groups are there, and layers are copied.
const containerHost = `set -e
mount -t tmpfs cgroups /sys/fs/cgroup
mkdir -p /etc/containers
cat > /etc/containers/storage.conf <<'EOF'
[storage]
driver = "vfs"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
EOF
cat > /etc/containers/containers.conf <<'EOF'
[containers]
cgroups = "disabled"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
EOF
`

// image makes a container's image of nothing but busybox and our executor; it gives the file's path on the machine.
func image(t *testing.T, busybox string) string {
	t.Helper()
	root := t.TempDir()
	for _, d := range []string{"bin", "tmp", "etc/pacemaker", "etc/libqb", "proc", "sys", "dev", "run", "var/log", "usr/sbin"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put := func(from, to string) {
		in, err := os.Open(from)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		out, err := os.OpenFile(filepath.Join(root, to), os.O_CREATE|os.O_WRONLY, 0o755)
		if err == nil {
			_, err = io.Copy(out, in)
		}
		if err == nil {
			err = out.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put(busybox, "bin/busybox")
	put(filepath.Join(programs, "clusterd"), "usr/sbin/clusterd")
	for _, l := range [][2]string{{"busybox", "bin/sh"}, {"busybox", "bin/true"}, {"busybox", "bin/ps"}, {"busybox", "bin/rm"}, {"clusterd", "usr/sbin/pacemaker-remoted"}} {
		if err := os.Symlink(l[0], filepath.Join(root, l[1])); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"etc/passwd":                         "root:x:0:0:root:/:/bin/sh\n",
		"etc/libqb/force-filesystem-sockets": "", // the containers share their hosts' network, and with it all abstract addresses
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tar := filepath.Join(programs, fmt.Sprintf("image-%d.tar", os.Getpid()))
	t.Cleanup(func() { _ = os.Remove(tar) })
	if out, err := exec.Command("tar", "-C", root, "-cf", tar, ".").CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	return tar
}

// TestBundle runs a bundle in real containers: a replica on each host, with our executor as the containers' first
// process, and a service inside. A service, an executor and a container fail.
func TestBundle(t *testing.T) {
	t.Parallel()
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip(err)
	}
	for _, p := range []string{"podman", "crun", "conmon"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip(err)
		}
	}
	if out, err := exec.Command("ldd", busybox).CombinedOutput(); err == nil || !strings.Contains(string(out), "not a dynamic executable") {
		t.Skip("busybox is not static")
	}
	b := cluster(t, 2, false)
	tar := filepath.Join("/opt/hacluster/bin", filepath.Base(image(t, busybox)))
	for _, h := range []string{"1", "2"} {
		b.do(h, "sh", "-c", "echo 0.11.12 > /etc/hacluster/dialect; echo a-key-that-all-hosts-have > /etc/pacemaker/authkey; "+containerHost+"podman import "+tar+" localhost/service:1")
	}
	b.do("1", "pcs", "resource", "bundle", "create", "B", "container", "podman", "image=localhost/service:1", "replicas=2", "network=host", "network", "control-port=3121", "--disabled")
	b.do("1", "pcs", "resource", "create", "D", "ocf:pacemaker:Dummy", "op", "monitor", "interval=1s", "bundle", "B")
	b.do("1", "pcs", "resource", "enable", "B")
	whole := func() {
		t.Helper()
		for i := range 2 {
			b.await(90*time.Second, "1", "whole", "sh", "-c", fmt.Sprintf(`crm_mon -1 | grep -q "B-podman-%d.*Started\|B-%d.*Started" && crm_resource --locate -r D | grep -q "on: B-%d" && crm_mon -1 | grep "GuestOnline" | grep -q "B-%d" && echo whole`, i, i, i, i))
		}
		b.do("1", "crm_resource", "--wait", "--timeout", "60s")
	}
	whole()
	// at is the host with a replica's container, and the container's id there.
	at := func(replica int) (host, id string) {
		t.Helper()
		for _, h := range []string{"1", "2"} {
			if out := b.do(h, "podman", "ps", "--no-trunc", "--format", "{{.Names}} {{.ID}}"); strings.Contains(out, fmt.Sprintf("B-podman-%d ", replica)) {
				return h, regexp.MustCompile(fmt.Sprintf(`B-podman-%d (\S+)`, replica)).FindStringSubmatch(out)[1]
			}
		}
		t.Fatalf("no host has a container of replica %d", replica)
		return "", ""
	}
	h0, id0 := at(0)
	h1, id1 := at(1)
	if h0 == h1 {
		t.Errorf("both replicas are on host %s", h0)
	}
	t.Run("a service in it fails", func(t *testing.T) {
		b.do(h0, "podman", "exec", "B-podman-0", "/bin/sh", "-c", "rm /run/*D*.state")
		b.await(30*time.Second, "1", "D_monitor_1000", "sh", "-c", "cibadmin -Q -o status | grep last_failure")
		whole()
		if h, id := at(0); h != h0 || id != id0 {
			t.Error("the container was restarted for that")
		}
	})
	t.Run("it leaves no dead processes behind", func(t *testing.T) {
		if out := b.do(h0, "podman", "exec", "B-podman-0", "/bin/ps", "-o", "pid,stat,args"); regexp.MustCompile(`(?m)^ *\d+ Z`).MatchString(out) {
			t.Errorf("the first process waits for none of its orphans:\n%s", out)
		}
	})
	t.Run("its container dies", func(t *testing.T) {
		b.do("1", "sh", "-c", "crm_resource -C >/dev/null 2>&1; true")
		b.do(h1, "podman", "kill", "B-podman-1")
		for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
			if out := b.do(h1, "podman", "ps", "--no-trunc", "--format", "{{.Names}} {{.ID}}"); strings.Contains(out, "B-podman-1") && !strings.Contains(out, id1) {
				break
			} else if time.Since(begin) > 90*time.Second {
				_, page := b.try("1", "crm_mon", "-1rfm")
				t.Fatalf("no other container was started: %s\n%s", out, page)
			}
		}
		whole()
	})
	b.do("1", "pcs", "resource", "disable", "B")
	for _, h := range []string{"1", "2"} {
		b.await(90*time.Second, h, "none", "sh", "-c", "test -z \"$(podman ps -q)\" && echo none")
	}
}
