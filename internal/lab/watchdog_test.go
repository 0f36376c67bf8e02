package lab_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestWatchdogFencing: without any fence device, a host that is cut off ends itself
// by its watch, and only then its service is started elsewhere. The watchdog is a
// file; what ends the host is the watch itself.
func TestWatchdogFencing(t *testing.T) {
	b := cluster(t, 3, false)
	all := []string{"1", "2", "3"}
	for _, h := range all {
		b.do(h, "sh", "-c", `mkdir -p /etc/default; touch /run/watchdog
printf 'SBD_PACEMAKER=yes\nSBD_WATCHDOG_DEV=/run/watchdog\nSBD_WATCHDOG_TIMEOUT=3\n' > /etc/default/sbd
systemctl -q enable sbd; systemctl start sbd; systemctl stop pacemaker`)
	}
	for _, h := range all {
		b.do(h, "systemctl", "start", "pacemaker")
	}
	at := b.settled(30*time.Second, all...)
	b.await(30*time.Second, "1", `name="have-watchdog" value="true"`, "cibadmin", "-Q", "-o", "crm_config")
	for _, h := range all {
		b.await(30*time.Second, h, "the watch has begun", "cat", "/var/log/pacemaker/pacemaker.log")
	}
	b.do("1", "crm_attribute", "-t", "crm_config", "-n", "stonith-watchdog-timeout", "-v", "8s")
	b.do("1", "crm_attribute", "-t", "crm_config", "-n", "stonith-enabled", "-v", "true")
	b.settled(20*time.Second, all...)
	b.clusterd("lab", "cut", "--name", b.name, at)
	others := slices.DeleteFunc(slices.Clone(all), func(h string) bool { return h == at })
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		taken := b.holders(others...)
		if len(taken) > 0 {
			if old := b.holders(at); len(old) > 0 {
				t.Fatalf("the address is on %v, and still on %s", taken, at)
			}
			break
		}
		if time.Since(begin) > 60*time.Second {
			t.Fatal("the address was not taken over")
		}
	}
	if out := b.clusterd("lab", "status", "--name", b.name); !strings.Contains(out, "off") {
		t.Errorf("the host that was cut off is not off:\n%s", out)
	}
	said := ""
	for _, h := range others {
		said += b.do(h, "cat", "/var/log/pacemaker/pacemaker.log")
	}
	if !strings.Contains(said, "Waiting 8s for node"+at+" to self-fence") {
		t.Error("no log says that the watchdog was waited for")
	}
}
