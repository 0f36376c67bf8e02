package lab_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A host under systemd runs one as process 1 of process ids of its own, with this machine's D-Bus, our programs and units as
// `make install` puts them, and no services beside. What it writes in /run is gone when it ends, as with a boot.
type systemdBench struct {
	*bench
	group  string            // what the hosts' control groups are called, before the host
	leader map[string]string // by host: its process 1, as the host numbers it
	files  string            // a folder with what `make install` puts on a host
}

// systemdLabs counts the labs of this run.
var systemdLabs atomic.Int32

// What boots a host: a control group of its own, of which systemd sees nothing above, and then systemd.
const systemdBoot = `mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/lock && mount -t proc proc /proc &&
mount -t cgroup2 cgroup2 /sys/fs/cgroup && mkdir -p /sys/fs/cgroup/$1 && echo 0 > /sys/fs/cgroup/$1/cgroup.procs &&
exec unshare -C sh -c 'umount /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
	exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=multi-user.target'
`

// systemdHosts are hosts of a lab, named by their numbers, each under a systemd of its own.
func systemdHosts(t *testing.T, hosts ...string) *systemdBench {
	t.Helper()
	s := systemdLab(t, hosts...)
	for _, h := range hosts {
		s.install(h)
	}
	s.bootAll(hosts...)
	return s
}

// systemdLab is systemdHosts with nothing of ours on the hosts, and before they are booted.
func systemdLab(t *testing.T, hosts ...string) *systemdBench {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can bring test hosts up")
	}
	systemctl, _ := exec.LookPath("systemctl")
	for _, p := range []string{"/lib/systemd/systemd", systemctl, "dbus-daemon", "unshare", "nsenter", "make", "tar"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("no systemd to run in a host: %v", err)
		}
	}
	if out, err := exec.Command(systemctl, "--version").Output(); err != nil || !strings.HasPrefix(string(out), "systemd 2") {
		t.Skipf("systemctl is not systemd's: %v %s", err, out)
	}
	group := fmt.Sprintf("hacluster-%d-%d", os.Getpid(), systemdLabs.Add(1)) // of this test alone
	groups := t.TempDir()
	inGroups := func(script string) ([]byte, error) {
		return exec.Command("unshare", "-m", "sh", "-c", "mount -t cgroup2 cgroup2 "+groups+" && cd "+groups+" && "+script).CombinedOutput()
	}
	if out, err := inGroups("mkdir " + group + "-try && rmdir " + group + "-try"); err != nil {
		t.Skipf("no control group for a systemd in a host: %v %s", err, out)
	}
	t.Cleanup(func() { // after the lab has gone
		var out []byte
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			var err error
			if out, err = inGroups("for g in " + group + "-*; do [ ! -d $g ] || find $g -depth -type d -exec rmdir {} + || exit 1; done"); err == nil {
				return
			}
		}
		t.Errorf("control groups are left: %s", out)
	})
	installed := t.TempDir()
	if out, err := exec.Command("make", "-s", "-C", "../..", "-o", "build", "install", "BIN="+programs, "DESTDIR="+installed).CombinedOutput(); err != nil {
		t.Fatalf("make install: %v\n%s", err, out)
	}
	s := &systemdBench{up(t, "--hosts", fmt.Sprint(len(hosts))), group, map[string]string{}, installed}
	t.Cleanup(func() {
		for _, h := range hosts {
			if t.Failed() && s.leader[h] != "" {
				_, out := s.in(h, "sh", "-c", "hostname; systemctl --failed --no-pager; journalctl -b -n 60 --no-pager")
				t.Log(out)
			}
		}
	})
	for _, h := range hosts {
		// The lab's systemctl gives way; of this machine's services none is started.
		program, err := os.Open(systemctl)
		if err != nil {
			t.Fatal(err)
		}
		s.feed(h, program, "sh", "-c", `rm -f /opt/hacluster/lab/bin/systemctl /opt/hacluster/lab/bin/service /usr/bin/systemctl && cat > /usr/bin/systemctl && chmod 755 /usr/bin/systemctl &&
			rm -rf /etc/systemd/system/*.wants /etc/systemd/system/*.requires /lib/systemd/system/multi-user.target.wants /lib/systemd/system/timers.target.wants`)
		_ = program.Close()
		s.feed(h, strings.NewReader(systemdBoot), "sh", "-c", "cat > /root/boot")
		s.feed(h, strings.NewReader("hacluster:hacluster\n"), "chpasswd")
	}
	return s
}

