package lab_test

import (
	"strings"
	"testing"
)

// TestSystemdReplace has a cluster of Debian's corosync, Pacemaker and pcs become one of ours, as docs/upgrading.md says.
func TestSystemdReplace(t *testing.T) {
	t.Parallel()
	needDebianPcs(t)
	s := systemdLab(t, "1", "2")
	both := []string{"1", "2"}
	s.bootAll(both...)
	for _, h := range both {
		if code, out := s.in(h, "sh", "-c", "systemctl cat corosync pacemaker pcsd && which ruby"); code != 0 {
			t.Skipf("not all of Debian's stack is on this machine: %s", out)
		}
		s.feed(h, strings.NewReader("[Service]\nExecStart=/bin/sleep 1000\n"), "sh", "-c", "cat > /etc/systemd/system/sleeper.service")
		s.sh(h, "mkdir -p /var/log/corosync; systemctl daemon-reload; systemctl start pcsd") // a host of the lab has no logs of the machine
	}
	s.says("1", "test -L /usr/sbin/corosync || head -c 2 /usr/sbin/pcs", "#!")
	s.awaitIn("1", "authorized", "sh", "-c", "pcs host auth node1 node2 -u hacluster -p hacluster && echo authorized")
	s.sh("1", `pcs cluster setup test node1 node2 --start --enable --wait; pcs property set stonith-enabled=false
		pcs resource create S systemd:sleeper; pcs resource create D ocf:heartbeat:Dummy op monitor interval=5s; pcs constraint location S prefers node2; pcs constraint location D prefers node1
		pcs node attribute node1 color=red`)
	s.awaitIn("1", "Started node2", "crm_mon", "-1r")
	s.sh("1", "crm_resource --wait")
	before := s.configuration()

	// One node of the two does not work: what was replaced stays out, and the other one serves on.
	s.sh("1", "pcs cluster stop node1 --force")
	s.install("1")
	s.sh("1", "systemctl restart pcsd; systemctl start pacemaker || true")
	s.awaitIn("1", "inactive", "systemctl", "is-active", "pacemaker")
	s.awaitIn("1", "inactive", "systemctl", "is-active", "corosync")
	s.says("1", `systemctl show -P ExecMainStatus -P Result pacemaker; grep -o "Pacemaker's own controller runs on node2" /var/log/pacemaker/pacemaker.log | sort -u`, "success\n100\nPacemaker's own controller runs on node2")
	s.awaitIn("2", "S\t(systemd:sleeper):\t Started node2", "crm_mon", "-1r")
	s.awaitIn("2", "D\t(ocf:heartbeat:Dummy):\t Started node2", "crm_mon", "-1r")

	// The whole of it, while services run on.
	const alive = "systemctl show -P MainPID sleeper; ls /run/resource-agents/Dummy-D.state /run/Dummy-D.state 2>/dev/null"
	s.sh("2", "pcs property set maintenance-mode=true; crm_resource --wait; pcs cluster stop node2 --force")
	was := strings.TrimSpace(s.sh("2", alive+" || true"))
	s.install("2")
	s.sh("2", "systemctl restart pcsd")
	s.sh("1", "pcs cluster start --all --wait; crm_resource --wait")
	s.awaitIn("1", "S\t(systemd:sleeper):\t Started node2 (maintenance)", "crm_mon", "-1r")
	s.awaitIn("1", "D\t(ocf:heartbeat:Dummy):\t Started node2 (maintenance)", "crm_mon", "-1r")
	s.says("2", alive, was)
	s.sh("1", "pcs property set maintenance-mode=; crm_resource --wait")
	for _, h := range both {
		for _, want := range []string{"Online: [ node1 node2 ]", "S\t(systemd:sleeper):\t Started node2", "D\t(ocf:heartbeat:Dummy):\t Started node1"} {
			s.awaitIn(h, want, "crm_mon", "-1r")
		}
		s.says(h, "pcs status pcsd | sort", "node1: Online\n  node2: Online")
		s.says(h, "systemctl is-enabled corosync pacemaker; systemctl is-active corosync pacemaker pcsd", "enabled\nenabled\nactive\nactive\nactive")
	}
	if now := strings.Fields(s.sh("2", alive+" || true"))[0]; now == "0" || now != strings.Fields(was)[0] {
		t.Errorf("the service is process %s, was %s", now, was)
	}
	if now := s.configuration(); now != before {
		t.Errorf("the configuration is not what it was:\n%s", apart(before, now))
	}
	s.says("1", "readlink /usr/sbin/corosync; pcs cluster config show | head -n 1", "clusterd\nCluster Name: test")
}

// configuration is what an administrator put into the CIB.
func (s *systemdBench) configuration() string {
	s.t.Helper()
	return alike(s.sh("1", "for part in nodes resources constraints; do cibadmin -Q -o $part; done"))
}
