package knet

import (
	"fmt"
	"testing"
	"time"
)

// TestPathMTU finds the way's MTU whatever it and the interface's are, over a network that loses packets, too, and
// follows it when it changes.
func TestPathMTU(t *testing.T) {
	for _, cipher := range []string{"none", "aes256"} {
		hash, step := "none", 1
		if cipher != "none" {
			hash, step = "sha256", 16
		}
		for _, c := range []struct{ out, way int }{
			{1500, 1500}, {1500, 1400}, {9000, 9000}, {9000, 1500}, {9000, 8000}, {65535, 65535}, {65535, 1500}, {65535, 1280}, {1500, 576}, {576, 576}, {1450, 1450}, {9000, 1499},
		} {
			t.Run(fmt.Sprintf("%s out %d way %d", cipher, c.out, c.way), func(t *testing.T) {
				p := newPair(t, 1, cipher, hash, "passive", 1)
				p.out, p.way = c.out, c.way
				holds := func() {
					t.Helper()
					for _, n := range []*Net{p.a, p.b} {
						id := n.order[0]
						path := n.hosts[id].links[0].path
						full := n.seal.sealed(n.DataMTU(id, 0)+overhead) + 28
						if full > p.way || full <= min(p.way, p.out)-step {
							t.Errorf("found %d, searching %d after %v; the way takes %d", path.mtu, path.size, p.now.Sub(time.Unix(1000, 0)), p.way)
						}
					}
				}
				p.run(25 * time.Second)
				holds()
				probes := p.a.hosts[2].links[0].path.probes
				t.Logf("%d probes", probes)
				if c.out == c.way && probes > 2 {
					t.Errorf("%d probes", probes)
				}
				p.way = max(576, c.way*3/4)
				p.run(100 * time.Second)
				holds()
				p.way, p.out = 4000, 4000
				p.run(100 * time.Second)
				holds()
				// The interface lets out less: the next packet finds out.
				p.way, p.out = 1000, 1000
				for i := range 20 {
					p.a.Send(2, p.packet(i, 3000))
					p.b.Send(1, p.packet(i, 3000))
					p.run(10 * time.Millisecond)
				}
				if got := len(p.got[p.b]); got < 18 {
					t.Errorf("%d of 20 packets arrive where the interface lets out less than before", got)
				}
			})
		}
	}
	p := newPair(t, 3, "none", "none", "passive", 2)
	p.loss = 0.1
	p.run(25 * time.Second)
	if m := p.a.hosts[2].links[1].path.mtu; m != 1500 {
		t.Errorf("found %d where packets are lost", m)
	}
}
