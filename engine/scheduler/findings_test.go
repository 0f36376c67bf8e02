package scheduler_test

import (
	"strings"
	"testing"
	"time"

	"hacluster/cib/xml"
	"hacluster/engine/scheduler"
	"hacluster/engine/status"
)

// TestFindings: a plan says what is wrong with what runs, for logs.
func TestFindings(t *testing.T) {
	const document = `<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0" have-quorum="QUORUM">
<configuration><crm_config><cluster_property_set id="o"><nvpair id="o1" name="stonith-enabled" value="FENCING"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources><primitive id="F" class="stonith" type="fence_x"/><primitive id="A" class="ocf" provider="heartbeat" type="Dummy"><meta_attributes id="m"><nvpair id="m1" name="migration-threshold" value="2"/></meta_attributes></primitive></resources>
<constraints/></configuration><status>
<node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources><lrm_resource id="A" class="ocf" provider="heartbeat" type="Dummy">ONE</lrm_resource></lrm_resources></lrm>
<transient_attributes id="1"><instance_attributes id="i">ATTRS</instance_attributes></transient_attributes></node_state>
<node_state id="2" uname="n2" in_ccm="SECOND" crmd="online" join="member" expected="member"><lrm id="2"><lrm_resources><lrm_resource id="A" class="ocf" provider="heartbeat" type="Dummy">TWO</lrm_resource></lrm_resources></lrm></node_state>
</status></cib>`
	op := func(operation, interval, rc string) string {
		return `<lrm_rsc_op id="A_` + operation + `" operation_key="A_` + operation + `_` + interval + `" operation="` + operation + `" crm_feature_set="3.19.0" transition-key="1:1:0:u" transition-magic="0:` + rc + `;1:1:0:u" call-id="5" rc-code="` + rc + `" op-status="0" interval="` + interval + `" last-rc-change="1600000000" exit-reason="why"/>`
	}
	for _, c := range []struct {
		name  string
		with  map[string]string
		warns []string
		errs  []string
	}{
		{name: "all is well"},
		{name: "a lost node", with: map[string]string{"SECOND": "false"}, warns: []string{"Cluster node n2 will be fenced: peer is no longer part of the cluster", "Scheduling node n2 for fencing"}},
		{name: "no quorum", with: map[string]string{"QUORUM": "0"}, warns: []string{"Fencing and resource management disabled due to lack of quorum"}},
		{
			name:  "a failed monitor",
			with:  map[string]string{"ONE": op("start", "0", "0") + op("monitor", "10000", "1")},
			warns: []string{"Unexpected result (Error occurred: why) was recorded for monitor of A on n1 at "},
		},
		{
			name:  "a stop failed that cannot be fenced",
			with:  map[string]string{"ONE": op("stop", "0", "5"), "FENCING": "false"},
			warns: []string{"Unexpected result (Not installed: why) was recorded for stop of A on n1 at "},
			errs:  []string{"No further recovery can be attempted for A because stop on n1 failed (Not installed: why) at "},
		},
		{
			name:  "too many failures",
			with:  map[string]string{"ATTRS": `<nvpair id="a1" name="fail-count-A#monitor_10000" value="2"/><nvpair id="a2" name="last-failure-A#monitor_10000" value="1600000000"/>`},
			warns: []string{"A cannot run on n1 due to reaching migration threshold (clean up resource to allow again)"},
		},
		{
			name: "in two places",
			with: map[string]string{"ONE": op("start", "0", "0"), "TWO": op("start", "0", "0")},
			errs: []string{"ocf resource A might be active on 2 nodes (attempting recovery)"},
		},
	} {
		text := document
		for _, k := range []string{"QUORUM", "FENCING", "ONE", "TWO", "ATTRS", "SECOND"} {
			v, ok := c.with[k]
			if !ok {
				v = map[string]string{"QUORUM": "1", "FENCING": "true", "SECOND": "true"}[k]
			}
			text = strings.Replace(text, k, v, 1)
		}
		d, err := xml.ParseString(text)
		if err != nil {
			t.Fatal(err)
		}
		r, err := scheduler.Plan(scheduler.Input{CIB: d.Root, Now: time.Unix(1600000100, 0), NoScores: true})
		if err != nil {
			t.Fatal(c.name, err)
		}
		got := map[status.Severity][]string{}
		for _, f := range r.Cluster.Findings {
			got[f.Severity] = append(got[f.Severity], f.Text)
		}
		for severity, want := range map[status.Severity][]string{status.Warning: c.warns, status.Error: c.errs} {
			if len(got[severity]) != len(want) {
				t.Errorf("%s: %q, want %q", c.name, got[severity], want)
				continue
			}
			for i, w := range want {
				if !strings.HasPrefix(got[severity][i], w) {
					t.Errorf("%s: %q, want %q", c.name, got[severity][i], w)
				}
			}
		}
	}
}
