package simulation

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hacluster/cib"
)

// Options of the cluster that more than the scheduler has to do with, in a running cluster.

// option sets cluster properties: name, value, and so on.
func (d *drive) option(t *testing.T, pairs ...string) {
	t.Helper()
	text := `<cluster_property_set id="cib-bootstrap-options">`
	for i := 0; i+1 < len(pairs); i += 2 {
		text += fmt.Sprintf(`<nvpair id="cib-bootstrap-options-%[1]s" name="%[1]s" value="%[2]s"/>`, pairs[i], pairs[i+1])
	}
	for _, h := range d.Hosts {
		if h.Up() {
			d.Change(h.Name, cib.Request{Op: cib.Modify, Section: "crm_config", CanCreate: true, Data: parse(t, text+`</cluster_property_set>`)}, nil)
			return
		}
	}
}

// With shutdown-lock a resource waits for the node that ran it until it was shut down, and starts there again; when shutdown-lock-limit has passed it
// runs elsewhere. Who is DC does not matter, nor that it changes meanwhile.
func TestShutdownLock(t *testing.T) {
	for seed := uint64(1); seed <= 2*seeds; seed++ {
		d := up(t, seed, 3, seed%2 == 0)
		d.option(t, "shutdown-lock", "true", "shutdown-lock-limit", "120s")
		d.Run(5 * time.Second)
		calm(t, d)
		h := one(t, d)
		locks := func() (n int) {
			for _, o := range d.Hosts {
				if o.Up() {
					for _, r := range o.pcmk.core.Replica.Root().FindElements("./status/node_state/lrm/lrm_resources/lrm_resource[@shutdown-lock]") {
						if r.SelectAttrValue("shutdown-lock", "0") != "0" {
							n++
						}
					}
					break
				}
			}
			return n
		}
		h.StopCluster()
		d.Run(20 * time.Second)
		if on := d.Running("P1"); len(on) != 0 || locks() != 1 {
			t.Fatalf("seed %d: it does not wait: on %v, %d locks\n%s", seed, on, locks(), d.Dump())
		}
		if seed%4 < 2 {
			for _, o := range d.Hosts {
				if o.Up() && o.pcmk.core.Controller.IsDC() {
					o.KillPacemaker() // the next DC knows as much
					break
				}
			}
			d.Run(30 * time.Second)
			if on := d.Running("P1"); len(on) != 0 || locks() != 1 {
				t.Fatalf("seed %d: it does not wait under another DC: on %v, %d locks\n%s", seed, on, locks(), d.Dump())
			}
		}
		h.StartCluster()
		d.Run(30 * time.Second)
		calm(t, d)
		if on := one(t, d); on != h || locks() != 0 {
			t.Fatalf("seed %d: on %s, not %s; %d locks\n%s", seed, on.Name, h.Name, locks(), d.Dump())
		}
		h.StopCluster()
		d.Run(60 * time.Second)
		if on := d.Running("P1"); len(on) != 0 {
			t.Fatalf("seed %d: it runs on %v\n%s", seed, on, d.Dump())
		}
		d.Run(90 * time.Second)
		one(t, d, h.Name)
	}
}

