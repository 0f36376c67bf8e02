package simulation

import (
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/cib/xml"
)

func el(t testing.TB, s string) *etree.Element {
	t.Helper()
	d, err := xml.ParseString(s)
	if err != nil {
		t.Fatal(err)
	}
	return d.Root
}

func create(t testing.TB, c *Cluster, node, section, data string) {
	c.Change(node, cib.Request{Op: cib.Modify, Section: section, CanCreate: true, Data: el(t, data)})
}

// up brings a cluster up with one resource, with or without fencing.
func up(t testing.TB, seed uint64, n int, fencing bool) *Cluster {
	t.Helper()
	c := New(seed, n)
	for _, nd := range c.Nodes {
		c.Start(nd.Name)
	}
	c.Run(10 * time.Second)
	enabled := "false"
	if fencing {
		enabled = "true"
	}
	create(t, c, "node1", "crm_config", `<cluster_property_set id="cib-bootstrap-options"><nvpair id="o-se" name="stonith-enabled" value="`+enabled+`"/></cluster_property_set>`)
	if fencing {
		create(t, c, "node1", "resources", `<primitive id="Fence" class="stonith" type="fence_sim"/>`)
	}
	create(t, c, "node1", "resources", `<primitive id="R" class="ocf" provider="heartbeat" type="Dummy"><operations><op id="R-m" name="monitor" interval="10s" timeout="20s"/></operations></primitive>`)
	c.Run(10 * time.Second)
	if got := c.Running("R"); len(got) != 1 {
		t.Fatalf("seed %d: R runs on %v\n%s", seed, got, c.Dump())
	}
	return c
}

// one requires that R runs in exactly one place, which is none of not.
func one(t testing.TB, c *Cluster, seed uint64, not ...string) string {
	t.Helper()
	got := c.Running("R")
	if len(got) != 1 || strings.Contains(" "+strings.Join(not, " ")+" ", " "+got[0]+" ") {
		t.Fatalf("seed %d: R runs on %v, not to be on %v\n%s", seed, got, not, c.Dump())
	}
	return got[0]
}

// same requires that all nodes that are up hold the same CIB and agree who is DC.
func same(t testing.TB, c *Cluster, seed uint64) {
	t.Helper()
	digest, dc := "", ""
	for _, n := range c.Nodes {
		if !n.Up {
			continue
		}
		d := cib.Digest(n.Core.Replica.Root())
		if digest != "" && d != digest || dc != "" && n.Core.Controller.DC() != dc {
			t.Fatalf("seed %d: nodes differ\n%s", seed, c.Dump())
		}
		digest, dc = d, n.Core.Controller.DC()
	}
}

const seeds = 30

func TestStartAndMove(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		c := up(t, seed, 2, false)
		at := one(t, c, seed)
		c.Node(at).Core.Shutdown(c.Now)
		c.Run(20 * time.Second)
		other := one(t, c, seed, at)
		if c.Node(at).Up {
			t.Fatalf("seed %d: %s did not leave\n%s", seed, at, c.Dump())
		}
		c.Start(at)
		c.Run(20 * time.Second)
		same(t, c, seed)
		if now := one(t, c, seed); now != other && len(c.Twice) > 0 {
			t.Fatalf("seed %d: twice %v", seed, c.Twice)
		}
	}
}

func TestLostNodeIsFencedOnce(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		for _, how := range []string{"kill", "cut", "crash"} {
			c := up(t, seed, 3, true)
			at := one(t, c, seed)
			switch how {
			case "kill":
				c.Kill(at)
			case "cut":
				c.Cut(1, at)
			case "crash":
				c.Crash(at)
			}
			c.Run(10 * time.Second)
			one(t, c, seed, at)
			if c.Fences[at] != 1 || len(c.Fences) != 1 {
				t.Fatalf("seed %d %s: fenced %v, want %s once\n%s", seed, how, c.Fences, at, c.Dump())
			}
			if len(c.Twice) > 0 {
				t.Fatalf("seed %d %s: %v\n%s", seed, how, c.Twice, c.Dump())
			}
			c.Heal()
			c.Start(at)
			c.Run(20 * time.Second)
			one(t, c, seed)
			same(t, c, seed)
		}
	}
}

func TestMinorityGivesUp(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		c := up(t, seed, 3, false)
		at := one(t, c, seed)
		c.Cut(1, at)
		c.Run(20 * time.Second)
		one(t, c, seed, at)
		c.Heal()
		c.Run(20 * time.Second)
		one(t, c, seed)
		same(t, c, seed)
	}
}

func TestSplitWithoutFencingHeals(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		c := up(t, seed, 2, false)
		at := one(t, c, seed)
		c.Cut(1, at)
		c.Run(20 * time.Second)
		c.Heal()
		c.Run(30 * time.Second)
		one(t, c, seed)
		same(t, c, seed)
	}
}

func TestCrashedDaemonLeavesServicesRunning(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		c := up(t, seed, 1, false)
		c.Crash("node1")
		c.Run(time.Second)
		before := len(c.Log)
		c.Start("node1")
		c.Run(20 * time.Second)
		one(t, c, seed)
		for _, l := range c.Log[before:] {
			if strings.Contains(l, "start R") || strings.Contains(l, "stop R") {
				t.Fatalf("seed %d: the service was touched: %s", seed, l)
			}
		}
	}
}

// TestSameSeedSameHistory: a history replays from its seed.
func TestSameSeedSameHistory(t *testing.T) {
	run := func() string {
		c := up(t, 7, 3, true)
		c.Cut(1, one(t, c, 7))
		c.Run(30 * time.Second)
		return c.Dump()
	}
	if a, b := run(), run(); a != b {
		t.Error("two runs of one seed differ")
	}
}
