package pcs_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// inCluster is a town whose hosts are a cluster; runs has its daemons run.
func inCluster(t *testing.T, n int, runs bool) *town {
	t.Helper()
	w := newTown(t, n)
	words := "cluster setup c"
	for i, h := range w.hosts {
		words += " " + h.name + " addr=10.0.0." + string(rune('1'+i))
	}
	w.must(words)
	if runs {
		w.must("cluster start --all")
	}
	return w
}

// TestClusterVerbs carries verbs of a cluster of three hosts out and looks at what is left on each.
func TestClusterVerbs(t *testing.T) {
	all := func(part string, want bool) func(t *testing.T, w *town) {
		return func(t *testing.T, w *town) {
			t.Helper()
			for _, h := range w.hosts {
				if strings.Contains(h.conf(), part) != want {
					t.Errorf("%s: %q in corosync.conf: want %v\n%s", h.name, part, want, h.conf())
				}
			}
		}
	}
	unit := func(of func(*house) map[string]bool, want bool, units ...string) func(t *testing.T, w *town) {
		return func(t *testing.T, w *town) {
			t.Helper()
			for _, h := range w.hosts {
				for _, u := range units {
					if h.is(of(h), u) != want {
						t.Errorf("%s: %s: want %v", h.name, u, want)
					}
				}
			}
		}
	}
	active := func(h *house) map[string]bool { return h.active }
	enabled := func(h *house) map[string]bool { return h.enabled }
	for _, c := range []struct {
		words string
		runs  bool
		code  int
		want  []string
		check func(t *testing.T, w *town)
	}{
		{"cluster start --all", false, 0, []string{"node1: Starting Cluster..."}, unit(active, true, "corosync", "pacemaker")},
		{"cluster enable --all", false, 0, []string{"node1: Cluster Enabled"}, unit(enabled, true, "corosync", "pacemaker")},
		{"cluster disable --all", false, 0, []string{"node1: Cluster Disabled"}, unit(enabled, false, "corosync", "pacemaker")},
		{"cluster stop --all", true, 0, []string{"node2: Stopping Cluster (pacemaker)..."}, unit(active, false, "corosync", "pacemaker")},
		{"cluster sync", true, 0, []string{"node1: Succeeded", "node2: Succeeded", "node3: Succeeded"}, all("cluster_name: c", true)},
		{"cluster reload corosync", true, 0, nil, func(t *testing.T, w *town) {
			if !slices.Contains(w.hosts[0].ran, "corosync-cfgtool -R") {
				t.Errorf("ran %v", w.hosts[0].ran)
			}
		}},
		{"cluster rename d", false, 0, []string{"node1: Succeeded"}, all("cluster_name: d", true)},
		{"cluster rename d", true, 1, []string{"Error: Corosync is running on nodes 'node1', 'node2', 'node3'. Requested change can only be made if the cluster is stopped. In order to proceed, stop the cluster. Run \"pcs cluster stop 'node1' 'node2' 'node3'\" to stop the nodes or \"pcs cluster stop --all\" to stop the whole cluster."}, all("cluster_name: c", true)},
		{"cluster authkey corosync", true, 0, []string{"node3: successful distribution of the file 'corosync authkey'"}, func(t *testing.T, w *town) { sameConf(t, w.hosts...) }},
		{"cluster link add node1=10.1.0.1 node2=10.1.0.2 node3=10.1.0.3 options link_priority=4 --force", true, 0, []string{"node2: Succeeded"}, all("ring1_addr: 10.1.0.3", true)},
		{"cluster link add node1=10.0.0.1 node2=10.1.0.2 node3=10.1.0.3 --force", true, 1, []string{"Error: Node address '10.0.0.1' is already used by existing nodes; please, use other address"}, all("ring1_addr", false)},
		{"cluster link remove 0", true, 1, []string{"Error: Cannot remove 1 link, there would be 0 links defined which is less than allowed number of 1 link"}, nil},
		{"cluster link update 0 node1=10.0.0.9", false, 0, []string{"node1: Succeeded"}, all("ring0_addr: 10.0.0.9", true)},
		{"cluster link update 0 node1=10.0.0.9", true, 1, nil, all("ring0_addr: 10.0.0.9", false)},
		{"cluster config update totem token=2000", false, 0, []string{"node1: Succeeded"}, all("token: 2000", true)},
		{"quorum update wait_for_all=1", false, 0, []string{"node1: Succeeded"}, all("wait_for_all: 1", true)},
		{"cluster node remove node3 --force", true, 0, []string{"Destroying cluster on hosts: 'node3'...", "node3: Successfully destroyed cluster", "node1: Succeeded", "node2: Succeeded"}, func(t *testing.T, w *town) {
			if w.hosts[2].conf() != "" || strings.Contains(w.hosts[0].conf(), "node3") || w.hosts[0].conf() != w.hosts[1].conf() {
				t.Errorf("node1 has\n%s\nnode3 has\n%s", w.hosts[0].conf(), w.hosts[2].conf())
			}
		}},
		{"cluster destroy --all", true, 0, []string{"node2: Successfully destroyed cluster", "node1: Successfully destroyed cluster"}, func(t *testing.T, w *town) {
			all("totem", false)(t, w)
			unit(active, false, "corosync", "pacemaker")(t, w)
		}},
		{"pcsd sync-certificates", true, 0, []string{"node1: Success"}, nil},
		{"status pcsd", true, 0, []string{"  node1: Online", "  node2: Online", "  node3: Online"}, nil},
		{"cluster corosync node2", true, 0, []string{"    cluster_name: c"}, nil},
		{"stonith sbd status", true, 0, []string{"node1: YES |  NO |  NO"}, nil},
	} {
		t.Run(strings.ReplaceAll(c.words, " ", "_"), func(t *testing.T) {
			w := inCluster(t, 3, c.runs)
			for _, h := range w.hosts {
				const cib = `<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0"><configuration><crm_config/><nodes/><resources/><constraints/></configuration><status/></cib>`
				if err := os.WriteFile(h.paths.CIBDir+"/cib.xml", []byte(cib), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out, code := w.pcs(c.words)
			if code != c.code {
				t.Fatalf("exit code %d, want %d\n%s", code, c.code, out)
			}
			for _, l := range c.want {
				if !strings.Contains(out, l+"\n") {
					t.Errorf("%q is not in the output:\n%s", l, out)
				}
			}
			if c.check != nil {
				c.check(t, w)
			}
		})
	}
}

// TestTroubledHosts has a third host that is down, that takes requests and never answers, and whose token is no
// longer good: what is said, how it ends, and that it ends in time.
func TestTroubledHosts(t *testing.T) {
	trouble := map[string]func(t *testing.T, w *town){
		"down": func(_ *testing.T, w *town) { w.hosts[2].web.Close() },
		"hung": func(_ *testing.T, w *town) { w.hosts[2].hung = true },
		"expired": func(t *testing.T, w *town) {
			if err := os.WriteFile(w.hosts[2].paths.PcsdDir+"/pcs_users.conf", []byte("[]"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	}
	const (
		skip   = ", use --skip-offline to override"
		closed = "\nError: Errors have occurred, therefore pcs is unable to continue\n"
	)
	// What is waited for is waited for at once.
	var waiting sync.WaitGroup
	for _, c := range []struct {
		words, kind string
		code        int
		want        string
	}{
		{"status pcsd", "down", 2, "  node3: Offline\n"},
		{"status pcsd", "hung", 2, "  node3: Offline\n"},
		{"status pcsd", "expired", 2, "  node3: Unable to authenticate\n"},
		{"cluster start --all", "down", 1, "Error: unable to start all nodes\nnode3: Unable to connect to node3, check if pcsd is running there or try setting higher timeout with --request-timeout option ("},
		{"cluster start --all", "hung", 1, "(Operation timed out after 5000 milliseconds with 0 bytes received)"},
		{"cluster start --all", "expired", 1, "Error: unable to start all nodes\nnode3: Unable to authenticate to node3 - (HTTP error: 401), try running 'pcs host auth node3'\n"},
		{"cluster enable --all", "expired", 1, "Error: unable to enable all nodes\n"},
		{"cluster stop --all", "hung", 1, "Error: unable to stop all nodes\n"},
		{"cluster authkey corosync", "down", 1, skip + closed},
		{"cluster authkey corosync", "hung", 1, "Error: node3: Connection timeout, check if pcsd is running there or try setting higher timeout with --request-timeout option (Operation timed out after 5000 milliseconds with 0 bytes received)" + skip},
		{"cluster authkey corosync", "expired", 1, "Error: Unable to authenticate to node3 (HTTP error: 401), try running 'pcs host auth node3'\n"},
		{"cluster authkey corosync --skip-offline", "hung", 0, "Warning: Omitting node 'node3'\n"},
		{"cluster link add node1=10.1.0.1 node2=10.1.0.2 node3=10.1.0.3 --force", "hung", 1, "Error: node3: Unable to set corosync config" + skip},
		{"cluster link add node1=10.1.0.1 node2=10.1.0.2 node3=10.1.0.3 --force --skip-offline", "hung", 1, "Warning: node3: Unable to set corosync config\n"},
		{"cluster sync", "down", 1, "node2: Succeeded\n"},
		{"cluster node remove node3 --force --skip-offline", "hung", 0, "Warning: Removed node 'node3' could not be reached and subsequently deconfigured. Run 'pcs cluster destroy' on the unreachable node.\n"},
		{"cluster node remove node3", "hung", 1, skip},
		{"cluster destroy --all", "hung", 1, "Error: unable to destroy cluster\nnode3: "},
		{"cluster destroy --all", "expired", 1, "Error: unable to destroy cluster\nnode3: Unable to authenticate to node3 - (HTTP error: 401)"},
		{"stonith sbd enable", "hung", 1, skip},
		{"stonith sbd status", "hung", 0, "Warning: Unable to get status of SBD from node 'node3'\n"},
		{"cluster setup d node1 node2 node3 --force", "expired", 1, "Error: Unable to authenticate to node3 (HTTP error: 401), try running 'pcs host auth node3'\n"},
		{"cluster rename d", "down", 1, "Error: Unable to check if corosync is not running on node 'node3'" + skip},
		{"pcsd sync-certificates", "down", 1, "Error: Unable to connect to node3 ("},
		{"cluster corosync node3", "hung", 1, "Error: Unable to connect to node3"},
	} {
		waiting.Go(func() {
			w := inCluster(t, 3, false)
			trouble[c.kind](t, w)
			begin := time.Now()
			words := c.words
			if c.kind == "hung" {
				words += " --request-timeout=5"
			}
			out, code := w.pcs(words)
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, call := range []string{"cluster_stop", "cluster_destroy", "cluster_start"} {
				if n := strings.Count(strings.Join(w.calls, "\n")+"\n", "node3 remote/"+call+"\n"); n > 1 {
					t.Errorf("%s: %s: node3 is asked for %s %d times: %q", c.kind, c.words, call, n, w.calls)
				}
			}
			if took := time.Since(begin); code != c.code || !strings.Contains(out, c.want) || took > 40*time.Second {
				t.Errorf("%s: %s: exit code %d, want %d, after %s; want %q\n%s", c.kind, c.words, code, c.code, took, c.want, out)
			}
		})
	}
	waiting.Wait()
}

// TestHostAuth logs in to hosts: one password is wrong for all, one host is down, one is hung.
func TestHostAuth(t *testing.T) {
	w := newTown(t, 3)
	addr := func(i int) string {
		return fmt.Sprintf("%s addr=%s:%d", w.hosts[i].name, w.hosts[i].at.Addr, w.hosts[i].at.Port)
	}
	known := w.hosts[0].paths.PcsdDir + "/known-hosts"
	before := w.hosts[0].read(known)
	out, code := w.pcs("host auth " + addr(0) + " " + addr(1) + " -u hacluster -p wrong")
	if code != 1 || !strings.Contains(out, "Error: node1: Username and/or password is incorrect\n") || !strings.Contains(out, "Error: node2: Username and/or password is incorrect\n") || w.hosts[0].read(known) != before {
		t.Errorf("a wrong password: exit code %d\n%s", code, out)
	}
	w.hosts[2].hung = true
	w.hosts[1].web.Close()
	out, code = w.pcs("host auth " + addr(0) + " " + addr(1) + " " + addr(2) + " -u hacluster -p secret --request-timeout=5")
	if code != 1 || !strings.Contains(out, "node1: Authorized\n") || !strings.Contains(out, "Error: Unable to communicate with node2\n") || !strings.Contains(out, "Error: Unable to communicate with node3\n") {
		t.Errorf("hosts that do not answer: exit code %d\n%s", code, out)
	}
	if now := w.hosts[0].read(known); now == before || strings.Contains(now, w.hosts[0].token) || !strings.Contains(now, w.hosts[2].token) {
		t.Errorf("known hosts:\n%s", now)
	}
	if strings.Contains(w.hosts[0].read(known)+out, "secret") {
		t.Error("the password is told or stored")
	}
}
