package simulation

import (
	"strings"
	"testing"
	"time"

	"hacluster/cib"
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
