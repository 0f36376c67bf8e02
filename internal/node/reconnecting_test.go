package node

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hacluster/cib/xml"
	"hacluster/engine/transition"
)

// Two parts that met had both been connected to a remote node, and what runs there is not known. The whole plan starts nothing but the connection, though
// the scheduler would: not what runs nowhere as the CIB has it, and may run over the connection that is lost. With one connection it starts.
func TestPlanStartsNothingWhileConnectedFromTwoPlaces(t *testing.T) {
	const (
		entry   = `<lrm_rsc_op id="%[1]s_last_0" operation_key="%[1]s_%[2]s_0" operation="%[2]s" interval="0" call-id="1" rc-code="%[3]d" op-status="0" transition-key="1:1:%[3]d:u" transition-magic="0:%[3]d;1:1:%[3]d:u" crm_feature_set="3.19.0" op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8"/>`
		history = `<lrm_resource id="%[1]s" class="ocf" provider="pacemaker" type="%[2]s">%[3]s</lrm_resource>`
		state   = `<node_state id="%[1]s" uname="%[2]s" in_ccm="true" %[3]s><lrm id="%[1]s"><lrm_resources>%[4]s</lrm_resources></lrm></node_state>`
		member  = `crmd="online" join="member" expected="member"`
	)
	runs := func(id, typ string) string { return fmt.Sprintf(history, id, typ, fmt.Sprintf(entry, id, "start", 0)) }
	idle := func(id, typ string) string {
		return fmt.Sprintf(history, id, typ, fmt.Sprintf(entry, id, "monitor", 7))
	}
	for _, x := range []struct {
		name, second string
		want         []string
	}{
		{"from one place", idle("remote1", "remote"), []string{"start r n1"}},
		{"from two places", runs("remote1", "remote"), []string{"start remote1 n1", "stop remote1 n1", "stop remote1 n2"}},
	} {
		doc, err := xml.ParseString(`<cib validate-with="pacemaker-4.0" admin_epoch="0" epoch="1" num_updates="0" have-quorum="1" dc-uuid="1"><configuration>
<crm_config><cluster_property_set id="o"><nvpair id="o1" name="fencing-enabled" value="false"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources><primitive id="remote1" class="ocf" provider="pacemaker" type="remote"/><primitive id="r" class="ocf" provider="pacemaker" type="Dummy"/></resources>
<constraints><rsc_location id="l1" rsc="remote1" node="n1" score="100"/><rsc_location id="l2" rsc="r" node="n1" score="100"/></constraints></configuration><status>` +
			fmt.Sprintf(state, "1", "n1", member, runs("remote1", "remote")+idle("r", "Dummy")) +
			fmt.Sprintf(state, "2", "n2", member, x.second+idle("r", "Dummy")) +
			fmt.Sprintf(state, "remote1", "remote1", `remote_node="true"`, idle("r", "Dummy")) + `</status></cib>`)
		if err != nil {
			t.Fatal(err)
		}
		g, err := planOf(doc.Root, time.Unix(1000, 0), t.Logf)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range g.Synapses {
			if a := s.Action; a.Kind == transition.ResourceOp && a.Operation != "monitor" {
				got = append(got, a.Operation+" "+a.Resource.ID+" "+a.Node)
			}
		}
		if slices.Sort(got); !slices.Equal(got, x.want) {
			t.Errorf("%s: %q, not %q", x.name, got, x.want)
		}
	}
}
