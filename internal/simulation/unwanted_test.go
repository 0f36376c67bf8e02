package simulation

import (
	"strings"
	"testing"
	"time"

	"hacluster/cib"
	"hacluster/engine/attribute"
)

// connection is the primitive that connects to the remote host; it has a minute for that.
const connection = `<primitive id="remote1" class="ocf" provider="pacemaker" type="remote">%<operations><op id="remote1-m" name="monitor" interval="10s" timeout="5s"/><op id="remote1-s" name="start" interval="0s" timeout="60s"/></operations></primitive>`

// TestUnwantedConnection: nobody waits for a try to connect to a remote host that is down, once the connection is not
// configured any more or is to be stopped. Nor does the try count as a failure of the connection that is wanted again later.
func TestUnwantedConnection(t *testing.T) {
	stopped := strings.Replace(connection, "%", `<meta_attributes id="remote1-meta"><nvpair id="remote1-meta-r" name="target-role" value="Stopped"/></meta_attributes>`, 1)
	plain := strings.Replace(connection, "%", "", 1)
	for seed := uint64(1); seed <= seeds; seed++ {
		for _, name := range []string{"removed", "stopped"} {
			d := up(t, seed, 3, true)
			d.addRemotes(1)
			configure := func(text string) {
				d.Change("node1", cib.Request{Op: cib.Modify, Section: "resources", CanCreate: true, Data: parse(t, text)}, nil)
			}
			remove := cib.Request{Op: cib.Delete, XPath: true, Section: "//primitive[@id='remote1']"}
			d.Remotes[0].Boot() // the cluster is to know it
			configure(plain)
			d.Run(5 * time.Second)
			d.Change("node1", remove, nil)
			d.Run(5 * time.Second)
			d.Remotes[0].PowerOff()
			configure(plain)
			d.Run(5 * time.Second)
			trying := func(h *Host) bool {
				return h.pcmk.core.Replica.Root().FindElement("./status/node_state/lrm//lrm_rsc_op[@operation_key='remote1_start_0'][@op-status='-1']") != nil
			}
			if !trying(d.Hosts[0]) {
				t.Fatalf("seed %d: no node tries to connect\n%s", seed, d.Dump())
			}
			if name == "removed" {
				d.Change("node2", remove, nil)
			} else {
				d.Change("node2", cib.Request{Op: cib.Replace, XPath: true, Section: remove.Section, Data: parse(t, stopped)}, nil)
			}
			d.Run(4 * time.Second)
			calm(t, d)
			d.Remotes[0].Boot()
			if name == "stopped" {
				d.Change("node1", cib.Request{Op: cib.Delete, XPath: true, Section: "//nvpair[@id='remote1-meta-r']"}, nil)
			} else {
				configure(plain)
			}
			d.Run(5 * time.Second)
			calm(t, d)
			n := 0
			for _, h := range d.Hosts {
				if h.pcmk.core.RemoteConnected("remote1") {
					n++
				}
			}
			if n != 1 || len(d.Fences) > 0 {
				t.Fatalf("seed %d, %s: %d nodes are connected; fenced %v\n%s", seed, name, n, d.Fences, d.Dump())
			}
		}
	}
}

// TestReconnectIntervalIsTakenOver: a connection whose reconnect_interval is changed goes on, and so does what its host runs.
func TestReconnectIntervalIsTakenOver(t *testing.T) {
	configured := func(interval string) string {
		return strings.Replace(connection, "%", `<instance_attributes id="remote1-i"><nvpair id="remote1-i-r" name="reconnect_interval" value="`+interval+`"/></instance_attributes>`, 1)
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		d := up(t, seed, 3, true)
		d.addRemotes(1)
		d.Remotes[0].Boot()
		for _, interval := range []string{"10s", "20s"} {
			var before []*conn
			before = append(before, d.Remotes[0].conns...)
			d.Change("node1", cib.Request{Op: cib.Modify, Section: "resources", CanCreate: true, Data: parse(t, configured(interval))}, nil)
			d.Run(5 * time.Second)
			calm(t, d)
			now := d.Remotes[0].conns
			if len(now) != 1 || len(before) > 0 && now[0] != before[0] {
				t.Fatalf("seed %d: connections %v, and %v with %s\n%s", seed, before, now, interval, d.Dump())
			}
		}
	}
}

