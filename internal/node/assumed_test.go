package node

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hacluster/cib/xml"
	"hacluster/engine/transition"
)

// Without quorum, freeze recovers what ran here; what only a failed probe takes for active is
// stopped, and not started.
func TestFrozenRecovery(t *testing.T) {
	const (
		probe   = `<lrm_rsc_op id="r_last_0" operation_key="r_monitor_0" operation="monitor" interval="0" call-id="1" rc-code="%d" op-status="0" transition-key="1:1:7:u" transition-magic="0:%[1]d;1:1:7:u" crm_feature_set="3.19.0" op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8"/>`
		start   = `<lrm_rsc_op id="r_last_0" operation_key="r_start_0" operation="start" interval="0" call-id="2" rc-code="0" op-status="0" transition-key="2:1:0:u" transition-magic="0:0;2:1:0:u" crm_feature_set="3.19.0" op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8"/>`
		monitor = `<lrm_rsc_op id="r_last_failure_0" operation_key="r_monitor_10000" operation="monitor" interval="10000" call-id="3" rc-code="1" op-status="0" transition-key="3:1:0:u" transition-magic="0:1;3:1:0:u" crm_feature_set="3.19.0" op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8"/>`
	)
	failed := fmt.Sprintf(probe, 1)
	for _, x := range []struct {
		name, policy, quorum, requires, history string
		starts                                  bool
	}{
		{"failed probe", "freeze", "0", "quorum", failed, false},
		{"failed probe with quorum", "freeze", "1", "quorum", failed, true},
		{"failed probe, quorum ignored", "ignore", "0", "quorum", failed, true},
		{"failed probe, nothing required", "freeze", "0", "nothing", failed, true},
		{"failed monitor", "freeze", "0", "quorum", start + monitor, true},
		{"found failed in its promoted role", "freeze", "0", "quorum", fmt.Sprintf(probe, 9), true},
	} {
		doc, err := xml.ParseString(fmt.Sprintf(`<cib validate-with="pacemaker-4.0" admin_epoch="0" epoch="1" num_updates="0" have-quorum="%s" dc-uuid="1"><configuration>
<crm_config><cluster_property_set id="o"><nvpair id="o1" name="no-quorum-policy" value="%s"/><nvpair id="o2" name="fencing-enabled" value="false"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/></nodes>
<resources><group id="g"><primitive id="r" class="ocf" provider="pacemaker" type="Stateful"><meta_attributes id="m"><nvpair id="m1" name="requires" value="%s"/></meta_attributes><operations><op id="r-m" name="monitor" interval="10s"/></operations></primitive></group></resources><constraints/></configuration>
<status><node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources><lrm_resource id="r" class="ocf" provider="pacemaker" type="Stateful">%s</lrm_resource></lrm_resources></lrm></node_state></status></cib>`, x.quorum, x.policy, x.requires, x.history))
		if err != nil {
			t.Fatal(err)
		}
		logged := 0
		g, err := planOf(doc.Root, time.Unix(1000, 0), func(string, ...any) { logged++ })
		if err != nil {
			t.Fatal(err)
		}
		if (logged > 0) == x.starts {
			t.Errorf("%s: %d lines were logged", x.name, logged)
		}
		var keys []string
		for _, s := range g.Synapses {
			keys = append(keys, s.Action.Key)
		}
		for key, want := range map[string]bool{"r_stop_0": true, "r_start_0": x.starts, "r_monitor_10000": x.starts, "g_running_0": x.starts} {
			if slices.Contains(keys, key) != want {
				t.Errorf("%s: planned %v, %s: %v wanted", x.name, keys, key, want)
			}
		}
	}
}

// Without quorum, freeze does not start again here what was migrating live to a node that is lost: it may be there.
func TestFrozenMigration(t *testing.T) {
	const (
		entry = `<lrm_rsc_op id="r_%[1]s" operation_key="r_%[2]s_0" operation="%[2]s" interval="0" call-id="%[3]d" rc-code="%[4]d" op-status="0" transition-key="1:1:0:u" transition-magic="0:%[4]d;1:1:0:u" crm_feature_set="3.19.0" op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8" migrate_source="n1" migrate_target="n2"/>`
		lost  = `in_ccm="false" crmd="offline" join="down" expected="member"`
		down  = `in_ccm="false" crmd="offline" join="down" expected="down"`
		here  = `in_ccm="true" crmd="online" join="member" expected="member"`
	)
	started := fmt.Sprintf(entry, "last_0", "start", 1, 0)
	again := fmt.Sprintf(entry, "last_0", "start", 3, 0)
	moved := fmt.Sprintf(entry, "migrate_to_0", "migrate_to", 2, 0)
	moving := fmt.Sprintf(entry, "migrate_to_0", "migrate_to", 2, 1)
	const ill = `<lrm_rsc_op id="r_last_failure_0" operation_key="r_monitor_10000" operation="monitor" interval="10000" call-id="4" rc-code="1" op-status="0" transition-key="3:1:0:u" transition-magic="0:1;3:1:0:u" crm_feature_set="3.19.0"/>`
	for _, x := range []struct {
		name, policy, quorum, fencing, n2, history string
		starts                                     bool
	}{
		{"the first half is done", "freeze", "0", "true", lost, started + moved, false},
		{"it failed", "freeze", "0", "true", lost, started + moving, false},
		{"without fencing", "freeze", "0", "false", lost, started + moved, false},
		{"with quorum", "freeze", "1", "true", lost, started + moved, true},
		{"quorum ignored", "ignore", "0", "true", lost, started + moved, true},
		{"the target went down in good order", "freeze", "0", "true", down, started + moved, true},
		{"the target is here", "freeze", "0", "true", here, started + moving, true},
		{"it has been back since", "freeze", "0", "true", lost, again + moved + ill, true},
	} {
		doc, err := xml.ParseString(fmt.Sprintf(`<cib validate-with="pacemaker-4.0" admin_epoch="0" epoch="1" num_updates="0" have-quorum="%s" dc-uuid="1"><configuration>
<crm_config><cluster_property_set id="o"><nvpair id="o1" name="no-quorum-policy" value="%s"/><nvpair id="o2" name="fencing-enabled" value="%s"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources><primitive id="f" class="stonith" type="fence_xvm"/><primitive id="r" class="ocf" provider="pacemaker" type="Dummy"><meta_attributes id="m"><nvpair id="m1" name="allow-migrate" value="true"/></meta_attributes></primitive></resources>
<constraints><rsc_location id="l" rsc="r" node="n1" score="INFINITY"/></constraints></configuration>
<status><node_state id="1" uname="n1" %s><lrm id="1"><lrm_resources><lrm_resource id="r" class="ocf" provider="pacemaker" type="Dummy">%s</lrm_resource></lrm_resources></lrm></node_state><node_state id="2" uname="n2" %s><lrm id="2"><lrm_resources/></lrm></node_state></status></cib>`,
			x.quorum, x.policy, x.fencing, here, x.history, x.n2))
		if err != nil {
			t.Fatal(err)
		}
		g, err := planOf(doc.Root, time.Unix(1000, 0), func(string, ...any) {})
		if err != nil {
			t.Fatal(err)
		}
		starts := slices.ContainsFunc(g.Synapses, func(s *transition.Synapse) bool { return s.Action.Key == "r_start_0" && s.Action.Node == "n1" })
		if starts != x.starts {
			t.Errorf("%s: it is started: %v", x.name, starts)
		}
	}
}
