package lab_test

import (
	"strings"
	"testing"
	"time"
)

// simulate asks crm_simulate about a running cluster of two nodes that has come to rest: there
// is nothing to do, what would happen if the node with the address failed, and what the DC
// planned from is read back.
func (b *bench) simulate(t *testing.T) {
	t.Helper()
	b.await(30*time.Second, "1", "Executing Cluster Transition:\n\n", "crm_simulate", "-L", "-S")
	live := b.do("1", "crm_simulate", "-L")
	host := ""
	for _, n := range []string{"node1", "node2"} {
		if strings.Contains(live, "VirtualIP\t(ocf:heartbeat:IPaddr2):\t Started "+n+"\n") {
			host = n
		}
	}
	if host == "" || !strings.Contains(live, "Online: [ node1 node2 ]") {
		t.Fatalf("crm_simulate -L shows\n%s", live)
	}
	other := map[string]string{"node1": "node2", "node2": "node1"}[host]
	b.do("1", "crm_simulate", "-L", "--save-input", "/tmp/live.xml")
	if saved := b.do("1", "crm_simulate", "-x", "/tmp/live.xml"); saved != live {
		t.Errorf("the CIB that -L saved shows\n%s\ninstead of\n%s", saved, live)
	}
	down := b.do("1", "crm_simulate", "-L", "-S", "-d", host)
	if !strings.Contains(down, "Start      VirtualIP     ( "+other+" )") || !strings.Contains(down, "OFFLINE: [ "+host+" ]") {
		t.Errorf("crm_simulate -L -d %s shows\n%s", host, down)
	}
	if after := b.do("1", "crm_simulate", "-L"); after != live {
		t.Errorf("a simulation changed the cluster:\n%s", after)
	}

	dc := strings.TrimPrefix(strings.TrimSpace(b.do("1", "crmadmin", "-D", "-q")), "node")
	const newest = "ls -t /var/lib/pacemaker/pengine/*.bz2 | head -n 1"
	planned := b.do(dc, "sh", "-c", "crm_simulate -x $("+newest+")")
	if !strings.Contains(planned, "Online: [ node1 node2 ]") || !strings.Contains(planned, "VirtualIP\t(ocf:heartbeat:IPaddr2):") {
		t.Errorf("what the DC planned from shows\n%s", planned)
	}
	if first := b.do(dc, "sh", "-c", "crm_simulate -S -x $(ls -t /var/lib/pacemaker/pengine/*.bz2 | tail -n 1)"); !strings.Contains(first, "Executing Cluster Transition:") {
		t.Errorf("the first plan is not played:\n%s", first)
	}
}