// servedRemotely is a cluster of three nodes with fencing, the first of them its DC, and a remote one on which P9 runs, as that one's score says; its connection
// is on the node home, by another score. change modifies a section of the CIB.
func servedRemotely(t *testing.T, seed uint64, score, home, homeScore string) (d *drive, r *Host, change func(section, text string)) {
	t.Helper()
	d = up(t, seed, 3, true)
	d.addRemotes(1)
	r = d.Remotes[0]
	r.Boot()
	change = func(section, text string) {
		d.Change("node1", cib.Request{Op: cib.Modify, Section: section, CanCreate: true, Data: parse(t, text)}, nil)
	}
	change("resources", strings.Replace(connection, "%", "", 1))
	change("resources", `<primitive id="P9" class="ocf" provider="pacemaker" type="Dummy"><operations><op id="P9-m" name="monitor" interval="10s"/></operations></primitive>`)
	change("constraints", `<rsc_location id="l1" rsc="P9" node="remote1" score="`+score+`"/>`)
	change("constraints", `<rsc_location id="l2" rsc="remote1" node="`+home+`" score="`+homeScore+`"/>`)
	d.Run(15 * time.Second)
	calm(t, d)
	return d, r, change
}

// TestRemoteShutsDown: a remote node that shuts down in good order is left by what it runs, and not connected to again before something else has the cluster plan.
func TestRemoteShutsDown(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		for _, home := range []string{"node1", "node2"} { // node1 is the DC
			d, r, change := servedRemotely(t, seed, "1000", home, "INFINITY")
			count := func(what string) int { return strings.Count(d.Dump(), what) }
			const starts = "Requesting local execution of start operation for remote1"
			begun := count(starts)
			if count("remote1: agent: start P9") != 1 || len(r.conns) != 1 {
				t.Fatalf("seed %d: P9 is not on the remote node\n%s", seed, d.Dump())
			}
			r.conns[0].tell(r.conns[0].req.ShutdownAsked)
			d.Run(30 * time.Second)
			if again := count(starts) - begun; again != 0 || len(r.conns) != 0 || count("remote1: agent: stop P9") != 1 || len(d.Fences) != 0 {
				t.Fatalf("seed %d, connected to %s: %d connections, %d tries more, fenced %v\n%s", seed, home, len(r.conns), again, d.Fences, d.Dump())
			}
			change("crm_config", `<cluster_property_set id="cib-bootstrap-options"><nvpair id="cib-bootstrap-options-x" name="cluster-delay" value="61s"/></cluster_property_set>`)
			d.Run(15 * time.Second)
			calm(t, d)
			if len(r.conns) != 1 || count("remote1: agent: start P9") != 2 {
				t.Fatalf("seed %d: after a change %d connections\n%s", seed, len(r.conns), d.Dump())
			}
		}
	}
}

// TestConnectionMovesLive: when a connection moves to another node, what its host runs is known still, with its attributes, and no probe looks anew; what recurs
// goes on. Where the host was started anew meanwhile, and the old connection did not hear of it, it is looked.
func TestConnectionMovesLive(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		for _, reboots := range []bool{false, true} {
			d, r, change := servedRemotely(t, seed, "INFINITY", "node1", "100")
			value := "good"
			d.Hosts[1].pcmk.core.Attributes.Set(attribute.Update{Name: "mood", Host: "remote1", Value: &value, Remote: true})
			d.Run(5 * time.Second)
			history := func() string {
				var out []string
				for _, op := range d.Hosts[0].pcmk.core.Replica.Root().FindElements("./status/node_state[@uname='remote1']/lrm//lrm_resource[@id='P9']/lrm_rsc_op") {
					out = append(out, op.SelectAttrValue("operation_key", "")+" "+op.SelectAttrValue("rc-code", ""))
				}
				return strings.Join(out, ", ")
			}
			runs := func(action string) int {
				return strings.Count(strings.Join(d.Log, "\n"), "remote1: agent: "+action)
			}
			before, probes, monitors := history(), runs("monitor P9 (interval 0s)"), runs("monitor P9 (interval 10s)")
			if before != "P9_start_0 0, P9_monitor_10000 0" || !d.Hosts[0].pcmk.core.RemoteConnected("remote1") {
				t.Fatalf("seed %d: at first: %s\n%s", seed, before, d.Dump())
			}
			if reboots {
				d.net.cut[r.ID][d.Hosts[0].ID] = true
				r.PowerOff()
				r.Boot()
			}
			change("constraints", `<rsc_location id="l3" rsc="remote1" node="node2" score="INFINITY"/>`)
			d.Run(2 * time.Second)
			d.net.cut[r.ID][d.Hosts[0].ID] = false
			d.Run(15 * time.Second)
			calm(t, d)
			kept := d.Hosts[2].pcmk.core.Replica.Root().FindElement("./status/node_state[@uname='remote1']/transient_attributes//nvpair[@name='mood']") != nil
			if !d.Hosts[1].pcmk.core.RemoteConnected("remote1") || runs("monitor P9 (interval 10s)") == monitors {
				t.Fatalf("seed %d: the connection did not move, or nothing looks after P9\n%s", seed, d.Dump())
			}
			if again := runs("monitor P9 (interval 0s)") != probes; again != reboots || kept == reboots || !reboots && history() != before {
				t.Fatalf("seed %d, the host was started anew: %v; looked anew: %v, attribute there: %v, history %s\n%s", seed, reboots, again, kept, history(), d.Dump())
			}
		}
	}
}
