package dryrun_test

import (
	"testing"

	"hacluster/cib/xml"
	"hacluster/engine/scheduler"
	"hacluster/engine/transition/dryrun"
)

// TestTwins: what a node's state holds twice is merged into the first when something is written.
// A result is written there as well, and lost with the next write, as the original loses it: then
// the words of the second win.
func TestTwins(t *testing.T) {
	const op = `<lrm_rsc_op id="r_last_0" operation="start" operation_key="r_start_0" call-id="5" rc-code="0" op-status="0" interval="0" transition-key="1:1:0:x" transition-magic="0:0;1:1:0:x"/>`
	doc, err := xml.ParseString(`<cib crm_feature_set="3.19.7" validate-with="pacemaker-4.0" have-quorum="1"><configuration><crm_config/><nodes><node id="1" uname="n1"/></nodes><resources><primitive id="r" class="ocf" provider="lab" type="Dummy"/></resources><constraints/></configuration><status>` +
		`<node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources>` +
		`<lrm_resource id="r" class="ocf" provider="lab" type="Dummy">` + op + `<lrm_rsc_op id="x" operation="monitor" call-id="1"/></lrm_resource>` +
		`<lrm_resource id="r" class="ocf" provider="lab" type="Dummy">` + op + `<lrm_rsc_op id="y" operation="monitor" call-id="2"/></lrm_resource>` +
		`</lrm_resources></lrm></node_state></status></cib>`)
	if err != nil {
		t.Fatal(err)
	}
	res, err := scheduler.Plan(scheduler.Input{CIB: doc.Root, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	sim := &dryrun.Simulation{CIB: doc.Root, Now: now}
	if err := sim.Inject(&dryrun.Changes{Ops: []string{"r_stop_0@n1=0"}}, res.Cluster); err != nil {
		t.Fatal(err)
	}
	first := func() (entries string) {
		for _, e := range doc.Root.FindElement(".//lrm_resource").ChildElements() {
			entries += e.SelectAttrValue("id", "") + ":" + e.SelectAttrValue("operation", "") + ":" + e.SelectAttrValue("call-id", "") + " "
		}
		return entries
	}
	if want := "r_last_0:stop:1 x:monitor:1 y:monitor:2 "; first() != want {
		t.Errorf("the first history holds %s, want %s", first(), want)
	}
	if err := sim.Inject(&dryrun.Changes{Up: []string{"n1"}}, res.Cluster); err != nil {
		t.Fatal(err)
	}
	if want := "r_last_0:start:5 x:monitor:1 y:monitor:2 "; first() != want {
		t.Errorf("after the next write, the first history holds %s, want %s", first(), want)
	}
	histories := doc.Root.FindElements(".//lrm_resource")
	if len(histories) != 2 {
		t.Fatalf("%d histories", len(histories))
	}
	if n := len(histories[1].ChildElements()); n != 2 {
		t.Errorf("the second history holds %d entries", n)
	}
}

// TestForgetTwins: of two histories of a node that goes down, the first is forgotten.
func TestForgetTwins(t *testing.T) {
	const history = `<lrm id="1"><lrm_resources><lrm_resource id="r" class="ocf" provider="lab" type="Dummy"/></lrm_resources></lrm>`
	doc, err := xml.ParseString(`<cib crm_feature_set="3.19.7" validate-with="pacemaker-4.0" have-quorum="1"><configuration><crm_config/><nodes><node id="1" uname="n1"/></nodes><resources/><constraints/></configuration><status>` +
		`<node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member">` + history + history + `<transient_attributes id="1"/></node_state></status></cib>`)
	if err != nil {
		t.Fatal(err)
	}
	res, err := scheduler.Plan(scheduler.Input{CIB: doc.Root, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	sim := &dryrun.Simulation{CIB: doc.Root, Now: now}
	if err := sim.Inject(&dryrun.Changes{Down: []string{"n1"}}, res.Cluster); err != nil {
		t.Fatal(err)
	}
	if n := len(doc.Root.FindElements(".//lrm")); n != 1 {
		t.Errorf("%d histories are left", n)
	}
	if doc.Root.FindElement(".//transient_attributes") != nil {
		t.Error("transient attributes are left")
	}
}
