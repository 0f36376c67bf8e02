package lab_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// terminal is a real terminal in which a program runs.
type terminal struct {
	t      *testing.T
	socket string
}

// openTerminal runs a command of a host in a terminal of 80 by 24.
func (b *bench) openTerminal(t *testing.T, kind, host string, argv ...string) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("the terminal is tmux: ", err)
	}
	w := &terminal{t, b.name + "-" + kind}
	line := fmt.Sprintf("TERM=%s %s lab exec --name %s %s -- %s", kind, filepath.Join(programs, "clusterd"), b.name, host, strings.Join(argv, " "))
	w.tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", line)
	t.Cleanup(func() { _ = exec.Command("tmux", "-L", w.socket, "kill-server").Run() })
	return w
}

func (w *terminal) tmux(args ...string) string {
	w.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-L", w.socket}, args...)...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func (w *terminal) keys(keys ...string) { w.tmux(append([]string{"send-keys"}, keys...)...) }

// await waits until the screen shows all of want.
func (w *terminal) await(limit time.Duration, want ...string) string {
	w.t.Helper()
	limit = max(limit, patience)
	begin := time.Now()
	for {
		screen := w.tmux("capture-pane", "-p")
		missing := ""
		for _, s := range want {
			if !strings.Contains(screen, s) {
				missing = s
			}
		}
		if missing == "" {
			return screen
		}
		if time.Since(begin) > limit {
			w.t.Fatalf("%q did not come on the screen within %s:\n%s", missing, limit, screen)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// The screen in a real terminal: keys are typed, and what shows is compared.
func TestScreen(t *testing.T) {
	t.Parallel()
	b := cluster(t, 3, false)
	for _, h := range []string{"1", "2", "3"} {
		b.do(h, "rm", "/etc/hacluster/dialect")
	}
	const limit = 15 * time.Second
	w := b.openTerminal(t, "screen", "1", "crm_mon", "-r")
	w.await(limit, "quorum 3/3: 1 more may be lost | DC node", "Online: [ node1 node2 node3 ]", "* VirtualIP", "q quit")
	w.keys("/", "Virtual", "Enter")
	if s := w.await(limit, "filter \"Virtual\"", "VirtualIP"); strings.Contains(s, "Online:") {
		t.Errorf("the filter lets other lines pass:\n%s", s)
	}
	w.keys("Escape")
	w.await(limit, "Online: [ node1 node2 node3 ]")
	w.keys("End", "Up", "Down", "Enter")
	w.await(limit, "Resource VirtualIP (ocf:heartbeat:IPaddr2)", "Placement scores", "<- chosen", "start VirtualIP")
	// Move it, with the plan shown first.
	at := b.holders("1", "2", "3")
	to := "node" + other(at[0])
	w.keys("a")
	w.await(limit, "move VirtualIP to "+to)
	w.keys("1")
	w.await(limit, "The cluster would then", fmt.Sprintf("Move VirtualIP ( node%s -> %s )", at[0], to), "y do it")
	if now := b.holders("1", "2", "3"); fmt.Sprint(now) != fmt.Sprint(at) {
		t.Errorf("it moved before it was confirmed: %v", now)
	}
	w.keys("y")
	w.await(limit, "Done: move VirtualIP to "+to)
	w.await(limit, "On: "+to)
	w.keys("T")
	w.await(limit, "start of VirtualIP on "+to+": ok")
	w.keys("Escape", "Escape")
	// A node dies, and comes back.
	w.await(limit, "Online: [ node1 node2 node3 ]")
	b.clusterd("lab", "kill", "--name", b.name, "3")
	w.await(limit, "OFFLINE: [ node3 ]", "quorum 2/3: none more may be lost", "1 fault")
	w.keys("!")
	w.await(limit, "node node3 is offline")
	b.clusterd("lab", "start", "--name", b.name, "3")
	w.await(30*time.Second, "nothing: all is well")
	w.keys("Escape")
	// The cluster on this host ends: the screen keeps what it knew, says since when, and goes on by itself.
	b.do("1", "systemctl", "stop", "pacemaker")
	w.await(limit, "CONNECTION LOST at ", "VirtualIP")
	b.do("1", "systemctl", "start", "pacemaker")
	if s := w.await(30*time.Second, "Online: [ node1 node2 node3 ]", "quorum 3/3"); strings.Contains(s, "LOST") {
		t.Errorf("connected again:\n%s", s)
	}
	// Another size.
	w.tmux("resize-window", "-x", "120", "-y", "40")
	w.await(limit, "VirtualIP", strings.Repeat("\n", 20)+"q quit")
	w.keys("q")
	// A terminal that can little, and a program that is told not to change anything.
	v := b.openTerminal(t, "vt100", "2", "crm_mon", "-r", "--read-only")
	v.await(limit, "quorum 3/3", "VirtualIP", "read-only")
	v.keys("a")
	v.await(limit, "Read-only: W allows changes")
}

// The screen as a conversation of lines.
func TestScreenInLines(t *testing.T) {
	t.Parallel()
	b := cluster(t, 2, false)
	b.do("1", "rm", "/etc/hacluster/dialect")
	w := b.openTerminal(t, "dumb", "1", "crm_mon")
	w.await(15*time.Second, "quorum 2/2", "nothing: all is well")
	w.keys("resource VirtualIP", "Enter")
	w.await(15*time.Second, "Resource VirtualIP (ocf:heartbeat:IPaddr2)")
	b.do("1", "pcs", "node", "standby", "node2")
	w.await(15*time.Second, "node node2: standby, was online")
	w.keys("quit", "Enter")
}

// In the background: a file is kept up to date, and a program is told what is done.
func TestScreenInBackground(t *testing.T) {
	t.Parallel()
	b := cluster(t, 2, false)
	b.do("1", "sh", "-c", `rm /etc/hacluster/dialect; cat > /root/agent <<'EOF2'
#!/bin/sh
echo "$CRM_notify_recipient: $CRM_notify_task of $CRM_notify_rsc on $CRM_notify_node: $CRM_notify_desc $CRM_notify_rc/$CRM_notify_target_rc" >> /root/told
EOF2
chmod 755 /root/agent`)
	b.do("1", "crm_mon", "-d", "-i", "2", "--output-as=html", "--output-to=/var/www/page.html", "-E", "/root/agent", "-e", "me")
	b.await(15*time.Second, "1", `<meta http-equiv="refresh" content="2">`, "cat", "/var/www/page.html")
	b.do("1", "pcs", "resource", "create", "Told", "ocf:heartbeat:Dummy")
	b.await(15*time.Second, "1", "Told\t(ocf:heartbeat:Dummy):\t Started", "cat", "/var/www/page.html")
	b.await(15*time.Second, "1", "me: start of Told on node", "cat", "/root/told")
	b.do("1", "systemctl", "stop", "pacemaker")
	b.await(15*time.Second, "1", "Connection to the cluster lost", "cat", "/var/www/page.html")
	b.do("1", "pkill", "-f", "^crm_mon -d")
}
