package pcs_test

import "testing"

// TestSetupRecordsTheDialect: what was asked for when a cluster is set up is spoken on all its nodes from then on.
func TestSetupRecordsTheDialect(t *testing.T) {
	for _, c := range []struct{ asked, recorded string }{{"0.12", "0.12.1\n"}, {"0.10", "0.10.18\n"}, {"0.11.5", "0.11.5\n"}, {"0.11", ""}} {
		w := newTown(t, 2)
		if out, code := w.typed(c.asked, "cluster setup c node1 addr=10.0.0.1 node2 addr=10.0.0.2"); code != 0 {
			t.Fatalf("%s: exit code %d\n%s", c.asked, code, out)
		}
		for _, h := range w.hosts {
			if got := h.read(h.paths.Dialect); got != c.recorded {
				t.Errorf("%s: %s has recorded %q, want %q", c.asked, h.name, got, c.recorded)
			}
		}
	}
}
