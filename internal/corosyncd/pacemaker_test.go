package corosyncd

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	t.Parallel()
	h := hosts(t, 2, func(nodes string) string {
		return strings.Replace(confWith("transport: knet")(nodes), "provider: corosync_votequorum\n", "provider: corosync_votequorum\ntwo_node: 1\nwait_for_all: 0\n", 1)
	})
	for _, o := range h {
		o.must("sh", "-ec", `for d in /var/lib/pacemaker /var/log; do mount -t tmpfs none $d; done
mkdir -p /var/log/pacemaker /run/resource-agents /run/crm
for d in cib pengine cores blackbox; do mkdir /var/lib/pacemaker/$d; done
chown -R hacluster:haclient /var/lib/pacemaker /var/log/pacemaker /run/crm`)
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
	watched(t, h)
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

// watched has our crm_mon read Pacemaker's daemons over their local protocol: it prints what
// theirs does, and its screen follows what happens, on the node that changes it and on the other.
func watched(t *testing.T, h []*host) {
	t.Helper()
	ours := filepath.Join(t.TempDir(), "crm_mon")
	build := exec.Command("go", "build", "-o", ours, "hacluster/cmd/crm_mon")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// The words of the summary differ between versions; what is below does not.
	body := func(page string) string {
		_, rest, _ := strings.Cut(page, "Node List:")
		return strings.TrimSpace(rest)
	}
	for _, o := range h {
		for _, options := range [][]string{{"-1"}, {"-1", "-r", "-n"}, {"-1", "-A", "-f"}} {
			want, err := o.output("crm_mon", options...)
			if err != nil {
				t.Fatal(err)
			}
			page := o.await(10*time.Second, func(out string) bool { return body(out) == body(want) }, ours, options...)
			for _, w := range []string{"Stack: corosync (Pacemaker is running)", "Current DC: n", "partition with quorum", "2 nodes configured", "1 resource instance configured"} {
				if !strings.Contains(page, w) {
					t.Errorf("node %d: crm_mon %v says nothing of %q:\n%s", o.number, options, w, page)
				}
			}
		}
		out, err := o.output(ours, "--output-as=xml")
		if err != nil || !strings.Contains(out, `<current_dc present="true"`) || !strings.Contains(out, `<resource id="d" resource_agent="ocf:heartbeat:Dummy" role="Started"`) {
			t.Errorf("node %d: as XML: %v\n%s", o.number, err, out)
		}
	}
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Log("the screen was left out: ", err)
		return
	}
	for _, o := range h {
		tmux := func(args ...string) (string, error) {
			return o.output("tmux", append([]string{"-L", fmt.Sprintf("watched-%d-%d", os.Getpid(), o.number), "-f", "/dev/null"}, args...)...)
		}
		if out, err := tmux("new-session", "-d", "-x", "100", "-y", "30", ours, "-i", "600"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Cleanup(func() { _, _ = tmux("kill-server") })
		sees := func(words ...string) {
			t.Helper()
			var out string
			for end := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
				out, _ = tmux("capture-pane", "-p")
				missing := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return strings.Contains(out, w) })
				if len(missing) == 0 {
					return
				}
				if time.Now().After(end) {
					t.Fatalf("node %d: the screen does not show %q:\n%s", o.number, missing, out)
				}
			}
		}
		sees("quorum 2/2", "Online: [ n1 n2 ]", "Started n1")
		h[1].must("crm_attribute", "-n", "maintenance-mode", "-v", "true")
		sees("MAINTENANCE", "Started n1 (maintenance)")
		h[1].must("crm_attribute", "-n", "maintenance-mode", "-D")
		sees("idle", "Started n1")
		if _, err := tmux("send-keys", "q"); err != nil {
			t.Fatal(err)
		}
	}
}
