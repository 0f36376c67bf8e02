package controller

import (
	"fmt"
	"slices"
	"testing"

	"hacluster/cib"
	"hacluster/cib/xml"
)

// A migration is over when a probe on its source found nothing since, and something else was done on its target.
func TestMigrationsThatAreOver(t *testing.T) {
	for _, x := range []struct {
		name, source, target string
		over                 bool
	}{
		{"probed, and started there", `operation="monitor" interval="0" rc-code="7" op-status="0" call-id="9" last-rc-change="120"`, `operation="start" op-status="0" rc-code="0" last-rc-change="130"`, true},
		{"probed before", `operation="monitor" interval="0" rc-code="7" op-status="0" call-id="2" last-rc-change="90"`, `operation="start" op-status="0" rc-code="0" last-rc-change="130"`, false},
		{"a probe is under way", `operation="monitor" interval="0" rc-code="193" op-status="-1" call-id="-1" last-rc-change="120"`, `operation="start" op-status="0" rc-code="0" last-rc-change="130"`, false},
		{"started before", `operation="monitor" interval="0" rc-code="7" op-status="0" call-id="9" last-rc-change="120"`, `operation="start" op-status="0" rc-code="0" last-rc-change="90"`, false},
		{"still on its way", `operation="monitor" interval="0" rc-code="7" op-status="0" call-id="9" last-rc-change="120"`, `operation="migrate_from" op-status="0" rc-code="0" last-rc-change="130"`, false},
	} {
		w := begin()
		const id = "r_migrate_to_0']|/cib/configuration|/x[@y='" // whoever may write to the status names the entries
		doc, err := cib.Parse(fmt.Appendf(nil, `<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0"><configuration><crm_config/><nodes/><resources/><constraints/></configuration><status>
<node_state id="1" uname="n1"><lrm id="1"><lrm_resources><lrm_resource id="r"><lrm_rsc_op id="r_last_0" %s/>
<lrm_rsc_op id="%s" operation="migrate_to" op-status="0" rc-code="0" call-id="5" last-rc-change="100" migrate_source="n1" migrate_target="n2"/></lrm_resource></lrm_resources></lrm></node_state>
<node_state id="2" uname="n2"><lrm id="2"><lrm_resources><lrm_resource id="r"><lrm_rsc_op id="r_last_0" %s/></lrm_resource></lrm_resources></lrm></node_state></status></cib>`, x.source, id, x.target))
		if err != nil {
			t.Fatal(err)
		}
		w.root, w.updates = doc.Root, nil
		var forgotten []string
		got := w.c.forgetMigrations()
		for _, u := range w.updates {
			found, err := xml.Select(doc.Root, u.Section)
			if err != nil {
				t.Errorf("%s: %s: %v", x.name, u.Section, err)
			}
			for _, m := range found {
				forgotten = append(forgotten, m.Element.SelectAttrValue("id", m.Element.Tag))
			}
		}
		if got != x.over || slices.Equal(forgotten, []string{id}) != x.over {
			t.Errorf("%s: over: %v, forgotten: %q", x.name, got, forgotten)
		}
	}
}
