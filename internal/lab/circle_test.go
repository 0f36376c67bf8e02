package lab_test

import (
	"strings"
	"testing"
	"time"
)

// turningAgent keeps its resource away from where it has just started, and lets it go where it was before.
const turningAgent = `#!/bin/sh
me=$(crm_node -n); other=node2; [ $me = node2 ] && other=node1
case $1 in
meta-data)
  cat <<END
<?xml version="1.0"?>
<resource-agent name="turning" version="1.0"><version>1.0</version><longdesc lang="en">Turns</longdesc><shortdesc lang="en">Turns</shortdesc>
<parameters/><actions><action name="start" timeout="60s"/><action name="stop" timeout="60s"/><action name="monitor" timeout="60s" interval="60s"/><action name="meta-data" timeout="5s"/></actions></resource-agent>
END
  ;;
start)
  echo start >> /run/turning.log; touch /run/turning.up; attrd_updater -n here -U yes; attrd_updater -n here -D -N $other ;;
stop)
  rm -f /run/turning.up ;;
monitor)
  [ -e /run/turning.up ] || exit 7 ;;
*) exit 3 ;;
esac
`

// TestCircle: an agent has its resource moved each time that it starts, without end. The moves come to be seconds apart, and the log says why.
func TestCircle(t *testing.T) {
	t.Parallel()
	b := cluster(t, 2, false)
	const agent = "/usr/lib/ocf/resource.d/lab/turning"
	for _, h := range []string{"1", "2"} {
		b.do(h, "sh", "-c", "mkdir -p $(dirname "+agent+"); cat > "+agent+" <<'END OF FILE'\n"+turningAgent+"END OF FILE\nchmod 755 "+agent)
	}
	b.do("1", "cibadmin", "-C", "-o", "resources", "-X", `<primitive id="r" class="ocf" provider="lab" type="turning"/>`)
	b.do("1", "cibadmin", "-C", "-o", "constraints", "-X", `<rsc_location id="l" rsc="r"><rule id="l-r" score="-INFINITY"><expression id="l-e" attribute="here" operation="eq" value="yes"/></rule></rsc_location>`)
	logs := func() string {
		_, one := b.try("1", "grep", "-h", " waits for .*: the cluster turns in a circle with r[.]", "/var/log/pacemaker/pacemaker.log")
		_, two := b.try("2", "grep", "-h", " waits for .*: the cluster turns in a circle with r[.]", "/var/log/pacemaker/pacemaker.log")
		return one + two
	}
	for begin := time.Now(); !strings.Contains(logs(), " waits for 8s: "); time.Sleep(100 * time.Millisecond) {
		if time.Since(begin) > max(patience, 60*time.Second) {
			t.Fatalf("no plan waits for 8 s:\n%s\n%s", logs(), b.do("1", "crm_mon", "-1rA"))
		}
	}
	starts := 0
	for _, h := range []string{"1", "2"} {
		_, out := b.try(h, "cat", "/run/turning.log")
		starts += strings.Count(out, "start\n")
	}
	// A plan is begun five times at once, and once after each wait. To each of two nodes there are three: the move and, where that was cut short, a stop
	// and a start.
	if waits := strings.Count(logs(), "\n"); starts > 6*5+waits || waits < 4 {
		t.Errorf("%d starts, %d waits:\n%s", starts, waits, logs())
	}
	// A person who takes the resource away is not made to wait.
	b.do("1", "crm_resource", "-r", "r", "-m", "-p", "target-role", "-v", "Stopped")
	b.await(3*time.Second, "1", "r\t(ocf::lab:turning):\tStopped (disabled)", "crm_mon", "-1r")
}
