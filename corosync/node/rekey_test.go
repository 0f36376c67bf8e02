package node

import (
	"slices"
	"testing"
	"time"

	"hacluster/corosync/local"
)

// TestKeyChange holds that a new key is sent with when all members have it, and not before: when one does not find it, it
// is not; when that one has left, it is.
func TestKeyChange(t *testing.T) {
	steps := func(c *cluster, ids ...uint32) (all [][]uint32) {
		for _, id := range ids {
			all = append(all, c.hosts[id].rekeyed)
		}
		return all
	}
	c := started(t, 1, 3, "")
	u := c.hosts[1].connect(Cfg)
	reload := func(with ...uint32) {
		for _, id := range with {
			c.hosts[id].newKey = true
		}
		if err := local.StatusOf(c.hosts[1].call(u, local.Plain(local.CfgReload))); err != nil {
			t.Fatal(err)
		}
		c.run(3 * time.Second)
	}
	reload(1, 2, 3)
	for i, s := range steps(c, 1, 2, 3) {
		if !slices.Equal(s, []uint32{RekeyActivate, RekeyCleanUp}) {
			t.Errorf("node %d goes the steps %v", i+1, s)
		}
	}
	for _, h := range c.hosts {
		h.rekeyed = nil
	}
	reload(1, 2)
	for i, s := range steps(c, 1, 2, 3) {
		if len(s) > 0 {
			t.Errorf("node 3 has no new key, and node %d goes the steps %v", i+1, s)
		}
	}
	c.hosts[3].leave()
	c.run(10 * time.Second)
	for i, s := range steps(c, 1, 2) {
		if !slices.Equal(s, []uint32{RekeyActivate, RekeyCleanUp}) {
			t.Errorf("node 3 has left, and node %d goes the steps %v", i+1, s)
		}
	}
}
