package lab_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestRealAgents runs agents of the distribution: they start, are monitored, move with a
// node's standby, are promoted, and stop.
func TestRealAgents(t *testing.T) {
	t.Parallel()
	for _, a := range []string{"heartbeat/Filesystem", "heartbeat/Dummy", "pacemaker/Stateful", "pacemaker/ping", "pacemaker/ClusterMon", "heartbeat/IPaddr2"} {
		if _, err := os.Stat("/usr/lib/ocf/resource.d/" + a); err != nil {
			t.Skipf("agent %s is not installed", a)
		}
	}
	b := cluster(t, 3, false)
	for _, h := range []string{"1", "2", "3"} {
		b.do(h, "sh", "-c", "echo 0.11.12 > /etc/hacluster/dialect; dd if=/dev/zero of=/root/fs.img bs=1M count=8 status=none && mkfs.ext4 -q /root/fs.img; mkdir -p /srv/data; command -v modprobe >/dev/null || ln -s /bin/true /usr/sbin/modprobe")
	}
	create := func(args ...string) {
		t.Helper()
		b.do("1", append([]string{"pcs", "resource", "create"}, args...)...)
	}
	create("Files", "ocf:heartbeat:Filesystem", "device=/root/fs.img", "directory=/srv/data", "fstype=ext4", "options=loop", "op", "monitor", "interval=2s")
	create("Nothing", "ocf:heartbeat:Dummy", "op", "monitor", "interval=2s")
	create("Page", "ocf:pacemaker:ClusterMon", "htmlfile=/srv/page.html", "update=1")
	b.do("1", "pcs", "resource", "group", "add", "All", "VirtualIP", "Files", "Nothing", "Page")
	create("State", "ocf:pacemaker:Stateful", "op", "monitor", "interval=2s", "role=Promoted", "monitor", "interval=3s", "role=Unpromoted", "promotable", "notify=true")
	create("Pings", "ocf:pacemaker:ping", "host_list=211.183.3.104 211.183.3.105", "multiplier=100", "dampen=1s", "op", "monitor", "interval=1s", "clone")
	one := func(resource string) string {
		t.Helper()
		out := ""
		for begin := time.Now(); time.Since(begin) < 60*time.Second; time.Sleep(100 * time.Millisecond) {
			_, out = b.try("1", "crm_resource", "--locate", "--resource", resource)
			if m := regexp.MustCompile(`^resource ` + resource + ` is running on: node(\d)( Promoted)?\s*$`).FindStringSubmatch(out); m != nil {
				return m[1]
			}
		}
		_, page := b.try("1", "crm_mon", "-1rf")
		t.Fatalf("%s is not on one node: %s\n%s", resource, out, page)
		return ""
	}
	promoted := func() string {
		t.Helper()
		for begin := time.Now(); time.Since(begin) < 60*time.Second; time.Sleep(100 * time.Millisecond) {
			_, page := b.try("1", "crm_mon", "-1")
			if m := regexp.MustCompile(`\* Promoted: \[ node(\d) \]`).FindStringSubmatch(page); m != nil {
				return m[1]
			}
		}
		_, page := b.try("1", "crm_mon", "-1rf")
		t.Fatalf("nothing is promoted:\n%s", page)
		return ""
	}
	check := func() string {
		t.Helper()
		b.do("1", "crm_resource", "--wait", "--timeout", "60s")
		at := one("Page")
		for _, r := range []string{"VirtualIP", "Files", "Nothing"} {
			if h := one(r); h != at {
				t.Errorf("%s is on node%s, the rest of its group on node%s", r, h, at)
			}
		}
		if out := b.do(at, "mount"); !strings.Contains(out, " on /srv/data type ext4") {
			t.Errorf("the file system is not mounted on node%s:\n%s", at, out)
		}
		if got := b.holders("1", "2", "3"); len(got) != 1 || got[0] != at {
			t.Errorf("the address is on %v, not on %s", got, at)
		}
		b.await(30*time.Second, at, "html", "cat", "/srv/page.html")
		return at
	}
	at, master := check(), promoted()
	b.await(30*time.Second, "1", "value=200", "crm_attribute", "-N", "node"+master, "-n", "pingd", "-G", "-l", "reboot")
	b.await(30*time.Second, "1", "value=10", "crm_attribute", "-N", "node"+master, "-n", "master-State", "-G", "-l", "reboot")
	b.do(at, "sh", "-c", "echo mine > /srv/data/file")

	for _, h := range []string{at, master} {
		b.do("1", "pcs", "node", "standby", "node"+h)
	}
	moved := func(was, now string, what string) {
		t.Helper()
		if was == now {
			t.Errorf("%s is on node%s still", what, was)
		}
	}
	moved(at, check(), "the group")
	moved(master, promoted(), "the promoted instance")
	if out := b.do(at, "mount"); strings.Contains(out, "/srv/data") {
		t.Errorf("the file system is mounted where it was:\n%s", out)
	}
	for _, h := range []string{at, master} {
		b.do("1", "pcs", "node", "unstandby", "node"+h)
	}
	// An instance that fails is recovered.
	at, master = check(), promoted()
	b.do(at, "umount", "/srv/data")
	b.await(30*time.Second, "1", "Files", "sh", "-c", "crm_mon -1f | grep fail-count")
	check()
	b.do(master, "sh", "-c", "rm -f /run/Stateful-State.state /var/run/Stateful-State.state")
	b.await(30*time.Second, "1", "State", "sh", "-c", "crm_mon -1f | grep fail-count")
	promoted()
	for _, r := range []string{"All", "State-clone", "Pings-clone"} {
		b.do("1", "pcs", "resource", "disable", r)
	}
	b.await(60*time.Second, "1", "No active resources", "crm_mon", "-1")
	for _, h := range []string{"1", "2", "3"} {
		if out := b.do(h, "mount"); strings.Contains(out, "/srv/data") {
			t.Errorf("node%s: stopped, and yet mounted", h)
		}
	}
}
