package fencer

import (
	"fmt"
	"testing"
	"time"
)

// Two parts of a cluster meet: whoever tells first, all know of the fencing of both, and nobody tells what is known already.
func TestPartsShareTheirHistory(t *testing.T) {
	g := newGroup(t, "", "n1", "n2", "n3")
	for i, n := range g.names {
		g.nodes[n].f.remember(Record{ID: n, Target: "x", State: Done, At: time.Unix(int64(100-i), 0)})
		g.nodes[n].f.remember(Record{ID: "of all", Target: "x", State: Failed, At: time.Unix(50, int64(200-i))})
		g.nodes[n].f.remember(Record{ID: "under way on " + n, Target: "x", State: Executing, At: time.Unix(200, 0)})
	}
	g.nodes["n1"].f.remember(Record{ID: "led by another", Target: "x", State: Failed, At: time.Unix(40, 0)})
	g.nodes["n3"].f.remember(Record{ID: "led by another", Target: "x", State: Done, Delegate: "n3", At: time.Unix(40, 0)})
	for range 2 {
		g.nodes["n2"].f.Share()
		g.run()
		for _, n := range g.names {
			var ids []string
			for _, r := range g.nodes[n].f.History("") {
				if r.ID == "led by another" && r.State != Done {
					t.Errorf("%s takes %s for failed, which another one knows to have succeeded", n, r.ID)
				}
				if at := time.Unix(50, 198); r.ID == "of all" && !r.At.Equal(at) {
					t.Errorf("%s: %s ended at %v, which the first noted at %v", n, r.ID, r.At, at)
				}
				if r.State > Executing {
					ids = append(ids, r.ID)
				}
			}
			if len(ids) != 5 || ids[0] != "n1" || ids[3] != "of all" {
				t.Errorf("%s knows of %v", n, ids)
			}
		}
	}
}

// What is under way did not fail, though a part of the cluster that had lost the node which leads it says so.
func TestUnderWayDidNotFail(t *testing.T) {
	g := newGroup(t, fmt.Sprintf(pair, ""), "n1", "n2", "n3")
	g.answer = good
	got := g.fence("n1", Request{Target: "n2", Action: "off", Client: ClientController})
	g.until(func() bool { return len(g.nodes["n3"].f.pending) > 0 })
	lost := *g.nodes["n3"].f.history[0]
	lost.State, lost.Reason = Failed, "Originator n1 left"
	g.nodes["n2"].f.remember(lost)
	g.nodes["n2"].f.pending = nil
	g.nodes["n2"].f.Share()
	for len(g.queue) > 0 {
		g.step()
		for _, n := range []string{"n1", "n3"} {
			if r := g.nodes[n].f.History("n2")[0]; g.runs() == "" && r.State > Executing {
				t.Fatalf("to %s it has ended: %+v", n, r)
			}
		}
	}
	if r := g.nodes["n3"].f.History("n2")[0]; len(*got) != 1 || r.State != Done {
		t.Errorf("then: %v, %+v", *got, r)
	}
}

// That no device reaches a target the code says; no reason stands beside it. When it ended is told to the nanosecond.
func TestRecordAsToolsReadIt(t *testing.T) {
	at := time.Unix(50, 123456789)
	for reason, want := range map[string]string{noDevice: "", "broken": "broken"} {
		r := Record{ID: "x", Target: "n", State: Failed, Code: NoDevice, Reason: reason, At: at}
		e := r.Element()
		for name, value := range map[string]string{"exit-reason": want, "op-status": "10", "st_date": "50", "st_date_nsec": "123456789"} {
			if got := e.SelectAttrValue(name, ""); got != value {
				t.Errorf("%s: %s is %q, want %q", reason, name, got, value)
			}
		}
	}
	g := newGroup(t, "", "n1", "n2")
	g.now = at
	g.nodes["n1"].f.Fence(g.now, Request{Target: "n9", Action: "off", Client: "test", Timeout: time.Minute}, func(error) {})
	g.run()
	for _, n := range g.names {
		if h := g.nodes[n].f.History("n9"); len(h) != 1 || h[0].State != Failed || !h[0].At.Equal(g.now) {
			t.Errorf("%s: %+v", n, h)
		}
	}
}
