package lab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A watchdog of a host is a file that notes how often it was fed. This program outside of the host's systemd strikes: whoever
// has begun to feed the watchdog has to go on, or to end with a V.
const watchdogOfFile = `cd /root; : > watchdog; : > struck; was=0 since=0
while sleep 0.25; do
	pgrep -x systemd >/dev/null || : > watchdog
	is=$(stat -c %s watchdog); since=$((since+1))
	if [ $is -ne $was ]; then was=$is since=0; fi
	if [ $since -ge 24 ] && [ $is -gt 0 ] && [ "$(tail -c 1 watchdog)" != V ]; then
		: > watchdog; was=0; echo struck >> struck; pkill -9 -x systemd
	fi
done`

// TestSystemdWatch: SBD with a disk and a watchdog under a real systemd, as pcs sets it up.
func TestSystemdWatch(t *testing.T) {
	t.Parallel()
	disk := blockDevice(t, "4M")
	s := systemdHosts(t, "1", "2")
	s.equip("/usr/sbin/fence_sbd", "1", "2")
	for _, h := range []string{"1", "2"} {
		s.do(h, "sh", "-c", "setsid sh -c '"+watchdogOfFile+"' >/dev/null 2>&1 </dev/null & rm -f /usr/sbin/sbd; ln -s tools /usr/sbin/sbd")
		s.sh(h, "systemctl enable --now pcsd")
	}
	s.sh("1", "pcs host auth node1 node2 -u hacluster -p hacluster; pcs cluster setup test node1 node2 --start --enable --wait")
	s.enableWatch(t, disk)
	s.watchDies()
	s.watchStandsStill()
	s.sentByDisk(disk)
	s.watchAtPowerOff(disk)
	s.allPowerOff()
	s.sh("1", "pcs stonith sbd disable --force; pcs cluster stop --all; pcs cluster start --all --wait")
	for _, h := range []string{"1", "2"} {
		s.says(h, "systemctl is-enabled sbd; systemctl is-active sbd pacemaker; ls /etc/systemd/system/pacemaker.service.requires", "disabled\ninactive\nactive\nls: cannot access '/etc/systemd/system/pacemaker.service.requires': No such file or directory")
	}
}

// enableWatch is what the administrator types: the watch comes with the next start of the cluster, before Pacemaker, and only so.
func (s *systemdBench) enableWatch(t *testing.T, disk string) {
	s.sh("1", "pcs stonith sbd device setup device="+disk+" watchdog-timeout=6 msgwait-timeout=12 --force")
	out := s.sh("1", "pcs stonith sbd enable watchdog=/root/watchdog device="+disk+" --no-watchdog-validation 2>&1")
	if !strings.Contains(out, "Warning: Cluster restart is required in order to apply these changes.") {
		t.Errorf("pcs stonith sbd enable: %s", out)
	}
	s.says("1", "systemctl is-enabled sbd; systemctl is-active sbd pacemaker", "enabled\ninactive\nactive")
	s.sh("1", "pcs cluster stop --all; pcs cluster start --all --wait")
	for _, h := range []string{"1", "2"} {
		s.says(h, `systemctl is-active corosync sbd pacemaker; systemctl show -P Type -P Result sbd | xargs
			[ $(systemctl show -P ActiveEnterTimestampMonotonic sbd) -le $(systemctl show -P ExecMainStartTimestampMonotonic pacemaker) ] && echo before`, "active\nactive\nactive\nnotify success\nbefore")
		s.says(h, "systemctl stop sbd 2>&1 | grep -c refused; systemctl restart sbd 2>&1 | grep -c refused; systemctl is-active sbd", "1\n1\nactive")
	}
	if out := s.sh("1", "pcs stonith sbd status"); !strings.Contains(out, "node1: YES | YES | YES") || !strings.Contains(out, "node2: YES | YES | YES") {
		t.Errorf("pcs stonith sbd status: %s", out)
	}
	if out := s.sh("1", "pcs status"); !strings.Contains(out, "sbd: active/enabled") {
		t.Errorf("pcs status: %s", out)
	}
	// It goes and comes with the ring.
	s.sh("2", "systemctl stop corosync")
	s.says("2", "systemctl is-active corosync sbd pacemaker; tail -c 1 /root/watchdog", "inactive\ninactive\ninactive\nV")
	s.sh("2", "systemctl start pacemaker")
	s.says("2", "systemctl is-active corosync sbd pacemaker", "active\nactive\nactive")
	s.sh("1", "pcs stonith create Disk fence_sbd devices="+disk+"; pcs property set stonith-enabled=true; pcs resource create D ocf:pacemaker:Dummy; pcs constraint location D prefers node1")
	s.awaitIn("1", "D\t(ocf:pacemaker:Dummy):\t Started node1", "crm_mon", "-1r")
}

