package lab_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

const address = "211.183.3.106"

// cluster makes a cluster of a lab's hosts, without pcs's help, and starts it at every boot.
func cluster(t *testing.T, hosts int, fencing bool) *bench {
	t.Helper()
	return clusterWith(t, hosts, fencing, "    token: 1000\n")
}

// clusterWith is cluster with lines of the section totem.
func clusterWith(t *testing.T, hosts int, fencing bool, totem string) *bench {
	t.Helper()
	return clusterOf(t, hosts, hosts, fencing, totem)
}

// clusterOf is clusterWith in a lab of all hosts, of which the first ones are members.
func clusterOf(t *testing.T, all, hosts int, fencing bool, totem string) *bench {
	t.Helper()
	b := up(t, "--hosts", fmt.Sprint(all))
	b.form(hosts, fencing, totem)
	return b
}

// form makes a cluster of the first hosts of a lab.
func (b *bench) form(hosts int, fencing bool, totem string) {
	b.t.Helper()
	conf := "totem {\n    version: 2\n    cluster_name: test\n    secauth: off\n    transport: udpu\n" + totem + "}\n\nnodelist {\n"
	for i := 1; i <= hosts; i++ {
		conf += fmt.Sprintf("    node {\n        ring0_addr: node%d\n        name: node%d\n        nodeid: %d\n    }\n", i, i, i)
	}
	conf += "}\n\nquorum {\n    provider: corosync_votequorum\n"
	if hosts == 2 {
		conf += "    two_node: 1\n"
	}
	conf += "}\n"
	for i := 1; i <= hosts; i++ {
		h := fmt.Sprint(i)
		b.do(h, "sh", "-c", "echo 0.9.152 > /etc/hacluster/dialect; cat > /etc/corosync/corosync.conf <<'EOF'\n"+conf+"EOF\nsystemctl -q enable corosync pacemaker")
	}
	for i := 1; i <= hosts; i++ {
		b.do(fmt.Sprint(i), "systemctl", "start", "pacemaker")
	}
	online := "Online: [ node1 node2 ]"
	if hosts == 3 {
		online = "Online: [ node1 node2 node3 ]"
	}
	b.await(30*time.Second, "1", online, "crm_mon", "-1r")
	if fencing {
		for i := 1; i <= hosts; i++ {
			// A delay on one of them decides who wins when both want to fence.
			b.do("1", "pcs", "stonith", "create", fmt.Sprintf("Fence%d", i), "fence_lab", fmt.Sprintf("pcmk_host_list=node%d", i), fmt.Sprintf("delay=%d", 2-i%2))
		}
	} else {
		b.do("1", "pcs", "property", "set", "stonith-enabled=false")
	}
	b.do("1", "pcs", "resource", "create", "VirtualIP", "ocf:heartbeat:IPaddr2", "ip="+address, "cidr_netmask=24", "op", "monitor", "interval=10s")
	b.await(30*time.Second, "1", "VirtualIP\t(ocf::heartbeat:IPaddr2):\tStarted", "crm_mon", "-1r")
}

// holders are the hosts that have the address.
func (b *bench) holders(hosts ...string) []string {
	var out []string
	for _, h := range hosts {
		if _, o := b.try(h, "ip", "-br", "addr", "show", "eth0"); strings.Contains(o, address+"/") {
			out = append(out, h)
		}
	}
	return out
}