// install does with a host what `make install` does.
func (s *systemdBench) install(host string) {
	s.t.Helper()
	pack := exec.Command("tar", "-C", s.files, "-cf", "-", ".")
	var files bytes.Buffer
	pack.Stdout = &files
	if err := pack.Run(); err != nil {
		s.t.Fatal(err)
	}
	s.feed(host, &files, "tar", "-C", "/", "--no-same-owner", "--no-overwrite-dir", "-xf", "-")
	if s.leader[host] != "" {
		s.sh(host, "systemctl daemon-reload")
	}
}

func (s *systemdBench) bootAll(hosts ...string) {
	s.t.Helper()
	for _, h := range hosts {
		s.boot(h)
	}
	for _, h := range hosts {
		s.awaitIn(h, "active", "systemctl", "is-active", "multi-user.target")
	}
}

// boot starts a host's systemd.
func (s *systemdBench) boot(host string) {
	s.t.Helper()
	s.leader[host] = strings.TrimSpace(s.do(host, "sh", "-c", `setsid unshare -mpf --kill-child sh /root/boot `+s.group+"-"+host+` >/root/boot.log 2>&1 </dev/null & p=$!
		while kill -0 $p; do c=$(cat /proc/$p/task/$p/children) && [ "$c" ] && c=${c% } && grep -q systemd /proc/$c/comm && echo $c && exit; sleep 0.02; done 2>/dev/null; cat /root/boot.log; exit 1`))
}

