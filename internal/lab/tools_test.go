package lab_test

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestTools runs the small programs against a cluster of two hosts, and agents that run them.
func TestTools(t *testing.T) {
	t.Parallel()
	b := cluster(t, 2, false)
	b.simulate(t)
	for _, c := range []struct {
		argv string
		code int
		want string
	}{
		{"crm_node -l", 0, "1 node1 member\n2 node2 member\n"},
		{"crm_node -p", 0, "node1 node2\n"},
		{"crm_node -n", 0, "node1\n"},
		{"crm_node -i", 0, "1\n"},
		{"crm_node -q", 0, "1\n"},
		{"crm_node -N 2", 0, "node2\n"},
		{"crm_node -N 9", 68, "Node is not known to cluster\n"},
		{"crmadmin -N", 0, "cluster node: node1 (1)\ncluster node: node2 (2)\n"},
		{"crmadmin -S nobody", 68, "error: Command failed: Node not found\n"},
		{"crmadmin -S node2", 0, "Controller on node2 in state S_"},
		{"crmadmin -P", 0, "Status of pacemakerd: 'Pacemaker is running' (last updated "},
		{"attrd_updater -n foo -U bar -W cluster", 0, ""},
		{"attrd_updater -n foo -Q -A", 0, "name=\"foo\" host=\"node1\" value=\"bar\"\n"},
		{"attrd_updater -n foo -Q -N node2", 0, "name=\"foo\" host=\"node2\" value=\"\"\n"},
		{"attrd_updater -n nope -Q", 78, "attrd_updater: Could not query value of nope: attribute does not exist\n"},
		{"attrd_updater -n slow -U 1 -d 1h -W local", 0, ""},
		{"crm_attribute -n slow -l reboot -G", 105, "crm_attribute: Error performing operation: No such device or address\n"},
		{"attrd_updater -n slow -B 2 -d 0 -W local", 0, ""},
		{"attrd_updater -n slow -Y", 70, "Invalid argument (22)\n"},
		{"attrd_updater -n secret -U x -p -W local", 0, ""},
		{"crm_attribute -n secret -l reboot -G", 105, ""},
		{"crm_master -r R -v 10 -l reboot", 0, ""},
		{"crm_standby -v on -N node2", 0, ""},
		{"crm_standby -G -N node2", 0, "scope=nodes name=standby value=on\n"},
		{"crm_standby -D -N node2", 0, "Deleted nodes attribute: id=nodes-2-standby name=standby\n"},
		{"crm_failcount -G -r R", 0, "scope=status  name=fail-count-R value=0\n"},
		{"crm_ticket -t T -g --force", 0, ""},
		{"crm_ticket -t T -G granted", 0, "true\n"},
		{"cibadmin -Q -N node2 -A //node[@uname='node1']", 0, `<node id="1" uname="node1"`},
		{"cibadmin -Q -N NODE2 -A //nosuch", 105, "No such device or address"},
		{"cibadmin -Q -N nosuch", 71, "node nosuch is not there: there are node1, node2\n"},
		{"cibadmin -M -N nosuch -X <cib/>", 71, "node nosuch is not there"},
		{"cibadmin -B -N node2", 0, ""},
		{"corosync-blackbox", 0, ": [MAIN] state asked for (ring="},
		{"corosync-blackbox /var/lib/corosync/fdata", 0, ": [TOTEM] A new membership ("},
		{"corosync-blackbox /etc/corosync/corosync.conf", 1, "/etc/corosync/corosync.conf: no blackbox of libqb"},
		{"stonith_admin -L", 0, "0 fence devices found\n"},
		{"stonith_admin -F node9", 105, "stonith_admin: Couldn't fence node9: No such device\n"},
		{"stonith_admin -H node9", 0, "0 events found\n"},
		{"stonith_admin -h node2", 0, "Node node2 has never been fenced\n"},
	} {
		code, out := b.try("1", strings.Fields(c.argv)...)
		if code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%s: exit code %d, %q, want %d, %q", c.argv, code, out, c.code, c.want)
		}
	}
	// What the attribute manager wrote is in the CIB of every node.
	b.await(30*time.Second, "2", "scope=status name=slow value=2\n", "crm_attribute", "-N", "node1", "-n", "slow", "-l", "reboot", "-G")
	b.await(30*time.Second, "2", "scope=status name=master-R value=10\n", "crm_attribute", "-N", "node1", "-p", "R", "-G")

	if _, err := os.Stat("/usr/lib/ocf/resource.d/pacemaker/Stateful"); err != nil {
		t.Skip("the agents of Pacemaker are not installed on this machine")
	}
	b.do("1", "pcs", "resource", "create", "D", "ocf:pacemaker:Dummy")
	b.await(30*time.Second, "1", "D\t(ocf::pacemaker:Dummy):\tStarted", "crm_mon", "-1")
	b.installed(t)
	b.do("1", "pcs", "resource", "create", "A", "ocf:pacemaker:attribute", "name=running", "active_value=yes")
	b.await(30*time.Second, "1", `value="yes"`, "attrd_updater", "-n", "running", "-Q", "-A")
	b.do("1", "pcs", "resource", "create", "S", "ocf:pacemaker:Stateful", "--master")
	b.await(30*time.Second, "1", "Masters: [ node", "crm_mon", "-1")
	b.await(30*time.Second, "1", "master-S", "crm_mon", "-1A")
}

// TestFenceByHand: a node that a person has fenced is not fenced a second time, whether
// it coordinated the cluster or not.
func TestFenceByHand(t *testing.T) {
	t.Parallel()
	b := cluster(t, 2, true)
	_, dc := b.try("1", "crmadmin", "-D", "-q")
	other := "node2"
	if strings.TrimSpace(dc) == "node2" {
		other = "node1"
	}
	host := func(node string) string { return strings.TrimPrefix(strings.TrimSpace(node), "node") }
	target, from := strings.TrimSpace(dc), host(other)
	for _, again := range []bool{false, true} { // the second time, the node that asks coordinates
		b.do(from, "stonith_admin", "--reboot", target)
		b.await(30*time.Second, from, "Online: [ node1 node2 ]", "crm_mon", "-1")
		if _, out := b.try(from, "stonith_admin", "--history", "*", "--verbose"); strings.Count(out, " of "+target+" successful") != 1 {
			t.Errorf("%s was fenced by %s:\n%s", target, other, out)
		}
		if again {
			// The CIB does not tell that the history was forgotten; the fencer does.
			b.do(from, "crm_mon", "-d", "--output-as=text", "--output-to=/tmp/mon.txt", "-i", "600", "--include=none,fencing")
			b.await(30*time.Second, from, "reboot of "+target+" by ", "cat", "/tmp/mon.txt")
		}
		b.do(from, "stonith_admin", "--history", target, "--cleanup")
		if again {
			b.await(30*time.Second, from, "0", "sh", "-c", "grep -c reboot /tmp/mon.txt")
		}
	}
	b.do(host(target), "systemctl", "stop", "pacemaker", "corosync")
	b.await(30*time.Second, from, target+" lost", "crm_node", "-l")
	b.do(from, "crm_node", "--remove", target, "--force")
	b.await(30*time.Second, from, host(other)+" "+other+" member\n", "crm_node", "-l")
	if _, out := b.try(from, "crm_node", "-l"); strings.Contains(out, target) {
		t.Errorf("%s is not forgotten: %s", target, out)
	}
}