// With node-pending-timeout a node whose corosync runs and whose pacemaker does not come is fenced when that is over; also where that is set only
// later. Without, and when it comes in time, it is not.
func TestNodePendingTimeout(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		for _, x := range []struct {
			name         string
			before, late bool          // it is set, or set when the node is pending
			comes        time.Duration // after its corosync
			fenced       bool
		}{
			{"set before", true, false, time.Hour, true},
			{"set later", false, true, time.Hour, true},
			{"in time", true, false, 20 * time.Second, false},
			{"not set", false, false, time.Hour, false},
		} {
			d := up(t, seed, 3, true)
			if x.before {
				d.option(t, "node-pending-timeout", "60s")
			}
			h := d.Hosts[2]
			h.StopCluster()
			d.Run(20 * time.Second)
			h.StartCluster()
			h.Fenced = true // so its pacemaker is not started
			d.at(x.comes, func() { h.StartCluster() })
			d.Run(10 * time.Second)
			if x.late {
				d.option(t, "node-pending-timeout", "60s")
			}
			d.Run(30 * time.Second)
			if d.Fences[h.Name] > 0 {
				t.Fatalf("%s, seed %d: fenced before its time\n%s", x.name, seed, d.Dump())
			}
			d.Run(60 * time.Second)
			if got := d.Fences[h.Name] > 0; got != x.fenced {
				t.Fatalf("%s, seed %d: fenced %d times\n%s", x.name, seed, d.Fences[h.Name], d.Dump())
			}
			if d.Broken() != nil {
				t.Fatalf("%s, seed %d: %v", x.name, seed, d.Broken())
			}
		}
	}
}

// Of two nodes that lose sight of each other the one that runs what has priority fences first: the other waits for priority-fencing-delay.
func TestPriorityFencingDelay(t *testing.T) {
	for seed := uint64(1); seed <= 2*seeds; seed++ {
		d := up(t, seed, 2, true)
		d.Change("node1", cib.Request{Op: cib.Modify, Section: "resources", Data: parse(t,
			`<primitive id="P1"><meta_attributes id="P1-priority"><nvpair id="P1-priority-1" name="priority" value="10"/></meta_attributes></primitive>`)}, nil)
		d.option(t, "priority-fencing-delay", "60s")
		d.Run(10 * time.Second)
		calm(t, d)
		h := one(t, d)
		other := d.Hosts[0]
		if other == h {
			other = d.Hosts[1]
		}
		d.net.part([]uint32{h.ID}, true)
		d.Run(50 * time.Second)
		d.net.part([]uint32{h.ID}, false)
		d.Run(2 * time.Minute)
		calm(t, d)
		if d.Fences[h.Name] > 0 || d.Fences[other.Name] == 0 || d.Broken() != nil {
			t.Fatalf("seed %d: %s, which has what has priority, was fenced %d times, %s %d times; %v\n%s", seed, h.Name, d.Fences[h.Name], other.Name, d.Fences[other.Name], d.Broken(), d.Dump())
		}
		one(t, d, other.Name)
	}
}

// twoOfAllCome has all hosts lose power, and the first two get it back; fencing is counted from then on.
func twoOfAllCome(d *drive) {
	for _, h := range d.Hosts {
		h.PowerOff()
	}
	d.Fences = map[string]int{}
	for _, h := range d.Hosts[:2] {
		h.Boot()
	}
}

// A node that was not seen since all were started is fenced, unless startup-fencing is off.
func TestStartupFencing(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		for _, value := range []string{"true", "false"} {
			d := up(t, seed, 3, true)
			d.option(t, "startup-fencing", value)
			d.Run(5 * time.Second)
			twoOfAllCome(d)
			d.Run(60 * time.Second)
			if fenced := d.Fences["node3"] > 0; fenced != (value == "true") {
				t.Fatalf("seed %d: startup-fencing=%s: fenced %d times\n%s", seed, value, d.Fences["node3"], d.Dump())
			}
			one(t, d)
		}
	}
}

// Hosts that get their power back together are not up together: one that comes some seconds later is not fenced, and the others start when it is there. One that
// does not come within dc-deadtime is.
func TestLateHostIsAwaited(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		for _, c := range []struct {
			deadtime string
			late     time.Duration
			fenced   bool
		}{{"", 15 * time.Second, false}, {"5s", 15 * time.Second, true}, {"40s", 30 * time.Second, false}} {
			d := up(t, seed, 3, true)
			if c.deadtime != "" {
				d.option(t, "dc-deadtime", c.deadtime)
			}
			d.Run(5 * time.Second)
			twoOfAllCome(d)
			d.Run(c.late)
			if h := d.Host("node3"); !h.Up() {
				h.Boot()
			}
			d.Run(3 * time.Minute)
			if fenced := d.Fences["node3"] > 0; fenced != c.fenced || d.Fences["node1"]+d.Fences["node2"] > 0 || d.Broken() != nil {
				t.Fatalf("seed %d: %+v: fenced: %v; %v\n%s", seed, c, d.Fences, d.Broken(), d.Dump())
			}
			one(t, d)
		}
	}
}

