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
	t.Parallel()
	for name, c := range map[string]struct {
		totem string
		// What is left for data of the interface's 1500 and 1300, of a cable that takes 1400, and of one that takes
		// 1300 (and 4 more, for VLANs). The original takes two minutes, with a cipher, to believe that a packet
		// is too big: that is not waited for (0).
		whole, out1300, way1400, original1400, original1300 int
	}{
		"clear":  {"transport: knet\nknet_pmtud_interval: 5", 1446, 1246, 1346, 1346, 1250},
		"aes256": {"transport: knet\nknet_pmtud_interval: 5\ncrypto_cipher: aes256\ncrypto_hash: sha256", 1397, 1189, 1285, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := hosts(t, 2, confWith(c.totem))
			h[0].cable()
			for i, o := range h {
				o.start(i == 1)
			}
			for _, o := range h {
				o.members(15*time.Second, 1, 2)
			}
			finds := func(mtu ...int) {
				t.Helper()
				for i, o := range h {
					if mtu[i] == 0 {
						continue
					}
					want := fmt.Sprintf("(10.98.0.%d->10.98.0.%d) enabled connected mtu: %d\n", i+1, 2-i, mtu[i])
					o.await(60*time.Second, func(out string) bool { return strings.Contains(out, want) }, "corosync-cfgtool", "-n")
				}
			}
			finds(c.whole, c.whole)
			h[0].must("ip", "link", "set", "eth0", "mtu", "1300")
			finds(c.out1300, c.original1300)
			h[0].must("ip", "link", "set", "eth0", "mtu", "1500")
			finds(c.whole, c.whole)
			h[0].between(1400)
			finds(c.way1400, c.original1400)
			h[0].between(1500)
			finds(c.whole, c.whole)
		})
	}
}

// cable puts host 2 on a bridge of its own, and a cable between the two bridges. What is too big for the cable is
// lost there: at a host's own cable the original would be told so at once, and would try again for ever.
func (h *host) cable() {
	h.t.Helper()
	h.bridge(2, 1)
	run(h.t, "nsenter", "-t", fmt.Sprint(h.bridgePid), "-n", "sh", "-ec",
		"ip link add m0 type veth peer name m1; ip link set m0 master br0 up; ip link set m1 master br1 up")
}

// between sets what the cable takes.
func (h *host) between(mtu int) {
	h.t.Helper()
	for _, end := range []string{"m0", "m1"} {
		run(h.t, "nsenter", "-t", fmt.Sprint(h.bridgePid), "-n", "ip", "link", "set", end, "mtu", fmt.Sprint(mtu))
	}
}
