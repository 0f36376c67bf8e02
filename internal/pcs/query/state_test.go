package query

import (
	"testing"
	"time"

	"hacluster/engine/status"
	"hacluster/internal/pcs/doc"
)

const cluster2 = `<cib validate-with="pacemaker-3.9" have-quorum="1" dc-uuid="1"><configuration><crm_config/>
<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources>
<clone id="C"><meta_attributes id="m"><nvpair id="m1" name="globally-unique" value="true"/></meta_attributes>
<group id="G"><primitive id="A" class="ocf" provider="heartbeat" type="Dummy"/><primitive id="B" class="ocf" provider="heartbeat" type="Dummy"/></group></clone>
<primitive id="P" class="ocf" provider="heartbeat" type="Dummy"/>
</resources><constraints/></configuration><status>
<node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources>
<lrm_resource id="A:0" class="ocf" provider="heartbeat" type="Dummy"><lrm_rsc_op id="A:0_last_0" operation="start" operation_key="A:0_start_0" call-id="1" rc-code="0" op-status="0" interval="0" transition-key="1:1:0:x" transition-magic="0:0;1:1:0:x"/></lrm_resource>
</lrm_resources></lrm></node_state>
<node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"/></status></cib>`

// TestState asks a clone of a group, of which one member of one instance runs.
func TestState(t *testing.T) {
	root, err := doc.Parse([]byte(cluster2))
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := read(status.Read(status.Input{CIB: root, Now: time.Unix(1, 0)}))
	if err != nil {
		t.Fatal(err)
	}
	started, stopped := states["started"], states["stopped"]
	for _, x := range []struct {
		id   name
		test test
		want string // yes, no, or an error
	}{
		{name{"A", ""}, test{conditions: started}, "yes"},
		{name{"A", ""}, test{conditions: started, instances: all}, "no"},
		{name{"A", "0"}, test{conditions: started}, "yes"},
		{name{"A", "1"}, test{conditions: started}, "no"},
		{name{"A", ""}, test{conditions: started, onNode: true, node: "n2"}, "no"},
		{name{"G", ""}, test{conditions: started}, "no"},
		{name{"G", ""}, test{conditions: started, members: anyOf}, "yes"},
		{name{"G", "1"}, test{conditions: started, members: none}, "yes"},
		{name{"C", ""}, test{conditions: stopped}, "yes"},
		{name{"C", ""}, test{conditions: started, members: anyOf, instances: all}, "no"},
		{name{"C", ""}, test{conditions: states["managed"]}, "yes"},
		{name{"P", ""}, test{conditions: started, instances: all}, errInstances.Error()},
		{name{"P", ""}, test{conditions: started, members: all}, errMembers.Error()},
		{name{"Q", ""}, test{conditions: started}, "Resource 'Q' does not exist"},
	} {
		yes, err := c.check(x.id, &x.test)
		got := map[bool]string{true: "yes", false: "no"}[yes]
		if err != nil {
			got = err.Error()
		}
		if got != x.want {
			t.Errorf("%v %+v: %s, want %s", x.id, x.test, got, x.want)
		}
	}
}
