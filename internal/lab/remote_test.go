package lab_test

import (
	"strings"
	"testing"
	"time"
)

// remote makes a cluster of hosts 1 and 2 that runs a service on host 3, which is no member.
func remote(t *testing.T) *bench {
	t.Helper()
	b := clusterOf(t, 3, 2, true, "    token: 1000\n")
	for _, h := range []string{"1", "2", "3"} {
		b.do(h, "sh", "-c", "echo 0.11.12 > /etc/hacluster/dialect; echo hacluster | passwd --stdin hacluster; systemctl -q enable pcsd; systemctl start pcsd")
	}
	b.do("1", "pcs", "host", "auth", "node1", "node2", "node3", "-u", "hacluster", "-p", "hacluster")
	b.do("1", "pcs", "stonith", "create", "Fence3", "fence_lab", "pcmk_host_list=node3")
	b.do("1", "pcs", "cluster", "node", "add-remote", "node3")
	b.do("1", "pcs", "resource", "create", "D", "ocf:pacemaker:Dummy", "op", "monitor", "interval=1s")
	b.do("1", "pcs", "constraint", "location", "D", "prefers", "node3")
	b.await(30*time.Second, "1", "Started node3", "crm_mon", "-1")
	return b
}

func TestRemoteNode(t *testing.T) {
	t.Parallel()
	b := remote(t)
	fenced := func() int { return strings.Count(b.do("1", "crm_mon", "-1m"), "reboot of node3 by") }
	home := func() string {
		for _, l := range strings.Split(b.do("1", "crm_resource", "--locate", "--resource", "node3"), "\n") {
			if _, at, ok := strings.Cut(l, "is running on: node"); ok {
				return strings.TrimSpace(at)
			}
		}
		return ""
	}
	onRemote := func() {
		t.Helper()
		b.await(60*time.Second, "1", "RemoteOnline: [ node3 ]", "crm_mon", "-1")
		b.await(30*time.Second, "1", "D\t(ocf:pacemaker:Dummy):\t Started node3", "crm_mon", "-1")
	}

	t.Run("programs there ask the cluster", func(t *testing.T) {
		if out := b.do("3", "crm_node", "-n"); strings.TrimSpace(out) != "node3" {
			t.Errorf("its name: %s", out)
		}
		b.do("3", "crm_attribute", "-n", "mood", "-v", "good", "-l", "reboot")
		b.await(30*time.Second, "1", `value=good`, "crm_attribute", "-N", "node3", "-n", "mood", "-G", "-l", "reboot")
		if out := b.do("3", "crm_resource", "--locate", "--resource", "D"); !strings.Contains(out, "node3") {
			t.Errorf("where a resource is, asked there: %s", out)
		}
		if out := b.do("3", "crmadmin", "-P"); !strings.Contains(out, "Status of pacemaker-remoted: 'pacemaker-remoted is running (on a Pacemaker Remote node)'") {
			t.Errorf("what runs there: %s", out)
		}
	})
	t.Run("a service there fails", func(t *testing.T) {
		b.do("3", "sh", "-c", "rm /run/Dummy-D.state /var/run/Dummy-D.state 2>/dev/null; true")
		b.await(30*time.Second, "1", "D_monitor_1000", "sh", "-c", "cibadmin -Q | grep last_failure | grep D_")
		onRemote()
		b.do("1", "pcs", "resource", "cleanup", "D")
	})
	t.Run("its connection moves", func(t *testing.T) {
		b.do("1", "crm_resource", "--wait", "-T", "60s")
		started := func() string {
			return b.do("1", "cibadmin", "-Q", "--xpath", "//node_state[@uname='node3']//lrm_rsc_op[@id='D_last_0']")
		}
		before, to := started(), other(home())
		b.do("1", "crm_resource", "--move", "-r", "node3", "-N", "node"+to)
		b.do("1", "crm_resource", "--wait", "-T", "60s")
		if now := started(); now != before || home() != to {
			t.Errorf("on node%s, to be on node%s; what is known of D was and is\n%s%s", home(), to, before, now)
		}
		b.await(30*time.Second, "1", `value=good`, "crm_attribute", "-N", "node3", "-n", "mood", "-G", "-l", "reboot")
		b.do("3", "sh", "-c", "rm /run/Dummy-D.state /var/run/Dummy-D.state 2>/dev/null; true")
		b.await(30*time.Second, "1", "D_monitor_1000", "sh", "-c", "cibadmin -Q | grep last_failure | grep D_")
		onRemote()
		b.do("1", "crm_resource", "--clear", "-r", "node3")
		b.do("1", "pcs", "resource", "cleanup", "D")
	})
	t.Run("it shuts down in good order", func(t *testing.T) {
		before := fenced()
		b.do("3", "systemctl", "stop", "pacemaker_remote")
		b.await(30*time.Second, "1", "moved", "sh", "-c", "crm_mon -1 | grep -q 'Dummy.*Started node[12]' && echo moved")
		b.await(30*time.Second, "1", "RemoteOFFLINE: [ node3 ]", "crm_mon", "-1")
		b.do("3", "systemctl", "start", "pacemaker_remote")
		b.do("1", "pcs", "resource", "refresh", "node3") // it is connected to again when something has the cluster plan
		onRemote()
		if out := b.do("1", "crm_mon", "-1rf"); strings.Contains(out, "fail-count") {
			t.Errorf("that left failures:\n%s", out)
		}
		if fenced() != before {
			t.Error("it was fenced for that")
		}
	})
	t.Run("its daemon dies", func(t *testing.T) {
		before := fenced()
		b.do("3", "sh", "-c", `kill -9 $(pgrep -f "clusterd pacemaker-remote$")`)
		b.await(30*time.Second, "1", "Lost connection to remote executor", "crm_mon", "-1")
		onRemote()
		if fenced() != before+1 {
			t.Errorf("it was fenced %d times", fenced()-before)
		}
		b.do("1", "pcs", "resource", "cleanup")
	})
	t.Run("the host that is connected to it is lost", func(t *testing.T) {
		onRemote()
		pid := strings.TrimSpace(b.do("3", "sh", "-c", `pgrep -f "clusterd pacemaker-remote$"`))
		at, before := home(), fenced()
		survivor := other(at)
		b.clusterd("lab", "kill", at, "--name", b.name)
		b.await(30*time.Second, survivor, "reboot of node"+at+" by", "crm_mon", "-1m")
		b.await(60*time.Second, survivor, "RemoteOnline: [ node3 ]", "crm_mon", "-1")
		b.await(60*time.Second, survivor, "D\t(ocf:pacemaker:Dummy):\t Started node3", "crm_mon", "-1")
		if got := strings.TrimSpace(b.do("3", "sh", "-c", `pgrep -f "clusterd pacemaker-remote$"`)); got != pid {
			t.Errorf("what serves there was another process before: %s, %s", pid, got)
		}
		_, out := b.try(survivor, "crm_mon", "-1m")
		if n := strings.Count(out, "reboot of node3 by"); n != before {
			t.Errorf("it was fenced %d times for that", n-before)
		}
		b.await(60*time.Second, survivor, "Online: [ node1 node2 ]", "crm_mon", "-1")
	})
	t.Run("it is removed", func(t *testing.T) {
		b.do("1", "pcs", "cluster", "node", "remove-remote", "node3")
		if out := b.do("1", "crm_mon", "-1"); strings.Contains(out, "Remote") {
			t.Errorf("it is still shown:\n%s", out)
		}
		b.await(30*time.Second, "1", "D\t(ocf:pacemaker:Dummy):\t Started node", "crm_mon", "-1")
	})
	t.Run("it comes and goes", func(t *testing.T) {
		// pcs ends the host's daemon before it changes the configuration: that no try to connect to it holds the cluster up for
		// its whole minute is what the limits here say.
		b.do("1", "pcs", "resource", "create", "vm", "ocf:pacemaker:Dummy", "--wait=30")
		for range 2 {
			b.do("1", "pcs", "cluster", "node", "add-guest", "node3", "vm", "--wait=30")
			b.do("1", "pcs", "cluster", "node", "remove-guest", "vm", "--wait=30")
		}
	})
}
