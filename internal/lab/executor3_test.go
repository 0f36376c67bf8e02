package lab_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPacemaker3Executor has the program by which Pacemaker 3.0 tests its executor order operations of ours: of a node, over the
// local socket, and of a host with pacemaker_remote, over TLS.
func TestPacemaker3Executor(t *testing.T) {
	tree := pacemaker3Tree(t)
	if _, err := os.Stat(filepath.Join(tree, "daemons/execd/.libs/cts-exec-helper")); err != nil {
		t.Skip(err)
	}
	t.Parallel()
	b := up(t, "--hosts", "2")
	own := pairConf(1, " transport: knet\n token: 1000\n")
	for h, start := range map[string]string{
		"1": "cat > /etc/corosync/corosync.conf && systemctl start pacemaker",
		"2": "cat > /dev/null; mkdir -p /etc/pacemaker && echo a key of this test > /etc/pacemaker/authkey && chgrp -R haclient /etc/pacemaker && systemctl start pacemaker_remote",
	} {
		b.furnish(h, tree)
		b.feed(h, strings.NewReader(own), "sh", "-c", start)
	}
	b.await(0, "1", "Online: [ node1 ]", "crm_mon", "-1")
	// What nobody planned is left alone.
	b.do("1", "crm_attribute", "-n", "maintenance-mode", "-v", "true")
	event := func(kind, action, rc, status string) string {
		return "NEW_EVENT event_type:" + kind + " rsc_id:R action:" + action + " rc:" + rc + " op_status:" + status
	}
	const dummy = "-c register_rsc -r R -t 9000 -C ocf -P pacemaker -T Dummy"
	for h, how := range map[string]string{"1": "", "2": " -S"} {
		for _, c := range []struct {
			words, event string
			code         int
			want         string
		}{
			{"-c get_rsc_info -r R", "", 1, ""},
			{"-c exec -r R -a start -t 9000", "", 1, "api_rc:-19"},
			{dummy, event("register", "none", "ok", "Done"), 0, "LISTEN EVENT SUCCESSFUL"},
			{"-c get_rsc_info -r R", "", 0, "id:R class:ocf provider:pacemaker type:Dummy"},
			{"-c exec -r R -a start -t 9000", event("exec_complete", "start", "ok", "Done"), 0, ""},
			// What recurs is told of each time, also to others than who ordered it.
			{"-c exec -r R -a monitor -i 1s -t 9000", event("exec_complete", "monitor", "ok", "Done"), 0, ""},
			{"-t 9000", event("exec_complete", "monitor", "ok", "Done"), 0, ""},
			{"-c get_recurring_ops -r R", "", 0, "RECURRING_OP: R_monitor_1000 timeout=9000ms"},
			{"-c cancel -r R -a monitor -i 2s -t 9000", "", 1, "api_rc:-95"},
			{"-c cancel -r R -a monitor -i 1s -t 9000", event("exec_complete", "monitor", "ok", "Cancelled"), 0, ""},
			{"-t 2000", event("exec_complete", "monitor", "ok", "Done"), 124, ""},
			{"-c exec -r R -a start -s 60000 -t 9000 -w", "", 0, ""},
			{"-c cancel -r R -a start -t 9000", event("exec_complete", "start", "ok", "Cancelled"), 0, ""},
			{"-c exec -r R -a monitor -i 1s -t 9000", event("exec_complete", "monitor", "ok", "Done"), 0, ""},
			// One action at a time: what was cancelled by the stop does not run after it.
			{"-c exec -r R -a stop -t 9000", event("exec_complete", "stop", "ok", "Done"), 0, ""},
			{"-c get_recurring_ops -r R", "", 0, ""},
			// The program takes the action's timeout for its own, too, and may give up first: another call hears of the end.
			{"-c exec -r R -a start -k op_sleep -v 60 -t 4000 -w", "", 0, ""},
			{"-t 30000", event("exec_complete", "start", "Error occurred", "Timed out"), 0, ""},
			{"-c register_rsc -r R -t 9000 -C ocf -P pacemaker -T no_such", event("register", "none", "ok", "Done"), 0, ""},
			{"-c exec -r R -a start -t 9000", event("exec_complete", "start", "not installed", "Not installed"), 0, ""},
			{"-c unregister_rsc -r R -t 9000", event("unregister", "none", "ok", "Done"), 0, ""},
			{"-c get_rsc_info -r R", "", 1, ""},
		} {
			argv := append([]string{"/root/theirs", pacemaker3 + "/daemons/execd/.libs/cts-exec-helper"}, strings.Fields(c.words+how)...)
			if c.event != "" {
				argv = append(argv, "-l", c.event)
			}
			if code, out := b.try(h, argv...); code != c.code || !strings.Contains(out, c.want) {
				t.Errorf("host %s: %s %s: exit code %d, want %d; want %q\n%s", h, c.words, c.event, code, c.code, c.want, out)
			}
		}
	}
}
