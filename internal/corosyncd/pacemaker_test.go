package corosyncd

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestOriginalPacemaker runs Pacemaker as Debian ships it on our daemon, in a ring with an original
// node: both are online, a resource runs, fails over when our node dies, and the
// node comes back.
func TestOriginalPacemaker(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	for _, p := range []string{"pacemakerd", "crm_mon", "crm_attribute", "crm_resource", "cibadmin"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip(err)
		}
	}
	h := hosts(t, 2, func(nodes string) string {
		return strings.Replace(confWith("transport: knet")(nodes), "provider: corosync_votequorum\n", "provider: corosync_votequorum\ntwo_node: 1\nwait_for_all: 0\n", 1)
	})
	for _, o := range h {
		o.must("sh", "-ec", `for d in /var/lib/pacemaker /var/log /dev/shm; do mount -t tmpfs none $d; done
mkdir -p /var/log/pacemaker /run/resource-agents /run/crm
for d in cib pengine cores blackbox; do mkdir /var/lib/pacemaker/$d; done
chown -R hacluster:haclient /var/lib/pacemaker /var/log/pacemaker /run/crm
chmod 1777 /dev/shm`)
	}
	h[0].start(false)
	h[1].start(true)
	for _, o := range h {
		o.members(15*time.Second, 1, 2)
		o.launch(o.command("pacemakerd"))
		t.Cleanup(func() { // the daemon's children outlive it
			_ = exec.Command("pkill", "-KILL", "--ns", fmt.Sprint(o.holder.Process.Pid), "--nslist", "net", "pacemaker").Run()
		})
	}
	const limit = 60 * time.Second
	says := func(words ...string) func(string) bool {
		return func(out string) bool {
			for _, w := range words {
				if !strings.Contains(out, w) {
					return false
				}
			}
			return true
		}
	}
	for _, o := range h {
		o.await(limit, says("Online: [ n1 n2 ]"), "crm_mon", "-1")
	}
	h[1].must("crm_attribute", "-n", "stonith-enabled", "-v", "false")
	h[1].must("cibadmin", "-o", "resources", "-C", "-X", `<primitive id="d" class="ocf" provider="heartbeat" type="Dummy"><operations><op id="d-m" name="monitor" interval="10s"/></operations></primitive>`)
	h[1].must("cibadmin", "-o", "constraints", "-C", "-X", `<rsc_location id="home" rsc="d" node="n1" score="100"/>`)
	h[1].await(limit, says("Started n1"), "crm_mon", "-1")
	h[0].stop(syscall.SIGKILL)
	h[1].await(limit, says("OFFLINE: [ n1 ]", "Started n2"), "crm_mon", "-1")

	// What is left of Pacemaker on our host ends by itself: its ring is gone.
	h[0].await(limit, func(out string) bool { return !strings.Contains(out, "Online:") }, "crm_mon", "-1")
	h[0].start(false)
	h[0].members(15*time.Second, 1, 2)
	h[0].launch(h[0].command("sh", "-c", "until pacemakerd; do sleep 1; done")) // until the old one has ended
	for _, o := range h {
		o.await(limit, says("Online: [ n1 n2 ]", "Started n1"), "crm_mon", "-1")
	}
}
