package pcs_test

import (
	"slices"
	"strings"
	"testing"

	"hacluster/internal/pcsd/client"
)

// TestOrdinaryUser types pcs as somebody who is not root: the local pcsd carries out what needs root.
func TestOrdinaryUser(t *testing.T) {
	w := inCluster(t, 1, false)
	h := w.hosts[0]
	home := t.TempDir()
	own := &client.Hosts{ByName: map[string]client.Host{"localhost": {Name: "localhost", Dests: []client.Dest{h.at}, Token: h.token}}}
	if err := client.SaveHosts(home+"/.pcs/known-hosts", own); err != nil {
		t.Fatal(err)
	}
	h.ordinary, w.home = true, home
	out, code := w.pcs("cluster start")
	if code != 0 || !h.active["corosync"] || !slices.Contains(h.ran, "pcs -- cluster start") {
		t.Errorf("exit code %d, ran %v\n%s", code, h.ran, out)
	}
	if out, code = w.pcs("pcsd status --request-timeout=7"); code != 0 || !slices.Contains(h.ran, "pcs --request-timeout 7 -- pcsd status") || !strings.Contains(out, "  node1: Online\n") {
		t.Errorf("exit code %d, ran %v\n%s", code, h.ran, out)
	}
	if out, code = w.pcs("cluster setup c node1"); code != 1 || slices.Contains(h.ran, "pcs -- cluster setup c node1") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	own.ByName["localhost"] = client.Host{Name: "localhost", Dests: []client.Dest{h.at}, Token: "expired"}
	if err := client.SaveHosts(home+"/.pcs/known-hosts", own); err != nil {
		t.Fatal(err)
	}
	const want = "Error: Unable to authenticate against the local pcsd. Run the same command as root or authenticate yourself to the local pcsd using command 'pcs client local-auth'\n"
	if out, code = w.pcs("cluster stop"); code != 1 || out != want {
		t.Errorf("exit code %d\n%s", code, out)
	}
}
