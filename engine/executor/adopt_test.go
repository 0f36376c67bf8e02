package executor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hacluster/cib/xml"
)

func TestAdopt(t *testing.T) {
	doc, err := xml.ParseString(`<lrm id="far"><lrm_resources>
		<lrm_resource id="A" class="ocf" provider="p" type="t" container="c" shutdown-lock="77">
			<lrm_rsc_op id="A_last_0" operation_key="A_start_0" operation="start" interval="0" op-status="0" rc-code="0" call-id="12"/>
			<lrm_rsc_op id="A_monitor_5000" operation_key="A_monitor_5000" operation="monitor" interval="5000" op-status="-1" rc-code="193" call-id="-1"/>
			<lrm_rsc_op id="A_last_failure_0" operation_key="A_monitor_5000" operation="monitor" interval="5000" op-status="0" rc-code="7" call-id="15"/>
		</lrm_resource>
		<lrm_resource id="B" class="ocf" provider="p" type="t"><lrm_rsc_op id="B_last_0" operation_key="B_monitor_0" operation="monitor" interval="0" op-status="0" rc-code="7" call-id="3"/></lrm_resource>
	</lrm_resources></lrm>`)
	if err != nil {
		t.Fatal(err)
	}
	lrm := doc.Root
	if Pending(lrm) || Pending(nil) {
		t.Error("a check that is repeated counts as under way")
	}
	f := &fake{runs: map[uint64]Op{}}
	e := New(f)
	if got := e.Adopt("far", lrm); !slices.Equal(got, []string{"A_monitor_5000"}) {
		t.Errorf("what is to be ordered again: %v", got)
	}
	if got := e.Adopt("far", nil); got != nil {
		t.Errorf("of no history: %v", got)
	}
	if got := f.take(); got != "" {
		t.Errorf("it did %s", got)
	}
	text := string(xml.Compact(e.State("far")))
	for _, want := range []string{
		`<lrm_resource id="A" class="ocf" provider="p" type="t" container="c" shutdown-lock="77">`, `id="A_last_failure_0"`, `id="B_last_0" operation_key="B_monitor_0"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in %s", want, text)
		}
	}
	if strings.Contains(text, `id="A_monitor_5000"`) {
		t.Errorf("what recurred is in the history: %s", text)
	}
	// What comes later counts as later.
	now := time.Unix(1000, 0)
	e.Invoke(now, Op{Resource: "B", Class: "ocf", Provider: "p", Type: "t", Action: "start", Node: "far", Key: "1:2:0:uuid"})
	e.Finished(now, f.order[0], Result{})
	if text := string(xml.Compact(e.State("far"))); !strings.Contains(text, `operation_key="B_start_0"`) || !strings.Contains(text, `call-id="16"`) {
		t.Errorf("after a start: %s", text)
	}
	lrm.FindElement("//lrm_rsc_op[@id='B_last_0']").CreateAttr("op-status", "-1")
	if !Pending(lrm) {
		t.Error("a probe is under way")
	}
}