// A host of a cluster that starts whose corosync is there in time, and whose pacemaker comes much later, is not fenced: it is pending.
func TestPendingHostIsAwaited(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		d := up(t, seed, 3, true)
		d.Run(5 * time.Second)
		twoOfAllCome(d)
		d.Run(10 * time.Second)
		h := d.Hosts[2]
		h.Boot()
		h.Fenced = true // so its pacemaker is not started
		d.Run(time.Minute)
		h.StartCluster()
		d.Run(2 * time.Minute)
		if len(d.Fences) > 0 || d.Broken() != nil {
			t.Fatalf("seed %d: fenced: %v; %v\n%s", seed, d.Fences, d.Broken(), d.Dump())
		}
		one(t, d)
	}
}

// Hosts that are asked to stop the cluster while it still waits for a node that nobody has seen do so, and fence nobody: all of them at once, or one,
// before that node comes after all.
func TestStopWhileGathering(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		for _, stopped := range []int{1, 2} {
			d := up(t, seed, 3, true)
			twoOfAllCome(d)
			leads := func(h *Host) bool { return h.Up() && h.pcmk != nil && h.pcmk.core.Controller.IsDC() }
			for at := 0; !slices.ContainsFunc(d.Hosts, leads); at++ {
				if at == 100 {
					t.Fatalf("seed %d: no DC after 10 s\n%s", seed, d.Dump())
				}
				d.Run(100 * time.Millisecond)
			}
			for _, h := range d.Hosts[:stopped] {
				h.StopCluster()
			}
			if stopped == 1 {
				d.Run(5 * time.Second)
				d.Hosts[2].Boot()
			}
			d.Run(60 * time.Second)
			for i, h := range d.Hosts {
				if runs := h.pcmk != nil; runs != (stopped == 1 && i > 0) || d.Fences[h.Name] != 0 {
					t.Fatalf("seed %d, %d stopped: %s: runs %v, fenced %d times\n%s", seed, stopped, h.Name, runs, d.Fences[h.Name], d.Dump())
				}
			}
		}
	}
}

// Without enable-startup-probes nobody looks what runs on a node that comes, and with stop-all-resources nothing runs.
func TestProbesAndStopAll(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
		for _, value := range []string{"true", "false"} {
			d := up(t, seed, 3, false)
			h := one(t, d)
			d.option(t, "enable-startup-probes", value)
			idle := d.Hosts[0]
			if idle == h {
				idle = d.Hosts[1]
			}
			idle.StopCluster()
			d.Run(10 * time.Second)
			idle.StartCluster()
			d.Run(20 * time.Second)
			history := h.pcmk.core.Replica.Root().FindElement(fmt.Sprintf("./status/node_state[@uname='%s']/lrm/lrm_resources/lrm_resource[@id='P1']", idle.Name))
			if (history != nil) != (value == "true") {
				t.Fatalf("seed %d: enable-startup-probes=%s: looked: %v\n%s", seed, value, history != nil, d.Dump())
			}
			d.option(t, "stop-all-resources", "true")
			d.Run(10 * time.Second)
			if on := d.Running("P1"); len(on) > 0 {
				t.Fatalf("seed %d: it runs on %v\n%s", seed, on, d.Dump())
			}
			d.option(t, "stop-all-resources", "false")
			d.Run(10 * time.Second)
			one(t, d)
		}
	}
}
