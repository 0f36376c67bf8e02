package controller

import (
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"hacluster/cib"
	"hacluster/engine/transition"
)

// ordersTo are the keys of the steps that were ordered of a node.
func (w *alone) ordersTo(node string) (keys []string) {
	for _, m := range w.sent {
		if m.SelectAttrValue("crm_task", "") == "lrm_invoke" && m.SelectAttrValue("crm_host_to", "") == node {
			keys = append(keys, m.FindElement("crm_xml/rsc_op").SelectAttrValue("operation_key", ""))
		}
	}
	return keys
}

// confirmed brings a DC to where a second node has joined, and carries out plans from then on.
func confirmed(plans ...*transition.Graph) *alone {
	w, _ := together()
	w.plans = plans
	w.joins("n2", "2")
	return w
}

// joins has a node do its part in the DC's join of that number.
func (w *alone) joins(node, id string) {
	w.c.Deliver(w.c.now, node, w.c.message("join_request", "n1", "join_id", id, "digest", w.c.peer("n1").digest, termAttr, cib.Term{}.String()))
	w.settle()
	w.c.Deliver(w.c.now, node, w.c.message("join_confirm", "n1", "join_id", id, writesAttr, "true"))
	w.settle()
}

// probeOver is a plan that looks at a resource over a node's connection to a remote node.
func probeOver(node string) *transition.Graph {
	s := rscOp("monitor", "r_monitor_0", 0, transition.Attr{Name: "CRM_meta_op_target_rc", Value: "7"})
	s.Action.Node, s.Action.Router = "far", node
	return chain(s)
}

// Nothing is ordered over a connection of a node that has not confirmed the last join; that is looked at again later, or after the next join.
func TestNoStepsOfWhoTakesNoPart(t *testing.T) {
	w, _ := together()
	w.plans = []*transition.Graph{probeOver("n2")}
	w.c.Tick(w.c.now.Add(DefaultTiming.Integration))
	w.settle()
	if got := w.ordersTo("n2"); got != nil || w.c.run != nil || w.c.State() != Idle {
		t.Errorf("ordered %v, %s", got, w.c.Describe())
	}
	if due := w.c.Deadline(); due.Sub(w.c.now) != absentAgain {
		t.Errorf("due in %v", due.Sub(w.c.now))
	}
	if got := confirmed(probeOver("n2")).ordersTo("n2"); !slices.Equal(got, []string{"r_monitor_0"}) {
		t.Errorf("of who takes part: %v", got)
	}
}

// Steps of a plan are for the DC to order, and whoever else has ordered them hears that they are not done; what a person asks for comes from any node.
func TestOrdersOfOthers(t *testing.T) {
	w := begin()
	for _, x := range []struct {
		from, operation string
		done            bool
	}{{"n1", "start", true}, {"n2", "start", false}, {"n2", "cancel", false}, {"n2", "delete", true}, {"n2", "asyncmon", true}} {
		w.executed, w.sent = nil, nil
		m := w.c.message("lrm_invoke", "n1")
		order := m.CreateElement("crm_xml").CreateElement("rsc_op")
		order.CreateAttr("operation", x.operation)
		order.CreateAttr("transition-key", "4:3:7:other")
		w.c.Deliver(w.c.now, x.from, m)
		if got := len(w.executed) == 1; got != x.done {
			t.Errorf("%s of %s: done: %v", x.operation, x.from, got)
		}
		refused := slices.ContainsFunc(w.sent, func(m *etree.Element) bool {
			return m.SelectAttrValue("crm_task", "") == refusedTask && m.SelectAttrValue("crm_host_to", "") == x.from && strings.HasSuffix(m.SelectAttrValue("transition-magic", ""), ";4:3:7:other")
		})
		if refused == x.done {
			t.Errorf("%s of %s: refused: %v", x.operation, x.from, refused)
		}
	}
}

// A step that its node refuses is over, without a trace in the history. The next plan waits a while, for it may be refused again; after a join it does not.
func TestRefusedStep(t *testing.T) {
	for _, joins := range []bool{false, true} {
		w := confirmed(probeOver("n2"))
		key := w.c.key(w.c.run.graph.Synapses[0].Action)
		refuse := func(key string) {
			w.c.Deliver(w.c.now, "n2", w.c.message(refusedTask, "n1", "transition-magic", "1:193;"+key))
		}
		refuse("x" + key)
		refuse(key + "x")
		if w.c.run == nil || w.c.run.fired != 1 {
			t.Fatal("the refusal of another step counts")
		}
		plans := w.planned
		if joins {
			w.c.offer()
		}
		w.updates = nil
		refuse(key)
		if joins {
			w.settle()
			w.joins("n2", "3")
		}
		w.settle()
		for _, u := range w.updates {
			if u.Data != nil && u.Data.FindElement("//lrm_rsc_op") != nil {
				t.Errorf("with a join: %v: the history has it", joins)
			}
		}
		if w.planned > plans != joins {
			t.Errorf("with a join: %v: %d plans, then %d", joins, plans, w.planned)
		}
		if joins {
			continue
		}
		if due := w.c.Deadline(); due.Sub(w.c.now) != refusedAgain {
			t.Errorf("due in %v", due.Sub(w.c.now))
		}
		w.c.Tick(w.c.now.Add(refusedAgain))
		w.settle()
		if w.planned != plans+1 || w.c.State() != Idle {
			t.Errorf("%d plans, then %d, %s", plans, w.planned, w.c.Describe())
		}
	}
}
