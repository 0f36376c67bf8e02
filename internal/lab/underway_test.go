package lab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// slowAgent is an agent whose start takes until somebody lets it through, and which writes down what it does.
const slowAgent = `#!/bin/sh
r=/run/slow-$OCF_RESOURCE_INSTANCE
case $1 in
meta-data) cat <<'EOF'
<?xml version="1.0"?>
<resource-agent name="slow" version="1.0"><version>1.1</version><longdesc lang="en">x</longdesc><shortdesc lang="en">x</shortdesc><parameters/>
<actions><action name="start" timeout="300s"/><action name="stop" timeout="20s"/><action name="monitor" timeout="20s" interval="10s"/><action name="meta-data" timeout="5s"/></actions></resource-agent>
EOF
;;
start)
  echo begin >> $r.log; read -r _ < $r.gate; touch $r.up; echo end >> $r.log ;;
stop)
  echo stop >> $r.log; rm -f $r.up ;;
monitor)
  [ -e $r.up ] || exit 7 ;;
*) exit 3 ;;
esac
`

// TestDaemonDiesDuringAStart kills a role while an agent starts a resource, with -pcs-verbs on both hosts: the agent goes on, the daemon
// that comes after waits for it before it looks at the resource, and the resource was started once.
func TestDaemonDiesDuringAStart(t *testing.T) {
	t.Parallel()
	b := cluster(t, 2, false)
	const agent = "/usr/lib/ocf/resource.d/lab/slow"
	for _, h := range []string{"1", "2"} {
		b.do(h, "sh", "-c", "mkdir -p $(dirname "+agent+"); cat > "+agent+" <<'END OF FILE'\n"+slowAgent+"END OF FILE\nchmod 755 "+agent+"; systemctl start pcsd")
	}
	// What runs on a node whose daemon is gone may start elsewhere while there is no fencing: each resource here has one node only.
	b.do("1", "pcs", "property", "set", "symmetric-cluster=false")
	hosts := [][]string{{"1"}, {"2"}} // for each role
	if *pcsVerbs {
		hosts = [][]string{{"1", "2"}, {"1", "2"}}
	}
	for i, role := range []string{"pacemaker", "corosync"} {
		for _, h := range hosts[i] {
			r := fmt.Sprintf("s%d%s", i, h)
			log := func() string { return strings.Join(strings.Fields(b.do(h, "cat", "/run/slow-"+r+".log")), " ") }
			pid := func() string { _, p := b.try(h, "pgrep", "-f", "clusterd pacemaker$"); return strings.TrimSpace(p) }
			b.do(h, "mkfifo", "/run/slow-"+r+".gate")
			b.do("1", "pcs", "resource", "create", r, "ocf:lab:slow", "op", "start", "timeout=300s", "monitor", "interval=10s")
			b.do("1", "pcs", "constraint", "location", r, "prefers", "node"+h)
			b.await(patience, h, "begin", "cat", "/run/slow-"+r+".log")
			old := pid()
			begun := b.do(h, "pgrep", "-f", agent+" start")
			b.do(h, "sh", "-c", `kill -9 $(pgrep -f "clusterd `+role+`$")`)
			for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
				if now := pid(); now != "" && now != old {
					break
				}
				if time.Since(begin) > patience {
					t.Fatalf("%s on node%s: the daemon did not come back", role, h)
				}
			}
			// The cluster has it back, and asks it what runs: of this one it does not know yet.
			b.await(patience, "1", "yes", "sh", "-c", `crm_mon -1 | grep -q 'Online: \[ node1 node2 \]' && cibadmin -Q --xpath "//node_state[@uname='node`+h+`']//lrm_resource[@id='`+r+`']/lrm_rsc_op[@op-status='-1']" | grep -q `+r+`_monitor_0 && echo yes`)
			if now := b.do(h, "pgrep", "-f", agent+" start"); now != begun {
				t.Errorf("%s on node%s: processes %q started the resource, now %q do", role, h, begun, now)
			}
			if got := log(); got != "begin" {
				t.Errorf("%s on node%s: while the agent is held up: %s", role, h, got)
			}
			b.do(h, "sh", "-c", "echo > /run/slow-"+r+".gate")
			b.await(patience, "1", r+"\t(ocf::lab:slow):\tStarted node"+h+"\n", "crm_mon", "-1")
			if got := log(); got != "begin end" {
				t.Errorf("%s on node%s: %s", role, h, got)
			}
		}
	}
	b.do("1", "crm_resource", "--wait", "--timeout=120s")
	if page := b.do("1", "crm_mon", "-1f"); strings.Contains(page, "Failed") || strings.Contains(page, "fail-count") {
		t.Errorf("something failed:\n%s", page)
	}
	for i, of := range hosts {
		for _, h := range of {
			if got := b.do(h, "cat", fmt.Sprintf("/run/slow-s%d%s.log", i, h)); got != "begin\nend\n" {
				t.Errorf("s%d%s: %q", i, h, got)
			}
		}
	}
}
