package simulation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hacluster/cib"
	"hacluster/cib/schema"
	"hacluster/cib/xml"
	"hacluster/engine/controller"
)

func declared(h *Host) string {
	return h.pcmk.core.Replica.Root().SelectAttrValue("validate-with", "")
}

// boot gives power to hosts of a cluster in which node3 knows no newer schema than oldest.
func boot(t *testing.T, seed uint64, oldest string, hosts ...string) *Cluster {
	t.Helper()
	c, err := New(seed, 3, false)
	if err != nil {
		t.Fatal(err)
	}
	c.Verbose = true
	c.Host("node3").schema = oldest
	for _, n := range hosts {
		c.Host(n).Boot()
	}
	c.Run(15 * time.Second)
	return c
}

// TestUpgradeEndsWhereAllFollow: an upgrade goes as far as the oldest node knows, nothing else
// declares more, and once that node is gone, an upgrade goes on.
func TestUpgradeEndsWhereAllFollow(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		c := boot(t, seed, "pacemaker-3.10", "node1", "node2", "node3")
		expect := func(when, want string) {
			t.Helper()
			c.Run(2 * time.Second)
			for _, h := range c.Hosts {
				if h.Up() && declared(h) != want {
					t.Fatalf("seed %d: %s %s has %s, not %s\n%s", seed, when, h.Name, declared(h), want, c.Dump())
				}
			}
			if c.Broken() != nil {
				t.Fatalf("seed %d: %s: %v\n%s", seed, when, c.Broken(), c.Dump())
			}
		}
		expect("at the start", cib.NewSchema)
		for _, h := range []*Host{c.Host("node1"), c.Host("node3")} {
			if got, by := h.pcmk.core.Controller.MaxSchema(); got != "pacemaker-3.10" || by != "node3" {
				t.Fatalf("seed %d: %s thinks that %s may be reached, for %s\n%s", seed, h.Name, got, by, c.Dump())
			}
		}
		c.Change("node1", cib.Request{Op: cib.Upgrade}, nil)
		expect("after an upgrade", "pacemaker-3.10")
		newer := c.Host("node1").pcmk.core.Replica.Root().Copy()
		newer.CreateAttr("validate-with", schema.Latest)
		newer.CreateAttr("epoch", "100")
		var refused error
		c.Change("node2", cib.Request{Op: cib.Replace, Data: newer}, func(err error) { refused = err })
		expect("after a replacement", "pacemaker-3.10")
		if cib.CodeOf(refused) != cib.SchemaValidation {
			t.Fatalf("seed %d: the replacement by a document of %s: %v", seed, schema.Latest, refused)
		}
		c.Host("node3").StopCluster()
		c.Run(20 * time.Second)
		c.Change("node2", cib.Request{Op: cib.Upgrade, MaxSchema: "pacemaker-9.9"}, nil)
		expect("without the old node", schema.Latest)
	}
}

// TestUpgradeDuringJoin: whenever it comes, all nodes do the same, and one that is in the group
// is never left behind.
func TestUpgradeDuringJoin(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		c := boot(t, seed, cib.NewSchema, "node1", "node2")
		node1 := c.Host("node1").pcmk.core
		want := cib.NewSchema
		if seed%4 == 0 { // before the old node comes
			want = schema.Latest
			c.Change("node1", cib.Request{Op: cib.Upgrade}, nil)
			c.Run(time.Second)
		}
		c.Host("node3").Boot()
		asked := 0
		for range 400 {
			c.Run(time.Duration(20+seed*7) * time.Millisecond)
			if len(node1.Members()) == 3 && asked < 30 {
				c.Change("node1", cib.Request{Op: cib.Upgrade}, nil)
				asked++
			}
		}
		c.Run(20 * time.Second)
		for _, h := range c.Hosts {
			if seed%4 == 0 && h.Name == "node3" {
				continue // it was refused
			}
			if c.Broken() != nil || asked == 0 && seed%4 != 0 || !h.Up() || declared(h) != want {
				t.Fatalf("seed %d: %s (up: %v) is not at %s; %v\n%s", seed, h.Name, h.Up(), want, c.Broken(), c.Dump())
			}
		}
	}
}

