package lab_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSharedDiskWithTheOriginal has the programs of ClusterLabs' sbd and ours use one disk, which is a block device over
// a file: each makes the layout in turn, takes slots and sends messages, and both show the same; our watch answers both.
// The original's own watch is not started: what it does to end a host would end the machine.
func TestSharedDiskWithTheOriginal(t *testing.T) {
	t.Parallel()
	const theirs, ours = "/usr/local/lib/hacluster-originals/usr/sbin/sbd", "/opt/hacluster/bin/sbd"
	if _, err := os.Stat(theirs); err != nil {
		t.Skip(err)
	}
	b := up(t, "--hosts", "1")
	if out := b.do("1", "sh", "-c", theirs+" -h 2>&1; true"); !strings.Contains(out, "Shared storage fencing tool.") {
		t.Skip("the program sbd of this machine is not the original")
	}
	file := filepath.Join("/opt/hacluster/bin", "disk-"+b.name)
	code, disk := b.try("1", "sh", "-c", "truncate -s 1M "+file+" && losetup -f --show "+file)
	if code != 0 {
		t.Skip("no block device can be made over a file: ", disk)
	}
	disk = strings.TrimSpace(disk)
	t.Cleanup(func() { b.try("1", "sh", "-c", "losetup -d "+disk+"; rm -f "+file) })
	same := func(command string) string {
		t.Helper()
		a, b := b.do("1", theirs, "-d", disk, command), b.do("1", ours, "-d", disk, command)
		if a != b {
			t.Errorf("sbd %s: the original shows\n%s\nours\n%s", command, a, b)
		}
		return a
	}
	for i, maker := range []string{theirs, ours} {
		b.do("1", maker, "-d", disk, "-1", "30", "-2", "0", "-3", "1", "-4", "1", "create")
		if dump := same("dump"); !strings.Contains(dump, "Timeout (msgwait)  : 1\n") {
			t.Errorf("%s made\n%s", maker, dump)
		}
		for _, other := range []string{theirs, ours} {
			b.do("1", other, "-d", disk, "allocate", "a"+filepath.Base(filepath.Dir(other)))
			b.do("1", other, "-d", disk, "message", "a"+filepath.Base(filepath.Dir(other)), "off")
		}
		if list := same("list"); strings.Count(list, "\toff\tnode1") != 2 {
			t.Errorf("the slots after both have sent: %s", list)
		}
		if i == 0 {
			// Typed by hand, on the layout of the original, under another name.
			pid := "/run/by-hand.pid"
			b.do("1", ours, "-d", disk, "-n", "by-hand", "-w", "/dev/null", "-PP", "-R", "-s", "5", "-p", pid, "watch")
			b.do("1", "sh", "-c", "test $(cat "+pid+") -gt 1")
			b.await(30*time.Second, "1", "\tby-hand\tclear\t", theirs, "-d", disk, "list")
			if code, out := b.try("1", ours, "-d", disk, "-n", "by-hand", "-w", "/dev/null", "-PP", "-p", pid, "watch"); code != 1 || !strings.Contains(out, "another watch runs") {
				t.Errorf("a second watch: exit code %d: %s", code, out)
			}
			b.do("1", theirs, "-d", disk, "message", "by-hand", "test")
			b.await(30*time.Second, "1", "received command test from node1", "cat", "/var/log/pacemaker/pacemaker.log")
			b.do("1", theirs, "-d", disk, "message", "by-hand", "exit")
			b.await(30*time.Second, "1", "gone", "sh", "-c", "test -e "+pid+" || echo gone")
			continue
		}
		b.do("1", "sh", "-c", "mkdir -p /etc/default; touch /run/watchdog; printf 'SBD_DEVICE="+disk+"\\nSBD_WATCHDOG_DEV=/dev/null\\\nSBD_PACEMAKER=no\\n' > /etc/default/sbd; systemctl start sbd")
		b.await(30*time.Second, "1", "node1\tclear\t", theirs, "-d", disk, "list")
		b.await(30*time.Second, "1", "answers", "sh", "-c", ours+" -d "+disk+" ping node1 && echo answers")
		b.do("1", theirs, "-d", disk, "message", "node1", "test")
		b.await(30*time.Second, "1", "received command test from node1", "cat", "/var/log/pacemaker/pacemaker.log")
		b.do("1", theirs, "-d", disk, "message", "node1", "exit")
		b.await(30*time.Second, "1", "received command exit from node1", "cat", "/var/log/pacemaker/pacemaker.log")
		b.await(30*time.Second, "1", "inactive", "systemctl", "is-active", "sbd")
	}
}
