package lab_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestSystemdServices: what a cluster may have besides, under a real systemd: a quorum device with its server, a notifier, and a remote node
// with a watch.
func TestSystemdServices(t *testing.T) {
	t.Parallel()
	disk := blockDevice(t, "1M")
	s := systemdHosts(t, "1", "2", "3")
	for _, h := range []string{"1", "2", "3"} {
		// Each service has to say that it lives.
		s.sh(h, `for u in corosync pacemaker pcsd sbd_remote pacemaker_remote corosync-qdevice corosync-qnetd corosync-notifyd; do mkdir -p /etc/systemd/system/$u.service.d
			printf '[Service]\nWatchdogSec=8s\n' > /etc/systemd/system/$u.service.d/alive.conf; done; systemctl daemon-reload; systemctl enable --now pcsd`)
	}
	s.sh("1", "pcs host auth node1 node2 node3 -u hacluster -p hacluster; pcs cluster setup test node1 node2 --start --enable --wait; pcs property set stonith-enabled=false")
	s.quorumDevice()
	s.notifier()
	s.remoteHost(disk)
	// A log's lines are the daemon's, whatever part of it they come from.
	for unit, names := range map[string]string{"corosync": "corosync", "corosync-notifyd": "notifyd"} {
		s.says("1", "journalctl -b -u "+unit+" _TRANSPORT=syslog -o json | grep -o '\"SYSLOG_IDENTIFIER\":\"[^\"]*\"' | cut -d : -f 2 | sort -u", `"`+names+`"`)
	}
	for _, h := range []string{"1", "2", "3"} {
		s.says(h, "systemctl show -P NRestarts pcsd; journalctl -b --no-pager -o cat | grep 'Watchdog timeout'", "0")
	}
	s.standsStill()
	s.says("1", "journalctl -b -u corosync -u pacemaker -u corosync-notifyd _TRANSPORT=syslog -p 2 --no-pager -o cat", "crit: Lost connection to cluster layer, shutting down")
}

// standsStill has systemd find a daemon that does nothing any more, and start it again under the service that it runs.
func (s *systemdBench) standsStill() {
	s.sh("1", "pcs resource create E ocf:pacemaker:Dummy; pcs constraint location E prefers node1; crm_resource --wait -T 60s")
	s.awaitIn("1", "E\t(ocf:pacemaker:Dummy):\t Started node1", "crm_mon", "-1r")
	was := strings.TrimSpace(s.sh("1", "systemctl show -P MainPID pacemaker; kill -STOP $(systemctl show -P MainPID pacemaker)"))
	s.awaitIn("1", "again", "sh", "-c", "systemctl -q is-active pacemaker && [ $(systemctl show -P MainPID pacemaker) != "+was+" ] && echo again")
	s.awaitIn("1", "Online: [ node1 node2 ]", "crm_mon", "-1r")
	s.awaitIn("1", "E\t(ocf:pacemaker:Dummy):\t Started node1", "crm_mon", "-1r")
	s.says("1", "journalctl -b -u pacemaker --no-pager -o cat | grep -c 'Watchdog timeout'; grep -c 'Result of stop operation for E on node1' /var/log/pacemaker/pacemaker.log", "1\n0")
}

// reborn kills a service's main process, and waits until systemd has another one run.
func (s *systemdBench) reborn(host, unit string) {
	s.t.Helper()
	was := strings.TrimSpace(s.sh(host, "systemctl show -P MainPID "+unit+"; systemctl kill -s KILL --kill-who=main "+unit))
	s.awaitIn(host, "again", "sh", "-c", fmt.Sprintf("systemctl -q is-active %s && [ $(systemctl show -P MainPID %[1]s) != %s ] && echo again", unit, was))
}

// threeVotes waits until a node's ring has the votes of both nodes and of the device.
func (s *systemdBench) threeVotes(host string) {
	s.t.Helper()
	s.awaitIn(host, "votes", "sh", "-c", "corosync-quorumtool | grep -q 'Total votes: *3' && corosync-quorumtool | grep -q '^Flags: *Quorate Qdevice' && echo votes")
}