// TestTooOldIsRefused: a node that does not know the schema of the cluster's CIB is told so and stays away; nobody takes
// it for lost, whether it comes later, as all others do, or first. With newer software it joins.
func TestTooOldIsRefused(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		c := boot(t, seed, cib.NewSchema, "node1", "node2")
		device, err := xml.Parse([]byte(`<resources><primitive id="F" class="stonith" type="fence_sim"/></resources>`))
		if err != nil {
			t.Fatal(err)
		}
		c.Change("node1", cib.Request{Op: cib.Create, Section: "resources", Data: device.Root}, nil)
		// It was never a member, so it would be fenced before anything starts.
		quiet, err := xml.Parse([]byte(`<crm_config><cluster_property_set id="q"><nvpair id="q1" name="startup-fencing" value="false"/></cluster_property_set></crm_config>`))
		if err != nil {
			t.Fatal(err)
		}
		c.Change("node1", cib.Request{Op: cib.Modify, Section: "crm_config", CanCreate: true, Data: quiet.Root}, nil)
		c.Run(5 * time.Second)
		c.Change("node1", cib.Request{Op: cib.Upgrade}, nil)
		c.Run(2 * time.Second)
		old := c.Host("node3")
		fail := func(format string, args ...any) {
			t.Helper()
			t.Fatalf("seed %d: %s; %v\n%s", seed, fmt.Sprintf(format, args...), c.Broken(), c.Dump())
		}
		refused := func(when string) {
			t.Helper()
			for _, h := range []*Host{c.Host("node1"), c.Host("node2")} {
				if !h.Up() || declared(h) != schema.Latest || len(h.pcmk.core.Members()) != 2 {
					fail("%s, %s (up: %v) does not go on", when, h.Name, h.Up())
				}
			}
			if n := len(old.Exits); old.Up() || n == 0 || !strings.HasPrefix(old.Exits[n-1], controller.Refused) ||
				!strings.Contains(old.Exits[n-1], schema.Latest) || !strings.Contains(old.Exits[n-1], cib.NewSchema) {
				fail("%s, the old node is up: %v, %q", when, old.Up(), old.Exits)
			}
			if len(c.Fences) > 0 || c.Broken() != nil {
				fail("%s, fenced: %v", when, c.Fences)
			}
			old.Exits = nil
		}
		old.Boot()
		c.Run(30 * time.Second)
		refused("when it came to the others")
		old.StopCluster()
		if seed%2 == 0 {
			for _, h := range c.Hosts[:2] {
				h.StopCluster()
			}
			c.Run(20 * time.Second)
			order := []*Host{c.Hosts[0], c.Hosts[1], old}
			if seed%4 == 0 {
				order = []*Host{old, c.Hosts[0], c.Hosts[1]}
			}
			for _, h := range order {
				h.StartCluster()
			}
			c.Run(40 * time.Second)
			refused("when all started")
			old.StopCluster()
		}
		c.Run(5 * time.Second)
		old.schema = ""
		old.StartCluster()
		c.Run(30 * time.Second)
		if !old.Up() || declared(old) != schema.Latest || len(old.pcmk.core.Members()) != 3 || c.Broken() != nil {
			fail("with newer software, it does not join: %q", old.Exits)
		}
	}
}

// TestOutgrownLeaves: a member that is brought to a CIB of a schema which it does not know leaves by itself, in good order:
// what runs on it moves on, and nobody fences it.
func TestOutgrownLeaves(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		first := "node1"
		if seed%4 < 2 {
			first = "node3" // so that it is DC
		}
		c := boot(t, seed, cib.NewSchema, first)
		for _, h := range c.Hosts {
			if h.Name != first {
				h.Boot()
			}
		}
		c.Run(15 * time.Second)
		add, err := xml.Parse([]byte(`<resources><primitive id="F" class="stonith" type="fence_sim"/>
<primitive id="a" class="ocf" provider="pacemaker" type="Dummy"/><primitive id="b" class="ocf" provider="pacemaker" type="Dummy"/><primitive id="c" class="ocf" provider="pacemaker" type="Dummy"/></resources>`))
		if err != nil {
			t.Fatal(err)
		}
		for _, el := range add.Root.ChildElements() {
			c.Change("node1", cib.Request{Op: cib.Create, Section: "resources", Data: el}, nil)
		}
		c.Run(10 * time.Second)
		old := c.Host("node3")
		fail := func(format string, args ...any) {
			t.Helper()
			t.Fatalf("seed %d: %s; %v\n%s", seed, fmt.Sprintf(format, args...), c.Broken(), c.Dump())
		}
		runs := func(hosts ...*Host) (n int) {
			for _, h := range hosts {
				for _, r := range []string{"a", "b", "c"} {
					if h.service(r).active {
						n++
					}
				}
			}
			return n
		}
		if c.Broken() != nil || runs(old) == 0 || runs(c.Hosts...) != 3 {
			fail("the cluster did not come to rest")
		}
		// Software that does not care what others know brings all to its document.
		source := c.Hosts[seed%2]
		core := source.pcmk.core
		newer := core.Replica.Root()
		newer.CreateAttr("validate-with", schema.Latest)
		newer.CreateAttr("epoch", "1000")
		c.Host(core.Controller.DC()).pcmk.core.Replica.Sync(source.Name, func(error) {})
		c.Run(60 * time.Second)
		if n := len(old.Exits); old.Up() || n == 0 || !strings.HasPrefix(old.Exits[n-1], controller.Refused) || !strings.Contains(old.Exits[n-1], schema.Latest) || !strings.Contains(old.Exits[n-1], cib.NewSchema) {
			fail("the old node is up: %v, %q", old.Up(), old.Exits)
		}
		if runs(old) > 0 || len(c.Fences) > 0 || c.Broken() != nil {
			fail("it left %d services behind, or was fenced: %v", runs(old), c.Fences)
		}
		for _, h := range c.Hosts[:2] {
			if !h.Up() || declared(h) != schema.Latest {
				fail("%s (up: %v) does not go on", h.Name, h.Up())
			}
		}
		if n := runs(c.Hosts[:2]...); n != 3 {
			fail("%d of 3 services run", n)
		}
	}
}