// watchDies has the watch be killed, and crash: it is started again before the watchdog strikes.
func (s *systemdBench) watchDies() {
	for i, signal := range []string{"KILL", "ABRT"} {
		was := strings.TrimSpace(s.sh("1", "systemctl show -P MainPID sbd; systemctl kill -s "+signal+" --kill-who=main sbd"))
		s.awaitIn("1", "again", "sh", "-c", "systemctl -q is-active sbd && systemctl -q is-active pacemaker && [ $(systemctl show -P MainPID sbd) != "+was+" ] && echo again")
		s.says("1", "systemctl show -P NRestarts sbd", fmt.Sprint(i+1))
		s.awaitIn("1", "D\t(ocf:pacemaker:Dummy):\t Started node1", "crm_mon", "-1r")
	}
	s.says("1", "cat /root/struck", "")
	if out := s.sh("2", "crm_mon -1m"); strings.Contains(out, "reboot of node1") {
		s.t.Errorf("node1 was fenced:\n%s", out)
	}
}

// watchStandsStill: the watchdog strikes a host whose watch does not feed it.
func (s *systemdBench) watchStandsStill() {
	s.sh("1", "kill -STOP $(systemctl show -P MainPID sbd)")
	s.awaitDown("1")
	if got := strings.TrimSpace(s.do("1", "cat", "/root/struck")); got != "struck" {
		s.t.Errorf("the host went down, and the watchdog says %q", got)
	}
	s.returns(1)
}

// returns has host 1, which went down, be fenced by then as often, and boots it.
func (s *systemdBench) returns(fenced int) {
	s.t.Helper()
	s.awaitIn("2", "OFFLINE: [ node1 ]", "crm_mon", "-1r")
	s.awaitIn("2", "D\t(ocf:pacemaker:Dummy):\t Started node2", "crm_mon", "-1r")
	if out := s.sh("2", "crm_mon -1m"); strings.Count(out, "reboot of node1 by") != fenced {
		s.t.Errorf("node1 should have been fenced %d times:\n%s", fenced, out)
	}
	s.boot("1")
	s.awaitIn("1", "Online: [ node1 node2 ]", "crm_mon", "-1r")
	s.awaitIn("1", "D\t(ocf:pacemaker:Dummy):\t Started node1", "crm_mon", "-1r")
	s.says("1", "systemctl is-active corosync sbd pacemaker pcsd", "active\nactive\nactive\nactive")
}

// sentByDisk has a host be ended by a message on the disk.
func (s *systemdBench) sentByDisk(disk string) {
	s.sh("2", "pcs stonith fence node1")
	s.awaitDown("1")
	s.says("2", "sbd -d "+disk+" list | grep node1 | cut -f 3,4", "reset\tnode2")
	s.returns(2)
}

// watchAtPowerOff: a host that is turned off leaves its cluster in good order. The watch ends after Pacemaker, and
// nobody has the host fenced.
func (s *systemdBench) watchAtPowerOff(disk string) {
	s.sh("1", `for u in corosync sbd pacemaker; do mkdir -p /etc/systemd/system/$u.service.d
		printf '[Service]\nExecStopPost=/bin/sh -c "echo %s >> /root/order"\n' $u > /etc/systemd/system/$u.service.d/order.conf; done; systemctl daemon-reload
		systemctl start --no-block --job-mode=replace-irreversibly poweroff.target`)
	s.awaitDown("1")
	if order := strings.Fields(s.do("1", "cat", "/root/order")); len(order) != 3 || order[0] != "pacemaker" {
		s.t.Errorf("they ended in the order %s", order)
	}
	s.says("2", "sbd -d "+disk+" list | grep node1 | cut -f 3", "clear")
	s.returns(2)
	s.says("1", "cat /root/struck", "struck")
}

// allPowerOff turns all hosts off at once, and on again: nobody is fenced, and all that ran runs again.
func (s *systemdBench) allPowerOff() {
	const fencing = "cat /root/struck | wc -l; grep -c 'Requesting fencing' /var/log/pacemaker/pacemaker.log || true"
	before := map[string]string{}
	for _, h := range []string{"1", "2"} {
		before[h] = strings.TrimSpace(s.sh(h, fencing))
		s.sh(h, "systemctl start --no-block --job-mode=replace-irreversibly poweroff.target")
	}
	for _, h := range []string{"1", "2"} {
		s.awaitDown(h)
	}
	s.bootAll("1", "2")
	s.awaitIn("1", "Online: [ node1 node2 ]", "crm_mon", "-1r")
	s.awaitIn("1", "D\t(ocf:pacemaker:Dummy):\t Started node1", "crm_mon", "-1r")
	for _, h := range []string{"1", "2"} {
		s.says(h, fencing, before[h])
	}
}

// awaitDown waits until a host's systemd has ended.
func (s *systemdBench) awaitDown(host string) {
	s.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		if code, _ := s.try(host, "test", "-e", "/proc/"+s.leader[host]); code != 0 {
			return
		}
	}
	s.t.Fatalf("host %s does not go down", host)
}
