package lab_test

import (
	"strings"
	"testing"
	"time"
)

// TestSharedDisk has two hosts watch a disk that they share, which is a file: they take their slots, answer, and a
// message ends one of them, which comes back only after its slot was cleared. Their watchdogs are files, too.
func TestSharedDisk(t *testing.T) {
	b := up(t, "--hosts", "2")
	disk := "/opt/hacluster/bin/" + "disk-" + b.name // the folder of programs is one for all hosts
	b.do("1", "sh", "-c", "truncate -s 1M "+disk+" && sbd -d "+disk+" -1 2 -2 0 -3 1 -4 4 create")
	t.Cleanup(func() { b.try("1", "rm", "-f", disk) })
	settings := func(host, more string) {
		b.do(host, "sh", "-c", "mkdir -p /etc/default; touch /run/watchdog; printf 'SBD_DEVICE="+disk+"\\nSBD_WATCHDOG_DEV=/run/watchdog\\nSBD_PACEMAKER=no\\n"+more+"' > /etc/default/sbd")
	}
	settings("1", "SBD_DELAY_START=2\\n")
	settings("2", "SBD_STARTMODE=clean\\n")
	begin := time.Now()
	b.do("1", "systemctl", "start", "sbd")
	if took := time.Since(begin); took < 2*time.Second {
		t.Errorf("the watch began after %s, with a delay of 2 s", took)
	}
	b.do("2", "systemctl", "start", "sbd")
	for _, h := range []string{"1", "2"} {
		b.await(20*time.Second, "1", "node"+h+"\tclear\t", "sbd", "-d", disk, "list")
		b.do("1", "sbd", "-d", disk, "ping", "node"+h)
	}
	if got := b.do("2", "sh", "-c", "wc -c < /run/watchdog"); strings.TrimSpace(got) == "0" {
		t.Error("the watchdog was never fed")
	}
	if code, out := b.try("1", "sbd", "-w", "/run/watchdog", "test-watchdog"); code != 1 || !strings.Contains(out, "Failed to initialize watchdog!!!") {
		t.Errorf("a file was taken for a watchdog: %d\n%s", code, out)
	}
	b.do("1", "sbd", "-d", disk, "message", "node2", "reset") // it returns when node2 must be gone
	if out := b.clusterd("lab", "status", "--name", b.name); !strings.Contains(out, "off") {
		t.Fatalf("node2 is not off:\n%s", out)
	}
	b.clusterd("lab", "start", "--name", b.name, "2")
	settings("2", "SBD_STARTMODE=clean\\n")
	if code, out := b.try("2", "systemctl", "start", "sbd"); code == 0 {
		t.Errorf("node2 started, though its slot says that it was fenced:\n%s", out)
	}
	b.await(5*time.Second, "2", "start-up is refused", "cat", "/var/log/pacemaker/pacemaker.log")
	b.do("1", "sbd", "-d", disk, "message", "node2", "clear")
	b.do("2", "systemctl", "start", "sbd")
}
