package controller

import (
	"testing"
	"time"

	"hacluster/cib"
)

// One cleanup leads to one plan: when the count of a failure is forgotten a plan waits for the history to be forgotten, but not for long.
func TestCleanup(t *testing.T) {
	const (
		history = `<node_state id="1" uname="n1"><lrm id="1"><lrm_resources><lrm_resource id="r"><lrm_rsc_op id="r_last_failure_0" operation_key="r_start_0" operation="start" interval="0"/></lrm_resource></lrm_resources></lrm>` +
			`<transient_attributes id="1"><instance_attributes id="status-1"><nvpair id="status-1-fail-count-r.start_0" name="fail-count-r#start_0" value="INFINITY"/><nvpair id="status-1-x" name="x" value="1"/></instance_attributes></transient_attributes></node_state>`
		attribute = "/cib/status/node_state[@id='1']/transient_attributes//nvpair[@id='status-1-"
	)
	begun := func() (w *alone, remove func(path, client string) int) {
		w = begin()
		w.root.SelectElement("status").AddChild(element(t, history))
		before := w.planned
		return w, func(path, client string) int {
			w.apply(t, client, cib.Request{Op: cib.Delete, XPath: true, Section: path})
			w.settle()
			return w.planned - before
		}
	}
	_, remove := begun()
	if n := remove(attribute+"fail-count-r.start_0']", ClientAttributes); n != 0 {
		t.Errorf("%d plans before the history is gone", n)
	}
	if n := remove("/cib/status/node_state[@id='1']/lrm/lrm_resources/lrm_resource[@id='r']", ClientExecutor); n != 1 {
		t.Errorf("%d plans when it is, want 1", n)
	}
	_, remove = begun()
	if n := remove(attribute+"x']", ClientAttributes); n != 1 {
		t.Errorf("%d plans for another attribute, want 1", n)
	}
	w, remove := begun()
	remove(attribute+"fail-count-r.start_0']", ClientAttributes)
	before := w.planned
	for now := time.Unix(1000, 0); w.planned == before; {
		next := w.c.Deadline()
		if next.After(now.Add(time.Second)) {
			t.Fatal("nothing is planned where the history stays")
		}
		w.c.Tick(next)
		w.settle()
	}
}
