package lab_test

import (
	"strings"
	"testing"
	"time"
)

// TestOneOfTwoSurvives: two hosts that lose sight of each other can both fence; though nobody
// configured a delay, one of them stays up.
func TestOneOfTwoSurvives(t *testing.T) {
	b := cluster(t, 2, false)
	for _, h := range []string{"1", "2"} {
		b.do("1", "pcs", "stonith", "create", "Fence"+h, "fence_lab", "pcmk_host_list=node"+h)
	}
	b.do("1", "pcs", "property", "set", "stonith-enabled=true")
	for _, cut := range []string{"1", "2"} {
		b.settled(40*time.Second, "1", "2")
		for _, h := range []string{"1", "2"} {
			b.do(h, "sh", "-c", "echo "+cut+" > /run/boot") // gone after a boot
		}
		b.clusterd("lab", "cut", "--name", b.name, cut)
		time.Sleep(8 * time.Second) // both have had the time to fence
		var rebooted []string
		for _, h := range []string{"1", "2"} {
			if _, out := b.try(h, "cat", "/run/boot"); strings.TrimSpace(out) != cut {
				rebooted = append(rebooted, h)
			}
		}
		if len(rebooted) != 1 || rebooted[0] != "2" {
			t.Errorf("with node%s cut off, rebooted: %v; the one with the higher id is to lose", cut, rebooted)
		}
		b.clusterd("lab", "heal", "--name", b.name, cut)
	}
	b.settled(40*time.Second, "1", "2")
}
