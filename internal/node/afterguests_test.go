package node

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hacluster/cib/xml"
	"hacluster/engine/transition"
)

// A guest does not count as fenced before it has been looked whether its machine runs on a node that came back.
func TestAfterGuests(t *testing.T) {
	const (
		entry = `<lrm_rsc_op id="%[1]s_last_0" operation_key="%[1]s_%[2]s_0" operation="%[2]s" interval="0" call-id="1" rc-code="%[3]d" op-status="%[4]d" transition-key="1:1:%[5]d:u" transition-magic="%[4]d:%[3]d;1:1:%[5]d:u" crm_feature_set="3.19.0" op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8"/>`
		of    = `<lrm_resource id="%s" class="ocf" provider="pacemaker" type="%s"%s>%s</lrm_resource>`
	)
	not := func(id, typ, more string) string {
		return fmt.Sprintf(of, id, typ, more, fmt.Sprintf(entry, id, "monitor", 7, 0, 7))
	}
	all := not("r", "Dummy", "") + not("V", "Dummy", "") + not("g", "remote", ` container="V"`)
	for _, x := range []struct {
		name, n1 string // its history
		waits    bool
	}{
		{"a node that came back", "", true},
		{"one that was probed", all, false},
	} {
		doc, err := xml.ParseString(fmt.Sprintf(`<cib validate-with="pacemaker-4.0" admin_epoch="0" epoch="1" num_updates="0" have-quorum="1" dc-uuid="2"><configuration><crm_config/>
<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources><primitive id="f" class="stonith" type="fence_xvm"/><primitive id="V" class="ocf" provider="pacemaker" type="Dummy"><meta_attributes id="Vm"><nvpair id="Vm1" name="remote-node" value="g"/></meta_attributes></primitive><primitive id="r" class="ocf" provider="pacemaker" type="Dummy"/></resources>
<constraints><rsc_location id="l" rsc="r" node="n2" score="INFINITY"/></constraints></configuration><status>
<node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources>%s</lrm_resources></lrm></node_state>
<node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="2"><lrm_resources>%s</lrm_resources></lrm></node_state>
<node_state id="g" uname="g" remote_node="true" in_ccm="true"><lrm id="g"><lrm_resources>%s</lrm_resources></lrm></node_state></status></cib>`,
			x.n1, all, fmt.Sprintf(of, "r", "Dummy", "", fmt.Sprintf(entry, "r", "start", 0, 0, 0))))
		if err != nil {
			t.Fatal(err)
		}
		g, err := planOf(doc.Root, time.Unix(1000, 0), func(string, ...any) {})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(g.Synapses, func(s *transition.Synapse) bool { return s.Action.Operation == "stonith" && s.Action.Node == "g" })
		if i < 0 {
			t.Errorf("%s: the guest is not fenced", x.name)
			continue
		}
		if waits := slices.ContainsFunc(g.Synapses[i].Inputs, func(in *transition.Action) bool { return in.Key == "V_monitor_0" && in.Node == "n1" }); waits != x.waits {
			t.Errorf("%s: its fencing waits: %v", x.name, waits)
		}
	}
}
