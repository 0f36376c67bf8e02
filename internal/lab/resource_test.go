package lab_test

import (
	"strings"
	"testing"
	"time"
)

// TestResourceByHand goes through what crm_resource, and pcs by it, does to a running cluster.
func TestResourceByHand(t *testing.T) {
	t.Parallel()
	b := cluster(t, 2, false)
	node := func() string { return strings.TrimSpace(b.do("1", "crm_resource", "-W", "-Q", "-r", "VirtualIP")) }
	starts := func() string {
		for line := range strings.Lines(b.do("1", "crm_resource", "-O", "-r", "VirtualIP")) {
			if strings.Contains(line, "VirtualIP_start_0") {
				return line
			}
		}
		return ""
	}
	b.do("1", "crm_resource", "--wait", "-T", "20s")
	at := node()

	b.do("2", "crm_resource", "-F", "-r", "VirtualIP", "-N", at)
	b.await(30*time.Second, "1", "VirtualIP_asyncmon_0 on "+at, "crm_mon", "-1")
	if out := b.do("2", "crm_resource", "-C", "-r", "VirtualIP"); !strings.Contains(out, "Cleaned up VirtualIP on "+at+"\n") || !strings.Contains(out, "... got reply (done)") {
		t.Errorf("cleanup: %s", out)
	}
	b.do("1", "crm_resource", "--wait", "-T", "20s")
	if out := b.do("1", "crm_mon", "-1f"); strings.Contains(out, "asyncmon") || strings.Contains(out, "fail-count") {
		t.Errorf("the failure is still there after the cleanup:\n%s", out)
	}

	before := starts()
	if out := b.do("2", "crm_resource", "--restart", "-r", "VirtualIP"); !strings.Contains(out, "Waiting for 1 resources to start again:\n * VirtualIP\n") {
		t.Errorf("restart: %s", out)
	}
	if after := starts(); after == before || after == "" {
		t.Errorf("restart: it was not started anew: %s", after)
	}
	if out := b.do("1", "crm_resource", "-q", "-r", "VirtualIP"); strings.Contains(out, "target-role") {
		t.Errorf("restart leaves a target role:\n%s", out)
	}

	// pcs goes the same way.
	at = node()
	b.do("2", "crm_resource", "-F", "-r", "VirtualIP", "-N", at)
	b.await(30*time.Second, "1", "VirtualIP_asyncmon_0 on "+at, "crm_mon", "-1")
	if out := b.do("2", "pcs", "resource", "cleanup", "VirtualIP"); !strings.Contains(out, "Cleaned up VirtualIP on "+at+"\n") {
		t.Errorf("pcs resource cleanup: %s", out)
	}
	b.do("1", "crm_resource", "--wait", "-T", "20s")
	if out := b.do("1", "crm_mon", "-1f"); strings.Contains(out, "asyncmon") || strings.Contains(out, "fail-count") {
		t.Errorf("the failure is still there after the cleanup by pcs:\n%s", out)
	}
	before = starts()
	if out := b.do("2", "pcs", "resource", "restart", "VirtualIP"); !strings.Contains(out, "VirtualIP successfully restarted") {
		t.Errorf("pcs resource restart: %s", out)
	}
	if after := starts(); after == before || after == "" {
		t.Errorf("pcs resource restart: it was not started anew: %s", after)
	}

	at = node()
	b.do("1", "crm_resource", "-B", "-r", "VirtualIP")
	b.do("1", "crm_resource", "--wait", "-T", "20s")
	if now := node(); now == at || now == "" {
		t.Errorf("banned from %s, it is on %q", at, now)
	}
	b.do("1", "crm_resource", "-U", "-r", "VirtualIP")
	b.do("1", "crm_resource", "-M", "-r", "VirtualIP", "-N", at)
	b.do("1", "crm_resource", "--wait", "-T", "20s")
	if now := node(); now != at {
		t.Errorf("moved to %s, it is on %q", at, now)
	}
	b.do("1", "crm_resource", "-R")
	b.do("1", "crm_resource", "--wait", "-T", "20s")
	if now := node(); now != at {
		t.Errorf("after a refresh it is on %q", now)
	}
}

// TestWaitBeforeElection has a cluster waited for that was just started again, in which no node decides yet.
func TestWaitBeforeElection(t *testing.T) {
	t.Parallel()
	b := up(t, "--hosts", "1")
	b.do("1", "sh", "-c", "cat > /etc/corosync/corosync.conf <<'EOF'\n"+pairConf(2, " token: 1000\n")+`EOF
		systemctl start pacemaker && until crm_attribute -n stonith-enabled -v false; do :; done 2>/dev/null
		cibadmin --create -o resources --xml-text '<primitive id="d" class="ocf" provider="pacemaker" type="Dummy"/>' && crm_resource --wait -T 60s && systemctl restart pacemaker &&
		until cibadmin -Q >/root/cib 2>/dev/null; do :; done
		crm_resource --wait -T 60s`)
	if out := b.do("1", "cat", "/root/cib"); strings.Contains(out, "dc-uuid") {
		t.Errorf("some node decided already:\n%s", out)
	}
	if out := b.do("1", "crm_resource", "--locate", "-r", "d"); !strings.Contains(out, "is running on: node1") {
		t.Errorf("it was waited for: %s", out)
	}
}
