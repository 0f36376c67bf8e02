package pcs_test

import (
	"strings"
	"testing"
)

// TestDestroyTakesRemoteNodesOut ends a cluster with a remote node that answers and one that does not.
func TestDestroyTakesRemoteNodesOut(t *testing.T) {
	w := newTown(t, 3)
	w.must("cluster setup c node1 addr=10.0.0.1")
	remote := func(name string) string {
		return `<primitive id="` + name + `" class="ocf" provider="pacemaker" type="remote"/>`
	}
	w.hosts[0].cluster = &paper{text: []byte(strings.Replace(two, "<resources>", "<resources>"+remote("node2")+remote("node3"), 1))}
	w.hosts[1].active["pacemaker_remote"], w.hosts[1].enabled["pacemaker_remote"] = true, true
	w.hosts[2].web.Close()
	out, code := w.pcs("cluster destroy --all --force")
	if code != 0 || w.hosts[1].active["pacemaker_remote"] || w.hosts[1].enabled["pacemaker_remote"] || w.hosts[0].conf() != "" {
		t.Errorf("exit code %d\n%s", code, out)
	}
	has(t, out, "Requesting 'pacemaker_remote disable', 'pacemaker_remote stop' on 'node2', 'node3'", "node2: successful run of 'pacemaker_remote disable'",
		"Requesting remove 'pacemaker authkey' from 'node2', 'node3'", "node1: Successfully destroyed cluster")
	if !strings.Contains(out, "Warning: Unable to connect to node3 (") || strings.Contains(out, "Error: ") {
		t.Errorf("node3 is not told of as it should be:\n%s", out)
	}
}
