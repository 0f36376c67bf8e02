package simulation

import (
	"testing"
	"time"

	"hacluster/cib"
	"hacluster/engine/attribute"
	"hacluster/engine/status"
)

// circling is a cluster with another resource, x, that no failure keeps from a node, and that an attribute may.
func circling(t *testing.T, seed uint64) *drive {
	t.Helper()
	d := up(t, seed, 3, true)
	d.Change("node1", cib.Request{Op: cib.Modify, CanCreate: true, Data: parse(t, `<configuration>`+
		`<crm_config><cluster_property_set id="circle"><nvpair id="circle-1" name="start-failure-is-fatal" value="false"/></cluster_property_set></crm_config>`+
		`<resources><primitive id="x" class="ocf" provider="pacemaker" type="Dummy"><operations><op id="x-m" name="monitor" interval="10s"/></operations></primitive></resources>`+
		`<constraints><rsc_location id="x-l" rsc="x"><rule id="x-r" score="-INFINITY"><expression id="x-e" attribute="gone" operation="eq" value="1"/></rule></rsc_location></constraints></configuration>`)}, func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
	d.Run(20 * time.Second)
	if n := len(d.Running("x")); n != 1 {
		t.Fatalf("seed %d: x runs on %d nodes\n%s", seed, n, d.Dump())
	}
	return d
}

// said is what the CIB says of a circle.
func said(d *drive) string {
	root := d.Hosts[0].pcmk.core.Replica.Root()
	return status.Read(status.Input{CIB: root, Now: d.Now}).Circle()
}

// plansMade is how many plans there were.
func plansMade(d *drive) int {
	n := 0
	for _, h := range d.Hosts {
		n += len(h.pcmk.plans)
	}
	return n
}

// TestAttributeCircle: an agent whose start has its resource moved, wherever that is, has it moved some times at once, and then every some seconds. The
// CIB says so, and no longer when it is over.
func TestAttributeCircle(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		d := circling(t, seed)
		started := 0
		before, at := plansMade(d), ""
		for range 600 {
			d.Run(100 * time.Millisecond)
			on := d.Running("x")
			if len(on) != 1 || on[0] == at {
				continue
			}
			at = on[0]
			started++
			var updates []attribute.Update
			for _, h := range d.Hosts {
				value := map[bool]string{true: "1", false: "0"}[h.Name == at]
				updates = append(updates, attribute.Update{Name: "gone", Host: h.Name, Value: &value})
			}
			p := d.Host(at).pcmk
			p.call(func(time.Time) { p.core.Attributes.Set(updates...) })
		}
		if n := plansMade(d) - before; started < 10 || started > 30 || n > 150 {
			t.Errorf("seed %d: in a minute x was started %d times, in %d plans\n%s", seed, started, n, d.Dump())
		}
		if said(d) == "" {
			t.Errorf("seed %d: the CIB says of no circle\n%s", seed, d.Dump())
		}
		d.Run(90 * time.Second)
		if s := said(d); s != "" {
			t.Errorf("seed %d: the CIB says still: %s", seed, s)
		}
		calm(t, d)
	}
}

// TestFailingCircle: an agent that fails at once, and that nothing keeps from being tried again, is tried some times at once, and then every some seconds;
// it is tried at once when somebody cleans up, and soon when it would work.
func TestFailingCircle(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		d := circling(t, seed)
		fail := func(mode string) {
			for _, h := range d.Hosts {
				h.faults["x start"] = &agentFault{mode}
			}
		}
		fail(Fail)
		before := plansMade(d)
		d.Host(d.Running("x")[0]).die("x")
		d.Run(time.Minute)
		if n := plansMade(d) - before; n < 10 || n > 60 {
			t.Errorf("seed %d: %d plans in a minute\n%s", seed, n, d.Dump())
		}
		if said(d) == "" {
			t.Errorf("seed %d: the CIB says of no circle\n%s", seed, d.Dump())
		}
		fail("")
		d.Run(10 * time.Second)
		if len(d.Running("x")) != 1 {
			t.Errorf("seed %d: x does not run though it could\n%s", seed, d.Dump())
		}
		d.Run(90 * time.Second)
		calm(t, d)
	}
}