func (s *systemdBench) quorumDevice() {
	// What cannot start says why where an administrator looks, and is not tried for ever.
	if code, out := s.in("1", "systemctl", "start", "corosync-qdevice"); code == 0 {
		s.t.Errorf("a quorum device runs that corosync.conf does not have: %s", out)
	}
	s.says("1", "systemctl is-active corosync-qdevice; systemctl show -P NRestarts -P ExecMainStatus corosync-qdevice", "failed\n0\n6")
	// Of a process that has ended the journal may not know the unit.
	s.awaitIn("1", "corosync.conf has no quorum device", "journalctl", "-b", "-t", "corosync-qdevice", "-p", "3", "--no-pager", "-o", "cat")
	s.sh("3", "echo COROSYNC_QNETD_OPTIONS=--tls=perhaps > /etc/default/corosync-qnetd; ! systemctl start corosync-qnetd; rm /etc/default/corosync-qnetd")
	s.awaitIn("3", `the daemon ends: --tls: "perhaps" is not on, off or req`, "journalctl", "-b", "-t", "corosync-qnetd", "-p", "3", "--no-pager", "-o", "cat")
	s.sh("3", "systemctl stop corosync-qnetd; systemctl reset-failed")

	s.sh("3", "pcs qdevice setup model net --enable --start; corosync-qnetd-tool -s")
	s.sh("1", "pcs quorum device add model net host=node3 algorithm=ffsplit")
	s.says("3", "systemctl is-enabled corosync-qnetd; systemctl is-active corosync-qnetd; systemctl show -P Type corosync-qnetd", "enabled\nactive\nnotify")
	for _, h := range []string{"1", "2"} {
		s.says(h, "systemctl is-enabled corosync-qdevice; systemctl is-active corosync-qdevice", "enabled\nactive")
		s.threeVotes(h)
	}
	s.reborn("1", "corosync-qdevice")
	s.threeVotes("1")
	s.reborn("3", "corosync-qnetd")
	s.awaitIn("3", "both", "sh", "-c", "[ $(corosync-qnetd-tool -l | grep -c 'Node ID [12]:') = 2 ] && echo both")
	s.threeVotes("1")
	// The device ends with the ring, also when that is killed, and comes with the cluster.
	s.sh("2", "systemctl stop corosync")
	s.says("2", "systemctl is-active pacemaker corosync-qdevice corosync; systemctl show -P Result corosync-qdevice", "inactive\ninactive\ninactive\nsuccess")
	s.sh("1", "pcs cluster start node2 --wait")
	s.says("2", "systemctl is-active pacemaker corosync-qdevice corosync", "active\nactive\nactive")
	s.reborn("1", "corosync")
	for _, unit := range []string{"corosync-qdevice", "pacemaker"} {
		s.awaitIn("1", "active", "systemctl", "is-active", unit)
	}
	s.threeVotes("1")
	s.threeVotes("2")
	s.awaitIn("1", "Online: [ node1 node2 ]", "crm_mon", "-1r")
	s.sh("1", "pcs quorum device remove")
	s.says("2", "systemctl is-enabled corosync-qdevice; systemctl is-active corosync-qdevice", "disabled\ninactive")
	s.sh("3", "pcs qdevice destroy net")
	s.says("3", "systemctl is-enabled corosync-qnetd; systemctl is-active corosync-qnetd", "disabled\ninactive")
}

func (s *systemdBench) notifier() {
	s.sh("1", "echo OPTIONS=-l > /etc/default/corosync-notifyd; systemctl enable --now corosync-notifyd; systemctl is-active corosync-notifyd")
	s.reborn("1", "corosync-notifyd")
	s.sh("1", "pcs cluster stop node2 --force; pcs cluster start node2 --wait")
	for _, what := range []string{"left", "joined"} {
		s.awaitIn("1", "node2[2] ip:211.183.3.105 "+what, "journalctl", "-b", "-u", "corosync-notifyd", "-p", "5", "--no-pager", "-o", "cat")
	}
	s.sh("1", "systemctl stop corosync")
	s.says("1", "systemctl is-active corosync-notifyd; systemctl show -P Result corosync-notifyd", "inactive\nsuccess")
	s.sh("1", "systemctl start corosync-notifyd pacemaker")
	s.awaitIn("1", "Online: [ node1 node2 ]", "crm_mon", "-1r")
}

func (s *systemdBench) remoteHost(disk string) {
	s.sh("3", "sbd -d "+disk+" -1 60 -4 120 create; touch /root/watchdog; printf 'SBD_DEVICE="+disk+"\\nSBD_WATCHDOG_DEV=/root/watchdog\\n' > /etc/default/sbd; systemctl enable sbd_remote")
	s.sh("1", "pcs cluster node add-remote node3; pcs resource create D ocf:pacemaker:Dummy; pcs constraint location D prefers node3; crm_resource --wait -T 60s")
	s.awaitIn("1", "D\t(ocf:pacemaker:Dummy):\t Started node3", "crm_mon", "-1r")
	s.says("3", "systemctl is-active sbd_remote pacemaker_remote pacemaker-remote; systemctl is-enabled pacemaker_remote; systemctl stop sbd_remote 2>&1 | grep -c refused", "active\nactive\nactive\nenabled\n1")
	s.says("1", "sbd -d "+disk+" list | cut -f 2,3", "node3\tclear")

	// It leaves in good order, and the watch with it: stopped, or with its host.
	s.sh("3", "systemctl stop pacemaker_remote")
	s.says("3", "systemctl is-active sbd_remote pacemaker_remote; systemctl show -P Result pacemaker_remote; tail -c 1 /root/watchdog", "inactive\ninactive\nsuccess\nV")
	s.awaitIn("1", "D\t(ocf:pacemaker:Dummy):\t Started node1", "sh", "-c", "crm_mon -1r | sed 's/Started node2/Started node1/'")
	s.sh("3", "systemctl start pacemaker_remote")
	s.sh("1", "pcs resource refresh node3")
	s.awaitIn("1", "D\t(ocf:pacemaker:Dummy):\t Started node3", "crm_mon", "-1r")
	s.sh("3", "systemctl start --no-block --job-mode=replace-irreversibly poweroff.target")
	s.awaitDown("3")
	s.awaitIn("1", "D\t(ocf:pacemaker:Dummy):\t Started node1", "sh", "-c", "crm_mon -1r | sed 's/Started node2/Started node1/'")
	if out := s.sh("1", "crm_mon -1rm"); strings.Contains(out, "UNCLEAN") || strings.Contains(out, "reboot of") {
		s.t.Errorf("the remote node did not leave in good order:\n%s", out)
	}
	s.boot("3")
	s.awaitIn("3", "active", "systemctl", "is-active", "pacemaker_remote")
	s.sh("1", "pcs resource refresh node3")
	s.awaitIn("1", "D\t(ocf:pacemaker:Dummy):\t Started node3", "crm_mon", "-1r")
}
