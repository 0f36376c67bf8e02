package lab_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// unpacked is where packages are that pcs must not find on this machine.
const unpacked = "/usr/local/lib/hacluster-originals"

// equip puts the fence agents of ClusterLabs into hosts, unchanged, and our sbd where those look for one; what needs a package
// that is not at hand is skipped.
func (b *bench) equip(needs string, hosts ...string) {
	b.t.Helper()
	if _, err := os.Stat(unpacked + needs); err != nil {
		b.t.Skipf("a package of Debian's is not at hand (scripts/prepare --tests gets it): %v", err)
	}
	for _, h := range hosts {
		b.do(h, "sh", "-c", "cp -a "+unpacked+"/usr/. /usr/ && ln -sf /opt/hacluster/bin/sbd /usr/sbin/sbd")
	}
}

// blockDevice makes a block device over a file for as long as the test lasts; all hosts see it.
func blockDevice(t *testing.T, size string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk")
	out, err := exec.Command("sh", "-c", "truncate -s "+size+" "+file+" && losetup -f --show "+file).CombinedOutput()
	if err != nil {
		t.Skipf("no block device can be made over a file: %v: %s", err, out)
	}
	disk := strings.TrimSpace(string(out))
	held, err := os.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = held.Close() })
	// It goes when nobody has it open any more, whatever ends the test.
	if out, err := exec.Command("losetup", "-d", disk).CombinedOutput(); err != nil {
		t.Errorf("%s stays: %v: %s", disk, err, out)
	}
	return disk
}

// TestFenceSBD has the agent fence_sbd fence hosts: one without a network, then one whose daemons stand still. It writes to the
// disk that all share, and the host's own watch ends it. Then the service is elsewhere, and all know who did it.
func TestFenceSBD(t *testing.T) {
	t.Parallel()
	disk := blockDevice(t, "4M")
	b := clusterWith(t, 3, false, "")
	all := []string{"1", "2", "3"}
	b.equip("/usr/sbin/fence_sbd", all...)
	// No watch ends its host for being late: that would be another fencing than this one.
	b.do("1", "/usr/sbin/sbd", "-d", disk, "-1", "60", "-2", "0", "-3", "1", "-4", "4", "create")
	for _, h := range all {
		b.do(h, "sh", "-c", "mkdir -p /etc/default; touch /run/watchdog; printf 'SBD_DEVICE="+disk+"\\nSBD_WATCHDOG_DEV=/run/watchdog\\n' > /etc/default/sbd; systemctl -q enable sbd; systemctl start sbd")
	}
	clear := func(h string) { b.await(30*time.Second, "1", "node"+h+"\tclear\t", "sbd", "-d", disk, "list") }
	for _, h := range all {
		clear(h)
	}
	b.do("1", "pcs", "stonith", "create", "Disk", "fence_sbd", "devices="+disk)
	b.do("1", "pcs", "property", "set", "stonith-enabled=true")
	b.await(30*time.Second, "1", "Disk\t(stonith:fence_sbd):\tStarted", "crm_mon", "-1r")
	// What it asks for besides: which nodes there are, and whether a disk is one.
	for _, c := range []struct {
		words, want string
		code        int
	}{
		{"-o list", "node2,node2\n", 0},
		{"-o list-status", "node2,node2,on\n", 0},
		{"-o status -n node3", "Status: ON", 0},
		{"-o status -n node9", "Unable to obtain correct plug status", 1},
		{"-o monitor", "", 0},
		{"-o monitor --devices=/dev/nosuch", `"/dev/nosuch" does not exist`, 255},
	} {
		if code, out := b.try("1", append([]string{"/usr/sbin/fence_sbd", "--devices=" + disk}, strings.Fields(c.words)...)...); code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("fence_sbd %s: exit code %d, want %d and %q\n%s", c.words, code, c.code, c.want, out)
		}
	}
	for i, how := range []string{"cut", "stop"} {
		at := b.settled(30*time.Second, all...)
		survivor := other(at)
		if how == "cut" {
			b.clusterd("lab", "cut", "--name", b.name, at)
		} else {
			b.do(at, "pkill", "-STOP", "-f", "clusterd (corosync|pacemaker)$")
		}
		done := "reboot of node" + at + " successful: delegate=node"
		b.await(60*time.Second, survivor, done, "crm_mon", "-1m")
		page := b.do(survivor, "crm_mon", "-1m")
		if strings.Count(page, " successful: ") != i+1 {
			t.Errorf("%s: others were fenced, too:\n%s", how, page)
		}
		_, by, _ := strings.Cut(page, done)
		if list := b.do(survivor, "sbd", "-d", disk, "list"); len(by) == 0 || !strings.Contains(list, "node"+at+"\treset\tnode"+by[:1]+"\n") {
			t.Errorf("%s: node%s was fenced by %.1s, and the disk says:\n%s", how, at, by, list)
		}
		if !strings.Contains(b.clusterd("lab", "status", "--name", b.name), "off") {
			t.Fatalf("%s: node%s counts as fenced, and is not off", how, at)
		}
		rest := slices.DeleteFunc(slices.Clone(all), func(h string) bool { return h == at })
		for begin := time.Now(); len(b.holders(rest...)) != 1; time.Sleep(50 * time.Millisecond) {
			if time.Since(begin) > patience {
				t.Fatalf("%s: the address is on %v", how, b.holders(rest...))
			}
		}
		b.clusterd("lab", "start", "--name", b.name, at)
		if how == "cut" {
			b.clusterd("lab", "heal", "--name", b.name, at)
		}
		clear(at)
	}
	b.settled(30*time.Second, all...)
}
