package simulate

import (
	"strings"
	"testing"
	"time"

	"hacluster/cib/xml"
	"hacluster/engine/status"
	"hacluster/internal/output/screen"
)

// TestFailCounts: -c tells of fail counts and failed operations after the
// resources, and nothing does without it.
func TestFailCounts(t *testing.T) {
	doc, err := xml.ParseString(`<cib crm_feature_set="3.19.7" have-quorum="1"><configuration><crm_config/><nodes><node id="1" uname="n1"/></nodes><resources><primitive id="r" class="ocf" provider="lab" type="Dummy"/></resources><constraints/></configuration><status><node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"><transient_attributes id="1"><instance_attributes id="s"><nvpair id="f" name="fail-count-r#monitor_10000" value="2"/><nvpair id="l" name="last-failure-r#monitor_10000" value="1699999000"/></instance_attributes></transient_attributes><lrm id="1"><lrm_resources><lrm_resource id="r" class="ocf" provider="lab" type="Dummy"><lrm_rsc_op id="r_last_failure_0" operation="monitor" operation_key="r_monitor_10000" call-id="9" rc-code="1" op-status="0" interval="10000" transition-key="2:1:0:11111111-1111-1111-1111-111111111111" transition-magic="0:1;2:1:0:11111111-1111-1111-1111-111111111111"/></lrm_resource></lrm_resources></lrm></node_state></status></cib>`)
	if err != nil {
		t.Fatal(err)
	}
	for _, asked := range []bool{true, false} {
		var b strings.Builder
		c := status.Read(status.Input{CIB: doc.Root, Now: time.Unix(1700000000, 0), NoConstraints: true})
		text := &Text{W: &b}
		if asked {
			text.Sections = screen.FailCounts | screen.Failures
		}
		text.Status("Current cluster status", c, true)
		for _, want := range []string{"  * Migration Summary:\n    * Node: n1:\n      * r: ", "  * Failed Resource Actions:\n    * r_monitor_10000 on n1 "} {
			if strings.Contains(b.String(), want) != asked {
				t.Errorf("asked %v, %q in\n%s", asked, want, b.String())
			}
		}
	}
}