// in runs a command in a host as its systemd sees it.
func (s *systemdBench) in(host string, argv ...string) (int, string) {
	return s.try(host, append([]string{"nsenter", "-t", s.leader[host], "-m", "-p", "--", "env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, argv...)...)
}

// sh runs a script in a host; it must succeed.
func (s *systemdBench) sh(host, script string) string {
	s.t.Helper()
	code, out := s.in(host, "sh", "-ec", script)
	if code != 0 {
		s.t.Fatalf("%s: %s: exit code %d\n%s", host, script, code, out)
	}
	return out
}

// says has a script's output compared with what it should say.
func (s *systemdBench) says(host, script, want string) {
	s.t.Helper()
	if _, out := s.in(host, "sh", "-c", script); strings.TrimSpace(out) != want {
		s.t.Errorf("%s: %s:\n%s\nwant %s", host, script, out, want)
	}
}

// awaitIn waits until a command in a host says want.
func (s *systemdBench) awaitIn(host, want string, argv ...string) {
	s.t.Helper()
	var out string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		if _, out = s.in(host, argv...); strings.Contains(out, want) && !strings.Contains(out, "in"+want) {
			return
		}
	}
	s.t.Fatalf("%s: %s: %q did not come\n%s", host, strings.Join(argv, " "), want, out)
}

// TestSystemd: our services under a real systemd, and its units as a cluster's resources.
func TestSystemd(t *testing.T) {
	t.Parallel()
	s := systemdHosts(t, "1", "2")
	s.setUp(t)
	s.killed()
	s.resources()
	s.powerOff()
}

// setUp makes a cluster with pcs and leaves it running, node2 in standby so that services have one place. Of two nodes, one whose
// ring was started anew has no quorum until it sees the other: what it runs then stays.
func (s *systemdBench) setUp(t *testing.T) {
	// What corosync cannot start with fails it, with the original's code, and is not tried again until the start limit forbids more.
	if code, out := s.in("2", "systemctl", "start", "pacemaker"); code == 0 {
		t.Errorf("pacemaker starts without a corosync.conf: %s", out)
	}
	s.says("2", "systemctl show -P ExecMainStatus -P NRestarts -P ActiveState corosync; systemctl is-active pacemaker", "0\n8\nfailed\ninactive")
	for _, h := range []string{"1", "2"} {
		// Who is told that it has started can connect.
		s.sh(h, "systemctl start pcsd; bash -c 'exec 3<>/dev/tcp/127.0.0.1/2224'; systemctl is-active pcsd")
	}
	s.sh("1", "pcs host auth node1 node2 -u hacluster -p hacluster; pcs cluster setup test node1 node2 --start --enable --wait")
	status := s.sh("1", "pcs status")
	if !strings.Contains(status, "Online: [ node1 node2 ]") || !strings.Contains(status, "corosync: active/enabled") || !strings.Contains(status, "pcsd: active/disabled") {
		t.Errorf("pcs status:\n%s", status)
	}
	for _, h := range []string{"1", "2"} {
		s.says(h, "systemctl is-active corosync pacemaker; systemctl is-enabled corosync pacemaker", "active\nactive\nenabled\nenabled")
	}
	s.sh("1", "pcs cluster disable node2; pcs cluster stop node2")
	s.says("2", "systemctl is-active corosync pacemaker; systemctl is-enabled corosync pacemaker; systemctl show -P Result corosync pacemaker", "inactive\ninactive\ndisabled\ndisabled\nsuccess\n\nsuccess")
	s.sh("1", "pcs cluster start node2 --wait; pcs property set stonith-enabled=false; pcs node standby node2")
}

// A service of another class leaves its process in the control group of who started it.
const holder = `#!/bin/sh
running() { [ -s /run/holder ] && kill -0 $(cat /run/holder) 2>/dev/null; }
case $1 in
start) running || { setsid sleep 1000 >/dev/null 2>&1 & echo $! > /run/holder; } ;;
stop) ! running || kill $(cat /run/holder); rm -f /run/holder ;;
status) running || exit 3 ;;
esac
`

// killed ends the daemons by force: systemd starts them again, and what runs goes on running. Ended in good order, they end in
// the order of what needs what.
func (s *systemdBench) killed() {
	s.feed("1", strings.NewReader(holder), "sh", "-c", "cat > /etc/init.d/holder && chmod 755 /etc/init.d/holder")
	s.feed("1", strings.NewReader("[Service]\nExecStart=/bin/sleep 1000\nRestart=always\n"), "sh", "-c", "cat > /etc/systemd/system/sleeper.service")
	s.sh("1", `for u in corosync pacemaker dbus sleeper; do mkdir -p /etc/systemd/system/$u.service.d
		printf '[Service]\nExecStopPost=/bin/sh -c "echo %s >> /root/order"\n' $u > /etc/systemd/system/$u.service.d/order.conf; done; systemctl daemon-reload
		pcs resource create S systemd:sleeper; pcs resource create L lsb:holder; crm_resource --wait -T 60s`)
	const alive = "systemctl show -P MainPID sleeper; cat /run/holder; kill -0 $(cat /run/holder)"
	before := strings.TrimSpace(s.sh("1", alive))
	for _, service := range []string{"corosync", "pacemaker"} {
		// With the ring pacemaker ends, too, and its start is corosync's.
		was := strings.Fields(s.sh("1", "systemctl show -P MainPID pacemaker; kill -9 $(systemctl show -P MainPID "+service+")"))[0]
		s.awaitIn("1", "again", "sh", "-c", "systemctl -q is-active corosync && systemctl -q is-active pacemaker && [ $(systemctl show -P MainPID pacemaker) != "+was+" ] && echo again")
		s.awaitIn("1", "Online: [ node1 ]", "crm_mon", "-1r")
		s.sh("1", "crm_resource --wait -T 60s")
		s.says("1", alive, before)
	}
	s.sh("1", "rm -f /root/order; systemctl stop corosync")
	s.says("1", "systemctl is-active pacemaker corosync sleeper; cat /root/order; cat /run/holder", "inactive\ninactive\ninactive\nsleeper\npacemaker\ncorosync\ncat: /run/holder: No such file or directory")
	s.sh("1", "systemctl start pacemaker; systemctl is-active corosync")
	s.awaitIn("1", "Online: [ node1 ]", "crm_mon", "-1r")
	s.awaitIn("1", "L\t(lsb:holder):\t Started node1", "crm_mon", "-1r")
}

// More units: one that fails, one that takes its time, a template, a timer, one that is masked; there is none called missing.
var units = map[string]string{
	"broken.service":   "[Service]\nType=notify\nExecStart=/bin/false\n",
	"slow.service":     "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'while [ ! -e /run/go ]; do sleep 0.1; done'\n",
	"sleeper@.service": "[Service]\nExecStart=/bin/sleep 1000\n",
	"tick.service":     "[Service]\nType=oneshot\nExecStart=/bin/true\n",
	"tick.timer":       "[Timer]\nOnActiveSec=1h\n",
	"last.service":     "[Service]\nExecStart=/bin/sleep 1000\n",
}

// resources has the cluster run units.
func (s *systemdBench) resources() {
	for name, text := range units {
		s.feed("1", strings.NewReader(text), "sh", "-c", "cat > /etc/systemd/system/"+name)
	}
	s.sh("1", "ln -s /dev/null /etc/systemd/system/hidden.service; systemctl daemon-reload")
	s.says("1", "pcs resource create M systemd:missing 2>&1 | grep -o \"^Error: Agent 'systemd:missing' is not installed\"", "Error: Agent 'systemd:missing' is not installed")
	s.sh("1", `pcs resource create B systemd:broken; pcs resource create M systemd:missing --force; pcs resource create H systemd:hidden; pcs resource create N systemd:sleeper@ --force
		pcs resource create W systemd:slow op start timeout=1s; pcs resource create I systemd:sleeper@one; pcs resource create P systemd:sleeper@.service
		pcs resource create K systemd:tick.timer; pcs resource create V service:last op monitor interval=1s; crm_resource --wait -T 60s`)
	shown := s.sh("1", "crm_mon -1r")
	for _, want := range []string{
		"B start on node1 could not be executed (Error: systemd start job for broken.service failed with result 'failed')",
		"M start on node1 could not be executed (Not installed: systemd unit missing not found)",
		"H start on node1 could not be executed (Error: Unable to invoke systemd DBus method)",
		"W start on node1 could not be executed (Timed out: start action for systemd unit slow did not complete in time)",
		"I\t(systemd:sleeper@one):\t Started node1", "P\t(systemd:sleeper@.service):\t Started node1",
		"K\t(systemd:tick.timer):\t Started node1", "V\t(service:last):\t Started node1", "S\t(systemd:sleeper):\t Started node1",
		"B\t(systemd:broken):\t Stopped", "N\t(systemd:sleeper@):\t Stopped (Not installed)", "W\t(systemd:slow):\t Stopped",
	} {
		if !strings.Contains(shown, want) {
			s.t.Errorf("crm_mon lacks %q:\n%s", want, shown)
		}
	}
	// What the cluster runs stands before it and is not started again by systemd; what it stopped does not.
	const dropIns = "cd /run/systemd/system; ls */50-pacemaker.conf"
	s.says("1", dropIns, "last.service.d/50-pacemaker.conf\nsleeper.service.d/50-pacemaker.conf\nsleeper@one.service.d/50-pacemaker.conf\nsleeper@pacemaker.service.d/50-pacemaker.conf\ntick.timer.d/50-pacemaker.conf")
	const shows = "systemctl show -P Description -P Restart -P ActiveState sleeper; systemctl show -P Before sleeper tick.timer | grep -c pacemaker.service"
	for _, again := range []string{"true", "systemctl daemon-reload", "systemctl daemon-reexec"} {
		s.says("1", again+"; { "+shows+"; } | sort", "2\nCluster Controlled sleeper.service\nactive\nno")
	}
	s.sh("1", "for r in B M H N W; do pcs resource delete $r; done; crm_resource --cleanup; crm_resource --wait -T 60s")

	// Behind the cluster's back: stopped by somebody, and dead by itself.
	for _, end := range []struct{ script, reason string }{
		{"systemctl stop last", "returned 'Not running' (inactive)"}, {"systemctl kill -s KILL last", "returned 'Not running' (failed)"},
	} {
		was := strings.TrimSpace(s.sh("1", "systemctl show -P MainPID last; "+end.script))
		s.awaitIn("1", "anew", "sh", "-c", "systemctl -q is-active last && [ $(systemctl show -P MainPID last) != "+was+" ] && echo anew")
		s.awaitIn("1", "V 1s-interval monitor on node1 "+end.reason, "crm_mon", "-1r")
		s.sh("1", "crm_resource --wait -T 60s; crm_resource --cleanup -r V; crm_resource --wait -T 60s")
	}

	// The bus goes and comes, and systemd executes itself anew, while a job is under way: its end is seen all the same.
	s.sh("1", "pcs resource create W systemd:slow op start timeout=100s")
	s.awaitIn("1", "activating", "systemctl", "is-active", "slow")
	s.sh("1", "systemctl restart dbus; systemctl restart dbus; systemctl daemon-reexec; touch /run/go; crm_resource --wait -T 60s")
	if shown := s.sh("1", "crm_mon -1r"); !strings.Contains(shown, "W\t(systemd:slow):\t Started node1") || strings.Contains(shown, "W start") {
		s.t.Errorf("the bus went and came:\n%s", shown)
	}
	s.sh("1", "for r in W I P K V; do pcs resource delete $r; done; crm_resource --wait -T 60s")
	s.says("1", dropIns+"; systemctl is-active slow sleeper@one sleeper@pacemaker tick.timer last", "sleeper.service.d/50-pacemaker.conf\ninactive\ninactive\ninactive\ninactive\ninactive")
}

// powerOff takes a host down: the cluster stops its services, in peace with systemd that wants the same, before the ring and the
// bus go. When it comes up again, its enabled services are there.
func (s *systemdBench) powerOff() {
	s.sh("1", "rm -f /root/order; systemctl -q is-active sleeper; systemctl start --no-block --job-mode=replace-irreversibly poweroff.target")
	s.awaitDown("1")
	// The ring and the bus end in either order.
	if order := s.do("1", "cat", "/root/order"); !strings.HasPrefix(order, "sleeper\npacemaker\n") || len(strings.Fields(order)) != 4 {
		s.t.Errorf("they ended in the order\n%s", order)
	}
	s.awaitIn("2", "OFFLINE: [ node1 ]", "crm_mon", "-1r")
	s.boot("1")
	s.awaitIn("1", "Online: [ node1 ]", "crm_mon", "-1r")
	s.awaitIn("1", "S\t(systemd:sleeper):\t Started node1", "crm_mon", "-1r")
	s.says("1", "systemctl is-active corosync pacemaker pcsd sleeper", "active\nactive\ninactive\nactive")
}
