package node

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hacluster/cib/xml"
	"hacluster/engine/transition"
)

// A resource that is coming up on n2, of which the source's history tells nothing any more, is started nowhere else before
// that has ended, or n2 was fenced.
func TestAfterMigrations(t *testing.T) {
	const (
		entry   = `<lrm_rsc_op id="r_%[1]s" operation_key="r_%[2]s_0" operation="%[2]s" interval="0" call-id="%[3]d" rc-code="%[4]d" op-status="%[5]d" transition-key="1:1:%[6]d:u" transition-magic="%[5]d:%[4]d;1:1:%[6]d:u" crm_feature_set="3.19.0" op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8" migrate_source="n1" migrate_target="n2"/>`
		member  = `in_ccm="true" crmd="online" join="member" expected="member"`
		lost    = `in_ccm="false" crmd="offline" join="down" expected="member"`
		history = `<node_state id="%[1]d" uname="n%[1]d" %[2]s><lrm id="%[1]d"><lrm_resources><lrm_resource id="r" class="ocf" provider="pacemaker" type="Dummy">%[3]s</lrm_resource></lrm_resources></lrm></node_state>`
	)
	probe := fmt.Sprintf(entry, "last_0", "monitor", 1, 7, 0, 7)
	pending := fmt.Sprintf(entry, "migrate_from_0", "migrate_from", -1, 193, -1, 0)
	for _, x := range []struct {
		name, fencing, n2, on2 string
		starts, waits          bool
	}{
		{"nothing under way", "false", member, probe, true, false},
		{"under way", "false", member, probe + pending, false, false},
		{"lost, and to be fenced", "true", lost, probe + pending, true, true},
		{"lost without fencing", "false", lost, probe + pending, true, false},
		{"it failed", "false", member, probe + fmt.Sprintf(entry, "migrate_from_0", "migrate_from", 2, 1, 0, 0), true, false},
	} {
		doc, err := xml.ParseString(fmt.Sprintf(`<cib validate-with="pacemaker-4.0" admin_epoch="0" epoch="1" num_updates="0" have-quorum="1" dc-uuid="1"><configuration>
<crm_config><cluster_property_set id="o"><nvpair id="o2" name="fencing-enabled" value="%s"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources><primitive id="f" class="stonith" type="fence_xvm"/><primitive id="r" class="ocf" provider="pacemaker" type="Dummy"/></resources>
<constraints><rsc_location id="l" rsc="r" node="n1" score="100"/></constraints></configuration>
<status>%s%s</status></cib>`, x.fencing, fmt.Sprintf(history, 1, member, probe), fmt.Sprintf(history, 2, x.n2, x.on2)))
		if err != nil {
			t.Fatal(err)
		}
		g, err := planOf(doc.Root, time.Unix(1000, 0), func(string, ...any) {})
		if err != nil {
			t.Fatal(err)
		}
		var start *transition.Synapse
		for _, s := range g.Synapses {
			if s.Action.Key == "r_start_0" && s.Action.Node == "n1" {
				start = s
			}
		}
		if (start != nil) != x.starts {
			t.Errorf("%s: it is started: %v", x.name, start != nil)
			continue
		}
		if start != nil && slices.ContainsFunc(start.Inputs, func(in *transition.Action) bool { return in.Operation == "stonith" }) != x.waits {
			t.Errorf("%s: it waits for fencing: %v", x.name, !x.waits)
		}
	}
}

// With a remote node that is connected to from two places, only what the new connection needs is started.
func TestAfterReconnections(t *testing.T) {
	for _, c := range []struct {
		name  string
		graph *transition.Graph
		want  string
	}{
		{
			"from two places",
			graph([][]int{{6}, {}, {0, 1, 3}, {}, {}, {4}, {}, {}, {}}, "stop remote1 n1", "stop remote1 n2", "start remote1 n1", "start VM n1", "start A n1", "monitor A n1", "stop B remote1", "promote C n2", "stop D n2"),
			"[[] [] [0 1 3] [] []]",
		},
		{
			"from one",
			graph([][]int{{}, {0}, {}}, "stop remote1 n1", "start remote1 n2", "start A n1"), "[[] [0] []]",
		},
		{
			"for good",
			graph([][]int{{}, {}, {}}, "stop remote1 n1", "stop remote1 n2", "start A n1"), "[[] [] []]",
		},
	} {
		afterReconnections(c.graph, t.Logf)
		if got := waitsFor(c.graph); got != c.want {
			t.Errorf("%s: %s, not %s", c.name, got, c.want)
		}
	}
}
