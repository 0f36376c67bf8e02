package node

import (
	"testing"

	"hacluster/engine/executor"
)

// TestUnconnected: what comes of an order for a remote node to which this node is not connected.
func TestUnconnected(t *testing.T) {
	for _, c := range []struct {
		action string
		known  bool
		want   executor.Result
	}{
		{"start", true, executor.Result{Code: 1, Status: 8, Reason: "Not connected to remote executor"}},
		{"stop", false, executor.Result{Code: 1, Status: 8, Reason: "Local node has no connection to remote"}},
		{"notify", false, executor.Result{}},
	} {
		if got := unconnected(c.known, executor.Op{Action: c.action}); got.Code != c.want.Code || got.Status != c.want.Status || got.Reason != c.want.Reason {
			t.Errorf("%s, %v: %+v, want %+v", c.action, c.known, got, c.want)
		}
	}
}
