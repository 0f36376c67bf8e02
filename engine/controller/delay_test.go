package controller

import (
	"testing"
	"time"

	"hacluster/cib"
	"hacluster/cib/schema"
	"hacluster/engine/replica"
)

// configure sets a property of the cluster.
func (w *alone) configure(t *testing.T, name, value string) {
	t.Helper()
	set := cib.Section(w.root, "crm_config").CreateElement("cluster_property_set")
	set.CreateAttr("id", "o")
	pair := set.CreateElement("nvpair")
	for _, a := range [][2]string{{"id", "o-" + name}, {"name", name}, {"value", value}} {
		pair.CreateAttr(a[0], a[1])
	}
}

// TestTransitionDelay: with transition-delay a plan waits that long after the last of what has it made anew.
func TestTransitionDelay(t *testing.T) {
	w := begin()
	w.configure(t, "transition-delay", "10s")
	before := w.planned
	at := func(seconds int) time.Time { return time.Unix(1100+int64(seconds), 0) }
	change := func(seconds int) {
		w.c.CIBChanged(at(seconds), replica.Change{Op: cib.Modify, Section: "resources", Node: "n1", Client: "cibadmin"})
		w.settle()
	}
	tick := func(seconds int) int {
		w.c.Tick(at(seconds))
		w.settle()
		return w.planned - before
	}
	change(0)
	if n := tick(5); n != 0 {
		t.Errorf("%d plans after 5 s", n)
	}
	change(6)
	if n := tick(12); n != 0 {
		t.Errorf("%d plans after 12 s, 6 s after the last change", n)
	}
	if d := w.c.Deadline(); d.After(at(16)) {
		t.Errorf("the next deadline is %v", d)
	}
	if n := tick(16); n != 1 {
		t.Errorf("%d plans after the delay, want 1", n)
	}
}

// TestDCDeadtime: with dc-deadtime a node that starts waits so long for a DC before it wants to be one.
func TestDCDeadtime(t *testing.T) {
	w := &alone{root: cib.New()}
	w.configure(t, "dc-deadtime", "20s")
	now := time.Unix(1000, 0)
	w.c = New(Identity{Member: Member{ID: 1, Name: "n1"}, UUID: "uuid", Schema: schema.Latest}, DefaultTiming, w)
	w.c.Membership(now, []Member{{1, "n1"}}, true)
	w.c.Group(now, []Member{{1, "n1"}})
	w.c.Start(now)
	w.settle()
	for _, c := range []struct {
		after time.Duration
		dc    bool
	}{{2 * time.Second, false}, {19 * time.Second, false}, {20 * time.Second, true}} {
		w.c.Tick(now.Add(c.after))
		w.settle()
		if w.c.IsDC() != c.dc {
			t.Errorf("after %v it is DC: %v", c.after, w.c.IsDC())
		}
	}
}
