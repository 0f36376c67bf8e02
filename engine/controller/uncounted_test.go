package controller

import (
	"slices"
	"testing"
	"time"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/replica"
)

// A failure that the DC was lost with is counted by the node where it happened when another DC takes that in; one that the DC had counted,
// or that somebody had forgotten meanwhile, is not, nor is a probe's.
func TestFailureThatTheDCDidNotCount(t *testing.T) {
	const lost = "one that was lost, which the DC itself writes"
	for _, x := range []struct {
		name, operation, interval string
		then                      func(w *alone)
		want                      []string
	}{
		{"a stop", "stop", "0", nil, []string{"fail-count-r#stop_0", "last-failure-r#stop_0"}},
		{"a stop, with the DC back after it left", "stop", "0", func(w *alone) {
			w.c.Group(w.c.now, []Member{{1, "n1"}, {2, "n2"}})
			w.c.Group(w.c.now, []Member{{3, "n0"}, {1, "n1"}, {2, "n2"}})
		}, []string{"fail-count-r#stop_0", "last-failure-r#stop_0"}},
		{lost, "start", "0", nil, []string{"fail-count-r#start_0", "last-failure-r#start_0"}},
		{"a monitor", "monitor", "10000", nil, []string{"fail-count-r#monitor_10000", "last-failure-r#monitor_10000"}},
		{"a probe", "monitor", "0", nil, nil},
		{"one to be ignored", "start", "0", func(w *alone) {
			// It was ordered so.
			k := counted{"n1", "last-failure-r#start_0"}
			f := w.c.uncounted[k]
			f.ignored = true
			w.c.uncounted[k] = f
		}, []string{"last-failure-r#start_0"}},
		{"a counted one", "stop", "0", func(w *alone) {
			state := etree.NewElement("node_state")
			state.CreateAttr("uname", "n1")
			state.CreateElement("transient_attributes").CreateElement("instance_attributes").CreateElement("nvpair").CreateAttr("name", "fail-count-r#stop_0")
			w.c.CIBChanged(w.c.now, replica.Change{Op: cib.Modify, Section: "status", Data: state, Node: "n0", Client: ClientAttributes})
		}, nil},
		{"one with the DC there for long", "stop", "0", func(w *alone) { w.c.Tick(w.c.Deadline()) }, nil},
		{"a forgotten one", "stop", "0", func(w *alone) {
			m := w.c.message("lrm_invoke", "n1")
			order := m.CreateElement("crm_xml").CreateElement("rsc_op")
			order.CreateAttr("operation", "delete")
			order.CreateAttr("on_node", "n1")
			order.CreateElement("primitive").CreateAttr("id", "r")
			w.c.Deliver(w.c.now, "n0", m)
		}, nil},
	} {
		w := begin()
		all := []Member{{3, "n0"}, {1, "n1"}, {2, "n2"}}
		w.c.Membership(w.c.now, all, true)
		w.c.Group(w.c.now, all)
		joins := func(dc string) {
			w.c.dc = "" // it has given up the role
			w.c.state = Pending
			w.c.Deliver(w.c.now, dc, w.c.message("join_offer", "", "join_id", "1"))
			w.c.Deliver(w.c.now, dc, w.c.message("join_ack_nack", "n1", "join_id", "1", "join_ack_nack", "true"))
		}
		joins("n0")
		state := etree.NewElement("node_state")
		state.CreateAttr("uname", "n1")
		op := state.CreateElement("lrm").CreateElement("lrm_resources").CreateElement("lrm_resource").CreateElement("lrm_rsc_op")
		for _, a := range [][2]string{
			{"id", "r_last_failure_0"}, {"operation_key", "r_" + x.operation + "_" + x.interval}, {"operation", x.operation}, {"interval", x.interval}, {"transition-magic", "0:1;1:2:0:other"},
		} {
			op.CreateAttr(a[0], a[1])
		}
		client, writer := ClientExecutor, "n1"
		if x.name == lost {
			client, writer = ClientController, "n0"
			op.CreateAttr(originAttr, lostOrigin)
		}
		w.c.CIBChanged(w.c.now, replica.Change{Client: client, Node: writer, Op: cib.Modify, Section: "status", Data: state})
		if due := w.c.Deadline(); len(x.want) > 0 && due.After(w.c.now.Add(countsWithin)) && !due.Equal(time.Time{}) {
			t.Errorf("%s: it is kept until %s", x.name, due)
		}
		if x.then != nil {
			x.then(w)
		}
		w.set = nil
		joins("n0") // the same DC is about to count
		joins("n2")
		joins("n0") // not twice
		got := slices.DeleteFunc(w.set, func(n string) bool { return n == "#feature-set" })
		if !slices.Equal(got, x.want) {
			t.Errorf("%s: set %v, want %v", x.name, got, x.want)
		}
	}
}

// What a DC writes that was lost is for those to count who keep that history: the node itself, and who is connected to a remote node.
func TestLostElsewhere(t *testing.T) {
	for _, x := range []struct {
		node, writer string
		kept         bool
	}{{"n1", "n2", true}, {"far", "n2", true}, {"n3", "n2", false}, {"n1", "n1", false}} {
		w := begin()
		w.c.release("a test")
		w.remotes = []string{"far"}
		w.c.CIBChanged(w.c.now, replica.Change{Client: ClientController, Node: x.writer, Op: cib.Modify, Section: "status", Data: element(t, `<node_state uname="`+x.node+`"><lrm><lrm_resources><lrm_resource id="r">
			<lrm_rsc_op id="r_last_failure_0" operation_key="r_stop_0" operation="stop" interval="0" transition-magic="2:1;1:2:0:other" crm-debug-origin="`+lostOrigin+`"/></lrm_resource></lrm_resources></lrm></node_state>`)})
		if got := len(w.c.uncounted) == 1; got != x.kept {
			t.Errorf("of %s, by %s: %v", x.node, x.writer, w.c.uncounted)
		}
	}
}
