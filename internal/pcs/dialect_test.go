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

// TestLocalSetupRecordsTheDialect: 0.9 made one host a node of a cluster, without asking the others.
func TestLocalSetupRecordsTheDialect(t *testing.T) {
	w := newTown(t, 2)
	if out, code := w.typed("", "cluster setup --local --name c 10.0.0.1 10.0.0.2"); code != 0 {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	for h, want := range []string{"0.9.152\n", ""} {
		if got := w.hosts[h].read(w.hosts[h].paths.Dialect); got != want {
			t.Errorf("%s has recorded %q, want %q", w.hosts[h].name, got, want)
		}
	}
}