// settled waits until exactly one host has the address and all show the same cluster.
func (b *bench) settled(limit time.Duration, hosts ...string) string {
	b.t.Helper()
	limit = max(limit, patience)
	begin := time.Now()
	for {
		at := b.holders(hosts...)
		pages := map[string]bool{}
		whole := true
		for _, h := range hosts {
			_, o := b.try(h, "crm_mon", "-1rQ")
			pages[o] = true
			whole = whole && strings.Contains(o, "VirtualIP\t(ocf::heartbeat:IPaddr2):\tStarted") && !strings.Contains(o, "OFFLINE") && !strings.Contains(o, "pending") && !strings.Contains(o, "UNCLEAN")
		}
		if len(at) == 1 && len(pages) == 1 && whole {
			return at[0]
		}
		if time.Since(begin) > limit {
			b.t.Fatalf("after %s: the address is on %v, pages: %v", limit, at, pages)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func other(host string) string {
	if host == "1" {
		return "2"
	}
	return "1"
}

// fenced counts in a host's log how often a node was fenced with success.
func (b *bench) fenced(host, node string) int {
	b.t.Helper()
	out := b.do(host, "crm_mon", "-1m")
	return strings.Count(out, "reboot of node"+node+" successful")
}

func TestLostHostIsFencedOnce(t *testing.T) {
	t.Parallel()
	for name, totem := range map[string]string{"token": "    token: 1000\n", "defaults": "", "slow": "    fast_detection: no\n"} {
		t.Run(name, func(t *testing.T) { lostHost(t, clusterWith(t, 2, true, totem)) })
	}
}

// favour has the host without the address win where each of two hosts wants to have the other fenced, and gives the one that has the address by then.
func (b *bench) favour(at string) string {
	b.t.Helper()
	for {
		for host, delay := range map[string]int{at: 1, other(at): 2} {
			b.do("1", "pcs", "stonith", "update", "Fence"+host, fmt.Sprintf("delay=%d", delay))
		}
		b.do("1", "crm_resource", "--wait", "-T", "20s")
		now := b.settled(20*time.Second, "1", "2")
		if now == at {
			return at
		}
		at = now
	}
}

func lostHost(t *testing.T, b *bench) {
	for _, how := range []string{"kill", "cut", "pause"} {
		at := b.settled(20*time.Second, "1", "2")
		if how == "cut" {
			at = b.favour(at)
		}
		survivor := other(at)
		before := b.fenced(survivor, at)
		begin := time.Now()
		switch how {
		case "kill":
			b.try(at, "pkill", "-9", "clusterd")
		case "cut":
			b.clusterd("lab", "cut", "--name", b.name, at)
		case "pause":
			b.clusterd("lab", "pause", "--name", b.name, at)
		}
		for b.fenced(survivor, at) == before {
			if time.Since(begin) > 30*time.Second {
				t.Fatalf("%s: node%s was not fenced", how, at)
			}
			time.Sleep(50 * time.Millisecond)
		}
		for len(b.holders("1", "2")) != 1 {
			if time.Since(begin) > 30*time.Second {
				t.Fatalf("%s: after 30 s the address is on %v", how, b.holders("1", "2"))
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Logf("%s: the address is up again after %s", how, time.Since(begin).Round(10*time.Millisecond))
		if how == "cut" {
			b.clusterd("lab", "heal", "--name", b.name, at)
		}
		b.settled(30*time.Second, "1", "2")
		if got := b.fenced(survivor, at) - before; got != 1 {
			t.Errorf("%s: node%s was fenced %d times", how, at, got)
		}
		if got := b.fenced(survivor, survivor); how == "kill" && got != 0 {
			t.Errorf("%s: the survivor was fenced, too", how)
		}
	}
}

func TestMinorityGivesTheAddressUp(t *testing.T) {
	t.Parallel()
	b := cluster(t, 3, false)
	all := []string{"1", "2", "3"}
	at := b.settled(20*time.Second, all...)
	b.clusterd("lab", "cut", "--name", b.name, at)
	begin := time.Now()
	for {
		h := b.holders(all...)
		if len(h) == 1 && h[0] != at {
			break
		}
		if time.Since(begin) > 15*time.Second {
			t.Fatalf("the address is on %v, it was on %s", h, at)
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.clusterd("lab", "heal", "--name", b.name, at)
	b.settled(30*time.Second, all...)
}

func TestSplitWithoutFencingHeals(t *testing.T) {
	t.Parallel()
	b := cluster(t, 2, false)
	at := b.settled(20*time.Second, "1", "2")
	b.clusterd("lab", "cut", "--name", b.name, at)
	b.await(15*time.Second, other(at), address+"/", "ip", "-br", "addr", "show", "eth0")
	b.clusterd("lab", "heal", "--name", b.name, at)
	b.settled(30*time.Second, "1", "2")
	if out := b.do("1", "cat", "/var/log/pacemaker/pacemaker.log"); !strings.Contains(out, "is DC too") && !strings.Contains(b.do("2", "cat", "/var/log/pacemaker/pacemaker.log"), "is DC too") {
		t.Error("no log says that two parts met")
	}
}

func TestDaemonsDieServicesLive(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/usr/sbin/apache2"); err != nil {
		t.Skip("no apache2 on this machine to run as a service")
	}
	b := cluster(t, 2, false)
	for _, h := range []string{"1", "2"} {
		b.do(h, "sh", "-c", `printf '<Location /server-status>\nSetHandler server-status\nRequire local\n</Location>\n' > /etc/httpd/conf.d/status.conf`)
	}
	b.do("1", "pcs", "resource", "create", "Web", "ocf:heartbeat:apache", "configfile=/etc/httpd/conf/httpd.conf", "statusurl=http://localhost/server-status", "op", "monitor", "interval=10s")
	b.await(30*time.Second, "1", "Web\t(ocf::heartbeat:apache):\tStarted", "crm_mon", "-1r")
	at := "1"
	if strings.Contains(b.do("1", "crm_mon", "-1r"), "Web\t(ocf::heartbeat:apache):\tStarted node2") {
		at = "2"
	}
	pid := b.do(at, "cat", "/run/httpd/httpd.pid")
	b.do(at, "systemctl", "start", "pcsd")
	for _, c := range []struct {
		how    []string
		daemon string // which is another one afterwards
		stays  string // and which is not
	}{
		{[]string{"pkill", "-9", "clusterd"}, "clusterd pacemaker", ""},
		{[]string{"pkill", "-9", "-f", "clusterd pacemaker"}, "clusterd pacemaker", "clusterd (corosync|pcsd)"},
		{[]string{"pkill", "-9", "-f", "clusterd corosync"}, "clusterd pacemaker", "clusterd pcsd"},
		{[]string{"pkill", "-9", "-f", "clusterd pcsd"}, "clusterd pcsd", "clusterd (corosync|pacemaker)"},
	} {
		how := c.how
		old := b.do(at, "pgrep", "-o", "-f", c.daemon)
		stay := ""
		if c.stays != "" {
			stay = b.do(at, "pgrep", "-f", c.stays)
		}
		b.try(at, how...)
		begin := time.Now()
		for { // the daemon is another one, and the cluster knows of its service again
			code, now := b.try(at, "pgrep", "-o", "-f", c.daemon)
			_, page := b.try(at, "crm_mon", "-1r")
			if code == 0 && now != old && strings.Contains(page, "Web\t(ocf::heartbeat:apache):\tStarted node"+at) {
				break
			}
			if time.Since(begin) > 30*time.Second {
				t.Fatalf("%v: the daemon did not come back:\n%s", how, page)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if now := b.do(at, "cat", "/run/httpd/httpd.pid"); now != pid {
			t.Errorf("%v: the web server's process id was %s, is %s", how, pid, now)
		}
		if c.stays != "" {
			if now := b.do(at, "pgrep", "-f", c.stays); now != stay {
				t.Errorf("%v: the other roles were processes %s, are %s", how, strings.Fields(stay), strings.Fields(now))
			}
		}
		b.settled(30*time.Second, "1", "2")
	}
}

func TestBrokenCIBFallsBack(t *testing.T) {
	t.Parallel()
	b := cluster(t, 2, false)
	b.do("1", "pcs", "property", "set", "no-quorum-policy=ignore")
	for _, h := range []string{"1", "2"} {
		b.do(h, "systemctl", "stop", "corosync")
	}
	b.do("1", "sh", "-c", "truncate -s 300 /var/lib/pacemaker/cib/cib.xml; rm -f /var/lib/pacemaker/cib/cib.xml.sig")
	b.do("1", "systemctl", "start", "pacemaker")
	b.await(30*time.Second, "1", "not as it was written", "cat", "/var/log/pacemaker/pacemaker.log")
	b.await(30*time.Second, "1", "VirtualIP", "crm_mon", "-1r")
	b.do("2", "systemctl", "start", "pacemaker")
	b.settled(30*time.Second, "1", "2")
}

func TestBrokenCorosyncConfIsRefused(t *testing.T) {
	t.Parallel()
	b := up(t, "--hosts", "1")
	b.do("1", "sh", "-c", "printf 'totem {\n  version: 2\n  transport udpu\n}\n' > /etc/corosync/corosync.conf")
	code, out := b.try("1", "systemctl", "start", "corosync")
	if code == 0 || !strings.Contains(out, "corosync.service failed") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if log := b.do("1", "cat", "/var/log/cluster/corosync.log"); !strings.Contains(log, "corosync.conf:3") {
		t.Errorf("the log does not say where: %s", log)
	}
}
