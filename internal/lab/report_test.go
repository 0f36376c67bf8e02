package lab_test

import (
	"strings"
	"testing"
	"time"
)

// TestReportAndEvents: crm_report on one host has what all hosts tell, without secrets; those that pcsd does not reach are told of. pcs makes
// the same report. corosync-notifyd tells what becomes of the ring.
func TestReportAndEvents(t *testing.T) {
	t.Parallel()
	b := up(t, "--hosts", "2")
	for _, h := range []string{"1", "2"} {
		b.do(h, "sh", "-c", "echo hacluster:hacluster | chpasswd; systemctl start pcsd")
	}
	b.do("1", "pcs", "host", "auth", "node1", "node2", "-u", "hacluster", "-p", "hacluster")
	b.do("1", "pcs", "cluster", "setup", "test", "node1", "node2", "--start", "--wait=60")
	b.do("1", "pcs", "property", "set", "stonith-enabled=false")
	b.do("1", "pcs", "resource", "create", "R", "ocf:heartbeat:Dummy", "password=t0p-secret", "--force")
	b.await(30*time.Second, "1", "Started", "crm_mon", "-1r")
	b.do("1", "crm_resource", "--wait", "--timeout", "60s")
	today := time.Now().Format("2006-01-02") + " 00:00"
	out := b.do("1", "crm_report", "--from", today, "/root/report")
	for _, want := range []string{"Calculated node list: node1 node2 \n", "Collecting data from node1 node2 (", "Pacemaker config files found in: /var/lib/pacemaker/cib\n", "Collected results are available in /root/report.tar.bz2\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	b.do("1", "sh", "-c", "cd /root; tar xjf report.tar.bz2")
	files := strings.Fields(b.do("1", "sh", "-c", "cd /root/report; find . -not -type d | sort"))
	for _, node := range []string{"node1", "node2"} {
		for _, name := range []string{
			"RUNNING", "analysis.txt", "cib.txt", "cib.xml", "cib.xml.live", "cluster-log.txt", "corosync.conf", "corosync.dump", "corosync.quorum", "crm_mon.txt", "events.txt",
			"members.txt", "pacemaker.log.extract.txt", "report.out", "sysinfo.txt", "sysstats.txt",
		} {
			if !strings.Contains(" "+strings.Join(files, " ")+" ", " ./"+node+"/"+name+" ") {
				t.Errorf("%s/%s is missing in %q", node, name, files)
			}
		}
	}
	for _, name := range []string{"./analysis.txt", "./events.txt", "./report.summary", "./members.txt"} {
		if !strings.Contains(" "+strings.Join(files, " ")+" ", " "+name+" ") {
			t.Errorf("%s is missing in %q", name, files)
		}
	}
	look := "cd /root/report; grep -rl t0p-secret .; find . -name '*.bz2' -exec bzgrep -l t0p-secret {} +; ls -d */pengine */DC; head -2 analysis.txt; cat members.txt; grep -c name=.password */cib.xml.live"
	if out := b.do("1", "sh", "-c", look); strings.Contains(out, "./") || strings.Count(out, "/DC\n") != 1 || !strings.Contains(out, "/pengine\n") ||
		!strings.Contains(out, "Diff members.txt... OK\nDiff cib.xml... OK\nnode1 node2\nnode1/cib.xml.live:1\nnode2/cib.xml.live:1\n") {
		t.Errorf("in the report:\n%s", out)
	}
	b.do("2", "systemctl", "stop", "pcsd")
	out = b.do("1", "pcs", "cluster", "report", "/root/second")
	if !strings.Contains(out, "WARN: Could not collect data from node2: ") || !strings.Contains(out, "Collected results are available in /root/second.tar.bz2\n") {
		t.Errorf("without pcsd on node2:\n%s", out)
	}
	if code, out := b.try("1", "pcs", "cluster", "report", "/root/second"); code != 1 || !strings.Contains(out, "/root/second.tar.bz2 already exists, use --force to overwrite") {
		t.Errorf("once more: %d, %s", code, out)
	}

	// What happens to the ring is told of.
	b.do("1", "sh", "-c", "corosync-notifyd -f -o -n </dev/null >/dev/null 2>/root/events &")
	b.await(30*time.Second, "1", "is now connected to corosync", "sh", "-c", "corosync-cfgtool -n >/dev/null; cat /root/events")
	b.do("2", "systemctl", "stop", "pacemaker", "corosync")
	b.await(30*time.Second, "1", "] left\n", "sed", "s/ip:[0-9.]* //", "/root/events")
	b.do("2", "systemctl", "start", "corosync")
	b.await(30*time.Second, "1", "[2] ip:211.183.3.105 joined\n", "cat", "/root/events")
	b.do("1", "systemctl", "stop", "pacemaker", "corosync")
	b.await(30*time.Second, "1", "[error] corosync has ended\n", "cat", "/root/events")
	if code, out := b.try("1", "corosync-notifyd"); code != 1 || !strings.Contains(out, "no event type enabled, see corosync-notifyd -h, exiting.") {
		t.Errorf("without options: %d, %s", code, out)
	}
}
