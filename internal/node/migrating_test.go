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

// A resource is to migrate live to a remote node whose connection is to be recovered first: to the scheduler, as to Pacemaker's, the second half
// of the migration comes before the connection ends, and the first is not needed. It is stopped and started, but where the first half was done.
func TestSecondHalfOfAMigrationAlone(t *testing.T) {
	const (
		entry   = `<lrm_rsc_op id="%[1]s_%[2]s" operation_key="%[1]s_%[3]s_%[8]d" operation="%[3]s" interval="%[8]d" call-id="%[4]d" rc-code="%[5]d" op-status="%[6]d" transition-key="1:1:%[7]d:u" transition-magic="%[6]d:%[5]d;1:1:%[7]d:u" crm_feature_set="3.19.0" op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8" migrate_source="remote2" migrate_target="remote1"/>`
		history = `<lrm_resource id="%[1]s" class="ocf" provider="pacemaker" type="%[2]s">%[3]s</lrm_resource>`
	)
	started := func(id string) string { return fmt.Sprintf(entry, id, "last_0", "start", 1, 0, 0, 0, 0) }
	lost := fmt.Sprintf(entry, "remote1", "last_failure_0", "monitor", 2, 1, 4, 0, 10000)
	for _, x := range []struct {
		name, connection, on1, on2 string
		want                       []string
	}{
		{"the connection is there", started("remote1"), "", started("r"), []string{"migrate_from", "migrate_to", "stop"}},
		{"the connection is lost", started("remote1") + lost, "", started("r"), []string{"start", "stop"}},
		{"the first half was done", started("remote1"), fmt.Sprintf(entry, "r", "last_0", "monitor", 1, 7, 0, 7, 0) + fmt.Sprintf(entry, "r", "migrate_from_0", "migrate_from", 2, 193, -1, 0, 0), started("r") + fmt.Sprintf(entry, "r", "migrate_to_0", "migrate_to", 2, 0, 0, 0, 0), []string{"migrate_from", "stop"}},
	} {
		doc, err := xml.ParseString(fmt.Sprintf(`<cib validate-with="pacemaker-4.0" admin_epoch="0" epoch="1" num_updates="0" have-quorum="1" dc-uuid="1"><configuration>
<crm_config><cluster_property_set id="o"><nvpair id="o2" name="fencing-enabled" value="true"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/></nodes>
<resources><primitive id="f" class="stonith" type="fence_xvm"/>
<primitive id="remote1" class="ocf" provider="pacemaker" type="remote"/><primitive id="remote2" class="ocf" provider="pacemaker" type="remote"/>
<primitive id="r" class="ocf" provider="pacemaker" type="Dummy"><meta_attributes id="m"><nvpair id="a" name="allow-migrate" value="true"/></meta_attributes></primitive></resources>
<constraints><rsc_location id="l" rsc="r" node="remote1" score="INFINITY"/></constraints></configuration>
<status><node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources>%s%s%s</lrm_resources></lrm></node_state>
<node_state id="remote1" uname="remote1" remote_node="true" in_ccm="true" node_fenced="1"><lrm id="remote1"><lrm_resources>%s</lrm_resources></lrm></node_state>
<node_state id="remote2" uname="remote2" remote_node="true" in_ccm="true"><lrm id="remote2"><lrm_resources>%s</lrm_resources></lrm></node_state></status></cib>`,
			fmt.Sprintf(history, "remote1", "remote", x.connection), fmt.Sprintf(history, "remote2", "remote", started("remote2")),
			fmt.Sprintf(history, "r", "Dummy", fmt.Sprintf(entry, "r", "last_0", "monitor", 3, 7, 0, 7, 0)), fmt.Sprintf(history, "r", "Dummy", x.on1), fmt.Sprintf(history, "r", "Dummy", x.on2)))
		if err != nil {
			t.Fatal(err)
		}
		g, err := planOf(doc.Root, time.Unix(1000, 0), func(string, ...any) {})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range g.Synapses {
			if a := s.Action; a.Kind == transition.ResourceOp && a.Resource.ID == "r" && a.Operation != "monitor" {
				got = append(got, a.Operation)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, x.want) {
			t.Errorf("%s: %v, not %v", x.name, got, x.want)
		}
	}
}
