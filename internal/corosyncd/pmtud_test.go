package corosyncd

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestPathMTU holds that our node and an original one find the same MTU of the way between them: that of their
// interfaces, less where something between takes less, and what a change of either makes of it.
func TestPathMTU(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	for name, c := range map[string]struct {
		totem string
		mtu   map[int]int // of the way: what the original says
	}{
		"clear":  {"transport: knet\nknet_pmtud_interval: 5", map[int]int{1500: 1446, 1400: 1346, 1300: 1246}},
		"aes256": {"transport: knet\nknet_pmtud_interval: 5\ncrypto_cipher: aes256\ncrypto_hash: sha256", map[int]int{1500: 1397, 1400: 1301, 1300: 1205}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := hosts(t, 2, confWith(c.totem))
			for i, o := range h {
				o.start(i == 1)
			}
			for _, o := range h {
				o.members(15*time.Second, 1, 2)
			}
			finds := func(way int) {
				t.Helper()
				for i, o := range h {
					want := fmt.Sprintf("(10.98.0.%d->10.98.0.%d) enabled connected mtu: %d\n", i+1, 2-i, c.mtu[way])
					o.await(60*time.Second, func(out string) bool { return strings.Contains(out, want) }, "corosync-cfgtool", "-n")
				}
			}
			finds(1500)
			between := func(mtu int) {
				for i := range h {
					run(t, "nsenter", "-t", fmt.Sprint(h[0].bridgePid), "-n", "ip", "link", "set", fmt.Sprintf("n%d", i+1), "mtu", fmt.Sprint(mtu))
				}
			}
			between(1400)
			finds(1400)
			between(1500)
			finds(1500)
			h[0].must("ip", "link", "set", "eth0", "mtu", "1300")
			between(1300)
			finds(1300)
		})
	}
}
